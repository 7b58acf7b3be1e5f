"""Which tests failed, by a report in the JUnit format. Pure; bounded in depth and in what it says.

Such reports come from programs of users: nothing of them is trusted, and document types, which
could make them grow without end, are refused.
"""

from collections.abc import Mapping
from io import BytesIO
from xml.parsers import expat

import msgspec

_ROOTS = frozenset({"testsuites", "testsuite"})
_VERDICTS = frozenset({"failure", "error"})
_DEEPEST = 100
_LONGEST = 300  # characters of a name or message


class FailedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A test that failed. `verdict`: failure (of an assertion) or error."""

    suite: str
    name: str
    verdict: str
    message: str


class _StopError(Exception):
    """It is no such report."""


class _Reader:
    """Takes the events of the parser."""

    def __init__(self) -> None:
        self.found: list[FailedCase] = []
        self._depth = 0
        self._case: Mapping[str, str] | None = None
        self._case_depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the begin of an element."""
        self._depth += 1
        if self._depth > _DEEPEST or (self._depth == 1 and name not in _ROOTS):
            raise _StopError
        if name == "testcase" and self._case is None:
            self._case, self._case_depth = attributes, self._depth
        elif self._case is not None and name in _VERDICTS and self._depth == self._case_depth + 1:
            self.found.append(
                FailedCase(
                    suite=self._case.get("classname", "")[:_LONGEST],
                    name=self._case.get("name", "")[:_LONGEST],
                    verdict=name,
                    message=attributes.get("message", "")[:_LONGEST],
                )
            )

    def end(self, _name: str) -> None:
        """Take the end of an element."""
        if self._depth == self._case_depth:
            self._case = None
        self._depth -= 1


def failed_cases(report: bytes) -> tuple[FailedCase, ...] | None:
    """Return the tests that failed; None if it is no whole report in that format."""

    def refuse(*_declaration: object) -> None:
        raise _StopError

    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        parser.ParseFile(BytesIO(report))
    except (expat.ExpatError, _StopError, ValueError):
        return None
    return tuple(reader.found)
