"""Queries and bodies: typed, bounded, blank is absent, in the API's own names."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.core.errors import InvalidError
from mulligan.core.ids import ProjectId
from mulligan.core.status import Status
from mulligan.facades.bkci import bodies, wire
from mulligan.facades.bkci.errors import render_error
from mulligan.facades.bkci.query import Query
from mulligan.facades.common.errors import RequestError

RUN = "b-" + "1" * 32
PIPELINE = "p-" + "2" * 32
PROJECT = ProjectId("demo")


def query(*pairs: tuple[str, str], **values: str) -> Query:
    """Return a query of these values."""
    return Query([*pairs, *values.items()])


def message(error: InvalidError) -> str:
    """Return the English text of the answer; it must be 400/400."""
    http, body = render_error(error, "en")
    assert (http, body["status"]) == (400, 400)
    return str(body["message"])


def test_retry_by_id() -> None:
    """All parameters of `build_retry` are read under their names."""
    found = wire.read_retry(
        query(
            buildId=f" {RUN} ",
            pipelineId=PIPELINE,
            taskId=" e-1 ",
            failedContainer="TRUE",
            skip="true",
        )
    )

    assert (found.run, found.pipeline, found.target) == (RUN, PIPELINE, "e-1")
    assert (found.only_failed, found.skip, found.number) == (True, True, None)


def test_retry_by_number() -> None:
    """Without an id a run is named by its pipeline and number."""
    found = wire.read_retry(query(buildId=" ", pipelineId=PIPELINE, buildNumber="42", taskId=""))

    assert (found.run, found.pipeline, found.number) == (None, PIPELINE, 42)
    assert (found.target, found.only_failed, found.skip) == ("", False, False)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "pipelineId and buildId cannot be empty at the same time"),
        ({"buildNumber": "4"}, "pipelineId and buildId cannot be empty at the same time"),
        ({"pipelineId": PIPELINE}, "buildId and buildNumber cannot be empty at the same time"),
        ({"buildId": RUN, "skip": "yes"}, "skip"),
        ({"buildId": RUN, "failedContainer": "1"}, "failedContainer"),
        ({"pipelineId": PIPELINE, "buildNumber": "four"}, "buildNumber"),
        ({"pipelineId": PIPELINE, "buildNumber": "4.0"}, "buildNumber"),
        ({"pipelineId": PIPELINE, "buildNumber": "９"}, "buildNumber"),
        ({"pipelineId": PIPELINE, "buildNumber": "2147483648"}, "buildNumber"),
        ({"buildId": RUN, "taskId": "x" * 4001}, "taskId"),
    ],
)
def test_retry_that_names_nothing_or_nonsense(values: dict[str, str], text: str) -> None:
    """Missing names and values of a wrong type are 400 with the parameter's name."""
    with pytest.raises(InvalidError) as caught:
        wire.read_retry(query(**values))

    assert text in message(caught.value)


def test_first_value_of_a_repeated_key_counts() -> None:
    """Where one value is wanted the first that is not blank is it."""
    found = wire.read_run(query(("buildId", " "), ("buildId", "b-1"), ("buildId", "b-2")))

    assert found.run == "b-1"


@pytest.mark.parametrize(
    ("given", "expected"), [("2", 2), ("0", None), ("-3", None), ("", None), ("1", 1)]
)
def test_attempt_below_one_is_the_latest(given: str, expected: int | None) -> None:
    """`executeCount` counts from 1; anything else means the latest."""
    assert wire.read_run(query(buildId=RUN, executeCount=given)).attempt == expected


@pytest.mark.parametrize(
    ("read", "values", "name"),
    [
        (wire.read_run, {}, "buildId"),
        (wire.read_start, {}, "pipelineId"),
        (wire.read_stage_review, {"buildId": RUN}, "stageId"),
        (wire.read_step_review, {"buildId": RUN}, "elementId"),
        (wire.read_lock, {"pipelineId": PIPELINE}, "enable"),
        (wire.read_pipeline_id, {"pipelineId": " "}, "pipelineId"),
    ],
)
def test_missing_parameters_are_named(read: Any, values: dict[str, str], name: str) -> None:
    """What a call needs and does not get is named in the answer."""
    with pytest.raises(InvalidError) as caught:
        read(query(**values))

    assert f"{name} cannot be empty" in message(caught.value)


