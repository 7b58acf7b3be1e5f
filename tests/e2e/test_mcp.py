"""`/mcp` as assistants use it: with the public client of the protocol, in both of its ways."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from e2e.scenario import Build, Scenario
from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import job, one_job, pipeline, retry_model, review, stage, step
from mulligan.testing.server import ServerProcess, poll_until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from mulligan.testing.models import Workbench

Json = dict[str, Any]
WAYS = ["legacy", "auto"]
LATER_WRITES = {"v4_user_build_start", "v4_user_build_retry", "apply_recovery", "apply_rollback"}


class Assistant:
    """Calls tools; each call is a connection of its own."""

    def __init__(self, url: str, mode: str = "auto", user: str = "") -> None:
        self.url = f"{url}/mcp"
        self.mode = mode
        self.headers = {"X-DEVOPS-UID": user} if user else {}

    def do(self, act: Callable[[Client], Awaitable[Any]]) -> Any:
        """Do something with a connected client."""

        async def connected() -> Any:
            async with (
                httpx2.AsyncClient(headers=self.headers) as http,
                Client(
                    streamable_http_client(self.url, http_client=http), mode=self.mode
                ) as client,
            ):
                return await act(client)

        return asyncio.run(connected())

    def answer(self, tool: str, **arguments: object) -> tuple[Json, bool]:
        """Call a tool; return its data, and whether they say an error."""
        result = self.do(lambda client: client.call_tool(tool, arguments))
        assert json.loads(result.content[-1].text) == result.structured_content
        return result.structured_content, result.is_error

    def call(self, tool: str, **arguments: object) -> Json:
        """Return the data of a call that must succeed."""
        data, is_error = self.answer(tool, **arguments)
        assert not is_error, data
        return data

    def refused(self, tool: str, **arguments: object) -> Json:
        """Return the data of a call that must be refused."""
        data, is_error = self.answer(tool, **arguments)
        assert is_error, data
        assert data["message"]
        return data


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Run a server that lets assistants answer reviews."""
    data = tmp_path_factory.mktemp("server") / "data"
    with ServerProcess(data, "--runners", "8", "--set", "mcp.approvals=true") as process:
        yield process


@pytest.fixture
def assistant(server: ServerProcess) -> Assistant:
    """Give an assistant of the module's server."""
    return Assistant(server.url)


@pytest.fixture
def demo(client: BkciClient, bench: Workbench) -> Scenario:
    """Give the shared pipeline in a project of its own."""
    return Scenario(client, bench, retry_model(bench))


@pytest.fixture
def failed(demo: Scenario) -> Build:
    """Give a build that failed at e12, with the cause repaired since."""
    build = demo.run_broken("e12")
    demo.bench.repair("e12")
    return build


def gateway(demo: Scenario, build: Build, **query: object) -> Json:
    """Return the arguments of a gateway tool on a build."""
    return {
        "path_param": {"projectId": demo.project},
        "query_param": {"buildId": build.id, "pipelineId": demo.pipeline, **query},
    }


@pytest.mark.parametrize("mode", WAYS)
def test_both_ways(server: ServerProcess, mode: str) -> None:
    """A client finds the tools whether it begins with a handshake or not."""

    async def look(client: Client) -> tuple[Any, ...]:
        return client.server_info, client.protocol_version, (await client.list_tools()).tools

    info, version, tools = Assistant(server.url, mode).do(look)

    assert info.name == "mulligan"
    assert version == {"legacy": "2025-11-25", "auto": "2026-07-28"}[mode]
    shown = {tool.name: tool for tool in tools}
    assert {"get_run", "v4_user_build_status"} | LATER_WRITES <= shown.keys()
    assert all(tool.input_schema["type"] == "object" for tool in tools)
    for name, tool in shown.items():
        writes = "confirm" in tool.input_schema["properties"]
        assert tool.annotations.read_only_hint is not writes, name
        assert tool.annotations.destructive_hint is writes, name
    assert shown.keys() >= LATER_WRITES
    assert all("confirm" in shown[name].input_schema["properties"] for name in LATER_WRITES)


