"""Reading a model: what comes out of the published example, ids, and every rule of saving."""

from copy import deepcopy
from typing import Any

import pytest

from bkci.scenes import E11, E12, E41, CountedIds, minimal_model
from mulligan.core.errors import InvalidError
from mulligan.core.spec import Dialect, OnFailure, PipelineSpec
from mulligan.facades.bkci.errors import render_error
from mulligan.facades.bkci.model_in import read_model
from mulligan.facades.common.ways import Limits

Json = dict[str, Any]


def read(model: object, **options: Any) -> tuple[PipelineSpec, Json]:
    """Read a model with ids that count up."""
    return read_model(model, ids=CountedIds(), **options)


def refused(model: object, **options: Any) -> InvalidError:
    """Read a model that must be refused; return the error."""
    with pytest.raises(InvalidError) as caught:
        read(model, **options)
    return caught.value


def first_job(model: Json) -> Json:
    """Return the first job after the trigger."""
    found: Json = model["stages"][1]["containers"][0]
    return found


def test_minimal_pipeline_compiles() -> None:
    """The published example means three stages, four jobs and six steps, in order."""
    spec, _ = read(minimal_model())

    assert [stage.id for stage in spec.stages] == ["stage-2", "stage-3", "stage-4"]
    assert [stage.ref for stage in spec.stages] == ["stage_2", "stage_3", "stage_4"]
    assert [stage.is_finally for stage in spec.stages] == [False, False, True]
    jobs = [job for stage in spec.stages for job in stage.jobs]
    assert [(job.id, job.ref) for job in jobs] == [
        ("1", "build"),
        ("2", "lint"),
        ("3", "deploy"),
        ("4", "clean"),
    ]
    assert [step.id for step in jobs[0].steps][:2] == [E11, E12]
    assert jobs[-1].steps[0].id == E41
    assert [(p.name, p.default, p.desc) for p in spec.parameters] == [("env", "test", "target")]
    assert spec.manual_start
    assert spec.trigger_steps == ("e-00000000000000000000000000000001",)


def test_minimal_pipeline_step_options() -> None:
    """A step with manual skip fails its job and may be skipped; one without options has none."""
    spec, _ = read(minimal_model())

    plain, asking = spec.stages[0].jobs[0].steps[:2]
    assert (plain.kind, plain.ref, plain.inputs["script"]) == ("script", "checkout", "true")
    assert plain.inputs["scriptType"] == "SHELL"
    assert plain.timeout_s == 6000
    assert plain.on_failure is OnFailure.STOP
    assert not plain.may_skip
    assert asking.on_failure is OnFailure.ASK
    assert asking.may_skip
    assert asking.may_retry


def test_given_document_is_not_changed() -> None:
    """Reading leaves the document as it came; the stored one is another."""
    model = minimal_model()
    model["stages"][1]["containers"][0]["elements"][0]["id"] = ""
    before = deepcopy(model)

    _, source = read(model)

    assert model == before
    assert source is not model


def test_unknown_members_are_kept() -> None:
    """What this server does not know stays in the stored document at every level."""
    model = minimal_model()
    model["x-model"] = {"deep": [1, 2]}
    model["stages"][1]["x-stage"] = "s"
    first_job(model)["x-job"] = 7
    first_job(model)["elements"][0]["x-step"] = None

    _, source = read(model)

    job = first_job(source)
    assert source["x-model"] == {"deep": [1, 2]}
    assert source["stages"][1]["x-stage"] == "s"
    assert job["x-job"] == 7
    assert "x-step" in job["elements"][0]


def test_ids_follow_from_position() -> None:
    """Stage and job ids are set by position, whatever the document says."""
    model = minimal_model()
    model["stages"][1]["id"] = "stage-9"
    first_job(model)["id"] = "77"

    _, source = read(model)

    assert [stage["id"] for stage in source["stages"]] == [f"stage-{n}" for n in (1, 2, 3, 4)]
    jobs = [job for stage in source["stages"] for job in stage["containers"]]
    assert [(job["id"], job["containerId"]) for job in jobs] == [(n, n) for n in "01234"]


@pytest.mark.parametrize("given", ["", "   ", None, 5, str(E12), "start", "stage-3", "../../x"])
def test_task_id_that_cannot_stay_is_made_anew(given: object) -> None:
    """A blank, doubled or confusing task id becomes `e-` and 32 digits; the others stay."""
    model = minimal_model()
    elements = first_job(model)["elements"]
    elements[2]["id"] = given

    _, source = read(model)

    ids = [element["id"] for element in first_job(source)["elements"]]
    assert ids[:2] == [E11, E12]
    assert ids[2].startswith("e-")
    assert len(ids[2]) == 34
    assert len(set(ids)) == 3


