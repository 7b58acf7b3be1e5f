"""What a run makes of its matrix jobs: split, side by side, ended, repaired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from core_specs import (
    accepted,
    broken,
    job,
    job_words,
    last,
    pipeline,
    ran,
    refused,
    stage,
    step,
    step_words,
    when,
)
from core_world import World

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.evolve import derive, with_index
from mulligan.core.ids import JobId, StepId
from mulligan.core.matrix import child_step_id
from mulligan.core.prepare import prepare_step
from mulligan.core.recovery.plan import Action, Why
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import StartParameter
from mulligan.core.spec import (
    Condition,
    JobSpec,
    MatrixSpec,
    MutexSpec,
    OnFailure,
    PipelineSpec,
    RunWhen,
    StepSpec,
)
from mulligan.core.status import Status
from mulligan.core.variables import Scope, gathered_outputs
from mulligan.testing.strategies import Outcome

FOUR = "n: [1, 2, 3, 4]"


def of(name: str, number: int) -> StepId:
    """Give the id that a step has in a copy; numbers count from 1."""
    return child_step_id(StepId(name), number)


def split(number: int, *steps: StepSpec | str, **fields: Any) -> JobSpec:
    """Give a matrix job; fields of `MatrixSpec` go there."""
    names = set(MatrixSpec.__struct_fields__)
    matrix = {name: fields.pop(name) for name in list(fields) if name in names}
    return job(number, *steps, matrix=MatrixSpec(**{"strategy": FOUR, **matrix}), **fields)


def one(*steps: StepSpec | str, **fields: Any) -> PipelineSpec:
    """Give a pipeline of one matrix job."""
    return pipeline(stage(2, split(1, *steps, **fields)))


def bad(*copies: int, name: str = "a") -> Callable[..., Outcome]:
    """Let the first try of a step of some copies fail."""
    return broken(**{of(name, number): 1 for number in copies})


def begun(world: World, known: int = 0) -> list[tuple[str, int]]:
    """Tell which steps were started since then, by name and number of the copy."""
    names = {
        of(spec.id, number): (spec.id, number)
        for pattern in world.run.index.definition.jobs.values()
        for spec in pattern.steps
        for number in range(1, 9)
    }
    return [names.get(step_id, (step_id, 0)) for step_id, _ in world.started[known:]]


# --- while it runs ------------------------------------------------------------------------------


def test_copies_begin_in_order_as_many_as_may() -> None:
    """Two at once; the next begins when one has ended, in the order of the combinations."""
    world = World(one("a", max_parallel=2))

    offered = [world.offered()]
    for number in ("1002", "1001"):
        world.claim(number)
        world.report(number)
        offered.append(world.offered())

    assert offered == [["1001", "1002"], ["1001", "1003"], ["1003", "1004"]]
    assert job_words(world.run, 1, 1001, 1003) == ["running", "succeeded", "queued"]
    world.finish()
    assert job_words(world.run, 1, 1001, 1002, 1003, 1004) == ["succeeded"] * 5


def test_the_split_is_a_fact_that_is_read_again() -> None:
    """A run read from its rows has the same copies, though nothing is computed anew."""
    world = World(one("a", max_parallel=2))
    bare = with_index(world.run, world.run.index.definition)

    again = derive(bare)

    assert again == world.run
    assert again.index == world.run.index
    assert world.run.job(JobId("1")).combinations == tuple({"n": str(n)} for n in range(1, 5))
    assert [type(event) for event in world.events()].count(e.JobSplit) == 1


def test_a_run_without_matrix_keeps_the_index_of_its_definition() -> None:
    """Nothing of it is copied: all runs of a version share one."""
    world = ran(pipeline(stage(2, job(1, "a"))))

    assert world.run.index is world.first.index


def test_runs_of_one_definition_are_split_apart_from_each_other() -> None:
    """What one run adds to the index is not seen by another."""
    spec = one("a", strategy="n: [1]", include="- {n: '${{ variables.more }}'}")
    first = World(spec, parameters=(StartParameter(name="more", value="2"),))
    second = World(spec, parameters=(StartParameter(name="more", value="1"),))

    assert [len(world.run.index.children[JobId("1")]) for world in (first, second)] == [2, 1]
    assert not first.run.index.definition.children


def test_expressions_of_a_matrix_see_what_ran_before() -> None:
    """`fromJSON` of a variable gives the dimensions; dependents wait for all copies."""
    ending = broken()

    def writes(step_id: StepId, attempt: int) -> Outcome:
        outcome = ending(step_id, attempt)
        values = (("grid", '{"os":["win","lin"],"db":["pg"]}'),) if step_id == "plan" else ()
        return Outcome(outcome.status, outcome.cause, values)

    spec = pipeline(
        stage(
            2,
            job(1, "plan"),
            split(2, "a", strategy="${{ fromJSON(variables.grid) }}", needs=[1]),
            job(3, "end", needs=[2]),
        )
    )
    world = ran(spec, writes)

    assert begun(world) == [("plan", 0), ("a", 1), ("a", 2), ("end", 0)]
    assert world.run.job(JobId("2")).combinations == (
        {"os": "win", "db": "pg"},
        {"os": "lin", "db": "pg"},
    )


@pytest.mark.parametrize(
    ("matrix", "expected", "message"),
    [
        ({"exclude": "- {n: 1}", "strategy": "n: [1]"}, "skipped:condition", "no combination"),
        ({"strategy": "${{ variables.nothing }}"}, "skipped:condition", "no combination"),
        ({"strategy": "n: 1"}, "failed:config", "is not a list"),
        ({"strategy": "n: ${{ fromJSON( }}"}, "failed:config", "the expression 'fromJSON('"),
        ({"strategy": f"n: {list(range(300))}"}, "failed:config", "300 combinations"),
        ({"strategy": "n: [word-of-the-day]"}, "failed:config", "holds a secret"),
    ],
)
def test_no_copies(matrix: dict[str, str], expected: str, message: str) -> None:
    """Without a combination the job is skipped, a wrong matrix fails it; both say why."""
    secret = StartParameter(name="key", value="word-of-the-day", sensitive=True)

    world = ran(one("a", **matrix), parameters=(secret,))

    assert job_words(world.run, 1) == [expected]
    assert message in world.run.job(JobId("1")).message
    assert not world.started


def test_ids_of_copies_must_not_be_those_of_other_jobs() -> None:
    """A pipeline with over a thousand jobs may have no job whose id a copy would get."""
    jobs = (job(number, f"s{number}") for number in range(2, 1003))

    world = World(pipeline(stage(2, split(1, "a"), *jobs)), watched=False)

    assert job_words(world.run, 1) == ["failed:config"]
    assert "1001 is one" in world.run.job(JobId("1")).message


def test_without_fast_kill_the_others_finish() -> None:
    """Of four copies one fails, the rest goes on; the job has failed, its dependents don't run."""
    spec = pipeline(stage(2, split(1, "a"), job(2, "b", needs=[1])))

    world = ran(spec, bad(2))

    assert job_words(world.run, 1001, 1002, 1003, 1004) == [
        "succeeded",
        "failed:user",
        "succeeded",
        "succeeded",
    ]
    assert job_words(world.run, 1, 2) == ["failed:user", "skipped:dependency"]


