"""The page below a path of a proxy, over restarts and upgrades of the server behind it."""

from collections.abc import Iterator
from typing import Any

import pytest
from proxy import Proxy
from site_data import PASSWORD, PROJECT, Site, bare
from visitor import Visitor, becomes

from mulligan.testing.server import ServerProcess, poll_until

EVENTS = "/api/v1/events"


@pytest.fixture(scope="module")
def server(
    program: str, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """Give a server of its own: it is killed in here."""
    del program
    made = ServerProcess(
        tmp_path_factory.mktemp("proxied") / "data",
        dev=False,
        environment={"MULLIGAN_HTTP__PUBLIC_URL": proxy.url},
    )
    with made:
        proxy.behind = made.url
        yield made


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """Give a proxy without a server behind it."""
    with Proxy() as made:
        yield made


@pytest.fixture(scope="module")
def behind(server: ServerProcess, proxy: Proxy) -> Iterator[Site]:
    """Give what the server holds: one pipeline, no run."""
    made = bare(server, proxy.url)
    yield made
    made.client.close()


@pytest.fixture
def guest(behind: Site, browser: object) -> Iterator[Visitor]:
    """Give somebody who comes through the proxy, and is signed in."""
    with Visitor(browser, behind) as made:
        made.sign_in_as("lin")
        yield made


def wait_live(page: Any) -> None:
    """Wait until the page follows the server."""
    page.get_by_role("status").get_by_text("Live", exact=True).wait_for()


def test_below_a_path(behind: Site, proxy: Proxy, browser: object) -> None:
    """Signing in on a deep link leads there; links, events and reloading stay below the path."""
    deep = f"{proxy.url}/projects/{PROJECT}/pipelines/{behind.pipelines['dns']}"
    with Visitor(browser, behind) as visitor:
        page = visitor.page
        page.goto(deep)
        page.get_by_label("User").fill("lin")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="dns").wait_for()
        becomes(lambda: page.url == deep)
        wait_live(page)

        behind.start("dns", "through the proxy")
        page.get_by_text("through the proxy").wait_for()
        page.get_by_role("link", name=PROJECT).click()
        page.get_by_role("link", name="dns").wait_for()
        becomes(lambda: page.url == f"{proxy.url}/projects/{PROJECT}")
        page.reload()
        page.get_by_role("link", name="dns").wait_for()

        cookies = [(each["name"], each["path"]) for each in visitor.context.cookies()]
        assert cookies == [("mulligan_session", "/ci/api/v1")]
        visitor.check()


def test_tabs_share_one_stream(guest: Visitor, behind: Site, proxy: Proxy) -> None:
    """A browser has six connections to a server: tabs that follow a project use one of them."""
    first = guest.open()
    wait_live(first)
    before = proxy.count[EVENTS]
    others = [guest.context.new_page() for _ in range(2)]
    for tab in others:
        tab.goto(first.url)
        wait_live(tab)

    behind.start("dns", "for all tabs")
    bars = "li a[href*='/runs/']"
    run = behind.call("GET", f"/projects/{PROJECT}/runs?limit=1")["items"][0]["id"]
    for tab in (first, *others):
        tab.locator(f"{bars}[href$='{run}']").first.wait_for()
    assert proxy.count[EVENTS] == before

    first.close()  # another one reads from now on
    poll_until(lambda: proxy.count[EVENTS] > before, what="another tab reads")
    behind.start("dns", "after the first tab")
    run = behind.call("GET", f"/projects/{PROJECT}/runs?limit=1")["items"][0]["id"]
    for tab in others:
        tab.locator(f"{bars}[href$='{run}']").first.wait_for()


def test_a_session_outlives_an_upgrade(
    guest: Visitor, behind: Site, server: ServerProcess, proxy: Proxy
) -> None:
    """After a kill the page goes on by itself, signed in, and says that the server is newer."""
    page = guest.open()
    page.evaluate("() => { window.old = true; }")
    wait_live(page)

    def upgraded(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "version": "99.0"})

    server.kill()
    page.get_by_role("status").get_by_text("Live", exact=True).wait_for(state="detached")
    page.route("**/api/v1/session", upgraded)
    server.start()
    proxy.behind = server.url
    behind.moved(server.url)
    wait_live(page)

    run = behind.start("dns", "after the kill")
    page.locator(f"li a[href$='{run}']").first.wait_for()
    page.get_by_text("The server is version 99.0 now").wait_for()
    becomes(lambda: page.evaluate("() => window.old"))
    page.get_by_role("link", name="dns").click()
    page.wait_for_function("() => !window.old")  # the next page is one of the new version
    page.get_by_role("heading", name="dns").wait_for()
    assert page.get_by_text("The server is version").count() == 0


def test_an_ended_session_leads_to_the_sign_in_and_back(guest: Visitor, behind: Site) -> None:
    """The stream ends with the session: one signs in over the page, and what was typed is there."""
    page = guest.open(f"/pipelines/{behind.pipelines['dns']}")
    where = page.url
    wait_live(page)
    page.get_by_role("button", name="Run", exact=True).click()
    note = page.get_by_role("dialog").get_by_label("Note")
    note.fill("typed before")
    for token in behind.call("GET", "/tokens?limit=100")["items"]:
        if token["user"] == "lin":
            behind.call("DELETE", f"/tokens/{token['id']}")

    behind.start("dns")  # what happens next is not for this browser

    page.get_by_text("Your session has ended.").wait_for()
    page.wait_for_function("() => document.activeElement?.name === 'password'")
    becomes(lambda: page.get_by_label("User").input_value() == "lin")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("Your session has ended.").wait_for(state="detached")
    becomes(lambda: note.input_value() == "typed before")
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="dns").wait_for()
    wait_live(page)
    becomes(lambda: page.url == where)


def test_parts_that_are_gone_are_fetched_anew_once(guest: Visitor, behind: Site) -> None:
    """An old tab asks for a file that the upgrade removed: it loads itself again, not for ever."""
    page = guest.open()
    page.get_by_role("link", name="dns").wait_for()
    loads: list[str] = []
    page.on("load", lambda: loads.append(page.url))
    gone = "**/assets/pipeline-*.js"
    page.route(gone, lambda route: route.fulfill(status=404, body="Not Found"))

    page.get_by_role("link", name="dns").click()

    page.get_by_role("heading", name="Something went wrong on this page").wait_for()
    assert len(loads) == 1  # it stays away: the page says so
    page.unroute(gone)
    page.get_by_role("button", name="Load the page again").click()
    page.get_by_role("heading", name="dns").wait_for()
    becomes(lambda: page.url.endswith(behind.pipelines["dns"]))
