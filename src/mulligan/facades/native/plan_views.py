"""Show a plan: every node with its action and reason."""

from collections.abc import Iterator

from mulligan.core.recovery.expected import stops
from mulligan.core.recovery.plan import Action, NodePlan, Plan
from mulligan.core.run import Run
from mulligan.core.spec import JobSpec, SpecIndex, StepSpec
from mulligan.facades.common.sensitive import NO_INPUTS, SensitiveInputs
from mulligan.facades.native import shapes
from mulligan.facades.native.change_views import show_change
from mulligan.facades.native.run_views import job_name

WAITING = "w-"  # begins what follows the revision in the tag of a run that waits


def etag(revision: int, waiting: str = "") -> str:
    """Give the entity tag of a run at a revision. `waiting`: what stands for what it waits for."""
    return f'"{revision}:{WAITING}{waiting}"' if waiting else f'"{revision}"'


def show_plan(
    plan: Plan,
    run: Run,
    expected_seconds: float | None = None,
    *,
    sensitive: SensitiveInputs = NO_INPUTS,
) -> shapes.PlanView:
    """Make the answer for a plan of a run.

    Args:
        sensitive: Inputs of plugins whose values are not shown.
    """
    nodes = tuple(_nodes(plan, run.index))
    actions = [node.action for node in nodes if node.kind == "step"]
    counts = {action: actions.count(action.value) for action in Action}
    return shapes.PlanView(
        run=plan.run_id,
        revision=plan.revision,
        etag=etag(plan.revision),
        run_attempt=plan.run_attempt,
        target=shapes.PlanTarget(scope=plan.target.scope.value, node=plan.target.node),
        skip=plan.skip,
        while_running=plan.while_running,
        counts=shapes.PlanCounts(
            rerun=counts[Action.RERUN], keep=counts[Action.KEEP], skip=counts[Action.SKIP]
        ),
        approvals=shapes.PlanApprovals(
            kept=plan.approvals_kept, void=plan.approvals_void, asked=tuple(stops(plan, run))
        ),
        seconds_saved=round(plan.seconds_saved, 3),
        expected_seconds=expected_seconds,
        changes=tuple(show_change(each, run.index, sensitive) for each in plan.changes.items),
        nodes=nodes,
    )


def _nodes(plan: Plan, index: SpecIndex) -> Iterator[shapes.PlanNode]:
    for stage in index.spec.stages:
        yield _node("stage", stage.id, stage.name, plan.stages[stage.id])
        for job in index.jobs_of(stage):
            node = plan.jobs.get(job.id)
            if node is None:  # a copy of a matrix job that is split again
                continue
            yield _node("job", job.id, job_name(job), node, plan.workspaces.get(job.id))
            for step in _steps(plan, job):
                yield _node("step", step.id, step.name, plan.steps[step.id])


def _steps(plan: Plan, job: JobSpec) -> tuple[StepSpec, ...]:
    """Give the steps to be shown: of a matrix job that is split again the pattern of those."""
    again = plan.jobs[job.id].action is Action.RERUN and job.id not in plan.splits_kept
    return job.steps if job.matrix is None or again else ()


def _node(
    kind: str, ident: str, name: str, node: NodePlan, workspace: str | None = None
) -> shapes.PlanNode:
    return shapes.PlanNode(
        kind=kind,
        id=ident,
        name=name,
        action=node.action.value,
        reason=node.why.value,
        workspace=workspace,
    )
