"""A secret of a project reaches the steps that name it, and nothing else ever shows it."""

from __future__ import annotations

import base64
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from e2e.scenario import OK, Scenario, new_project
from git_server import PASSWORD, serving
from mulligan.testing.models import job, one_job, parameter, pipeline, stage, step
from mulligan.testing.server import ServerProcess
from step_bench import commit

if TYPE_CHECKING:
    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.models import Workbench

Json = dict[str, Any]
WORD = "w0rd-Of+one/line=é"
LINES = ("-----BEGIN KEY-----", "MIIEpAIBAAKCAQEA7", "q9Xv+lastLine==")
KEY = "\n".join(LINES) + "\n"
MASK = "******"


@pytest.fixture
def project(client: BkciClient) -> str:
    """Give a project with a credential and a plain secret."""
    made = new_project(client)
    body = {
        "credentialId": "db",
        "credentialType": "USERNAME_PASSWORD",
        "v1": "openUser",
        "v2": WORD,
    }
    assert client.data("POST", made, "credentials/credential", body=body) is True
    path = f"/api/v1/projects/{made}/secrets/key"
    assert client.http.request("PUT", path, body={"value": KEY}).http == OK
    return made


def credential(ident: str, kind: str, *values: str) -> Json:
    """Give the body of `credential_create`."""
    fields = {f"v{number}": value for number, value in enumerate(values, 1)}
    return {"credentialId": ident, "credentialType": kind, **fields}


def test_a_lost_key_is_told(tmp_path: Path) -> None:
    """What it protected is void now; who has a backup of it can still put it back."""
    key = tmp_path / "data" / "secret.key"
    with ServerProcess(tmp_path / "data") as server:
        old = key.read_text()
        server.restart()
        assert "secret_key_lost" not in server.log_text()
        server.terminate()
        key.unlink()

        server.start()

        assert "warning secret_key_lost" in server.log_text()
        assert key.read_text() != old


def forms() -> list[str]:
    """Give every text that must not be found anywhere."""
    whole = [WORD, base64.b64encode(WORD.encode()).decode(), quote(WORD, safe="")]
    return [*whole, base64.b64encode(KEY.encode()).decode(), *LINES[1:]]


