"""Judge whether a stage, job or step runs: conditions on the facts so far. No events here."""

from enum import StrEnum

from mulligan.core.cause import Cause
from mulligan.core.expressions import ExpressionError, condition_holds, substitute_classic
from mulligan.core.ids import JobId, StepId
from mulligan.core.run import ROLLBACK, Job, Run, Weather
from mulligan.core.spec import Condition, JobSpec, RunWhen, StageSpec, StepSpec
from mulligan.core.status import Status
from mulligan.core.variables import OLD_NAMES, Scope
from mulligan.core.verdict import base_verdict


class Verdict(StrEnum):
    """What is to be done with a node."""

    RUN = "run"
    WAIT = "wait"  # for a job that it depends on
    DISABLED = "disabled"
    CONDITION = "condition"  # its condition does not hold
    DEPENDENCY = "dependency"  # a job that it depends on did not succeed
    UNREACHED = "unreached"  # something before it failed or was cancelled


SKIP_CAUSE = {
    Verdict.DISABLED: Cause.DISABLED,
    Verdict.CONDITION: Cause.CONDITION,
    Verdict.DEPENDENCY: Cause.DEPENDENCY,
    Verdict.UNREACHED: Cause.UNREACHED,
}


def judge_stage(run: Run, stage: StageSpec) -> Verdict:
    """Tell whether the stage is entered. A finally stage has no condition."""
    if not stage.jobs or not is_on(run, stage):
        return Verdict.DISABLED
    if stage.is_finally or _facts_hold(stage.condition, Scope(run), literal=True, blank=False):
        return Verdict.RUN
    return Verdict.CONDITION


def judge_job(run: Run, job: JobSpec) -> Verdict:
    """Tell whether a job of the current stage may be released.

    What is rolled back runs in any case: no condition of a deployment is one of taking it back.
    """
    if run.job(job.id).mode == ROLLBACK:
        return Verdict.RUN
    if not is_on(run, job) or not any(is_enabled(run, step) for step in job.steps):
        return Verdict.DISABLED
    for needed in job.depends_on:
        status = run.job(needed).status
        if not status.is_final:
            return Verdict.WAIT
    if any(run.job(needed).status is not Status.SUCCEEDED for needed in job.depends_on):
        return Verdict.DEPENDENCY
    if job.condition.when in _PREVIOUS:
        holds = job.condition.when is previous_result(run)
    else:
        holds = _facts_hold(job.condition, Scope(run, job.id), literal=False, blank=False)
    return Verdict.RUN if holds else Verdict.CONDITION


_PREVIOUS = {RunWhen.PREVIOUS_SUCCEEDED, RunWhen.PREVIOUS_FAILED, RunWhen.PREVIOUS_CANCELLED}


def previous_result(run: Run) -> RunWhen:
    """Tell which kind of result led to the finally stage; a refused review counts as success."""
    status, cause = base_verdict(run)
    if status is Status.CANCELLED:
        return RunWhen.PREVIOUS_CANCELLED
    if status is Status.FAILED and cause is not Cause.REJECTED:
        return RunWhen.PREVIOUS_FAILED
    return RunWhen.PREVIOUS_SUCCEEDED


def weather_of(run: Run, job: Job) -> Weather:
    """Give the weather in the job; a cancel of its stage makes it cancelled."""
    cancel = run.head.cancel
    if cancel is not None and cancel.stage == run.index.job_stage[job.id]:
        return Weather.CANCELLED
    return job.weather


def is_unchanged(run: Run, part: StageSpec | JobSpec | StepSpec) -> bool:
    """Tell whether a part runs for some paths only, and the run's event has changed none of them.

    What runs at the end of all runs does in any case.
    """
    if not part.if_modify or (isinstance(part, StageSpec) and part.is_finally):
        return False
    return run.head.unmatched.issuperset(part.if_modify)


def is_on(run: Run, part: StageSpec | JobSpec) -> bool:
    """Tell whether a stage or job is switched on, in the definition and for what has changed."""
    return part.enabled and not is_unchanged(run, part)


def is_enabled(run: Run, step: StepSpec) -> bool:
    """Tell whether a step is switched on: in the definition, at the start, for what has changed.

    That of the job and stage is another matter; a post action goes with its step.
    """
    if not step.enabled or step.id in run.head.disabled_steps or is_unchanged(run, step):
        return False
    parent = None if step.post_of is None else run.index.steps.get(step.post_of)
    return parent is None or is_enabled(run, parent)


