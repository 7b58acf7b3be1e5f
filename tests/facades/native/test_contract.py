"""The description is kept: whatever is sent, answers are as it says, and none is a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from native_client import NativeClient, step_of, two_steps
from native_server import NativeServer
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mulligan.facades.native.app import ENDPOINTS, PREFIX
from mulligan.facades.native.openapi import make_document

EXAMPLES = 3  # of each operation
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# Streams have no end, and what is fetched by a link is no JSON.
LEFT_OUT = {"stream_events", "take_delivery"}

DOCUMENT: dict[str, Any] = json.loads(json.dumps(make_document(ENDPOINTS, PREFIX)))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    operation.definition.raw["operationId"]: operation
    for operation in (
        result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok)
    )
}


class SeededWorld:
    """A server with something of most kinds, and the names of it."""

    def __init__(self, api: NativeClient) -> None:
        self.api = api
        pipeline = api.make_pipeline()
        green = api.wait(api.start(pipeline))
        api.server.executor.print("test", "a line", "an error")
        api.server.executor.fail("test", times=1)
        run = api.wait(api.start(pipeline))
        api.make_user("ann", "maintainer")
        self.known = {
            "project": "shop",
            "pipeline": pipeline,
            "run": run["id"],
            "stage": run["stages"][0]["id"],
            "step": step_of(run, "test")["id"],
            "a": "1",
            "b": "1",
            "version": "1",
            "user": "ann",
            "schema": "pipeline-v3.json",
            "name": "thing",
        }
        self.other_run = green["id"]

    def call(self, case: Any) -> Any:
        """Send a case as the admin, as it would be sent over the network."""
        sent = case.as_transport_kwargs(base_url=f"http://testserver{PREFIX}")
        headers = {
            name: value
            for name, value in dict(sent.pop("headers", None) or {}).items()
            if name.lower() not in {"authorization", "idempotency-key", "if-match"}
        }
        sent.pop("cookies", None)
        if "data" in sent:
            sent["content"] = sent.pop("data")
        return self.api.http.request(
            sent.pop("method"),
            sent.pop("url"),
            headers={**headers, "Authorization": f"Bearer {self.api.token}"},
            **{name: value for name, value in sent.items() if value is not None},
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeededWorld]:
    """Give one server for all operations."""
    root: Path = tmp_path_factory.mktemp("contract")
    server = NativeServer(root)
    with NativeClient(server) as client:
        client.post("/projects", {"name": "shop"}, expect=201)
        yield SeededWorld(client)


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() - LEFT_OUT))
def test_answers_are_as_described(world: SeededWorld, operation: str) -> None:
    """Right and wrong calls of every operation; what is there is left as it is."""
    described = OPERATIONS[operation]
    spares = described.method.upper() == "DELETE" or operation in {"edit_pipeline", "stop_run"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=described.as_strategy(), is_known=st.sampled_from((True, True, False)))
    def send(case: Any, *, is_known: bool) -> None:
        names = world.known if not spares else {"project": "shop"}
        if is_known:
            parts = case.path_parameters or {}
            case.path_parameters = {name: names.get(name, value) for name, value in parts.items()}
        for name in ("follow", "fields"):
            (case.query or {}).pop(name, None)
        response = world.call(case)
        case.validate_response(response, checks=CHECKS)

    send()


def test_every_operation_has_a_name_of_its_own() -> None:
    """Types of a client are made from these names."""
    names = [endpoint.act.__name__ for endpoint in ENDPOINTS]

    assert len(names) == len(set(names))


def test_every_answer_has_a_type() -> None:
    """Whatever answers JSON says what it looks like."""
    untyped = [
        endpoint.path
        for endpoint in ENDPOINTS
        if endpoint.answer is None
        and endpoint.media == "application/json"
        and endpoint.status != 204
    ]

    assert untyped == ["/openapi.json"]  # it is the description


def test_a_plain_world_answers(world: SeededWorld) -> None:
    """The examples above meet something: what they name is there."""
    known = world.known
    state = world.api.run(known["run"])

    assert state["pipeline"] == known["pipeline"]
    assert two_steps()["name"] == "two"
