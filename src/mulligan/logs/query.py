"""What somebody looks for in a log: an expression of RE2, which takes linear time.

Most logs are coloured, and a match may go on over an escape sequence. To take these sequences out
of a log costs ten times as much as to search in it. So there is a second form of the expression,
which lets sequences stand anywhere: it finds what the first one would find and a little more, and
only lines that it finds are looked at without their sequences.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mulligan.logs.format import LogError

LONGEST_QUERY = 1_000  # characters
_MEMORY = 8 * 1024 * 1024  # of RE2 for one expression
_SEQUENCE = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])"
# As `search.py` knows them, on bytes, and never over the end of a line.
ESCAPES = re.compile(_SEQUENCE.encode())
_SKIPPED = f"(?:{_SEQUENCE})*"
# What an expression of RE2 is made of. What isn't here has no second form: single bytes, quotes,
# the beginning and the end of the whole text, switches besides that of cases.
_PART = re.compile(
    r"""
    (?P<group> \(\?i\) | \((?:\?(?:P?<\w+>|i?:))? | \|)
  | (?P<close> \))
  | (?P<edge> \\[bB] | \$)
  | (?P<start> \^)
  | (?P<atom>
        \\(?: [dDwWsSafnrtv] | x[0-9A-Fa-f]{2} | x\{[0-9A-Fa-f]+\} | [pP](?:[A-Z]|\{\^?\w+\})
            | \W )
      | \[\^?\]?(?: \[:\^?\w+:\] | \\. | [^\]\\] )*\]
      | [^\\\[()|*+?^$] )
    """,
    re.VERBOSE | re.DOTALL,
)
_REPEATED = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")


class PatternError(LogError, ValueError):
    """The expression can't be read."""


class LogQuery(msgspec.Struct, frozen=True):
    """An expression, compiled.

    Args:
        exact: For lines without escape sequences.
        loose: Finds each match of `exact` also where sequences stand in it, in text that is UTF-8;
            None where there is no such expression.
    """

    exact: Any
    loose: Any


def compile_query(text: str, *, is_regexp: bool, ignore_case: bool) -> LogQuery:
    """Make of a query what `find` takes.

    Raises:
        PatternError: It is empty, too long, or no expression.
    """
    import re2  # 10 ms that a server without searches need not wait for

    if not text or len(text) > LONGEST_QUERY:
        raise PatternError(f"a query has 1 to {LONGEST_QUERY} characters")
    options = re2.Options()
    options.never_nl = True
    options.log_errors = False
    options.max_mem = _MEMORY
    options.case_sensitive = not ignore_case
    raw = text.encode(errors="replace")
    plain = raw.decode() if is_regexp else re2.escape(raw.decode())
    multiline = "(?m)" if is_regexp else ""
    try:
        exact = re2.compile((multiline + plain).encode(), options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "it can't be read"
        raise PatternError(f"the expression can't be read: {reason}") from None
    coloured = loosened(plain)
    try:
        loose = None if coloured is None else re2.compile(f"(?m){coloured}".encode(), options)
    except re2.error:  # it needs too much memory, for example
        loose = None
    return LogQuery(exact, loose)


def loosened(expression: str) -> str | None:
    """Let escape sequences stand between all parts of an expression that RE2 can read.

    Edges of words are left out, since a sequence may end in a letter. So are ends of lines where
    beginnings are asked for, too: a line of sequences alone has both at one place.
    """
    parts: list[str] = []
    begins = "^" in expression
    place = 0
    while place < len(expression):
        found = _PART.match(expression, place)
        if found is None:
            return None
        place = found.end()
        kind = found.lastgroup or ""
        part = "(?:)" if begins and found[0] == "$" else _loose_part(kind, found[0])
        if kind != "group" and (repeated := _REPEATED.match(expression, place)):
            place = repeated.end()
            part = (part if kind == "close" else f"(?:{part})") + repeated[0]
        parts.append(part)
    return "".join(parts)


def _loose_part(kind: str, text: str) -> str:
    match kind:
        case "group":  # names and numbers of groups are of no use
            return text if text in {"|", "(?i)", "(?i:"} else "(?:"
        case "edge":
            return "$" if text == "$" else "(?:)"
        case "close":
            return text
        case _:
            return text + _SKIPPED
