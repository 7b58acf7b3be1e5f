"""Logs of a whole run: search in all of them, and take them away as an archive."""

import asyncio
import re
import time
import zipfile
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import UTC, datetime
from io import RawIOBase
from urllib.parse import quote

import msgspec
from starlette.responses import Response, StreamingResponse

from mulligan.core.ids import JobId, StepId
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.facades.native import log_shapes, queries
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.facades.native.problems import QueryError
from mulligan.facades.native.run_views import job_name
from mulligan.facades.native.runs import ONE_RUN, run_of
from mulligan.logs.find import LineHit
from mulligan.logs.lines import SectionKey
from mulligan.logs.query import LogQuery, PatternError, compile_query
from mulligan.logs.reader import LogReader

SEARCH_S = 1.0  # of one answer
MOST_HITS = 1_000
_HITS = 100
_CURSOR = re.compile(r"(\d{1,6})-(\d{1,15})")
_UNSAFE = re.compile(r"[^\w.-]+")
_FIRST_YEAR = 1980  # of zip archives
_FIRST_DAY = (_FIRST_YEAR, 1, 1, 0, 0, 0)


async def search_log(call: Call) -> Response:
    """Find lines in all logs of a run."""
    run = await run_of(call)
    request = call.request
    try:
        query = compile_query(
            request.query_params.get("q", ""),
            is_regexp=queries.flag(request, "regexp"),
            ignore_case=not queries.flag(request, "case"),
        )
    except PatternError as error:
        raise QueryError("q", str(error)) from None
    wanted = _Wanted(
        step=queries.text(request, "step"),
        attempt=queries.whole(request, "attempt", least=1),
    )
    limit = queries.whole(request, "limit", default=_HITS, least=1, most=MOST_HITS) or _HITS
    begin = _read_cursor(queries.text(request, "cursor"))
    hits, cursor = await asyncio.to_thread(_search, call, run, _Search(query, wanted, limit, begin))
    return answer(log_shapes.LogHits(items=tuple(hits), next_cursor=cursor))


class _Wanted(msgspec.Struct, frozen=True):
    step: str
    attempt: int | None

    def __call__(self, key: SectionKey) -> bool:
        return self.step in {"", key.step_id} and self.attempt in {None, key.step_attempt}


class _Search(msgspec.Struct, frozen=True):
    query: LogQuery
    wanted: _Wanted
    limit: int
    begin: tuple[int, int]  # position among the logs, line of that file


def _read_cursor(text: str) -> tuple[int, int]:
    if not text:
        return 0, 1
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise QueryError("cursor", "cursor is that of the page before")
    return int(found[1]), int(found[2])


def _readers(call: Call, run: Run) -> list[LogReader]:
    """Return the logs of a run in the order of its definition; new attempts come last."""
    order = {job.id: place for place, job in enumerate(run.index.all_jobs())}
    found = call.services.logs.readers(run.head.id)
    last = len(order)
    return sorted(found, key=lambda each: (each.job_attempt, order.get(JobId(each.job_id), last)))


def _search(call: Call, run: Run, search: _Search) -> tuple[list[log_shapes.LogHit], str | None]:
    """Search log by log until there are enough hits or the time is over. Blocks."""
    deadline = time.monotonic() + SEARCH_S
    hits: list[log_shapes.LogHit] = []
    position, first = search.begin
    readers = _readers(call, run)
    while position < len(readers):
        if time.monotonic() >= deadline or len(hits) >= search.limit:
            return hits, f"{position}-{first}"
        reader = readers[position]
        found = reader.find(
            search.query,
            first=first,
            limit=search.limit - len(hits),
            deadline=deadline,
            is_wanted=search.wanted,
        )
        hits += (_hit(run, reader, hit) for hit in found.hits)
        if found.next_line is not None:
            return hits, f"{position}-{found.next_line}"
        position, first = position + 1, 1
    return hits, None


def _hit(run: Run, reader: LogReader, hit: LineHit) -> log_shapes.LogHit:
    step = run.index.steps.get(StepId(hit.section.step_id))
    job = JobId(reader.job_id)
    stage = run.index.stage_of_job(job).id if job in run.index.jobs else ""
    return log_shapes.LogHit(
        stage=stage,
        job=job,
        step=hit.section.step_id,
        step_name=step.name if step is not None else "",
        attempt=hit.section.step_attempt,
        line=hit.place,
        at=datetime.fromtimestamp(hit.time_ms / 1000, UTC),
        text=hit.text,
        begin=hit.begin,
        end=hit.end,
    )