def test_fast_kill_ends_the_other_copies_and_no_other_job() -> None:
    """A running copy is asked to end, waiting ones don't begin; a neighbour goes on."""
    spec = pipeline(stage(2, split(1, "a", fast_kill=True, max_parallel=2), job(2, "b")))
    world = World(spec, bad(1))
    world.claim("1002")
    world.claim("1001")
    world.report("1001")
    world.finish()

    assert job_words(world.run, 1001, 1002, 1003, 1004) == [
        "failed:user",
        *["failed:fast_kill"] * 3,
    ]
    assert job_words(world.run, 1, 2) == ["failed:user", "succeeded"]


def test_fast_kill_of_copies_is_a_failure_for_the_fast_kill_of_the_stage() -> None:
    """The job has failed as its bad copy did, whichever copy had to end for that one."""
    spec = pipeline(stage(2, split(1, "a", fast_kill=True), job(2, "b"), fast_kill=True))
    world = World(spec, bad(3))
    for each in ("2", "1001", "1002", "1003", "1004"):
        world.claim(each)
    for each in ("1003", "1001", "1002", "1004", "2"):
        world.report(each)

    assert job_words(world.run, 1001, 1003, 1) == ["failed:fast_kill", "failed:user", "failed:user"]
    assert job_words(world.run, 2) == ["failed:fast_kill"]


