"""Commands about releases: what they ask the server, and what they say."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_api import FakeApi

from mulligan.cli.main import cli

Json = dict[str, Any]
RUN = "b-" + "1" * 32
PROJECT = "/api/v1/projects/shop"
ENVIRONMENT = "env-0123456789abcdef"


def invoke(api: FakeApi, *words: str) -> Result:
    """Run a command on the fake server, in the project `shop`."""
    more = ("--url", api.url, "--project", "shop")
    return CliRunner().invoke(cli, [*words, *more], env={"TZ": "UTC"})


def deployment(number: int = 2, **more: Any) -> Json:
    """Return a deployment as the server shows it."""
    return {
        "id": f"d-{number}",
        "number": number,
        "kind": "deploy",
        "status": "succeeded",
        "actor": "alice",
        "run": RUN,
        "pipeline": "p-1",
        "stage": {"index": 0, "id": "stage-2", "name": "release"},
        "started_at": "2026-11-22T05:00:00Z",
        "ended_at": "2026-11-22T05:00:02Z",
        "image": f"acme/shop:v{number}",
        "files": {},
        "previous": None,
        "target": None,
        "is_live": number == 2,
        **more,
    }


def environment(name: str = "prod", ident: str = ENVIRONMENT, **more: Any) -> Json:
    """Return an environment as the server shows it."""
    return {
        "id": ident,
        "name": name,
        "key": f"shop/{name}",
        "driver": "process",
        "application": "shop",
        "live": deployment(),
        "gray": None,
        "holder": None,
        "updated_at": "2026-11-22T05:00:02Z",
        **more,
    }


def page(*items: Json) -> tuple[int, Json]:
    """Return the answer for a list."""
    return 200, {"items": [*items], "next_cursor": None}


def stage(ident: str, name: str, kind: str = "deploy") -> Json:
    """Return a stage of a run."""
    step = {"id": f"e-{ident}", "kind": kind, "attempt": 1, "status": "succeeded"}
    return {"id": ident, "ref": "", "name": name, "jobs": [{"steps": [step]}]}


def plan(**more: Any) -> Json:
    """Return the plan of a rollback."""
    return {
        "run": RUN,
        "revision": 7,
        "etag": '"7:d-1"',
        "run_attempt": 2,
        "stage": {"index": 0, "id": "stage-2", "name": "release"},
        "action": "rollback",
        "environment": environment(),
        "restores": deployment(1),
        "cuts": [],
        "version": 0,
        **more,
    }


@pytest.fixture
def world(api: FakeApi) -> FakeApi:
    """Give a server with one environment and one run that deployed to it."""
    api.answers["GET", f"{PROJECT}/environments"] = page(environment())
    api.answers["GET", f"{PROJECT}/environments/{ENVIRONMENT}/deployments"] = page(
        deployment(2), deployment(1, files={"shop.war": "00"}, image="")
    )
    head = {"id": RUN, "project": "shop", "number": 3, "pipeline_name": "web", "attempt": 2}
    api.answers["GET", f"/api/v1/runs/{RUN}"] = (200, head)
    state = {**head, "stages": [stage("stage-2", "release"), stage("stage-3", "check", "script")]}
    api.answers["GET", f"{PROJECT}/runs/{RUN}"] = (200, {**state, "gates": []})
    for path in (f"runs/{RUN}/stages/stage-2", f"environments/{ENVIRONMENT}"):
        api.answers["POST", f"{PROJECT}/{path}/rollback/plan"] = (200, plan())
        api.answers["POST", f"{PROJECT}/{path}/rollback"] = (200, head)
    return api


def posts(api: FakeApi) -> list[tuple[str, Json, str | None]]:
    """Return path, body and `If-Match` of every POST."""
    return [
        (
            request.target.removeprefix(PROJECT),
            json.loads(request.body),
            request.headers.get("If-Match"),
        )
        for request in api.requests
        if request.method == "POST"
    ]


def test_environments_are_listed(world: FakeApi) -> None:
    """The table tells what is live and who holds an environment."""
    busy = environment("test", "env-1", live=None, holder=deployment(3))
    world.answers["GET", f"{PROJECT}/environments"] = page(environment(), busy)

    lines = invoke(world, "env", "list", "-o", "table").stdout.splitlines()

    assert lines[1].split()[:4] == ["prod", ENVIRONMENT, "process", "acme/shop:v2"]
    assert "deploy by alice" in lines[2]


def test_deployments_mark_what_is_live(world: FakeApi) -> None:
    """The list names what each deployment brought, and marks the live one."""
    done = invoke(world, "deployments", "prod", "-o", "table")

    first, second = done.stdout.splitlines()[1:]
    assert done.exit_code == 0
    assert first.split()[:6] == ["*", "2", "d-2", "deploy", "succeeded", "acme/shop:v2"]
    assert "shop.war" in second
    assert not second.startswith("*")


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_data_is_what_the_server_says(world: FakeApi, form: str) -> None:
    """As data an environment is printed as it came, in one document."""
    done = invoke(world, "env", "show", "prod", "-o", form)

    shown = json.loads(done.stdout) if form == "json" else done.stdout
    if form == "json":
        assert shown == environment()
    else:
        assert shown.startswith(f"id: {ENVIRONMENT}\n")


def test_ambiguous_environment(world: FakeApi) -> None:
    """A name that several environments have is refused with their ids."""
    world.answers["GET", f"{PROJECT}/environments"] = page(
        environment(), environment(ident="env-2", application="admin")
    )

    done = invoke(world, "deployments", "prod", "-o", "table")

    assert done.exit_code == 2
    assert "env-2 (admin)" in done.stderr


def test_unknown_environment(world: FakeApi) -> None:
    """An unknown name is refused with those that there are."""
    done = invoke(world, "env", "show", "staging")

    assert done.exit_code == 2
    assert "it has prod" in done.stderr


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ((RUN,), f"/runs/{RUN}/stages/stage-2"),
        ((RUN, "--stage", "release"), f"/runs/{RUN}/stages/stage-2"),
        (("--env", "prod"), f"/environments/{ENVIRONMENT}"),
    ],
)
def test_rollback_does_what_was_planned(world: FakeApi, words: tuple[str, ...], path: str) -> None:
    """The act carries the etag of the plan; without watching the command ends at once."""
    done = invoke(world, "rollback", *words, "--reason", "bad", "--no-watch")

    body = {"to": None, "reason": "bad"}
    assert done.exit_code == 0, done.output
    assert posts(world) == [
        (f"{path}/rollback/plan", body, None),
        (f"{path}/rollback", body, '"7:d-1"'),
    ]
    said = "attempt 2 of run #3 of web: restore acme/shop:v1 in prod, now acme/shop:v2\n"
    assert done.stderr == said


def test_plan_asks_for_nothing_more(world: FakeApi) -> None:
    """With --plan only the plan is asked for, and shown with what it cuts off."""
    cut = {"index": 1, "id": "stage-3", "name": "check"}
    answer = plan(cuts=[cut])
    world.answers["POST", f"{PROJECT}/environments/{ENVIRONMENT}/rollback/plan"] = (200, answer)

    done = invoke(world, "rollback", "--env", "prod", "--plan")

    assert [path for path, _, _ in posts(world)] == [f"/environments/{ENVIRONMENT}/rollback/plan"]
    assert "cuts off: stage stage-3 (check)" in done.stdout
    assert "nothing was changed" in done.stderr


def test_number_of_a_deployment(world: FakeApi) -> None:
    """With --env an older deployment may be named by its number."""
    invoke(world, "rollback", "--env", "prod", "--to", "1", "--no-watch")

    assert posts(world)[-1][1]["to"] == "d-1"


def test_abort_of_a_grey_release(world: FakeApi) -> None:
    """A plan that takes a grey release away says so."""
    answer = plan(action="abort")
    world.answers["POST", f"{PROJECT}/runs/{RUN}/stages/stage-2/rollback/plan"] = (200, answer)

    done = invoke(world, "rollback", RUN, "--plan")

    assert "take the grey release acme/shop:v1 away from prod" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        (),
        (RUN, "--env", "prod"),
        ("--env", "prod", "--stage", "release"),
        (RUN, "--to", "5"),
        (RUN, "--stage", "nope"),
        ("--env", "prod", "--to", "99"),
    ],
)
def test_wrong_usage(world: FakeApi, words: tuple[str, ...]) -> None:
    """Contradictions and unknown names end with 2, before anything is changed."""
    done = invoke(world, "rollback", *words)

    assert done.exit_code == 2
    assert posts(world) == []


def test_several_stages_deploy(world: FakeApi) -> None:
    """Without --stage a run with several stages that deploy is refused with their names."""
    state = {
        **world.answers["GET", f"{PROJECT}/runs/{RUN}"][1],
        "stages": [stage("stage-2", "test"), stage("stage-3", "prod")],
    }
    world.answers["GET", f"{PROJECT}/runs/{RUN}"] = (200, state)

    done = invoke(world, "rollback", RUN)

    assert done.exit_code == 2
    assert "stage-2 (test), stage-3 (prod)" in done.stderr


def test_refusal_names_a_way_out(world: FakeApi) -> None:
    """What the server refuses is shown with what would be possible; exit 5."""
    problem = {"detail": "there is nothing to go back to", "instead": ["deploy another version"]}
    world.answers["POST", f"{PROJECT}/environments/{ENVIRONMENT}/rollback/plan"] = (409, problem)

    done = invoke(world, "rollback", "--env", "prod")

    assert done.exit_code == 5
    assert "possible instead: deploy another version" in done.stderr
