"""The web page in a real browser: signing in, lists, starting a run, languages, themes."""

from site_data import PASSWORD, Site
from visitor import Visitor, becomes

from mulligan.testing import models

# Whether something has the focus; what has it and does not show it is an error.
_SHOWS_FOCUS = """() => {
  const it = document.activeElement, style = getComputedStyle(it);
  if (it === document.body) return false;
  if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) return true;
  throw new Error("no focus to be seen on " + it.outerHTML.slice(0, 200));
}"""


def test_signing_in_and_out(visitor: Visitor) -> None:
    """A wrong password is told; the right one leads to where one wanted; signing out ends it."""
    page = visitor.open()
    visitor.look("sign-in")
    page.get_by_label("User").fill("lin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("alert").get_by_text("don't fit together").wait_for()

    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Pipelines").wait_for()
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.get_by_label("Password").wait_for()
    assert visitor.session()["user"] is None


def test_projects(member: Visitor) -> None:
    """Every project that one is a member of has a card."""
    page = member.open("/projects", project=False)

    member.look("projects")

    page.get_by_role("link", name="Shop").click()
    page.get_by_role("link", name="shop/api").wait_for()


def test_a_project_that_is_not_there(member: Visitor) -> None:
    """It is said so, nothing tries to listen to it, and the way home leads elsewhere."""
    page = member.open("/projects/nope", project=False)
    page.get_by_role("heading", name="There is nothing here").wait_for()
    page.get_by_role("status").get_by_text("Connecting").wait_for(state="detached")

    page.goto(f"{member.url}/")
    page.get_by_role("link", name="Shop").wait_for()

    member.open().get_by_role("link", name="shop/api").wait_for()
    page.goto(f"{member.url}/")
    page.get_by_role("link", name="shop/api").wait_for()


def test_pipelines_and_their_filters(member: Visitor) -> None:
    """Filters are in the address, and can be cleared."""
    page = member.open()
    page.get_by_role("link", name="infra/dns").wait_for()
    member.look("pipelines")
    rows = page.locator("tr[data-pipeline]")

    page.get_by_role("searchbox").fill("web")
    page.wait_for_url("**?q=web")
    page.get_by_role("link", name="shop/api").wait_for(state="detached")

    becomes(lambda: rows.count() == 1)
    becomes(lambda: rows.locator("[data-state=failed]:visible").inner_text() == "failed")
    page.get_by_role("searchbox").fill("nothing like it")
    page.get_by_text("No pipeline fits these filters").wait_for()
    member.shoot("pipelines-empty")
    page.get_by_role("button", name="Clear the filters").click()
    page.get_by_role("link", name="shop/api").wait_for()


def test_the_history_of_a_pipeline(member: Visitor, site: Site) -> None:
    """A run that was repaired is told from one that never failed, by word and colour."""
    page = member.open(f"/pipelines/{site.pipelines['shop/api']}")
    page.locator("tr[data-run]").nth(3).wait_for()
    member.look("pipeline")

    page.get_by_label("Only recovered").check()
    page.wait_for_url("**?recovered=1")
    page.locator("tr[data-run]").nth(1).wait_for(state="detached")

    becomes(lambda: page.locator("tr[data-run] [data-state=recovered]:visible").count() == 1)


def test_starting_a_run_with_parameters(member: Visitor, site: Site) -> None:
    """Fields are of the parameters' kinds; the run gets what was chosen."""
    page = member.open(f"/pipelines/{site.pipelines['shop/api']}")
    page.get_by_role("button", name="Run", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("target").wait_for()
    member.shoot("start-dialog")
    member.expect_accessible()
    assert dialog.get_by_label("key").get_attribute("type") == "password"

    dialog.get_by_label("version").fill("")
    dialog.get_by_role("button", name="Start the run").click()
    dialog.get_by_text("This must have a value").wait_for()
    dialog.get_by_label("version").fill("2.0.0")
    dialog.get_by_label("target").select_option("prod")
    dialog.get_by_label("Note").fill("by a browser")
    dialog.get_by_role("button", name="Start the run").click()

    page.wait_for_url("**/runs/b-*")
    run = page.url.rpartition("/")[2]
    state = site.call("GET", f"/projects/shop/runs/{run}")
    given = {each["name"]: each["value"] for each in state["parameters"]}
    assert (given["version"], given["target"], given["dry"]) == ("2.0.0", "prod", "false")
    assert state["message"] == "by a browser"
    site.wait(run)


def test_a_list_follows_what_happens(member: Visitor, site: Site) -> None:
    """A run that begins elsewhere shows up by itself."""
    page = member.open(f"/pipelines/{site.pipelines['infra/dns']}")
    page.get_by_text("No run yet").wait_for()
    page.get_by_role("status").get_by_text("Live").wait_for()

    site.start("infra/dns", "from elsewhere")

    page.get_by_text("from elsewhere").wait_for()


def test_language_and_theme_change_without_a_reload(member: Visitor) -> None:
    """And the language is kept with the user, for the next browser."""
    page = member.open()
    page.evaluate("() => { window.untouched = true; }")

    page.get_by_role("button", name="切换到中文").click()
    page.get_by_role("heading", name="流水线").wait_for()
    page.get_by_role("button", name="切换主题").click()

    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    becomes(lambda: page.locator("html").get_attribute("lang") == "zh-CN")
    page.wait_for_function("() => window.untouched")
    page.reload()
    page.get_by_role("heading", name="流水线").wait_for()
    page.get_by_role("button", name="Switch to English").click()
    page.get_by_role("heading", name="Pipelines").wait_for()


def test_keys_are_listed_and_can_be_switched_off(member: Visitor) -> None:
    """`?` shows them, the switch in there turns them off (WCAG 2.1.4)."""
    page = member.open()
    page.keyboard.press("Shift+?")
    page.get_by_role("dialog").get_by_text("Keyboard shortcuts").wait_for()
    member.shoot("keys")
    page.get_by_role("switch").click()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")

    page.keyboard.press("Shift+?")

    assert page.get_by_role("dialog").count() == 0


def test_what_is_not_there_says_so(member: Visitor) -> None:
    """A wrong address of the page is told by the page."""
    page = member.page
    page.goto("/projects/shop/nothing/of/it")

    page.get_by_role("heading", name="There is nothing here").wait_for()
    member.expect_accessible()


def test_what_one_may_not_do_says_so(visitor: Visitor, site: Site) -> None:
    """A viewer's buttons can be reached, tell why they don't work, and do nothing."""
    visitor.sign_in_as("vic")
    page = visitor.open()
    row = page.locator("tr[data-pipeline='shop/web']")
    start = row.get_by_role("button", name="Run")
    row.locator("[data-start][aria-disabled=true]").wait_for()

    start.focus()
    page.get_by_role("tooltip").get_by_text("takes the role runner").wait_for()
    page.keyboard.press("Enter")
    start.click(force=True)

    becomes(
        lambda: row.get_by_role("button", name="Retry").get_attribute("aria-disabled") == "true"
    )
    assert page.get_by_role("dialog").count() == 0
    page.locator("button[aria-disabled=true]", has_text="New pipeline").wait_for()
    page.locator("h1").click()
    page.get_by_role("tooltip").wait_for(state="detached")
    visitor.expect_accessible()

    visitor.open(f"/runs/{site.runs['failed']}")
    page.locator("[data-retry][aria-disabled=true]").wait_for()
    page.get_by_role("button", name="More", exact=True).click()
    rebuild = page.get_by_role("menuitem", name="Rebuild")
    rebuild.get_by_text("takes the role runner").wait_for()
    rebuild.click(force=True)
    becomes(lambda: rebuild.count() == 1)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.locator("[data-command=rebuild][data-why*=runner]").wait_for()
    page.locator("[data-command^='mode:retry'][data-why]").first.wait_for()

    for section, button in {"members": "Add a member", "hooks": "Make a hook"}.items():
        visitor.open(f"/settings/{section}")
        page.locator("button[aria-disabled=true]", has_text=button).wait_for()
    visitor.open(f"/pipelines/{site.pipelines['shop/web']}/definition")
    page.locator("button[aria-disabled=true]", has_text="Save").wait_for()


def test_high_contrast_and_the_focus(member: Visitor) -> None:
    """Each place that the keyboard stops at shows it, also where the system's colours rule."""
    page = member.open()
    page.get_by_role("link", name="infra/dns").wait_for()
    page.emulate_media(forced_colors="active")
    member.shoot("pipelines-high-contrast")
    current = page.locator("nav:visible [aria-current=page]")
    becomes(lambda: current.evaluate("it => getComputedStyle(it).outlineStyle") == "solid")
    bar = page.locator("[data-bars] span").first
    seen = "it => [getComputedStyle(it).backgroundColor, getComputedStyle(document.body).color]"
    assert bar.evaluate(seen)[0] not in {"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}

    for colours in ("active", "none"):
        page.emulate_media(forced_colors=colours)
        page.evaluate("() => document.activeElement.blur()")
        stops = 0
        page.keyboard.press("Tab")
        while page.evaluate(_SHOWS_FOCUS):
            stops += 1
            page.keyboard.press("Tab")
        assert stops > 15


def test_empty_lists_teach(visitor: Visitor, site: Site) -> None:
    """Who is new finds one command or button in each list, in both languages."""
    site.call("POST", "/users", {"name": "eve", "password": PASSWORD})
    visitor.sign_in_as("eve")
    page = visitor.open("/projects", project=False)
    empty = page.locator("[data-empty]")
    empty.get_by_text("mulligan project create").wait_for()
    site.call("POST", "/projects", {"id": "new", "name": "New"})
    site.call("PUT", "/projects/new/members/eve", {"role": "maintainer"})

    page = visitor.open("/projects/new", project=False)
    empty.get_by_text("mulligan import --project new").wait_for()
    empty.get_by_role("button", name="Copy").wait_for()
    page.get_by_role("link", name="New pipeline").wait_for()
    model = models.one_job("first", [models.step("one", "true")])
    pipeline = site.call("POST", "/projects/new/pipelines", model)["id"]
    visitor.open(f"/projects/new/pipelines/{pipeline}", project=False)
    empty.get_by_text("No run yet").wait_for()
    visitor.look("runs-empty")
    empty.get_by_role("button", name="Run").click()
    page.get_by_role("dialog").get_by_role("button", name="Start the run").click()

    page.wait_for_url("**/runs/b-*")
    (run,) = site.call("GET", f"/projects/new/runs?pipeline={pipeline}")["items"]
    site.wait(run["id"], "succeeded")
    for path, text in (
        ("?tab=artifacts", "uploadArtifact"),
        ("?tab=tests", "reports/*.xml"),
        ("?tab=reports", "output.json"),
    ):
        visitor.open(f"/projects/new/runs/{run['id']}{path}", project=False)
        empty.get_by_text(text).first.wait_for()
        empty.get_by_role("button", name="Copy").wait_for()
