"""The keys of the page of a run in a real browser: each is pressed, and does what it says."""

import re
from pathlib import Path

from places_data import release
from site_data import PROJECT, Site
from visitor import Visitor, becomes

from e2e.swr.target import Target
from mulligan.testing import models
from mulligan.testing.server import poll_until

FOCUSED = "document.activeElement"


def test_c_continues_and_x_stops(member: Visitor, site: Site) -> None:
    """A paused step goes on by C and Enter; a running run ends by X and Enter."""
    work = [
        models.step("migrate", "true", pauseBeforeExec=True),
        models.step("long", site.workbench.script("keys-long")),
    ]
    site.add_pipeline(models.one_job("run/paused", work))
    site.workbench.hold("keys-long")
    run = site.start("run/paused", "", "running")
    page = member.open(f"/runs/{run}")
    page.locator("[data-gate=pause]").wait_for()

    page.keyboard.press("c")
    becomes(lambda: page.evaluate(f"{FOCUSED}.hasAttribute('data-continue')"))
    page.keyboard.press("Enter")
    poll_until(lambda: site.workbench.ran("keys-long"), what="it went on")

    page.locator("[data-gate]").wait_for(state="detached")
    page.keyboard.press("x")
    page.get_by_role("dialog", name="Stop run #1?").wait_for()
    page.keyboard.press("Enter")
    site.wait(run, "cancelled")
    page.locator("h1 ~ [data-state=cancelled]").wait_for()
    site.workbench.release_all()


def test_b_leads_to_the_plan_of_a_rollback(member: Visitor, site: Site, tmp_path: Path) -> None:
    """B and Enter restore what was live before; the run of the release goes on with it."""
    target = Target(tmp_path / "target")
    project = "/projects/keys-shop"
    site.call("POST", "/projects", {"id": "keys-shop", "name": "Shop of keys"})
    site.call("PUT", f"{project}/members/lin", {"role": "owner"})
    model = {**release(target), "name": "keys-shop"}
    pipeline = site.call("POST", f"{project}/pipelines", model)["id"]
    runs, deployments = [], []
    for version in ("v1", "v2"):
        path = f"{project}/pipelines/{pipeline}/runs"
        runs.append(site.call("POST", path, {"values": {"VERSION": version}})["id"])
        site.wait(runs[-1], "succeeded")
        [environment] = site.call("GET", f"{project}/environments")["items"]
        deployments.append(environment["live"]["number"])
    page = member.open(f"{project}/runs/{runs[1]}", project=False)
    page.locator("[data-node]").first.wait_for()

    page.keyboard.press("b")
    page.locator("[data-mode=rollback-stage] input:checked").wait_for()
    told = f"goes back to deployment #{deployments[0]}"
    page.locator("[data-preview]").get_by_text(told).wait_for()
    page.wait_for_function(f"() => {FOCUSED}.hasAttribute('data-apply')")
    page.keyboard.press("Enter")

    target.wait_live("v1")
    site.wait(runs[1])
    target.clear_all()


def test_keys_lead_through_failures_views_and_attempts(member: Visitor, site: Site) -> None:
    """f F between failures, n N between errors, g t l to the views, [ ] between attempts."""
    bad = "echo fine; echo '##[error]one'; echo '##[error]two'; exit 1"
    jobs = [models.job(name, [models.step(name, bad)]) for name in ("first", "second")]
    site.add_pipeline(models.pipeline("run/failures", [models.stage("s", jobs)]))
    run = site.start("run/failures", "", "failed")
    page = member.open(f"/runs/{run}")
    title = page.locator("#log-title")
    title.get_by_text(re.compile("(first|second)$")).wait_for()
    shown = title.inner_text().rpartition(" ")[2]  # what failed first, of two at once
    other = {"first": "second", "second": "first"}[shown]

    for key, name in (("f", other), ("Shift+F", shown), ("f", other)):
        page.keyboard.press(key)
        title.get_by_text(re.compile(f"{name}$")).wait_for()
    page.keyboard.press("t")
    page.wait_for_url("**tab=gantt**")
    page.keyboard.press("g")
    page.locator("[data-node]").first.wait_for()
    page.keyboard.press("l")
    becomes(lambda: page.evaluate(f"{FOCUSED}.id") == "log")
    page.get_by_text("2 errors").wait_for()
    for key, line in (("n", 2), ("n", 3), ("Shift+N", 2)):
        page.keyboard.press(key)
        page.wait_for_function(f"() => location.hash === '#L{line}'")
    page.keyboard.press("/")
    becomes(lambda: page.evaluate(f"{FOCUSED}.hasAttribute('data-filter')"))

    site.call("POST", f"/projects/{PROJECT}/runs/{run}/recovery/apply", {})
    page.get_by_label("Which attempt is shown").wait_for()
    page.locator("h1").click()
    page.keyboard.press("[")
    page.locator("[data-banner=past]").wait_for()
    page.keyboard.press("]")
    page.locator("[data-banner=past]").wait_for(state="detached")
    site.wait(run)
