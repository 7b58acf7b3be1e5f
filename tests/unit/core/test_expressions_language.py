"""What the vectors do not show: forms, coercion, functions, errors and their columns, limits."""

import math
from typing import Any

import pytest

from mulligan.core.expressions import (
    Context,
    ExpressionError,
    Value,
    evaluate,
    is_true,
    parse,
    to_output,
    to_text,
)
from mulligan.core.expressions.values import to_number

TREE = {
    "a": {
        "list": [1, "x", None, [2], {"k": "in list"}],
        "object": {"k": "v", "0": "zero", "": "empty", "null": "a word"},
        "big": 10**400,
        "debt": -(10**400),
        "pairs": [{"n": 1, "t": None}, {"t": "second"}, 7, ["first", "second"]],
    },
    "n": 1,
    "t": "it's",
}


def value_of(text: str) -> Value:
    return evaluate(text, Context.from_tree(TREE))


def error_of(text: str, tree: dict[str, Any] | None = None) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, Context.from_tree(TREE if tree is None else tree))
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true || false && false", True),
        ("(true || false) && false", False),
        ("false == 1 < 2", False),
        ("3 > 2 > 1", False),
        ("1 == 1 != false", True),
        ("!a.list == false", True),
        ("!!n", True),
        (".5", 0.5),
        ("+5.", 5.0),
        ("1e+3", 1000.0),
        ("  n\t\n", 1.0),
        ("'a''''b'", "a''b"),
        ("''", ""),
        ("'x'.y", None),
        ("a . object . k", "v"),
        ("a.object.null", "a word"),
        ("(a).object['k']", "v"),
        ("a.list[4].k", "in list"),
        ("a.list.4.k", "in list"),
        ("a.list.3.0", 2.0),
        ("a.list['1']", "x"),
        ("a.list[1.5]", None),
        ("a.list[-1]", None),
        ("a.list[NaN]", None),
        ("a.list[Infinity]", None),
        ("a.list['']", None),
        ("a.list[true]", None),
        ("a.list.k", None),
        ("a.object[0]", "zero"),
        ("a.object.0", "zero"),
        ("a.object[null]", "empty"),
        ("a.object[a.list]", None),
        ("a.object[!n]", None),
        ("n.x.y", None),
        ("a.big", math.inf),
        ("a.debt", -math.inf),
        ("n && a.object.k || 'none'", "v"),
    ],
)
def test_a_form_gives_its_value(text: str, expected: object) -> None:
    """Precedence, numbers, texts, paths and indices work as the grammar says."""
    value = value_of(text)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.pairs.*.t", '[null,"second"]'),
        ("a.pairs.*.n", "[1]"),
        ("a.pairs[*][1]", '["second"]'),
        ("a.pairs.*.*", '[1,null,"second","first","second"]'),
        ("a.object.*", '["v","zero","empty","a word"]'),
        ("n.*", "[]"),
        ("a.missing.*.k", "[]"),
        ("a.list.*[*]", '[2,"in list"]'),
    ],
)
def test_a_wildcard_gives_all_values(text: str, expected: str) -> None:
    """A key after a wildcard is taken from each item, and items without it are dropped."""
    value = value_of(text)

    assert to_output(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true == '1'", True),
        ("'true' < true", False),
        ("false < 'true'", True),
        ("null <= null", True),
        ("null < 1", True),
        ("null == a.object", False),
        ("a.object == 'Object'", False),
        ("a.list < a.list", False),
        ("a.list >= a.list", True),
        ("a.list.* == a.list.*", False),
        ("' 7 ' == 7", True),
        ("'0x7' == 7", False),
        ("'1_0' == 10", False),
        ("'-Infinity' < 0", True),
        ("'nan' == 0", False),
        ("NaN <= NaN", False),
        ("NaN != NaN", True),
        ("'é' < 'z'", False),
        # By code unit, not by code point: the first character is a surrogate pair.
        ("'\U0001f600' < '\uff5e'", True),
    ],
)
def test_values_of_two_kinds_are_compared_after_coercion(text: str, *, expected: bool) -> None:
    """Null and booleans become numbers, texts become numbers beside one, collections stay."""
    value = value_of(text)

    assert value is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contains(a.object, 'k')", False),
        ("contains('Array', a.list)", False),
        ("contains(a.list, '1')", True),
        ("contains(a.list, null)", True),
        ("contains(fromJSON('[]'), '')", False),
        ("contains(null, '')", True),
        ("STARTSWITH(t, 'it')", True),
        ("join(a.list)", "1,x,,Array,Object"),
        ("join(a.list, 0)", "10x00Array0Object"),
        ("join(a.object)", ""),
        ("join(null)", ""),
        ("format('{0}{0}}}', n)", "11}"),
        ("format('{{{0}}}', t)", "{it's}"),
        ("format('plain')", "plain"),
        ("toJSON(null)", None),
        ("toJSON(t)", '"it\'s"'),
        ("toJSON(a.list)", '[1,"x",null,[2],{"k":"in list"}]'),
        ("toJSON(a.big)", "null"),
        (
            "toJSON(fromJSON('[true,false,0.125,1e300,\"é\\n\"]'))",
            '[true,false,0.125,1e+300,"é\\n"]',
        ),
        ("fromJSON('\"\\ud83d\\ude00\"')", "\U0001f600"),
        ("fromJSON('12')", 12.0),
    ],
)
def test_a_function_gives_its_value(text: str, expected: object) -> None:
    """Functions take every kind of value, and their names in any case."""
    value = value_of(text)

    assert value == expected
    assert type(value) is type(expected)


