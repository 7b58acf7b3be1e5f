"""Contexts made of flat dotted names."""

import pytest

from mulligan.core.expressions import Context, ExpressionError, evaluate, is_true, to_output

VARIABLES = {
    "jobs.build.10.name": "ten",
    "jobs.build.2.name": "two",
    "jobs.build.0.name": "zero",
    "jobs.build.name": "parent",
    "list.10": "c",
    "list.9": "b",
    "list.0": "a",
    "both": "own text",
    "both.child": "v",
    "both.deep": "own deep text",
    "both.deep.child": "w",
    "plain": "p",
    "old.name": "hidden one",
    "variables.中文": "named",
    "variables.": "blank key",
}


def output_of(text: str) -> str:
    return to_output(evaluate(text, Context.from_flat(VARIABLES)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "p"),
        ("plain.x", ""),
        ("jobs.build.name", "parent"),
        ("jobs.build[10].name", "ten"),
        ("jobs['build'].2.name", "two"),
        ("jobs.build[1].name", ""),
        ("join(jobs.build.*.name)", "ten,two,zero"),
        ("join(list.*)", "a,b,c"),
        ("list", '{"0":"a","9":"b","10":"c"}'),
        ("variables['中文']", "named"),
        ("variables['']", "blank key"),
        ("variables.x", ""),
        ("toJSON(variables)", '{"中文":"named","":"blank key"}'),
    ],
)
def test_names_are_a_tree_split_at_dots(text: str, expected: str) -> None:
    """Parts are keys, numeric parts also answer to an index, and come in order of number."""
    assert output_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("both", "own text"),
        ("both.child", "v"),
        ("both.deep", "own deep text"),
        ("toJSON(both)", '{"child":"v","deep":{"child":"w"}}'),
        ("format('{0}', both)", "Object"),
        ("both == 'own text'", "false"),
        ("both == both", "true"),
        ("both.deep == both.deep", "true"),
        ("both && 'yes'", "yes"),
    ],
)
def test_a_name_with_text_and_children_computes_as_its_children(text: str, expected: str) -> None:
    """Its own text is seen only when it is printed alone."""
    assert output_of(text) == expected


def test_hidden_names_do_not_exist() -> None:
    """A root that has only hidden names is unknown, and a visible name beside one stays."""
    variables = {"old.name": "x", "both.hidden": "x", "both.seen": "y", "both.hidden.not": "z"}
    context = Context.from_flat(variables, hidden={"old.name", "both.hidden"})

    with pytest.raises(ExpressionError, match="'old'"):
        evaluate("old.name", context)

    assert context.roots == {"both"}
    assert to_output(evaluate("both", context)) == '{"seen":"y","hidden":{"not":"z"}}'
    assert to_output(evaluate("both.hidden", context)) == '{"not":"z"}'


def test_many_keys_of_one_object_are_all_found() -> None:
    """The index that is made after some keys answers as the passes before it did."""
    variables = {f"v.k{number}": str(number) for number in range(50)}
    context = Context.from_flat(variables)

    found = [evaluate(f"v.k{number}", context) for number in range(51)]

    assert found == [*map(str, range(50)), None]


def test_roots_are_the_first_parts() -> None:
    """The names that may begin a path are listed once each."""
    roots = Context.from_flat(VARIABLES).roots

    assert roots == {"jobs", "list", "both", "plain", "old", "variables"}


def test_a_flat_object_is_true() -> None:
    """An object is true, also when its own text is ``false``."""
    value = evaluate("flag", Context.from_flat({"flag": "false", "flag.x": "1"}))

    assert is_true(value)


def test_a_search_through_very_many_names_is_paid_for() -> None:
    """Names as long as a whole expression can't make it slow."""
    deep = ".".join(["a"] * 3000)
    context = Context.from_flat({f"{deep}.{number}": "x" for number in range(2000)})

    with pytest.raises(ExpressionError) as caught:
        evaluate(deep, context)

    assert caught.value.kind == "cost"
