"""The page of a run in a real browser: what failed, how to go on, attempts, live, on a phone."""

import json
import re
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from run_pipelines import REGISTRY_IS_DOWN, asking, deploying, mirrored, reviewed, skippable
from site_data import PASSWORD, PROJECT, Site
from visitor import PHONE, Visitor, becomes

import hook_payloads as h
from mulligan.testing.http_client import HttpClient
from mulligan.testing.models import Workbench
from mulligan.testing.server import ServerProcess

FAILED = re.compile("^#1 failed")
RECOVERED = re.compile("^#1 recovered")


def failed_run(site: Site, name: str) -> str:
    """Make a pipeline and a run of it that fails; its reason is gone by now."""
    site.add_pipeline(deploying(site.workbench, name))
    site.workbench.break_steps(f"{name}-apply")
    run = site.start(f"run/{name}", "fix: price rounding", "failed")
    site.workbench.repair(f"{name}-apply")
    return run


def wait_for_title(page: Any, title: re.Pattern[str]) -> None:
    """Wait until the tab is called so."""
    page.wait_for_function(f"() => /{title.pattern}/.test(document.title)")


def is_in_sight(locator: Any) -> bool:
    """Tell whether something is in the window as it was opened."""
    box = locator.bounding_box()
    view = locator.page.viewport_size
    return bool(box) and box["y"] >= 0 and box["y"] + box["height"] <= view["height"]


def test_a_newcomer_repairs_by_keyboard_alone(member: Visitor, site: Site) -> None:
    """The failing line and the preview are there unasked; R and Enter run what they promise."""
    run = failed_run(site, "keys")
    page = member.open(f"/runs/{run}")
    line = page.locator("[data-step]").get_by_text(REGISTRY_IS_DOWN)
    line.wait_for()
    page.locator("[data-preview]").wait_for()

    assert is_in_sight(line)
    assert FAILED.match(page.title())
    becomes(lambda: page.locator("[data-preview] [data-count]").all_inner_texts() == ["3", "1"])
    member.look("run-failed")
    page.keyboard.press("Shift+?")
    page.get_by_text("Retry (then Enter)").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.wait_for_function("() => document.activeElement?.hasAttribute('data-apply')")
    page.keyboard.press("Enter")

    page.locator("[data-banner=recovered]").wait_for()
    wait_for_title(page, RECOVERED)
    assert site.workbench.counts("keys-build", "keys-apply", "keys-ship") == [1, 2, 1]
    page.locator("[data-mark=kept]").first.wait_for()
    page.locator("[data-mark=again]").first.wait_for()
    member.look("run-recovered")


def test_hints_for_the_first_time(member: Visitor, site: Site) -> None:
    """Who sees a failed run for the first time is told what the page can do, once."""
    page = member.open(f"/runs/{site.runs['failed']}")
    hints = page.get_by_role("region", name="Your first failed run here?")
    hints.wait_for()
    becomes(lambda: hints.get_by_role("listitem").count() == 4)

    hints.get_by_role("button", name="Got it").click()
    hints.wait_for(state="detached")
    page.reload()
    page.locator("[data-preview]").wait_for()

    assert hints.count() == 0


def test_a_skip_needs_a_reason(member: Visitor, site: Site) -> None:
    """`S` leads to the reason; without one nothing is sent."""
    site.add_pipeline(skippable(site.workbench))
    site.workbench.break_steps("flaky")
    run = site.start("run/skip", "", "failed", "running")
    page = member.open(f"/runs/{run}")
    page.locator("[data-mode=skip-step] input:enabled").wait_for()

    page.keyboard.press("s")
    reason = page.get_by_label("Reason (needed for a skip)")
    reason.wait_for()
    page.wait_for_function("() => document.activeElement?.required")
    page.keyboard.press("Enter")
    becomes(lambda: reason.evaluate("field => !field.validity.valid"))
    page.keyboard.type("known to be flaky")
    page.keyboard.press("Enter")

    page.locator("[data-banner=recovered]").get_by_text("1 step skipped").wait_for()
    assert site.workbench.counts("flaky", "last") == [1, 1]
    assert site.call("GET", f"/projects/{PROJECT}/runs/{run}")["waivers"][0]["by"] == "lin"


def test_of_two_who_retry_at_once_one_is_told_that_the_plan_is_stale(
    member: Visitor, site: Site, browser: object, tmp_path: Path
) -> None:
    """Who has not heard of the other's retry gets no surprise, and a way to look again."""
    run = failed_run(site, "two")
    with Visitor(browser, site, tmp_path) as other:
        other.sign_in_as("lin")
        other.page.route("**/api/v1/events?*", lambda route: route.abort())
        late = other.open(f"/runs/{run}")
        page = member.open(f"/runs/{run}")
        for tab in (late, page):
            tab.locator("[data-apply]:enabled").wait_for()

        page.locator("[data-apply]").click()
        page.locator("[data-banner=recovered]").wait_for()
        late.locator("[data-apply]").click()

        late.get_by_role("button", name="Plan is stale – refresh").wait_for()
        becomes(lambda: "by lin" in late.locator("[data-last]").inner_text())
        late.get_by_role("button", name="Plan is stale – refresh").click()
        late.locator("[data-banner=recovered]").wait_for()
        other.check()
    assert site.workbench.ran("two-apply") == 2