def test_the_stage_looks_at_the_job_not_at_its_copies() -> None:
    """Fast kill of a stage waits for the job; `continue_on_failure` is the job's."""
    spec = pipeline(
        stage(2, split(1, "a", continue_on_failure=True), fast_kill=True), stage(3, job(2, "b"))
    )

    world = ran(spec, bad(1))

    assert job_words(world.run, 1, 2) == ["failed:user", "succeeded"]
    assert world.run.head.status is Status.SUCCEEDED


def test_a_stop_cancels_all_copies() -> None:
    """Those that run are asked to end, those that wait are cancelled at once."""
    world = World(one("a", max_parallel=2))
    world.claim("1001")

    world.stop()
    words = job_words(world.run, 1001, 1002, 1003, 1004)
    world.finish()

    assert words == ["running", "cancelled", "cancelled", "cancelled"]
    assert job_words(world.run, 1, 1001) == ["cancelled", "cancelled"]


def test_a_forced_end_leaves_no_copy_open() -> None:
    """The job has the result of its copies: failed before cancelled."""
    world = World(one("a", max_parallel=2))
    world.claim("1001")

    world.terminate()

    assert job_words(world.run, 1001, 1002) == ["failed:terminated", "cancelled"]
    assert job_words(world.run, 1) == ["failed:terminated"]


def test_a_rule_of_a_step_retries_within_its_copy() -> None:
    """Automatic retries belong to the step of one copy."""
    world = ran(one(step("a", auto_retries=1), max_parallel=1), bad(2, 3))

    assert begun(world) == [("a", 1), ("a", 2), ("a", 2), ("a", 3), ("a", 3), ("a", 4)]
    assert job_words(world.run, 1) == ["succeeded"]


# --- names --------------------------------------------------------------------------------------


def test_a_copy_sees_its_values() -> None:
    """As `matrix.*`, one level of objects too, and in the environment of its steps."""
    strategy = "power: [{name: x, url: c1}]\nos: [win, 'a$b']"
    pattern = step("a", inputs={"script": "run ${{matrix.os}} ${matrix.power.url}"})
    spec = pipeline(stage(2, split(1, pattern, strategy=strategy, env=(("OS", "${matrix.os}"),))))
    world = World(spec)

    world.claim("1001")
    world.claim("1002")
    copy, other = (world.run.index.steps[of("a", number)] for number in (1, 2))
    order = prepare_step(world.run, copy)
    scope = Scope(world.run, JobId("1001"))

    assert order.inputs["script"] == "run win c1"
    assert (order.env["OS"], order.env["matrix.os"]) == ("win", "win")
    assert prepare_step(world.run, other).env["OS"] == "a$b"
    assert (scope["matrix.power.name"], scope["job.index"], scope["job.id"]) == ("x", "0", "j1.0")
    assert scope["matrix.power"] == '{"name":"x","url":"c1"}'
    assert "matrix.os" in set(scope)
    assert Scope(world.run, JobId("1")).get("matrix.os") is None


