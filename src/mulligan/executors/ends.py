"""What the end of a step's program means, with the files that it left in its folder.

Those files are read when the program ends, and again from the spool's side when the server did
not live to hear of the end; so they stay until somebody has stored it.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from mulligan.core.report import ArchivedFile, StepNote
from mulligan.executors.tokens import SCRIPT, folder_name, late_end
from mulligan.executors.values import StepCommand, StepResult
from mulligan.ports import LateEnd, StepEnd

MANIFEST = "manifest.json"  # of archiving: a list of files; counts only after exit code 0
REPORT = "report.json"  # of the programs in `programs`: see `ProgramReport`
DEPLOYMENT = "deployment.json"  # the order of a deploy driver; marks the folder of such a step
RESULT = "result.json"  # of a deploy driver: what the ledger keeps
LEFT = (MANIFEST, REPORT, DEPLOYMENT, RESULT)

UNREACHABLE_EXIT = 69  # of a deploy driver: the target, or what leads to it, is not there

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LARGEST_REPORT_BYTES = 16 * 1024 * 1024
_LARGEST_RESULT_BYTES = 1024 * 1024
MOST_METRICS = 100  # of one step
_LARGEST_PROGRESS_BYTES = 32 * 1024
_METRIC = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?|true|false", re.IGNORECASE)
_RATE = re.compile(r"0|1|[01]?\.[0-9]{1,18}")
_SHORTEST_SCRIPT_ERROR = 800_000  # codes that a script may give itself: 8xxxxx
_LONGEST_SCRIPT_ERROR = 899_999


class ProgramReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a program of `programs` says besides its exit code.

    `cause`: as in `StepEnd`, "" = the ordinary one. `message`: why it failed.
    """

    artifacts: tuple[ArchivedFile, ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    sensitive: tuple[str, ...] = ()
    notes: tuple[StepNote, ...] = ()
    error: tuple[int, str] | None = None
    error_type: int | None = None
    pin: str = ""
    cause: str = ""
    message: str = ""


class _LeftFileError(Exception):
    """A file that a program left can't be used."""


def is_good(end: StepEnd) -> bool:
    """Tell whether a program ended with exit code 0."""
    return end.cause == "exit" and end.exit_code == 0


def with_left_files(folder: Path, end: StepEnd) -> StepEnd:
    """Add what the program of a step left in its folder to how it ended."""
    try:
        if is_good(end) and (folder / MANIFEST).exists():
            return _with_manifest(folder, end)
        if end.cause == "exit" and (folder / REPORT).exists():
            return _with_report(folder, end)
        if (folder / DEPLOYMENT).exists():
            return _with_result(folder, end)
    except _LeftFileError as error:
        return StepEnd(cause="files", message=str(error))
    return end


def _with_manifest(folder: Path, end: StepEnd) -> StepEnd:
    what = "the list of archived files"
    try:
        content = _read(folder / MANIFEST, _LARGEST_REPORT_BYTES, what)
        files = msgspec.json.decode(content, type=tuple[ArchivedFile, ...])
    except msgspec.MsgspecError as error:
        raise _LeftFileError(f"{what} is broken: {error}") from None
    return msgspec.structs.replace(end, artifacts=_checked(files))


def _with_report(folder: Path, end: StepEnd) -> StepEnd:
    what = "the report of the step"
    try:
        content = _read(folder / REPORT, _LARGEST_REPORT_BYTES, what)
        report = msgspec.json.decode(content, type=ProgramReport)
    except msgspec.MsgspecError as error:
        raise _LeftFileError(f"{what} is broken: {error}") from None
    failed = not is_good(end)
    return msgspec.structs.replace(
        end,
        artifacts=_checked(report.artifacts),
        outputs=(*end.outputs, *report.outputs),
        variables=(*end.variables, *report.variables),
        sensitive=report.sensitive,
        notes=_checked_notes(report.notes),
        error=(report.error if failed else None) or end.error,
        error_type=report.error_type if failed else None,
        pin=report.pin or end.pin,
        cause=(failed and report.cause) or end.cause,
        message=(failed and report.message) or end.message,
    )


def _with_result(folder: Path, end: StepEnd) -> StepEnd:
    if end.cause == "exit" and end.exit_code == UNREACHABLE_EXIT:
        message = "the target could not be reached"
        end = msgspec.structs.replace(end, cause="unreachable", message=message)
    result: dict[str, Any] | None = None
    if (folder / RESULT).exists():
        what = "the result of the deployment"
        try:
            content = _read(folder / RESULT, _LARGEST_RESULT_BYTES, what)
            result = msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError, _LeftFileError) as error:
            if is_good(end):
                raise _LeftFileError(f"{what} is broken: {error}") from None
    return msgspec.structs.replace(end, result=result)


