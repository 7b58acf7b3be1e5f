"""Quality rules over the own API, and a gatekeeper's answer over both."""

from typing import Any

import pytest
from native_client import NativeApi, two_steps

from mulligan.testing.server import poll_until

RULE = {
    "name": "Coverage",
    "conditions": [{"metric": "cover", "operator": ">=", "value": 0.8}],
    "gatekeepers": ["admin"],
}
PATH = "/projects/shop/quality-rules"


def test_a_rule_is_made_shown_listed_and_removed(api: NativeApi) -> None:
    """PUT makes and replaces it; pages go by cursor."""
    made = api.put(f"{PATH}/cover", RULE)
    api.put(f"{PATH}/other", RULE | {"name": "Other", "gatekeepers": []})
    api.put(f"{PATH}/cover", RULE | {"name": "Renamed"})

    first = api.get(f"{PATH}?limit=1")
    second = api.get(f"{PATH}?limit=1&cursor={first['next_cursor']}")
    api.call("DELETE", f"{PATH}/other", expect=204)

    assert made["conditions"] == [{"metric": "cover", "operator": ">=", "value": "0.8"}]
    assert [first["items"][0]["name"], second["items"][0]["id"]] == ["Renamed", "other"]
    assert second["next_cursor"] is None
    assert api.get(f"{PATH}/other", expect=404)["code"] == "not-found"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"conditions": []}, "/conditions"),
        ({"conditions": [{"metric": "m", "operator": "~", "value": 1}]}, "/conditions/0/operator"),
        ({"conditions": [{"metric": "m", "operator": "<", "value": "x"}]}, "/conditions/0/value"),
        ({"conditions": [{"metric": "m", "operator": "<", "value": "nan"}]}, "/conditions/0/value"),
        ({"conditions": [{"metric": "", "operator": "<", "value": 1}]}, "/conditions/0/metric"),
    ],
)
def test_what_can_not_be_judged_is_refused(
    api: NativeApi, change: dict[str, Any], pointer: str
) -> None:
    """The problem points at the place; nothing is stored."""
    problem = api.put(f"{PATH}/cover", RULE | change, expect=422)

    assert problem["errors"][0]["pointer"] == pointer
    assert api.get(PATH)["items"] == []


def test_a_gatekeeper_lets_a_stage_pass(api: NativeApi) -> None:
    """The stage waits, since nobody told the metric; an answer lets it begin."""
    api.put(f"{PATH}/cover", RULE)
    model = two_steps()
    model["stages"][1]["checkOut"] = {"ruleIds": ["cover"]}
    run = api.start(api.make_pipeline(model))

    def waits() -> bool:
        return [gate["kind"] for gate in api.run(run)["gates"]] == ["quality"]

    poll_until(waits, what="the quality gate")
    [gate] = api.run(run)["gates"]
    api.post(f"/projects/shop/runs/{run}/stages/{gate['node']}/answer", {"approve": True})

    assert gate["reviewers"] == ["admin"]
    api.wait(run, "succeeded")


def test_a_rule_around_a_plugin_makes_a_gate(api: NativeApi) -> None:
    """Every task of that plugin gets one; the run shows it where it stands."""
    rule = RULE | {"gatekeepers": [], "plugin": "linuxScript", "before": True}
    api.put(f"{PATH}/cover", rule)
    run = api.start(api.make_pipeline(two_steps()))

    state = api.wait(run, "failed")

    first = state["stages"][0]["jobs"][0]["steps"][0]
    assert (first["kind"], first["status"], first["cause"]) == ("quality", "failed", "quality")


def test_checks_tell_how_rules_judged_a_run(api: NativeApi) -> None:
    """One for each rule that was looked at, with the gatekeeper's answer; pages go by cursor."""
    api.put(f"{PATH}/cover", RULE)
    api.put(f"{PATH}/other", RULE | {"name": "Other"})
    model = two_steps()
    model["stages"][1]["checkIn"] = {"ruleIds": ["cover", "other"]}
    pipeline = api.make_pipeline(model)
    run = api.start(pipeline)
    checks = f"/projects/shop/quality-checks?pipeline={pipeline}"
    poll_until(lambda: len(api.get(checks)["items"]) == 2, what="the checks")
    waiting = api.get(f"{checks}&result=waiting")["items"]

    answer = f"/projects/shop/runs/{run}/stages/stage-2/answer"
    api.post(answer, {"approve": False}, expect=200)
    api.wait(run, "failed")

    first = api.get(f"{checks}&limit=1&result=refused,failed")
    second = api.get(f"{checks}&limit=1&cursor={first['next_cursor']}")
    [shown], [older] = first["items"], second["items"]
    assert [each["answered_by"] for each in waiting] == [None, None]
    assert (shown["rule"], shown["result"], shown["answered_by"]) == ("other", "refused", "admin")
    assert (older["rule"], older["name"], second["next_cursor"]) == ("cover", "Coverage", None)
    assert older["conditions"] == [
        {"metric": "cover", "operator": ">=", "value": "0.8", "found": ""}
    ]
    assert (older["run"], older["number"], older["side"]) == (run, 1, "check-in")
    assert api.get(f"{checks}&result=good", expect=400)["code"] == "bad-query"
    assert api.get(f"{checks}&rule=none&run={run}")["items"] == []
