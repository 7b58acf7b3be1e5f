"""Who has no right is told so before anything is looked up: what there is stays unknown."""

import re

import pytest

from bkci.calling import Caller
from mulligan.core.ids import UserName
from mulligan.core.records import User
from mulligan.facades.bkci.errors import NotServedError
from mulligan.facades.bkci.known_calls import KNOWN_CALLS
from mulligan.facades.bkci.routes import find


def is_served(method: str, path: str) -> bool:
    """Tell whether a call has a handler."""
    try:
        find(method, path)
    except NotServedError:
        return False
    return True


# Calls that name something besides the project: environments, machines, views, gates.
CALLS = [
    (method, re.sub(r"\{(?!project)\w+\}", "none", path).replace("{project}", "{p}"))
    for method, path, _ in KNOWN_CALLS
    if re.search("environment/|pipelineView|quality/", path) and is_served(method, path)
]
# Of these a viewer may do those that change nothing of the project.
CHANGES = [
    ("POST", "environment/projects/{p}/envs", {"name": ""}),
    ("DELETE", "environment/projects/{p}/envs", None),
    ("POST", "environment/projects/{p}/env_add_nodes", ["none"]),
    ("POST", "environment/projects/{p}/env_delete_nodes", []),
    ("POST", "projects/{p}/pipelineView", {"name": "x", "projected": True}),
]


@pytest.fixture
def stranger(alice: Caller) -> Caller:
    """Give somebody with a credential who belongs to no project."""
    assert alice.http.portal is not None
    user = User(name=UserName("sam"), created_at=alice.server.clock.now())
    alice.http.portal.call(alice.server.store.put_user, user)
    made = alice.http.post(
        "/api/v1/tokens", json={"name": "t", "user": "sam"}, headers={"X-DEVOPS-UID": "admin"}
    )
    return alice.acting_as("", token=made.json()["token"])


def test_a_stranger_learns_nothing(stranger: Caller) -> None:
    """Every call is 403, with ids that are not there and with none, with any body."""
    ids = {"envHashId": "none", "viewId": "none", "nodeHashId": "none"}
    answers = {}
    for method, path in CALLS:
        bodies: tuple[object, ...] = ({}, ["none"]) if method in {"POST", "PUT"} else (None,)
        for body in bodies:
            for query in (ids, {}):
                answers[method, path, str(body), bool(query)] = stranger.refused(
                    method, path, body, **query
                )

    assert len(CALLS) > 15
    assert {key: got for key, got in answers.items() if got != (403, 403)} == {}


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_viewer_changes_nothing(alice: Caller, method: str, path: str, body: object) -> None:
    """Also when what is named is not there, or the body is wrong."""
    viewer = alice.as_viewer()

    assert viewer.refused(method, path, body, envHashId="none") == (403, 403)


def test_a_view_of_the_project_needs_the_right_to_edit(alice: Caller) -> None:
    """Who may look finds it, and may not change it; one that is not there is 404."""
    form = {"name": "all", "projected": True, "viewType": 2, "pipelineIds": []}
    view = alice.call("POST", "projects/{p}/pipelineView/", form)["id"]
    viewer = alice.as_viewer()

    for method, body in (("PUT", form), ("DELETE", None)):
        assert viewer.refused(method, "projects/{p}/pipelineView", body, viewId=view) == (403, 403)
        missing = viewer.refused(method, "projects/{p}/pipelineView", body, viewId="none")
        assert missing == (404, 404)
