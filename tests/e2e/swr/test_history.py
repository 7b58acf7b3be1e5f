"""Jobs of a stage and their logs, stops, and what is run for each stage type."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import (
    build,
    builds,
    commit,
    definition,
    deploy,
    make_repository,
    package,
    release_only,
    source,
    source_input,
)
from e2e.swr.scenario import (
    INVALID,
    NOT_STOPPABLE,
    OK,
    UNKNOWN,
    ZERO_TIME,
    Pipeline,
    assert_empty_object,
    wait_ran,
)
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.swr.client import SwrClient
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

MICROSECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
ANY_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
KEPT_JOBS = 20


def lines(log: Json) -> list[Json]:
    """Return the records of a log: each `content` is a string that holds a JSON array."""
    found: list[Json] = []
    for entry in log["log"]:
        assert isinstance(entry["content"], str)
        assert re.fullmatch(ANY_TIME, entry["created_at"])
        records = json.loads(entry["content"])
        assert isinstance(records, list)
        found.extend(records)
    return found


def messages(log: Json) -> list[str]:
    """Return the texts of the lines of a log."""
    return [str(each["Message"]).rstrip("\n") for each in lines(log) if each["Type"] == "content"]


def test_fields_of_a_job(dev1: SwrClient, repository: str) -> None:
    """A job has the fields of the dialect in their types."""
    pipeline = Pipeline(dev1, definition([source(repository), build("one", "true")]))
    pipeline.run("success")

    [job], [second] = pipeline.jobs(0), pipeline.jobs(1)

    assert job["service"] == "code_source"
    assert job["service_id"] == pipeline.created["stages"][0]["id"]
    assert (job["region_name"], job["resource_type"]) == ("", "image")
    assert (job["state"], job["mode"]) == ("Successful", "start")
    assert job["pkg"] == {"git_branch": "main", "git_clone_type": "branch", "git_tag": ""}
    assert job["creator_name"] == "dev1"
    assert isinstance(job["creator_id"], str)
    assert re.fullmatch(MICROSECONDS, job["created_at"])
    assert type(job["log_num"]) is int
    assert isinstance(job["resource"], str)
    assert second["pkg"] is None
    assert second["id"] > job["id"]


def test_times_of_a_run(dev1: SwrClient, bench: Workbench) -> None:
    """Times have microseconds and lie in their order."""
    pipeline = Pipeline(dev1, builds(bench, "one", "two"))

    status = pipeline.run("success")

    first, second = status["stages"]
    order = [
        status["created_time"],
        status["start_time"],
        first["start_time"],
        first["end_time"],
        second["start_time"],
        second["end_time"],
    ]
    assert all(re.fullmatch(MICROSECONDS, each) for each in [*order, status["end_time"]])
    assert order == sorted(order)
    assert status["end_time"] >= second["end_time"]


def test_log_of_a_job(dev1: SwrClient) -> None:
    """The log is the job with records that hold JSON text; pages count records."""
    pipeline = Pipeline(dev1, definition([build("one", "echo first\necho 第二 >&2\necho last")]))
    pipeline.run("success")
    [job] = pipeline.jobs(0)

    log = pipeline.log(0, job["id"])
    path = pipeline.stage_path(0, "/jobs/latest/logs")
    page = dev1.get(path, limit=1, offset=1)

    assert log == pipeline.log(0)
    assert {key: value for key, value in log.items() if key != "log"} == job
    assert [text for text in messages(log) if text in {"first", "第二", "last"}] == [
        "first",
        "第二",
        "last",
    ]
    assert log["log_num"] == len(log["log"])
    for record in lines(log):
        assert record["Type"] in {"phase", "content"}
        assert re.fullmatch(ANY_TIME, record["Time"])
        assert type(record["Progress"]) is int
        assert isinstance(record["State"], str)
    assert page.headers["content-range"] == f"1-1/{log['log_num']}"
    assert page.json["log"] == log["log"][1:2]


def test_log_while_it_grows(dev1: SwrClient, bench: Workbench) -> None:
    """The log of a running job is there while it runs."""
    pipeline = Pipeline(dev1, definition([build("one", f"echo early\n{bench.script('one')}")]))
    bench.hold("one")
    pipeline.start()
    wait_ran(bench, "one")

    poll_until(lambda: "early" in messages(pipeline.log(0)), what="the first line is there")

    assert pipeline.jobs(0)[0]["state"] == "Building"
    assert pipeline.stage(0)["status"] == "running"
    assert pipeline.stage(0)["end_time"] == ZERO_TIME
    bench.release("one")
    pipeline.settle("success")


def test_output_of_a_deployment_is_its_log(dev1: SwrClient, target: Target) -> None:
    """What the text of a deployment prints is in the log of its job."""
    pipeline = Pipeline(dev1, release_only(target))

    pipeline.run("success", VERSION="v1")

    assert "deploy done" in messages(pipeline.log(0))


def test_manifest_of_a_deployment(dev1: SwrClient, target: Target) -> None:
    """What was deployed can be seen as YAML; the job names its image."""
    pipeline = Pipeline(dev1, release_only(target))
    pipeline.run("success", VERSION="v1")
    [job] = pipeline.jobs(0)

    answer = dev1.raw("GET", pipeline.stage_path(0, f"/jobs/{job['id']}/manifest"))

    assert answer.http == OK
    assert answer.media_type.startswith("application/yaml")
    assert "v1" in answer.text


def test_jobs_that_do_not_exist(dev1: SwrClient, bench: Workbench) -> None:
    """Unknown jobs, `latest` without a job and wrong stages have their own answers."""
    pipeline = Pipeline(dev1, builds(bench, "one"))

    found = [
        dev1.get(pipeline.stage_path(0, "/jobs/latest/logs")),
        dev1.get(pipeline.stage_path(0, "/jobs/99999999/logs")),
        dev1.get(pipeline.stage_path(0, "/jobs/abc/logs")),
        dev1.get(pipeline.stage_path(7, "/jobs")),
        dev1.get(f"{pipeline.path}/stages/x/jobs"),
    ]

    assert [answer.error for answer in found] == [UNKNOWN, UNKNOWN, INVALID, UNKNOWN, INVALID]
    assert dev1.get(pipeline.stage_path(0, "/jobs")).json == []


def test_job_of_another_stage(dev1: SwrClient, bench: Workbench) -> None:
    """A job is found below its own stage only."""
    pipeline = Pipeline(dev1, builds(bench, "one", "two"))
    pipeline.run("success")
    [job] = pipeline.jobs(1)

    answer = dev1.get(pipeline.stage_path(0, f"/jobs/{job['id']}/logs"))

    assert answer.error == UNKNOWN


def test_jobs_by_state_and_page(dev1: SwrClient, bench: Workbench) -> None:
    """Jobs are filtered by state and paged, newest first."""
    pipeline = Pipeline(dev1, builds(bench, "one"))
    bench.break_steps("one")
    pipeline.run("stage_exception")
    bench.repair("one")
    pipeline.retry(0)
    pipeline.settle("success")
    pipeline.run("success")
    path = pipeline.stage_path(0, "/jobs")

    failed, page = dev1.get(path, state="Failed"), dev1.get(path, limit=2, offset=1)

    modes = [(job["state"], job["mode"]) for job in pipeline.jobs(0)]
    assert modes == [("Successful", "start"), ("Successful", "retry"), ("Failed", "start")]
    assert [job["state"] for job in failed.json] == ["Failed"]
    assert page.headers["content-range"] == "1-2/3"
    assert page.json == pipeline.jobs(0)[1:]


@pytest.mark.slow
def test_only_the_newest_jobs_are_shown(dev1: SwrClient, bench: Workbench) -> None:
    """The history shows the newest 20 jobs."""
    pipeline = Pipeline(dev1, builds(bench, "one"))
    for _ in range(KEPT_JOBS + 1):
        pipeline.run("success")

    jobs = pipeline.jobs(0)

    assert len(jobs) == KEPT_JOBS
    assert [job["id"] for job in jobs] == sorted((job["id"] for job in jobs), reverse=True)
    assert pipeline.variables()["SYS_INCREMENT"] == str(KEPT_JOBS + 1)


# --- stop -------------------------------------------------------------------------------------


def test_stop(dev1: SwrClient, bench: Workbench) -> None:
    """A stop cancels the run; the stage can be retried, and the rest runs then."""
    pipeline = Pipeline(dev1, builds(bench, "one", "two", "three"))
    bench.hold("two")
    pipeline.start()
    wait_ran(bench, "two")

    answer = pipeline.stop()

    assert_empty_object(answer)
    status = pipeline.settle("cancel")
    assert status["end_time"] > status["start_time"]
    assert pipeline.stage_statuses() == ["success", "cancel", "waiting"]
    assert pipeline.jobs(1)[0]["state"] == "Cancel"
    assert pipeline.stop().error == NOT_STOPPABLE
    bench.release("two")
    assert_empty_object(pipeline.retry(1))
    pipeline.settle("success")
    assert bench.counts("one", "two", "three") == [1, 2, 1]


def test_stop_of_a_held_run(dev1: SwrClient, bench: Workbench) -> None:
    """A stop ends a hold; the failed stage keeps its failure and can still be retried."""
    pipeline = Pipeline(dev1, builds(bench, "one"))
    bench.break_steps("one")
    held = pipeline.run("stage_exception")

    answer = pipeline.stop()

    assert_empty_object(answer)
    assert held["hold_until"] > held["start_time"]
    status = pipeline.settle("cancel")
    assert (status["stages"][0]["status"], status["hold_until"]) == ("stage_exception", ZERO_TIME)
    bench.repair("one")
    assert_empty_object(pipeline.retry(0))
    pipeline.settle("success")


def test_stop_of_a_deployment_then_rollback(dev1: SwrClient, target: Target) -> None:
    """A deployment that was stopped is no version: the rollback applies the live one again."""
    pipeline = Pipeline(dev1, release_only(target))
    pipeline.run("success", VERSION="v1")
    target.set("deploy.hold")
    pipeline.start(VERSION="v2")
    target.wait_act("deploy", 2)

    assert_empty_object(pipeline.stop())
    pipeline.settle("cancel")
    target.clear("deploy.hold")
    pipeline.roll_back()

    assert target.live == "v1"
    assert [act.version for act in target.acts("rollback")] == ["v1"]


def test_start_of_a_held_run_is_a_new_one(dev1: SwrClient, bench: Workbench) -> None:
    """A start by a user discards what is held and renews the system variables."""
    pipeline = Pipeline(dev1, builds(bench, "one"))
    bench.break_steps("one")
    pipeline.run("stage_exception")
    before = pipeline.variables()
    bench.repair("one")

    pipeline.run("success")

    after = pipeline.variables()
    assert (before["SYS_INCREMENT"], after["SYS_INCREMENT"]) == ("1", "2")
    assert after["SYS_TIMESTAMP"] > before["SYS_TIMESTAMP"]


# --- what runs --------------------------------------------------------------------------------


def test_scripts_and_their_inputs(dev1: SwrClient, tmp_path: Path, repository: str) -> None:
    """The first source is the work folder, a second one a folder of its name; `sh -e` runs."""
    other = make_repository(tmp_path / "other", {"data.txt": "42\n"}, "tools")
    script = "cat index.html > seen\ncat more/data.txt >> seen\ncat seen"
    inputs = [source_input(0), source_input(1, "more")]
    stages = [
        source(repository),
        source(other, "tools"),
        build("a", script, input_resources=inputs),
    ]
    pipeline = Pipeline(dev1, definition(stages))

    pipeline.run("success")

    assert {"<h1>shop</h1>", "42"} <= set(messages(pipeline.log(2)))


def test_system_variables_of_a_run(dev1: SwrClient) -> None:
    """SYS_TIMESTAMP is the time of the start in UTC+8; SYS_INCREMENT counts the starts."""
    script = "echo '${SYS_TIMESTAMP} ${SYS_INCREMENT}'"
    pipeline = Pipeline(dev1, definition([build("one", script)]))

    status = pipeline.run("success")

    found = pipeline.variables()
    east = timezone(timedelta(hours=8))
    shown = datetime.strptime(found["SYS_TIMESTAMP"][:14], "%Y%m%d%H%M%S").replace(tzinfo=east)
    started = datetime.fromisoformat(status["start_time"])
    assert abs(shown - started) < timedelta(minutes=1)
    assert f"{found['SYS_TIMESTAMP']} 1" in messages(pipeline.log(0))


def test_script_ends_at_its_first_failure(dev1: SwrClient) -> None:
    """A script ends at the first command that fails."""
    pipeline = Pipeline(dev1, definition([build("one", "false\necho never-printed")]))

    pipeline.run("stage_exception")

    assert "never-printed" not in messages(pipeline.log(0))


def test_script_with_its_own_interpreter(dev1: SwrClient) -> None:
    """A first line `#!` chooses another interpreter."""
    script = "#!/usr/bin/env python3\nprint('by', 'python')\n"
    pipeline = Pipeline(dev1, definition([build("one", script)]))

    pipeline.run("success")

    assert "by python" in messages(pipeline.log(0))


def test_variables_in_scripts(dev1: SwrClient) -> None:
    """Declared variables are replaced once; all other `${…}` is the shell's."""
    script = "own=shell\necho '${VERSION}'/${own}/${SYS_INCREMENT}"
    pipeline = Pipeline(dev1, definition([build("one", script)]))

    pipeline.run("success", VERSION="a${SYS_INCREMENT}")

    assert "a${SYS_INCREMENT}/shell/1" in messages(pipeline.log(0))