def _read(file: Path, most_bytes: int, what: str) -> bytes:
    try:
        with file.open("rb") as content:
            found = content.read(most_bytes + 1)
    except OSError as error:
        raise _LeftFileError(f"{what} can't be read: {error.strerror}") from None
    if len(found) > most_bytes:
        raise _LeftFileError(f"{what} is larger than {most_bytes} bytes")
    return found


def _checked(files: tuple[ArchivedFile, ...]) -> tuple[ArchivedFile, ...]:
    if not all(_DIGEST.fullmatch(file.digest) for file in files):
        raise _LeftFileError("the list of archived files has a wrong digest")
    return files


def _checked_notes(notes: tuple[StepNote, ...]) -> tuple[StepNote, ...]:
    for note in notes:
        _checked(note.files)
    return notes


def late_ends_of(results: Iterable[StepResult], temp: Path) -> tuple[LateEnd, ...]:
    """Read how steps ended whose server did not live to hear of it.

    Args:
        results: Of the spool.
        temp: The folder with the folders of the job attempts of that server's life.
    """
    by_token = {result.token: result for result in results}
    # what a step left is removed before the next step of its job begins
    latest = {result.job_token: result.token for result in by_token.values()}
    found = []
    for token, result in by_token.items():
        end = end_of(result)
        script = by_token.get(token + SCRIPT)
        if script is not None:
            end = after_archiving(end_of(script), end)
        elif token.endswith(SCRIPT) and (is_good(end) or token[: -len(SCRIPT)] in by_token):
            continue  # its archiving is missing, or tells
        if latest[result.job_token] == token:
            end = with_left_files(temp / folder_name(result.job_token), end)
        late = late_end(token, end)
        found += [late] if late is not None else []
    return tuple(found)


def after_archiving(script: StepEnd, archiving: StepEnd) -> StepEnd:
    """Join the ends of a good script and of its archiving: if that failed, the step has failed."""
    if is_good(archiving):
        return script
    return msgspec.structs.replace(
        archiving, variables=script.variables, outputs=script.outputs, remark=script.remark
    )


def end_of(result: StepResult) -> StepEnd:
    """Read the commands that a step printed or wrote."""
    variables: list[tuple[str, str]] = []
    outputs: list[tuple[str, str]] = []
    remark: str | None = None
    error: tuple[int, str] | None = None
    for command in result.commands:
        name = command.args.get("name", "")
        if command.name == "set-variable" and name:
            variables.append((name, command.value))
        elif command.name == "set-output" and name:
            outputs.append((name, command.value))
        elif command.name == "set-remark":
            remark = command.value
        elif command.name == "set-error":
            error = _script_error(command.args, command.value) or error
    pin = ""
    for name, value in result.set_env.items():
        if name == ":pin":
            pin = value
        elif not name.startswith(":"):
            variables.append((name, value))
    return StepEnd(
        exit_code=result.exit_code,
        signal=result.signal,
        cause=result.cause,
        message=result.message or (_refused_metric(result) if result.exit_code == 0 else ""),
        variables=tuple(variables),
        outputs=tuple(outputs),
        remark=remark,
        error=error,
        metrics=_metrics(result.commands),
        progress=_progress(result.commands),
        pin=pin,
    )


def _refused_metric(result: StepResult) -> str:
    """Tell of the first metric that can't be compared with anything; "" if all can."""
    for command in result.commands:
        if command.name == "set-gate-value" and not is_metric(command.value):
            name, value = command.args.get("name", ""), command.value.strip()
            return (
                f"the metric {name[:100]!r} is {value[:100]!r} and was left out: "
                "only finite numbers, true and false count"
            )
    return ""


def _metrics(commands: Iterable[StepCommand]) -> tuple[tuple[str, str], ...]:
    found = {
        command.args["name"]: command.value.strip()
        for command in commands
        if command.name == "set-gate-value"
        and command.args.get("name")
        and is_metric(command.value)
    }
    return tuple(found.items())[:MOST_METRICS]


def _progress(commands: Iterable[StepCommand]) -> str:
    told = (read_progress(each.value) for each in commands if each.name == "set-progress-rate")
    return next((rate for rate in reversed([*told]) if rate), "")


def is_metric(text: str) -> bool:
    """Tell whether a text can be the value of a metric: a number, or true or false."""
    return _METRIC.fullmatch(text.strip()) is not None


def read_progress(text: str) -> str:
    """Give a rate of progress as it is kept; "" if it is none.

    That is a number from 0 to 1, of which four decimals count, or a JSON object.
    """
    text = text.strip()
    if _RATE.fullmatch(text):
        return f"{min(float(text), 1.0):.4f}".rstrip("0").rstrip(".")
    if len(text.encode()) > _LARGEST_PROGRESS_BYTES or not text.startswith("{"):
        return ""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return ""
    return text


def _script_error(args: dict[str, str], text: str) -> tuple[int, str] | None:
    code = args.get("error_code", "")
    if not code.isdecimal() or not _SHORTEST_SCRIPT_ERROR <= int(code) <= _LONGEST_SCRIPT_ERROR:
        return None
    return int(code), args.get("error_message") or text