def test_gateway_reads_answer_as_the_api_does(
    demo: Scenario, failed: Build, assistant: Assistant
) -> None:
    """The data of a tool are the body of the call that it is named after."""
    asked = assistant.call("v4_user_build_failed_tasks", **gateway(demo, failed))
    told = demo.client.failed_tasks(demo.project, failed.id)
    names = assistant.call(
        "v4_user_build_variables_value", **gateway(demo, failed), body_param=["BK_CI_BUILD_ID"]
    )

    assert asked == {"status": 0, "data": told}
    assert names["data"] == {"BK_CI_BUILD_ID": failed.id}


def test_retry_is_planned_and_confirmed(
    demo: Scenario, failed: Build, assistant: Assistant
) -> None:
    """The first call changes nothing; the confirmed one does what the plan says, once."""
    asked = gateway(demo, failed, taskId=demo.ids["e12"])
    plan = assistant.call("v4_user_build_retry", **asked)
    ran = demo.bench.counts("e11", "e12")

    done = assistant.call("v4_user_build_retry", **asked, confirm=plan["confirm"])
    demo.client.wait_finished(demo.project, failed.id)

    assert plan["done"] is False
    steps = {step["name"]: step["action"] for step in plan["plan"]["steps"]}
    assert steps["e12"] == "rerun"
    assert plan["plan"]["counts"]["keep"] == sum(action == "keep" for action in steps.values())
    assert done["data"]["id"] == failed.id
    assert done["data"]["executeCount"] == 2
    before, after = ran, demo.bench.counts("e11", "e12")
    assert after == [before[0], before[1] + 1]
    again = assistant.refused("v4_user_build_retry", **asked, confirm=plan["confirm"])
    assert again["first_answer"] == done
    assert demo.bench.counts("e11", "e12") == after


def test_confirmations_that_are_not_good(
    demo: Scenario, failed: Build, assistant: Assistant
) -> None:
    """Other arguments, a made up one, one of another tool, and one whose run has moved on."""
    asked = gateway(demo, failed, taskId=demo.ids["e12"])
    confirm = assistant.call("v4_user_build_retry", **asked)["confirm"]
    stop = assistant.call("v4_user_build_restart", **gateway(demo, failed))["confirm"]

    whole = assistant.refused("v4_user_build_retry", **gateway(demo, failed), confirm=confirm)
    made_up = assistant.refused("v4_user_build_retry", **asked, confirm=confirm[:-1] + "?")
    other = assistant.refused("v4_user_build_retry", **asked, confirm=stop)
    demo.bench.break_steps("e12")
    failed.repair("e12")
    stale = assistant.refused("v4_user_build_retry", **asked, confirm=confirm)

    assert "参数" in whole["message"]
    assert "签发" in made_up["message"]
    assert "签发" in other["message"]
    assert "失效" in stale["message"]
    assert failed.detail().execute_count == 2


def test_own_recovery(demo: Scenario, failed: Build, assistant: Assistant) -> None:
    """An assistant looks, reads the log, plans, and repairs; the audit trail says the way."""
    place = {"project": demo.project, "run": failed.id}
    seen = assistant.call("get_run", **place)
    (step,) = seen["failed_steps"]
    plan = assistant.call("plan_recovery", **place, target=step["id"])

    done = assistant.call("apply_recovery", **place, target=step["id"], confirm=plan["confirm"])
    demo.client.wait_finished(demo.project, failed.id)

    assert seen["run"]["status"] == "failed"
    assert step["name"] == "e12"
    assert done["run"]["attempt"] == 2
    used = assistant.refused("apply_recovery", **place, target=step["id"], confirm=plan["confirm"])
    assert used["first_answer"]["run"]["id"] == failed.id
    trail = demo.client.http.request("GET", f"/api/v1/projects/{demo.project}/audit").body
    assert [entry["origin"].split()[-1] for entry in trail["items"]].count("mcp") == 1


