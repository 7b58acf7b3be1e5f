"""Mask secrets in the settings and manifests of deployments before somebody sees them."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from mulligan.facades.common.secret_names import WORDS, is_secret_name

HIDDEN = "******"
# up to the last @, which a password may hold too
_LOGIN = re.compile(r"(?<=://)[^/\s\"'?#]+(?=@)")
_SCHEME = r"[\"']?(?:bearer|basic|token|digest)\s+"
_HEADER = re.compile(rf"(?i)(authorization[\"']?\s*[:=]\s*{_SCHEME})[^\s\"']+")
_CREDENTIALS = re.compile(rf"(?i)^(\s*{_SCHEME})[^\s\"']+")
_TEXT = r"""(?:"[^"]*"|'[^']*'|\S+)"""
_OPTION_NAME = rf"--(?:[a-z]+-)*(?:{WORDS})"
_OPTION = re.compile(rf"(?i)({_OPTION_NAME}(?:=|[\"']?(?:\s*,\s*|\s+)(?![-|\\]))){_TEXT}")
# `-u name:secret` of curl; two numbers are a user and a group
_USER_NAME = r"(?:-[a-z]{0,5}u|--(?:proxy-)?user)"
_NAMED = r"""["']?(?!=|\d+:\d+\b)[^\s:"']+:[^\s"']+["']?"""
_USER = re.compile(rf"(?i)((?<![\w-]){_USER_NAME}(?:=|[\"']?\s*,\s*|\s*)){_NAMED}")
_PRIVATE_KEY = re.compile(
    r"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
)
# a line of YAML, of a script or of settings that gives a name a value
_LINE = re.compile(
    r"^(?P<before>(?P<indent>[\s-]*)(?:export\s+)?[\"']?(?P<name>[\w.][\w.-]*)[\"']?"
    r"\s*(?P<sign>[:=])\s*)(?P<value>\S.*)?$"
)
_ITEM = re.compile(r"^(?P<before>\s*-\s+)(?P<value>\S.*)$")
# what a value that begins in the next line does not begin with
_NESTED = re.compile(r"""\s*(?:-(?:\s|$)|["']?[\w.][\w.-]*["']?\s*:(?:\s|$)|\#)""")
_QUOTES = "\"' \t\r"
# the same within a line: `NAME=value command`, and `{name: value, "name": "value"}`
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"'&,;{}\[\]]+)"""
_ASSIGNED = re.compile(rf"(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)(?P<between>=){_VALUE}")
_IN_BRACES = re.compile(
    rf"""(?<=[{{,\s"'])(?P<name>[A-Za-z_][\w.-]*)(?P<between>["']?:\s*){_VALUE}"""
)
# A Secret of kubernetes: what is in it is secret, whatever it is called.
_SECRET_OBJECT = re.compile(
    r"""(?m)^(?P<indent>[ \t-]*)["']?kind["']?[ \t]*:[ \t]*["']?Secret["']?[ \t\r]*(?:\#.*)?$"""
)
_DATA_KEYS = ("data", "stringData")
_DATA = re.compile(r"""(?P<before>(?P<indent>[ \t-]*)["']?(?:data|stringData)["']?\s*:)""")
_OPTION_ALONE = re.compile(rf"(?i){_OPTION_NAME}")
_USER_ALONE = re.compile(rf"(?i){_USER_NAME}")
_PAIR = re.compile(_NAMED)


def masked_text(text: str) -> str:
    """Give a text with the secrets in it masked: JSON by its keys, all else by its lines."""
    if text.lstrip().startswith(("{", "[")):
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            pass
        else:
            return msgspec.json.encode(_masked(value)).decode()
    return _masked_lines(text)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _masked_lines(value)
    if isinstance(value, list):
        return [
            HIDDEN if _is_argument(before, each) else _masked(each)
            for before, each in zip([None, *value], value, strict=False)
        ]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "Secret":
        value = value | {key: HIDDEN for key in _DATA_KEYS if value.get(key)}
    name = value.get("name")
    named = name if isinstance(name, str) else ""
    return {
        key: _named(named if key == "value" and named else key, each) for key, each in value.items()
    }


