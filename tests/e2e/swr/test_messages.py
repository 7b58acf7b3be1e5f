"""What a running server sends and takes: messages, notes in logs, mail, pushes of code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from e2e.swr.client import CREATED, Reply, SwrClient
from e2e.swr.definitions import build, builds, channel, definition, source, triggers
from e2e.swr.scenario import (
    INVALID,
    NO_CONTENT,
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHORIZED,
    ZERO_TIME,
    Pipeline,
    World,
    assert_empty_object,
    new_name,
)
from message_servers import mail_server, web_server
from mulligan.testing.server import ServerProcess, poll_until

if TYPE_CHECKING:
    from pathlib import Path

    from mulligan.testing.models import Workbench

Json = dict[str, Any]

UNPROVEN = (UNAUTHORIZED, "S2I.4019069")
NO_TRIGGER = (NOT_FOUND, "SWR.4040126")
COMMIT = "a0" * 20
NO_COMMIT = "0" * 40
COMMIT_TAG = "refs/tags/v1"


def after(*hooks: Json) -> Json:
    """Return the post_operation of a stage."""
    return {"post_operation": {"triggers": [*hooks]}}


def hook_to(url: str, **fields: object) -> Json:
    """Return a message by HTTP."""
    return {"webhook": {"method": "POST", "url": url, **fields}}


def notes(pipeline: Pipeline, index: int = 0, job: int | str = "latest") -> list[str]:
    """Return the lines of a log that the server added."""
    records = [json.loads(record["content"])[0] for record in pipeline.log(index, job)["log"]]
    lines = [record["Message"] for record in records]
    return [line for line in lines if line.startswith("SVCSTG.")]


# --- messages -----------------------------------------------------------------------------------


def test_extended_request(dev1: SwrClient, bench: Workbench) -> None:
    """Headers, body and params of a message have their variables filled in."""
    with web_server() as web:
        message = hook_to(
            f"{web.url}/hook",
            headers={"X-Version": "${VERSION}"},
            body="built ${VERSION} of ${NOTHING}",
            params={"p": "${VERSION}"},
        )
        stage = build("one", bench.script("one"), **after(message))

        Pipeline(dev1, definition([stage])).run(VERSION="v 2")
        poll_until(lambda: web.received != [], what="a message")

    [request] = web.received
    assert request.query == (("p", "v 2"),)
    assert request.headers["x-version"] == "v 2"
    assert request.body == b"built v 2 of ${NOTHING}"


def test_note_of_a_refused_message(dev1: SwrClient, bench: Workbench) -> None:
    """A message that is refused is a line of the job's log, without secrets."""
    with web_server() as web:
        web.answers["/hook"] = [403]
        url = web.url.replace("http://", "http://me:hush@")
        stage = build("one", bench.script("one"), **after(hook_to(f"{url}/hook?key=hush")))
        pipeline = Pipeline(dev1, definition([stage]))

        pipeline.run()
        [line] = poll_until(lambda: notes(pipeline), what="a note")

    assert line.startswith("SVCSTG.SWR.4001130 Webhook returns abnormal response!")
    assert line.endswith(": 403")
    assert "hush" not in line
    assert pipeline.status()["status"] == "success"


def test_note_of_a_message_to_nobody(dev1: SwrClient, bench: Workbench) -> None:
    """A message that reaches nobody is a line of the log after its tries."""
    stage = build("one", bench.script("one"), **after(hook_to("http://127.0.0.1:1/")))
    pipeline = Pipeline(dev1, definition([stage]))

    pipeline.run()
    [line] = poll_until(lambda: notes(pipeline), what="a note")

    assert line.startswith("SVCSTG.SWR.5001129 Failed to notify webhook! POST http://127.0.0.1:1/:")


def test_message_over_a_kill(own_world: World, bench: Workbench) -> None:
    """A message that was under way when the server was killed is sent again, as the same one."""
    with web_server() as web:
        stage = build("one", bench.script("one"), **after(hook_to(f"{web.url}/slow")))
        pipeline = Pipeline(own_world.login("dev1"), definition([stage]))
        pipeline.run()
        poll_until(lambda: web.received != [], what="a message")

        own_world.restart()
        poll_until(lambda: len(web.received) == 2, what="the message again")
        web.release.set()

    first, second = web.received
    assert first.headers["x-mulligan-delivery"] == second.headers["x-mulligan-delivery"]


