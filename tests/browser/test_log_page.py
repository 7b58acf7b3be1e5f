"""Logs in a real browser: long ones, what stands in them, search, links to lines, live ones."""

import re
import socket
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from printer import lines
from site_data import PROJECT, Site
from visitor import Visitor, becomes

from mulligan.testing import models
from mulligan.testing.http_client import HttpClient
from mulligan.testing.models import Workbench
from mulligan.testing.server import ServerProcess

LINES = 200_000
_PRINTER = Path(__file__).with_name("printer.py")


def _step(name: str, count: int, code: int) -> models.Json:
    return models.step(name, f"{sys.executable} {_PRINTER} {count} {code}")


@pytest.fixture(scope="module")
def printed(site: Site) -> str:
    """Give the path of a run with a short log, and a long one of a step that has failed."""
    steps = [_step("prepare", 5, 0), _step("release", LINES, 1)]
    site.add_pipeline(models.one_job("shop/logs", steps))
    run = site.start("shop/logs", "", "failed")
    return f"/runs/{run}/log"


@pytest.fixture(scope="module")
def text() -> list[str]:
    """Give the lines of the long log as they were printed."""
    return lines(LINES)


def test_a_long_log_begins_at_its_end_where_a_step_has_failed(
    member: Visitor, printed: str, text: list[str]
) -> None:
    """Few lines are in the page, and both ends are a key away."""
    page = member.open(printed)
    last = page.locator("[data-line]").last
    page.get_by_text("exit status 1").wait_for()
    total = int(page.locator("[data-total]").get_attribute("data-total") or 0)
    member.look("log")

    page.locator("[data-log]").press("Home")
    page.locator("[data-line='1']").get_by_text("Building shop/api").wait_for()
    becomes(lambda: page.locator("[data-line]").count() < 200)
    page.locator("[data-log]").press("End")
    page.get_by_text("exit status 1").wait_for()

    becomes(lambda: last.get_attribute("data-line") == str(total))
    assert total == len(text) + 2  # a line of over 16 KiB is kept in pieces


def test_what_stands_in_a_log(member: Visitor, printed: str) -> None:
    """Colours, what was written over, links, markup that is none; groups, errors and warnings."""
    page = member.open(f"{printed}#L34")
    log = page.locator("[data-log]")
    log.get_by_text("progress 100%").wait_for()
    assert log.get_by_text("progress 50%").count() == 0
    assert log.get_by_role("link", name="the manual").get_attribute("href") == (
        "https://example.org/doc"
    )
    assert log.get_by_role("link", name="a trap").count() == 0
    assert log.get_by_text("<img src=x onerror=alert(1)>").count() == 1
    assert page.locator("[data-log] img").count() == 0
    red = log.get_by_text("still red").evaluate("element => getComputedStyle(element).color")
    assert red != log.get_by_text("and no more").evaluate("e => getComputedStyle(e).color")

    page.get_by_role("button", name="Compile the sources").click()
    log.get_by_text("src/file_3.c").wait_for(state="detached")
    page.get_by_text("2 errors").wait_for()
    page.get_by_text("1 warning").wait_for()
    page.keyboard.press("n")
    page.wait_for_url("**#L38")
    log.get_by_text("expected ';'").wait_for()  # its group is open again
    page.keyboard.press("n")
    log.get_by_text("the deployment has failed").wait_for()


def test_a_long_line_is_cut_and_shown_whole_when_asked_for(member: Visitor, printed: str) -> None:
    """Three pieces of a line are one line again."""
    page = member.open(f"{printed}#L45")

    page.get_by_role("button", name=re.compile("more characters")).first.click()

    whole = page.get_by_role("dialog").locator("pre")
    whole.wait_for()
    becomes(lambda: whole.inner_text() == "y" * 40_000 + "END")


def test_search_is_done_by_the_server_in_all_logs(member: Visitor, printed: str) -> None:
    """Hits are listed, marked and ticked; Enter goes on; the run's other logs are searched too."""
    page = member.open(printed)
    field = page.get_by_label("Search the log")
    field.fill(r"\[0019999[0-9]\]")
    page.get_by_role("button", name="Regular expression").click()
    hits = page.get_by_role("region", name="Hits")
    hits.get_by_text("10 hits").wait_for()
    field.press("Enter")
    page.locator("[data-log] mark").first.wait_for()
    becomes(lambda: page.locator("[data-ticks] .bg-busy").count() >= 1)
    member.shoot("log-search")
    member.expect_accessible()

    page.get_by_role("button", name="Regular expression").click()
    field.fill("[00000002]")
    field.press("Enter")
    hits.get_by_text("1 hit", exact=True).wait_for()
    page.get_by_role("button", name="In all logs of the run").click()
    hits.get_by_text("2 hits").wait_for()
    hits.get_by_role("button", name=re.compile("prepare")).click()

    page.wait_for_function("() => document.querySelectorAll('[data-line]').length > 20")
    becomes(lambda: page.get_by_label("Step").locator("option:checked").inner_text() == "prepare")
    page.locator("[data-line]", has_text="[00000002]").wait_for()


