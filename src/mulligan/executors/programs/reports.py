"""Reports of tests: read them with bounds, count, and compare with what was expected."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from xml.parsers import expat

from mulligan.executors.programs.basics import Done, StepError, say
from mulligan.executors.programs.content import keep_file
from mulligan.executors.programs.layout import file_inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST_FILES = 1000
_MOST_BYTES = 64 * 1024 * 1024
_DEEPEST = 100
_VERDICTS = {"failure": "failed", "error": "error", "skipped": "skipped"}
NAMES = ("passed", "failed", "error", "skipped", "total")


def judge(tests: dict[str, Any], store: Path, work: Path) -> Done:
    """Read the reports of tests, keep them, and compare their rate with the expected one.

    Args:
        tests: `what` was run ("unit", "performance"), `path` of the reports ("" = there are
            none), `expected` percentage (0 = whatever comes is good).

    Raises:
        StepError: A report can't be used, or the one that must decide is missing.
    """
    path, expected = tests["path"], tests["expected"]
    files = _find_reports(work, path) if path else []
    if not files:
        missing = f"the report {path!r} does not exist" if path else "no report is named"
        if expected > 0:
            raise StepError(f"{missing}, but {expected:g} % are expected")
        say(missing)
        return Done()
    of_load = _rate_of_load(files[0]) if tests["what"] == "performance" else None
    done, rate = of_load or _rate_of_cases(files)
    done.artifacts = _keep_reports(store, work, files)
    if rate < expected:
        done.exit_code = 1
        done.message = f"{rate:.2f} % succeeded, {expected:g} % are expected"
        say(f"##[error]{done.message}")
    return done


def _rate_of_cases(files: list[Path]) -> tuple[Done, float]:
    """Count test cases; the rate is that of the passed ones among those that ran."""
    counts = dict.fromkeys(NAMES, 0)
    for file in files:
        count_cases(file, counts)
    say("tests: " + ", ".join(f"{counts[name]} {name}" for name in NAMES))
    ran = counts["total"] - counts["skipped"]
    rate = 100.0 * counts["passed"] / ran if ran else 0.0
    outputs = [(name, str(counts[name])) for name in NAMES]
    return Done(outputs=[*outputs, ("pass_rate", f"{rate:.2f}")]), rate


def _rate_of_load(file: Path) -> tuple[Done, float] | None:
    """Read `success_rate` of a JSON object; None if the file is an XML document."""
    with file.open("rb") as content:
        found = content.read(_MOST_BYTES + 1)
    if found.lstrip().startswith((b"<", b"\xef\xbb\xbf<")):
        return None
    try:
        rate = float(json.loads(found)["success_rate"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise StepError("the report is no JSON object with a success_rate") from None
    if not math.isfinite(rate):
        raise StepError("the success_rate of the report is no number")
    say(f"success rate: {rate:g} %")
    return Done(outputs=[("success_rate", f"{rate:g}")]), rate


def _find_reports(work: Path, pattern: str) -> list[Path]:
    """Find the files of a pattern, for tools that write one per suite."""
    if not any(letter in pattern for letter in "*?["):
        # also a link that leads nowhere is there, and refused below
        is_there = os.path.lexists(work / pattern)
        return [file_inside(work, pattern, "the report file")] if is_there else []
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise StepError(f"the report file {pattern!r} is not in the work folder")
    found = sorted(path.relative_to(work).as_posix() for path in work.glob(pattern))
    if len(found) > _MOST_FILES:
        raise StepError(f"there are more than {_MOST_FILES} report files {pattern!r}")
    return [file_inside(work, name, "the report file") for name in found if (work / name).is_file()]


def _keep_reports(store: Path, work: Path, files: list[Path]) -> list[dict[str, Any]]:
    root = work.resolve()
    kept = []
    for file in files:
        entry = keep_file(store, file)
        path = file.relative_to(root).as_posix()
        kept.append({"path": path, "size": entry.size, "digest": entry.digest})
    return kept


class _Counter:
    """Counts test cases of one file by the events of the parser."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts
        self._depth = 0
        self._case_depth = 0
        self._verdict = ""

    def start(self, name: str, _attributes: object) -> None:
        """Take the begin of an element."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise StepError(f"the report is nested deeper than {_DEEPEST}")
        if name == "testcase" and not self._case_depth:
            self._case_depth = self._depth
            self._verdict = "passed"
        elif self._case_depth and self._depth == self._case_depth + 1:
            self._verdict = _VERDICTS.get(name, self._verdict)

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if name == "testcase" and self._depth == self._case_depth:
            self._counts[self._verdict] += 1
            self._counts["total"] += 1
            self._case_depth = 0
        self._depth -= 1


def count_cases(file: Path, counts: dict[str, int]) -> None:
    """Add the test cases of a JUnit report to `counts`.

    Raises:
        StepError: It is no XML, too large or too deep, or declares a document type: entities
            could make it grow without end, or read other files.
    """

    def refuse(*_declaration: object) -> None:
        raise StepError("the report declares a document type, which is not read")

    counter = _Counter(counts)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = counter.start
    parser.EndElementHandler = counter.end
    if file.stat().st_size > _MOST_BYTES:
        raise StepError(f"the report {file.name!r} is larger than {_MOST_BYTES} bytes")
    try:
        with file.open("rb") as content:
            parser.ParseFile(content)
    except expat.ExpatError as error:
        raise StepError(f"the report {file.name!r} can't be read: {error}") from None
