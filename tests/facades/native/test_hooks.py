"""Hooks: deliveries of every host, each counting once, with the reasons of what it did."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from native_client import Answer, Json, NativeClient
from native_server import NativeServer

import hook_payloads as h
from message_servers import web_server
from mulligan.core.errors import InfrastructureError
from mulligan.testing import models
from mulligan.testing.server import poll_until

WRONG = "wrong"
HOOKS = "/projects/shop/hooks"


def pipeline(api: NativeClient, *triggers: Json, name: str = "build") -> str:
    """Make a pipeline of one step with these triggers; return its id."""
    model = models.one_job(name, [models.step("only", "true")])
    elements = model["stages"][0]["containers"][0]["elements"]
    elements.extend({"name": "trigger", **trigger} for trigger in triggers)
    return str(api.post("/projects/shop/pipelines", model, expect=201)["id"])


def add_hook(api: NativeClient, kind: str, of: str = "", **fields: Any) -> Json:
    """Make a hook of a pipeline, or of the project."""
    path = f"/projects/shop/pipelines/{of}/hooks" if of else HOOKS
    body = {"kind": kind, "secret": h.SECRET, **fields}
    made: Json = api.post(path, body, expect=201)
    return made


def deliver(api: NativeClient, hook: Json, delivery: h.Delivery, *, expect: int = 202) -> Json:
    """Bring a delivery to a hook, as somebody without a credential."""
    headers, body = delivery
    path = hook["url"].partition("/api/v1")[2]
    answer: Answer = api.acting_as("").call(
        "POST", path, expect=expect, headers=headers, content=body
    )
    found: Json = answer.json()
    return found


def runs(api: NativeClient) -> list[Json]:
    """Return the runs of the project, newest first."""
    found: list[Json] = api.get("/projects/shop/runs")["items"]
    return found


def deliveries(api: NativeClient, hook: Json) -> list[Json]:
    """Return what a hook was delivered, newest first."""
    found: list[Json] = api.get(f"{HOOKS}/{hook['id']}/deliveries")["items"]
    return found


Sign = Callable[[NativeServer, str], h.Delivery]
SIGNED: dict[str, Sign] = {
    "github": lambda _server, secret: h.github(h.push(), secret=secret),
    "gitlab": lambda _server, secret: h.gitlab(h.gitlab_push(), secret=secret),
    "gitea": lambda _server, secret: h.gitea(h.push(), secret=secret),
    "gitee": lambda server, secret: h.gitee(h.gitee_push(), server.clock.now(), secret=secret),
    "tgit": lambda _server, secret: h.tgit(h.tgit_push(), secret=secret),
    "standard": lambda server, secret: h.standard(h.push(), server.clock.now(), secret=secret),
}


@pytest.mark.parametrize("kind", SIGNED)
def test_a_push_starts_once(server: NativeServer, api: NativeClient, kind: str) -> None:
    """A wrong proof is refused and noted, a right one starts a run, a repeat gives it again."""
    hook = add_hook(api, kind, pipeline(api))

    deliver(api, hook, SIGNED[kind](server, WRONG), expect=401)
    first = deliver(api, hook, SIGNED[kind](server, h.SECRET))
    again = deliver(api, hook, SIGNED[kind](server, h.SECRET), expect=200)

    [run] = runs(api)
    assert first["run"] == again["run"] == run["id"]
    assert (run["start_kind"], run["message"], run["actor"]) == (
        "webhook",
        "Faster look-up",
        "admin",
    )
    done, refused = deliveries(api, hook)
    assert (done["state"], done["user"], done["commit"]) == ("done", "ann", h.NEW)
    assert refused["state"] == "refused"
    assert "secret" in refused["reason"]


ASKED: dict[str, tuple[str, list[int], int, str]] = {
    "yes": ('{"match": true}', [], 1, ""),
    "no": ('{"match": false}', [], 1, "did not say that it matches"),
    "unlike JSON": ("yes", [], 1, "did not say that it matches"),
    "refused": ("", [403], 1, "answered 403"),
    "busy twice": ('{"match": true}', [503, 503], 3, ""),
    "broken": ("", [500, 500, 500, 500], 3, "answered 500"),
}


@pytest.mark.parametrize("case", ASKED)
def test_a_filter_outside_of_the_server(api: NativeClient, case: str) -> None:
    """It is asked with the payload and its secret; whatever is no yes, three times, is a no."""
    text, statuses, tries, reason = ASKED[case]
    with web_server() as web:
        web.text, web.answers = text, {"/ask": statuses}
        trigger = {
            "@type": "codeGithubWebHookTrigger",
            "eventType": "PUSH",
            "enableThirdFilter": True,
            "thirdUrl": f"{web.url}/ask",
            "thirdSecretToken": "open sesame",
        }
        made = pipeline(api, trigger)
        hook = add_hook(api, "github", made)
        taken = deliver(api, hook, h.github(h.push()))

    assert len(web.received) == tries
    asked = json.loads(web.received[0].body)
    assert (asked["projectId"], asked["pipelineId"], asked["eventType"]) == ("shop", made, "PUSH")
    assert asked["changeFiles"] == ["src/index.py", "README.md"]
    assert asked["event"]["after"] == h.NEW
    assert web.received[0].headers["x-devops-filter-token"] == "open sesame"
    assert web.received[0].headers["x-devops-event-type"] == "PUSH"
    assert (taken["run"] is not None) is (reason == "")
    assert reason in (taken["reason"] or "")


def test_a_filter_that_takes_long_holds_no_host_up(
    api: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host gets its answer; the run starts when the filter has answered."""
    monkeypatch.setattr("mulligan.engine.event_hooks._ANSWER_WITHIN_S", 0.05)
    with web_server() as web:
        web.text = '{"match": true}'
        trigger = {
            "@type": "codeGithubWebHookTrigger",
            "eventType": "PUSH",
            "enableThirdFilter": True,
            "thirdUrl": f"{web.url}/slow",
        }
        hook = add_hook(api, "github", pipeline(api, trigger))

        taken = deliver(api, hook, h.github(h.push()))
        before = runs(api)
        web.release.set()
        [run] = poll_until(lambda: runs(api), what="the run has started")

    assert (taken["run"], before) == (None, [])
    assert run["start_kind"] == "webhook"


