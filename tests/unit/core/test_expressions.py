"""The published vectors of the expression language, one test each."""

import json
from pathlib import Path
from typing import Any

import pytest

from mulligan.core.expressions import (
    Context,
    ExpressionError,
    Partial,
    condition_holds,
    evaluate,
    substitute_classic,
    substitute_constrained,
    to_output,
)

VECTOR_FILE = json.loads((Path(__file__).parent / "expression-vectors.json").read_text("utf-8"))
VECTORS: list[dict[str, Any]] = VECTOR_FILE["vectors"]
INCLUDED_MODES = ("eval", "constrained", "classic", "condition", "partial")
# The group "matrix" is not in the list of vectors: expanding a matrix is no part of the language.


def vectors(mode: str) -> list[Any]:
    return [pytest.param(each, id=each["id"]) for each in VECTORS if each["mode"] == mode]


def data_of(vector: dict[str, Any]) -> dict[str, Any]:
    """Give the context of a vector, which may be shared, its own or none."""
    context = vector["context"]
    if isinstance(context, str):
        context = VECTOR_FILE["contexts"][context]
    return context or {"kind": "tree", "value": {}}


def context_of(vector: dict[str, Any]) -> Context:
    data = data_of(vector)
    make = Context.from_flat if data["kind"] == "flat" else Context.from_tree
    return make(data["value"])


def test_every_vector_is_run() -> None:
    """No vector may be forgotten because its mode is not known here."""
    modes = {vector["mode"] for vector in VECTORS}

    assert modes == set(INCLUDED_MODES)
    assert len(VECTORS) == 205


@pytest.mark.parametrize("vector", vectors("eval"))
def test_an_expression_gives_the_published_value(vector: dict[str, Any]) -> None:
    """Value and kind are those of the vector, or the error has its kind."""
    context = context_of(vector)

    if "error" in vector:
        with pytest.raises(ExpressionError) as caught:
            evaluate(vector["input"], context)
        assert caught.value.kind == vector["error"]
        return
    value = evaluate(vector["input"], context)

    expected = vector["expect"]
    if isinstance(expected, dict | list):
        assert json.loads(to_output(value)) == expected
    else:
        assert value == expected
        assert type(value) is type(expected)


@pytest.mark.parametrize("vector", vectors("constrained"))
def test_a_constrained_text_gives_the_published_text(vector: dict[str, Any]) -> None:
    """Placeholders become what the vector says."""
    context = context_of(vector)

    text = substitute_constrained(vector["input"], context)

    assert text == vector["expect"]


@pytest.mark.parametrize("vector", vectors("classic"))
def test_a_classic_text_gives_the_published_text(vector: dict[str, Any]) -> None:
    """Placeholders become what the vector says."""
    variables = data_of(vector)["value"]

    text = substitute_classic(vector["input"], variables.get)

    assert text == vector["expect"]


@pytest.mark.parametrize("vector", vectors("condition"))
def test_a_condition_gives_the_published_truth(vector: dict[str, Any]) -> None:
    """A condition of a job holds exactly when the vector says so."""
    variables = data_of(vector)["value"]

    holds = condition_holds(vector["input"], variables, blank=False)

    assert holds is vector["expect"]


@pytest.mark.parametrize("vector", vectors("partial"))
def test_parameters_are_filled_in_as_published(vector: dict[str, Any]) -> None:
    """What stands for `parameters` is computed; the rest stays as text."""
    partial = Partial("parameters", data_of(vector)["value"]["parameters"])

    assert partial.fill(vector["input"]) == vector["expect"]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("a && b.c[0] || !d.*", "((a && b.c[0]) || !d.*)"),
        ("a['x y'].b[c.d]", "a['x y'].b[c.d]"),
        ("1 < parameters.n == true", "((1 < 2) == true)"),
        ("join(parameters.list, '+')", "join(fromJSON('[\"a\",\"it''s\"]'), '+')"),
        ("parameters.list[1]", "it's"),
        ("parameters.none.more == null", "(null == null)"),
        ("contains(parameters.given, 'x')", "contains(variables.v, 'x')"),
        ("parameters.given", "${{ variables.v }}"),
    ],
)
def test_what_is_written_back_means_the_same(text: str, filled: str) -> None:
    """Every form of an expression can be written back."""
    values = {"n": 2.0, "list": ["a", "it's"], "none": None, "given": "${{ variables.v }}"}

    assert Partial("parameters", values).fill(text) == filled
