"""What jobs wait for by names that a text with variables gives: settled when a run starts."""

import re
from collections.abc import Iterator, Mapping

from mulligan.core.ids import JobId
from mulligan.core.posts import JobNeeds, PostAction
from mulligan.core.run import Run
from mulligan.core.spec import JobSpec, SpecIndex, StageSpec
from mulligan.core.variables import shown_text

_SEPARATORS = re.compile("[,;]")


def split_names(text: str) -> tuple[str, ...]:
    """Split a list of names of jobs ("a, b; c")."""
    return tuple(name.strip() for name in _SEPARATORS.split(text) if name.strip())


def settled_needs(run: Run) -> tuple[PostAction, ...]:
    """Give what the jobs of a new run wait for by its start values.

    Names that no other job of the stage has are ignored (spec/bkci-model-and-engine.md §2.4.1).
    """
    return tuple(
        PostAction(needs=JobNeeds(job=job.id, needs=needs))
        for stage in run.index.spec.stages
        for job, needs in _needs_of(run, stage)
        if needs
    )


def _needs_of(run: Run, stage: StageSpec) -> Iterator[tuple[JobSpec, tuple[JobId, ...]]]:
    refs = {job.ref: job.id for job in stage.jobs}
    for job in stage.jobs:
        if job.depends_text:
            names = dict.fromkeys(split_names(shown_text(run, job.depends_text)))
            yield job, tuple(refs[name] for name in names if name in refs)


def circle_of(needed: Mapping[JobId, tuple[JobId, ...]]) -> frozenset[JobId]:
    """Give the jobs that can never begin, as they wait for each other (or for such jobs)."""
    waits = {job: len(others) for job, others in needed.items()}
    dependents: dict[JobId, list[JobId]] = {job: [] for job in needed}
    for job, others in needed.items():
        for other in others:
            dependents[other].append(job)
    free = [job for job, count in waits.items() if count == 0]
    while free:
        done = free.pop()
        del waits[done]
        for job in dependents[done]:
            waits[job] -= 1
            if waits[job] == 0:
                free.append(job)
    return frozenset(waits)


def settle_alike(before: SpecIndex, after: SpecIndex) -> bool:
    """Tell whether what was settled by one definition of a run can stand in another one."""
    texts, others = _texts(before), _texts(after)
    if not texts and not others:
        return True
    needed = {job.id: job.depends_on for job in after.jobs.values()}
    known = all(other in needed for needs in needed.values() for other in needs)
    return texts == others and known and not circle_of(needed)


def _texts(index: SpecIndex) -> dict[JobId, str]:
    return {job.id: job.depends_text for job in index.jobs.values() if job.depends_text}
