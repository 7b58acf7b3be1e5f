"""Pages of places in a real browser: approvals, environments, settings, insights, runners."""

from collections.abc import Iterator
from typing import Any

import pytest
from places_data import PROJECT, Places, furnished
from site_data import Site
from visitor import DESKTOP, PHONE, Visitor

from mulligan.testing.server import poll_until

BASE = f"/projects/{PROJECT}"


@pytest.fixture(scope="module")
def places(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """Give a project with releases and things that wait; nothing is left waiting."""
    made = furnished(site, tmp_path_factory.mktemp("places"))
    yield made
    made.target.clear_all()


@pytest.fixture
def owner(member: Visitor, places: Places) -> Visitor:
    """Give lin, who owns the project."""
    del places  # it is there
    return member


def test_approving_on_a_phone(owner: Visitor, places: Places) -> None:
    """A comment is asked for where it is required; a changed value goes to the run."""
    page = owner.open("/approvals", project=False)
    page.get_by_role("heading", name="Check the prices").wait_for()
    owner.look("approvals")
    page.set_viewport_size(PHONE)
    card = page.get_by_role("listitem", name="Check the prices")
    button = card.get_by_role("button", name="Approve")
    box = button.bounding_box()
    assert box["height"] >= 44

    button.click()
    card.get_by_text("This review needs a comment").wait_for()
    card.get_by_label("Comment").fill("looks right")
    card.get_by_label("replicas").fill("6")
    owner.shoot("approvals-phone-filled")
    button.click()

    card.wait_for(state="detached")
    assert [each["kind"] for each in places.approvals()] == ["stage-review", "pause"]


def test_answering_with_the_keys(owner: Visitor, places: Places) -> None:
    """`j` walks through the cards, `a` approves the one that has the focus; groups go in order."""
    page = owner.open("/approvals", project=False)
    page.locator("[data-approval]").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("a")
    poll_until(
        lambda: (
            [group["state"] for each in places.approvals()[:1] for group in each["groups"]]
            == ["done", "asked"]
        ),
        what="the second group is asked",
    )

    page.get_by_text("Flow 2").wait_for()
    page.get_by_role("button", name="Don't run it").click()
    page.get_by_role("heading", name="migrate").wait_for(state="detached")


def test_rolling_back_and_forth(owner: Visitor, places: Places) -> None:
    """The plan shows what changes; one that has become old is made again; undo is offered."""
    page = owner.open(f"{BASE}/environments", project=False)
    page.get_by_text("acme/shop:v2").wait_for()
    owner.look("environments")
    page.get_by_text("acme/shop:v2").click()
    page.get_by_role("heading", name="shop · prod").wait_for()
    owner.look("environment")

    page.keyboard.press("b")
    dialog = page.get_by_role("dialog")
    dialog.locator("ins").get_by_text("acme/shop:v1").wait_for()
    dialog.get_by_text('"RELEASE": "v2"').first.wait_for()
    owner.settle()
    owner.shoot("rollback")
    owner.expect_accessible()
    page.set_viewport_size(PHONE)
    owner.shoot("rollback-phone")
    owner.expect_no_sideways_scrolling()
    dialog.get_by_label("Reason").fill("wrong prices")
    button = dialog.get_by_role("button", name="Roll back to #")
    assert button.bounding_box()["height"] >= 44
    button.click()

    page.get_by_role("status").get_by_text("prod is rolled back").wait_for()
    page.set_viewport_size(DESKTOP)
    assert places.live() == "acme/shop:v1"
    assert places.target.live == "v1"

    page.get_by_role("button", name="Undo: back to #").click()
    dialog.locator("ins").get_by_text("acme/shop:v2").wait_for()
    places.call("POST", f"/environments/{places.environment}/rollback", _second(places))
    poll_until(lambda: places.live() == "acme/shop:v2", what="it was rolled back elsewhere")
    dialog.get_by_role("button", name="Roll back to #").click()

    dialog.get_by_text("Nothing was done").wait_for()
    owner.shoot("rollback-stale")
    dialog.get_by_role("button", name="Plan again").click()
    dialog.get_by_text("can't be rolled back now").wait_for()


def _second(places: Places) -> dict[str, object]:
    """Return the body that restores the second release."""
    items = places.call("GET", f"/environments/{places.environment}/deployments")["items"]
    return {"to": next(each["id"] for each in items if each["image"] == "acme/shop:v2")}


def _wait_for_focus(page: Any, selector: str) -> None:
    """Wait until the keyboard is where a dialog that was closed has left it."""
    page.wait_for_function("wanted => document.activeElement?.matches(wanted)", arg=selector)


def test_members_and_secrets(owner: Visitor, places: Places) -> None:
    """A member gets a role; the value of a secret is nowhere on the page once it is set."""
    page = owner.open(f"{BASE}/settings/members", project=False)
    page.get_by_role("button", name="Add a member").click()
    page.get_by_label("User").fill("wang")
    page.get_by_label("Role").last.select_option("runner")
    page.keyboard.press("Enter")
    page.locator("tr[data-member=wang]").wait_for()
    owner.look("settings-members")
    roles = {each["user"]: each["role"] for each in places.call("GET", "/members")["items"]}
    assert roles["wang"] == "runner"

    page.get_by_role("link", name="Secrets").click()
    page.get_by_role("button", name="Add a secret").click()
    page.get_by_label("Name").fill("npm-token")
    page.get_by_label("Value").fill("s3cr3t-value")
    owner.shoot("secret")
    owner.expect_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Add a secret").click()
    page.locator("tr[data-secret=npm-token]").wait_for()

    assert "s3cr3t-value" not in page.content()
    page.get_by_role("button", name="Remove: npm-token").click()
    page.keyboard.press("Escape")
    _wait_for_focus(page, "[aria-label='Remove: npm-token']")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Remove npm-token?").get_by_role(
        "button", name="Remove"
    ).click()
    page.get_by_text("There is no secret yet").wait_for()


