"""When following a run is over."""

from types import SimpleNamespace
from typing import Any

import pytest

from mulligan.cli import progress
from mulligan.cli.happenings import CONNECTED, Told

ENDED = {"revision": 6, "status": "succeeded"}
TOLD = [CONNECTED, Told(4, is_last=True), CONNECTED, Told(6, is_last=False), Told(6, is_last=True)]


@pytest.mark.parametrize(("form", "left"), [("jsonl", 0), ("table", 4)])
def test_who_prints_events_prints_the_last_one_before_it_ends(
    monkeypatch: pytest.MonkeyPatch, form: str, left: int
) -> None:
    """The run may be over when the stream is there again; its last events are still to come."""
    told = iter(TOLD)
    monkeypatch.setattr(progress, "happenings", lambda *_, **__: told)
    monkeypatch.setattr(progress, "state_of", lambda *_: ENDED)
    session: Any = SimpleNamespace(form=SimpleNamespace(name=form))
    shown: Any = SimpleNamespace(show=lambda _: None)

    assert progress.follow(session, {}, shown) == ENDED
    assert len(list(told)) == left
