"""How quality rules judged builds: the list of interception records."""

from typing import Any

import pytest
from immutables import Map
from msgspec.structs import replace

from bkci.calling import Caller
from bkci.scenes import at, b1, compiled, minimal_model
from mulligan.core.errors import InvalidError
from mulligan.core.flow.quality import Side, gate_node
from mulligan.core.ids import StageId
from mulligan.core.run import Gate, Stage
from mulligan.core.status import Status
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.model_gates import read_gates
from mulligan.facades.bkci.quality_out import render_quality
from mulligan.testing.server import poll_until

STAGE = StageId("stage-2")
LIST = "projects/{p}/quality/intercept_list"
RULE = {"conditions": [{"metric": "cover", "operator": ">=", "value": 0.8}]}


def put_rule(alice: Caller, ident: str, *gatekeepers: str) -> None:
    """Make a rule over the own API."""
    made = alice.http.put(
        f"/api/v1/projects/{alice.project}/quality-rules/{ident}",
        json={**RULE, "name": f"Rule {ident}", "gatekeepers": gatekeepers},
        headers={"X-DEVOPS-UID": "alice"},
    )
    assert made.status_code == 200


def judged(alice: Caller, name: str, *rules: str) -> dict[str, Any]:
    """Start a build whose stage has rules before it; return its ids once it was looked at."""
    model = minimal_model(stage_2={"checkIn": {"ruleIds": list(rules)}})
    pipeline = alice.make_pipeline(name, stages=model["stages"])
    started = alice.call("POST", "projects/{p}/build_start", {}, pipelineId=pipeline)

    def looked_at() -> bool:
        return bool(alice.call("GET", LIST, pipelineId=pipeline)["count"])

    poll_until(looked_at, what="the check")
    return dict(started)


def words(alice: Caller, **query: Any) -> list[tuple[str, str]]:
    """Return (rule, result) of the records."""
    page = alice.call("GET", LIST, **query)
    assert page["count"] == len(page["records"])
    return [(row["ruleHashId"], row["interceptResult"]) for row in page["records"]]


def test_records_tell_what_each_rule_came_to(alice: Caller) -> None:
    """A rule that nobody may pass fails; a gatekeeper's answer changes what waited."""
    put_rule(alice, "hard")
    put_rule(alice, "soft", "alice")
    failed = judged(alice, "one", "hard")
    waiting = judged(alice, "two", "soft")
    assert words(alice) == [("soft", "WAIT"), ("hard", "FAIL")]

    alice.call(
        "POST",
        "projects/{p}/manual_start_build_stage",
        buildId=waiting["id"],
        stageId="stage-2",
    )

    soft, hard = alice.call("GET", LIST)["records"]
    assert (soft["interceptResult"], hard["interceptResult"]) == ("INTERCEPT_PASS", "FAIL")
    assert soft["qualityRuleBuildHisOpt"]["gateOptUser"] == "alice"
    assert soft["num"] > hard["num"]
    assert (hard["pipelineId"], hard["buildId"]) == (failed["pipelineId"], failed["id"])
    assert (hard["pipelineName"], hard["pipelineIsDelete"]) == ("one", False)
    assert (hard["ruleName"], hard["buildNo"], hard["checkTimes"]) == ("Rule hard", "1", 1)
    assert hard["remark"] == "cover= (>=0.8)"


def test_records_are_filtered_and_paged(alice: Caller) -> None:
    """Each parameter narrows; a page has its part and the count of all."""
    put_rule(alice, "hard")
    put_rule(alice, "soft", "alice")
    started = judged(alice, "one", "hard", "soft")
    other = judged(alice, "two", "hard")
    when = alice.call("GET", LIST)["records"][0]["timestamp"]

    assert words(alice, pipelineId=other["pipelineId"]) == [("hard", "FAIL")]
    assert words(alice, ruleHashId="soft") == [("soft", "FAIL")]
    assert words(alice, interceptResult="PASS") == words(alice, interceptResult="UNCHECK") == []
    assert len(words(alice, interceptResult="FAIL", pipelineId=started["pipelineId"])) == 2
    assert words(alice, endTime=when - 3_600_000) == words(alice, pipelineId="p-none") == []
    assert len(words(alice, startTime=when - 3_600_000, endTime=when + 1)) == 3
    page = alice.call("GET", LIST, page=2, pageSize=2)
    assert (page["count"], page["totalPages"], len(page["records"])) == (3, 2, 1)


