"""`/mcp` as HTTP: credentials, origins, methods, shapes of answers – in this process."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bkci.calling import Caller, called
from mulligan.facades.mcp.gateway import gateway_tools
from mulligan.facades.mcp.tools import OWN, tools_of

Json = dict[str, Any]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Run a server that needs credentials; give a caller with its first token."""
    data: Path = tmp_path_factory.mktemp("mcp") / "data"
    with called(data, is_dev=False) as caller:
        caller.token = (data / "admin-token").read_text().strip()
        yield caller


def post(caller: Caller, value: object, **headers: str) -> Any:
    """Post a message with the caller's token."""
    fields = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
    content = value if isinstance(value, bytes) else json.dumps(value)
    return caller.http.post("/mcp", content=content, headers={**fields, **headers})


def request(method: str, **params: object) -> Json:
    """Give a request."""
    return {"jsonrpc": "2.0", "id": "one", "method": method, "params": params}


def call(caller: Caller, tool: str, language: str = "en", **arguments: object) -> Json:
    """Call a tool; return its result."""
    message = request("tools/call", name=tool, arguments=arguments)
    answer = post(caller, message, **{"Accept-Language": language}).json()
    return dict(answer["result"])


def test_who_calls(guarded: Caller) -> None:
    """Without a credential, or with a wrong one, nothing is said but that."""
    for token in ("", "wrong"):
        answer = post(guarded.acting_as("", token=token), request("ping"))
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] == "unauthenticated"
    assert post(guarded, request("ping")).json()["result"] == {}


def test_pages_of_other_sites(guarded: Caller) -> None:
    """A page of another site gets nothing done, whatever credential it has."""
    answer = post(guarded, request("ping"), Origin="https://evil.example")

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:mulligan:problem:request"
    assert answer.json()["code"] == "request"