def test_job_hash_is_made_when_missing_and_kept_when_there() -> None:
    """`containerHashId` is the key of logs: it survives an edit."""
    _, source = read(minimal_model())
    made = first_job(source)["containerHashId"]

    spec, again = read(source)

    assert made.startswith("c-")
    assert first_job(again)["containerHashId"] == made
    assert spec.stages[0].jobs[0].hash_id == made


def test_reading_a_stored_document_again_changes_nothing() -> None:
    """What `pipeline_get` gives can be saved as it is."""
    model = minimal_model(
        stage_3={"checkIn": {"manualTrigger": True, "reviewGroups": [{"reviewers": ["alice"]}]}}
    )
    spec, source = read(model)

    spec_again, source_again = read(source)

    assert source_again == source
    assert spec_again == spec


def test_blank_job_id_is_generated() -> None:
    """A job without `jobId` gets one, unique in the pipeline."""
    model = minimal_model()
    for job in model["stages"][1]["containers"]:
        job["jobId"] = " "

    spec, source = read(model)

    refs = [job["jobId"] for job in source["stages"][1]["containers"]]
    assert len(set(refs)) == 2
    assert all(ref.startswith("job_") for ref in refs)
    assert [job.ref for job in spec.stages[0].jobs] == refs


def change(path: str, value: object) -> Json:
    """Return the minimal model with the member at `path` ("stages/1/…") replaced."""
    model = minimal_model()
    *way, last = [int(part) if part.isdecimal() else part for part in path.split("/")]
    place: Any = model
    for part in way:
        place = place[part]
    place[last] = value
    return model


def options(**members: object) -> Json:
    """Return the minimal model whose first step has these `additionalOptions`."""
    return change("stages/1/containers/0/elements/0/additionalOptions", members)


def control(**members: object) -> Json:
    """Return the minimal model whose first job has this `jobControlOption`."""
    return change("stages/1/containers/0/jobControlOption", members)


def jobs(*containers: Json) -> Json:
    """Return the minimal model whose second stage has these jobs."""
    return change("stages/1/containers", list(containers))


def container(ref: str, *needed: str, **fields: object) -> Json:
    """Return a job with one step that depends on others."""
    return {
        "@type": "normal",
        "jobId": ref,
        "name": ref,
        "jobControlOption": {"dependOnType": "ID", "dependOnId": list(needed)},
        "elements": [{"@type": "linuxScript", "name": ref, "script": "true"}],
        **fields,
    }


