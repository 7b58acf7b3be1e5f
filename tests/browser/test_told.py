"""What the page tells of itself: to screen readers, by the browser, and for shells and files."""

import pytest
from run_pipelines import deploying
from site_data import PROJECT, Site
from visitor import Visitor, becomes, origin_of

# Copies and messages of the browser are kept, to be looked at.
_KEEP = """
window.kept = {copied: [], told: []};
navigator.clipboard.writeText = async text => { kept.copied.push(text); };
window.Notification = class extends Notification {
  constructor(title, options) { super(title, options); kept.told.push([title, this]); }
};
"""


@pytest.fixture
def keeping(visitor: Visitor) -> Visitor:
    """Give lin, in a browser that keeps what the page copies and tells."""
    visitor.context.grant_permissions(["notifications"], origin=origin_of(visitor.url))
    visitor.page.add_init_script(_KEEP)
    visitor.sign_in_as("lin")
    return visitor


def test_a_failure_interrupts_and_other_states_wait(keeping: Visitor, site: Site) -> None:
    """States are told politely, failures assertively, of runs as of what one does."""
    site.add_pipeline(deploying(site.workbench, "told"))
    site.workbench.hold("told-build")
    site.workbench.break_steps("told-apply")
    run = site.start("run/told", "", "running")
    page = keeping.open(f"/runs/{run}")
    said = page.locator("[data-said]")
    said.locator("[role=status]").get_by_text("Run 1: running").wait_for()
    becomes(lambda: said.locator("[role=alert]").inner_text() == "")

    site.workbench.release("told-build")
    said.locator("[role=alert]").get_by_text("Run 1: failed").wait_for()
    becomes(lambda: said.locator("[role=status]").inner_text() == "")

    page.route("**/recovery/apply", lambda route: route.abort())
    row = keeping.open().locator("tr[data-pipeline='run/told']")
    row.get_by_role("button", name="Retry", exact=True).click()
    page.locator("[aria-live=assertive]").get_by_text("can't be reached").wait_for()


def test_the_end_of_ones_own_run_is_told_by_the_browser(keeping: Visitor, site: Site) -> None:
    """Whoever asked for it, and looks elsewhere; the message leads to the run."""
    site.add_pipeline(deploying(site.workbench, "notice"))
    site.workbench.hold("notice-build")
    page = keeping.open(f"/pipelines/{site.pipelines['run/notice']}")
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitemcheckbox", name="Tell me when my runs end").click()
    page.locator("[data-start]").first.click()
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/runs/b-*")
    run = page.url.rpartition("/")[2]
    page.get_by_role("banner").get_by_role("status").get_by_text("Live").wait_for()
    page.get_by_role("link", name="Projects").first.click()
    page.get_by_role("link", name="Shop").click()
    page.get_by_role("link", name="run/notice").wait_for()
    hidden = "Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'})"
    page.evaluate(f"() => {{ {hidden}; }}")

    site.workbench.release("notice-build")
    page.wait_for_function("() => kept.told.length")

    becomes(lambda: page.evaluate("kept.told[0]?.[0]") == "#1 run/notice: succeeded")
    page.evaluate("kept.told[0][1].onclick()")
    page.wait_for_url(f"**/runs/{run}")


def test_every_way_to_recover_is_in_lists_and_logs(keeping: Visitor, site: Site) -> None:
    """Rows, the head of a log and nodes lead to the panel, in which that way is chosen."""
    run = site.runs["failed"]
    page = keeping.open()
    row = page.locator("tr[data-pipeline='shop/web']")
    row.get_by_role("button", name="More ways to recover #1").click()
    page.get_by_role("menuitem").nth(7).wait_for()
    becomes(lambda: page.get_by_role("menuitem").count() == 8)
    page.get_by_role("menuitem", name="Retry the whole run").click()
    page.wait_for_url(f"**/runs/{run}?recover=retry-run")
    page.locator("[data-mode=retry-run] input:checked").wait_for()
    page.wait_for_function("() => document.activeElement?.hasAttribute('data-apply')")

    page.locator("[data-step] [data-modes]").click()
    keeping.expect_accessible()
    page.get_by_role("menuitem", name="Retry the stage").click()
    page.locator("[data-mode=retry-stage] input:checked").wait_for()

    page.locator("[data-graph] [data-node=stage-2]").click(button="right")
    page.get_by_role("menuitem", name="Retry the stage").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("menu").wait_for(state="detached")
    page.locator("[data-graph] [aria-label^='Step lint']").focus()
    page.keyboard.press("Enter")  # it is open already
    page.get_by_role("menuitem", name="Retry the whole run").click()
    page.locator("[data-mode=retry-run] input:checked").wait_for()
    page.wait_for_function("() => document.activeElement?.hasAttribute('data-apply')")

    keeping.open(f"/runs/{run}/log")
    page.get_by_role("link", name="Recover").click()
    page.locator("[data-mode=retry-step] input:checked").wait_for()


def test_lists_and_parameters_are_copied(keeping: Visitor, site: Site) -> None:
    """Filters become options; where the program has none, only curl is offered."""
    pipeline = site.pipelines["shop/api"]
    page = keeping.open(f"/pipelines/{pipeline}?status=failed")
    page.get_by_role("button", name="command line").click()
    page.get_by_role("button", name="curl").click()
    path = f"{site.url}/api/v1/projects/{PROJECT}/runs?pipeline={pipeline}&status=failed"
    assert page.evaluate("kept.copied") == [
        f"mulligan runs --project {PROJECT} --pipeline {pipeline} --status failed",
        f"curl -fsS -H \"Authorization: Bearer $MULLIGAN_TOKEN\" '{path}'",
    ]
    keeping.open(f"/pipelines/{pipeline}?message=coupons")
    page.get_by_role("button", name="curl").wait_for()
    assert page.get_by_role("button", name="command line").count() == 0
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_label("version").fill("2.0.0")
    page.get_by_role("dialog").get_by_role("button", name="YAML").click()
    assert page.evaluate("kept.copied") == [
        'version: "2.0.0"\ntarget: "staging"\ndry: "false"\nkey: "…"\n'
    ]
    page.keyboard.press("Escape")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Copy the definition as YAML").click()
    page.wait_for_function("() => kept.copied.length === 2")
    becomes(lambda: (page.evaluate("kept.copied[1]") or "").startswith("version: v3.0"))