def test_a_filter_that_takes_long_holds_no_other_pipeline_up(
    api: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pipelines without one start at once, whichever comes first; at last the filter is a no."""
    monkeypatch.setattr("mulligan.engine.event_hooks._ANSWER_WITHIN_S", 0.05)
    monkeypatch.setattr("mulligan.engine.event_hooks._ASK_WITHIN_S", 0.3)
    plain: Json = {
        "@type": "codeGithubWebHookTrigger",
        "eventType": "PUSH",
        "repositoryType": "NAME",
        "repositoryName": "shop/api",
    }
    with web_server() as web:
        slow = {**plain, "enableThirdFilter": True, "thirdUrl": f"{web.url}/slow"}
        made = [
            pipeline(api, each, name=f"build {number}")
            for number, each in enumerate((slow, plain, slow))
        ]
        hook = add_hook(api, "github")

        deliver(api, hook, h.github(h.push()))
        [run] = poll_until(lambda: runs(api), what="the plain one has started")
        [done] = poll_until(
            lambda: [each for each in deliveries(api, hook) if each["state"] == "done"] or None,
            what="the delivery is settled",
        )

    path = f"{HOOKS}/{hook['id']}/deliveries/{done['id']}"
    shown = api.get(path)["outcomes"]
    reasons = {each["pipeline"]: str(each["passed_over"]) for each in shown if not each["run"]}
    assert run["pipeline"] == made[1]
    assert set(reasons) == {made[0], made[2]}
    assert all("took too long" in reason for reason in reasons.values())


def test_what_the_push_did_not_change_is_left_out(api: NativeClient) -> None:
    """A task with paths runs only if one of them changed; by hand it runs."""
    docs = models.step("docs", "true", ifModify=["docs/"])
    model = models.one_job("paths", [docs, models.step("only", "true")])
    made = str(api.post("/projects/shop/pipelines", model, expect=201)["id"])
    pushed = deliver(api, add_hook(api, "github", made), h.github(h.push()))["run"]
    by_hand = api.post(f"/projects/shop/pipelines/{made}/runs", {}, expect=201)["id"]

    ends = [steps_of(api, str(run)) for run in (pushed, by_hand)]

    assert ends == [["skipped", "succeeded"], ["succeeded", "succeeded"]]


def steps_of(api: NativeClient, run: str) -> list[str]:
    """Wait for the end of a run; return the statuses of its steps."""

    def look() -> Json | None:
        found: Json = api.get(f"/projects/shop/runs/{run}")
        return found if found["ended_at"] else None

    [job] = poll_until(look, what="the run has ended")["stages"][0]["jobs"]
    return [step["status"] for step in job["steps"]]


def test_gitlab_may_sign_as_standard_webhooks_says(server: NativeServer, api: NativeClient) -> None:
    """The newer proof of GitLab is taken; one of an hour ago is not, nor a proof of other hosts."""
    secret = "whsec_c2VjcmV0IG9mIHRlc3Rz"
    hook = add_hook(api, "gitlab", pipeline(api), secret=secret)
    old = h.standard(h.gitlab_push(), server.clock.now(), key="d-0", secret=secret)

    server.clock.advance(3600)
    deliver(api, hook, old, expect=401)
    deliver(api, hook, h.github(h.gitlab_push(), secret=secret), expect=401)
    good = h.standard(h.gitlab_push(), server.clock.now(), secret=secret)

    assert deliver(api, hook, good)["run"] is not None


def test_without_a_proof_nothing_is_told(api: NativeClient) -> None:
    """No header at all is refused like a wrong one; an unknown hook is not there."""
    hook = add_hook(api, "github", pipeline(api))

    deliver(api, hook, ({}, b"{}"), expect=401)
    unknown = {"url": hook["url"][:-3] + "xyz"}
    deliver(api, unknown, ({}, b"{}"), expect=404)


def test_a_body_over_five_megabytes_is_refused(api: NativeClient) -> None:
    """It is not even looked at."""
    hook = add_hook(api, "github", pipeline(api))

    headers, _ = h.github(h.push())
    deliver(api, hook, (headers, b" " * (5 * 1024 * 1024 + 1)), expect=413)
    assert deliveries(api, hook) == []


@pytest.mark.parametrize("kind", SIGNED)
def test_a_body_without_a_proof_is_not_read(
    server: NativeServer, api: NativeClient, kind: str
) -> None:
    """What the headers rule out is refused, however large its body is."""
    hook = add_hook(api, kind, pipeline(api))
    large = b" " * (5 * 1024 * 1024 + 1)

    deliver(api, hook, ({}, large), expect=401)
    headers, _ = SIGNED[kind](server, WRONG)
    signs = kind in {"github", "gitea", "standard"}  # only the body shows that they are wrong
    deliver(api, hook, (headers, large), expect=413 if signs else 401)

    assert {each["size"] for each in deliveries(api, hook)} == {0}


def test_a_ping_and_other_events_start_nothing(api: NativeClient) -> None:
    """They are taken, and the reason is told."""
    hook = add_hook(api, "github", pipeline(api))

    ping = deliver(api, hook, h.github({"zen": "x"}, event="ping"))
    tag = deliver(api, hook, h.github(h.push(ref="refs/tags/v1"), key="d-2"))

    assert ping["run"] is None
    assert tag == {
        "run": None,
        "runs": [],
        "delivery": tag["delivery"],
        "reason": "the hook takes push, this is tag",
    }
    assert runs(api) == []


def test_a_branch_that_is_deleted_starts_nothing(api: NativeClient) -> None:
    """The reason says why, though the hook takes pushes."""
    hook = add_hook(api, "github", pipeline(api))

    gone = deliver(api, hook, h.github(h.push(deleted=True, after="0" * 40)))

    assert gone["run"] is None
    assert gone["reason"] == "the push deletes what it is about: nothing is left to build"


def test_a_form_with_the_payload_is_taken(api: NativeClient) -> None:
    """GitHub can send JSON in a form; the proof covers the form."""
    hook = add_hook(api, "github", pipeline(api))
    body = b"payload=" + json.dumps(h.push()).replace(" ", "+").replace("#", "%23").encode()
    headers, _ = h.github({})
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    headers["X-Hub-Signature-256"] = h._sha256(body, h.SECRET)

    assert deliver(api, hook, (headers, body))["run"] is not None


def test_a_delivery_without_name_counts_each_time(api: NativeClient) -> None:
    """What the host does not name can't be recognised."""
    hook = add_hook(api, "tgit", pipeline(api))

    for _ in range(2):
        deliver(api, hook, h.tgit(h.tgit_push(), key=""))

    assert len(runs(api)) == 2


GIT = {"@type": "codeGitWebHookTrigger", "repositoryType": "NAME", "repositoryName": "shop/api"}


def test_a_hook_of_the_project_feeds_all_that_wait(api: NativeClient) -> None:
    """Each pipeline is started once, by its first trigger that matches; the others say why not."""
    one = pipeline(
        api,
        GIT | {"eventType": "PUSH", "branchName": "rel/*"},
        GIT | {"eventType": "PUSH", "branchName": "main"},
        GIT | {"eventType": "PUSH"},
        name="one",
    )
    two = pipeline(api, GIT | {"eventType": "PUSH", "repositoryName": "shop/web"}, name="two")
    pipeline(api, name="none")
    hook = add_hook(api, "github", name="all of shop")

    taken = deliver(api, hook, h.github(h.push()))

    [run] = runs(api)
    assert (taken["runs"], run["pipeline"]) == ([run["id"]], one)
    [listed] = deliveries(api, hook)
    detail = api.get(f"{HOOKS}/{hook['id']}/deliveries/{listed['id']}")
    started, passed = detail["outcomes"]
    assert (started["pipeline"], started["run"]) == (one, run["id"])
    assert [each["filter"] for each in started["passed_over"]] == ["branch"]
    assert (passed["pipeline"], passed["run"]) == (two, None)
    assert "shop/web" in passed["reason"]
    assert detail["headers"]["x-hub-signature-256"] == "******"
    assert json.loads(detail["payload"])["after"] == h.NEW


def test_an_alias_that_nobody_knows(api: NativeClient) -> None:
    """A hook of the pipeline itself says which repository is meant; one of the project does not."""
    alias = GIT | {"eventType": "PUSH", "repositoryName": "my-api"}
    ident = pipeline(api, alias)

    of_project = deliver(api, add_hook(api, "github"), h.github(h.push()))
    of_pipeline = deliver(api, add_hook(api, "github", ident), h.github(h.push()))

    assert (of_project["run"], of_project["reason"]) == (None, "there is no repository 'my-api'")
    assert of_pipeline["run"] is not None


def test_the_own_repository_of_a_pipeline(api: NativeClient) -> None:
    """Of SELF only a hook of the pipeline knows which it is: the others would start on any."""
    ident = pipeline(api, GIT | {"eventType": "PUSH", "repositoryType": "SELF"})

    of_project = deliver(api, add_hook(api, "github"), h.github(h.push()))
    of_pipeline = deliver(api, add_hook(api, "github", ident), h.github(h.push()))

    assert (of_project["run"], of_project["reason"]) == (None, "nobody knows its repository")
    assert of_pipeline["run"] is not None


def test_an_outage_loses_no_delivery(api: NativeClient) -> None:
    """What was stored, but could not be started, is started when the store is back."""
    hook = add_hook(api, "github", pipeline(api))
    engine = api.server.engine
    starts = engine.start_run

    async def fails(_command: object) -> None:
        engine.start_run = starts  # type: ignore[method-assign] # the store is back
        raise InfrastructureError("the disk is full")

    engine.start_run = fails  # type: ignore[assignment,method-assign] # plays an outage
    deliver(api, hook, h.github(h.push()), expect=503)

    poll_until(lambda: len(runs(api)) == 1, what="the run of the delivery")
    assert deliver(api, hook, h.github(h.push()), expect=200)["run"] == runs(api)[0]["id"]


def test_a_pipeline_that_refuses_says_so(api: NativeClient) -> None:
    """The host is not told to try again; people see the reason."""
    ident = pipeline(api)
    hook = add_hook(api, "github", ident)
    api.call("DELETE", f"/projects/shop/pipelines/{ident}", expect=204)

    assert deliver(api, hook, h.github(h.push()))["reason"] == "the pipeline is deleted"


def test_a_replay_is_a_delivery_of_its_own(api: NativeClient) -> None:
    """Who may start runs may let an old delivery count again; a refused one can't."""
    hook = add_hook(api, "github", pipeline(api))
    first = deliver(api, hook, h.github(h.push()))
    deliver(api, hook, h.github(h.push(), secret=WRONG), expect=401)
    path = f"{HOOKS}/{hook['id']}/deliveries"

    again = api.post(f"{path}/{first['delivery']}/replay", expect=202)

    assert again["run"] not in {None, first["run"]}
    newest, refused, _ = deliveries(api, hook)
    assert newest["replay_of"] == first["delivery"]
    api.post(f"{path}/{refused['id']}/replay", expect=422)
    api.acting_as("").call("POST", f"{path}/{first['delivery']}/replay", expect=401)


def test_secrets_are_shown_nowhere(server: NativeServer, api: NativeClient) -> None:
    """Neither a list nor a delivery nor the database has the secret; Gitee's body holds it."""
    hook = add_hook(api, "gitee", pipeline(api))
    deliver(api, hook, h.gitee(h.gitee_push(), server.clock.now()))
    [listed] = deliveries(api, hook)

    shown = [
        api.call("GET", HOOKS).text,
        api.call("GET", f"{HOOKS}/{hook['id']}").text,
        api.call("GET", f"{HOOKS}/{hook['id']}/deliveries/{listed['id']}").text,
        api.call("GET", "/projects/shop/audit").text,
    ]

    spelled = {h.SECRET, json.dumps(h.SECRET)[1:-1]}
    assert not any(secret in text for secret in spelled for text in shown)


def test_hooks_are_listed_and_deleted(api: NativeClient) -> None:
    """Lists are paged; a deleted hook takes nothing more."""
    ident = pipeline(api)
    own = add_hook(api, "github", ident, name="own")
    add_hook(api, "gitlab")

    page = api.get(f"{HOOKS}?limit=1")
    assert [each["id"] for each in page["items"]] == [own["id"]]
    assert [each["pipeline"] for each in api.get(f"{HOOKS}?cursor=1")["items"]] == [None]
    assert len(api.get(f"/projects/shop/pipelines/{ident}/hooks")["items"]) == 1
    api.call("DELETE", f"{HOOKS}/{own['id']}", expect=204)
    deliver(api, own, h.github(h.push()), expect=404)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "svn"),
        ("secret", ""),
        ("events", ["nothing"]),
        ("events", []),
        ("api", "ftp://x"),
        ("api", "https://ann:pw@git.example.com"),
        ("api", "http://[::1"),
        ("credential", "missing"),
    ],
)
def test_a_malformed_hook_is_refused(api: NativeClient, field: str, value: object) -> None:
    """The member that is wrong is named, and nothing is stored."""
    status = 404 if field == "credential" else 422
    body = {"kind": "github", "secret": "x", field: value}

    api.post(HOOKS, body, expect=status)

    assert api.get(HOOKS)["items"] == []


