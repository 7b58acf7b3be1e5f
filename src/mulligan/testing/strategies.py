"""Hypothesis strategies of the core: random definitions, how their steps end, and what happens.

A definition drawn here is one that a facade may store: dependencies stay inside a stage and make
no circle, only the last stage is a finally stage, ids are positions. Drawing is kept cheap: a node
is plain, but for a few traits out of a list that begins with the harmless ones. Needs `hypothesis`.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.spec import (
    Condition,
    JobSpec,
    MatrixSpec,
    MutexSpec,
    OnFailure,
    PipelineSpec,
    ReviewGroup,
    ReviewParam,
    ReviewSpec,
    RunWhen,
    StageSpec,
    StepSpec,
)
from mulligan.core.status import Status

Traits = dict[str, Any]

# Variables that steps write and conditions look at, and the values that they take.
NAMES = ("color", "size", "place")
VALUES = ("red", "blue", "")
REVIEWERS = ("ann", "ben")

_ON_FACTS: tuple[Condition, ...] = (
    Condition(when=RunWhen.UNLESS_VARIABLES, variables=(("color", "red"),)),
    Condition(when=RunWhen.VARIABLES, variables=(("color", "red"),)),
    Condition(when=RunWhen.UNLESS_VARIABLES, variables=(("size", "${color}"), ("place", "blue"))),
    Condition(when=RunWhen.VARIABLES),
    Condition(when=RunWhen.UNLESS_VARIABLES),
    Condition(when=RunWhen.EXPRESSION, expression="variables.color != 'blue'"),
    Condition(when=RunWhen.EXPRESSION, expression="variables.size == variables.place"),
    Condition(when=RunWhen.EXPRESSION, expression="variables.color == 'red' &&"),  # never holds
    Condition(when=RunWhen.EXPRESSION),
)


def _on(*whens: RunWhen) -> tuple[Traits, ...]:
    return tuple({"condition": Condition(when=when)} for when in whens)


_FACTS: tuple[Traits, ...] = tuple({"condition": condition} for condition in _ON_FACTS)
_PLAIN: Traits = {}
_STEP_TRAITS: tuple[Traits, ...] = (
    *(_PLAIN,) * 14,
    {"may_skip": True},
    {"auto_retries": 1},
    {"auto_retries": 2},
    {"on_failure": OnFailure.CONTINUE},
    {"on_failure": OnFailure.CONTINUE},
    {"on_failure": OnFailure.ASK, "may_skip": True},
    *_on(RunWhen.UNLESS_CANCELLED, RunWhen.ALWAYS, RunWhen.FAILURE, RunWhen.HARD_FAILURE),
    *_on(RunWhen.ALWAYS, RunWhen.UNLESS_CANCELLED),
    *_FACTS,
    {"enabled": False},
)
_GATE_TRAITS: tuple[Traits, ...] = (
    {"pause_before": True},
    {"kind": "review", "inputs": {"reviewUsers": list(REVIEWERS)}},
    {"kind": "review", "inputs": {"reviewUsers": ["${place}"]}},  # nobody, or nobody known
    {"kind": "call", "inputs": {"pipeline": "other"}},
)
_POST_CONDITIONS = _on(
    RunWhen.PARENT_ENDED, RunWhen.PARENT_CUT, RunWhen.FAILURE, RunWhen.UNLESS_CANCELLED
)
_JOB_TRAITS: tuple[Traits, ...] = (
    *(_PLAIN,) * 18,
    {"continue_on_failure": True},
    {"continue_on_failure": True},
    *_FACTS,
    {"enabled": False},
)
WRONG_MATRIX = MatrixSpec(strategy="os: red")
_MATRICES = (
    MatrixSpec(strategy="os: [red, blue, green]", max_parallel=2),
    MatrixSpec(strategy="os: [red, blue]\nto: [a, b]", fast_kill=True, max_parallel=3),
    # how many there are depends on what steps have written
    MatrixSpec(strategy="os: [red, blue, green]", exclude="[{os: '${{ variables.color }}'}]"),
    MatrixSpec(strategy="os: [red]", exclude="[{os: '${{ variables.size }}'}]", max_parallel=1),
    WRONG_MATRIX,
)
_FINALLY_JOB_TRAITS: tuple[Traits, ...] = (
    *(_PLAIN,) * 3,
    *_on(RunWhen.PREVIOUS_SUCCEEDED, RunWhen.PREVIOUS_FAILED, RunWhen.PREVIOUS_CANCELLED),
    {"continue_on_failure": True},
    {"enabled": False},
)
_STAGE_TRAITS: tuple[Traits, ...] = (
    *(_PLAIN,) * 20,
    {"fast_kill": True},
    {"fast_kill": True},
    *_FACTS,
    {"enabled": False},
)


_MUTEXES = (
    None,
    None,
    MutexSpec(name="door", places=9, timeout_s=600),
    MutexSpec(name="${color}", places=9, timeout_text="${size}"),  # which may be empty
)


def _reviews() -> tuple[Traits, ...]:
    param = ReviewParam(key=NAMES[0], value=VALUES[0])
    first = ReviewGroup(id="first", reviewers=REVIEWERS)
    second = ReviewGroup(id="second", reviewers=("ben,cid",))
    nobody = ReviewGroup(id="nobody", reviewers=(" ",))
    return (
        {"review": ReviewSpec(groups=(first,))},
        {"review": ReviewSpec(groups=(first, second), params=(param,))},
        {"review": ReviewSpec(groups=(second, nobody))},
    )


_REVIEWED_STAGE_TRAITS = (*_STAGE_TRAITS, *_reviews())


@st.composite
def step_specs(
    draw: st.DrawFn, step_id: StepId, *, earlier: Sequence[StepId] = (), gates: bool = True
) -> StepSpec:
    """Draw one step. `earlier`: steps of its job, any of which it may be the post action of."""
    number = int(step_id[2:], 16)
    traits: Traits = {"name": f"step {number}", "ref": f"s{number}"}
    traits |= {"inputs": {"script": "true"}}
    traits |= draw(st.sampled_from(_STEP_TRAITS)) | draw(st.sampled_from(_STEP_TRAITS))
    odd = draw(st.integers(0, 9))
    if odd == 8 and gates:
        traits |= draw(st.sampled_from(_GATE_TRAITS))
    elif odd == 9 and earlier:
        traits |= draw(st.sampled_from(_POST_CONDITIONS))
        traits |= {"post_of": draw(st.sampled_from(earlier))}
    return StepSpec(id=step_id, **traits)


@st.composite
def job_specs(
    draw: st.DrawFn,
    job_id: JobId,
    step_ids: Iterator[StepId],
    *,
    siblings: Sequence[JobId] = (),
    in_finally: bool = False,
    gates: bool = True,
    mutexes: bool = False,
    matrices: bool = True,
    most_steps: int = 6,
) -> JobSpec:
    """Draw one job. `siblings`: earlier jobs of its stage, on which it may depend."""
    steps: list[StepSpec] = []
    for _ in range(draw(st.integers(1, most_steps))):
        earlier = [step.id for step in steps if step.post_of is None]
        steps.append(draw(step_specs(next(step_ids), earlier=earlier, gates=gates)))
    traits = draw(st.sampled_from(_FINALLY_JOB_TRAITS if in_finally else _JOB_TRAITS))
    needed = draw(st.integers(0, 11)) - 7  # one job in three depends on one or two others
    depends_on = tuple(siblings[-(needed % 2 + 1) :]) if needed > 0 else ()
    if matrices and draw(st.integers(0, 9)) > 7:
        traits = traits | {"matrix": draw(st.sampled_from(_MATRICES))}
    return JobSpec(
        id=job_id,
        name=f"job {job_id}",
        ref=f"j{job_id}",
        mutex=draw(st.sampled_from(_MUTEXES)) if mutexes else None,
        depends_on=depends_on,
        steps=tuple(steps),
        hash_id=f"c-{int(job_id):032x}",
        **traits,
    )


@st.composite
def pipeline_specs(
    draw: st.DrawFn,
    *,
    most_stages: int = 5,
    most_jobs: int = 5,
    most_steps: int = 6,
    gates: bool = True,
    mutexes: bool = False,
    matrices: bool = True,
) -> PipelineSpec:
    """Draw a definition.

    Args:
        gates: With reviews of stages and steps, and pauses.
        mutexes: Some jobs need a mutex.
    """
    step_ids = (StepId(f"e-{number:032x}") for number in range(1, 10_000))
    job_ids = (JobId(str(number)) for number in range(1, 10_000))
    stages: list[StageSpec] = []
    count = draw(st.integers(1, most_stages))
    for position in range(count):
        is_finally = position == count - 1 > 0 and draw(st.booleans())
        jobs: list[JobSpec] = []
        for _ in range(draw(st.integers(1, most_jobs))):
            job = job_specs(
                next(job_ids),
                step_ids,
                siblings=[job.id for job in jobs],
                in_finally=is_finally,
                gates=gates,
                mutexes=mutexes,
                matrices=matrices,
                most_steps=most_steps,
            )
            jobs.append(draw(job))
        choices = _REVIEWED_STAGE_TRAITS if gates else _STAGE_TRAITS
        traits = _PLAIN if is_finally else draw(st.sampled_from(choices))
        stages.append(
            StageSpec(
                id=StageId(f"stage-{position + 2}"),
                name=f"stage {position + 2}",
                is_finally=is_finally,
                jobs=tuple(jobs),
                **traits,
            )
        )
    return PipelineSpec(name="random", stages=tuple(stages))


class Outcome(msgspec.Struct, frozen=True):
    """How a step attempt ends, and what it writes before."""

    status: Status = Status.SUCCEEDED
    cause: Cause | None = None
    variables: tuple[tuple[str, str], ...] = ()


class Outcomes(msgspec.Struct, frozen=True):
    """How every attempt of every step ends: the same question always gets the same answer."""

    table: tuple[Outcome, ...]

    def of(self, step_id: StepId, attempt: int) -> Outcome:
        """Give the end of an attempt."""
        place = zlib.crc32(f"{step_id}:{attempt}".encode()) % len(self.table)
        return self.table[place]


_WRITES = ((), (), *(((name, value),) for name in NAMES for value in VALUES))
_GOOD_OUTCOMES = tuple(Outcome(variables=writes) for writes in _WRITES)
_BAD_OUTCOMES = tuple(
    Outcome(status=Status.FAILED, cause=cause, variables=writes)
    for writes in _WRITES[1:]
    for cause in (Cause.USER, Cause.TIMEOUT, Cause.CONFIG, Cause.INFRA)
)


def outcomes() -> st.SearchStrategy[Outcomes]:
    """Draw how steps end; two in three succeed."""
    good = st.sampled_from(_GOOD_OUTCOMES)
    one = st.one_of(good, good, st.sampled_from(_BAD_OUTCOMES))
    return st.lists(one, min_size=3, max_size=9).map(lambda table: Outcomes(tuple(table)))


class Act(msgspec.Struct, frozen=True):
    """Something that happens to a run.

    Args:
        kind: One of `ACT_KINDS`.
        pick: Chooses, modulo what there is, whom it happens to, or how often.
        flag, other: What they mean depends on the kind (approve, skip, only failed …).
    """

    kind: str
    pick: int = 0
    flag: bool = False
    other: bool = False


# "work" is the ordinary course: some claims, reports and answers; "finish" goes on to the end.
ACT_KINDS = (
    "work",
    "finish",
    "vote",
    "mutex",
    "stale-report",
    "late-report",
    "lose",
    "time-out-job",
    "stop",
    "terminate",
    "retry",
    "retry-failed",
    "leave-queue",
)


def acts(*, most: int = 30, kinds: tuple[str, ...] = ACT_KINDS) -> st.SearchStrategy[list[Act]]:
    """Draw what happens to a run, in order; much of it is ordinary work."""
    kind = st.sampled_from((*("work",) * (len(kinds) // 3), *kinds))
    act = st.builds(
        lambda kind, pick: Act(kind, pick // 4, bool(pick & 1), bool(pick & 2)),
        kind,
        st.integers(0, 255),
    )
    # drawing the length first makes long rows as frequent as short ones
    return st.integers(0, most).flatmap(lambda size: st.lists(act, min_size=size, max_size=size))