def test_channel_over_a_kill(tmp_path: Path, bench: Workbench) -> None:
    """A server that ends when all is told, yet before it has noted that, starts nothing twice."""
    data, name = tmp_path / "data", new_name("base")
    with web_server() as web:
        with ServerProcess(data, environment={"MULLIGAN_FAILPOINT": "notify.sent"}) as first:
            client = World(first).login("dev1")
            listens = builds(bench, "two", pre_operation=triggers("or", channel(name)))
            subscriber = Pipeline(client, listens)
            message = after(channel(name), hook_to(f"{web.url}/hook"))
            publisher = Pipeline(client, definition([build("one", "true", **message)]))
            publisher.start()
            poll_until(lambda: not first.is_running(), what="the server ends")
        with ServerProcess(data) as second:
            client.url = second.url
            poll_until(lambda: len(web.received) == 2, what="the messages again")
            subscriber.settle("success")
            jobs = subscriber.jobs(0)

    assert len(jobs) == 1


def test_stop_sends_nothing(dev1: SwrClient, bench: Workbench) -> None:
    """A stage that was cancelled sends no message."""
    with web_server() as web:
        message = after(hook_to(f"{web.url}/hook"))
        stages = [build(name, bench.script(name), **message) for name in ("one", "two")]
        pipeline = Pipeline(dev1, definition(stages))
        bench.hold("two")
        pipeline.start()
        poll_until(lambda: bench.ran("two") == 1, what="two runs")
        poll_until(lambda: web.received != [], what="the message of one")

        pipeline.stop()
        pipeline.settle("cancel")
        bench.release("two")
        pipeline.run()
        poll_until(lambda: len(web.received) == 3, what="the messages of the second run")

    deliveries = [request.headers["x-mulligan-delivery"] for request in web.received]
    assert [delivery.split("/")[1] for delivery in deliveries] == [
        "stage-2:1",
        "stage-2:1",
        "stage-3:1",
    ]


def notified(bench: Workbench, name: str, condition: int, pattern: int = 1) -> Json:
    """Return a pipeline that tells bob about its results."""
    config = {
        "user_id": "u1",
        "user_name": "bob",
        "email": "bob@example.com",
        "phone_number": "+86 123456789",
        "condition": condition,
        "pattern": pattern,
    }
    post = {"notification": {"notifications": [{"type": 7, "config": config}]}}
    return builds(bench, name, post_operation=post)


def test_mail_about_a_result(tmp_path: Path, bench: Workbench) -> None:
    """With a mail server in the settings people are told how a run went, once per end."""
    with mail_server() as box:
        settings = ["mail.host=127.0.0.1", f"mail.port={box.port}", "mail.starttls=false"]
        options = [word for each in settings for word in ("--set", each)]
        with ServerProcess(tmp_path / "data", *options) as server:
            world = World(server)
            pipeline = Pipeline(world.login("dev1"), notified(bench, "one", condition=2))
            bench.break_steps("one")
            pipeline.run("stage_exception")
            poll_until(lambda: box.mails != [], what="a mail")
            bench.repair("one")
            pipeline.retry(0)
            pipeline.settle("success")
            lines = notes(pipeline)

    [(recipient, raw)] = box.mails
    assert recipient == "bob@example.com"
    assert f"Subject: [Mulligan] {pipeline.name}".encode() in raw.replace(b"\r\n ", b" ")
    assert lines == []


def test_notifications_without_gateways(dev1: SwrClient, bench: Workbench) -> None:
    """Without mail server and SMS gateway the log of the last job says so; the run is good."""
    wanted = [
        "SVCSTG.SWR.5001144 Failed to notify by mail",
        "SVCSTG.SWR.5001144 Failed to notify by SMS",
    ]
    pipeline = Pipeline(dev1, notified(bench, "one", condition=0, pattern=0))

    pipeline.run()
    poll_until(lambda: len(notes(pipeline)) == len(wanted), what="the notes")

    lines = [line.partition("!")[0] for line in notes(pipeline)]

    assert lines == wanted


