"""Mask secrets in the settings and manifests of deployments before somebody sees them."""

import re
from typing import Any

import msgspec

HIDDEN = "******"
_WORDS = r"pass(?:word|wd|phrase)?|secret|token|credentials?|api_?key|private_?key|kubeconfig"
_SECRET_NAME = re.compile(rf"(?i)(?:^|[^a-z])(?:{_WORDS}|pwd)(?:$|[^a-z])|password|secret")
_LOGIN = re.compile(r"(?<=://)[^/\s@\"'?#]+(?=@)")
_HEADER = re.compile(r"(?i)(authorization:\s*(?:bearer|basic|token)\s+)[^\s\"']+")
_OPTION = re.compile(rf"(?i)(--(?:[a-z]+-)*(?:{_WORDS})[= ])\S+")
# a line of YAML, of a script or of settings that gives a name a value
_LINE = re.compile(
    r"^(?P<before>(?P<indent>[\s-]*)(?:export\s+)?[\"']?(?P<name>[\w.-]+)[\"']?\s*[:=]\s*)"
    r"(?P<value>\S.*)$"
)
_BLOCK = re.compile(r"[|>][-+0-9]*$")
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
_OPTION_ALONE = re.compile(rf"(?i)--(?:[a-z]+-)*(?:{_WORDS})")


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


def _is_secret(name: str) -> bool:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    if parted.lower().endswith(("_file", "_name", "_ref")):
        return False  # says where the secret is
    return _SECRET_NAME.search(parted) is not None


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _masked_lines(value)
    if isinstance(value, list):
        return [
            HIDDEN if isinstance(each, str) and _is_option(before) else _masked(each)
            for before, each in zip([None, *value], value, strict=False)
        ]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "Secret":
        value = value | {key: HIDDEN for key in _DATA_KEYS if value.get(key)}
    if isinstance(value.get("name"), str) and "value" in value and _is_secret(value["name"]):
        return {**value, "value": HIDDEN}
    return {
        key: HIDDEN if _is_secret(key) and not isinstance(each, dict | list) else _masked(each)
        for key, each in value.items()
    }


def _is_option(before: object) -> bool:
    """Tell whether the next argument of a program is secret."""
    return isinstance(before, str) and _OPTION_ALONE.fullmatch(before) is not None


def _masked_lines(text: str) -> str:
    """Mask a text that is no JSON: the documents of a file in YAML one by one."""
    return "\n---".join(_masked_document(each) for each in text.split("\n---"))


def _masked_document(text: str) -> str:
    holders = {len(found["indent"]) for found in _SECRET_OBJECT.finditer(text)}
    lines: list[str] = []
    named = ""  # what the line before called by `name:`, as variables of containers are written
    block: int | None = None  # indentation of a secret that goes on for several lines
    for line in text.split("\n"):
        if block is not None and (not line.strip() or _indent(line) > block):
            continue
        block = None
        data = _DATA.match(line) if holders else None
        if data is not None and len(data["indent"]) in holders:
            lines.append(f"{data['before']} {HIDDEN}")
            block = len(data["indent"])
            continue
        found = _LINE.match(line)
        name = found["name"] if found is not None else ""
        if found is not None and (_is_secret(name) or (name == "value" and _is_secret(named))):
            lines.append(found["before"] + HIDDEN)
            block = len(found["indent"]) if _BLOCK.fullmatch(found["value"]) else None
        else:
            lines.append(_masked_line(line))
        named = found["value"].strip("\"' ") if found is not None and name == "name" else ""
    return "\n".join(lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _masked_line(line: str) -> str:
    for pattern in (_HEADER, _OPTION):
        line = pattern.sub(rf"\g<1>{HIDDEN}", line)
    for pattern in (_ASSIGNED, _IN_BRACES):
        line = pattern.sub(_hidden_value, line)
    return _LOGIN.sub(HIDDEN, line)


def _hidden_value(found: re.Match[str]) -> str:
    return found["name"] + found["between"] + HIDDEN if _is_secret(found["name"]) else found[0]