def test_conditions_and_mutexes_of_a_copy_know_its_values() -> None:
    """Steps run by them; each copy asks for a lock of its own name."""
    only = step("b", when("expression", text="matrix.os == 'mac'"))
    lock = MutexSpec(name="lock-${{matrix.os}}", places=1, timeout_s=60)
    world = World(one("a", only, strategy="os: [win, mac]", mutex=lock))

    tickets = [world.run.job(JobId(copy)).mutex for copy in ("1001", "1002")]
    world.finish()

    assert [ticket.name for ticket in tickets if ticket] == ["lock-win", "lock-mac"]
    assert world.run.job(JobId("1")).mutex is None
    assert step_words(world.run, of("b", 1), of("b", 2)) == ["skipped:condition", "succeeded"]


def test_outputs_of_copies_and_of_the_job() -> None:
    """`jobs.<job>.<i>.steps…` of each; without the number a JSON array, in a dependent job."""
    spec = pipeline(stage(2, split(1, "a", strategy="n: [1, 2, 3]"), job(2, "b", needs=[1])))
    world = World(spec)
    for number in (3, 1, 2):
        world.claim(f"100{number}")
        outputs = (("v", f"x{number}"),) if number != 2 else ()
        world.report(f"100{number}", outputs=outputs)
    scope = Scope(world.run, JobId("2"))

    assert scope["jobs.j1.0.steps.a.outputs.v"] == "x1"
    assert scope["jobs.j1.steps.a.outputs.v"] == '["x1","x3"]'
    assert gathered_outputs(world.run) == {"jobs.j1.steps.a.outputs.v": '["x1","x3"]'}
    assert "jobs.j1.steps.a.outputs.v" in set(scope)
    assert scope["jobs.j1.1.status"] == scope["jobs.j1.status"] == "SUCCEED"
    assert scope["jobs.j1.1.steps.a.status"] == "SUCCEED"
    assert scope.get("jobs.j1.7.status") is None
    assert scope.get("jobs.j1.steps.a.outputs.other") is None


# --- repaired -----------------------------------------------------------------------------------

CHAIN = pipeline(
    stage(
        2,
        split(1, "a", step("b", may_skip=True), step("c", ref="unique")),
        job(2, "d", needs=[1]),
        job(3, "x"),
    ),
    stage(3, job(4, "e")),
    last(4, job(5, "z")),
)


def broken_chain(*copies: int) -> World:
    """Give an ended run in whose matrix step b of some copies failed."""
    return ran(CHAIN, bad(*copies, name="b"))


def test_failed_copies_alone_run_again() -> None:
    """`only_failed` on the job: the split stays, good copies too; what comes after runs."""
    world = broken_chain(2, 4)
    known = len(world.started)

    plan = accepted(world.retry("1", only_failed=True))
    world.finish()

    again = begun(world, known)
    assert sorted(again) == sorted(
        [(name, copy) for name in "abc" for copy in (2, 4)] + [("d", 0), ("e", 0), ("z", 0)]
    )
    assert plan.splits_kept == {"1"}
    assert plan.jobs[JobId("1001")].action is Action.KEEP
    assert world.run.head.status is Status.SUCCEEDED
    records = [world.run.job(JobId(f"100{number}")) for number in range(1, 5)]
    assert [record.run_attempt for record in records] == [1, 2, 1, 2]


def test_the_job_alone_is_split_again() -> None:
    """All copies run, by the values of now; their numbers go on."""
    world = broken_chain(2)
    known = len(world.started)

    plan = accepted(world.retry("1"))
    world.finish()

    assert not plan.splits_kept
    assert [found for found in begun(world, known) if found[0] == "a"] == [
        ("a", number) for number in range(1, 5)
    ]
    assert [world.run.job(JobId(f"100{number}")).attempt for number in range(1, 5)] == [2] * 4


def test_only_failed_without_a_failed_copy_splits_again() -> None:
    """So does it when there are no copies at all."""
    world = ran(one("a"))

    plan = accepted(world.retry("1", only_failed=True))

    assert not plan.splits_kept
    assert world.finish().head.status is Status.SUCCEEDED


