"""What a run leaves and how it went beside others, in a real browser."""

import re
from pathlib import Path

from run_pipelines import REGISTRY_IS_DOWN, checked, deploying
from site_data import PROJECT, Site
from visitor import Visitor


def test_tests_and_artifacts_of_a_run(member: Visitor, site: Site) -> None:
    """The tab counts them; a flaky test is named; a page that was kept comes as a file."""
    site.add_pipeline(checked(site.workbench))
    site.workbench.break_steps("t-unit")
    run = site.start("run/tested", "", "failed")
    site.workbench.repair("t-unit")
    page = member.open(f"/runs/{run}")

    page.get_by_role("link", name="Tests 2/1✗").click()
    page.get_by_role("cell", name="2 is not 3").wait_for()
    member.expect_accessible()
    site.call("POST", f"/projects/{PROJECT}/runs/{run}/recovery/apply", {})
    site.wait(run, "succeeded")
    page.locator("[data-tests]").get_by_text("flaky").wait_for()
    flaky = page.locator("[data-test='rounds half up']")
    flaky.get_by_text("flaky").wait_for()
    page.get_by_label("State").select_option("All tests")
    page.locator("[data-test=adds]").wait_for()

    page.get_by_role("link", name="Artifacts 4").click()
    kept = page.locator("[data-artifact='page.html']")
    kept.nth(1).wait_for()
    member.shoot("run-artifacts")
    member.expect_accessible()
    page.get_by_label("Kept by which attempt").select_option("Attempt 1")
    kept.nth(1).wait_for(state="detached")
    with page.expect_download() as saved:
        kept.get_by_role("link", name="page.html").click()

    assert saved.value.suggested_filename == "page.html"
    assert Path(saved.value.path()).read_text().startswith("<script>")
    assert re.match("^#1 recovered", page.title())


def test_logs_of_two_attempts_are_compared(member: Visitor, site: Site) -> None:
    """Beside what became of the steps stands what one of them wrote in both attempts."""
    site.add_pipeline(deploying(site.workbench, "logs"))
    site.workbench.break_steps("logs-apply")
    run = site.start("run/logs", "", "failed")
    site.workbench.repair("logs-apply")
    site.call("POST", f"/projects/{PROJECT}/runs/{run}/recovery/apply", {})
    site.wait(run, "succeeded")

    page = member.open(f"/runs/{run}?tab=attempts")
    diff = page.locator("[data-log-diff]")

    diff.get_by_text(f"-{REGISTRY_IS_DOWN}").wait_for()
    diff.get_by_text("Try 1 → 2:").wait_for()
    member.shoot("run-log-diff")
    member.expect_accessible()


def test_the_gantt_compares_with_the_last_green_run(member: Visitor, site: Site) -> None:
    """What takes longer than it did there says so while it runs; attempts have a bar each."""
    site.add_pipeline(deploying(site.workbench, "slow"))
    site.start("run/slow", "", "succeeded")
    site.workbench.break_steps("slow-apply")
    run = site.start("run/slow", "", "failed")
    site.workbench.repair("slow-apply")
    site.workbench.hold("slow-apply")
    page = member.open(f"/runs/{run}?tab=gantt")
    page.locator("[data-gantt=slow-build] [data-ghost]").first.wait_for()
    site.call("POST", f"/projects/{PROJECT}/runs/{run}/recovery/apply", {})

    step = page.locator("[data-gantt=slow-apply]")
    step.locator("[data-bar]").nth(1).wait_for()
    step.locator("[data-slower=true]").wait_for()
    assert "slower" in str(step.get_attribute("title"))
    site.workbench.release("slow-apply")
    site.wait(run, "succeeded")

    member.expect_accessible()
    page.get_by_label("Show earlier attempts").uncheck()
    step.locator("[data-bar]").nth(1).wait_for(state="detached")
    page.get_by_role("link", name="#1", exact=True).click()
    page.wait_for_function("() => document.title.startsWith('#1 ')")
