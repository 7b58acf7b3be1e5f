"""What a server tells of a run as it happens."""

from collections.abc import Iterator
from typing import NamedTuple

import click

from mulligan.cli.options import Session
from mulligan.cli.problems import Json


class Told(NamedTuple):
    """What a stream told: a revision of the run, and whether nothing more is to come."""

    revision: int
    is_last: bool


CONNECTED = Told(2**62, is_last=False)  # no event: the run is looked at anew


def happenings(session: Session, run: Json, *, prints: bool = False) -> Iterator[Told]:
    """Yield what is told of a run, and something after each connect.

    Args:
        prints: Each event is printed as a line of JSON, from the first one of the run on: whoever
            is cut off before one has come would not know where to go on.
    """
    import json

    query = {"project": run["project"], "run": run["id"], "after": 0 if prints else None}
    stream = session.client.stream("/events", **query)
    for event in stream:
        if event.name == "open":
            yield CONNECTED
            continue
        if prints:
            click.echo(event.data)
        data = json.loads(event.data)
        yield Told(data["revision"], data["event"]["type"] == "RunFinished")