@pytest.mark.parametrize("target", ["1003", "j1.2"])
def test_one_copy_runs_again(target: str) -> None:
    """By its id or its own name; other failed copies stay as they are."""
    world = broken_chain(2, 3)
    known = len(world.started)

    plan = accepted(world.retry(target))
    world.finish()

    assert begun(world, known) == [("a", 3), ("b", 3), ("c", 3), ("z", 0)]
    assert plan.jobs[JobId("1")].why is Why.HOLDS_TARGET
    assert job_words(world.run, 1, 1002, 1003, 2) == [
        "failed:user",
        "failed:user",
        "succeeded",
        "skipped:dependency",
    ]


def test_a_step_of_a_copy_runs_again() -> None:
    """It and what follows in that copy; the run goes on after it."""
    world = broken_chain(3)
    known = len(world.started)

    accepted(world.retry(of("b", 3)))
    world.finish()

    assert begun(world, known) == [("b", 3), ("c", 3), ("d", 0), ("e", 0), ("z", 0)]
    assert world.run.head.status is Status.SUCCEEDED


def test_the_own_id_of_a_step_means_that_of_the_first_copy() -> None:
    """The step of the definition itself is no target: it never runs."""
    world = broken_chain(1)

    plan = accepted(world.plan("unique"))
    pattern = world.plan("c")

    assert plan.target.node == of("c", 1)
    assert refused(pattern) is RefusalCode.TARGET_UNKNOWN


def test_a_step_of_a_copy_is_skipped() -> None:
    """What its pattern allows, that step allows; the rest of the copy goes on."""
    world = broken_chain(2)

    refusal = world.plan(of("a", 2), skip=True, may_operate=False)
    accepted(world.retry(of("b", 2), skip=True, may_operate=False))
    world.finish()

    waived = world.run.step(of("b", 2))
    assert (waived.status, waived.cause) == (Status.SKIPPED, Cause.WAIVED)
    assert refused(refusal) is RefusalCode.SKIP_NOT_ALLOWED
    assert world.run.head.status is Status.SUCCEEDED


def test_a_stage_is_retried_or_skipped() -> None:
    """Whole: split again. Only failed: only such copies. Skip: in the copies that are there."""
    for options, expected in (
        ({}, [1, 2, 3, 4]),
        ({"only_failed": True}, [2]),
        ({"skip": True}, [1, 2, 3, 4]),
        ({"skip": True, "only_failed": True}, [2]),
    ):
        world = broken_chain(2)
        known = len(world.started)

        plan = accepted(world.retry("stage-2", **options))
        run = world.finish()

        assert [copy for name, copy in begun(world, known) if name == "a"] == expected, options
        skipped = run.step(of("b", 2)).cause is Cause.WAIVED
        assert skipped is bool(options.get("skip")), options
        assert bool(plan.splits_kept) is bool(options), options
        assert run.head.status is Status.SUCCEEDED


def test_a_copy_of_the_finally_stage_is_skipped_there() -> None:
    """The stage runs again as a whole, with the copies that it has."""
    spec = pipeline(
        stage(2, job(1, "a")),
        last(3, split(2, step("b", may_skip=True), "c", strategy="n: [1, 2]")),
    )
    world = ran(spec, bad(2, name="b"))

    plan = accepted(world.retry(of("b", 2), skip=True))
    run = world.finish()

    assert plan.splits_kept == {"2"}
    assert run.step(of("b", 2)).cause is Cause.WAIVED
    assert [run.job(JobId(number)).run_attempt for number in ("2001", "2002")] == [2, 2]
    assert run.head.status is Status.SUCCEEDED


def test_copies_of_a_job_that_is_not_wanted_any_more_end_with_it() -> None:
    """Its condition is judged again; what a copy that is kept has written counts for that (R3)."""
    once = Condition(when=RunWhen.UNLESS_VARIABLES, variables=(("done", "yes"),))
    world = World(one("a", strategy="n: [1, 2]", runs=once), bad(2))
    for number in (1, 2):
        world.claim(f"100{number}")
    world.report("1001", variables=(("done", "yes"),))
    world.report("1002")

    accepted(world.retry("1002"))
    world.finish()

    assert world.run.head.status is Status.SUCCEEDED
    assert job_words(world.run, 1, 1001, 1002) == [
        "skipped:condition",
        "succeeded",
        "skipped:condition",
    ]