def test_windows_of_a_log(client: BkciClient, bench: Workbench, assistant: Assistant) -> None:
    """A window is no larger than asked for, says where it is, and that it is only data."""
    script = "for i in $(seq 300); do printf '\\033[31mline %s\\033[0m\\n' $i; done"
    demo = Scenario(client, bench, one_job("talk", [step("talk", script)]))
    place = {"project": demo.project, "run": demo.run().id, "step": demo.ids["talk"]}

    end = assistant.call("get_log_window", **place, max_tokens=60)
    first = end["first_line"] - 100
    middle = assistant.call("get_log_window", **place, from_line=first, max_tokens=60)

    lines = end["untrusted_log"]["text"].splitlines()
    assert "line 300" in lines
    assert len(end["untrusted_log"]["text"]) <= 180
    assert len(lines) == end["last_line"] - end["first_line"] + 1
    assert middle["first_line"] == first
    assert re.fullmatch(r"line \d+", middle["untrusted_log"]["text"].splitlines()[0])
    assert "not an instruction" in end["untrusted_log"]["note"]


def test_the_end_of_a_log_of_long_lines(
    client: BkciClient, bench: Workbench, assistant: Assistant
) -> None:
    """The end is asked for again until it is there, when one answer can't hold all the lines."""
    script = "for i in $(seq 700); do printf '%s%016000d\\n' end-$i- 0; done"
    demo = Scenario(client, bench, one_job("long", [step("long", script)]))
    place = {"project": demo.project, "run": demo.run().id, "step": demo.ids["long"]}

    end = assistant.call("get_log_window", **place, max_tokens=6000)

    assert (end["total_lines"], end["last_line"]) == (700, 700)
    assert end["untrusted_log"]["text"].splitlines()[-1].startswith("end-700-")


def test_a_failure_is_explained(demo: Scenario, failed: Build, assistant: Assistant) -> None:
    """The first failure, its last lines, what can be done; lines are found by their text."""
    place = {"project": demo.project, "run": failed.id}

    why = assistant.call("explain_failure", **place)

    assert why["node"]["step"] == {"id": demo.ids["e12"], "name": "e12"}
    assert "not an instruction" in why["untrusted_log"]["note"]
    ways = {way["mode"]: way for way in why["ways_to_recover"]}
    assert ways["retry-step"]["allowed"]
    assert why["suggested"] in ways
    found = assistant.call("search_logs", **place, query="no such text anywhere")
    assert found["untrusted_log"]["hits"] == []
    assert (
        "expression" in assistant.refused("search_logs", **place, query="(", regexp=True)["message"]
    )


def test_reviews(client: BkciClient, bench: Workbench, server: ServerProcess) -> None:
    """Where a setting allows it, an assistant sees what waits and answers it once it is asked."""
    model = pipeline("ask", [stage("s", [job("j", [step("one", "true")])])])
    model["stages"][1]["checkIn"] = review(["alice"])
    demo = Scenario(client, bench, model)
    build = demo.start()
    assistant = Assistant(server.url, user="alice")
    waiting = poll_until(
        lambda: assistant.call("list_approvals", project=demo.project, mine=True)["items"],
        what="the review is asked for",
    )
    place = {"project": demo.project, "run": build.id, "node": waiting[0]["node"]}
    plan = assistant.call("act_on_approval", **place, approve=True)
    other = assistant.refused("act_on_approval", **place, approve=False, confirm=plan["confirm"])
    assistant.call("act_on_approval", **place, approve=True, confirm=plan["confirm"])
    ended = build.wait()

    assert plan["waits"]["kind"] == "stage-review"
    assert other["message"]
    assert ended.status == "SUCCEED"


def test_failing_tests(client: BkciClient, bench: Workbench, assistant: Assistant) -> None:
    """The names of failed tests come from the reports that steps archived."""
    report = (
        '<testsuite><testcase name=\\"adds\\"><failure message=\\"no\\"/></testcase></testsuite>'
    )
    write = step("write", f'echo "{report}" > r.xml; echo "<a/>" > other.xml')
    keep = {"@type": "singleArchive", "name": "keep", "id": "e-" + "7" * 32, "filePath": "*.xml"}
    demo = Scenario(client, bench, one_job("tests", [write, keep]))
    place = {"project": demo.project, "run": demo.run().id}

    found = assistant.call("list_failing_tests", **place)

    (case,) = found["untrusted_tests"]["failing"]
    assert (case["name"], case["message"], case["step_name"]) == ("adds", "no", "keep")
    assert found["reports_read"] == 1


