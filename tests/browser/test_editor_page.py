"""The editor of definitions in a real browser: problems, completion, the graph, versions."""

import json
import re
from typing import Any

import pytest
from site_data import PROJECT, Site
from visitor import Visitor

from mulligan.testing import models

_CHECKED = "() => document.querySelector('[data-checking]')?.dataset.checking === 'false'"


@pytest.fixture(scope="module")
def pipeline(site: Site) -> str:
    """Give a pipeline with two steps."""
    steps = [models.step("compile", "true"), models.step("deploy", "true")]
    return site.add_pipeline(models.one_job("shop/edited", steps))


def _edit(site: Site, pipeline: str, name: str) -> None:
    """Save another version, as somebody else."""
    steps = [models.step(name, "true")]
    model = models.one_job("shop/edited", steps)
    site.call("PUT", f"/projects/{PROJECT}/pipelines/{pipeline}", model)


def _opened(member: Visitor, pipeline: str) -> Any:
    page = member.open(f"/pipelines/{pipeline}/definition")
    page.locator(".cm-content").wait_for()
    page.wait_for_function(_CHECKED)
    return page


def test_a_pipeline_is_made_from_a_template(member: Visitor, site: Site) -> None:
    """Every template can be stored as it is; what is pasted replaces it."""
    page = member.open("/new-pipeline")
    page.locator(".cm-content").wait_for()
    for template in ("hello", "release", "matrix"):
        page.get_by_label("Begin with").select_option(template)
        page.locator(
            ".cm-content", has_text=template if template != "matrix" else "tests"
        ).wait_for()
        page.get_by_text("No problem").wait_for()
        page.wait_for_function(_CHECKED)
    page.get_by_label("Begin with").select_option("empty")
    model = models.one_job("shop/pasted", [models.step("only", "true")])

    page.locator(".cm-content").fill(json.dumps(model, indent=2))
    page.locator("[data-node]", has_text="only").wait_for()
    page.get_by_role("button", name="Make the pipeline").click()

    page.wait_for_url("**/pipelines/p-*")
    made = page.url.rpartition("/")[2]
    assert site.call("GET", f"/projects/{PROJECT}/pipelines/{made}")["name"] == "shop/pasted"


def test_problems_completion_and_the_graph(member: Visitor, pipeline: str) -> None:
    """The server says what is wrong and what may be written; nodes and lines lead to each other."""
    page = _opened(member, pipeline)
    member.look("editor")
    node = page.locator("[data-node]", has_text="deploy")
    node.click()
    page.locator(".cm-activeLine", has_text="deploy").wait_for()
    page.locator("[data-node][aria-current=true]", has_text="deploy").wait_for()

    page.locator(".cm-content").press("Control+Home")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.type("fina")
    page.get_by_role("option", name=re.compile("finally")).wait_for()
    member.shoot("editor-completion")
    page.keyboard.press("Escape")
    page.keyboard.type(": [")
    problems = page.get_by_role("region", name="Problems")
    problems.get_by_text("1 error").wait_for()
    page.locator(".cm-lint-marker-error").wait_for()
    assert page.get_by_text("As it was before the errors").count() == 1
    member.expect_accessible()


def test_a_version_is_saved_and_compared(member: Visitor, site: Site, pipeline: str) -> None:
    """A dry run stores nothing; what differs from a version is shown."""
    page = _opened(member, pipeline)
    path = f"/projects/{PROJECT}/pipelines/{pipeline}"
    before = site.call("GET", path)["version"]
    page.locator(".cm-line", has_text="name: deploy").click()
    page.keyboard.press("End")
    page.keyboard.type(" twice")
    page.get_by_role("button", name="Dry run").click()
    page.get_by_role("dialog").get_by_text("deploy twice").wait_for()
    member.shoot("editor-dry-run")
    page.keyboard.press("Escape")
    assert site.call("GET", path)["version"] == before

    page.get_by_label("Compare with").select_option(str(before))
    page.locator(".cm-deletedChunk", has_text="name: deploy").wait_for()
    member.shoot("editor-compare")
    page.locator(".cm-content").press("Control+s")

    page.get_by_text(f"Saved as version {before + 1}").wait_for()
    assert site.call("GET", path)["version"] == before + 1


def test_who_was_faster_is_named(member: Visitor, site: Site, pipeline: str) -> None:
    """Nothing is overwritten unawares; one's own text stays and can be saved over it."""
    page = _opened(member, pipeline)
    page.locator(".cm-content").press("Control+End")
    page.keyboard.type("# mine")
    _edit(site, pipeline, "theirs")
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status))

    page.get_by_role("button", name="Save").click()

    page.get_by_role("alert").get_by_text(re.compile("admin has saved version")).wait_for()
    assert 412 in answers
    member.shoot("editor-conflict")
    member.expect_accessible()
    page.get_by_role("button", name="Compare with theirs").click()
    page.locator(".cm-deletedChunk", has_text="theirs").wait_for()
    page.get_by_role("button", name="Save mine over it").click()

    page.get_by_text(re.compile("Saved as version")).wait_for()
    page.get_by_role("alert").wait_for(state="detached")
    stored = site.call("GET", f"/projects/{PROJECT}/pipelines/{pipeline}/definition")
    assert "theirs" not in json.dumps(stored)
