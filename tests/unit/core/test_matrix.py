"""The combinations of a matrix, and the copies of a job that are made for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mulligan.core.ids import JobId, StepId
from mulligan.core.matrix import MOST_COMBINATIONS, copies_of, expand, find_copy
from mulligan.core.matrix_text import MatrixError
from mulligan.core.spec import QUALITY, Condition, JobSpec, MatrixSpec, RunWhen, StepSpec

VECTORS = json.loads((Path(__file__).parent / "expression-vectors.json").read_text())["matrix"]


def matrix_of(vector: dict[str, Any]) -> MatrixSpec:
    """Give the matrix of a vector, its parts as texts."""
    names = ("strategy", "include", "exclude")
    texts = ["" if vector[name] is None else json.dumps(vector[name]) for name in names]
    strategy, include, exclude = texts
    return MatrixSpec(strategy=strategy, include=include, exclude=exclude)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_every_vector_gives_its_combinations(vector: dict[str, Any]) -> None:
    """Number, order and values of the combinations are those of the original."""
    found = expand(matrix_of(vector))

    assert len(found) == vector["expect_count"]
    prefixed = [{f"matrix.{name}": value for name, value in each.items()} for each in found]
    assert prefixed == vector.get("expect", prefixed)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (MatrixSpec(), []),
        (MatrixSpec(strategy="  \n"), []),
        (MatrixSpec(strategy="a: []"), []),
        (MatrixSpec(strategy="a: [1]\nb: []"), []),
        (MatrixSpec(strategy="a: [1, 1, '1']"), [{"a": "1"}]),
        (MatrixSpec(strategy="v: [3.10, 08, on, ~, x y]"),
         [{"v": "3.10"}, {"v": "08"}, {"v": "on"}, {"v": "~"}, {"v": "x y"}]),
        (MatrixSpec(strategy="a:\n  - 1\n  - 2\n"), [{"a": "1"}, {"a": "2"}]),
        (MatrixSpec(strategy="a: '[\"x\", 2]'"), [{"a": "x"}, {"a": "2"}]),
        (MatrixSpec(strategy='{\n\t"a": [true, null, 1.50]\n}'),
         [{"a": "true"}, {"a": "null"}, {"a": "1.50"}]),
        (MatrixSpec(strategy='{"a": ["x\\/y", 2, {"b": 1}]}'),  # an escape that YAML has not
         [{"a": "x/y"}, {"a": "2"}, {"a": '{"b":1}', "a.b": "1"}]),
        (MatrixSpec(strategy="p: [{name: x, url: c1.com, n: 3}]"),
         [{"p": '{"name":"x","url":"c1.com","n":3}', "p.name": "x", "p.url": "c1.com",
           "p.n": "3"}]),
        (MatrixSpec(strategy="p: [[1, a]]"), [{"p": '[1,"a"]'}]),
        (MatrixSpec(include="- {a: 1}\n- {a: 1}\n- {b: 2}"), [{"a": "1"}, {"b": "2"}]),
        (MatrixSpec(strategy="a: [1, 2]", include="- {b: 9}"), [{"a": "1"}, {"a": "2"}]),
        (MatrixSpec(strategy="a: [1]", include="- {a: 2, b: 9}\n- {a: 2, c: 8}"),
         [{"a": "1"}, {"a": "2", "b": "9", "c": "8"}]),
        (MatrixSpec(strategy="a: [1, 2]", exclude="- {a: '2'}"), [{"a": "1"}]),
        (MatrixSpec(strategy="a: [1, 2]", include="- {a: 2, b: 9}", exclude="- {a: 2}"),
         [{"a": "1"}, {"a": "2", "b": "9"}]),
        (MatrixSpec(strategy="a: [1, 2]", exclude="- {a: 1}\n- {a: 2}"), []),
    ],
)  # fmt: skip
def test_combinations(matrix: MatrixSpec, expected: list[dict[str, str]]) -> None:
    """Values are texts as they are written; entries are merged, added or left out by the rules."""
    assert list(expand(matrix)) == expected


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (MatrixSpec(strategy="a: 1"), "dimension 'a' of the matrix is not a list"),
        (MatrixSpec(strategy="[1, 2]"), "not a map of lists"),
        (MatrixSpec(strategy="a: [1"), "strategy of the matrix is neither YAML nor JSON"),
        (MatrixSpec(strategy="a: [1]", include="{b: 1}"), "include of the matrix is not a list"),
        (MatrixSpec(strategy="a: [1]", exclude="[1]"), "exclude of the matrix is not a list"),
        (MatrixSpec(strategy="a: [&x 1, *x]"), "anchors are not allowed"),
        (MatrixSpec(strategy="a: [" + "[" * 30 + "]" * 30 + "]"), "nested deeper than 20 levels"),
        (MatrixSpec(strategy="a: [1]\n---\nb: [2]"), "more than one document"),
        (MatrixSpec(strategy=f"a: {list(range(257))}"), "257 combinations; at most 256"),
        (MatrixSpec(strategy=f"a: {list(range(9999))}\nb: {list(range(9))}"), "89991 combinations"),
        (MatrixSpec(strategy="a: ['" + "x" * 1_000_001 + "']"), "more than 1000000 characters"),
    ],
)
def test_a_matrix_that_is_wrong_says_what_is_wrong(matrix: MatrixSpec, message: str) -> None:
    """No text, however hostile, is taken for something else or makes the expansion endless."""
    with pytest.raises(MatrixError, match=message):
        expand(matrix)


def test_as_many_combinations_as_allowed() -> None:
    """The limit itself is allowed, and counts what is left after the excludes."""
    matrix = MatrixSpec(strategy=f"a: {list(range(257))}", exclude="- {a: 7}")

    assert len(expand(matrix)) == MOST_COMBINATIONS


def test_expressions_are_computed_before_a_text_is_read() -> None:
    """`compute` sees each of the three texts whole."""
    texts = {"S": "a: [1, 2]", "I": "- {a: 1, b: 5}", "E": "- {a: 2}"}

    found = expand(MatrixSpec(strategy="S", include="I", exclude="E"), texts.__getitem__)

    assert list(found) == [{"a": "1", "b": "5"}]


JOB = JobSpec(
    id=JobId("7"),
    name="test",
    ref="test",
    condition=Condition(when=RunWhen.EXPRESSION, expression="true"),
    depends_on=(JobId("6"),),
    matrix=MatrixSpec(strategy="a: [1]"),
    hash_id="c-" + "0" * 32,
    steps=(
        StepSpec(id=StepId("e-1"), ref="s"),
        StepSpec(id=StepId("e-2"), post_of=StepId("e-1")),
        StepSpec(id=StepId("e-3")),
    ),
)


def test_copies_have_ids_of_their_own_that_never_change() -> None:
    """Ids follow from the job and the place alone, refs count from 0, hashes are unique."""
    first, second = copies_of(JOB, [{"a": "1"}, {"a": "2", "a.b": "3"}])

    assert (first.id, first.ref, second.id, second.ref) == ("7001", "test.0", "7002", "test.1")
    assert second.matrix_values == (("a", "2"), ("a.b", "3"))
    assert (second.matrix, second.depends_on, second.condition) == (None, (), Condition())
    ids = {step.id for copy in (JOB, first, second) for step in copy.steps}
    assert len(ids) == 9
    assert len({JOB.hash_id, first.hash_id, second.hash_id}) == 3
    assert second.steps[1].post_of == second.steps[0].id
    assert [step.ref for step in second.steps] == ["s", "", ""]
    (again, *_) = copies_of(JOB, [{"other": "value"}])
    assert [step.id for step in again.steps] == [step.id for step in first.steps]


def test_steps_that_were_switched_off_at_the_start_are_so_in_all_copies() -> None:
    """So are the post actions of such steps."""
    (copy,) = copies_of(JOB, [{"a": "1"}], {StepId("e-1")})

    assert [step.enabled for step in copy.steps] == [False, False, True]


def test_a_quality_gate_of_a_copy_looks_at_the_step_of_that_copy() -> None:
    """Its rules are those of the plugin beside it, which has an id of its own there."""
    gate = StepSpec(id=StepId("e-9"), kind=QUALITY, inputs={"step": "e-1", "rules": ["r"]})

    (copy,) = copies_of(replace(JOB, steps=(JOB.steps[0], gate)), [{"a": "1"}])

    assert copy.steps[1].inputs == {"step": copy.steps[0].id, "rules": ["r"]}
    assert gate.inputs["step"] == "e-1"


def test_a_copy_is_found_by_its_id_alone() -> None:
    """Also one that there is no more; what can't be a copy is none."""
    jobs = {JOB.id: JOB, JobId("8"): JobSpec(id=JobId("8"))}

    parent, copy = find_copy(jobs, JobId("7003"))

    assert parent is JOB
    assert copy is not None
    assert (copy.id, copy.ref) == ("7003", "test.2")
    for other in ("7", "7000", "7257", "8001", "9001", "x"):
        assert find_copy(jobs, JobId(other)) == (None, None)
