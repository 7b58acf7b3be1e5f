"""Build BK-CI pipeline models whose steps a test can break, hold and count; read them back."""

from __future__ import annotations

import shlex
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Json = dict[str, Any]


class Workbench:
    """Own a directory by which a test steers the steps of its pipelines and sees what ran.

    Every step made with `script` first appends its name to the journal, then waits while its
    hold file is there, and at its end fails if it is broken.
    """

    def __init__(self, directory: Path) -> None:
        """Use `directory`, which is made when missing."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.journal_path = directory / "journal"

    def script(self, name: str, *lines: str) -> str:
        """Return the shell script of the step `name`.

        Args:
            name: one word, unique in the pipeline.
            *lines: further shell lines, run after the hold and before the verdict.
        """
        hold, broken = self._flag(name, "hold"), self._flag(name, "broken")
        return "\n".join(
            [
                f"echo {shlex.quote(name)} >> {shlex.quote(str(self.journal_path))}",
                f"while [ -e {shlex.quote(str(hold))} ]; do sleep 0.05; done",
                *lines,
                f"[ ! -e {shlex.quote(str(broken))} ]",
                "",
            ]
        )

    def note(self, text: str) -> str:
        """Return a shell line that appends `text`, expanded, to the journal."""
        return f'echo "{text}" >> {shlex.quote(str(self.journal_path))}'

    def break_steps(self, *names: str) -> None:
        """Let the steps `names` fail whenever they run, until `repair`."""
        for name in names:
            self._flag(name, "broken").touch()

    def repair(self, *names: str) -> None:
        """Let the steps `names` succeed from now on."""
        for name in names:
            self._flag(name, "broken").unlink()

    def hold(self, *names: str) -> None:
        """Let the steps `names` wait after they have noted their start, until `release`."""
        for name in names:
            self._flag(name, "hold").touch()

    def release(self, *names: str) -> None:
        """Let the steps `names` go on."""
        for name in names:
            self._flag(name, "hold").unlink()

    def release_all(self) -> None:
        """Let every step go on, so that a test that failed leaves nothing waiting."""
        for hold in self.directory.glob("*.hold"):
            hold.unlink(missing_ok=True)

    def journal(self) -> list[str]:
        """Return the lines that steps wrote, in the order of writing."""
        if not self.journal_path.exists():
            return []
        return self.journal_path.read_text(encoding="utf-8").splitlines()

    def ran(self, name: str) -> int:
        """Return how often the step `name` was started."""
        return self.journal().count(name)

    def counts(self, *names: str) -> list[int]:
        """Return how often each of `names` was started, in the order given."""
        journal = self.journal()
        return [journal.count(name) for name in names]

    def _flag(self, name: str, kind: str) -> Path:
        return self.directory / f"{name}.{kind}"


def step(name: str, script: str, *, step_id: str | None = None, **options: object) -> Json:
    """Return a `linuxScript` task.

    Args:
        name: display name; the tests find the task by it.
        script: text for the shell.
        step_id: the user's own id (`stepId`).
        **options: members of `additionalOptions`.
    """
    element: Json = {
        "@type": "linuxScript",
        "id": f"e-{uuid.uuid4().hex}",
        "name": name,
        "scriptType": "SHELL",
        "script": script,
    }
    if step_id is not None:
        element["stepId"] = step_id
    if options:
        element["additionalOptions"] = {"enable": True, "timeout": 100, **options}
    return element


def job(
    name: str,
    elements: Sequence[Json],
    *,
    control: Json | None = None,
    kind: str = "normal",
    **fields: object,
) -> Json:
    """Return a job (container); its number is given by `pipeline`.

    Args:
        name: display name and `jobId`.
        elements: its tasks in order.
        control: members of `jobControlOption`.
        kind: `normal` or `vmBuild`.
        **fields: further members of the container, e.g. `baseOS="LINUX"`.
    """
    container: Json = {"@type": kind, "jobId": name, "name": name, "elements": [*elements]}
    if control:
        container["jobControlOption"] = {"enable": True, "timeout": 900, **control}
    return {**container, **fields}


def stage(name: str, jobs: Sequence[Json], **fields: object) -> Json:
    """Return a stage; `fields` are further members, e.g. `fastKill=True`, `checkIn={…}`."""
    return {"name": name, "containers": [*jobs], **fields}


def finally_stage(jobs: Sequence[Json]) -> Json:
    """Return the stage that runs whatever happened before."""
    return stage("finally", jobs, **{"finally": True})


def review(*reviewers: Sequence[str]) -> Json:
    """Return the `checkIn` of a stage: one review group per argument, asked in this order."""
    groups = [{"name": f"Flow {n}", "reviewers": [*who]} for n, who in enumerate(reviewers, 1)]
    return {"manualTrigger": True, "timeout": 24, "reviewGroups": groups}


def parameter(name: str, default: str, **fields: object) -> Json:
    """Return a start parameter of type STRING; `fields` as in `BuildFormProperty`."""
    return {"id": name, "required": True, "type": "STRING", "defaultValue": default, **fields}


def pipeline(
    name: str,
    stages: Sequence[Json],
    *,
    params: Sequence[Json] = (),
    manual_trigger: bool = True,
) -> Json:
    """Return a whole model: the trigger stage, then `stages`, numbered by position.

    Args:
        name: pipeline name, unique in its project.
        stages: without the trigger stage.
        params: start parameters.
        manual_trigger: whether its element is enabled.
    """
    trigger: Json = {"@type": "manualTrigger", "name": "manual", "id": f"e-{uuid.uuid4().hex}"}
    if not manual_trigger:
        trigger["additionalOptions"] = {"enable": False}
    first = {"@type": "trigger", "name": "trigger", "params": [*params], "elements": [trigger]}
    model: Json = {"name": name, "desc": "", "stages": [{"containers": [first]}, *stages]}
    for number, each in enumerate(model["stages"], 1):
        each["id"] = f"stage-{number}"
    for number, container in enumerate(containers(model)):
        container["id"] = str(number)
    return model


def one_job(name: str, elements: Sequence[Json], **fields: object) -> Json:
    """Return a model with a single job `build` in a single stage."""
    return pipeline(name, [stage("build", [job("build", elements)], **fields)])


def containers(model: Json) -> Iterable[Json]:
    """Yield every job of a model, the trigger job first."""
    for each in model["stages"]:
        yield from each["containers"]


def element_ids(model: Json) -> dict[str, str]:
    """Return the task ids of a model by task name."""
    return {e["name"]: e["id"] for c in containers(model) for e in c["elements"]}


def retry_model(
    bench: Workbench,
    name: str = "demo",
    *,
    good_job: bool = False,
    check_in: Json | None = None,
    first_job: Json | None = None,
) -> Json:
    """Return the pipeline that the retry tests share.

    Stage 2 has job 1 = e11, e12 (may be skipped by hand), e13 and job 2 = e21; stage 3 has
    job 3 = e31; the finally stage has job 4 = e41. Each step obeys `bench` under its name.

    Args:
        bench: what breaks, holds and counts the steps.
        name: its name.
        good_job: whether stage 2 gets a third job = e22; later jobs count on.
        check_in: review of stage 3.
        first_job: members of `jobControlOption` of job 1.
    """
    by_hand = {"continueWhenFailed": True, "manualSkip": True, "manualRetry": True}
    first = [
        step("e11", bench.script("e11"), step_id="checkout"),
        step("e12", bench.script("e12"), step_id="test", **by_hand),
        step("e13", bench.script("e13")),
    ]
    jobs = [
        job("build", first, control=first_job),
        job("lint", [step("e21", bench.script("e21"))]),
    ]
    if good_job:
        jobs.append(job("good", [step("e22", bench.script("e22"))]))
    deploy = stage("deploy", [job("deploy", [step("e31", bench.script("e31"))])])
    if check_in is not None:
        deploy["checkIn"] = check_in
    return pipeline(
        name,
        [
            stage("build", jobs),
            deploy,
            finally_stage([job("clean", [step("e41", bench.script("e41"))])]),
        ],
        params=[parameter("env", "test", desc="target")],
    )


class BuildView:
    """Read a `ModelRecord` of `build_detail`: stages and jobs by id, tasks by name."""

    def __init__(self, data: Json) -> None:
        """Wrap the record."""
        self.data = data
        self.status: str = data["status"]
        self.execute_count: int = data["executeCount"]

    def stage(self, stage_id: str) -> Json:
        """Return the stage `stage-N`."""
        return _only((s for s in self.data["model"]["stages"] if s["id"] == stage_id), stage_id)

    def job(self, container_id: str) -> Json:
        """Return the job (container) with this number."""
        return _only((c for c in self._jobs() if str(c["id"]) == container_id), container_id)

    def task(self, name: str) -> Json:
        """Return the task with this display name."""
        return _only((e for e in self._tasks() if e["name"] == name), name)

    def statuses(self, *names: str) -> list[str | None]:
        """Return the status of each named task, None where it has none."""
        return [self.task(name).get("status") for name in names]

    def attempts(self, *names: str) -> list[int | None]:
        """Return the `executeCount` of each named task."""
        return [self.task(name).get("executeCount") for name in names]

    def stage_statuses(self) -> list[str | None]:
        """Return the status of each stage after the trigger stage."""
        return [each.get("status") for each in self.data["model"]["stages"][1:]]

    def _jobs(self) -> Iterable[Json]:
        for each in self.data["model"]["stages"]:
            yield from each["containers"]

    def _tasks(self) -> Iterable[Json]:
        for container in self._jobs():
            yield from container["elements"]


def _only(found: Iterable[Json], what: str) -> Json:
    matches = list(found)
    if len(matches) != 1:
        raise LookupError(f"{len(matches)} parts are called {what!r}")
    return matches[0]