def _named(name: str, value: Any) -> Any:
    """Mask a value that has a name."""
    if is_secret_name(name) and not isinstance(value, dict | list):
        return HIDDEN
    if isinstance(value, str) and _is_header(name):
        value = _CREDENTIALS.sub(rf"\g<1>{HIDDEN}", value)
    return _masked(value)


def _is_header(name: str) -> bool:
    return name.lower().endswith("authorization")


def _is_argument(before: object, value: object) -> bool:
    """Tell whether an argument of a program is secret by the one before it."""
    if not isinstance(before, str) or not isinstance(value, str):
        return False
    if _OPTION_ALONE.fullmatch(before):
        return True
    return _USER_ALONE.fullmatch(before) is not None and _PAIR.match(value) is not None


def _masked_lines(text: str) -> str:
    """Mask a text that is no JSON: the documents of a file in YAML one by one."""
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    return "\n---".join(_masked_document(each) for each in text.split("\n---"))


def _masked_document(text: str) -> str:
    holders = {len(found["indent"]) for found in _SECRET_OBJECT.finditer(text)}
    lines: list[str] = []
    before = _Before()
    for line in text.split("\n"):
        if before.goes_on(line):
            continue
        data = _DATA.match(line) if holders else None
        if data is not None and len(data["indent"]) in holders:
            lines.append(f"{data['before']} {HIDDEN}")
            before = _Before(block=len(data["indent"]))
            continue
        shown, before = _read_line(line, before)
        lines.append(shown)
    return "\n".join(lines)


@dataclass(frozen=True)
class _Before:
    """What the lines before say of the next one.

    Args:
        named: What one called by `name:`, as variables of containers are written.
        item: The item of a list that one was.
        block: Indentation of a secret that goes on for several lines.
        awaited: Indentation of the name of a secret whose value has not begun.
    """

    named: str = ""
    item: str = ""
    block: int | None = None
    awaited: int | None = None

    def goes_on(self, line: str) -> bool:
        """Tell whether a line is part of the secret before it."""
        return self.block is not None and (not line.strip() or _indent(line) > self.block)

    def begins(self, line: str) -> bool:
        """Tell whether a line begins the value whose name stands in one before."""
        return self.awaited is not None and _indent(line) > self.awaited and not _NESTED.match(line)


def _read_line(line: str, before: _Before) -> tuple[str, _Before]:
    """Mask a line; tell what it says of the next one."""
    if not line.strip():
        return line, before
    if before.begins(line):
        return line[: _indent(line)] + HIDDEN, _Before(block=before.awaited)
    item = _ITEM.match(line)
    if item is not None and _is_argument(before.item, item["value"].strip(_QUOTES)):
        return item["before"] + HIDDEN, _Before()
    found = _LINE.match(line)
    if found is None:
        argument = "" if item is None else item["value"].strip(_QUOTES)
        return _masked_line(line), _Before(item=argument)
    name, value = found["name"], found["value"]
    called = before.named if name == "value" and before.named else name
    if is_secret_name(called):
        return _read_secret(found)
    shown = _masked_line(line)
    if value and _is_header(called):
        shown = found["before"] + _CREDENTIALS.sub(rf"\g<1>{HIDDEN}", value)
    return shown, _Before(named=value.strip(_QUOTES) if value and name == "name" else "")


def _read_secret(found: re.Match[str]) -> tuple[str, _Before]:
    indent = len(found["indent"])
    if not found["value"]:
        return found[0], _Before(awaited=indent if found["sign"] == ":" else None)
    return found["before"] + HIDDEN, _Before(block=indent if found["sign"] == ":" else None)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _masked_line(line: str) -> str:
    for pattern in (_HEADER, _OPTION, _USER):
        line = pattern.sub(rf"\g<1>{HIDDEN}", line)
    for pattern in (_ASSIGNED, _IN_BRACES):
        line = pattern.sub(_hidden_value, line)
    return _LOGIN.sub(HIDDEN, line)


def _hidden_value(found: re.Match[str]) -> str:
    return found["name"] + found["between"] + HIDDEN if is_secret_name(found["name"]) else found[0]
