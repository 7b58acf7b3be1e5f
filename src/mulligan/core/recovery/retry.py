"""`plan_retry`: the one place where it is decided what a retry or a skip re-runs and keeps.

The rules are R1–R10 of the design and the tables of spec/bkci-build-api.md §3.6–§3.9, as
contract-bkci.md A settles them. Pure: snapshot, request and facts in, plan or refusal out.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.recovery.changes import plan_changes
from mulligan.core.recovery.checks import check_retry
from mulligan.core.recovery.plan import Action, NodePlan, Plan, Why
from mulligan.core.recovery.request import RetryFacts, RetryRequest, Scope
from mulligan.core.recovery.target import Target, first_enabled_step, job_of, stage_position
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Job, Run, Stage, Step
from mulligan.core.spec import JobSpec, StageSpec, StepSpec
from mulligan.core.status import Status, never_ran

KEEP_OUTSIDE = NodePlan(Action.KEEP, Why.OUTSIDE)
KEEP_SUCCEEDED = NodePlan(Action.KEEP, Why.SUCCEEDED)
KEEP_WAIVED = NodePlan(Action.KEEP, Why.WAIVED)
SKIP_ASKED = NodePlan(Action.SKIP, Why.ASKED_TO_SKIP)
_BAD = {Status.FAILED, Status.CANCELLED}


def plan_retry(run: Run, request: RetryRequest, facts: RetryFacts) -> Plan | Refusal:
    """Plan the retry or skip that `request` asks for."""
    target = check_retry(run, request, facts)
    if isinstance(target, Refusal):
        return target
    plan = _Planner(run, request, facts, target).plan()
    refusal = _older_than_live(plan, facts)
    if refusal is not None:
        return refusal
    changes = plan_changes(run, plan, request.changes)
    return changes if isinstance(changes, Refusal) else replace(plan, changes=changes)


def _older_than_live(plan: Plan, facts: RetryFacts) -> Refusal | None:
    """Refuse what would replace a newer release by an older one (R12)."""
    for step_id in plan.steps_with(Action.RERUN):
        if step_id in facts.older_than_live:
            return Refusal(
                code=RefusalCode.OLDER_THAN_LIVE,
                message="R12: this run began before the run whose release is live; "
                "roll the deployment back instead of retrying an older one",
                node=step_id,
                rule="R12",
                instead=("roll the stage of the live release back", "start a new run"),
            )
    return None


def _rerun(why: Why) -> NodePlan:
    return _RERUN[why]


_RERUN = {why: NodePlan(Action.RERUN, why) for why in Why}


def _is_waived(step: Step) -> bool:
    return step.status is Status.SKIPPED and step.cause is Cause.WAIVED


class _Planner:
    """Collects the plan of every node while walking over the definition once."""

    def __init__(self, run: Run, request: RetryRequest, facts: RetryFacts, target: Target) -> None:
        self.run = run
        self.request = request
        self.facts = facts
        self.target = target
        self.skip = request.skip and target.scope in {Scope.STAGE, Scope.STEP}
        self.stages: dict[StageId, NodePlan] = {}
        self.jobs: dict[JobId, NodePlan] = {}
        self.steps: dict[StepId, NodePlan] = {}
        self.workspaces: dict[JobId, str] = {}
        self.splits_kept: set[JobId] = set()
        self.replaced: list[StepId] = []  # of copies that a new split takes the place of

    @property
    def _is_over(self) -> bool:
        return self.run.head.status.is_final

    def plan(self) -> Plan:
        run = self.run
        running = not self._is_over
        if self.target.scope is Scope.RUN:
            self._plan_whole()
        elif self.request.through_end:
            self._plan_through_end()
        elif running:
            self._plan_while_running()
        else:
            self._plan_part()
        whole = self.target.scope is Scope.RUN
        kept, void = self._approvals()
        return Plan(
            run_id=run.head.id,
            revision=run.head.revision,
            target=self.target,
            skip=self.skip,
            while_running=running,
            run_attempt=run.head.attempt if running else run.head.attempt + 1,
            stages=self.stages,
            jobs=self.jobs,
            steps=self.steps,
            workspaces=self.workspaces,
            splits_kept=frozenset(self.splits_kept),
            withdrawn=() if whole else self._withdrawn(void),
            reapply_parameters=whole,
            wipe_variables=whole and self.facts.clean_variables,
            renew_start=whole,
            retry_target=self._retry_target(),
            version=self.facts.version if self.request.through_end and not running else 0,
            signals_waived=self._signals_waived(),
            approvals_kept=kept,
            approvals_void=void,
            seconds_saved=self._seconds_saved(),
        )

    # --- the whole run ------------------------------------------------------------------------

    def _plan_whole(self) -> None:
        for stage in self.run.index.spec.stages:
            self._rerun_stage(stage, Why.WHOLE_RUN)

    def _rerun_stage(self, stage: StageSpec, why: Why) -> None:
        self.stages[stage.id] = _rerun(why)
        for job in stage.jobs:
            self._rerun_job(job, why)

    def _rerun_job(self, job: JobSpec, why: Why) -> None:
        self.jobs[job.id] = _rerun(why)
        self.workspaces[job.id] = "fresh"
        for step in job.steps:
            self.steps[step.id] = _rerun(why)
        for copy in self._copies(job):
            self.replaced.extend(step.id for step in copy.steps)

    def _copies(self, job: JobSpec) -> tuple[JobSpec, ...]:
        return self.run.index.children.get(job.id, ())

    def _rerun_within(self, job: JobSpec, why: Why) -> None:
        """Let a matrix job run again with the copies that it has; each is planned by itself."""
        self.jobs[job.id] = _rerun(why)
        self.splits_kept.add(job.id)
        for step in job.steps:  # only the pattern of those that run
            self.steps[step.id] = KEEP_OUTSIDE

    def _rerun_copies(self, job: JobSpec, why: Why, *, only_bad: bool) -> None:
        self._rerun_within(job, why)
        for copy in self._copies(job):
            if only_bad and self.run.job(copy.id).status not in _BAD:
                self._keep_job(copy)
            else:
                self._rerun_job(copy, why)

    # --- a stage and all that follows ---------------------------------------------------------

    def _plan_through_end(self) -> None:
        position = stage_position(self.run.index, self.target)
        for place, stage in enumerate(self.run.index.spec.stages):
            if place < position:
                self._keep_stage(stage)
            else:
                self._rerun_stage(stage, Why.TARGET if place == position else Why.AFTER_TARGET)

    def _signals_waived(self) -> StageId | None:
        if not self.request.through_end:
            return None
        stage = self.run.index.spec.stages[stage_position(self.run.index, self.target)]
        return stage.id if stage.signals is not None else None

    # --- part of a finished run ---------------------------------------------------------------

    def _plan_part(self) -> None:
        spec = self.run.index.spec
        position = stage_position(self.run.index, self.target)
        in_finally = spec.stages[position].is_finally
        for place, stage in enumerate(spec.stages):
            if place == position and not (in_finally and not self._only_failed_of_finally()):
                self._plan_target_stage(stage)
            elif stage.is_finally:
                self._rerun_stage(stage, Why.FINALLY)
                if place == position:
                    self._skip_in(stage)
            elif in_finally or place < position:
                self._plan_earlier_stage(stage, in_finally=in_finally)
            else:
                self._plan_later_stage(stage)

    def _only_failed_of_finally(self) -> bool:
        return self.target.scope is Scope.STAGE and self.request.only_failed

    def _skip_in(self, stage: StageSpec) -> None:
        """Apply a skip inside the finally stage, which runs again as a whole otherwise."""
        if not self.skip:
            return
        for job in stage.jobs:
            if any(self._is_skipped(step) for copy in self._copies(job) for step in copy.steps):
                self._rerun_copies(job, Why.FINALLY, only_bad=False)
            for each in (job, *self._copies(job)):
                for step in each.steps:
                    if self._is_skipped(step):
                        self.steps[step.id] = SKIP_ASKED

    def _is_skipped(self, step: StepSpec) -> bool:
        if self.target.scope is Scope.STAGE:
            return self.run.step(step.id).status is Status.FAILED
        return step.id == self.target.node

    def _plan_earlier_stage(self, stage: StageSpec, *, in_finally: bool) -> None:
        """Keep a stage before the target's, unless the run has to pass through it first."""
        record = self.run.stage(stage.id)
        upstream = self.run.head.settings.only_current_attempt
        unreached = record.cause is Cause.UNREACHED and upstream and not in_finally
        if record.status is not Status.QUEUED and not unreached:
            self._keep_stage(stage)
            return
        self.stages[stage.id] = _rerun(Why.NEVER_RAN)
        for job in stage.jobs:
            self._plan_neighbour(job)

    def _keep_stage(self, stage: StageSpec) -> None:
        self.stages[stage.id] = KEEP_OUTSIDE
        for job in stage.jobs:
            self._keep_job(job)

    def _keep_job(self, job: JobSpec) -> None:
        good = self.run.job(job.id).status is Status.SUCCEEDED
        self.jobs[job.id] = KEEP_SUCCEEDED if good else KEEP_OUTSIDE
        for step in job.steps:
            succeeded = self.run.step(step.id).status is Status.SUCCEEDED
            self.steps[step.id] = KEEP_SUCCEEDED if succeeded else KEEP_OUTSIDE
        for copy in self._copies(job):
            self._keep_job(copy)

    def _plan_later_stage(self, stage: StageSpec) -> None:
        record = self.run.stage(stage.id)
        for job in stage.jobs:
            self._plan_later_job(record, job)
        rerun = [job.id for job in stage.jobs if self.jobs[job.id].action is Action.RERUN]
        self.stages[stage.id] = (
            _rerun(Why.AFTER_TARGET) if rerun or not stage.jobs else (KEEP_SUCCEEDED)
        )

    def _plan_later_job(self, stage: Stage, job: JobSpec) -> None:
        record = self.run.job(job.id)
        if record.status is Status.SUCCEEDED:
            self._keep_job(job)
        elif record.status in _BAD:
            self._rerun_job(job, Why.NOT_GOOD)
        elif never_ran(record.status, record.cause) or stage.cause is Cause.UNREACHED:
            self._rerun_job(job, Why.NEVER_RAN)
        else:
            self._rerun_job(job, Why.JUDGED_AGAIN)

    # --- the stage of the target --------------------------------------------------------------

    def _plan_target_stage(self, stage: StageSpec) -> None:
        self.stages[stage.id] = _rerun(Why.TARGET)
        if self.target.scope is Scope.STAGE:
            for job in stage.jobs:
                self._plan_job_of_stage(job)
            return
        target_job = self._target_job()
        parent = self.run.index.parents.get(target_job.id)
        for job in stage.jobs:
            if job.id == target_job.id:
                self._plan_target_job(job)
            elif job.id == parent:
                self._plan_around_copy(job, target_job)
            else:
                self._plan_neighbour(job)

    def _plan_around_copy(self, job: JobSpec, target: JobSpec) -> None:
        """Plan the matrix job of which one copy is asked for."""
        self._rerun_within(job, Why.HOLDS_TARGET)
        for copy in self._copies(job):
            if copy.id == target.id:
                self._plan_target_job(copy)
            else:
                self._plan_neighbour(copy)

    def _target_job(self) -> JobSpec:
        return self.run.index.jobs[job_of(self.run.index, self.target)]

    def _plan_job_of_stage(self, job: JobSpec) -> None:
        record = self.run.job(job.id)
        if self.request.only_failed and self._is_fine(job, record):
            self._keep_job(job)
            return
        copies = self._copies(job)
        if copies and (self.skip or self.request.only_failed):
            self._rerun_copies(job, Why.IN_TARGET, only_bad=self.request.only_failed)
        else:
            self._rerun_job(job, Why.IN_TARGET)
        if self.skip:
            for each in (job, *copies):
                for step in each.steps:
                    if self.run.step(step.id).status is Status.FAILED:
                        self.steps[step.id] = SKIP_ASKED

    @staticmethod
    def _is_fine(job: JobSpec, record: Job) -> bool:
        if record.status is Status.SUCCEEDED:
            return True
        skipped = record.status is Status.SKIPPED and record.cause is not Cause.UNREACHED
        return skipped and not job.depends_on

    def _plan_neighbour(self, job: JobSpec) -> None:
        """Plan another job of the target's stage: kept, unless it never ran or depends."""
        record = self.run.job(job.id)
        if never_ran(record.status, record.cause):
            self._rerun_job(job, Why.NEVER_RAN)
        elif record.status is Status.SKIPPED and job.depends_on:
            self._rerun_job(job, Why.DEPENDS)
        else:
            self._keep_job(job)

    def _plan_target_job(self, job: JobSpec) -> None:
        if job.matrix is not None:
            self._plan_target_matrix(job)
            return
        first = StepId(self.target.node)
        if self.target.scope is Scope.JOB:
            first = first_enabled_step(self.run, job.id) or first
        place = self.run.index.step_job[first][1]
        self.jobs[job.id] = _rerun(Why.TARGET)
        for number, step in enumerate(job.steps):
            if number < place:
                self.steps[step.id] = self._before_target(step)
            elif number == place:
                self.steps[step.id] = self._at_target(step)
            else:
                self.steps[step.id] = self._after_target(step)
        self._choose_workspace(job)

    def _plan_target_matrix(self, job: JobSpec) -> None:
        """Split the job again, or let only those of its copies run that went wrong."""
        bad = any(self.run.job(copy.id).status in _BAD for copy in self._copies(job))
        if self.request.only_failed and bad:
            self._rerun_copies(job, Why.TARGET, only_bad=True)
        else:
            self._rerun_job(job, Why.TARGET)

    def _before_target(self, step: StepSpec) -> NodePlan:
        record = self.run.step(step.id)
        if never_ran(record.status, record.cause) or record.status is Status.CANCELLED:
            return _rerun(Why.NEVER_RAN)
        return KEEP_SUCCEEDED if record.status is Status.SUCCEEDED else KEEP_OUTSIDE

    def _at_target(self, step: StepSpec) -> NodePlan:
        if self.skip:
            return SKIP_ASKED
        if self.target.scope is Scope.JOB and _is_waived(self.run.step(step.id)):
            return KEEP_WAIVED
        return _rerun(Why.TARGET)

    def _after_target(self, step: StepSpec) -> NodePlan:
        record = self.run.step(step.id)
        if _is_waived(record):
            return KEEP_WAIVED
        parent = self.steps.get(step.post_of) if step.post_of is not None else None
        if parent is not None:
            ended = record.status in {Status.SUCCEEDED, Status.FAILED}
            if parent.action is Action.KEEP and ended:
                return KEEP_OUTSIDE
            return _rerun(Why.POST_ACTION)
        return _rerun(Why.AFTER_TARGET)

    def _choose_workspace(self, job: JobSpec) -> None:
        """Use the directory as it was left, or start the job over if it is gone (R6)."""
        worked = [
            step.id
            for step in job.steps
            if self.steps[step.id].action is Action.KEEP
            and self.run.step(step.id).status in {Status.SUCCEEDED, Status.FAILED}
        ]
        if not worked:
            self.workspaces[job.id] = "fresh"
        elif job.id in self.facts.live_workspaces:
            self.workspaces[job.id] = "live"
        else:
            self.workspaces[job.id] = "widened"
            for step_id in worked:
                self.steps[step_id] = _rerun(Why.WIDENED)

    # --- while the run goes on ----------------------------------------------------------------

    def _plan_while_running(self) -> None:
        target_job = self._target_job()
        target_stage = self.run.index.stage_of_job(target_job.id)
        for stage in self.run.index.spec.stages:
            self._keep_stage(stage)
        self.stages[target_stage.id] = KEEP_OUTSIDE
        parent = self.run.index.parents.get(target_job.id, target_job.id)
        if parent != target_job.id and self.run.job(parent).status.is_final:
            self._rerun_within(self.run.index.jobs[parent], Why.HOLDS_TARGET)
        self._plan_target_job(target_job)
        for job in self._dependents(parent):
            record = self.run.job(job.id)
            if record.status is Status.SKIPPED:
                self._rerun_job(job, Why.DEPENDS)

    def _dependents(self, job_id: JobId) -> Iterable[JobSpec]:
        todo, seen = [job_id], {job_id}
        while todo:
            for dependent in self.run.index.dependents.get(todo.pop(), ()):
                if dependent not in seen:
                    seen.add(dependent)
                    todo.append(dependent)
                    yield self.run.index.jobs[dependent]

    # --- what follows from it -----------------------------------------------------------------

    def _retry_target(self) -> str:
        is_job = self.target.scope is Scope.JOB
        if is_job and self.run.index.jobs[JobId(self.target.node)].matrix is None:
            return first_enabled_step(self.run, self.target.node) or ""
        return self.target.node

    def _approvals(self) -> tuple[tuple[StageId, ...], tuple[StageId, ...]]:
        """Tell which reviews hold and which are asked again.

        One holds if nothing before it runs again, and nothing has since it was given.
        """
        kept: list[StageId] = []
        void: list[StageId] = []
        earlier_rerun = self.target.scope is Scope.RUN
        newest = 0  # attempt of the run in which something before the stage was last touched
        for stage in self.run.index.spec.stages:
            reruns = self.stages[stage.id].action is Action.RERUN
            gate = self.run.gates.get(stage.id)
            if reruns and stage.review is not None and gate is not None:
                unchanged = not earlier_rerun and newest <= gate.run_attempt
                holds = gate.state == "approved" and unchanged
                (kept if holds else void).append(stage.id)
            earlier_rerun = earlier_rerun or reruns
            newest = max(newest, self.run.stage(stage.id).run_attempt)
        return tuple(kept), tuple(void)

    def _withdrawn(self, void: tuple[StageId, ...]) -> tuple[str, ...]:
        again = [step for step, node in self.steps.items() if node.action is not Action.KEEP]
        again += (step for step in self.replaced if step not in self.steps)
        touched = [step for step in again if step in self.run.steps]
        # a step pauses once in an attempt of the run
        paused = [f"pause:{step}" for step in touched if step in self.run.gates and self._is_over]
        return (*touched, *paused, *(f"review:{stage_id}" for stage_id in void))

    def _seconds_saved(self) -> float:
        total = 0.0
        for step_id, node in self.steps.items():
            if node.action is not Action.KEEP:
                continue
            step = self.run.step(step_id)
            if step.started_at is not None and step.ended_at is not None:
                total += (step.ended_at - step.started_at).total_seconds()
        return total