def files_holding(folder: Path, texts: list[str]) -> list[str]:
    """Name the files below a folder that hold one of the texts."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            content = (Path(place) / name).read_bytes()
            found += [f"{name}: {text}" for text in texts if text.encode() in content]
    return found


LEAKY = (
    "w='${{ settings.db.password }}'",
    'printf "split %.7s" "$w"; sleep 0.05; printf "%s\\n" "$(printf %s "$w" | cut -c8-)"',
    'echo "whole $w user ${{ settings.db.username }}"',
    'echo "base64 $(printf %s "$w" | base64 -w0)"',
    'printf "%s" "$KEY" | base64 -w0; echo',
    'echo "$KEY"',
    'echo "::set-variable name=leak::x$w"',
    'echo "::set-variable name=fine::1"',
    'echo "::set-output name=out::$(printf %s "$w" | base64 -w0)"',
    'echo "::set-remark $w"',
    'setEnv other "$w"',
    'printf %s "$w" > "$OUTSIDE/word"',
)


def test_nothing_shows_a_secret(
    client: BkciClient, server: ServerProcess, project: str, bench: Workbench
) -> None:
    """Log, variables, outputs, remark, error, answers, events and files are free of it."""
    script = "\n".join((f"OUTSIDE='{bench.directory}'", *LEAKY))
    left = f'echo "left $(cat {bench.directory}/word)"'
    error = 'echo "::set-error error_code=9,error_message=$KEY $(cat $OUTSIDE/word)"; exit 3'
    keyed: Json = {"customEnv": [{"key": "KEY", "value": "${{ settings.key.value }}"}]}
    model = one_job(
        "leaky",
        [
            step("leak", script, step_id="leak", **keyed),
            step("later", left),
            step("fails", f"OUTSIDE='{bench.directory}'; {error}", **keyed),
        ],
    )
    build = Scenario(client, bench, model, project).start()

    view = build.wait()

    assert view.statuses("leak", "later", "fails") == ["SUCCEED", "SUCCEED", "FAILED"]
    log = client.download(project, build.id).text
    for line in ("split ******", "whole ****** user openUser", "base64 ******", "left ******"):
        assert line in log
    shown = client.variables(project, build.id, "fine", "leak", "other")
    assert shown == {"fine": "1", "leak": "", "other": ""}
    own = f"/api/v1/projects/{project}"
    answers = [
        log,
        str(view.data),
        str(build.status()),
        str(client.failed_tasks(project, build.id)),
        str(client.pipeline_get(project, build.scenario.pipeline)),
        *(
            client.http.request("GET", path).text
            for path in (
                f"{own}/runs/{build.id}",
                f"{own}/runs/{build.id}/steps",
                f"{own}/audit",
                f"{own}/secrets",
                f"{own}/secrets/key",
            )
        ),
    ]
    assert [text for text in forms() for answer in answers if text in answer] == []
    assert files_holding(server.data, forms()) == []
    assert [text for text in forms() if text in server.log_text()] == []


def test_credentials_of_every_type(client: BkciClient, project: str) -> None:
    """Each type is made, listed, edited and deleted; no answer holds a value."""
    given = [
        credential("c1", "PASSWORD", "v-secret"),
        credential("c2", "ACCESSTOKEN", "v-secret"),
        credential("c3", "OAUTHTOKEN", "v-secret"),
        credential("c4", "USERNAME_PASSWORD", "user", "v-secret"),
        credential("c5", "SECRETKEY", "v-secret"),
        credential("c6", "APPID_SECRETKEY", "app", "v-secret"),
        credential("c7", "SSH_PRIVATEKEY", "v-secret"),
        credential("c8", "TOKEN_SSH_PRIVATEKEY", "v-secret", "v-secret", "v-secret"),
        credential("c9", "TOKEN_USERNAME_PASSWORD", "v-secret", "user", "v-secret"),
        credential("c10", "COS_APPID_SECRETID_SECRETKEY_REGION", "1", "v-secret", "v-secret", "r"),
        credential("c11", "MULTI_LINE_PASSWORD", "v-secret\nv-secret"),
    ]
    for body in given:
        assert client.data("POST", project, "credentials/credential", body=body) is True

    kinds = ",".join(str(body["credentialType"]) for body in given)
    query: dict[str, Any] = {"credentialTypes": kinds, "pageSize": 5, "page": 2}
    page = client.data("GET", project, "credentials/credential_list", query=query)

    assert (page["count"], page["totalPages"], len(page["records"])) == (12, 3, 5)
    assert "v-secret" not in str(page)
    one: dict[str, Any] = {"credentialId": "c4"}
    edit = {"credentialType": "USERNAME_PASSWORD", "credentialRemark": "r", "v1": "new", "v2": MASK}
    assert client.data("PUT", project, "credentials/credential", query=one, body=edit) is True
    shown = client.data("GET", project, "credentials/credential", query=one)
    assert (shown["credentialRemark"], shown["v1"], shown["v2"]) == ("r", MASK, MASK)
    assert client.data("DELETE", project, "credentials/credential", query=one) is True
    gone = client.call("GET", project, "credentials/credential", query=one)
    assert (gone.http, gone.body["message"]) == (404, "凭据[c4]不存在")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"credentialType": "PASSWORD", "v1": "x"}, "credentialId"),
        (credential("a", "PASSWORD"), "v1"),
        (credential("a", "USERNAME_PASSWORD", "u"), "v2"),
        (credential("a", "NO_SUCH", "x"), "credentialType"),
        (credential("a.b", "PASSWORD", "x"), "a.b"),
        (credential("db", "PASSWORD", "x"), "db"),
    ],
)
def test_malformed_credentials(client: BkciClient, project: str, body: Json, message: str) -> None:
    """What is missing, unknown or taken is named, and nothing is stored."""
    answer = client.call("POST", project, "credentials/credential", body=body)

    assert answer.http in (400, 409)
    assert message in answer.body["message"]
    query: dict[str, Any] = {"credentialTypes": "PASSWORD"}
    assert client.data("GET", project, "credentials/credential_list", query=query)["count"] == 0


def test_a_condition_may_not_ask_for_a_secret(client: BkciClient, project: str) -> None:
    """A model whose condition names a secret is refused."""
    options: Json = {
        "runCondition": "CUSTOM_CONDITION_MATCH",
        "customCondition": "settings.db.password == 'x'",
    }
    model = pipeline(
        "c", [stage("s", [job("j", [step("a", "true", **options)])])], params=[parameter("p", "1")]
    )

    answer = client.call("POST", project, "pipelines/pipeline", body=model)

    assert answer.http == 400
    assert "settings" in answer.body["message"]


def test_a_step_without_its_secret_says_so(
    client: BkciClient, project: str, bench: Workbench
) -> None:
    """A credential that is not there fails the step before it begins; the log names it."""
    model = one_job("missing", [step("a", "echo ${{ settings.nope.password }}")])
    build = Scenario(client, bench, model, project).start()

    view = build.wait()

    assert view.statuses("a") == ["FAILED"]
    assert "the project has no secret 'nope'" in client.download(project, build.id).text


def linked(client: BkciClient, project: str, method: str, tail: str, **more: Any) -> Any:
    """Do a call on linked repositories; return its answer."""
    path = f"{client.prefix}/repositories/projects/{project}/{tail}"
    return client.http.request(method, path, **more)


def a_checkout(**inputs: str) -> Json:
    """Give a checkout."""
    return {
        "@type": "marketBuild",
        "id": f"e-{uuid.uuid4().hex}",
        "name": "get",
        "atomCode": "checkout",
        "version": "1.*",
        "data": {"input": inputs},
    }


def test_checkouts_log_in_to_linked_repositories(
    client: BkciClient, server: ServerProcess, project: str, bench: Workbench, tmp_path: Path
) -> None:
    """By alias, hash id and URL; the password is in no file, and the build knows its commits."""
    repository = tmp_path / "shop"
    taken = commit(repository, {"file": "first\n"})
    body = credential("git", "USERNAME_PASSWORD", "me", PASSWORD)
    client.data("POST", project, "credentials/credential", body=body)
    with serving(tmp_path, needs_password=True) as host:
        url = f"http://127.0.0.1:{host.server_port}/shop/.git"
        given = {"@type": "codeGit", "aliasName": "team/shop", "url": url, "credentialId": "git"}
        made = linked(client, project, "POST", "repository", body=given).data["hashId"]
        model = one_job(
            "checkouts",
            [
                a_checkout(repositoryType="NAME", repositoryName="team/shop", localPath="a"),
                a_checkout(repositoryType="ID", repositoryHashId=made, localPath="b"),
                a_checkout(repositoryType="URL", repositoryUrl=url, ticketId="git", localPath="c"),
                step("read", "cat a/file b/file c/file; cat a/.git/config; env | grep -i GIT_"),
            ],
        )
        build = Scenario(client, bench, model, project).start()
        assert build.wait().status == "SUCCEED", client.download(project, build.id).text

    log = client.download(project, build.id).text
    assert log.count("first\n") >= 3
    assert PASSWORD not in log
    assert (
        files_holding(server.data, [PASSWORD, base64.b64encode(PASSWORD.encode()).decode()]) == []
    )
    query: dict[str, Any] = {"buildId": build.id}
    commits = client.data("GET", project, "repositoryCommit/commit_data_list", query=query)
    assert [each["records"][0]["commit"] for each in commits] == [taken] * 3
    assert {each["name"] for each in commits} == {"team/shop"}


def test_repositories_are_linked_listed_edited_and_removed(
    client: BkciClient, project: str
) -> None:
    """An alias is taken once; URLs are checked; lists can be narrowed by type."""
    given = {"@type": "github", "aliasName": "a", "url": "https://github.example.com/a/b.git"}
    made = linked(client, project, "POST", "repository", body=given).data["hashId"]
    again = linked(client, project, "POST", "repository", body=given)
    bad = [
        linked(client, project, "POST", "repository", body=given | wrong).http
        for wrong in (
            {"@type": "cvs"},
            {"aliasName": " "},
            {"url": "ext::sh -c x"},
            {"url": "https://u:p@example.com/x"},
            {"aliasName": "b", "credentialId": "nope"},
        )
    ]
    edited = linked(
        client,
        project,
        "PUT",
        "repository",
        query={"repositoryHashId": made},
        body=given | {"url": "git@example.com:a/b.git", "credentialId": "db"},
    )
    by_name = linked(client, project, "GET", "repository/a", query={"repositoryType": "NAME"})
    found = linked(
        client, project, "GET", "repository_info_list", query={"repositoryType": "GITHUB"}
    ).data
    none = linked(
        client, project, "GET", "repository_info_list", query={"repositoryType": "CODE_SVN"}
    ).data
    gone = linked(client, project, "DELETE", "repository", query={"repositoryHashId": made})
    missing = linked(client, project, "GET", f"repository/{made}", query={"repositoryType": "ID"})

    assert again.http == 409
    assert bad == [400, 400, 400, 400, 404]
    assert edited.data is True
    assert (by_name.data["url"], by_name.data["credentialId"]) == ("git@example.com:a/b.git", "db")
    assert (found["count"], found["records"][0]["repositoryHashId"]) == (1, made)
    assert (none["count"], gone.data, missing.http) == (0, True, 404)