def test_output_that_is_missing(dev1: SwrClient) -> None:
    """A build whose output file is not there fails."""
    made = package("1", "app.war", "target/app.war")
    pipeline = Pipeline(dev1, definition([build("one", "true", output_resources=[made])]))

    pipeline.run("stage_exception")

    assert pipeline.jobs(0)[0]["state"] == "Failed"


def test_input_package_that_is_missing(dev1: SwrClient) -> None:
    """A package that does not exist fails the stage that wants it."""
    wanted = package("1", "app.war", name="libs%20nothing")
    pipeline = Pipeline(dev1, definition([build("one", "true", input_resources=[wanted])]))

    status = pipeline.run("stage_exception", "runtime_exception")

    assert status["stage_index"] == 0


def test_commit_of_a_run(dev1: SwrClient, tmp_path: Path, repository: str) -> None:
    """A retry of a later stage keeps the commit of the run; a new run takes the newest one."""
    script = "grep -q new index.html"
    stages = [source(repository), build("a", script, input_resources=[source_input()])]
    pipeline = Pipeline(dev1, definition(stages))
    pipeline.run("stage_exception")
    commit(tmp_path / "git" / "shop.work", {"index.html": "new\n"}, push_to=repository)

    answer = pipeline.retry(1)

    assert_empty_object(answer)
    pipeline.settle("stage_exception")
    pipeline.run("success")


