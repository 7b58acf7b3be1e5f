"""Read the file to which the shell functions `setEnv` and `setGateValue` append."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mulligan.executors.host.commands import Command

MAX_BYTES = 4 * 1024 * 1024
# Before the name of a gate value; no name of a variable can begin so.
GATE_PREFIX = ":gate:"


def read_set_env(path: str) -> tuple[dict[str, str], list[Command]]:
    """Return the variables, the last value of each, and the gate values as commands.

    The file holds records `NAME=value` that end with a NUL byte. A last record without that end
    was cut off and is left out, as is everything behind the first 4 MiB. No file: nothing. The
    file is removed.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            content = file.read(MAX_BYTES)
        os.unlink(path)
    except OSError:
        return {}, []
    variables: dict[str, str] = {}
    commands: list[Command] = []
    for record in content.decode("utf-8", "replace").split("\0")[:-1]:
        name, separator, value = record.partition("=")
        if not separator:
            continue
        if name.startswith(GATE_PREFIX):
            args = {"name": name.removeprefix(GATE_PREFIX)}
            commands.append({"name": "set-gate-value", "args": args, "value": value})
        else:
            variables[name] = value
    return variables, commands
