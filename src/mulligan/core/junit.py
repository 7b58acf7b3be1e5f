"""What happened to tests, by a report in the JUnit format. Pure; bounded in depth, count and texts.

Such reports come from programs of users: nothing of them is trusted, and document types, which
could make them grow without end, are refused.
"""

import math
from collections.abc import Mapping
from enum import StrEnum
from xml.parsers import expat

import msgspec

_ROOTS = frozenset({"testsuites", "testsuite"})
_DEEPEST = 100
_LONGEST = 300  # characters of a name or message
MOST_CASES = 50_000  # of a report


class Verdict(StrEnum):
    """How a test ended. An error is a failure other than of an assertion."""

    PASSED = "passed"
    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


BAD = frozenset({Verdict.FAILURE, Verdict.ERROR})
_VERDICTS = {"failure": Verdict.FAILURE, "error": Verdict.ERROR, "skipped": Verdict.SKIPPED}
# of runners that try a failed test again by themselves (Surefire, Gradle); the test has passed
_FLAKY = frozenset({"flakyFailure", "flakyError"})


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A test. `seconds`: None = not told; `flaky`: its runner says that it failed at first."""

    suite: str
    name: str
    verdict: Verdict
    message: str
    seconds: float | None = None
    flaky: bool = False


class _StopError(Exception):
    """It is no such report."""


class _Reader:
    """Takes the events of the parser."""

    def __init__(self) -> None:
        self.found: list[Case] = []
        self._depth = 0
        self._case: Mapping[str, str] | None = None
        self._case_depth = 0
        self._verdict = Verdict.PASSED
        self._message = ""
        self._flaky = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the begin of an element."""
        self._depth += 1
        if self._depth > _DEEPEST or (self._depth == 1 and name not in _ROOTS):
            raise _StopError
        if name == "testcase" and self._case is None:
            self._case, self._case_depth = attributes, self._depth
            self._verdict, self._message, self._flaky = Verdict.PASSED, "", False
        elif self._case is not None and self._depth == self._case_depth + 1:
            self._note(name, attributes)

    def _note(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take what a case says about its end; the first bad word counts."""
        self._flaky = self._flaky or name in _FLAKY
        if name in _VERDICTS and self._verdict not in BAD:
            self._verdict = _VERDICTS[name]
            self._message = attributes.get("message", "")[:_LONGEST]

    def end(self, _name: str) -> None:
        """Take the end of an element."""
        if self._case is not None and self._depth == self._case_depth:
            if len(self.found) >= MOST_CASES:
                raise _StopError
            self.found.append(
                Case(
                    suite=self._case.get("classname", "")[:_LONGEST],
                    name=self._case.get("name", "")[:_LONGEST],
                    verdict=self._verdict,
                    message=self._message,
                    seconds=_seconds(self._case.get("time", "")),
                    flaky=self._flaky and self._verdict is Verdict.PASSED,
                )
            )
            self._case = None
        self._depth -= 1


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def cases_of(report: bytes) -> tuple[Case, ...] | None:
    """Return the tests of a report; None if it is no whole report in that format, or too long."""

    def refuse(*_declaration: object) -> None:
        raise _StopError

    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        # As a whole: in pieces, a long tag is read again from its begin with each piece that comes,
        # which takes the square of its length and holds up all other threads.
        parser.Parse(report, True)  # noqa: FBT003 - takes no keywords
    except (expat.ExpatError, _StopError, ValueError, LookupError):
        return None  # LookupError: its encoding is none of texts, like "hex"
    return tuple(reader.found)