def test_retry_of_a_source_stage(dev1: SwrClient, tmp_path: Path, repository: str) -> None:
    """A retry of a source stage fetches again, and what follows runs with what it found."""
    moved = tmp_path / "git" / "moved.git"
    bare = tmp_path / "git" / "shop.git"
    pipeline = Pipeline(
        dev1,
        definition(
            [source(repository), build("a", "cat index.html", input_resources=[source_input()])]
        ),
    )
    bare.rename(moved)
    pipeline.run("stage_exception", "unauthorized")
    moved.rename(bare)

    answer = pipeline.retry(0)

    assert_empty_object(answer)
    pipeline.settle("success")
    assert "<h1>shop</h1>" in messages(pipeline.log(1))


def test_source_that_is_not_there(dev1: SwrClient, tmp_path: Path) -> None:
    """A repository that can't be fetched fails the source stage."""
    url = f"file://{tmp_path}/nowhere/shop.git"
    pipeline = Pipeline(dev1, definition([source(url)]))

    status = pipeline.run("stage_exception", "unauthorized")

    assert status["stages"][0]["status"] == status["status"]


def test_tag_of_a_repository(dev1: SwrClient, repository: str) -> None:
    """A tag that does not exist fails; the branch before it was not taken instead."""
    given = definition([source(repository, branch=None, tag="v9")])
    pipeline = Pipeline(dev1, given)

    pipeline.run("stage_exception")

    assert pipeline.jobs(0)[0]["pkg"]["git_clone_type"] == "tag"
    assert pipeline.jobs(0)[0]["pkg"]["git_tag"] == "v9"