def test_a_token_is_shown_once(owner: Visitor) -> None:
    """And it works: who has it is who made it."""
    page = owner.open("/settings/tokens", project=False)
    page.get_by_role("button", name="New token").first.click()
    page.get_by_label("Name").fill("laptop")
    page.get_by_label("At most as").select_option("viewer")
    page.get_by_role("button", name="Make the token").click()
    shown = page.locator("[data-once]")
    shown.wait_for()
    token = shown.inner_text()
    owner.shoot("token")
    page.get_by_role("button", name="I have kept it").click()

    page.locator("tr[data-token=laptop]").wait_for()
    page.wait_for_function("() => document.activeElement?.textContent === 'New token'")
    assert token not in page.content()
    headers = {"Authorization": f"Bearer {token}"}
    answer = owner.site.client.request("GET", "/api/v1/session", headers=headers)
    assert b'"lin"' in answer.content


@pytest.mark.parametrize("section", ["hooks", "quality", "triggers", "audit"])
def test_sections_of_a_project(owner: Visitor, section: str) -> None:
    """Each shows what there is, and axe finds nothing."""
    page = owner.open(f"{BASE}/settings/{section}", project=False)
    page.locator("table").wait_for()
    owner.settle()
    owner.shoot(f"settings-{section}")
    owner.expect_accessible()


@pytest.mark.parametrize(
    "path",
    [
        *[f"{BASE}/settings/{name}" for name in ("channels", "plugins", "packages")],
        *[f"/settings/{name}" for name in ("preferences", "access-keys", "about")],
        "/projects/shop/environments",
    ],
)
def test_pages_that_teach(owner: Visitor, path: str) -> None:
    """What is empty says how to fill it, and axe finds nothing."""
    owner.open(path, project=False)
    owner.settle()
    owner.shoot(path.rpartition("/")[2] + "-empty")
    owner.expect_accessible()


def test_insights_and_runners(owner: Visitor) -> None:
    """The step that failed and then passed is named; who waits for whom is told."""
    page = owner.open(f"{BASE}/insights", project=False)
    page.get_by_role("cell", name="tests").wait_for()
    owner.look("insights")

    page = owner.open(f"{BASE}/runners", project=False)
    page.get_by_text("a person: lin").first.wait_for()
    owner.look("runners")
