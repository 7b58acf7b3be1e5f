"""How the logs of two attempts of a step differ."""

import asyncio

from starlette.responses import Response

from mulligan.core.ids import StepId
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.facades.native import queries
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.facades.native.log_sections import StepLog, having_step
from mulligan.facades.native.problems import QueryError
from mulligan.facades.native.runs import ONE_RUN, run_of
from mulligan.facades.native.text_diff import MOST_LINES, TextDiff, diff_lines
from mulligan.logs.reader import NumberedLines
from mulligan.logs.search import plain_text

MOST_CHARACTERS = 1024 * 1024  # of each log


class LogDiff(TextDiff, frozen=True, kw_only=True):
    """How the logs of two attempts of a step differ, without regard to colours.

    Args:
        before, after: The attempts of the step.
        before_lines, after_lines: How many lines the two logs have.
        cut: Only the first lines of a log that is longer were compared: 5,000, or 1 MiB of them;
            then they are never said to be the same.
    """

    step: str
    before: int
    after: int
    before_lines: int
    after_lines: int
    cut: bool


async def diff_logs(call: Call) -> Response:
    """Compare the logs of two attempts of a step."""
    run, step = await having_step(call, await run_of(call))
    before, after = (_number(call, name) for name in ("before", "after"))
    first, second = [await _lines(call, run, step, number) for number in (before, after)]
    (old, old_cut), (new, new_cut) = _begin(first), _begin(second)
    diff = await diff_lines(old, new)
    return answer(
        LogDiff(
            step=step,
            before=before,
            after=after,
            before_lines=first.total,
            after_lines=second.total,
            cut=old_cut or new_cut,
            same=diff.same and not (old_cut or new_cut),
            added=diff.added,
            removed=diff.removed,
            lines=diff.lines,
        )
    )


def _number(call: Call, name: str) -> int:
    number = queries.whole(call.request, name, least=1)
    if number is None:
        raise QueryError(name, f"{name} is missing: which attempt of the step?")
    return number


async def _lines(call: Call, run: Run, step: StepId, attempt: int) -> NumberedLines:
    section = StepLog(call, step, attempt)
    reader = await section.reader(run)
    return await asyncio.to_thread(reader.numbered, 1, MOST_LINES, section.is_mine)


def _begin(found: NumberedLines) -> tuple[list[str], bool]:
    """Give the lines that are compared, and whether there are more."""
    lines: list[str] = []
    size = 0
    for _, line in found.lines:
        text = plain_text(line.text)
        size += len(text)
        if size > MOST_CHARACTERS:
            break
        lines.append(text)
    return lines, len(lines) < found.total


_ATTEMPT = {"type": "integer", "minimum": 1}
ENDPOINTS = (
    Endpoint(
        method="GET",
        path=ONE_RUN + "/steps/{step}/log/diff",
        act=diff_logs,
        summary="Compare the logs of two attempts of a step, line by line",
        needs=Permission.VIEW_LOG,
        answer=LogDiff,
        query=(
            Query("before", "An attempt of the step; needed.", _ATTEMPT, is_required=True),
            Query("after", "Another one; needed.", _ATTEMPT, is_required=True),
        ),
    ),
)
