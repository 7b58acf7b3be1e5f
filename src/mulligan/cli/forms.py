"""The forms in which data is printed: tables for people, the rest for programs."""

import json
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from mulligan.cli.exits import EXIT_USAGE, FailureError

FORMS = ("table", "wide", "json", "yaml", "jsonl", "name")
FOR_PEOPLE = frozenset({"table", "wide", "tsv"})
_JQ_S = 60


class Form(NamedTuple):
    """How data is wanted.

    Args:
        name: One of `FORMS`; `tsv`: a table of which a list is printed without titles, with tabs.
        fields: Only these members of each object.
        jq: An expression that the data goes through.
    """

    name: str = "table"
    fields: tuple[str, ...] = ()
    jq: str = ""

    @property
    def is_for_people(self) -> bool:
        """Tell whether tables and sentences are wanted."""
        return self.name in FOR_PEOPLE


def chosen(output: str | None, as_json: str | None, jq: str | None) -> Form:
    """Return the form that the options ask for.

    Args:
        output: `-o`; None = a table, in a pipe without decoration.
        as_json: `--json`: names of fields with commas, "" = all.
        jq: `--jq`.
    """
    if as_json is not None or jq is not None:
        if output not in {None, "json"}:
            raise click.UsageError(f"--json and --jq do not go with -o {output}")
        fields = tuple(name.strip() for name in (as_json or "").split(",") if name.strip())
        return Form("json", fields, jq or "")
    if output is None:
        output = "table" if sys.stdout.isatty() else "tsv"
    return Form(output)


def emit(value: Any, form: Form) -> None:
    """Print data in a form for programs.

    Raises:
        FailureError: It has no such field, or jq refuses.
    """
    if form.fields:
        value = _picked(value, form.fields)
    if form.jq:
        click.echo(_through_jq(value, form.jq), nl=False)
    elif form.name == "yaml":
        import yaml

        click.echo(yaml.safe_dump(value, allow_unicode=True, sort_keys=False), nl=False)
    elif form.name == "jsonl":
        for item in value if isinstance(value, list) else [value]:
            click.echo(json.dumps(item, ensure_ascii=False))
    elif form.name == "name":
        for name in _names(value):
            click.echo(name)
    else:
        indent = 2 if sys.stdout.isatty() else None
        click.echo(json.dumps(value, ensure_ascii=False, indent=indent))


def _picked(value: Any, fields: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_picked(item, fields) for item in value]
    if not isinstance(value, dict):
        raise FailureError("--json FIELDS: what is printed has no fields", EXIT_USAGE)
    unknown = [name for name in fields if name not in value]
    if unknown:
        known = ", ".join(value)
        raise FailureError(f"there is no field {', '.join(unknown)}; there is {known}", EXIT_USAGE)
    return {name: value[name] for name in fields}


def _names(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        found = None
        if isinstance(item, dict):
            keys = ("id", "name", "atomCode", "number")
            found = next((item[key] for key in keys if item.get(key) is not None), None)
        if found is None:
            raise FailureError("-o name: what is printed has no name", EXIT_USAGE)
        yield str(found)


def _through_jq(value: Any, expression: str) -> str:
    """Return what jq makes of data, texts without quotes; by its library or its program."""
    import importlib.util
    import shutil
    import subprocess

    if importlib.util.find_spec("jq") is not None:
        return _through_library(value, expression)
    program = shutil.which("jq")
    if program is None:
        message = "--jq needs the program jq, or: pip install 'mulligan[jq]'"
        raise FailureError(message, EXIT_USAGE)
    words = [program, "-r", f" {expression}"]  # what begins with a space is no option
    try:
        done = subprocess.run(
            words,
            input=json.dumps(value),
            capture_output=True,
            text=True,
            timeout=_JQ_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FailureError(f"jq did not end within {_JQ_S} s", EXIT_USAGE) from None
    if done.returncode != 0:
        raise FailureError(f"--jq: {done.stderr.strip()}", EXIT_USAGE)
    return done.stdout


def _through_library(value: Any, expression: str) -> str:
    import importlib

    library = importlib.import_module("jq")
    try:
        results = library.compile(expression).input_value(value).all()
    except ValueError as error:
        raise FailureError(f"--jq: {error}", EXIT_USAGE) from None
    lines = [
        item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in results
    ]
    return "".join(f"{line}\n" for line in lines)