def test_a_time_is_counted_in_milliseconds() -> None:
    """The number of a time is milliseconds since 1970, with the wall clock taken as UTC."""
    value = value_of("strToTime('1970-01-02 00:00:01')")

    assert value == 86_401_000.0


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("  ", 2),
        ("n &&", 4),
        ("n == ", 5),
        ("n n", 2),
        ("n = 1", 2),
        ("n & 1", 2),
        ("n + 1", 2),
        ("n -1", 2),
        ('n == "x"', 5),
        ("n == 'x", 5),
        ("n == 0x1F", 5),
        ("n == 1.2.3", 5),
        ("(n", 2),
        ("(n]", 2),
        ("()", 1),
        ("n)", 1),
        ("a[0", 3),
        ("a[]", 2),
        ("a[*", 3),
        ("a.", 1),
        ("a.-", 1),
        ("a.0x", 1),
        ("*", 0),
        ("n, n", 1),
        ("join(n,)", 7),
        ("join(,n)", 5),
        ("join(n", 6),
        ("a.list && missing", 10),
        ("true || missing.x", 8),
        ("True", 0),
        ("nope(n)", 0),
        ("n == nope(n)", 5),
        ("join()", 0),
        ("n == contains(n)", 5),
        ("contains(n, n, n)", 0),
        ("a.中", 1),
    ],
)
def test_a_parse_error_tells_the_column(text: str, position: int) -> None:
    """The column is that of the first token which can't be there."""
    error = error_of(text)

    assert (error.kind, error.position) == ("parse", position)
    assert str(error).endswith(f"(column {position + 1})")


@pytest.mark.parametrize(
    ("text", "kind", "position"),
    [
        ("n && format('{1}', n)", "format", 5),
        ("format('{0} {x}', n)", "format", 0),
        ("format('{9999}', n)", "format", 0),
        ("fromJSON('{')", "format", 0),
        ("fromJSON('')", "format", 0),
        ("fromJSON('[NaN]')", "format", 0),
        ("fromJSON('\"\\ud83d\"')", "format", 0),
        ("strToTime('2023-02-30')", "format", 0),
        ("strToTime('2023-02-03 24:00:00')", "format", 0),
        ("strToTime(n)", "format", 0),
        ("!hashFiles('*.txt')", "unavailable", 1),
    ],
)
def test_a_function_refuses_what_it_can_not_read(text: str, kind: str, position: int) -> None:
    """The error has the kind of the failure and the column of the call."""
    error = error_of(text)

    assert (error.kind, error.position) == (kind, position)


def test_an_operand_that_decides_keeps_the_rest_from_running() -> None:
    """An error behind a decided ``&&`` or ``||`` does not happen."""
    value = value_of("n || fromJSON('{') && fromJSON('{')")

    assert value == 1.0


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("(", ")"), ("!", ""), ("join(", ")"), ("a[", "]"), ("a && a == a < (", ")")],
)
def test_nesting_ends_at_fifty(opening: str, closing: str) -> None:
    """Fifty levels are computed, and the bracket of the next one is refused."""
    allowed = value_of(opening * 50 + "a" + closing * 50)
    refused = error_of(opening * 51 + "a" + closing * 51)

    assert allowed is not None or opening == "a["
    assert refused.kind == "limit"
    assert refused.position == 51 * len(opening) - 1 if opening != "!" else 50


