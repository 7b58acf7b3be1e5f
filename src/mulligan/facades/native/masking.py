"""Mask secrets in the settings and manifests of deployments before somebody sees them."""

import re
from typing import Any

import msgspec

HIDDEN = "******"
_WORDS = r"pass(?:word|wd|phrase)?|secret|token|credentials?|api_?key|private_?key|kubeconfig"
_SECRET_NAME = re.compile(rf"(?i)(?:^|[^a-z])(?:{_WORDS})(?:$|[^a-z])|password|secret")
_LOGIN = re.compile(r"(?<=://)[^/\s@\"'?#]+(?=@)")
_HEADER = re.compile(r"(?i)(authorization:\s*(?:bearer|basic|token)\s+)[^\s\"']+")
_OPTION = re.compile(rf"(?i)(--(?:[a-z]+-)*(?:{_WORDS})[= ])\S+")
# a line of YAML, of a script or of settings that gives a name a value
_LINE = re.compile(
    r"^(?P<before>(?P<indent>[\s-]*)(?:export\s+)?[\"']?(?P<name>[\w.-]+)[\"']?\s*[:=]\s*)"
    r"(?P<value>\S.*)$"
)
_BLOCK = re.compile(r"[|>][-+0-9]*$")


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
        return [_masked(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("name"), str) and "value" in value and _is_secret(value["name"]):
        return {**value, "value": HIDDEN}
    return {
        key: HIDDEN if _is_secret(key) and not isinstance(each, dict | list) else _masked(each)
        for key, each in value.items()
    }


def _masked_lines(text: str) -> str:
    lines: list[str] = []
    named = ""  # what the line before called by `name:`, as variables of containers are written
    block: int | None = None  # indentation of a secret that goes on for several lines
    for line in text.split("\n"):
        if block is not None and (not line.strip() or _indent(line) > block):
            continue
        block = None
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
    return _LOGIN.sub(HIDDEN, line)
