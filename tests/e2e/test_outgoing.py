"""What the server tells others: callbacks, notices through channels and by mail."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.scenario import OK, Scenario, assert_refused, new_project
from message_servers import mail_server, web_server
from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import job, one_job, parameter, pipeline, review, stage, step
from mulligan.testing.server import ServerProcess, poll_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from message_servers import Mailbox, WebServer
    from mulligan.testing.models import Workbench

Json = dict[str, Any]
TOKEN = "t0ken-of-callbacks"
KEY = "channel-signing-key"


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    """Run a server that takes what comes; each test has paths of its own."""
    with web_server() as server:
        yield server


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    """Run a mail server."""
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, box: Mailbox) -> Iterator[ServerProcess]:
    """Run a server that sends mail."""
    data = tmp_path_factory.mktemp("server") / "data"
    settings = ["mail.host=127.0.0.1", f"mail.port={box.port}", "mail.starttls=false"]
    given = [part for each in settings for part in ("--set", each)]
    with ServerProcess(data, "--runners", "4", *given) as process:
        yield process


def bodies(web: WebServer, path: str) -> list[Json]:
    """Give what came to a path, in order."""
    return [json.loads(each.body) for each in web.received if each.path == path]


def events(web: WebServer, path: str) -> list[str]:
    """Give the events that a path was told of, in order."""
    return [body["event"] for body in bodies(web, path)]


def callback(url: str, event: str, **more: str) -> Json:
    """Give the query of `callback_create`."""
    return {"url": url, "event": event, "region": "IDC", "secretToken": TOKEN, **more}


def test_a_callback_is_told_of_every_attempt(
    client: BkciClient, web: WebServer, bench: Workbench
) -> None:
    """BUILD_START comes again with a retry of an ended build, each with the token, in order."""
    project = new_project(client)
    words = ["BUILD_START", "BUILD_STAGE_START", "BUILD_JOB_START", "BUILD_TASK_START"]
    words += ["BUILD_TASK_END", "BUILD_JOB_END", "BUILD_STAGE_END", "BUILD_END"]
    query = callback(f"{web.url}/attempts", ",".join(words))
    made = client.data("POST", project, "callbacks/batch", query=query)
    model = one_job("p", [step("a", bench.script("a"), step_id="a")])

    build = Scenario(client, bench, model, project).run_broken("a")
    poll_until(lambda: len(events(web, "/attempts")) >= 8, what="the first attempt is told")
    bench.repair("a")
    build.repair()

    poll_until(lambda: len(events(web, "/attempts")) >= 16, what="the second attempt is told")
    assert made == {"successEvents": words, "failureEvents": {}}
    told = bodies(web, "/attempts")
    assert [body["event"] for body in told] == words * 2
    ends = [body["data"]["status"] for body in told if body["event"] == "BUILD_END"]
    assert len(ends) == 2
    assert ends[-1] == "SUCCEED"
    start = next(body["data"] for body in told if body["event"] == "BUILD_START")
    assert start["buildId"] == build.id
    assert (start["status"], start["projectId"], start["pipelineName"]) == ("RUNNING", project, "p")
    task = next(body["data"] for body in told if body["event"] == "BUILD_TASK_END")
    outline = task["model"]["stages"][0]["jobs"][0]["tasks"][0]
    assert (outline["taskName"], outline["taskId"]) == ("a", task["taskId"])
    assert {each.headers["x-devops-webhook-token"] for each in web.received} == {TOKEN}


def test_a_running_retry_starts_no_build(
    client: BkciClient, web: WebServer, bench: Workbench
) -> None:
    """A task that is retried while its build runs is no new start of the build."""
    project = new_project(client)
    client.data("POST", project, "callbacks/", query=callback(f"{web.url}/running", "BUILD_START"))
    client.data("POST", project, "callbacks/", query=callback(f"{web.url}/running", "BUILD_END"))
    jobs = [
        job("one", [step("a", bench.script("a"), manualRetry=True, retryWhenFailed=False)]),
        job("two", [step("b", bench.script("b"))]),
    ]
    bench.hold("b")
    bench.break_steps("a")
    build = Scenario(client, bench, pipeline("p", [stage("s", jobs)]), project).start()
    build.wait_task("a", "FAILED")
    bench.repair("a")
    http, body = build.retry("a")
    bench.release("b")
    build.wait()

    assert (http, body["status"]) == (OK, 0)
    poll_until(lambda: "BUILD_END" in events(web, "/running"), what="the end is told")
    assert events(web, "/running") == ["BUILD_START", "BUILD_END"]


def test_callbacks_of_pipelines_and_models(
    client: BkciClient, web: WebServer, bench: Workbench
) -> None:
    """Rules of a pipeline, by name, and those in a model hear of that pipeline alone."""
    project = new_project(client)
    client.data("POST", project, "callbacks/", query=callback(f"{web.url}/acts", "CREATE_PIPELINE"))
    model = one_job("mine", [step("a", "true")])
    model["events"] = {
        "end": {
            "callbackName": "end",
            "callbackEvent": "BUILD_END",
            "callbackUrl": f"{web.url}/model",
            "secretToken": TOKEN,
        }
    }
    mine = Scenario(client, bench, model, project)
    tail = f"callbacks/pipelines/{mine.pipeline}"
    rule = {"callbackName": "n", "callbackEvent": "BUILD_END", "callbackUrl": f"{web.url}/rule"}
    client.data("POST", project, tail, body=[rule | {"secretToken": TOKEN}])
    other = Scenario(client, bench, one_job("other", [step("a", "true")]), project)

    other.run()
    mine.run()

    poll_until(lambda: events(web, "/rule") and events(web, "/model"), what="both are told")
    poll_until(lambda: len(events(web, "/acts")) == 2, what="both pipelines are told")
    assert [body["data"]["pipelineName"] for body in bodies(web, "/rule")] == ["mine"]
    assert [body["data"]["pipelineName"] for body in bodies(web, "/model")] == ["mine"]
    shown = client.data("GET", project, tail)
    assert (shown[0]["callbackName"], "secretToken" in shown[0]) == ("n", False)
    gone = client.data("DELETE", project, tail, query={"callbackName": "n"})
    assert (gone, client.data("GET", project, tail)) == (True, [])


def test_what_is_not_taken_is_kept_and_can_be_sent_again(
    client: BkciClient, web: WebServer, bench: Workbench
) -> None:
    """The history has the answer of each delivery and no token; a record can be sent again."""
    project = new_project(client)
    web.answers["/refuses"] = [400]
    url = f"{web.url}/refuses"
    client.data("POST", project, "callbacks/", query=callback(url, "BUILD_END"))
    Scenario(client, bench, one_job("p", [step("a", "true")]), project).run()

    def history() -> list[Json]:
        query: dict[str, Any] = {"url": url, "event": "BUILD_END"}
        page = client.data("GET", project, "callbacks/callback_history", query=query)
        return [record for record in page["records"] if record["status"] != "RUNNING"]

    failed = poll_until(history, what="the refusal is in the history")[0]
    again: dict[str, Any] = {"id": failed["id"]}
    assert client.data("POST", project, "callbacks/callback_retry", query=again) is True
    poll_until(lambda: len(history()) == 2, what="it was sent again")

    assert (failed["status"], failed["responseCode"]) == ("FAILED", 400)
    assert history()[0]["status"] == "SUCCEED"
    assert TOKEN not in str(history())
    listed = client.data("GET", project, "callbacks/callback_list")["records"]
    assert [each["callBackUrl"] for each in listed] == [url]
    ident: dict[str, Any] = {"id": listed[0]["id"]}
    assert client.data("DELETE", project, "callbacks/callback", query=ident) is True
    assert client.call("DELETE", project, "callbacks/callback", query=ident).http == 404


@pytest.mark.parametrize("url", ["ftp://example.com/", "http:///x", "http://u:p@example.com/", "x"])
def test_bad_urls(client: BkciClient, url: str) -> None:
    """What is no URL of HTTP is refused with the number that the API has for it."""
    project = new_project(client)

    answer = client.call("POST", project, "callbacks/", query=callback(url, "BUILD_END"))
    model = one_job("p", [step("a", "true")])
    model["events"] = {"a": {"callbackEvent": "BUILD_END", "callbackUrl": url}}
    made = client.call("POST", project, "pipelines/pipeline", body=model)

    assert_refused(answer.pair, 400, 2101132, "回调的url非法")
    assert_refused(made.pair, 400, 2101132, "回调的url非法")


def own(client: BkciClient, method: str, path: str, body: object = None) -> Any:
    """Call the own API."""
    return client.http.request(method, f"/api/v1{path}", body=body)


def test_channels(client: BkciClient, web: WebServer, bench: Workbench) -> None:
    """Each kind of channel is told in its own form; a webhook is signed; texts hold variables."""
    project = new_project(client)
    for kind in ("webhook", "wecom", "dingtalk", "feishu", "slack"):
        body = {
            "type": kind,
            "url": f"{web.url}/{kind}?key=k-hidden",
            "key": KEY,
            "tells": ["success"] if kind == "webhook" else [],
            "chats": [f"chat-{kind}"],
        }
        made = own(client, "PUT", f"/projects/{project}/channels/{kind}", body)
        assert made.http == OK
        assert "hidden" not in made.text
    scenario = Scenario(
        client,
        bench,
        one_job(
            "p",
            [step("a", "true")],
        ),
        project,
    )
    chats = "chat-wecom,chat-dingtalk;chat-feishu, slack"
    wanted = {
        "types": ["WEWORK_GROUP"],
        "wechatGroup": chats,
        "content": "${BK_CI_PIPELINE_NAME} is ${{ci.build_status}}",
    }
    client.change_setting(project, scenario.pipeline, successSubscriptionList=[wanted])

    scenario.run()

    paths = ["/webhook", "/wecom", "/dingtalk", "/feishu", "/slack"]
    poll_until(lambda: set(paths) <= set(web.paths), what="all channels are told")
    text = "p is SUCCEED"
    assert text in bodies(web, "/wecom")[0]["text"]["content"]
    assert text in bodies(web, "/dingtalk")[0]["text"]["content"]
    assert text in bodies(web, "/feishu")[0]["content"]["text"]
    assert text in bodies(web, "/slack")[0]["text"]
    hook = next(each for each in web.received if each.path == "/webhook")
    signed = f"{hook.headers['webhook-id']}.{hook.headers['webhook-timestamp']}.".encode()
    digest = hmac.new(KEY.encode(), signed + hook.body, hashlib.sha256).digest()
    assert hook.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    tested = own(client, "POST", f"/projects/{project}/channels/slack/test")
    assert tested.body == {"sent": True, "problem": ""}
    assert own(client, "DELETE", f"/projects/{project}/channels/slack").http == 204
    assert own(client, "POST", f"/projects/{project}/channels/slack/test").http == 404


def mails_of(box: Mailbox, to: str) -> list[Any]:
    """Give the mails that somebody got."""
    policy = email.policy.default
    return [
        email.message_from_bytes(content, policy=policy) for who, content in box.mails if who == to
    ]


def test_mail_to_people(client: BkciClient, box: Mailbox, bench: Workbench) -> None:
    """Users with an address, and addresses, get mail at a failure; reviewers when they are asked.

    A secret in a variable is masked there too.
    """
    project = new_project(client)
    client.data(
        "POST",
        project,
        "credentials/credential",
        body={"credentialId": "c", "credentialType": "PASSWORD", "v1": "hide-this"},
    )
    carol = client.acting_as("carol")
    assert own(carol, "PATCH", "/users/carol", {"email": "carol@example.com"}).http == OK
    first = stage("first", [job("j", [step("a", "true")])])
    asked = stage("asked", [job("k", [step("b", "false")])], checkIn=review(["carol"]))
    model = pipeline("p", [first, asked], params=[parameter("who", "dave@example.com")])
    scenario = Scenario(client, bench, model, project)
    wanted = {
        "types": ["EMAIL"],
        "users": "carol;${who}",
        "title": "broken: ${BK_CI_PIPELINE_NAME}",
        "content": "${{ci.build_status}} hide-this ${who}",
    }
    client.change_setting(project, scenario.pipeline, failSubscriptionList=[wanted])
    build = scenario.start()
    poll_until(lambda: mails_of(box, "carol@example.com"), what="carol is asked")
    http, body = carol.review(project, build.id, "stage-3")
    carol.close()
    assert (http, body["status"]) == (OK, 0), body

    build.wait()

    (mail,) = poll_until(lambda: mails_of(box, "dave@example.com"), what="dave is told")
    assert mail["Subject"] == "broken: p"
    assert mail.get_content().strip() == "FAILED ****** dave@example.com"
    poll_until(lambda: len(mails_of(box, "carol@example.com")) == 2, what="carol is told")


def test_nothing_is_lost_when_the_server_is_killed(
    own_server: ServerProcess, own_client: BkciClient, bench: Workbench
) -> None:
    """What was being sent when the server was killed is sent by its next life."""
    project = new_project(own_client)
    with web_server() as slow:
        query = callback(f"{slow.url}/slow", "BUILD_END")
        own_client.data("POST", project, "callbacks/", query=query)
        Scenario(own_client, bench, one_job("p", [step("a", "true")]), project).run()
        poll_until(lambda: events(slow, "/slow"), what="it is being sent")

        own_server.kill()
        slow.release.set()
        own_server.restart()

        poll_until(lambda: len(events(slow, "/slow")) == 2, what="it is sent again")
    assert TOKEN.encode() not in (own_server.data / "mulligan.db").read_bytes()
