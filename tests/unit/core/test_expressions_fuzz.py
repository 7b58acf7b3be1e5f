"""Properties that hold for every text. A call that hangs ends in the time-out of the test run."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from mulligan.core.expressions import (
    Context,
    ExpressionError,
    Value,
    condition_holds,
    evaluate,
    is_true,
    substitute_classic,
    substitute_constrained,
    to_output,
    to_text,
)
from mulligan.core.expressions.values import is_equal, is_less

VARIABLES = {
    "a": "1",
    "a.b": "x",
    "a.b.c": "false",
    "a.0": "",
    "v": "${{ a.b }} ${a.b} '",
    "w": '[1,{"b":[]},"${v}"]',
}
# Pieces of which a random text has a fair chance to be an expression.
WORDS = (
    "a a.b v w . .* .0 [ ] [0] [*] ( ) ( ) w) ! == != < <= > >= && || , '' 'x' 'it''s' ' \" 1 "
    "-2.5e3 + null true false NaN Infinity contains( startsWith( endsWith( format( join( toJSON( "
    "fromJSON( strToTime( hashFiles( '{0}' '2023-03-15' ${ ${{ }} } # é 中 \U0001f600 \ud800"
)
PIECES = st.sampled_from([*WORDS.split(" "), " ", "\n", "\x00"])
ATOMS = st.sampled_from(
    [
        "a",
        "a.b",
        "a.b.c",
        "a.0",
        "a.*",
        "v",
        "w",
        "null",
        "true",
        "false",
        "NaN",
        "Infinity",
        "0",
        "1",
        "-2.5",
        "''",
        "'x'",
        "'true'",
        "'2023-03-15'",
    ]
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Build longer expressions of shorter ones."""
    one = st.sampled_from(
        [
            "({})",
            "!{}",
            "({}).b",
            "a[{}]",
            "fromJSON(w)[{}]",
            "toJSON({})",
            "fromJSON({})",
            "join({})",
        ]
    )
    two = st.sampled_from(
        [f"{{}} {mark} {{}}" for mark in ["||", "&&", "==", "!=", "<", "<=", ">", ">="]]
        + [
            f"{name}({{}}, {{}})"
            for name in ["contains", "startsWith", "endsWith", "join", "format"]
        ]
        + ["format('{{0}}{{{{{{1}}', {}, {})", "({}).*[{}]"]
    )
    return st.builds(str.format, one, inner) | st.builds(str.format, two, inner, inner)


EXPRESSIONS = st.recursive(ATOMS, grown, max_leaves=8)
TEXTS = EXPRESSIONS | st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60)
CONTEXTS = st.sampled_from(
    [
        Context.from_flat(VARIABLES),
        Context.from_tree({"a": {"b": [1, None, {"c": 2}]}, "v": None, "w": "[1]"}),
    ]
)
VALUES = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["true", "false", " 1 ", "1e3"])
    | st.lists(st.none(), max_size=1)
    | st.dictionaries(st.just("k"), st.none(), max_size=1)
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON_DATA = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)

# No deadline: how long an example takes is no property. The profile of the run sets how many.
fuzz = settings(deadline=None)


def error_of(text: str, context: Context) -> ExpressionError | None:
    """Evaluate and print; give the error, if there is one."""
    try:
        value = evaluate(text, context)
        assert isinstance(to_text(value), str)
        assert isinstance(to_output(value), str)
        assert is_true(value) in {True, False}
    except ExpressionError as error:
        return error
    return None


@fuzz
@given(TEXTS, CONTEXTS)
def test_every_text_gives_a_value_or_an_expression_error(text: str, context: Context) -> None:
    """No other exception comes out, and the column of an error is in the text."""
    error = error_of(text, context)

    if error is not None:
        assert 0 <= error.position <= len(text)
        assert error.kind in {"parse", "limit", "format", "cost", "unavailable"}


@fuzz
@given(EXPRESSIONS)
def test_an_expression_that_is_built_right_is_parsed(text: str) -> None:
    """What the grammar allows may fail to be computed, but not to be read."""
    error = error_of(text, Context.from_flat(VARIABLES))

    assert error is None or error.kind in {"format", "limit", "cost"}


@fuzz
@given(TEXTS)
def test_what_parses_is_evaluated_the_same_with_blanks_around(text: str) -> None:
    """Blanks around an expression mean nothing."""
    context = Context.from_flat(VARIABLES)
    try:
        expected = to_output(evaluate(text, context))
    except ExpressionError:
        return

    assert to_output(evaluate(f" \t{text}\n ", context)) == expected


@fuzz
@given(st.text(alphabet="()[]!a.*'&|=<>,0 f", max_size=200))
def test_brackets_and_operators_in_any_order_are_parsed_or_refused(text: str) -> None:
    """The column of an error is in the text, also in one made of marks."""
    error = error_of(text, Context.from_tree({"a": 1.0, "f": "f"}))

    assert error is None or 0 <= error.position <= len(text)


@fuzz
@given(TEXTS)
def test_every_text_can_be_substituted(text: str) -> None:
    """Substitution of a small text never fails, in both ways."""
    context = Context.from_flat(VARIABLES)

    assert isinstance(substitute_classic(text, VARIABLES.get), str)
    assert isinstance(substitute_classic(text, VARIABLES.get, skip_comments=True), str)
    assert isinstance(substitute_constrained(text, context), str)


@fuzz
@given(st.text(alphabet=st.characters(exclude_characters="$")))
def test_a_text_without_placeholders_stays(text: str) -> None:
    """Without a dollar sign there is nothing to replace."""
    assert substitute_classic(text, VARIABLES.get) == text
    assert substitute_classic(text, VARIABLES.get, skip_comments=True) == text
    assert substitute_constrained(text, Context.from_flat(VARIABLES)) == text


@fuzz
@given(TEXTS)
def test_unknown_names_stay(text: str) -> None:
    """Classic substitution with no variables changes nothing."""
    assert substitute_classic(text, lambda name: None) == text


@fuzz
@given(TEXTS, st.booleans())
def test_every_condition_is_judged(text: str, blank: bool) -> None:
    """A condition holds or not, and never fails."""
    holds = condition_holds(text, VARIABLES, blank=blank)

    assert holds in {True, False}


@fuzz
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=8), st.text(max_size=8))
def test_every_flat_name_can_be_used(variables: dict[str, str], text: str) -> None:
    """Names of any shape make a context, and those that are no prefix are found whole."""
    context = Context.from_flat(variables)

    for root in context.roots:
        assert context.has_root(root)
        to_output(context.get_root(root))
    for name, expected in variables.items():
        if "." not in name and not any(other.startswith(f"{name}.") for other in variables):
            assert context.get_root(name) == expected
    assert text in context.roots or not context.has_root(text)


@fuzz
@given(VALUES, VALUES)
def test_comparison_is_consistent(left: Value, right: Value) -> None:
    """Equality has no direction, and of less, equal and greater at most one holds."""
    assert is_equal(left, right) == is_equal(right, left)
    assert is_less(left, right) + is_less(right, left) + is_equal(left, right) <= 1


@fuzz
@given(JSON_DATA)
def test_json_goes_both_ways(data: object) -> None:
    """What toJSON writes is JSON, and fromJSON reads the same data from it."""
    context = Context.from_tree({"data": [data]})

    text = to_output(evaluate("fromJSON(toJSON(fromJSON(toJSON(data))))", context))

    assert json.loads(text) == [data]
