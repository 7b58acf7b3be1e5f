"""Which call a path means: version 4 and 3, calls that are not served, unknown ones."""

import re

import pytest

from bkci.calling import Caller
from bkci.scenes import minimal_model
from mulligan.facades.bkci.errors import NotServedError
from mulligan.facades.bkci.known_calls import KNOWN_CALLS
from mulligan.facades.bkci.patterns import Patterns
from mulligan.facades.bkci.routes import find


def is_served(method: str, pattern: str) -> bool:
    """Tell whether there is a handler for a call."""
    try:
        find(method, pattern)
    except NotServedError:
        return False
    return True


UNSERVED = [call for call in KNOWN_CALLS if not is_served(*call[:2])]
PATTERNS = Patterns(
    [
        ("GET", "things/{name}", "one"),
        ("GET", "things/all", "all"),
        ("PUT", "things/{name}", "change"),
    ]
)


def test_literal_paths_come_first() -> None:
    """A path without names in it wins over one with a name."""
    assert PATTERNS.find("GET", "things/all") == ("all", {})
    assert PATTERNS.find("GET", "things/x") == ("one", {"name": "x"})
    assert PATTERNS.find("GET", "things/") is None
    assert PATTERNS.find("POST", "things/x") is None
    assert PATTERNS.methods("things/x") == ("GET", "PUT")


@pytest.mark.parametrize(("method", "pattern", "name"), UNSERVED)
def test_known_calls_that_are_not_served(
    alice: Caller, method: str, pattern: str, name: str
) -> None:
    """Each is answered with 501 that names the call."""
    path = pattern.replace("{project}", "{p}")
    path = re.sub(r"\{(?!p\})\w+\}", "1", path)

    status, answer = alice.send(method, path)

    assert (status, answer["status"]) == (501, 501)
    assert name in answer["message"]


def test_resources_that_are_not_served(alice: Caller) -> None:
    """Resources that have nothing to do with builds are 501 as a whole; others stay unknown."""
    assert alice.refused("GET", "auth/project/{p}/members") == (501, 501)
    assert alice.refused("GET", "turbo/projects/{p}/list") == (501, 501)
    assert alice.refused("GET", "projects/{p}/no_such_call") == (404, 404)
    assert alice.refused("GET", "no_such_resource") == (404, 404)
    assert alice.refused("DELETE", "projects/{p}/build_start") == (405, 405)
    assert alice.refused("POST", "projects/{p}/pipelines/pipeline_count") == (405, 405)


def test_unserved_needs_a_credential(alice: Caller) -> None:
    """Who is not known learns nothing, not even what there is."""
    status, _ = alice.send(
        "GET", "atoms/atom_statistic", headers={"X-Bkapi-Authorization": '{"access_token":"x"}'}
    )

    assert status == 401


def test_version_3(alice: Caller) -> None:
    """Ids in the path do what the same ids in the query do."""
    made = alice.call("POST", "projects/{p}/pipelines", minimal_model(), api="v3")
    pipeline = f"projects/{{p}}/pipelines/{made['id']}"

    build = alice.call("POST", f"{pipeline}/builds/start", api="v3")["id"]
    status = alice.call("GET", f"{pipeline}/builds/{build}/status", api="v3")
    assert status["id"] == build
    assert alice.call("GET", f"{pipeline}/builds/history", api="v3")["count"] == 1
    assert alice.call("GET", f"{pipeline}/builds/{build}/detail", api="v3")["id"] == build
    assert alice.call("POST", f"{pipeline}/builds/{build}/variables", ["env"], api="v3")
    assert alice.call("GET", f"{pipeline}/builds/{build}/logs", api="v3")["buildId"] == build
    assert alice.call("GET", pipeline, api="v3")["name"] == "demo"
    assert alice.refused("POST", f"{pipeline}/builds/{build}/retry", api="v3")[0] == 400
    assert alice.call("POST", f"{pipeline}/builds/{build}/stop", api="v3") is True

    other = "projects/{p}/pipelines/p-" + "0" * 32 + f"/builds/{build}/retry"
    assert alice.refused("POST", other, api="v3") == (400, 400)
    assert alice.refused("GET", f"{pipeline}/builds/{build}/failed", api="v3") == (404, 404)
    assert alice.refused("GET", f"{pipeline}/builds/{build}/retry", api="v3") == (405, 405)


def test_version_3_of_other_gateways(alice: Caller) -> None:
    """All forms of a path that version 4 takes are taken."""
    for prefix in ("/apigw-app/v3", "/v3/apigw", "/prod/v3/apigw-user", "/openapi/api/apigw/v3"):
        path = f"{prefix}/projects/{alice.project}/pipelines"
        assert alice.http.get(path, headers={"X-DEVOPS-UID": "alice"}).json()["status"] == 0