def test_length_ends_at_21000_characters() -> None:
    """The longest text is computed, and one more character is refused."""
    longest = "n" + " " * 20_999

    allowed = value_of(longest)
    refused = error_of(longest + " ")

    assert allowed == 1.0
    assert (refused.kind, refused.position) == ("limit", 21_000)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("format('{0}{0}{0}{0}{0}{0}{0}{0}{0}{0}'," * 40 + "t" + ")" * 40, "cost"),
        ("||".join(["contains(many, 'no')"] * 500), "cost"),
        ("||".join(["contains(texts, 'no')"] * 500), "cost"),
        ("||".join(["long == 'no'"] * 500), "cost"),
        ("||".join(["contains(long, 'no')"] * 500), "cost"),
        ("||".join(["join(many) == 'no'"] * 500), "cost"),
        ("||".join(["toJSON(many) == 'no'"] * 500), "cost"),
        ("||".join(["fromJSON(json) == 'no'"] * 500), "cost"),
        ("square.*.*.*", "cost"),
        ("fromJSON(huge)", "limit"),
        ("fromJSON('" + "[" * 20_000 + "')", "limit"),
        ("toJSON(fromJSON('" + "[" * 102 + "]" * 102 + "'))", "limit"),
    ],
)
def test_work_has_an_end(text: str, kind: str) -> None:
    """No expression may cost without bound, whatever its variables hold."""
    tree = {
        "t": "x" * 1000,
        "many": list(range(1000)),
        "texts": ["x" * 100_000],
        "long": "x" * 100_000,
        "json": "[" + "1," * 50_000 + "1]",
        "square": [[[0] * 1000] * 1000] * 1000,
        "huge": " " * 1_000_001,
    }

    error = error_of(text, tree)

    assert error.kind == kind


def test_a_long_flat_chain_is_no_deep_one() -> None:
    """Operators and properties side by side do not count as nesting."""
    value = value_of("||".join(["a.object.k.b.c.d"] * 1000))

    assert value is None


def test_parse_knows_roots_only_when_they_are_given() -> None:
    """Without roots every name is allowed; with roots an unknown one is an error."""
    text = "known.x == unknown.x"

    parse(text)
    parse(text, roots={"known", "unknown"})
    with pytest.raises(ExpressionError) as caught:
        parse(text, roots={"known"})

    assert (caught.value.kind, caught.value.position) == ("parse", 11)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (5.0, "5"),
        (-2.5, "-2.5"),
        (0.1 + 0.2, "0.3"),
        (1e-11, "0.00000000001"),
        (-1e-12, "0"),
        (1e20, "100000000000000000000"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_a_number_has_up_to_eleven_decimals(number: float, text: str) -> None:
    """The text form has no exponent and no trailing zeros."""
    assert to_text(number) == text


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (None, False),
        (False, False),
        (True, True),
        (0.0, False),
        (math.nan, False),
        (-1.0, True),
        ("", False),
        (" \t", False),
        ("false", False),
        ("False", True),
        ("0", True),
        ([], True),
        ({}, True),
    ],
)
def test_a_value_has_a_truth(value: Value, *, truth: bool) -> None:
    """Only null, false, 0, NaN, blank text and the text ``false`` are false."""
    assert is_true(value) is truth


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, 0.0), (True, 1.0), (False, 0.0), (2.5, 2.5), (" ", 0.0), (" -1e2 ", -100.0)],
)
def test_a_value_has_a_number(value: Value, number: float) -> None:
    """Primitives are numbers as the table of coercion says."""
    assert to_number(value) == number


@pytest.mark.parametrize("value", ["x", "1_000", "0x10", "nan", "\uff11", [], {}])
def test_a_value_that_is_no_number_is_nan(value: Value) -> None:
    """Only decimal texts are numbers, and collections never are."""
    assert math.isnan(to_number(value))


def test_a_tree_must_be_json_like() -> None:
    """Data of a kind that JSON does not know is a mistake of the caller, named by its type."""
    context = Context.from_tree({"a": {"b": {1, 2}}})

    with pytest.raises(TypeError, match="set"):
        evaluate("a.b", context)
