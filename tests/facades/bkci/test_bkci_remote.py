"""Remote triggers: a token is looked at before anything else of a call."""

from collections.abc import Iterator

from bkci.calling import Caller
from bkci.scenes import minimal_model

REMOTE = {"@type": "remoteTrigger", "name": "remote", "id": "T-9-9-9-9"}


def token_of(caller: Caller, name: str, *triggers: object) -> str:
    """Make a pipeline with more triggers; give it a token."""
    stages = minimal_model()["stages"]
    stages[0]["containers"][0]["elements"] += triggers
    pipeline = caller.make_pipeline(name, stages=stages)
    path = f"/api/v1/projects/{caller.project}/pipelines/{pipeline}/remote-token"
    response = caller.http.post(path, headers={"X-DEVOPS-UID": caller.user})
    return str(response.json()["token"])


def test_body_is_read_for_a_good_token_only(alice: Caller) -> None:
    """An unknown token, and one that starts nothing, are refused with the body untouched."""
    read: list[str] = []

    def body(name: str) -> Iterator[bytes]:
        read.append(name)
        yield b"{}"

    tokens = {
        "unknown": "0" * 48,
        "idle": token_of(alice, "idle"),
        "good": token_of(alice, "good", REMOTE),
    }
    answers = {
        name: alice.http.post(f"/api/external/pipelines/{token}/build", content=body(name))
        for name, token in tokens.items()
    }

    assert answers["unknown"].status_code == 404
    assert answers["idle"].json()["status"] != 0
    assert answers["good"].json()["status"] == 0
    assert read == ["good"]