def test_inputs_are_changed_for_the_next_attempt(member: Visitor, site: Site) -> None:
    """A script and a parameter are edited; the plan shows both, the attempt has and tells them."""
    site.add_pipeline(mirrored(site.workbench))
    run = site.start("run/changes", "", "failed")
    page = member.open(f"/runs/{run}")
    page.locator("[data-apply]:enabled").wait_for()

    page.get_by_text("Change inputs for this attempt").click()
    script = page.get_by_label("script", exact=True)
    script.fill(script.input_value().replace("false", "echo fixed"))
    page.get_by_label("mirror", exact=True).fill("b")
    shown = page.locator("[data-preview] [data-changes]")
    shown.get_by_text("parameter mirror").wait_for()
    becomes(lambda: "-false" in shown.inner_text())
    becomes(lambda: page.locator("[data-change-count]").inner_text() == "(2 changes)")
    member.look("run-changes")
    page.locator("[data-apply]:enabled").click()

    page.locator("[data-banner=recovered]").wait_for()
    page = member.open(f"/runs/{run}?tab=attempts")
    told = page.locator("[data-attempt='2'] [data-changed]").inner_text()
    assert told == "Changed: fetch: input script, parameter mirror"
    page.get_by_role("list", name="Changed").get_by_text("+echo fixed").wait_for()
    state = site.call("GET", f"/projects/{PROJECT}/runs/{run}")
    assert state["parameters"] == [{"name": "mirror", "value": "b", "started_with": "a"}]


def test_ways_that_are_not_possible_say_why(member: Visitor, site: Site) -> None:
    """A step that may not be skipped is shown, switched off, with the server's reason."""
    run = failed_run(site, "why")
    page = member.open(f"/runs/{run}")

    skip = page.locator("[data-mode=skip-step]")
    skip.locator("[data-why=skip-not-allowed]").wait_for()

    becomes(lambda: skip.locator("input").is_disabled())
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Remark").click()
    page.get_by_role("textbox", name="Remark").fill("ask the registry team")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("“ask the registry team”").wait_for()


def test_attempts_are_switched_and_compared(member: Visitor, site: Site) -> None:
    """The address names the attempt; `[` and `]` go through them; two are put side by side."""
    run = site.runs["recovered"]
    page = member.open(f"/runs/{run}")
    page.locator("[data-banner=recovered]").wait_for()

    page.get_by_label("Which attempt is shown").select_option("1")
    page.wait_for_url("**?attempt=1")
    page.locator("[data-banner=past]").wait_for()
    page.locator("h1").click()
    page.keyboard.press("]")
    page.locator("[data-banner=past]").wait_for(state="detached")

    page.get_by_role("link", name="Attempts 2").click()
    page.locator("[data-attempt]").nth(1).wait_for()
    page.get_by_role("cell", name="failed").wait_for()
    member.look("run-attempts")
    page.get_by_role("link", name="Gantt").click()
    page.get_by_text("decided how long it took").wait_for()
    member.look("run-gantt")


def test_arrows_walk_the_graph(member: Visitor, site: Site) -> None:
    """One stop for Tab; arrows lead on, Enter opens the step, which then is in the address."""
    page = member.open(f"/runs/{site.runs['good']}")
    page.locator("[data-node]").first.wait_for()
    becomes(lambda: page.locator("[data-node][tabindex='0']").count() == 1)
    page.locator("[data-node=stage-2]").focus()

    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    here = page.evaluate("() => document.activeElement?.getAttribute('aria-label')")
    page.keyboard.press("Enter")

    assert here == "Step unit, succeeded"
    page.wait_for_url("**?step=e-*")
    page.get_by_role("heading", name=re.compile("unit$")).wait_for()


def test_links_of_messages_lead_to_the_run(member: Visitor, site: Site) -> None:
    """`/runs/RUN` finds the project; an unknown run is told as such."""
    page = member.open(f"/runs/{site.runs['failed']}?tab=steps", project=False)

    page.wait_for_url(f"**/projects/{PROJECT}/runs/{site.runs['failed']}?tab=steps")
    page.get_by_role("cell", name="lint", exact=True).wait_for()


