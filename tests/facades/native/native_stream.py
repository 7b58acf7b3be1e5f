"""Read server-sent events over a real socket, as a browser would."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event; `ident` is "" when it had none."""

    ident: str
    name: str
    data: str

    @property
    def json(self) -> Any:
        """Return the data, decoded."""
        return json.loads(self.data)


class EventStream:
    """One connection to a stream."""

    def __init__(
        self, url: str, path: str, token: str, *, last_event_id: str = "", expect: int = 200
    ) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        headers = {"Authorization": f"Bearer {token}"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        self._connection.request("GET", f"/api/v1{path}", headers=headers)
        self._answer = self._connection.getresponse()
        assert self._answer.status == expect
        self.headers = self._answer.headers

    def __enter__(self) -> Self:
        """Return the stream."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._answer.close()
        self._connection.close()

    def events(self) -> Iterator[Event]:
        """Yield events until the server ends the stream."""
        fields: dict[str, list[str]] = {}
        while line := self._answer.readline():
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(":")
                fields.setdefault(name, []).append(value.removeprefix(" "))
            elif "data" in fields:
                yield Event(
                    ident=fields.get("id", [""])[-1],
                    name=fields.get("event", [""])[-1],
                    data="\n".join(fields["data"]),
                )
                fields = {}
            else:
                fields = {}

    def until(self, kind: str) -> list[Event]:
        """Return the events up to the first whose kind is `kind`."""
        found = []
        for event in self.events():
            found.append(event)
            if event.json["event"]["type"] == kind:
                return found
        raise AssertionError(f"the stream ended without {kind}")
