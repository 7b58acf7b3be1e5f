"""Show a plan: every node with its action and reason."""

from collections.abc import Iterator

from mulligan.core.recovery.plan import Action, NodePlan, Plan
from mulligan.core.spec import SpecIndex
from mulligan.facades.native import shapes


def etag(revision: int) -> str:
    """Give the entity tag of a run at a revision."""
    return f'"{revision}"'


def show_plan(plan: Plan, index: SpecIndex) -> shapes.PlanView:
    """Make the answer for a plan of a run of that definition."""
    counts = {action: len(plan.steps_with(action)) for action in Action}
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
        approvals=shapes.PlanApprovals(kept=plan.approvals_kept, void=plan.approvals_void),
        seconds_saved=round(plan.seconds_saved, 3),
        nodes=tuple(_nodes(plan, index)),
    )


def _nodes(plan: Plan, index: SpecIndex) -> Iterator[shapes.PlanNode]:
    for stage in index.spec.stages:
        yield _node("stage", stage.id, stage.name, plan.stages[stage.id])
        for job in stage.jobs:
            workspace = plan.workspaces.get(job.id)
            yield _node("job", job.id, job.name, plan.jobs[job.id], workspace)
            for step in job.steps:
                yield _node("step", step.id, step.name, plan.steps[step.id])


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
