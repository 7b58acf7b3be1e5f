"""Give stages, jobs and tasks of a model their ids; make the document that is kept.

The given document is not changed; what is not renamed is shared with it. Ids of stages and jobs
follow from their position, those of tasks and job hashes stay as they are when they can.
"""

import re
from collections.abc import Callable

from mulligan.core.ids import JobId, StageId
from mulligan.core.needs import split_names
from mulligan.facades.bkci.document import Json, Part
from mulligan.ports import Ids

# An id that stays: it can't be taken for a stage, a job, or the writer "start" of a value.
_TASK_ID = re.compile(r"(?!start$|stage-[0-9]+$)[A-Za-z][A-Za-z0-9_.-]{0,63}")
_JOB_HASH = re.compile(r"c-[A-Za-z0-9-]{1,62}")


def number(document: Json, jobs_of_stages: list[list[Json]], ids: Ids) -> Json:
    """Return the document with all ids set.

    Args:
        jobs_of_stages: What `outline` found.
        ids: Where new ids come from; one is taken only where one is missing or used twice.
    """
    return _Numbering(ids).document(document, jobs_of_stages)


def stage_id(position: int) -> StageId:
    """Return the id of the stage at a position, the trigger stage being 0."""
    return StageId(f"stage-{position + 1}")


class _Numbering:
    """Positions and ids that are taken, on the way through one document."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._jobs = 0
        self._taken: set[str] = set()

    def document(self, document: Json, jobs_of_stages: list[list[Json]]) -> Json:
        stages = [
            self._stage(stage, position, jobs)
            for position, (stage, jobs) in enumerate(
                zip(document["stages"], jobs_of_stages, strict=True)
            )
        ]
        return {**document, "stages": stages}

    def _stage(self, stage: Json, position: int, jobs: list[Json]) -> Json:
        part = Part(stage, f"/stages/{position}")
        numbered = [self._job(job) for job in jobs]
        refs = {job["jobId"] for job in numbered if isinstance(job.get("jobId"), str)}
        after = {
            **stage,
            "id": stage_id(position),
            "containers": [_without_unknown(job, refs) for job in numbered],
        }
        check_in = self._check_in(part)
        if check_in is not None:
            after["checkIn"] = check_in
        return after

    def _job(self, job: Json) -> Json:
        job_id = JobId(str(self._jobs))
        self._jobs += 1
        after = {**job, "id": job_id, "containerId": job_id}
        after["containerHashId"] = self._keep(job.get("containerHashId"), _JOB_HASH, self._new_hash)
        if job.get("@type") != "trigger":
            after["jobId"] = Part(job).text("jobId").strip() or f"job_{self._ids.hex32()[-12:]}"
        after["elements"] = [
            {**element, "id": self._keep(element.get("id"), _TASK_ID, self._new_task)}
            for element in job.get("elements") or ()
        ]
        return after

    def _keep(self, given: object, form: re.Pattern[str], new: Callable[[], str]) -> str:
        wanted = given if isinstance(given, str) and form.fullmatch(given) else None
        if wanted is None or wanted in self._taken:
            wanted = new()
        self._taken.add(wanted)
        return wanted

    def _new_task(self) -> str:
        return f"e-{self._ids.hex32()}"

    def _new_hash(self) -> str:
        return f"c-{self._ids.hex32()}"

    def _check_in(self, stage: Part) -> Json | None:
        """Give the entry gate with ids for its groups; the deprecated form becomes one group."""
        given = stage.part("checkIn")
        old = stage.part("stageControlOption")
        if given is None:
            if old is None or not old.flag("manualTrigger"):
                return None
            check_in: Json = {
                "manualTrigger": True,
                "reviewGroups": [{"name": "Flow 1", "reviewers": list(old.texts("triggerUsers"))}],
            }
            for key in ("reviewParams", "reviewDesc", "timeout"):
                if old.value.get(key) is not None:
                    check_in[key] = old.value[key]
            given = Part(check_in, stage.at("checkIn"))
        groups = [
            {**group.value, "id": group.text("id").strip() or self._ids.hex32()}
            for group in given.parts("reviewGroups")
        ]
        return {**given.value, "reviewGroups": groups} if groups else given.value


def _without_unknown(job: Json, refs: set[str]) -> Json:
    """Drop the ids of jobs that the stage does not have from what a job depends on."""
    control = job.get("jobControlOption")
    if not isinstance(control, dict) or not isinstance(control.get("dependOnId"), list):
        return job
    known = [ref for ref in control["dependOnId"] if isinstance(ref, str) and ref.strip() in refs]
    return {**job, "jobControlOption": {**control, "dependOnId": known}}


def depends_on_refs(control: Part) -> tuple[str, ...]:
    """Give the `jobId`s that a job names as those that must succeed before it."""
    names = split_names(control.text("dependOnName"))
    kind = control.text("dependOnType").strip()
    ids = control.texts("dependOnId")
    if kind == "NAME":
        return names
    return ids if kind == "ID" or ids else names


def depends_on_text(control: Part) -> str:
    """Give the names of the jobs that must succeed before a job, if they hold variables."""
    return ",".join(refs) if "$" in "".join(refs := depends_on_refs(control)) else ""