def test_what_was_left_undone_is_done_by_the_next_life(tmp_path: Path) -> None:
    """A delivery that was stored, but not brought to anybody, starts its run after a restart."""
    with NativeClient(NativeServer(tmp_path)) as api:
        api.post("/projects", {"name": "shop"}, expect=201)
        hook = add_hook(api, "github", pipeline(api))
        works = api.server.event_hooks._work

        async def dies(*_arguments: object) -> None:
            raise KeyError("the process ends here")

        api.server.event_hooks._work = dies  # type: ignore[assignment] # plays a crash
        deliver(api, hook, h.github(h.push()), expect=500)
        api.server.event_hooks._work = works  # type: ignore[method-assign] # as before
        token = api.token

    with NativeClient(NativeServer(tmp_path, admin_token=token)) as api:
        poll_until(lambda: len(runs(api)) == 1, what="the run of the delivery")
        again = deliver(api, hook, h.github(h.push()), expect=200)
        assert again["run"] == runs(api)[0]["id"]


def test_the_token_of_a_remote_trigger(api: NativeClient) -> None:
    """It is made, shown to editors, replaced and taken away."""
    ident = pipeline(api, {"@type": "remoteTrigger"})
    path = f"/projects/shop/pipelines/{ident}/remote-token"

    api.get(path, expect=404)
    first = api.post(path, expect=201)
    assert api.get(path) == first
    assert first["url"].endswith(f"/external/pipelines/{first['token']}/build")
    assert api.post(path, expect=201)["token"] != first["token"]
    api.call("DELETE", path, expect=204)
    api.get(path, expect=404)