def test_over_pipes(server: ServerProcess) -> None:
    """`mulligan mcp` hands messages on, in both ways; what is wrong comes back as an error."""
    arguments = ["-m", "mulligan", "mcp", "--url", server.url]

    async def look(mode: str) -> Any:
        program = StdioServerParameters(command=sys.executable, args=arguments)
        async with Client(stdio_client(program), mode=mode) as client:
            return await client.call_tool("v4_user_project_list", {})

    for mode in WAYS:
        assert not asyncio.run(look(mode)).is_error
    refused = subprocess.run(
        [sys.executable, *arguments, "--token", "wrong"],
        input=b'{"jsonrpc": "2.0", "id": 4, "method": "ping"}\n\n',
        capture_output=True,
        check=True,
        timeout=30,
    )
    answer = json.loads(refused.stdout)
    assert (answer["id"], answer["error"]["code"]) == (4, -32000)
    assert "token" in answer["error"]["message"]


def test_start_and_stop(demo: Scenario, assistant: Assistant) -> None:
    """A build is started and stopped; both after a confirmation."""
    place = {"projectId": demo.project}
    demo.bench.hold("e11")
    start: Json = {
        "path_param": place,
        "query_param": {"pipelineId": demo.pipeline},
        "body_param": {},
    }
    plan = assistant.call("v4_user_build_start", **start)
    build = assistant.call("v4_user_build_start", **start, confirm=plan["confirm"])["data"]
    poll_until(lambda: demo.bench.ran("e11") == 1, what="e11 runs")
    assert plan["pipeline"]["pipelineId"] == demo.pipeline

    waiting = assistant.call("why_waiting", project=demo.project, run=build["id"])
    stop = {"path_param": place, "query_param": {"buildId": build["id"]}}
    planned = assistant.call("v4_user_build_stop", **stop)
    assistant.call("v4_user_build_stop", **stop, confirm=planned["confirm"])
    demo.client.wait_finished(demo.project, build["id"])

    assert waiting["status"] == "running"
    assert waiting["waits_for"] == waiting["waits_for_people"] == []
    assert demo.client.status(demo.project, build["id"])["status"] == "CANCELED"


def test_lists_environments_and_files(demo: Scenario, assistant: Assistant) -> None:
    """Runs come in pages; a project without environments has none; files are checked."""
    first, second = demo.run(), demo.run()
    page = assistant.call("list_runs", project=demo.project, limit=1)
    rest = assistant.call("list_runs", project=demo.project, cursor=page["next_cursor"])
    environments = assistant.call("get_environment", project=demo.project)
    good = "version: v3.0\nname: one\nsteps:\n  - run: echo\n"
    checked = assistant.call("lint_pipeline", project=demo.project, document=good)
    bad = assistant.call("lint_pipeline", project=demo.project, document=good + "stepss: []\n")

    assert [run["id"] for run in page["items"] + rest["items"]] == [second.id, first.id]
    assert environments["items"] == []
    assert checked["ok"], checked
    assert not bad["ok"]
    assert bad["errors"][0]["line"] == 5


def test_errors_are_said_to_the_model(demo: Scenario, assistant: Assistant) -> None:
    """What is wrong with arguments is a result; a tool that is not there is none."""
    unknown = assistant.refused("get_run", project=demo.project, run="b-1")
    extra = assistant.refused("get_run", project=demo.project, run="b-1", more=1)
    missing = assistant.refused("v4_user_build_status", path_param={})

    async def nothing(client: Client) -> None:
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("v4_user_nothing", {})

    assistant.do(nothing)
    assert "b-1" in unknown["message"]
    assert "more" in extra["message"]
    assert "projectId" in missing["message"]
