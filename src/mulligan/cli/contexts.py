"""Servers that a person works with, by name: `config.toml`, and their tokens in a file apart.

Both are in `$XDG_CONFIG_HOME/mulligan` or `~/.config/mulligan`. The tokens may be read by their
owner alone; the other file holds no secret.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from mulligan.cli.exits import EXIT_USAGE, FailureError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CONFIG = "config.toml"
_TOKENS = "tokens.toml"


class Context(NamedTuple):
    """One server, and what is meant there when nothing is said."""

    name: str
    url: str
    project: str = ""
    pipeline: str = ""


class Contexts(NamedTuple):
    """All contexts by name, and the one in use ("" = none)."""

    known: dict[str, Context]
    current: str = ""

    def named(self, name: str) -> Context:
        """Return a context.

        Raises:
            FailureError: There is none of that name.
        """
        found = self.known.get(name)
        if found is None:
            names = ", ".join(self.known) or "none; make one with: mulligan login URL"
            raise FailureError(f"there is no context {name!r}; there is {names}", EXIT_USAGE)
        return found

    def used(self, name: str | None = None) -> Context | None:
        """Return the named context, else that of the environment, else the one in use."""
        wanted = name or os.environ.get("MULLIGAN_CONTEXT") or self.current
        return self.named(wanted) if wanted else None


def folder() -> Path:
    """Return where the files are."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "mulligan"


def load() -> Contexts:
    """Read the contexts; none if there is no file.

    Raises:
        FailureError: The file can't be read.
    """
    content = _read(_CONFIG)
    known = {}
    for name, fields in content.get("contexts", {}).items():
        if not isinstance(fields, dict) or not isinstance(fields.get("url"), str):
            raise FailureError(f"{folder() / _CONFIG}: context {name!r} has no url", EXIT_USAGE)
        texts = {key: str(fields.get(key, "")) for key in ("url", "project", "pipeline")}
        known[name] = Context(name, **texts)
    return Contexts(known, str(content.get("current", "")))


def save(contexts: Contexts) -> None:
    """Write the contexts."""
    lines = [f"current = {_quoted(contexts.current)}"]
    for context in contexts.known.values():
        lines += ["", f"[contexts.{_quoted(context.name)}]"]
        fields = context._asdict()
        lines += [
            f"{key} = {_quoted(fields[key])}"
            for key in ("url", "project", "pipeline")
            if fields[key]
        ]
    _write(_CONFIG, lines)


def check_name(name: str) -> str:
    """Give a name back that may be one of a context.

    Raises:
        FailureError: It may not.
    """
    if not _NAME.fullmatch(name):
        message = f"{name!r} is no name of a context: letters, digits, '.', '_' and '-' only"
        raise FailureError(message, EXIT_USAGE)
    return name


def token_of(context: str) -> str | None:
    """Return the token that is kept for a context."""
    found = _read(_TOKENS).get(context)
    return found if isinstance(found, str) and found else None


def keep_token(context: str, token: str | None) -> None:
    """Keep a token for a context; None takes it away."""
    tokens = {name: text for name, text in _read(_TOKENS).items() if name != context}
    if token is not None:
        tokens[context] = token
    _write(_TOKENS, [f"{_quoted(name)} = {_quoted(text)}" for name, text in tokens.items()])


def context_at(url: str) -> Context | None:
    """Return the context of a server's URL, if there is one."""
    wanted = url.rstrip("/")
    return next((each for each in load().known.values() if each.url.rstrip("/") == wanted), None)


def _read(name: str) -> dict[str, Any]:
    path = folder() / name
    try:
        data = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise FailureError(f"{path} can't be read: {error}", EXIT_USAGE) from None
    import tomllib

    try:
        return tomllib.loads(data)
    except tomllib.TOMLDecodeError as error:
        raise FailureError(f"{path} is no TOML: {error}", EXIT_USAGE) from None


def _write(name: str, lines: list[str]) -> None:
    """Replace a file as a whole; nobody else may read it at any time."""
    import tempfile

    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, written = tempfile.mkstemp(dir=folder())  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(written, folder() / name)
    except BaseException:
        Path(written).unlink(missing_ok=True)
        raise


def _quoted(text: str) -> str:
    """Give a basic string of TOML; what JSON escapes, TOML reads alike."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