def test_start_and_reviews() -> None:
    """Queries of starts and reviews are read under their names."""
    start = wire.read_start(query(pipelineId=PIPELINE, buildNo="7", branch="dev"))
    stage = wire.read_stage_review(query(buildId=RUN, stageId="stage-3", cancel="True"))
    step = wire.read_step_review(query(buildId=RUN, stepId="approve"))

    assert (start.pipeline, start.version_number, start.branch) == (PIPELINE, 7, "dev")
    assert (stage.run, stage.stage, stage.cancel) == (RUN, "stage-3", True)
    assert (step.run, step.step) == (RUN, "approve")


@pytest.mark.parametrize(("given", "locked"), [("true", False), ("false", True)])
def test_enabling_is_unlocking(given: str, locked: bool) -> None:
    """`enable=false` locks a pipeline."""
    assert wire.read_lock(query(pipelineId=PIPELINE, enable=given)) == (PIPELINE, locked)


@pytest.mark.parametrize(
    ("page", "size", "unlimited", "expected"),
    [
        ("", "", False, (1, 20)),
        ("3", "50", False, (3, 50)),
        ("0", "0", False, (1, 20)),
        ("-1", "-5", False, (1, 20)),
        ("1", "101", False, (1, 100)),
        ("1", "500", True, (1, 500)),
        ("1", "2000000", True, (1, 10_000)),
    ],
)
def test_paging(page: str, size: str, unlimited: bool, expected: tuple[int, int]) -> None:
    """Large pages are cut without a word, senseless ones are the default."""
    found = wire.read_pipeline_list(query(page=page, pageSize=size), is_unlimited=unlimited)

    assert (found.page, found.page_size) == expected


def test_project_list_has_small_pages() -> None:
    """Projects come ten at a time by default."""
    assert wire.read_project_list(query()) == (1, 10)


def test_history_filters() -> None:
    """All filters of the history end in what the store can filter by."""
    found = wire.read_histories(
        query(
            ("status", "FAILED"),
            ("status", "RUNNING"),
            ("trigger", "SERVICE"),
            ("trigger", "MANUAL"),
            ("startUser", "alice"),
            ("startUser", "用户名"),
            pipelineId=PIPELINE,
            buildNoStart="3",
            buildNoEnd="9",
            queueTimeStartTime="1787300000000",
            endTimeEndTime="1787300065001",
            remark="flaky",
            buildMsg="night",
            updateTimeDesc="true",
            totalTimeMin="10",
            totalTimeMax="9000000000",
        ),
        PROJECT,
    )

    where = found.where
    assert (where.project, where.pipeline) == ("demo", PIPELINE)
    assert where.statuses == (Status.RUNNING, Status.FAILED)
    assert where.start_kinds == ("service", "manual")
    assert where.actors == ("alice", "用户名")
    assert (where.number_from, where.number_to) == (3, 9)
    assert where.queued_from == datetime.fromtimestamp(1_787_300_000, UTC)
    assert where.ended_to == datetime.fromtimestamp(1_787_300_065.001, UTC)
    assert (where.started_from, where.queued_to) == (None, None)
    assert (where.remark, where.message) == ("flaky", "night")
    assert (found.by_update, found.nothing) == (True, False)
    assert (found.total_min_ms, found.total_max_ms) == (10, 9_000_000_000)


