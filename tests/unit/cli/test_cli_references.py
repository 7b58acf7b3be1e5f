"""What the words for runs, pipelines and steps mean."""

from typing import Any

import pytest
from fake_api import FakeApi

from mulligan.cli.exits import FailureError
from mulligan.cli.options import Session
from mulligan.cli.references import Kind, find_node, find_pipeline, find_run

RUN = "b-" + "1" * 32
PIPELINE = "p-" + "2" * 32
RUNS = "/api/v1/projects/shop/runs"


def node(ident: str, ref: str, name: str, **more: Any) -> dict[str, Any]:
    """Return a stage, job or step."""
    return {"id": ident, "ref": ref, "name": name, **more}


UNIT_STEPS = [node("e-1", "test", "tests"), node("e-2", "", "pack")]
STATE = {
    "stages": [
        node(
            "stage-2",
            "",
            "build",
            jobs=[
                node(
                    "1",
                    "unit",
                    "Unit",
                    steps=[node("e-1", "test", "tests"), node("e-2", "", "pack")],
                ),
                node("2", "", "Lint", steps=[node("e-3", "", "pack"), node("e-4", "e-1", "style")]),
            ],
        )
    ]
}


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ((RUN, None), f"/api/v1/runs/{RUN}"),
        (("@latest", None), f"{RUNS}?limit=1"),
        (("@failed", None), f"{RUNS}?limit=1&status=failed"),
        (("@latest", PIPELINE), f"{RUNS}?limit=1&pipeline={PIPELINE}"),
        (("7", PIPELINE), f"{RUNS}?limit=1&number=7&pipeline={PIPELINE}"),
        (("#7", "web"), f"{RUNS}?limit=1&number=7&pipeline={PIPELINE}"),
    ],
)
def test_run(api: FakeApi, session: Session, words: tuple[str, str | None], target: str) -> None:
    """Each way to name a run asks the server for exactly that one."""
    found = {"id": RUN}
    api.answers["GET", f"/api/v1/runs/{RUN}"] = (200, found)
    api.answers["GET", RUNS] = (200, {"items": [found], "next_cursor": None})
    pipeline = {"id": PIPELINE}
    api.answers["GET", f"/api/v1/projects/shop/pipelines/{PIPELINE}"] = (200, pipeline)
    api.answers["GET", "/api/v1/projects/shop/pipelines?name=web"] = (200, {"items": [pipeline]})

    run = find_run(session, *words)

    assert run == found
    assert api.requests[-1].target == target


@pytest.mark.parametrize("text", ["7", "b-1", "@yours", "", "-3", "0", "٧"])
def test_no_run(session: Session, api: FakeApi, text: str) -> None:
    """A text that names no run is wrong usage, and the server is not asked."""
    with pytest.raises(FailureError) as caught:
        find_run(session, text, None)

    assert caught.value.exit_code == 2
    assert api.requests == []


def test_nothing_there(session: Session, api: FakeApi) -> None:
    """Names of nothing end with exit 2 and say where it was looked for."""
    api.answers["GET", RUNS] = (200, {"items": [], "next_cursor": None})
    api.answers["GET", "/api/v1/projects/shop/pipelines"] = (200, {"items": []})

    with pytest.raises(FailureError, match="project 'shop' has no run @failed"):
        find_run(session, "@failed", None)
    with pytest.raises(FailureError, match="project 'shop' has no pipeline 'web'"):
        find_pipeline(session, "web")


@pytest.mark.parametrize(
    ("kind", "text", "ident"),
    [
        ("step", "e-1", "e-1"),  # an id comes before a ref
        ("step", "test", "e-1"),
        ("step", "style", "e-4"),
        ("job", "2", "2"),
        ("job", "unit", "1"),
        ("job", "Lint", "2"),
        ("stage", "build", "stage-2"),
    ],
)
def test_node(kind: Kind, text: str, ident: str) -> None:
    """A node is found by id, then by its author's id, then by name."""
    assert find_node(STATE, kind, text)["id"] == ident


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("step", "pack", "2 steps are called 'pack'; say which by its id: e-2, e-3"),
        ("step", "Unit", "the run has no step 'Unit'; it has e-1 (tests)"),
        ("stage", "", "the run has no stage ''"),
    ],
)
def test_no_node(kind: Kind, text: str, says: str) -> None:
    """A name of nothing, or of several, is wrong usage; the message helps on."""
    with pytest.raises(FailureError) as caught:
        find_node(STATE, kind, text)

    assert caught.value.exit_code == 2
    assert caught.value.message.startswith(says)