def test_an_expression_that_cannot_be_read_is_told(member: Visitor, printed: str) -> None:
    """In the words of the server."""
    page = member.open(printed)
    page.get_by_role("button", name="Regular expression").click()
    page.get_by_label("Search the log").fill("(")
    page.get_by_label("Search the log").press("Enter")
    page.get_by_text("can't be read").wait_for()


def test_links_to_lines_and_copies_of_them(
    member: Visitor, printed: str, text: list[str], site: Site
) -> None:
    """A range is in the address, opens there again, and is copied without its numbers."""
    page = member.open(f"{printed}#L100000-L100002")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_text("Lines 100000–100002").wait_for()
    page.locator("[data-line='100001']").get_by_text("took").wait_for()
    clipboard = "() => navigator.clipboard.readText()"

    page.get_by_role("button", name="Copy the text").click()
    page.get_by_text("3 lines copied").wait_for()
    plain = re.sub(r"\x1b\[\d+m", "", "\n".join(text[99_997:100_000]))
    becomes(lambda: page.evaluate(clipboard) == plain)

    page.locator("[data-line='100004'] a").click(modifiers=["Shift"])
    page.wait_for_url("**#L100000-L100004")
    page.get_by_role("button", name="Copy as Markdown").click()
    page.get_by_text("5 lines copied").wait_for()
    copied = page.evaluate(clipboard)
    assert copied.startswith(f"[Log of release]({site.url}/projects/{PROJECT}{printed}?step=")
    assert "#L100000-L100004)\n\n```text\n[" in copied


def test_times_wrapping_full_screen_and_plain_text(member: Visitor, printed: str) -> None:
    """Each is a press away; what the browser remembers stays."""
    page = member.open(f"{printed}#L20")
    page.get_by_role("button", name=re.compile("No times")).click()
    page.get_by_role("button", name=re.compile("Time of day")).click()
    page.locator("[data-line='20']").get_by_text(re.compile(r"\+\d\d:\d\d\.\d{3}")).wait_for()
    page.get_by_role("button", name="Wrap long lines").click()
    page.get_by_role("button", name="Full screen").click()
    box = page.locator("[data-log-view]").bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 1280)
    member.shoot("log-full")
    wide = page.locator("[data-log]").evaluate("log => log.scrollWidth - log.clientWidth")
    assert wide <= 0
    page.reload()
    page.locator("[data-line='20']").get_by_text(re.compile(r"\+\d\d:")).wait_for()

    page.get_by_role("button", name="More about this log").click()
    page.get_by_role("menuitem", name="As plain text").click()
    # from the line on that one was at, and without colours
    page.locator("pre", has_text="still red and no more").wait_for()
    member.expect_accessible()


def test_a_link_leads_into_a_group_that_its_author_has_folded(
    live: tuple[Visitor, ServerProcess],
) -> None:
    """The group is open, and its line in sight, however many lines are folded away above it."""
    visitor, _ = live
    client = visitor.site.client
    groups = (
        f"echo 'section_start:1:{name}[collapsed=true]'; "
        f"for i in $(seq 300); do echo {name} $i; done; echo 'section_end:1:{name}'"
        for name in ("first", "second", "third")
    )
    path = "/api/v1/projects/default/pipelines"
    model = models.one_job("folded", [models.step("talk", "\n".join(groups))])
    pipeline = client.request("POST", path, body=model).body["id"]
    run = client.request("POST", f"{path}/{pipeline}/runs", body={}).body["id"]
    page = visitor.page
    page.goto(f"/projects/default/runs/{run}/log")
    page.locator("[data-log-view]").get_by_text("Complete").wait_for()
    becomes(lambda: page.locator("[data-line='2']").count() == 0)

    page.goto(f"/projects/default/runs/{run}/log#L500")
    page.reload()  # else it is the same page

    height = "() => document.querySelector('[data-log]')?.scrollHeight ?? Infinity"
    becomes(lambda: page.evaluate(height) < 310 * 20)  # the other two are folded
    page.locator("[data-line='500']").wait_for()
    becomes(lambda: page.evaluate(_IN_SIGHT, 500))
    assert page.get_by_text("second 197", exact=True).count() == 1
    page.locator("[data-log]").press("Home")
    page.locator("[data-line='1'] + [data-line='303']").wait_for()  # the first is folded