def test_triggers_are_listed_with_their_next_times(api: NativeClient) -> None:
    """What starts a pipeline, in order; timers say when they fire next."""
    ident = pipeline(
        api,
        {"@type": "timerTrigger", "advanceExpression": ["0 13 * * *"]},
        GIT | {"eventType": "TAG_PUSH"},
    )

    _manual, timer, code = api.get(f"/projects/shop/pipelines/{ident}/triggers")["items"]

    assert (timer["kind"], timer["waits_for"], timer["next_at"]) == (
        "timer",
        ["0 13 * * *"],
        "2026-11-22T13:00:00Z",
    )
    assert (code["kind"], code["waits_for"], code["next_at"]) == ("code", ["tag"], None)


def test_code_of_a_fork_waits_for_a_reviewer(server: NativeServer, api: NativeClient) -> None:
    """A stranger's request waits, is shown to who is asked, and begins with their word only."""
    trigger = {
        "@type": "codeGithubWebHookTrigger",
        "eventType": "PULL_REQUEST",
        "reviewers": ["ann"],
        "reviewTimeout": 2,
        "reviewForksOnly": True,
    }
    hook = add_hook(api, "github", pipeline(api, trigger))
    ann = api.make_user("ann", "maintainer")
    fork = {**h.GITHUB_REPOSITORY, "clone_url": "https://github.example.com/eve/api.git"}
    body = h.pull_request()
    own = deliver(api, hook, h.github(body, event="pull_request"))
    body["pull_request"]["head"]["repo"] = fork
    taken = deliver(api, hook, h.github(body, key="d-2", event="pull_request"))

    [item] = ann.get("/approvals?mine=true")["items"]
    assert (item["kind"], item["run"], item["name"]) == ("trigger-review", taken["run"], "trigger")
    assert item["desc"] == "https://github.example.com/shop/api/pull/12"
    run = api.get(f"/projects/shop/runs/{taken['run']}")
    assert (run["status"], [gate["kind"] for gate in run["gates"]]) == (
        "queued",
        ["trigger-review"],
    )
    assert not run["waits"]
    api.post(item["path"], {"approve": True}, expect=403)  # admin has started it, but is not asked
    ann.post(item["path"], {"approve": True})

    for started in (own["run"], taken["run"]):
        api.wait(started, "succeeded")
    assert api.get("/approvals")["items"] == []
