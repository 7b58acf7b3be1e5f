"""What may happen to a run besides the ordinary course, drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core_world import World

from mulligan.core.status import Status
from mulligan.testing.strategies import Act


def happen(world: World, acts: Iterable[Act]) -> None:
    """Let things happen to a run, one after the other; nothing, where one does not fit."""
    for act in acts:
        _HANDLERS[act.kind](world, act)


def targets(world: World) -> list[str]:
    """Return all that a retry may name, and some that it may not."""
    index = world.run.index
    return ["", *index.stages, *index.jobs, *index.steps, "stage-1", "0", "nothing"]


def _work(world: World, act: Act) -> None:
    for number in range(1 + act.pick % 8):
        world.work(act.pick + number)


def _vote(world: World, act: Act) -> None:
    gates = world.open_gates()
    if gates:
        values = {"color": "blue"} if act.other else {}
        world.vote(gates[act.pick % len(gates)], approve=act.flag, values=values)


def _answer_mutex(world: World, act: Act) -> None:
    asking = world.asking()
    if asking:
        world.answer_mutex(asking[act.pick % len(asking)], act.pick // 7)


def _stale_report(world: World, act: Act) -> None:
    if world.stale:
        world.report_stale(world.stale[act.pick % len(world.stale)])


def bad_targets(world: World) -> list[str]:
    """Return what failed or was cancelled: the usual targets of a retry."""
    run = world.run
    records = (*run.stages.values(), *run.jobs.values(), *run.steps.values())
    return [record.id for record in records if record.status in {Status.FAILED, Status.CANCELLED}]


def _retry(world: World, act: Act) -> None:
    _retry_one_of(world, act, targets(world))


def _retry_failed(world: World, act: Act) -> None:
    _retry_one_of(world, act, bad_targets(world) or targets(world))


def _retry_one_of(world: World, act: Act, names: list[str]) -> None:
    if act.pick % 4:  # most are asked for when the run has ended
        world.finish()
    world.retry(
        names[act.pick % len(names)],
        skip=act.flag,
        only_failed=act.other,
        clean_variables=act.other,
        live=act.pick % 2 == 0,
        waits=act.pick % 5 == 0,
    )


def _on_held(do: Callable[[World, str], object]) -> Callable[[World, Act], None]:
    def handler(world: World, act: Act) -> None:
        held = list(world.held)
        if held:
            do(world, held[act.pick % len(held)])

    return handler


_HANDLERS: dict[str, Callable[[World, Act], object]] = {
    "work": _work,
    "vote": _vote,
    "mutex": _answer_mutex,
    "stale-report": _stale_report,
    "late-report": _on_held(lambda world, job: world.report(job, runner_gone=True)),
    "lose": _on_held(World.lose),
    "time-out-job": _on_held(World.time_out_job),
    "stop": lambda world, _act: world.stop(),
    "terminate": lambda world, _act: world.terminate(),
    "leave-queue": lambda world, act: world.leave_queue(act.pick),
    "retry": _retry,
    "retry-failed": _retry_failed,
    "finish": lambda world, act: world.finish(approve=act.flag),
}