def test_a_smaller_split_leaves_the_old_records_alone() -> None:
    """Copies that are gone keep what they were; one that comes back goes on from there."""
    values = {"list": "[1, 2, 3]"}

    def writes(step_id: StepId, attempt: int) -> Outcome:
        found = (("list", values["list"]),) if step_id == "p" else ()
        if step_id == of("a", 3) and attempt == 1:
            return Outcome(Status.FAILED, Cause.USER)
        return Outcome(variables=found)

    spec = pipeline(
        stage(2, job(1, "p")), stage(3, split(2, "a", strategy="n: ${{ variables.list }}"))
    )
    world = ran(spec, writes)
    failed = world.run.step(of("a", 3))
    values["list"] = "[1]"
    accepted(world.retry())
    assert world.run.head.failed_steps == ()
    smaller = world.finish()
    kept = smaller.step(of("a", 3))
    values["list"] = "[1, 2, 3]"
    accepted(world.retry())
    larger = world.finish()

    assert failed.status is Status.FAILED
    assert kept == failed
    assert refused(world.plan("nothing")) is RefusalCode.TARGET_UNKNOWN
    assert [copy.id for copy in smaller.index.children[JobId("2")]] == ["2001"]
    assert [larger.job(JobId(f"200{number}")).attempt for number in (1, 2, 3)] == [3, 2, 2]
    assert larger.head.status is Status.SUCCEEDED


def test_while_the_run_goes_on_only_an_ended_copy_is_retried() -> None:
    """A copy or a step of it, not the job; without a new attempt of the run."""
    spec = pipeline(stage(2, split(1, "a", "b", max_parallel=2), job(2, "x")))
    world = World(spec, bad(1))
    world.claim("1001")
    world.report("1001")

    whole = world.retry("1")
    running = world.retry("1002")
    accepted(world.retry("1001"))
    offered = world.offered()
    world.finish()

    assert refused(whole) is RefusalCode.NEEDS_SINGLE_STEP
    assert refused(running) is RefusalCode.JOB_NOT_FINISHED
    assert offered == ["1002", "1003", "2"]  # its turn comes: two are under way
    assert world.run.head.attempt == 1
    assert world.run.head.status is Status.SUCCEEDED


def test_while_the_run_goes_on_an_ended_matrix_is_opened_again() -> None:
    """With all its copies ended, it waits anew for the one that is retried."""
    spec = pipeline(stage(2, split(1, "a"), job(2, "d", needs=[1]), job(3, "x")))
    world = World(spec, bad(2))
    world.claim("3")
    for number in range(1, 5):
        world.claim(f"100{number}")
        world.report(f"100{number}")
    before = job_words(world.run, 1, 2)

    plan = accepted(world.retry(of("a", 2)))
    opened = job_words(world.run, 1, 2)
    world.finish()

    assert before == ["failed:user", "skipped:dependency"]
    assert opened == ["running", "queued"]
    assert plan.splits_kept == {"1"}
    assert job_words(world.run, 1, 2, 3) == ["succeeded"] * 3
    assert world.run.job(JobId("1")).attempt == 2


def test_values_of_copies_that_run_again_are_withdrawn() -> None:
    """R5 holds for copies too, also for those that a new split takes the place of."""
    world = World(one(step("a", on_failure=OnFailure.STOP), strategy="n: [1, 2]"), bad(2))
    for number in (1, 2):
        world.claim(f"100{number}")
        world.report(f"100{number}", outputs=(("v", f"{number}"),))

    world.retry("1", only_failed=True)
    kept = gathered_outputs(world.run)
    world.finish()
    world.retry("1")

    assert kept == {"jobs.j1.steps.a.outputs.v": '["1"]'}
    assert gathered_outputs(world.run) == {}
    assert world.run.value("jobs.j1.0.steps.a.outputs.v") is None
