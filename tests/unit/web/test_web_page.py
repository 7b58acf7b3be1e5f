"""Serving the built page: what is answered, with which headers, and what is not."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mulligan.web.page import Page

HTML = {"accept": "text/html"}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Give a folder as the build leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<head><base href="/"></head>')
    (tmp_path / "assets" / "app-1.js").write_text("plain")
    (tmp_path / "assets" / "app-1.js.gz").write_bytes(b"gzipped")
    (tmp_path / "assets" / "app-1.js.br").write_bytes(b"brotli")
    return tmp_path


def client_of(dist: Path, base: str = "", *, follows: bool = False) -> TestClient:
    """Give a client of the page in a folder."""
    page = Page(root=dist, base=base, follows=follows)
    return TestClient(page, headers={"accept-encoding": "identity"})


def build_anew(dist: Path) -> None:
    """Replace the built page by another one."""
    for old in (dist / "assets").iterdir():
        old.unlink()
    (dist / "assets" / "app-2.js").write_text("newer")
    (dist / "index.html").write_text('<head><base href="/"></head><!-- app-2 -->')


def test_assets_last_for_ever_and_the_index_is_asked_for(dist: Path) -> None:
    """A name with a hash never changes its content; index.html names the newest."""
    client = client_of(dist)

    asset, index = client.get("/assets/app-1.js"), client.get("/")

    assert "immutable" in asset.headers["cache-control"]
    assert index.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"if-none-match": index.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("accepted", "coding", "content"),
    [
        ("gzip, br", "br", b"brotli"),
        ("gzip;q=0.5, br;q=0", "gzip", b"gzipped"),
        ("identity", None, b"plain"),
    ],
)
def test_what_was_packed_at_build_time_is_sent(
    dist: Path, accepted: str, coding: str | None, content: bytes
) -> None:
    """The best coding that the browser takes, and the right length of it."""
    with client_of(dist).stream(
        "GET", "/assets/app-1.js", headers={"accept-encoding": accepted}
    ) as answer:
        raw = b"".join(answer.iter_raw())

    assert raw == content
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["content-length"] == str(len(content))


@pytest.mark.parametrize(
    ("method", "path", "accept", "status"),
    [
        ("GET", "/projects/a/runs/b-1", "text/html", 200),
        ("HEAD", "/projects", "text/html", 200),
        ("GET", "/projects/a", "application/json", 404),  # a program on a wrong path
        ("POST", "/projects/a", "text/html", 404),
        ("GET", "/v4/nothing", "text/html", 404),
        ("GET", "/assets/gone.js", "text/html", 404),
        ("GET", "/assets/../../page.py", "text/html", 404),
    ],
)
def test_only_paths_of_the_page_fall_back_to_it(
    dist: Path, method: str, path: str, accept: str, status: int
) -> None:
    """Unknown paths of the APIs stay unknown."""
    answer = client_of(dist).request(method, path, headers={"accept": accept})

    assert answer.status_code == status


def test_every_answer_is_guarded(dist: Path) -> None:
    """No inline script, no guessing of types, no foreign frames."""
    headers = client_of(dist).get("/", headers=HTML).headers

    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_proxy_may_show_it_below_a_path(dist: Path) -> None:
    """The base stands in the document; a hostile one can't leave its attribute."""
    assert '<base href="/ci/">' in client_of(dist, "/ci").get("/").text
    assert '<base href="/">' in client_of(dist, "/").get("/").text
    assert "<script>" not in client_of(dist, '/"><script>').get("/").text


def test_a_checkout_without_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    """In both languages, with the command."""
    text = client_of(tmp_path / "none").get("/").text

    assert "./dev page" in text
    assert "网页" in text


def test_an_upgrade_below_a_running_server_changes_nothing(dist: Path) -> None:
    """Index and assets are those of its start, also what nobody has asked for by then."""
    client = client_of(dist)

    build_anew(dist)

    assert "app-2" not in client.get("/").text
    assert client.get("/assets/app-1.js").text == "plain"
    packed = client.head("/assets/app-1.js", headers={"accept-encoding": "br"})
    assert packed.headers["content-encoding"] == "br"
    assert client.get("/assets/app-2.js").status_code == 404


def test_a_server_of_developers_shows_what_was_built_last(dist: Path) -> None:
    """Also the first build of a checkout that had none."""
    none = dist / "none"
    client, first = client_of(dist, follows=True), client_of(none, follows=True)
    before = client.get("/").headers["etag"]
    assert "./dev page" in first.get("/").text

    build_anew(dist)
    (none / "assets").mkdir(parents=True)
    build_anew(none)

    for each in (client, first):
        assert "app-2" in each.get("/", headers={"if-none-match": before}).text
        assert each.get("/assets/app-2.js").text == "newer"
        assert each.get("/assets/app-1.js").status_code == 404
        assert each.get("/assets/../../test.py").status_code == 404