@pytest.mark.parametrize(
    ("name", "value"), [("materialBranch", "main"), ("status", "SKIP"), ("triggerAlias", "a")]
)
def test_filters_that_match_nothing(name: str, value: str) -> None:
    """A filter on what no run has gives an empty page, not all runs."""
    assert wire.read_histories(query((name, value), pipelineId=PIPELINE), PROJECT).nothing


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "succeed"),
        ("trigger", "NOBODY"),
        ("startTimeStartTime", "yesterday"),
        ("startTimeStartTime", "-1"),
        ("startTimeStartTime", "999999999999999"),
        ("updateTimeDesc", "1"),
    ],
)
def test_filters_of_a_wrong_type(name: str, value: str) -> None:
    """A filter that can't be understood is refused, not ignored."""
    with pytest.raises(InvalidError) as caught:
        wire.read_histories(query((name, value), pipelineId=PIPELINE), PROJECT)

    assert caught.value.code == "bad-value"


@given(st.lists(st.tuples(st.sampled_from(["buildId", "pipelineId", "buildNumber", "skip",
    "status", "page", "startTimeStartTime"]), st.text(max_size=12)), max_size=6))  # fmt: skip
def test_any_query_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    """No text in a query brings anything but an `InvalidError` with an answer of 400."""
    answers = {
        answer_to(read, Query(pairs))
        for read in (wire.read_retry, wire.read_run, lambda q: wire.read_histories(q, PROJECT))
    }

    assert answers <= {200, 400}


def answer_to(read: Callable[[Query], object], given_query: Query) -> int:
    """Return the HTTP status that reading a query ends with."""
    try:
        read(given_query)
    except InvalidError as error:
        return render_error(error)[0]
    return 200


def test_start_values() -> None:
    """Texts stay, other values become JSON text, null is absent."""
    found = bodies.read_start_values(
        {"a": "x", "b": True, "c": 1.5, "d": 7, "e": None, "f": {"k": [1]}, "g": ""}
    )

    assert found.values == {
        "a": "x",
        "b": "true",
        "c": "1.5",
        "d": "7",
        "f": '{"k":[1]}',
        "g": "",
    }


def test_start_values_with_special_names() -> None:
    """The message is cut, steps can be switched off, and neither is a parameter."""
    found = bodies.read_start_values(
        {
            "BK_CI_BUILD_MSG": "m" * 300,
            "devops_container_condition_skip_atoms_e-1": "true",
            "devops_container_condition_skip_atoms_e-2": "false",
        }
    )

    assert found.message == "m" * 255
    assert found.disabled_steps == {"e-1"}
    assert found.values == {}


@pytest.mark.parametrize("body", [None, {}])
def test_start_without_body(body: object) -> None:
    """An absent and an empty body start with the defaults."""
    assert bodies.read_start_values(body) == bodies.StartValues()


@pytest.mark.parametrize(
    "body", [[], "text", 5, {"a" * 256: "x"}, {str(n): "" for n in range(1001)}]
)
def test_start_values_that_are_none(body: object) -> None:
    """A body that is no map of parameters is refused."""
    with pytest.raises(InvalidError) as caught:
        bodies.read_start_values(body)

    assert render_error(caught.value)[0] == 400


def test_names_of_variables() -> None:
    """One to fifty names are taken."""
    assert bodies.read_names(["a", "b"]) == ("a", "b")
    for wrong in ([], ["x"] * 51, {"a": 1}, [1], None):
        with pytest.raises(InvalidError) as caught:
            bodies.read_names(wrong)
        assert render_error(caught.value)[0] == 400


def test_too_many_run_ids() -> None:
    """More than a hundred builds at once have a number of their own."""
    with pytest.raises(InvalidError) as caught:
        bodies.read_run_ids(["b"] * 101)

    assert render_error(caught.value)[1]["status"] == 2101282


def test_no_run_ids() -> None:
    """Of no builds there are no statuses: that is an answer, not an error."""
    assert bodies.read_run_ids([]) == ()


def test_stage_review_body() -> None:
    """The group, the words and the changed values of a stage review, or nothing at all."""
    found = bodies.read_stage_review_body(
        {
            "id": "g1",
            "suggest": "ok",
            "reviewParams": [
                {"key": "version", "value": 1.5, "valueType": "STRING"},
                {"key": "fast", "value": "true", "valueType": "BOOLEAN"},
                {"key": "where", "value": ["a", "b"], "valueType": "MULTIPLE"},
                {"key": "empty", "value": None},
                {"key": "", "value": "x"},
            ],
        }
    )

    assert (found.group, found.suggestion) == ("g1", "ok")
    assert found.values == {"version": "1.5", "fast": True, "where": ["a", "b"]}
    assert bodies.read_stage_review_body(None) == bodies.ReviewAnswer()