def test_private_targets_need_the_setting(tmp_path: Path) -> None:
    """Without `--dev` a definition names no loopback target, unless the setting allows it."""
    message = after(hook_to("http://127.0.0.1:1/"))
    given = definition([build("one", "true", **message)])
    answers = []
    for allowed in ("false", "true"):
        data = tmp_path / allowed
        options = ("--set", f"net.private_targets={allowed}")
        with ServerProcess(data, *options, dev=False) as server:
            answers.append(create(data, server.url, given))

    assert answers[0].error == INVALID
    assert "private" in answers[0].detail
    assert answers[1].http == CREATED, answers[1]


def create(data: Path, url: str, given: Json) -> Reply:
    """Make a pipeline as the administrator of a server that is not for development."""
    token = (data / "admin-token").read_text().strip()
    client = SwrClient(url, {"Authorization": f"Bearer {token}"})
    assert client.post("/api/v1/projects", {"name": "default"}).http in {CREATED, 409}
    group = client.post("/v3/manage/pipelinegroups", {"group": "team", "description": ""})
    assert group.http == CREATED, group
    return client.post("/v3/manage/pipelinegroups/team/pipelines", {**given, "name": "shop"})


# --- pushes of code -----------------------------------------------------------------------------


class CodeHook:
    """Own a pipeline of one source stage that pushes to `main` and new tags start."""

    def __init__(self, client: SwrClient, url: str, *more: Json) -> None:
        """Make the pipeline; its hook is what the answer shows."""
        trigger = {"branchs": ["main"], "trigger_tag_create_event": True}
        self.pipeline = Pipeline(client, definition([source(url, code_trigger=trigger), *more]))
        found = self.pipeline.created["stages"][0]["params"]["code_trigger"]["webhook"]
        self.path = urlsplit(found["url"]).path
        self.secret = str(found["secret"])
        self.sender = SwrClient(client.url)  # a code host has no credential of ours

    def push(self, ref: str = "refs/heads/main", **headers: str) -> Reply:
        """Tell of a push as GitHub does; `_` in names of headers stands for `-`."""
        payload = {"ref": ref, "before": NO_COMMIT, "after": COMMIT, "created": True}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(payload, {"X-GitHub-Event": "push", **named})

    def send(self, payload: object, headers: Json, *, signed: bool = True) -> Reply:
        """Send any payload, signed unless told otherwise."""
        body = json.dumps(payload).encode()
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        proof = {"X-Hub-Signature-256": f"sha256={digest}"} if signed else {}
        fields = {"Content-Type": "application/json", **proof, **headers}
        return self.sender.raw("POST", self.path, body, fields)

    @property
    def runs(self) -> int:
        """Return how often the source stage ran."""
        return len(self.pipeline.jobs(0))


@pytest.fixture
def hook(dev1: SwrClient, repository: str) -> CodeHook:
    """Give a pipeline that pushes start."""
    return CodeHook(dev1, repository)


@pytest.mark.parametrize("ref", ["refs/heads/main", COMMIT_TAG])
def test_push_starts(hook: CodeHook, ref: str) -> None:
    """A signed push to a branch of the trigger, or of a new tag, starts the pipeline."""
    answer = hook.push(ref)

    assert_empty_object(answer)
    hook.pipeline.settle("success")
    assert hook.runs == 1


def test_push_that_starts_nothing(hook: CodeHook) -> None:
    """Other branches, deletions and other events are answered alike, and start nothing."""
    gone = {"ref": "refs/heads/main", "before": COMMIT, "after": NO_COMMIT, "deleted": True}

    answers = [
        hook.push("refs/heads/other"),
        hook.push(X_GitHub_Event="ping"),
        hook.send(gone, {"X-GitHub-Event": "push"}),
        hook.send({"object_kind": "merge_request"}, {"X-Gitlab-Event": "Merge Request Hook"}),
    ]

    for answer in answers:
        assert_empty_object(answer)
    assert hook.pipeline.status()["start_time"] == ZERO_TIME


def test_push_of_other_hosts(hook: CodeHook) -> None:
    """GitLab and Gitee show the secret itself, Gitee also a signed time."""
    stamp = str(int(time.time() * 1000))
    ref = {"ref": "refs/heads/main", "before": NO_COMMIT, "after": COMMIT}
    given: list[tuple[Json, Json]] = [
        ({**ref, "object_kind": "push"}, {"X-Gitlab-Token": hook.secret}),
        ({**ref, "hook_name": "push_hooks"}, {"X-Gitee-Token": hook.secret}),
        (ref, {"X-Gitee-Timestamp": stamp, "X-Gitee-Token": gitee_token(stamp, hook.secret)}),
    ]

    for count, (payload, headers) in enumerate(given, start=1):
        assert_empty_object(hook.send(payload, headers, signed=False))
        hook.pipeline.settle("success")
        assert hook.runs == count