_IN_SIGHT = """number => {
  const box = document.querySelector("[data-log]").getBoundingClientRect();
  const row = document.querySelector(`[data-line='${number}']`)?.getBoundingClientRect();
  return row !== undefined && row.top >= box.top && row.bottom <= box.bottom;
}"""


def test_logs_can_be_taken_away(member: Visitor, printed: str, tmp_path: Path) -> None:
    """One as text, and all of a run as an archive."""
    page = member.open(printed)
    for item, name in (("Download this log", "one.log"), ("Download all logs", "all.zip")):
        page.get_by_role("button", name="More about this log").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=re.compile(item)).click()
        download.value.save_as(tmp_path / name)
    assert (
        (tmp_path / "one.log")
        .read_text()
        .endswith("##[error]the deployment has failed\nexit status 1\n")
    )
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert len(archive.namelist()) == 2


def test_every_attempt_has_its_log(member: Visitor, site: Site) -> None:
    """They are chosen above the log, and are in the address."""
    page = member.open(f"/runs/{site.runs['recovered']}/log")
    page.get_by_label("Step").select_option("deploy")
    page.get_by_role("button", name="Attempt 1").click()
    page.wait_for_url("**attempt=1")
    page.locator("[data-log-view] [data-state=failed]").wait_for()


@pytest.fixture
def live(program: str, browser: object, tmp_path: Path) -> Iterator[tuple[Visitor, ServerProcess]]:
    """Give somebody at a server of their own, which can be killed."""
    del program
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ServerProcess(tmp_path / "data", "--port", str(port)) as server:
        client = HttpClient(server.url)
        site = Site(server.url, client, "", Workbench(tmp_path / "bench"), {}, {})
        with Visitor(browser, site, tmp_path) as visitor:
            yield visitor, server
        client.close()


def _see(page: Any, *, is_seen: bool) -> None:
    """Put the tab behind another, or before it again."""
    state = "visible" if is_seen else "hidden"
    page.evaluate(
        """state => {
        Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def test_a_live_log_goes_on_behind_a_server_that_was_killed(
    live: tuple[Visitor, ServerProcess], tmp_path: Path
) -> None:
    """Every line is there once and in its order, and the page follows them."""
    visitor, server = live
    site = visitor.site
    begin, end = tmp_path / "begin", tmp_path / "end"
    wait = "while [ ! -e {} ]; do sleep 0.05; done"
    script = "\n".join(
        [
            "for i in $(seq 100); do echo before $i; done",
            wait.format(begin),
            "for i in $(seq 100); do echo after $i; done",
            wait.format(end),
            "echo the end",
        ]
    )
    client = site.client
    path = "/api/v1/projects/default/pipelines"
    model = models.one_job("live", [models.step("talk", script)])
    pipeline = client.request("POST", path, body=model).body["id"]
    run = client.request("POST", f"{path}/{pipeline}/runs", body={}).body["id"]
    page = visitor.page
    page.goto(f"/projects/default/runs/{run}/log")
    page.get_by_text("before 100", exact=True).wait_for()
    page.locator("[data-log-view]").get_by_text("Live", exact=True).wait_for()
    _see(page, is_seen=False)
    with page.expect_request(lambda request: "follow=true" in request.url):
        _see(page, is_seen=True)
    page.locator("[data-log-view]").get_by_text("Live", exact=True).wait_for()

    server.kill()
    page.locator("[data-log-view]").get_by_text("Connecting again…").wait_for()
    server.start()
    begin.touch()
    page.get_by_text("after 100", exact=True).wait_for(timeout=30_000)

    becomes(lambda: page.locator("[data-total]").get_attribute("data-total") == "200")
    assert page.locator("[data-line='101']").count() == 0  # it has followed
    page.locator("[data-log]").press("Home")
    page.get_by_text("before 1", exact=True).wait_for()
    assert (
        page.get_by_role("button", name="Stay at the end as lines come").get_attribute(
            "aria-pressed"
        )
        == "false"
    )
    page.goto(page.url.split("#")[0] + "#L99-L102")
    shown = [
        page.locator(f"[data-line='{number}'] > span").last.inner_text()
        for number in (99, 100, 101, 102)
    ]
    assert shown == ["before 99", "before 100", "after 1", "after 2"]
    end.touch()
    page.locator("[data-log-view]").get_by_text("Complete").wait_for()
