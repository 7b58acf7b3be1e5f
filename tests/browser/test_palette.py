"""The palette in a real browser: it leads anywhere, and does what the page can do."""

from typing import Any

from run_pipelines import deploying
from site_data import PROJECT, Site
from visitor import PHONE, Visitor, becomes


def opened(page: Any, text: str = "") -> Any:
    """Open the palette by its keys, and type into it; return it."""
    page.keyboard.press("Control+k")
    palette = page.locator("[data-palette]")
    palette.get_by_role("combobox").wait_for()
    page.keyboard.type(text)
    return palette


def choose(page: Any, name: str) -> None:
    """Take what is marked, once that is what is meant: answers of the server move the mark."""
    palette = page.locator("[data-palette]")
    palette.get_by_role("option", name=name, selected=True).wait_for()
    page.keyboard.press("Enter")


def test_it_leads_to_pipelines_runs_and_places(member: Visitor, site: Site) -> None:
    """The server searches pipelines; numbers are runs; where one was is offered first."""
    page = member.open()
    page.get_by_role("button", name="Search or command").click()
    palette = page.locator("[data-palette]")
    palette.get_by_role("option", name="Environments").wait_for()
    member.shoot("palette")
    member.expect_accessible()
    page.keyboard.press("Control+k")
    palette.wait_for(state="detached")

    opened(page, "shop/w")
    choose(page, "shop/web")
    page.get_by_role("heading", name="shop/web").wait_for()

    opened(page, "#4")
    choose(page, "#4 shop/api")
    page.wait_for_url(f"**/runs/{site.runs['recovered']}")
    page.locator("[data-banner=recovered]").wait_for()

    recent = opened(page).get_by_role("group", name="Recent")
    recent.get_by_role("option", name="shop/web").wait_for()
    page.keyboard.type("webhook")
    choose(page, "hooks")
    page.wait_for_url("**/settings/hooks")

    palette = opened(page, "切换")
    palette.get_by_text("Nothing fits").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.type("语言")
    palette.get_by_role("option", name="Switch to Chinese").click()
    page.get_by_role("button", name="搜索或执行命令").click()
    palette.get_by_role("option", name="深色主题").click()
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    page.set_viewport_size(PHONE)
    page.get_by_role("button", name="搜索或执行命令").click()
    member.shoot("palette-phone")
    member.expect_no_sideways_scrolling()
    member.expect_accessible()


def test_it_does_what_the_page_of_a_run_can_do(member: Visitor, site: Site) -> None:
    """Every way to recover is there, with its key, or with the reason why not."""
    site.add_pipeline(deploying(site.workbench, "palette"))
    site.workbench.break_steps("palette-apply")
    run = site.start("run/palette", "", "failed")
    site.workbench.repair("palette-apply")
    page = member.open(f"/runs/{run}")
    page.locator("[data-preview]").wait_for()

    palette = opened(page)
    skip = palette.locator("[data-command^='mode:skip-step']")
    skip.get_by_text("Not possible:").wait_for()
    palette.locator("[data-command='run:stop'][data-why='The run is over.']").wait_for()
    member.shoot("palette-run")
    skip.click()
    becomes(lambda: palette.count() == 1)

    page.keyboard.type("retry the whole")
    choose(page, "Retry the whole run")
    page.wait_for_function("() => document.activeElement?.hasAttribute('data-apply')")
    becomes(lambda: page.locator("[data-mode=retry-run] input").is_checked())
    page.keyboard.press("Enter")
    page.locator("[data-banner=recovered]").wait_for()
    assert site.workbench.counts("palette-build", "palette-ship") == [2, 1]

    opened(page, "remark")
    choose(page, "Remark")
    page.get_by_role("textbox", name="Remark").fill("by the palette")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("“by the palette”").wait_for()
    state = site.call("GET", f"/projects/{PROJECT}/runs/{run}")
    assert state["remark"] == "by the palette"


def test_its_keys_can_be_switched_off(member: Visitor) -> None:
    """Then the field in the bar opens it all the same."""
    page = member.open()
    opened(page, "switch the keyboard").get_by_role("option", name="shortcuts off").wait_for()
    page.keyboard.press("Enter")
    page.locator("[data-palette]").wait_for(state="detached")
    page.wait_for_function("() => JSON.parse(localStorage['mulligan.settings']).keys === false")

    page.keyboard.press("Control+k")
    assert page.get_by_role("dialog").count() == 0
    page.get_by_role("button", name="Search or command").click()
    page.get_by_role("combobox").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement?.textContent.includes('Search or')")
