"""Jobs (containers) of a model to jobs of the core, and what they depend on."""

from collections.abc import Iterator, Mapping

from mulligan.core.errors import InvalidError
from mulligan.core.ids import JobId
from mulligan.core.minutes import waiting_minutes
from mulligan.core.needs import circle_of
from mulligan.core.spec import JobSpec, MutexSpec, StepSpec
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.model_conditions import read_job_condition, read_paths, read_timeout
from mulligan.facades.bkci.model_ids import depends_on_refs, depends_on_text
from mulligan.facades.bkci.model_matrix import read_matrix
from mulligan.facades.bkci.model_step import read_step

LONGEST_REF = 128  # characters of a jobId
DEFAULT_TIMEOUT_MINUTES = 900
# Without jobControlOption the deprecated maxRunningMinutes holds; its default by type of job.
_OLD_TIMEOUTS = {"vmBuild": 480, "normal": 1440}
# Kinds of dispatch that name a machine or a pool of them; images run on any runner.
_POOL_FIELDS = {
    "THIRD_PARTY_AGENT_ID": ("displayName", "value"),
    "THIRD_PARTY_AGENT_ENV": ("envName", "value"),
    "CREATE_AGENT_ENV": ("envName", "value"),
}
_NO_OPTIONS = Part({})


def read_jobs(stage: Part, *, in_finally: bool) -> tuple[JobSpec, ...]:
    """Read the jobs of a stage of a document whose ids are set.

    Raises:
        InvalidError: Two jobs of one name, or jobs that wait for each other in a circle.
    """
    containers = list(stage.parts("containers"))
    refs = _unique_refs(containers)
    jobs = tuple(_read_job(part, refs, in_finally=in_finally) for part in containers)
    circle = circle_of({job.id: job.depends_on for job in jobs})
    if circle:
        names = " -> ".join(job.ref for job in jobs if job.id in circle)
        raise InvalidError(
            f"jobs depend on each other in a circle: {names}",
            pointer=stage.pointer,
            code="dependency-cycle",
            values=(names,),
        )
    return jobs


def _unique_refs(containers: list[Part]) -> dict[str, JobId]:
    refs: dict[str, JobId] = {}
    for part in containers:
        ref = part.text("jobId")
        if len(ref) > LONGEST_REF:
            raise InvalidError(
                f"a jobId has {len(ref)} characters; at most {LONGEST_REF} are allowed",
                pointer=part.at("jobId"),
                code="text-too-long",
                values=("jobId", str(LONGEST_REF)),
            )
        if ref in refs:
            raise InvalidError(
                f"jobId {ref!r} is used twice in its stage",
                pointer=part.at("jobId"),
                code="duplicate-job-id",
                values=(ref,),
            )
        refs[ref] = JobId(part.text("id"))
    return refs


def _read_job(part: Part, refs: Mapping[str, JobId], *, in_finally: bool) -> JobSpec:
    given = part.part("jobControlOption")
    control = given or _NO_OPTIONS
    seconds, text = _read_timeout(part, given)
    needed = dict.fromkeys(refs[ref] for ref in depends_on_refs(control) if ref in refs)
    return JobSpec(
        id=JobId(part.text("id")),
        name=part.text("name") or part.text("jobId"),
        ref=part.text("jobId"),
        enabled=control.flag("enable", default=True),
        condition=read_job_condition(control, in_finally=in_finally),
        depends_on=tuple(needed),
        depends_text=depends_on_text(control),
        timeout_s=seconds,
        timeout_text=text,
        continue_on_failure=control.flag("continueWhenFailed"),
        labels=_labels(part),
        mutex=_read_mutex(part.part("mutexGroup")),
        most_per_runner=max(0, control.whole("singleNodeConcurrency", 0)),
        most_at_once=max(0, control.whole("allNodeConcurrency", 0)),
        env=tuple((name, value) for name, value in part.pairs("customEnv") if name.strip()),
        if_modify=read_paths(control),
        steps=tuple(_read_steps(part)),
        hash_id=part.text("containerHashId"),
        matrix=read_matrix(part),
    )


def _read_steps(part: Part) -> Iterator[StepSpec]:
    for element in part.parts("elements"):
        yield read_step(element)


def _read_timeout(part: Part, control: Part | None) -> tuple[int, str]:
    if control is not None:
        return read_timeout(control, DEFAULT_TIMEOUT_MINUTES)
    default = _OLD_TIMEOUTS.get(part.text("@type"), DEFAULT_TIMEOUT_MINUTES)
    minutes = part.whole("maxRunningMinutes", default)
    return read_timeout(Part({"timeout": minutes}, part.pointer), default)


def _read_mutex(part: Part | None) -> MutexSpec | None:
    """Read a mutex group; a job that is not to wait has no place in its queue."""
    if part is None or not part.flag("enable"):
        return None
    name = part.text("mutexGroupName").strip()
    if not name:
        raise InvalidError(
            "a mutex group needs a name", pointer=part.at("mutexGroupName"), code="mutex-name"
        )
    waits = part.flag("queueEnable")
    return MutexSpec(
        name=name,
        places=max(0, part.whole("queue", 0)) if waits else 0,
        timeout_s=waiting_minutes(part.whole("timeout", 0)) * 60,
        timeout_text=part.text("timeoutVar").strip(),
    )


def _labels(part: Part) -> tuple[str, ...]:
    dispatch = part.part("dispatchType")
    if dispatch is None or dispatch.text("agentType").strip() == "REUSE_JOB_ID":
        return ()  # the machine of another job; any will do
    for key in _POOL_FIELDS.get(dispatch.text("buildType").strip(), ()):
        name = dispatch.text(key).strip()
        if name:
            return (name,)
    return ()