@pytest.mark.parametrize("name", ["interceptResult", "startTime", "page"])
def test_wrong_parameters_are_named(alice: Caller, name: str) -> None:
    """The message says which one."""
    query: dict[str, Any] = {name: "x"}

    status, answer = alice.send("GET", LIST, **query)

    assert (status, answer["status"]) == (400, 400)
    assert name in answer["message"]


def test_gates_of_the_model_itself(alice: Caller) -> None:
    """Our own member: rules that stand in the stage, with gatekeepers; wrong ones are refused."""
    gate = {"name": "Tested", "rules": ["tests.cover >= 0.8"], "gatekeepers": ["alice"]}
    model = minimal_model(stage_2={"checkIn": {"gates": [gate]}})
    pipeline = alice.make_pipeline("gated", stages=model["stages"])
    started = alice.call("POST", "projects/{p}/build_start", {}, pipelineId=pipeline)
    poll_until(lambda: words(alice) == [("stage-2:check-in:1", "WAIT")], what="the check")

    where = {"buildId": started["id"], "stageId": "stage-2"}
    alice.call("POST", "projects/{p}/manual_start_build_stage", **where)

    [record] = alice.call("GET", LIST)["records"]
    assert (record["ruleName"], record["interceptResult"]) == ("Tested", "INTERCEPT_PASS")
    assert record["remark"] == "tests.cover= (>=0.8)"


WRONG_GATES = {
    "a rule": ({"rules": ["cover > 1"]}, "gate-rule"),
    "no rule": ({"rules": []}, "item-count"),
    "too many rules": ({"rules": ["a.b > 1"] * 101}, "item-count"),
    "nobody told": ({"rules": ["a.b > 1"], "notices": [{"types": ["EMAIL"]}]}, "item-count"),
}


@pytest.mark.parametrize("case", WRONG_GATES)
def test_wrong_gates_are_refused(case: str) -> None:
    """A gate that can't be judged is not stored."""
    gate, code = WRONG_GATES[case]
    stage = Part({"id": "stage-2", "checkOut": {"gates": [gate]}}, "/stages/1")
    with pytest.raises(InvalidError) as caught:
        read_gates(stage, "checkOut", Side.OUT)

    assert caught.value.code == code
    assert caught.value.pointer.startswith("/stages/1/checkOut/gates/0/")


def test_too_many_gates() -> None:
    """Ten at a side of a stage are enough."""
    stage = Part({"id": "stage-2", "checkIn": {"gates": [{"rules": ["a.b > 1"]}] * 11}})
    with pytest.raises(InvalidError, match="0 to 10"):
        read_gates(stage, "checkIn", Side.IN)


@pytest.mark.parametrize(
    ("stage", "word"),
    [
        (Stage(id=STAGE, status=Status.FAILED), "QUALITY_CHECK_FAIL"),
        (Stage(id=STAGE, status=Status.SUCCEEDED, run_attempt=2), "QUALITY_CHECK_PASS"),
        (Stage(id=STAGE, status=Status.FAILED, run_attempt=2), None),
    ],
)
def test_a_refusal_is_of_its_attempt(stage: Stage, word: str | None) -> None:
    """A stage that ran again is not shown with what its rules came to before."""
    source = {"checkOut": {"ruleIds": ["hard"]}}
    index, _ = compiled(minimal_model(stage_2=source))
    spec = index.spec.stages[index.stages[STAGE]]
    node = gate_node(STAGE, Side.OUT)
    gate = Gate(
        node=node, number=1, kind="quality", run_attempt=1, opened_at=at(1), state="rejected"
    )
    run, _ = b1(minimal_model(stage_2=source))
    run = replace(run, gates=Map({node: gate}), stages=Map({STAGE: stage}))

    found = render_quality(AttemptView(run), source, spec)

    assert found.get("checkOut", {}).get("status") == word
