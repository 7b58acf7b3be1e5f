"""`Idempotency-Key`: the same call is done once, also at the same time and after a restart."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from native_client import NativeApi, NativeClient, two_steps
from native_server import NativeServer

KEY = {"Idempotency-Key": "k-1"}


def test_second_start_gets_the_first_answer(api: NativeApi) -> None:
    """The same key with the same call starts nothing a second time."""
    path = f"/projects/shop/pipelines/{api.make_pipeline()}/runs"

    first = api.call("POST", path, {}, headers=KEY, expect=201)
    second = api.call("POST", path, {}, headers=KEY, expect=201)

    assert second.content == first.content
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(api.get("/projects/shop/runs")["items"]) == 1


def test_key_with_another_call(api: NativeApi) -> None:
    """A key that came with another call before is refused, and nothing is done."""
    path = f"/projects/shop/pipelines/{api.make_pipeline()}/runs"
    api.post(path, {}, headers=KEY, expect=201)

    problem = api.post(path, {"message": "other"}, headers=KEY, expect=422)

    assert problem["code"] == "key-reused"
    assert len(api.get("/projects/shop/runs")["items"]) == 1


def test_key_belongs_to_its_user(api: NativeApi) -> None:
    """Two users may use the same key."""
    path = f"/projects/shop/pipelines/{api.make_pipeline()}/runs"
    rudi = api.make_user("rudi", "runner")
    api.post(path, {}, headers=KEY, expect=201)

    made = rudi.post(path, {}, headers=KEY, expect=201)

    assert made["actor"] == "rudi"


def test_refusal_is_not_remembered(api: NativeApi) -> None:
    """A refused call may be sent again with its key once it is possible."""
    run = api.run_to_end()["id"]
    path = f"/projects/shop/runs/{run}/recovery/apply"
    body = {"target": "stage-2"}
    api.post(path, body, headers=KEY, expect=409)
    api.server.executor.fail("build", times=1)
    api.post(path)
    api.wait(run, "failed")

    api.post(path, body, headers=KEY)

    api.wait(run, "succeeded")


def test_first_answer_after_restart(tmp_path: Path) -> None:
    """A key is remembered when the server starts again."""
    before = NativeServer(tmp_path)
    with NativeClient(before) as api:
        api.post("/projects", {"name": "shop"}, expect=201)
        path = f"/projects/shop/pipelines/{api.make_pipeline()}/runs"
        first = api.post(path, {}, headers=KEY, expect=201)
        api.wait(first["id"])

    with NativeClient(NativeServer(tmp_path, admin_token=before.admin_token)) as api:
        again = api.call("POST", path, {}, headers=KEY, expect=201)

    assert again.json() == first
    assert again.headers["idempotency-replayed"] == "true"


def test_simultaneous_retries_make_one_attempt(api: NativeApi) -> None:
    """Of many identical calls at once one is carried out, all get its answer."""
    api.server.executor.fail("build", times=1)
    run = api.run_to_end()["id"]
    path = f"/projects/shop/runs/{run}/recovery/apply"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.post(path, headers=KEY), range(8)))

    assert all(answer == answers[0] for answer in answers)
    assert api.wait(run, "succeeded")["attempt"] == 2
    assert api.server.executor.runs("build") == 2


CALLS: list[tuple[str, str, Any]] = [
    ("POST", "/tokens", {"name": "t"}),
    ("POST", "/users", {"name": "newcomer"}),
    ("POST", "/projects", {"name": "fresh"}),
    ("POST", "/apps", {"code": "app", "projects": ["shop"]}),
    ("POST", "/projects/shop/pipelines", two_steps("fresh")),
    ("PUT", "/projects/shop/members/admin", {"role": "owner"}),
    ("PUT", "/projects/shop/runs/{run}/remark", {"remark": "x"}),
    ("POST", "/projects/shop/runs/{run}/recovery/apply", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=[call[1] for call in CALLS])
def test_every_change_takes_a_key(api: NativeApi, method: str, path: str, body: Any) -> None:
    """Whatever is changed, a repeat with its key gets the first answer."""
    path = path.replace("{run}", str(api.run_to_end()["id"]))
    expect = 201 if method == "POST" and "recovery" not in path else 200

    first = api.call(method, path, body, headers=KEY, expect=expect)
    second = api.call(method, path, body, headers=KEY, expect=expect)

    assert second.content == first.content
    assert second.headers["idempotency-replayed"] == "true"


def test_secret_is_not_stored(tmp_path: Path) -> None:
    """The answer that is kept for repeats holds no secret: after a restart it is empty."""
    before = NativeServer(tmp_path)
    with NativeClient(before) as api:
        token = api.post("/tokens", {"name": "t"}, headers=KEY, expect=201)
        api.post("/projects", {"name": "shop"}, expect=201)
        app = {"code": "app", "projects": ["shop"]}
        secret = api.post("/apps", app, headers={"Idempotency-Key": "2"}, expect=201)["secret"]

    held = b"".join(file.read_bytes() for file in tmp_path.glob("mulligan.db*"))
    assert token["id"].encode() in held
    assert token["token"].encode() not in held
    assert secret.encode() not in held
    with NativeClient(NativeServer(tmp_path, admin_token=before.admin_token)) as api:
        again = api.post("/tokens", {"name": "t"}, headers=KEY, expect=201)
    assert again == {"id": token["id"], "token": ""}


def test_first_answer_whatever_has_become_of_it(api: NativeApi) -> None:
    """A repeat gets its first answer also when the same call would be refused by now."""
    pipeline = api.make_pipeline()
    path = f"/projects/shop/pipelines/{pipeline}/runs"
    first = api.post(path, {}, headers=KEY, expect=201)
    api.call("DELETE", f"/projects/shop/pipelines/{pipeline}", expect=204)

    again = api.post(path, {}, headers=KEY, expect=201)

    assert again == first
    api.post(path, {}, expect=404)


def test_key_has_a_bound(api: NativeApi) -> None:
    """A key of more than 255 characters is refused."""
    api.post("/tokens", {"name": "t"}, headers={"Idempotency-Key": "k" * 256}, expect=400)


def test_every_call_is_done_once(api: NativeApi) -> None:
    """Also what stores nothing itself, or changes something without a transaction of its own."""
    pipeline = api.make_pipeline()
    token_path = f"/projects/shop/pipelines/{pipeline}/remote-token"
    calls: list[tuple[str, Any, int]] = [
        ("/projects/shop/lint", two_steps(), 200),
        (token_path, None, 201),
    ]
    for number, (path, body, status) in enumerate(calls):
        key = {"Idempotency-Key": f"every-{number}"}
        first = api.call("POST", path, body, headers=key, expect=status)
        second = api.call("POST", path, body, headers=key, expect=status)
        assert second.content == first.content
        assert second.headers["idempotency-replayed"] == "true"
    assert api.get(token_path)["token"] == first.json()["token"]


def test_key_belongs_to_what_the_credential_reaches(api: NativeApi) -> None:
    """A token that only looks is not given the secret that its user's other one has made."""
    made = api.post("/tokens", {"name": "looks", "role": "viewer"}, expect=201)["token"]
    headers = {"Idempotency-Key": "one"}
    body = {"name": "deploys"}
    first = api.post("/tokens", body, expect=201, headers=headers)

    repeated = api.post("/tokens", body, expect=201, headers=headers)
    other = api.acting_as(made).post("/tokens", body, expect=422, headers=headers)

    assert repeated == first
    assert other["code"] == "key-reused"
    assert first["token"] not in str(other)
