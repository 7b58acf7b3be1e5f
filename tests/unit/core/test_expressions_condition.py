"""The rule by which conditions of stages, jobs and steps are judged."""

import pytest

from mulligan.core.expressions import condition_holds, judge_condition

VARIABLES = {"variables.a": "x", "a": "x", "old.name": "shown", "word": "'x'", "blank": ""}


@pytest.mark.parametrize("blank", [True, False])
@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_blank_condition_is_what_the_caller_says(text: str, *, blank: bool) -> None:
    """Steps run on a blank condition, stages and jobs do not."""
    assert condition_holds(text, VARIABLES, blank=blank) is blank


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'${a}' == 'x'", True),
        ("'${{ variables.a }}' == 'x'", True),
        ("${{ word }} == variables.a", True),
        ("${a} == 'x'", False),
        ("${unknown} == 'x'", False),
        ("${{ variables.a == 'x' }}", False),
        ("${blank}", False),
        ("format('{1}', 'x')", False),
        ("hashFiles('x') == 'x'", False),
        ("format('{0}', variables.a) == 'x'", True),
    ],
)
def test_placeholders_come_first_and_errors_are_false(text: str, *, expected: bool) -> None:
    """Placeholders are replaced by raw text, and any error makes the condition false."""
    assert condition_holds(text, VARIABLES, blank=True) is expected


def test_hidden_names_serve_placeholders_only() -> None:
    """An old-style name is no name of the expression, but its placeholder is replaced."""
    hidden = frozenset({"old.name"})

    by_path = condition_holds("old.name == 'shown'", VARIABLES, blank=True, hidden=hidden)
    by_placeholder = condition_holds(
        "'${old.name}' == 'shown'", VARIABLES, blank=True, hidden=hidden
    )
    not_hidden = condition_holds("old.name == 'shown'", VARIABLES, blank=True)

    assert (by_path, by_placeholder, not_hidden) == (False, True, True)


def test_a_verdict_tells_why_a_condition_is_wrong() -> None:
    """The error comes with the text in which its column counts."""
    verdict = judge_condition("'x' == ${a}", VARIABLES, blank=True)

    assert not verdict.holds
    assert verdict.expression == "'x' == x"
    assert verdict.error is not None
    assert (verdict.error.kind, verdict.error.position) == ("parse", 7)


def test_a_verdict_of_a_right_condition_has_no_error() -> None:
    """A condition that is simply false is no mistake of its author."""
    verdict = judge_condition("variables.a == 'y'", VARIABLES, blank=True)

    assert not verdict.holds
    assert verdict.error is None


def test_a_condition_whose_placeholders_explode_is_false() -> None:
    """Also the replacement before the evaluation may fail without an exception."""
    variables = {"a": "${b}" * 10_000, "b": "x" * 10_000}

    assert condition_holds("${a}", variables, blank=True) is False