async def download_logs(call: Call) -> Response:
    """Give all logs of a run, of all attempts, as a zip archive that is made while it is sent."""
    run = await run_of(call)
    chunks = _archive(call, run)
    name = f"{_safe(run.index.spec.name) or 'run'}-{run.head.number}-logs.zip"
    return StreamingResponse(
        _in_thread(chunks),
        media_type="application/zip",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{_quoted(name)}"},
    )


async def _in_thread(chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk


class _Pipe(RawIOBase):
    """Takes what is written to a file that can't be sought in, until somebody fetches it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._parts.append(bytes(data))  # type: ignore[call-overload]  # any bytes-like object
        return len(self._parts[-1])

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def _archive(call: Call, run: Run) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        names: set[str] = set()
        for reader in _readers(call, run):
            keys = dict.fromkeys(
                (section.key.step_id, section.key.step_attempt) for section in reader.sections()
            )
            for step_id, attempt in keys:
                name = _entry_name(run, reader, step_id, attempt)
                while name in names:
                    name = f"{name.removesuffix('.log')}_.log"
                names.add(name)

                def is_mine(key: SectionKey, owner: tuple[str, int] = (step_id, attempt)) -> bool:
                    return (key.step_id, key.step_attempt) == owner

                with archive.open(_entry(name, reader, is_mine), "w", force_zip64=True) as file:
                    for chunk in reader.raw(is_mine):
                        file.write(chunk)
                        if data := pipe.take():
                            yield data
    yield pipe.take()


def _entry(name: str, reader: LogReader, is_mine: Callable[[SectionKey], bool]) -> zipfile.ZipInfo:
    """Make the entry of a log, with the time when it began, UTC."""
    began = next(section.began_ms for section in reader.sections() if is_mine(section.key))
    at = datetime.fromtimestamp(began / 1000, UTC)
    entry = zipfile.ZipInfo(name, at.timetuple()[:6] if at.year >= _FIRST_YEAR else _FIRST_DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _entry_name(run: Run, reader: LogReader, step_id: str, attempt: int) -> str:
    """Name a log so that names sort as the definition does: STAGE/JOB/STEP.ATTEMPT.log."""
    job_id = JobId(reader.job_id)
    job = run.index.jobs.get(job_id)
    if job is None:
        return f"{_safe(reader.job_id)}/{_safe(step_id)}.{attempt}.log"
    places = [step.id for step in job.steps]
    place = places.index(StepId(step_id)) + 1 if step_id in places else 0
    step = run.index.steps.get(StepId(step_id))
    stage = run.index.job_stage[job_id]
    stage_name = run.index.spec.stages[stage].name
    return (
        f"{stage + 1:02}-{_safe(stage_name)}/{_safe(job_id)}-{_safe(job_name(job))}/"
        f"{place:03}-{_safe(step.name if step is not None else step_id)}.{attempt}.log"
    )


def file_name(run: Run, step: StepId, attempt: int) -> str:
    """Name the log of one attempt of a step as a file of its own."""
    name = run.index.steps[step].name
    return _quoted(f"{_safe(run.index.spec.name)}-{run.head.number}-{_safe(name)}.{attempt}.log")


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)[:80].strip("._")


def _quoted(name: str) -> str:
    return quote(name, safe="")


_FLAG = {"type": "boolean"}

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=ONE_RUN + "/log/search",
        act=search_log,
        summary="Find lines in all logs of a run, of all attempts",
        needs=Permission.VIEW_LOG,
        answer=log_shapes.LogHits,
        query=(
            Query("q", "What to find, without regard to colours; needed.", is_required=True),
            Query("regexp", "`q` is a regular expression (RE2), within one line.", _FLAG),
            Query("case", "Upper and lower case are different.", _FLAG),
            Query("step", "Only in the logs of this step."),
            Query("attempt", "Only in this attempt of a step.", {"type": "integer", "minimum": 1}),
            Query(
                "limit",
                f"Hits on a page, 1 to {MOST_HITS}; {_HITS} if absent.",
                {"type": "integer", "minimum": 1, "maximum": MOST_HITS, "default": _HITS},
            ),
            queries.CURSOR,
        ),
    ),
    Endpoint(
        method="GET",
        path=ONE_RUN + "/log/download",
        act=download_logs,
        summary="All logs of a run, of all attempts, as a zip archive",
        needs=Permission.VIEW_LOG,
        media="application/zip",
    ),
)
