"""The outer form of a pipeline model: stages, jobs and tasks where they belong, not too many.

Everything after this may rely on it: `stages`, `containers` and `elements` are lists of objects,
the first stage holds the one trigger job, no stage and no job is empty.
"""

from typing import Any

from mulligan.core.errors import InvalidError
from mulligan.facades.bkci.document import Json, Part, encode
from mulligan.facades.common.ways import Limits

TRIGGER = "trigger"
JOB_TYPES = frozenset({"vmBuild", "normal"})

# Sizes in characters (spec/bkci-build-api.md §2.3, spec/bkci-model-and-engine.md §1.10).
LONGEST_NAME = 255
LONGEST_DESCRIPTION = 255
LONGEST_MODEL = 16_777_215


def outline(document: object, limits: Limits) -> tuple[Json, list[list[Json]]]:
    """Check the outer form; give the document and the jobs (containers) of every stage.

    The trigger stage counts as a stage, as it is a member of `stages`.

    Raises:
        InvalidError: With a code for each rule.
    """
    if not isinstance(document, dict):
        raise _illegal("the model must be an object", "")
    model = Part(document)
    _check_texts(model)
    stages = _objects(document, "stages", "")
    if not stages:
        raise _illegal("the model has no stage", "/stages")
    _check_count("too-many-stages", "/stages", len(stages), limits.stages)
    found = [
        _check_stage(stage, position, limits, is_last=position == len(stages) - 1)
        for position, stage in enumerate(stages)
    ]
    if len(encode(document).decode()) > LONGEST_MODEL:
        raise InvalidError(
            f"the model has more than {LONGEST_MODEL} characters",
            code="model-too-large",
            values=(str(LONGEST_MODEL),),
        )
    return document, found


def _check_texts(model: Part) -> None:
    name = model.text("name")
    if not name.strip():
        raise InvalidError("the pipeline needs a name", pointer="/name", code="name-blank")
    for key, text, longest in (
        ("name", name, LONGEST_NAME),
        ("desc", model.text("desc"), LONGEST_DESCRIPTION),
    ):
        if len(text) > longest:
            raise InvalidError(
                f"{key} has {len(text)} characters; at most {longest} are allowed",
                pointer=model.at(key),
                code="text-too-long",
                values=(key, str(longest)),
            )


def _check_stage(stage: Json, position: int, limits: Limits, *, is_last: bool) -> list[Json]:
    pointer = f"/stages/{position}"
    jobs = _objects(stage, "containers", pointer)
    is_finally = Part(stage, pointer).flag("finally")
    if is_finally and (position == 0 or not is_last):
        raise InvalidError(
            "only the last stage may be the finally stage",
            pointer=f"{pointer}/finally",
            code="finally-position",
        )
    if position == 0:
        _check_trigger(jobs, pointer)
        return jobs
    if not jobs:
        raise InvalidError("a stage needs a job", pointer=pointer, code="stage-without-job")
    _check_count("too-many-jobs", pointer, len(jobs), limits.jobs_per_stage)
    for place, job in enumerate(jobs):
        _check_job(job, stage, f"{pointer}/containers/{place}", limits)
    return jobs


def _check_trigger(jobs: list[Json], pointer: str) -> None:
    if len(jobs) != 1:
        raise InvalidError(
            f"the first stage must hold the trigger job alone; it holds {len(jobs)}",
            pointer=pointer,
            code="trigger-stage",
        )
    if Part(jobs[0], pointer).text("@type") != TRIGGER:
        raise _illegal("the job of the first stage must be of type trigger", pointer)
    _check_elements(_objects(jobs[0], "elements", f"{pointer}/containers/0"), pointer)


def _check_job(job: Json, stage: Json, pointer: str, limits: Limits) -> None:
    kind = Part(job, pointer).text("@type")
    if kind == TRIGGER:
        raise InvalidError(
            "a trigger job may only stand in the first stage",
            pointer=pointer,
            code="trigger-stage",
        )
    if kind == "jobTemplate":
        raise unsupported("job templates", pointer)
    if kind not in JOB_TYPES:
        raise _illegal(f"unknown type of job {kind[:100]!r}", f"{pointer}/@type")
    elements = _objects(job, "elements", pointer)
    if not elements:
        names = (Part(stage).text("name"), Part(job).text("name"))
        raise InvalidError(
            "a job needs a step", pointer=pointer, code="job-without-step", values=names
        )
    _check_count("too-many-steps", pointer, len(elements), limits.steps_per_job)
    _check_elements(elements, pointer)


def _check_elements(elements: list[Json], pointer: str) -> None:
    for place, element in enumerate(elements):
        where = f"{pointer}/elements/{place}"
        if not Part(element, where).text("@type").strip():
            raise _illegal("a task needs its @type", where)


def _check_count(code: str, pointer: str, count: int, most: int) -> None:
    if count > most:
        raise InvalidError(
            f"{pointer} holds {count}; at most {most} are allowed",
            pointer=pointer,
            code=code,
            values=(str(count), str(most)),
        )


def _objects(holder: Json, key: str, pointer: str) -> list[Json]:
    found: Any = holder.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise _illegal(f"{key} must be a list of objects", f"{pointer}/{key}")
    return found


def _illegal(message: str, pointer: str) -> InvalidError:
    return InvalidError(message, pointer=pointer, code="model-illegal")


def unsupported(what: str, pointer: str) -> InvalidError:
    """Return the error of a feature that this server can't carry out yet."""
    return InvalidError(
        f"{what} are not supported yet",
        pointer=pointer,
        code="unsupported",
        values=(what,),
    )
