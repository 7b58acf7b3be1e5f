"""Matrix jobs: the combinations that a matrix stands for, and the copies of the job for them.

Pure (spec/bkci-model-and-engine.md §1.4.4, §2.12): texts with all expressions computed in,
combinations out. What a copy is called follows from its job and its position alone, so a copy is
found again after a restart, in a later attempt, and in the log of an earlier one.
"""

import hashlib
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from mulligan.core.ids import JobId, StepId
from mulligan.core.matrix_text import MatrixError, Scalar, Tree, read_tree, text_of_tree
from mulligan.core.spec import QUALITY, JobSpec, MatrixSpec, StepSpec

MOST_COMBINATIONS = 256
MOST_AT_ONCE = 50
CHILDREN_FROM = 1000  # id of a child = id of its job × 1000 + its number from 1
# Before includes, excludes and duplicates are looked at; more would only be counted.
_MOST_PRODUCTS = 65_536
_MOST_CHARACTERS = 1_000_000  # of all combinations together: they are kept with the job

Combination = dict[str, str]


class _Cell(NamedTuple):
    """A value of a combination; of an object also its members, one level deep."""

    text: str
    members: tuple[tuple[str, str], ...] = ()


_Row = dict[str, _Cell]


def expand(spec: MatrixSpec, compute: Callable[[str], str] = str) -> tuple[Combination, ...]:
    """Give the combinations of a matrix in their order, without the prefix `matrix.`.

    Args:
        compute: Puts the values of all expressions into a text.

    Raises:
        MatrixError: A text is no matrix, or there are too many combinations.
    """
    dimensions = _dimensions(compute(spec.strategy))
    rows = _product(dimensions)
    for entry in _entries(compute(spec.include), "include"):
        _include(rows, entry, dimensions)
    excluded = _entries(compute(spec.exclude), "exclude")
    kept: dict[tuple[tuple[str, _Cell], ...], _Row] = {}
    for row in rows:
        if row not in excluded:
            kept.setdefault(tuple(sorted(row.items())), row)
    if len(kept) > MOST_COMBINATIONS:
        raise MatrixError(
            f"the matrix has {len(kept)} combinations; at most {MOST_COMBINATIONS} are allowed"
        )
    found = tuple(_flat(row) for row in kept.values())
    size = sum(len(name) + len(value) for each in found for name, value in each.items())
    if size > _MOST_CHARACTERS:
        raise MatrixError(f"the combinations have more than {_MOST_CHARACTERS} characters")
    return found


def _dimensions(text: str) -> dict[str, list[_Cell]]:
    tree = read_tree(text, "strategy")
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise MatrixError("the strategy of the matrix is not a map of lists")
    return {name: _values(name, value) for name, value in tree.items()}


def _values(name: str, tree: Tree) -> list[_Cell]:
    if isinstance(tree, Scalar):  # an expression in quotes leaves a list as text
        inner = read_tree(tree.text, name)
        tree = inner if inner is not None else tree
    if not isinstance(tree, list):
        raise MatrixError(f"the dimension {name!r} of the matrix is not a list")
    return [_cell(item) for item in tree]


def _cell(tree: Tree) -> _Cell:
    members: tuple[tuple[str, str], ...] = ()
    if isinstance(tree, dict):
        members = tuple((name, text_of_tree(value)) for name, value in tree.items())
    return _Cell(text_of_tree(tree), members)


def _product(dimensions: Mapping[str, list[_Cell]]) -> list[_Row]:
    if not dimensions:
        return []
    count = math.prod(len(values) for values in dimensions.values())
    if count > _MOST_PRODUCTS:
        raise MatrixError(
            f"the matrix has {count} combinations; at most {MOST_COMBINATIONS} are allowed"
        )
    rows = itertools.product(*dimensions.values())
    return [dict(zip(dimensions, row, strict=True)) for row in rows]