# --- environments -----------------------------------------------------------------------------


def test_pipelines_share_an_environment(dev1: SwrClient, target: Target) -> None:
    """Two pipelines with the same environment share its ledger and its live release."""
    first, second = (Pipeline(dev1, release_only(target)) for _ in range(2))
    first.run("success", VERSION="v1")

    second.run("success", VERSION="v2")

    assert [act.previous for act in target.acts("deploy")] == ["", "v1"]
    second.roll_back()
    assert target.live == "v1"


def test_retry_of_an_older_run_is_refused(dev1: SwrClient, target: Target) -> None:
    """A retry that would deploy something older than what is live is refused with R12."""
    first, second = (Pipeline(dev1, release_only(target)) for _ in range(2))
    target.set("deploy.broken")
    first.run("stage_exception", VERSION="v1")
    target.clear("deploy.broken")
    second.run("success", VERSION="v2")

    answer = first.retry(0)

    assert answer.error == INVALID
    assert "R12" in answer.detail
    assert "roll" in answer.detail
    assert target.live == "v2"


def test_lock_of_an_environment(dev1: SwrClient, target: Target) -> None:
    """Two deployments of one environment never run at the same time; both are carried out."""
    first, second = (Pipeline(dev1, release_only(target)) for _ in range(2))
    target.set("deploy.hold")
    first.start(VERSION="v1")
    target.wait_act("deploy")

    second.start(VERSION="v2")
    second.wait_stage(0, "running")

    assert len(target.acts("deploy")) == 1
    target.clear("deploy.hold")
    first.settle("success")
    second.settle("success")
    assert [act.version for act in target.acts("deploy")] == ["v1", "v2"]
    assert [act.previous for act in target.acts("deploy")] == ["", "v1"]