def test_methods_of_http(guarded: Caller) -> None:
    """There is no stream and no session, only POST; who is nobody is not told even that."""
    known = {"Authorization": f"Bearer {guarded.token}"}
    for method in ("GET", "DELETE"):
        assert guarded.http.request(method, "/mcp").status_code == 401
        answer = guarded.http.request(method, "/mcp", headers=known)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_handshake(guarded: Caller) -> None:
    """The version that a client asks for is taken if it is known."""
    versions = []
    for asked in ("2025-03-26", "2025-06-18", "1999-01-01"):
        body: Json = {"protocolVersion": asked, "capabilities": {}, "clientInfo": {}}
        result = post(guarded, request("initialize", **body)).json()["result"]
        versions.append(result["protocolVersion"])
        assert result["serverInfo"]["name"] == "mulligan"
        assert result["instructions"]
    assert versions == ["2025-03-26", "2025-06-18", "2025-11-25"]
    done = post(guarded, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (done.status_code, done.content) == (202, b"")


def test_messages_that_are_refused(guarded: Caller) -> None:
    """What is no message, no method, no tool, no page of the list."""
    found = [
        (answer.status_code, answer.json()["error"]["code"])
        for answer in (
            post(guarded, b"{"),
            post(guarded, b"5"),
            post(guarded, b"[]"),
            post(guarded, request("ping"), **{"MCP-Protocol-Version": "1999-01-01"}),
            post(guarded, request("resources/list")),
            post(guarded, request("tools/list", cursor="x")),
            post(guarded, request("tools/call", name="nothing")),
            post(guarded, request("tools/call", name="get_run", arguments=[1])),
        )
    ]
    assert found == [
        (400, -32700),
        (400, -32600),
        (400, -32600),
        (400, -32022),
        (200, -32601),
        (200, -32602),
        (200, -32602),
        (200, -32602),
    ]


def test_batches_and_events(guarded: Caller) -> None:
    """Several messages get one answer; who takes only events gets one."""
    both = [request("ping"), {"jsonrpc": "2.0", "method": "notifications/x"}]
    assert post(guarded, both).json() == [{"jsonrpc": "2.0", "id": "one", "result": {}}]
    assert post(guarded, both[1:]).status_code == 202

    answer = post(guarded, request("ping"), Accept="text/event-stream")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith("event: message\ndata: {")
    assert answer.text.endswith("}\n\n")


def test_rights_and_languages(guarded: Caller) -> None:
    """A token that only looks reads but changes nothing; each is told in its language."""
    guarded.http.headers["Authorization"] = f"Bearer {guarded.token}"
    guarded.http.post("/api/v1/projects", json={"name": "shop", "id": "shop"})
    pipeline = guarded.acting_as("", token=guarded.token)
    pipeline.project = "shop"
    ident = pipeline.make_pipeline()
    body = {"name": "look", "role": "viewer", "projects": ["shop"]}
    token = guarded.http.post("/api/v1/tokens", json=body).json()["token"]
    del guarded.http.headers["Authorization"]
    viewer = guarded.acting_as("", token=token)
    place: Json = {"path_param": {"projectId": "shop"}, "query_param": {"pipelineId": ident}}

    seen = call(viewer, "v4_user_pipeline_status", **place)
    asked: Json = {**place, "query_param": {"pipelineId": ident, "enable": False}}
    planned = call(viewer, "v4_user_pipeline_lock", **asked)
    confirm = planned["structuredContent"]["confirm"]
    locked = {
        language: call(viewer, "v4_user_pipeline_lock", language, **asked, confirm=confirm)
        for language in ("en", "zh")
    }
    elsewhere = call(viewer, "list_runs", project="other")

    assert seen["structuredContent"]["data"]["pipelineId"] == ident
    assert all(result["isError"] for result in locked.values())
    texts = [result["structuredContent"]["message"] for result in locked.values()]
    assert texts[0] != texts[1]
    assert elsewhere["isError"]


def test_tools_are_well_described(guarded: Caller) -> None:
    """Every tool says what it does and what it takes; all calls come in pages."""
    services = guarded.server.services
    names = [tool.name for tool in tools_of(services)]
    assert len(names) == len(set(names))
    for tool in tools_of(services):
        shown = tool.shown()
        assert len(shown["description"]) > 15, tool.name
        for name in shown["inputSchema"].get("required", ()):
            assert name in shown["inputSchema"]["properties"]
        assert shown["annotations"]["readOnlyHint"] is not tool.writes
    every = list(gateway_tools(everything=True))
    assert len({tool.name for tool in every}) == len(every) > len(names)
    assert {tool.name for tool in gateway_tools(everything=False)} < {tool.name for tool in every}
    assert not any(tool.answers_reviews for tool in tools_of(services))
    assert {tool.name for tool in OWN if not tool.answers_reviews} <= set(names)


def test_a_confirmation_is_used_once_across_restarts(tmp_path: Path) -> None:
    """The next life of a server knows the confirmations that were given and used before."""
    asked: Json = {}
    with called(tmp_path / "data") as caller:
        ident = caller.make_pipeline("once")
        place = {"projectId": caller.project}
        asked = {"path_param": place, "query_param": {"pipelineId": ident, "enable": False}}
        unused = call(caller, "v4_user_pipeline_lock", **asked)["structuredContent"]["confirm"]
        start: Json = {"path_param": place, "query_param": {"pipelineId": ident}}
        used = call(caller, "v4_user_build_start", **start)["structuredContent"]["confirm"]
        done = call(caller, "v4_user_build_start", **start, confirm=used)
        assert not done["isError"]
    with called(tmp_path / "data") as caller:
        again = call(caller, "v4_user_build_start", **start, confirm=used)
        first = call(caller, "v4_user_pipeline_lock", **asked, confirm=unused)
        second = call(caller, "v4_user_pipeline_lock", **asked, confirm=unused)

    assert again["structuredContent"]["first_answer"] == done["structuredContent"]
    assert [each["isError"] for each in (again, first, second)] == [True, False, True]