def judge_step(run: Run, job_id: JobId, step: StepSpec) -> Verdict:
    """Tell whether the step runs (spec/bkci-model-and-engine.md §2.5.3)."""
    job = run.job(job_id)
    if job.mode != ROLLBACK and not is_enabled(run, step):
        return Verdict.DISABLED
    if job.stopping is not None:
        return Verdict.UNREACHED
    if job.mode == ROLLBACK:
        return Verdict.RUN
    weather = weather_of(run, job)
    when = step.condition.when
    if step.post_of is not None:
        verdict = _judge_parent(run, step.post_of)
        if verdict is not Verdict.RUN:
            return verdict
    if when in {RunWhen.PARENT_ENDED, RunWhen.PARENT_CUT}:
        return _judge_post(run, step, weather)
    if weather in _RUNS[when]:
        if when not in _ON_FACTS:
            return Verdict.RUN
        scope = Scope(run, job_id, step.id)
        if _facts_hold(step.condition, scope, literal=False, blank=True):
            return Verdict.RUN
        return Verdict.CONDITION
    return Verdict.CONDITION if weather in _GOOD_WEATHER else Verdict.UNREACHED


_GOOD_WEATHER = frozenset({Weather.OK, Weather.SOFT})
_ON_FACTS = {RunWhen.VARIABLES, RunWhen.UNLESS_VARIABLES, RunWhen.EXPRESSION}
_RUNS: dict[RunWhen, frozenset[Weather]] = {
    RunWhen.SUCCESS: _GOOD_WEATHER,
    RunWhen.UNLESS_CANCELLED: _GOOD_WEATHER | {Weather.FAILED},
    RunWhen.ALWAYS: frozenset(Weather),
    RunWhen.FAILURE: frozenset({Weather.SOFT, Weather.FAILED}),
    RunWhen.HARD_FAILURE: frozenset({Weather.FAILED}),
    RunWhen.VARIABLES: _GOOD_WEATHER,
    RunWhen.UNLESS_VARIABLES: _GOOD_WEATHER,
    RunWhen.EXPRESSION: _GOOD_WEATHER,
    # only jobs of a finally stage have these; a step that does is run as by default
    RunWhen.PREVIOUS_SUCCEEDED: _GOOD_WEATHER,
    RunWhen.PREVIOUS_FAILED: _GOOD_WEATHER,
    RunWhen.PREVIOUS_CANCELLED: _GOOD_WEATHER,
}


def _judge_parent(run: Run, parent_id: StepId) -> Verdict:
    """Tell whether the step that a post action belongs to really ran, this time or before."""
    parent = run.step(parent_id)
    if parent.status is Status.SKIPPED and parent.cause is not Cause.UNREACHED:
        return Verdict.CONDITION
    if parent.status in {Status.SUCCEEDED, Status.FAILED, Status.CANCELLED}:
        return Verdict.RUN
    return Verdict.UNREACHED


def _judge_post(run: Run, step: StepSpec, weather: Weather) -> Verdict:
    if step.post_of is None:
        return Verdict.CONDITION
    parent = run.step(step.post_of)
    cut = parent.status is Status.CANCELLED or parent.cause is Cause.TIMEOUT
    if cut or step.condition.when is RunWhen.PARENT_ENDED:
        return Verdict.RUN
    return Verdict.CONDITION if weather in _GOOD_WEATHER else Verdict.UNREACHED


def _facts_hold(condition: Condition, scope: Scope, *, literal: bool, blank: bool) -> bool:
    """Evaluate a condition on variables; one that can't be evaluated does not hold.

    Args:
        literal: Wanted values are not substituted.
        blank: What a blank expression, and "unless" of no variables at all, amount to.
    """
    try:
        match condition.when:
            case RunWhen.VARIABLES:
                return _all_equal(condition, scope, literal=literal)
            case RunWhen.UNLESS_VARIABLES:
                if not condition.variables:
                    return blank
                return not _all_equal(condition, scope, literal=literal)
            case RunWhen.EXPRESSION:
                return condition_holds(condition.expression, scope, blank=blank, hidden=OLD_NAMES)
            case _:
                return True
    except ExpressionError:
        return False


def _all_equal(condition: Condition, scope: Scope, *, literal: bool) -> bool:
    for name, wanted in condition.variables:
        value = wanted if literal else substitute_classic(wanted, scope.get)
        if scope.get(name) != value:
            return False
    return True
