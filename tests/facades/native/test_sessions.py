"""`/session`: signing in to the page with a cookie, and what the cookie may do."""

import pytest
from native_client import NativeClient

from mulligan.engine import sessions

ORIGIN = {"Origin": "http://testserver"}
PASSWORD = "correct horse"


@pytest.fixture
def page(api: NativeClient) -> NativeClient:
    """Give a client of a server with the user `ann`."""
    api.post("/users", {"name": "ann", "password": PASSWORD}, expect=201)
    return api


def sign_in(page: NativeClient, **body: str) -> str:
    """Sign in; give the value of the cookie."""
    answer = page.http.post("/api/v1/session", json=body)
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/api/v1" in cookie
    page.http.cookies.clear()
    return cookie.partition("=")[2].partition(";")[0]


def as_page(cookie: str, **more: str) -> dict[str, str]:
    """Give the headers that a page with that cookie sends."""
    return {"Cookie": f"mulligan_session={cookie}", **more}


def who(page: NativeClient, cookie: str) -> str | None:
    """Ask who a cookie belongs to."""
    answer = page.http.get("/api/v1/session", headers=as_page(cookie))
    assert answer.status_code == 200
    name = answer.json()["user"]
    assert name is None or isinstance(name, str)
    return name


def test_a_password_opens_a_session_until_it_is_closed(page: NativeClient) -> None:
    """The cookie is good for reading and changing; after signing out it is nobody's."""
    cookie = sign_in(page, user="ann", password=PASSWORD)
    assert who(page, cookie) == "ann"

    changed = page.http.patch(
        "/api/v1/users/ann", json={"language": "zh"}, headers=as_page(cookie, **ORIGIN)
    )
    assert changed.status_code == 200
    ended = page.http.delete("/api/v1/session", headers=as_page(cookie, **ORIGIN))

    assert ended.status_code == 204
    assert who(page, cookie) is None


def test_wrong_ones_are_refused_alike(page: NativeClient) -> None:
    """What of it is wrong is nobody's business."""
    wrong = [
        {"user": "ann", "password": "wrong"},
        {"user": "nobody", "password": PASSWORD},
        {"token": "mlg_unknown"},
    ]

    answers = [page.http.post("/api/v1/session", json=body) for body in wrong]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    both = page.http.post("/api/v1/session", json={"user": "ann", "token": "mlg_x"})
    assert both.status_code == 422


def test_a_change_needs_proof_that_the_page_sent_it(page: NativeClient) -> None:
    """A cookie alone, as another program on the machine may have it, changes nothing."""
    cookie = sign_in(page, user="ann", password=PASSWORD)

    def change(**headers: str) -> int:
        return page.http.patch(
            "/api/v1/users/ann", json={"language": "en"}, headers=as_page(cookie, **headers)
        ).status_code

    assert change() == 403
    assert change(**{"Sec-Fetch-Site": "none"}) == 403
    assert change(**{"Sec-Fetch-Site": "same-origin"}) == 200
    assert change(**ORIGIN) == 200


def test_the_cookie_is_no_token(page: NativeClient) -> None:
    """Its value counts nowhere but in the cookie, and is no token to log in with."""
    cookie = sign_in(page, user="ann", password=PASSWORD)

    bearer = page.http.get("/api/v1/projects", headers={"Authorization": f"Bearer {cookie}"})
    again = page.http.post("/api/v1/session", json={"token": cookie})

    assert (bearer.status_code, again.status_code) == (401, 401)


def test_a_session_by_token_ends_with_the_token(page: NativeClient) -> None:
    """It reaches as far as the token, and not longer."""
    admin = {"Authorization": f"Bearer {page.token}"}
    made = page.http.post("/api/v1/tokens", json={"name": "t", "user": "ann"}, headers=admin).json()
    cookie = sign_in(page, token=made["token"])
    assert who(page, cookie) == "ann"

    page.http.delete(f"/api/v1/tokens/{made['id']}", headers=admin)

    assert who(page, cookie) is None


def test_a_new_password_ends_sessions(page: NativeClient) -> None:
    """As it ends all logins of the user."""
    cookie = sign_in(page, user="ann", password=PASSWORD)

    admin = {"Authorization": f"Bearer {page.token}"}
    page.http.patch("/api/v1/users/ann", json={"password": "another one"}, headers=admin)

    assert who(page, cookie) is None


def test_sessions_are_over_after_a_while(page: NativeClient) -> None:
    """And can be revoked like tokens, among which they are listed."""
    cookie = sign_in(page, user="ann", password=PASSWORD)
    listed = page.http.get("/api/v1/tokens", headers=as_page(cookie)).json()["items"]
    assert [item["name"] for item in listed] == ["session"]

    page.server.clock.advance(8 * 86_400)

    assert who(page, cookie) is None


def test_nobody_is_asked_under_dev(dev_api: NativeClient) -> None:
    """A cookie of another server on the same machine does no harm."""
    answer = dev_api.http.get("/api/v1/session", headers=as_page("of-another-server")).json()

    assert (answer["user"], answer["way"], answer["is_dev"]) == ("admin", "dev", True)


def test_a_token_ends_no_session_of_its_user(
    page: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many sessions end the oldest one by the same credential, and no other."""
    monkeypatch.setattr(sessions, "MOST_OF_ONE", 2)
    token = page.post("/tokens", {"name": "t", "user": "ann"}, expect=201)["token"]
    own = sign_in(page, user="ann", password=PASSWORD)

    lent = [sign_in(page, token=token) for _ in range(3)]

    assert [who(page, each) for each in (own, *lent)] == ["ann", None, "ann", "ann"]