def test_command_that_takes_too_long(dev1: SwrClient, target: Target) -> None:
    """A text that runs longer than `timeout_s` fails the stage."""
    pipeline = Pipeline(dev1, release_only(target, timeout_s=1))
    target.set("deploy.hold")

    status = pipeline.run("stage_exception", "timeout")

    assert status["status"] == "stage_exception"
    assert target.live == ""


def test_release_folder_has_the_packages(dev1: SwrClient, target: Target) -> None:
    """An archive is unpacked, another file copied into the folder where the texts run."""
    pack = "mkdir d\necho ${VERSION} > d/inside\ntar czf app.tgz d\necho plain > plain.txt"
    outputs = [package("1", name, name, "libs%20folder") for name in ("app.tgz", "plain.txt")]
    inputs = [package("1", name, name="libs%20folder") for name in ("app.tgz", "plain.txt")]
    text = '[ "$PWD" -ef "$MULLIGAN_RELEASE_DIR" ]\ncat d/inside plain.txt'
    release = deploy(target.info(deploy=text, rollback=None, status=None), tag=None)
    stages = [
        build("pack", pack, output_resources=outputs),
        {**release, "input_resources": inputs},
    ]
    pipeline = Pipeline(dev1, definition(stages))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)

    pipeline.roll_back(1)

    assert [text for text in messages(pipeline.log(1)) if text in {"v1", "v2", "plain"}] == [
        "v1",
        "plain",
    ]


def test_unknown_keys_of_a_target_are_kept(dev1: SwrClient, target: Target) -> None:
    """Keys that nobody knows stay in the text and do no harm."""
    pipeline = Pipeline(dev1, release_only(target, surprise={"a": [1]}))

    pipeline.run("success", VERSION="v1")

    info = json.loads(pipeline.detail()["stages"][0]["params"]["input_info"])
    assert info["surprise"] == {"a": [1]}