def gitee_token(stamp: str, secret: str) -> str:
    """Return the signature that Gitee makes."""
    text = f"{stamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def test_push_without_proof(hook: CodeHook, dev1: SwrClient) -> None:
    """A wrong or missing proof is 401, a credential of ours is none; nothing starts."""
    payload = {"ref": "refs/heads/main"}
    token = {"X-Auth-Token": dev1.headers["X-Auth-Token"]}

    answers = [
        hook.send(payload, {}, signed=False),
        hook.send(payload, token, signed=False),
        hook.send(payload, {"X-Gitlab-Token": "wrong"}, signed=False),
        hook.send(payload, {"X-Hub-Signature-256": "sha256=" + "0" * 64}, signed=False),
    ]

    assert [answer.error for answer in answers] == [UNPROVEN] * 4
    assert hook.pipeline.status()["start_time"] == ZERO_TIME


def test_push_to_an_unknown_hook(hook: CodeHook, dev1: SwrClient, bench: Workbench) -> None:
    """An unknown id is 404, and so is that of a webhook."""
    other = Pipeline(dev1, builds(bench, "one", pre_operation=triggers("or")))
    webhook_id = other.hook_path().rpartition("/")[2]
    ids = ("00000000-0000-4000-8000-000000000000", webhook_id, "x")

    answers = [hook.sender.post(f"/v2/manage/codehooks/{each}", {}) for each in ids]

    assert [answer.error for answer in answers] == [NO_TRIGGER] * 3


def test_push_to_a_deleted_pipeline(hook: CodeHook) -> None:
    """The hook of a deleted pipeline is gone."""
    assert hook.pipeline.delete().http == NO_CONTENT

    assert hook.push().error == NO_TRIGGER


def test_push_with_a_bad_body(hook: CodeHook) -> None:
    """A body that is no JSON is 400, one over 1 MiB is 413."""
    fields = {"Content-Type": "application/json", "X-Gitlab-Token": hook.secret}

    malformed = hook.sender.raw("POST", hook.path, b"{", fields)
    large = hook.sender.raw("POST", hook.path, b" " * (1024 * 1024 + 1), fields)

    assert malformed.error == INVALID
    assert large.http == TOO_LARGE


def test_push_as_a_form(hook: CodeHook) -> None:
    """GitHub can send the payload as a field of a form; the signature is that of the form."""
    body = urlencode({"payload": json.dumps({"ref": "refs/heads/main"})}).encode()
    digest = hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()
    fields = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Hub-Signature-256": f"sha256={digest}",
    }

    answer = hook.sender.raw("POST", hook.path, body, fields)

    assert_empty_object(answer)
    hook.pipeline.settle("success")


def test_delivery_starts_once(hook: CodeHook) -> None:
    """The same delivery starts a pipeline once, however often it comes."""
    first = hook.push(X_GitHub_Delivery="d-1")
    hook.pipeline.settle("success")
    again = hook.push(X_GitHub_Delivery="d-1")
    other = hook.push(X_GitHub_Delivery="d-2")
    hook.pipeline.settle("success")

    for answer in (first, again, other):
        assert_empty_object(answer)
    assert hook.runs == 2


def test_push_while_a_run_is_under_way(dev1: SwrClient, repository: str, bench: Workbench) -> None:
    """A push while a run is active or held is dropped; sent again later it starts."""
    hook = CodeHook(dev1, repository, build("two", bench.script("two")))
    bench.hold("two")
    bench.break_steps("two")
    hook.push(X_GitHub_Delivery="d-1")
    poll_until(lambda: bench.ran("two") == 1, what="two runs")

    active = hook.push(X_GitHub_Delivery="d-2")
    bench.release("two")
    hook.pipeline.settle("stage_exception")
    held = hook.push(X_GitHub_Delivery="d-2")
    status = hook.pipeline.status()
    hook.pipeline.stop()
    free = hook.push(X_GitHub_Delivery="d-2")
    poll_until(lambda: hook.runs == 2, what="a second run")

    for answer in (active, held, free):
        assert_empty_object(answer)
    assert status["status"] == "stage_exception"
    hook.pipeline.settle("stage_exception")