def test_approving_on_a_phone(member: Visitor, site: Site) -> None:
    """The parameter can be changed, a rejection needs a comment, and the run goes on by itself."""
    site.add_pipeline(reviewed(site.workbench, "lin"))
    run = site.start("run/review", "", "running")
    member.page.set_viewport_size(PHONE)
    page = member.open(f"/runs/{run}")
    page.locator("[data-gate=stage-review]").wait_for()
    member.look("run-review")
    page.set_viewport_size(PHONE)

    page.get_by_role("button", name="Reject").click()
    page.get_by_text("A rejection needs a comment.").wait_for()
    page.get_by_label("replicas").fill("6")
    page.get_by_text("was: 4").wait_for()
    page.get_by_label("Comment").fill("looks good")
    asked = f"/api/v1/approvals?project={PROJECT}&limit=200"
    old = page.request.get(asked).body()  # as if the answer to an earlier question came late
    page.route(f"**{asked}", lambda route: route.fulfill(body=old, content_type="application/json"))
    page.get_by_role("button", name="Approve").click()

    wait_for_title(page, re.compile("^#1 succeeded"))
    page.locator("[data-gate]").wait_for(state="detached")
    page.unroute(f"**{asked}")
    assert site.workbench.ran("r-ship") == 1


def test_triggers_and_quality_gates_are_answered(member: Visitor, site: Site) -> None:
    """The forms of the run's page let a run begin that a push started, and a stage pass a rule."""
    rule = {
        "name": "Coverage",
        "conditions": [{"metric": "coverage", "operator": ">=", "value": 80}],
        "gatekeepers": ["lin"],
    }
    site.call("PUT", f"/projects/{PROJECT}/quality-rules/run-cover", rule)
    pipeline = site.add_pipeline(asking(site.workbench, "lin", "run-cover"))
    given = {"kind": "github", "secret": h.SECRET}
    hook = site.call("POST", f"/projects/{PROJECT}/pipelines/{pipeline}/hooks", given)
    headers, body = h.github(h.push())
    with urllib.request.urlopen(
        urllib.request.Request(hook["url"], body, headers), timeout=20
    ) as answer:
        run = json.loads(answer.read())["run"]
    page = member.open(f"/runs/{run}")

    gate = page.locator("[data-gate=trigger-review]")
    gate.get_by_role("heading", name="May it begin?").wait_for()
    member.expect_accessible()
    gate.get_by_role("button", name="Approve").click()
    gate.wait_for(state="detached")
    gate = page.locator("[data-gate=quality]")
    gate.get_by_role("heading", name="Held by quality rules").wait_for()
    member.shoot("run-quality-gate")
    member.expect_accessible()
    gate.get_by_label("Comment").fill("no numbers yet")
    gate.get_by_role("button", name="Approve").click()

    wait_for_title(page, re.compile("^#1 succeeded"))
    assert site.workbench.counts("a-build", "a-ship") == [1, 1]


def test_a_failed_run_is_read_and_retried_on_a_phone(member: Visitor, site: Site) -> None:
    """What failed is in sight; its log opens, and the way back leads to a button for a thumb."""
    run = failed_run(site, "phone")
    member.page.set_viewport_size(PHONE)
    page = member.open(f"/runs/{run}")
    line = page.locator("[data-failure] + div").get_by_text(REGISTRY_IS_DOWN)
    line.wait_for()
    assert is_in_sight(line)
    page.locator("[data-apply]:enabled").wait_for()
    member.settle()
    member.shoot("run-failed-phone")
    member.expect_no_sideways_scrolling()

    page.get_by_role("link", name="Open the log").click()
    page.locator("[data-log]").get_by_text(REGISTRY_IS_DOWN).wait_for()
    member.shoot("run-log-phone")
    member.expect_no_sideways_scrolling()
    page.go_back()
    button = page.locator("[data-apply]:enabled")
    button.wait_for()
    assert button.bounding_box()["height"] >= 44
    button.click()

    wait_for_title(page, RECOVERED)
    member.expect_no_sideways_scrolling()
    assert site.workbench.counts("phone-build", "phone-apply", "phone-ship") == [1, 2, 1]


@pytest.fixture
def port() -> int:
    """A port that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_killed_server_is_noticed_and_caught_up_with(
    browser: object, tmp_path: Path, port: int
) -> None:
    """While it is away the page says so; once it is back, the run goes on before one's eyes."""
    bench = Workbench(tmp_path / "bench")
    bench.hold("live-build")
    with ServerProcess(tmp_path / "data", "--port", str(port), dev=False) as server:
        client = HttpClient(server.url)
        own = Site(server.url, client, server.admin_token(), bench, {}, {})
        own.call("POST", "/projects", {"id": PROJECT, "name": "Shop"})
        own.call("POST", "/users", {"name": "lin", "password": PASSWORD})
        own.call("PUT", f"/projects/{PROJECT}/members/lin", {"role": "maintainer"})
        own.add_pipeline(deploying(bench, "live"))
        run = own.start("run/live", "", "running")
        client.close()
        with Visitor(browser, own, tmp_path) as visitor:
            visitor.sign_in_as("lin")
            page = visitor.open(f"/runs/{run}")
            page.get_by_role("button", name="Step live-build, running").wait_for()
            page.get_by_role("banner").get_by_text("Live", exact=True).wait_for()

            server.kill()
            page.get_by_role("banner").get_by_text(re.compile("Connecting…|Offline")).wait_for()
            bench.release("live-build")
            server.start()

            wait_for_title(page, re.compile("^#1 (succeeded|failed)"))
            page.get_by_role("banner").get_by_text("Live", exact=True).wait_for()
            visitor.check()
