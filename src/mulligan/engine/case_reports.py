"""The tests of a run: read from the reports in the JUnit format that its steps kept, with bounds.

They are read when somebody asks: nothing of them is stored but the files themselves.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from mulligan.core.ids import RunId, StepId
from mulligan.core.junit import cases_of
from mulligan.core.spec import SpecIndex
from mulligan.core.tested import CaseReport, StepTries, TestedCase, judge_cases
from mulligan.engine.step_records import step_records
from mulligan.ports import NodeHistory, Store

MOST_FILES = 50  # of the newest attempts, and as many of earlier ones
MOST_BYTES = 5 * 1024 * 1024  # of a file
MOST_CASES = 50_000  # in all
_SUFFIX = ".xml"


class RunTests(msgspec.Struct, frozen=True, kw_only=True):
    """The tests of a run. `left_out`: files that were too many or too large to be read."""

    cases: tuple[TestedCase, ...]
    read: int
    left_out: int


class _File(NamedTuple):
    step: StepId
    attempt: int
    path: str
    digest: str


class _Found(NamedTuple):
    reports: list[CaseReport]
    left_out: int


async def tests_of(
    store: Store,
    path_of: Callable[[str], Path],
    run: RunId,
    index: SpecIndex,
    attempts: Mapping[StepId, int],
) -> RunTests:
    """Read the tests of a run.

    Args:
        path_of: Gives the place of the bytes with a SHA-256.
        index: Of what the run had in the attempt that is asked about.
        attempts: Of each step the attempt whose tests are wanted; 0 = none.
    """
    files = await _files(store, run)
    newest = [file for file in files if file.attempt == attempts.get(file.step)]
    found = await asyncio.to_thread(_read, path_of, newest)
    steps = {report.step for report in found.reports}
    earlier = [file for file in files if file.step in steps and file.attempt < attempts[file.step]]
    before: list[CaseReport] = []
    jobs: Mapping[StepId, StepTries] = {}
    if earlier:
        earlier.sort(key=lambda file: -file.attempt)
        before = (await asyncio.to_thread(_read, path_of, earlier)).reports
        jobs = _jobs(index, await store.history(run), steps)
    cases = await asyncio.to_thread(judge_cases, found.reports, before, jobs)
    return RunTests(cases=cases, read=len(found.reports), left_out=found.left_out)


async def _files(store: Store, run: RunId) -> list[_File]:
    """Return what may be reports, each once."""
    kept = [
        _File(each.step, each.attempt, each.path, each.digest)
        for each in await store.list_artifacts(run)
    ]
    async for record in step_records(store, run, "report"):
        kept += [
            _File(record.step, record.attempt, file.path, file.digest) for file in record.files
        ]
    return [file for file in dict.fromkeys(kept) if file.path.lower().endswith(_SUFFIX)]


def _read(path_of: Callable[[str], Path], files: Iterable[_File]) -> _Found:
    """Read reports as long as there is room. Blocks."""
    found: list[CaseReport] = []
    looked = cases = left_out = 0
    for file in files:
        if looked >= MOST_FILES or cases >= MOST_CASES:
            left_out += 1
            continue
        looked += 1
        path = path_of(file.digest)
        try:
            if path.stat().st_size > MOST_BYTES:
                left_out += 1
                continue
            read = cases_of(path.read_bytes())
        except OSError:
            continue  # its bytes are gone
        if read is not None:
            cases += len(read)
            found.append(
                CaseReport(step=file.step, attempt=file.attempt, path=file.path, cases=read)
            )
    return _Found(found, left_out)


def _jobs(
    index: SpecIndex, history: NodeHistory, steps: Iterable[StepId]
) -> dict[StepId, StepTries]:
    """Return of each step the tries of all steps of its job."""
    found: dict[StepId, StepTries] = {}
    for step in steps:
        job = index.jobs[index.step_job[step][0]]
        found[step] = {each.id: history.steps.get(each.id, ()) for each in job.steps}
    return found