@pytest.mark.parametrize(
    "param",
    [
        {"key": "a", "value": "perhaps", "valueType": "BOOLEAN"},
        {"key": "a", "value": {"b": 1}, "valueType": "MULTIPLE"},
        {"key": "a", "value": ["b"], "valueType": "STRING"},
    ],
)
def test_review_values_of_a_wrong_type(param: dict[str, Any]) -> None:
    """A value must be of the type that the parameter says."""
    with pytest.raises(InvalidError) as caught:
        bodies.read_stage_review_body({"reviewParams": [param]})

    assert caught.value.code == "bad-type"


@pytest.mark.parametrize(("word", "approve"), [("PROCESS", True), ("ABORT", False)])
def test_review_task_body(word: str, approve: bool) -> None:
    """A review task is approved or refused by its status."""
    found = bodies.read_step_review_body({"status": word, "suggest": "s", "params": []})

    assert (found.approve, found.suggestion, found.values) == (approve, "s", {})


@pytest.mark.parametrize("body", [None, {}, {"status": " "}, {"status": "MAYBE"}])
def test_review_task_without_decision(body: object) -> None:
    """A review task is never approved by default."""
    with pytest.raises(InvalidError):
        bodies.read_step_review_body(body)


def test_pause_body() -> None:
    """A pause is answered for a task by id or by ref, with or without changed inputs."""
    by_id = bodies.read_pause({"taskId": "e-1", "isContinue": True, "element": {"script": "x"}})
    by_ref = bodies.read_pause({"stepId": "test", "isContinue": False})

    assert (by_id.step, by_id.go_ahead, by_id.element) == ("e-1", True, {"script": "x"})
    assert (by_ref.step, by_ref.go_ahead, by_ref.element) == ("test", False, None)
    assert bodies.read_pause({"isContinue": True}).step == ""


def test_pause_with_too_long_an_element() -> None:
    """An element over its bound has the published number."""
    with pytest.raises(InvalidError) as caught:
        bodies.read_pause({"isContinue": True, "element": {"script": "x" * 70_000}})

    http, body = render_error(caught.value)
    assert (http, body["status"]) == (500, 2101109)


def test_remark() -> None:
    """A remark has at most 4095 characters; null clears it."""
    assert bodies.read_remark({"remark": "r" * 4095}) == "r" * 4095
    assert bodies.read_remark({"remark": None}) == ""
    with pytest.raises(InvalidError) as caught:
        bodies.read_remark({"remark": "r" * 4096})
    assert render_error(caught.value)[1]["status"] == 2101281


def test_project_body() -> None:
    """The English name is the id; the rest is kept."""
    found = bodies.read_project(
        {"projectName": "Demo", "englishName": "demo", "description": "d", "bgId": 7}
    )

    assert (found.id, found.name, found.description) == ("demo", "Demo", "d")
    assert found.extra["bgId"] == 7
    assert bodies.read_project({"englishName": "demo"}).name == "demo"
    with pytest.raises(InvalidError):
        bodies.read_project({"projectName": "Demo"})


@pytest.mark.parametrize(
    ("content_type", "body", "fine"),
    [
        ("", b"{}", True),
        ("application/json", b"{}", True),
        ("Application/JSON; charset=utf-8", b"{}", True),
        ("application/problem+json", b"{}", True),
        ("text/plain", b"", True),
        ("text/plain", b"{}", False),
        ("application/x-www-form-urlencoded", b"a=1", False),
    ],
)
def test_media_types(content_type: str, body: bytes, fine: bool) -> None:
    """Only a body of another type is refused, with 415."""
    status = 200
    try:
        bodies.check_media_type(content_type, body)
    except RequestError as error:
        status = error.status

    assert (status == 200) is fine
    assert status in {200, 415}