TRIGGER = {"@type": "trigger", "name": "trigger", "elements": []}
REFUSED: list[tuple[str, object, str, int]] = [
    ("no object", [], "model-illegal", 2101011),
    ("no stages", {"name": "a"}, "model-illegal", 2101011),
    ("empty stages", {"name": "a", "stages": []}, "model-illegal", 2101011),
    ("stages no list", {"name": "a", "stages": {}}, "model-illegal", 2101011),
    ("stage no object", change("stages/1", 5), "model-illegal", 2101011),
    ("job no object", change("stages/1/containers/0", "x"), "model-illegal", 2101011),
    ("step no object", change("stages/1/containers/0/elements/0", []), "model-illegal", 2101011),
    ("no trigger job", change("stages/0/containers", []), "trigger-stage", 2101037),
    ("two trigger jobs", change("stages/0/containers", [TRIGGER] * 2), "trigger-stage", 2101037),
    ("other first job", change("stages/0/containers", [container("a")]), "model-illegal", 2101011),
    ("trigger job later", jobs(TRIGGER), "trigger-stage", 2101037),
    ("unknown job type", change("stages/1/containers/0/@type", "x"), "model-illegal", 2101011),
    ("task without type", change("stages/1/containers/0/elements/0/@type", ""), "model-illegal",
     2101011),
    ("stage without job", change("stages/1/containers", []), "stage-without-job", 2101025),
    ("job without step", change("stages/1/containers/0/elements", []), "job-without-step", 2101067),
    ("finally first", change("stages/0/finally", True), "finally-position", 2101064),
    ("finally in the middle", change("stages/1/finally", True), "finally-position", 2101064),
    ("no name", change("name", " "), "name-blank", 2100015),
    ("long name", change("name", "n" * 256), "text-too-long", 2100015),
    ("long description", change("desc", "d" * 256), "text-too-long", 2100015),
    ("same jobId", jobs(container("a"), container("a")), "duplicate-job-id", 2100015),
    ("long jobId", jobs(container("a" * 129)), "text-too-long", 2100015),
    ("circle", jobs(container("a", "b"), container("b", "c"), container("c", "a")),
     "dependency-cycle", 2100015),
    ("own dependency", jobs(container("a", "a")), "dependency-cycle", 2100015),
    ("matrix without options", jobs(container("a", matrixGroupFlag=True)), "matrix", 2100015),
    ("mutex", jobs(container("a", mutexGroup={"enable": True, "mutexGroupName": " "})),
     "mutex-name", 2100015),
    ("template job", jobs(container("a", **{"@type": "jobTemplate"})), "unsupported", 2100015),
    ("long step condition", options(customCondition="c" * 513), "condition-too-long", 2100015),
    ("long job condition", control(customCondition="c" * 513), "condition-too-long", 2100015),
    ("long stage condition", change("stages/1/stageControlOption", {"customCondition": "c" * 513}),
     "condition-too-long", 2100015),
    ("finally condition elsewhere", control(runCondition="PREVIOUS_STAGE_FAILED"),
     "condition-not-allowed", 2100015),
    ("other condition in finally",
     change("stages/3/containers/0/jobControlOption", {"runCondition": "CUSTOM_VARIABLE_MATCH"}),
     "condition-not-allowed", 2100015),
    ("unknown condition", options(runCondition="NEVER"), "bad-value", 400),
    ("long timeout", options(timeout=10081), "timeout-range", 2100015),
    ("negative timeout", control(timeout=-1), "timeout-range", 2100015),
    ("long timeout text", options(timeoutVar="10081"), "timeout-range", 2100015),
    ("flag of another type", options(enable="perhaps"), "bad-type", 400),
    ("number of another type", options(timeout="soon"), "bad-type", 400),
    ("group without people",
     change("stages/2/checkIn", {"manualTrigger": True, "reviewGroups": [{"reviewers": []}]}),
     "review-without-people", 2100015),
    ("parameter without name", change("stages/0/containers/0/params", [{"id": ""}]),
     "parameter-name", 2100015),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "code", "number"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_rules_of_saving(model: object, code: str, number: int) -> None:
    """Each broken rule is refused with its own code, and answered with its number."""
    error = refused(model)

    http, body = render_error(error, "en")
    assert error.code == code
    assert (http, body["status"]) == (400, number)
    assert body["message"]


def test_error_points_at_the_place() -> None:
    """The pointer names the member that is wrong."""
    error = refused(options(timeout=10081))

    assert error.pointer == "/stages/1/containers/0/elements/0/additionalOptions/timeout"


def grown(stages: int = 1, jobs_each: int = 1, steps: int = 1) -> Json:
    """Return a model of so many stages (the trigger included), jobs in each, steps in each."""
    model = minimal_model()
    work = [
        {
            "containers": [
                {
                    "@type": "normal",
                    "elements": [{"@type": "linuxScript", "script": "true"}] * steps,
                }
            ]
            * jobs_each
        }
    ]
    model["stages"] = model["stages"][:1] + work * (stages - 1)
    return model


@pytest.mark.parametrize(
    ("size", "code"),
    [
        ({"stages": 21}, "too-many-stages"),
        ({"stages": 2, "jobs_each": 21}, "too-many-jobs"),
        ({"stages": 2, "steps": 21}, "too-many-steps"),
    ],
)
def test_default_limits(size: dict[str, int], code: str) -> None:
    """Twenty of each are taken, one more is refused."""
    fitting = {name: 20 if count == 21 else count for name, count in size.items()}

    error = refused(grown(**size))
    spec, _ = read(grown(**fitting))

    assert error.code == code
    assert error.values == ("21", "20")
    assert spec.stages


def test_limits_can_be_raised() -> None:
    """The settings decide how large a pipeline may be."""
    limits = Limits(stages=30, jobs_per_stage=30, steps_per_job=30)

    spec, source = read(grown(stages=25, jobs_each=2, steps=22), limits=limits)

    assert len(spec.stages) == 24
    assert source["stages"][-1]["id"] == "stage-25"
    assert [job.id for job in spec.stages[-1].jobs] == ["47", "48"]


def test_dialect_is_strict_about_parameter_names() -> None:
    """CONSTRAINED refuses names that expressions can't hold and blank constants; CLASSIC takes."""
    bad_name = change("stages/0/containers/0/params", [{"id": "a-b"}])
    blank = change("stages/0/containers/0/params", [{"id": "a", "constant": True}])

    name_error = refused(bad_name, dialect=Dialect.CONSTRAINED)
    blank_error = refused(blank, dialect=Dialect.CONSTRAINED)

    assert name_error.code == "parameter-name"
    assert blank_error.code == "constant-blank"
    assert read(bad_name)[0].parameters[0].name == "a-b"
    assert read(blank)[0].parameters[0].constant


def test_a_pipeline_of_the_trigger_alone_is_taken() -> None:
    """A model with nothing but its trigger stage is a pipeline without work."""
    model = minimal_model()
    model["stages"] = model["stages"][:1]

    spec, _ = read(model)

    assert spec.stages == ()
    assert spec.manual_start
