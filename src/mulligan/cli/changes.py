"""What a retry is to have otherwise: read from options, shown as before and after."""

import difflib
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from mulligan.cli.completions import steps
from mulligan.cli.following import length
from mulligan.cli.language import tr
from mulligan.cli.options import key_values
from mulligan.cli.output import note, one_line
from mulligan.cli.problems import Json
from mulligan.cli.references import find_node

F = TypeVar("F", bound=Callable[..., Any])

_WIDEST = 60  # characters of a value that is shown in its line


class Changes(NamedTuple):
    """Options that say what is to be otherwise; each may be there many times."""

    parameters: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeouts: tuple[str, ...] = ()
    resets: tuple[str, ...] = ()

    def body(self, state: Json) -> Json:
        """Return `changes` as the server takes them, {} if there are none."""
        parameters: dict[str, str | None] = dict(key_values(self.parameters))
        found: dict[str, Json] = {}
        for step, name, value in _of_steps(self.inputs, "--input"):
            _part(found, state, step, "inputs")[name] = _content(value)
        for step, name, value in _of_steps(self.env, "--step-env"):
            _part(found, state, step, "env")[name] = value
        for step, text in key_values(self.timeouts, "--step-timeout").items():
            _step(found, state, step)["timeout_s"] = int(length(text))
        for text in self.resets:
            step, dot, name = text.rpartition(".")
            if not dot:
                parameters[name] = None
            elif name == "timeout":
                _step(found, state, step)["timeout_s"] = None
            elif step.endswith(".env"):
                _part(found, state, step.removesuffix(".env"), "env")[name] = None
            else:
                _part(found, state, step, "inputs")[name] = None
        given = {"parameters": parameters, "steps": found}
        return {name: value for name, value in given.items() if value}


def _of_steps(texts: Sequence[str], option: str) -> Iterator[tuple[str, str, str]]:
    for text in texts:
        left, equals, value = text.partition("=")
        step, dot, name = left.rpartition(".")
        if not (equals and dot and step and name):
            raise click.BadParameter(f"{text!r} is not STEP.NAME=VALUE", param_hint=option)
        yield step, name, value


def _content(value: str) -> str:
    """Return a value, or what the file holds that is named after `@`."""
    if not value.startswith("@"):
        return value
    if value.startswith("@@"):
        return value[1:]
    try:
        return Path(value[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"can't read {value[1:]!r}: {error}") from None


def _step(found: dict[str, Json], state: Json, text: str) -> Json:
    return found.setdefault(str(find_node(state, "step", text)["id"]), {})


def _part(found: dict[str, Json], state: Json, step: str, part: str) -> dict[str, str | None]:
    values: dict[str, str | None] = _step(found, state, step).setdefault(part, {})
    return values


def gives_changes(act: F) -> F:
    """Add the options that say what is to be otherwise; the command gets `changes`."""

    @click.option(
        "-p", "parameters", multiple=True, metavar="KEY=VALUE", help="A parameter, from now on."
    )
    @click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="STEP.NAME=VALUE",
        help="An input of a step that runs again; @FILE: what the file holds.",
        shell_complete=steps,
    )
    @click.option(
        "--step-env",
        "env",
        multiple=True,
        metavar="STEP.NAME=VALUE",
        help="A variable of the environment of such a step.",
    )
    @click.option(
        "--step-timeout",
        "timeouts",
        multiple=True,
        metavar="STEP=TIME",
        help="Its time-out: 90s, 10m, 1h30m.",
    )
    @click.option(
        "--reset",
        "resets",
        multiple=True,
        metavar="WHAT",
        help="Set back what was changed: KEY, STEP.NAME, STEP.env.NAME, STEP.timeout.",
    )
    @functools.wraps(act)
    def command(*args: Any, **kwargs: Any) -> Any:
        given = Changes(*(kwargs.pop(name) for name in Changes._fields))
        return act(*args, changes=given, **kwargs)

    return command  # type: ignore[return-value]  # click calls it by keyword, whatever F takes


def show_changes(changes: Sequence[Json]) -> None:
    """Show each change as before and after; of longer texts the lines that differ."""
    for change in changes:
        what = one_line(changed_name(change))
        before, after = (_text(change[side]) for side in ("before", "after"))
        if max(len(before), len(after)) <= _WIDEST and "\n" not in before + after:
            values = {"what": what, "before": one_line(before), "after": one_line(after)}
            note(tr("changed: {what}: {before} → {after}", **values))
            continue
        note(tr("changed: {what}", what=what))
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
        for line in (each for each in list(lines)[2:] if not each.startswith("@@")):
            colour = {"+": "green", "-": "red"}.get(line[:1])
            note("    " + (click.style(one_line(line), fg=colour) if colour else one_line(line)))


def changed_name(change: Json) -> str:
    """Name what is changed as `--reset` takes it, with the step's name."""
    if not change["step"]:
        return str(change["name"])
    kind = {"env": f"env.{change['name']}", "timeout": "timeout"}
    return f"{change['step_name']}.{kind.get(change['kind'], change['name'])}"


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
