"""`mulligan api`: any call of the server, with the credential of the command line."""

import sys
from typing import Any, BinaryIO

import click

from mulligan.cli.examples import EXAMPLE
from mulligan.cli.options import Session, may_preview, with_session

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@click.command(
    help="Send any request with one's credential and print the answer. PATH stands behind /api/v1, "
    "or begins with /api/ itself. With -f and GET the fields go into the query.\n\n"
    + EXAMPLE
    + "mulligan api GET /projects/shop/runs -f status=failed --jq '.items[].id'\n  "
    "mulligan api POST /projects -f name=shop"
)
@click.argument("method", type=click.Choice(_METHODS, case_sensitive=False))
@click.argument("path")
@click.option("-f", "--field", "fields", multiple=True, metavar="KEY=VALUE", help="A text.")
@click.option("-F", "--typed", multiple=True, metavar="KEY=JSON", help="A value of JSON.")
@click.option("--input", "source", type=click.File("rb"), help="The body; - is stdin.")
@click.option("--media", default="application/json", help="Content type of --input.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME: TEXT", help="A header.")
@may_preview
@with_session
def api(
    session: Session,
    method: str,
    path: str,
    fields: tuple[str, ...],
    typed: tuple[str, ...],
    source: BinaryIO | None,
    media: str,
    headers: tuple[str, ...],
) -> None:
    """Send a request."""
    values = _values(fields, typed)
    if source is not None and values:
        raise click.UsageError("either --input or fields")
    body: object = values or None
    query = None
    if source is not None:
        body = source.read()
    elif method == "GET":
        body, query = None, values
    answer = session.client.call(
        method,
        path if path.startswith("/") else f"/{path}",
        body,
        query=query,
        media=media,
        headers=dict(_header(text) for text in headers),
        reads=method == "GET",
    )
    if answer is not None:
        _print(session, answer)


def _print(session: Session, answer: Any) -> None:
    """Print what came: JSON unless another form is asked for."""
    form = session.form._replace(name="json") if session.is_table else session.form
    from mulligan.cli.forms import emit

    emit(answer, form)
    sys.stdout.flush()


def _values(fields: tuple[str, ...], typed: tuple[str, ...]) -> dict[str, Any]:
    import json

    values: dict[str, Any] = dict(_pair(text, "-f") for text in fields)
    for text in typed:
        name, value = _pair(text, "-F")
        try:
            values[name] = json.loads(value)
        except ValueError:
            raise click.BadParameter(f"{value!r} is no JSON", param_hint="-F") from None
    return values


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint=option)
    return name, value


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (name.strip() and colon):
        raise click.BadParameter(f"{text!r} is not NAME: TEXT", param_hint="-H")
    return name.strip(), value.strip()
