"""Turn a script of a step into a program with arguments, and the file that it needs.

A shell script is run by one shell: it is given, as `-c`, the functions that scripts may use, and
reads the user's script with `.`; so the line numbers in its messages are the user's, and nothing
but the script itself is written.

What happens to the text: a byte order mark at its start is removed; lines that end with CR LF end
with LF (except for `BAT`), because a shell would take the CR for a part of the last word; a NUL
character is refused, because shells drop it or stop there without a word.
"""

from __future__ import annotations

import os
import shutil
from functools import lru_cache
from typing import Literal, get_args

ScriptKind = Literal["SHELL", "BASH", "SH", "PYTHON", "PYTHON2", "PYTHON3", "POWER_SHELL", "BAT"]
SCRIPT_KINDS: tuple[str, ...] = get_args(ScriptKind)

# The first one that exists is taken.
_INTERPRETERS: dict[str, tuple[str, ...]] = {
    "SHELL": ("bash", "sh"),
    "BASH": ("bash",),
    "SH": ("sh",),
    "PYTHON": ("python", "python3"),
    "PYTHON2": ("python2", "python2.7"),
    "PYTHON3": ("python3",),
    "POWER_SHELL": ("pwsh", "powershell"),
    "BAT": ("cmd", "cmd.exe"),
}
_SUFFIXES = {"POWER_SHELL": ".ps1", "BAT": ".bat"}
_SHELLS = frozenset({"bash", "sh", "dash", "ash", "ksh", "mksh", "zsh"})

# Unbuffered: the lines of stdout and stderr keep their order, and are seen when they are printed.
_PYTHON_OPTIONS = ("-u",)
_POWER_SHELL_OPTIONS = ("-NoLogo", "-NoProfile", "-NonInteractive", "-File")
_BAT_OPTIONS = ("/d", "/c")

# For every POSIX shell. A record of the file ends with a NUL, so a value may have several lines.
_FUNCTIONS = r"""setEnv() {
case $1 in ''|[!A-Za-z_]*|*[!A-Za-z0-9_]*)
printf 'setEnv: "%s" is not a name: letters, digits and _ only\n' "$1" >&2; return 1;; esac
export "$1=${2-}"; printf '%s=%s\0' "$1" "${2-}" >>"$MULLIGAN_SET_ENV"
}
setGateValue() {
case $1 in ''|*=*) printf 'setGateValue: "%s" is not a name\n' "$1" >&2; return 1;; esac
printf ':gate:%s=%s\0' "$1" "${2-}" >>"$MULLIGAN_SET_ENV"
}
"""
_FORMAT_IN_BASH = r"""format_multiple_lines() {
local text=$*; text=${text//'%'/'%25'}; text=${text//$'\r'/'%0D'}
printf '%s\n' "${text//$'\n'/'%0A'}"
}
"""
_FORMAT_ELSEWHERE = r"""format_multiple_lines() {
printf '%s\n' "$*" | awk '{ gsub(/%/, "%25"); gsub(/\r/, "%0D")
printf "%s%s", (NR > 1 ? "%0A" : ""), $0 } END { print "" }'
}
"""
_READ_SCRIPT = '. "$0"\n'


class ScriptError(Exception):
    """The script can't be run.

    - InterpreterMissingError: nothing on this machine can run it
    - InvalidScriptError: its text can't be a script
    """


class InterpreterMissingError(ScriptError):
    """Nothing on this machine can run the script.

    Args:
        names: what was looked for.
        path: where.
    """

    def __init__(self, names: tuple[str, ...], path: str) -> None:
        self.names = names
        wanted = " or ".join(repr(name) for name in names)
        super().__init__(f"the interpreter {wanted} was not found (PATH is {path!r})")


class InvalidScriptError(ScriptError):
    """The text can't be a script; the message says where and why."""


def prepare_script(
    kind: ScriptKind,
    text: str,
    *,
    temp_dir: str,
    path: str,
    continue_on_error: bool = False,
) -> tuple[str, ...]:
    """Write the script to `temp_dir` and return the arguments that run it.

    Args:
        kind: of the script. For all but POWER_SHELL and BAT a first line with `#!` chooses the
            interpreter instead. SHELL is bash where there is one.
        text: the script. Undecodable bytes stand as surrogates.
        temp_dir: exists.
        path: the PATH of the step.
        continue_on_error: a shell goes on after a command that failed (`set +e`).

    Raises:
        InterpreterMissingError: see there.
        InvalidScriptError: the text has a NUL character.
        OSError: the file can't be written.
    """
    content = _normalize(kind, text)
    interpreter = _choose(kind, content, path)
    program = os.path.basename(interpreter[0])
    is_shell = program in _SHELLS
    suffix = _SUFFIXES.get(kind) or (".sh" if is_shell else ".py" if "python" in program else "")
    file = os.path.join(temp_dir, f"script{suffix}")
    with open(file, "wb", buffering=0) as output:
        output.write(content.encode("utf-8", "surrogateescape"))
    if not is_shell:
        return (*interpreter, file)
    functions = _FUNCTIONS + (_FORMAT_IN_BASH if program == "bash" else _FORMAT_ELSEWHERE)
    errexit = "" if continue_on_error else "set -e\n"
    return (*interpreter, "-c", functions + errexit + _READ_SCRIPT, file)


def _normalize(kind: str, text: str) -> str:
    text = text.removeprefix("\ufeff")
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise InvalidScriptError(f"line {line} of the script has a NUL character")
    return text if kind == "BAT" else text.replace("\r\n", "\n")


def _choose(kind: ScriptKind, content: str, path: str) -> tuple[str, ...]:
    """Return the interpreter with its options. Raises InterpreterMissingError."""
    if kind == "POWER_SHELL":
        return (_find(_INTERPRETERS[kind], path), *_POWER_SHELL_OPTIONS)
    if kind == "BAT":
        return (_find(_INTERPRETERS[kind], path), *_BAT_OPTIONS)
    words = _first_line_words(content)
    if words:
        return (_find((words[0],), path), *words[1:])
    options = _PYTHON_OPTIONS if kind.startswith("PYTHON") else ()
    return (_find(_INTERPRETERS[kind], path), *options)


def _first_line_words(content: str) -> tuple[str, ...]:
    """Return what stands behind `#!` in the first line, without `env` and lone dashes."""
    if not content.startswith("#!"):
        return ()
    words = content[2:].partition("\n")[0].split()
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if word != "-S"]
    return tuple(word for word in words if word not in ("-", "--"))


@lru_cache(maxsize=64)  # a look-up takes some calls of the system; programs rarely move
def _find(names: tuple[str, ...], path: str) -> str:
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise InterpreterMissingError(names, path)