def _entries(text: str, what: str) -> list[_Row]:
    tree = read_tree(text, what)
    if tree is None:
        return []
    if not isinstance(tree, list) or not all(isinstance(item, dict) for item in tree):
        raise MatrixError(f"{what} of the matrix is not a list of maps")
    maps = [item for item in tree if isinstance(item, dict)]
    if len(maps) > _MOST_PRODUCTS // MOST_COMBINATIONS:
        raise MatrixError(f"{what} of the matrix has {len(maps)} entries")
    return [{name: _cell(value) for name, value in item.items()} for item in maps]


def _include(rows: list[_Row], entry: _Row, dimensions: Mapping[str, object]) -> None:
    """Put an entry into the combinations that it fits, or behind them if there are none."""
    shared = [name for name in entry if name in dimensions]
    if dimensions and not shared:
        return
    more = {name: cell for name, cell in entry.items() if name not in dimensions}
    fits = [row for row in rows if shared and all(row.get(k) == entry[k] for k in shared)]
    for row in fits:
        row.update(more)
    if not fits and entry:
        rows.append(entry)


def _flat(row: _Row) -> Combination:
    flat: Combination = {}
    for name, cell in row.items():
        flat[name] = cell.text
        flat.update((f"{name}.{member}", text) for member, text in cell.members)
    return flat


def copies_of(
    job: JobSpec, combinations: Sequence[Combination], disabled: Collection[StepId] = ()
) -> tuple[JobSpec, ...]:
    """Give the children of a matrix job, one for each combination.

    Args:
        disabled: Steps that were switched off at the start of the run.
    """
    return tuple(
        _copy(job, number, tuple(values.items()), disabled)
        for number, values in enumerate(combinations, 1)
    )


def child_id(job: JobId, number: int) -> JobId:
    """Give the id of a child; `number` counts from 1."""
    return JobId(str(int(job) * CHILDREN_FROM + number))


def child_step_id(step: StepId, number: int) -> StepId:
    """Give the id that a step has in a child: always the same for the same step and number."""
    return StepId("e-" + _digest(f"{step}.{number}"))


def find_copy(
    jobs: Mapping[JobId, JobSpec], job_id: JobId
) -> tuple[JobSpec, JobSpec] | tuple[None, None]:
    """Find a matrix job and its child by the child's id alone, also one that is there no more.

    The values of such a child are not known.
    """
    if not job_id.isdecimal():
        return None, None
    parent, number = divmod(int(job_id), CHILDREN_FROM)
    job = jobs.get(JobId(str(parent)))
    if job is None or job.matrix is None or not 1 <= number <= MOST_COMBINATIONS:
        return None, None
    return job, _copy(job, number, (), ())


def _copy(
    job: JobSpec, number: int, values: tuple[tuple[str, str], ...], disabled: Collection[StepId]
) -> JobSpec:
    return replace(
        job,
        id=child_id(job.id, number),
        ref=f"{job.ref}.{number - 1}" if job.ref else "",
        # what lets it run was judged for the job as a whole
        condition=type(job.condition)(),
        depends_on=(),
        matrix=None,
        matrix_values=values,
        hash_id="c-" + _digest(f"{job.hash_id}.{number}") if job.hash_id else "",
        steps=tuple(_copy_steps(job.steps, number, disabled)),
    )


def _copy_steps(
    steps: Iterable[StepSpec], number: int, disabled: Collection[StepId]
) -> Iterable[StepSpec]:
    for step in steps:
        is_off = step.id in disabled or step.post_of in disabled
        yield replace(
            step,
            id=child_step_id(step.id, number),
            enabled=step.enabled and not is_off,
            post_of=None if step.post_of is None else child_step_id(step.post_of, number),
            inputs=_copy_inputs(step, number),
        )


def _copy_inputs(step: StepSpec, number: int) -> dict[str, Any]:
    """Give the inputs of a step in a copy: a quality gate looks at the step beside it there."""
    if step.kind != QUALITY:
        return step.inputs
    return {**step.inputs, "step": child_step_id(StepId(step.inputs["step"]), number)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
