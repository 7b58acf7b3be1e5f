"""Replacement of placeholders in texts, beyond the vectors."""

import pytest

from mulligan.core.expressions import (
    Context,
    ExpressionError,
    substitute_classic,
    substitute_constrained,
)

VARIABLES = {
    "variables.name": "a",
    "variables.a": "value of a",
    "variables.quote": "it's",
    "variables.lines": "one\ntwo ${{ variables.a }}",
    "variables.loop": "${{ variables.loop }}",
    "variables.n": "3",
    "plain": "p",
    "matrix.power": "own text",
    "matrix.power.url": "c1.com",
}


def constrained(text: str) -> str:
    return substitute_constrained(text, Context.from_flat(VARIABLES))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no placeholder, but $HOME", "no placeholder, but $HOME"),
        ("${ plain }${{plain}}", "pp"),
        ("${plain", "${plain"),
        ("${}", "${}"),
        ("${ }", "${ }"),
        ("${pl{ain}", "${pl{ain}"),
        ("\\${plain}", "\\p"),
    ],
)
def test_classic_replaces_names_only(text: str, expected: str) -> None:
    """Whatever is no complete placeholder of a known name stays."""
    assert substitute_classic(text, VARIABLES.get) == expected


def test_classic_expands_a_value_once() -> None:
    """Placeholders of a value are replaced, those of the values in it are not."""
    variables = {"a": "1${b}", "b": "2${c}", "c": "3", "self": "<${self}>"}

    text = substitute_classic("${a} ${a} ${self} ${unknown}", variables.get)

    assert text == "12${c} 12${c} <<${self}>> ${unknown}"


def test_classic_can_leave_comments_alone() -> None:
    """Lines that begin with ``#`` stay, also indented; a later ``#`` is no comment."""
    script = "#!/bin/sh ${plain}\n\t # ${plain}\necho ${plain} # ${plain}\r\necho"

    text = substitute_classic(script, VARIABLES.get, skip_comments=True)

    assert text == "#!/bin/sh ${plain}\n\t # ${plain}\necho p # p\r\necho"


def test_classic_refuses_to_grow_without_bound() -> None:
    """Values that multiply each other end in an error, not in an endless text."""
    variables = {"a": "${b}" * 10_000, "b": "x" * 10_000}

    with pytest.raises(ExpressionError) as caught:
        substitute_classic("${a}" * 10_000, variables.get)

    assert caught.value.kind == "cost"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$HOME ${plain}", "$HOME ${plain}"),
        ("${{ matrix.power }}", "own text"),
        ("${{ matrix.power.url }}", "c1.com"),
        ("${{ fromJSON('[1, {}]') }}", "[1,{}]"),
        ("${{ null }}|${{ false }}|${{ 1.50 }}", "|false|1.5"),
        ("${{ format('{{{0}}}', plain) }}", "{p}"),
        ("${{ '}}' }}", "}}"),
        ("it's ${{ plain }} isn't it", "it's p isn't it"),
        ("${{ plain }\n}", "${{ plain }\n}"),
        ("}} ${{ plain }} }}", "}} p }}"),
        ("${{ open ${{ plain }}", "${{ open p"),
        ("${{ it's }} ${{ plain }}", "${{ it's }} p"),
    ],
)
def test_constrained_computes_what_is_in_the_brackets(text: str, expected: str) -> None:
    """Results are printed; what is no expression stays."""
    assert constrained(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${{ variables.${{ variables.name }} }}", "value of a"),
        ("${{ ${{ plain }}.x == null }}", "${{ p.x == null }}"),
        ("${{ ${{ variables.quote }} == variables.quote }}", "true"),
        ("${{ '${{ plain }}' == 'p' }}", "${{ ''p'' == 'p' }}"),
        ("${{ ${{ ${{ plain }} == 'p' }} && 'yes' }}", "yes"),
        ("${{ missing.x == ${{ plain }} }}", "${{ missing.x == 'p' }}"),
        ("${{ ${{ missing }} == ${{ plain }} }}", "${{ ${{ missing }} == 'p' }}"),
    ],
)
def test_constrained_inserts_an_inner_result_in_quotes(text: str, expected: str) -> None:
    """An inner result is a text of the outer expression, or a part of a path beside a dot."""
    assert constrained(text) == expected


def test_constrained_computes_expressions_of_a_value_once() -> None:
    """A value may bring an expression in, but not one that brings in the next."""
    text = constrained("${{ variables.lines }} ${{ variables.loop }}")

    assert text == "one\ntwo value of a ${{ variables.loop }}"


def test_constrained_tells_which_expression_stays() -> None:
    """The caller hears of each wrong expression, with the column in it."""
    heard: list[tuple[str, int, str]] = []

    substitute_constrained(
        "${{ plain }} ${{ fromJSON('{') }}\n${{ missing }}",
        Context.from_flat(VARIABLES),
        on_error=lambda error, text: heard.append((error.kind, error.position, text)),
    )

    assert ("format", 1, " fromJSON('{') ") in heard
    assert ("parse", 1, " missing ") in heard
    assert all(text != " plain " for _, _, text in heard)


@pytest.mark.parametrize(
    "text",
    [
        "${{ long }}" * 2000,
        "${{ contains(many.*, 'no') }}" * 2000,
        ("${{ " + "plain||" * 2900 + "missing }}\n") * 100,
    ],
)
def test_constrained_refuses_to_work_or_grow_without_bound(text: str) -> None:
    """One text has one account for all its expressions."""
    tree = {"long": "x" * 10_000, "many": list(range(10_000)), "plain": ""}

    with pytest.raises(ExpressionError) as caught:
        substitute_constrained(text, Context.from_tree(tree))

    assert caught.value.kind == "cost"


def test_constrained_survives_brackets_without_end() -> None:
    """Very deep brackets are text, apart from the innermost ones."""
    depth = 20_000

    text = constrained("${{" * depth + "plain" + "}}" * depth)

    assert text == "${{" * (depth - 4) + "'p'" + "}}" * (depth - 4)
