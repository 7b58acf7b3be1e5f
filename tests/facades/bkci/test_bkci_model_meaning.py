"""What options, conditions, reviews and kinds of tasks mean in the core's words."""

from typing import Any

import pytest

from bkci.scenes import CountedIds, minimal_model
from mulligan.core.spec import (
    Condition,
    JobSpec,
    MutexSpec,
    OnFailure,
    PipelineSpec,
    RunWhen,
    StageSpec,
    StepSpec,
)
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.model_in import read_model
from mulligan.facades.bkci.model_params import trigger_steps

Json = dict[str, Any]


def spec_of(model: Json) -> PipelineSpec:
    """Compile a model."""
    return read_model(model, ids=CountedIds())[0]


def step(element: Json) -> StepSpec:
    """Compile a model whose first step is this one."""
    model = minimal_model()
    model["stages"][1]["containers"][0]["elements"][0] = {"@type": "linuxScript", **element}
    return spec_of(model).stages[0].jobs[0].steps[0]


def with_options(**members: object) -> StepSpec:
    """Compile a script step with these additional options."""
    return step({"additionalOptions": members})


def job(**members: object) -> JobSpec:
    """Compile a model whose first job has these further members."""
    model = minimal_model()
    model["stages"][1]["containers"][0].update(members)
    return spec_of(model).stages[0].jobs[0]


def stage(**members: object) -> StageSpec:
    """Compile a model whose third stage has these further members."""
    model = minimal_model(stage_3=dict(members))
    return spec_of(model).stages[1]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, OnFailure.STOP),
        ({"continueWhenFailed": True}, OnFailure.CONTINUE),
        ({"continueWhenFailed": True, "manualSkip": True}, OnFailure.ASK),
        ({"continueWhenFailed": "true", "manualSkip": None}, OnFailure.CONTINUE),
        ({"manualSkip": True}, OnFailure.STOP),
    ],
)
def test_what_a_failure_means(members: Json, expected: OnFailure) -> None:
    """Going on by itself, asking for a skip, or failing follow from two members."""
    spec = with_options(**members)

    assert spec.on_failure is expected
    assert spec.may_skip is (members.get("manualSkip") is True)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, 0),
        ({"retryCount": 3}, 0),
        ({"retryWhenFailed": True}, 1),
        ({"retryWhenFailed": True, "retryCount": 3}, 3),
        ({"retryWhenFailed": True, "retryCount": 9}, 5),
        ({"retryWhenFailed": True, "retryCount": -2}, 1),
    ],
)
def test_auto_retries_are_clamped(members: Json, expected: int) -> None:
    """The count is 1 to 5, and only counts when retrying is switched on."""
    assert with_options(**members).auto_retries == expected


@pytest.mark.parametrize(
    ("members", "seconds", "text"),
    [
        ({}, 6000, ""),
        ({"timeout": 5}, 300, ""),
        ({"timeout": 0}, 604_800, ""),
        ({"timeout": 5, "timeoutVar": "7"}, 420, ""),
        ({"timeout": 5, "timeoutVar": " ${{ minutes }} "}, 300, "${{ minutes }}"),
        ({"timeout": 5, "timeoutVar": " "}, 300, ""),
    ],
)
def test_step_timeouts(members: Json, seconds: int, text: str) -> None:
    """Minutes become seconds, 0 is seven days, a variable is kept as text."""
    spec = with_options(**members)

    assert (spec.timeout_s, spec.timeout_text) == (seconds, text)


@pytest.mark.parametrize(
    ("word", "when"),
    [
        (None, RunWhen.SUCCESS),
        ("", RunWhen.SUCCESS),
        ("PRE_TASK_SUCCESS", RunWhen.SUCCESS),
        ("PRE_TASK_FAILED_BUT_CANCEL", RunWhen.UNLESS_CANCELLED),
        ("PRE_TASK_FAILED_EVEN_CANCEL", RunWhen.ALWAYS),
        ("PRE_TASK_FAILED_ONLY", RunWhen.FAILURE),
        ("PRE_TASK_FAILED_ONLY_EXCEPT_SKIP", RunWhen.HARD_FAILURE),
        ("PARENT_TASK_FINISH", RunWhen.PARENT_ENDED),
        ("PARENT_TASK_CANCELED_OR_TIMEOUT", RunWhen.PARENT_CUT),
    ],
)
def test_step_conditions(word: str | None, when: RunWhen) -> None:
    """Each word of the API has its counterpart."""
    assert with_options(runCondition=word).condition == Condition(when=when)


@pytest.mark.parametrize(
    ("word", "when"),
    [
        ("CUSTOM_VARIABLE_MATCH", RunWhen.VARIABLES),
        ("CUSTOM_VARIABLE_MATCH_NOT_RUN", RunWhen.UNLESS_VARIABLES),
    ],
)
def test_conditions_on_variables_at_all_levels(word: str, when: RunWhen) -> None:
    """Steps, jobs and stages carry the wanted values, an empty list included."""
    given = {"runCondition": word, "customVariables": [{"key": "a", "value": 1}, {"key": "b"}]}
    expected = Condition(when=when, variables=(("a", "1"), ("b", "")))

    assert with_options(**given).condition == expected
    assert job(jobControlOption=given).condition == expected
    assert stage(stageControlOption=given).condition == expected
    assert with_options(runCondition=word).condition == Condition(when=when)


def test_expressions_at_all_levels() -> None:
    """Custom conditions are carried as text, blank ones too."""
    given = {"runCondition": "CUSTOM_CONDITION_MATCH", "customCondition": "a == 'x'"}
    expected = Condition(when=RunWhen.EXPRESSION, expression="a == 'x'")

    assert with_options(**given).condition == expected
    assert job(jobControlOption=given).condition == expected
    assert stage(stageControlOption=given).condition == expected
    blank = with_options(runCondition="CUSTOM_CONDITION_MATCH").condition
    assert blank == Condition(when=RunWhen.EXPRESSION)


@pytest.mark.parametrize(
    ("word", "when"),
    [
        ("STAGE_RUNNING", RunWhen.SUCCESS),
        ("PREVIOUS_STAGE_SUCCESS", RunWhen.PREVIOUS_SUCCEEDED),
        ("PREVIOUS_STAGE_FAILED", RunWhen.PREVIOUS_FAILED),
        ("PREVIOUS_STAGE_CANCEL", RunWhen.PREVIOUS_CANCELLED),
    ],
)
def test_conditions_of_finally_jobs(word: str, when: RunWhen) -> None:
    """Jobs of the finally stage look at how the stages before it went."""
    model = minimal_model()
    model["stages"][3]["containers"][0]["jobControlOption"] = {"runCondition": word}

    assert spec_of(model).stages[2].jobs[0].condition.when is when


def test_step_switches() -> None:
    """Enabling, manual retry, pause and environment are carried."""
    spec = step(
        {
            "name": "unit tests",
            "stepId": " test ",
            "customEnv": [{"key": "A", "value": "1"}, {"key": "", "value": "2"}],
            "additionalOptions": {"enable": False, "manualRetry": False, "pauseBeforeExec": True},
        }
    )

    assert (spec.enabled, spec.may_retry, spec.pause_before) == (False, False, True)
    assert (spec.name, spec.ref) == ("unit tests", "test")
    assert spec.env == (("A", "1"),)


def test_environment_in_its_old_place() -> None:
    """Older documents have the environment of a step among its options."""
    pairs = [{"key": "A", "value": "1"}]

    assert with_options(customEnv=pairs).env == (("A", "1"),)
    assert with_options(customEnv=pairs, enableCustomEnv=False).env == ()


def market(code: str, **inputs: object) -> StepSpec:
    """Compile a step that runs a plugin of the store."""
    return step({"@type": "marketBuild", "atomCode": code, "data": {"input": inputs}})


def test_checkout_of_a_url() -> None:
    """The plugin `checkout` becomes a checkout with plain inputs."""
    spec = market(
        "checkout",
        repositoryType="URL",
        repositoryUrl="https://example.com/a.git",
        pullType="TAG",
        refName="v1",
        localPath="src",
        fetchDepth=1,
        enableSubmodule=False,
    )

    assert (spec.kind, spec.code) == ("checkout", "checkout")
    assert spec.inputs == {
        "url": "https://example.com/a.git",
        "repository": "",
        "by": "URL",
        "secret": "",
        "user": "",
        "password": "",
        "ref_kind": "tag",
        "ref": "v1",
        "path": "src",
        "submodules": False,
        "fetch_depth": 1,
    }


@pytest.mark.parametrize("kind", ["CODE_GIT", "CODE_GITLAB", "GITHUB"])
def test_checkout_of_a_built_in_task(kind: str) -> None:
    """The old built-in tasks have their fields beside their name."""
    spec = step(
        {
            "@type": kind,
            "repositoryName": "group/a",
            "gitPullMode": {"type": "COMMIT_ID", "value": "abc"},
        }
    )

    assert (spec.kind, spec.code) == ("checkout", kind)
    assert spec.inputs["repository"] == "group/a"
    assert (spec.inputs["ref_kind"], spec.inputs["ref"]) == ("commit", "abc")
    assert spec.inputs["submodules"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("dist/*", ["dist/*"]),
        ("a.txt, b.txt;c.txt\nd.txt", ["a.txt", "b.txt", "c.txt", "d.txt"]),
        ("${{ files }},b", ["${{ files }},b"]),
        (["a", "b,c"], ["a", "b", "c"]),
        ("", []),
    ],
)
def test_archive_patterns(given: object, expected: list[str]) -> None:
    """A list of patterns is split, unless a variable may still hold several."""
    spec = market("uploadArtifact", filePath=given)

    assert (spec.kind, spec.inputs) == ("archive", {"patterns": expected})


def test_built_in_archive() -> None:
    """`singleArchive` and `atomBuildArchive` archive too."""
    single = step({"@type": "marketBuild", "atomCode": "singleArchive", "data": {"input": {
        "filePath": "a"}}})  # fmt: skip
    built_in = step({"@type": "atomBuildArchive", "filePath": "a"})

    assert (single.kind, single.inputs) == ("archive", {"patterns": ["a"]})
    assert (built_in.kind, built_in.inputs) == ("archive", {"patterns": ["a"]})


def test_download() -> None:
    """`downloadArtifact` fetches patterns into a directory."""
    spec = market("downloadArtifact", srcPaths="*.pyz", destPath="dist")

    assert spec.kind == "download"
    assert spec.inputs == {"patterns": ["*.pyz"], "dest": "dist", "from_job": ""}


def test_review_task() -> None:
    """A manual review keeps the members that the engine asks for."""
    params = [{"key": "version", "value": "1", "required": True}]
    spec = step(
        {
            "@type": "manualReviewUserTask",
            "reviewUsers": ["alice", "bob,carol"],
            "desc": "look",
            "suggestRequired": True,
            "namespace": "r",
            "params": params,
            "reminderTime": 4,
        }
    )

    assert spec.kind == "review"
    assert spec.timeout_s == 7 * 24 * 3600  # who is given no time has as much as there is
    assert spec.inputs == {
        "reviewUsers": ["alice", "bob,carol"],
        "desc": "look",
        "suggestRequired": True,
        "namespace": "r",
        "params": params,
        "reminderTime": 4,
    }


@pytest.mark.parametrize("kind", ["qualityGateInTask", "somethingNew"])
def test_other_tasks_are_plugins(kind: str) -> None:
    """A task that this server does not know is saved, under its type as code."""
    spec = step({"@type": kind})

    assert (spec.kind, spec.code) == ("plugin", kind)


def test_windows_script() -> None:
    """A Windows script is a script of type BAT."""
    spec = step({"@type": "windowsScript", "script": "dir"})

    assert (spec.kind, spec.inputs["scriptType"]) == ("script", "BAT")


def test_unknown_plugin_keeps_its_inputs() -> None:
    """Plugins of the store keep version, inputs and outputs."""
    spec = step({"@type": "marketBuildLess", "atomCode": "x", "version": "1.*", "data": {
        "input": {"a": [1]}, "output": {"o": {"type": "string"}}, "namespace": "n"}})  # fmt: skip

    assert (spec.kind, spec.code) == ("plugin", "x")
    assert spec.inputs == {
        "version": "1.*",
        "namespace": "n",
        "input": {"a": [1]},
        "output": {"o": {"type": "string"}},
    }


def test_job_options() -> None:
    """Time limit, continuing, environment and switch of a job are carried."""
    spec = job(
        jobControlOption={"enable": False, "timeout": 10, "continueWhenFailed": True},
        customEnv=[{"key": "A", "value": "1"}],
    )

    assert (spec.enabled, spec.timeout_s, spec.continue_on_failure) == (False, 600, True)
    assert spec.env == (("A", "1"),)
    assert spec.labels == ()


@pytest.mark.parametrize(
    ("members", "seconds"),
    [
        ({"jobControlOption": {}}, 54_000),
        ({"jobControlOption": {"timeout": 0}}, 604_800),
        ({"@type": "normal"}, 86_400),
        ({"@type": "vmBuild"}, 28_800),
        ({"@type": "vmBuild", "maxRunningMinutes": 30}, 1800),
    ],
)
def test_job_timeouts(members: Json, seconds: int) -> None:
    """900 minutes by default; without options the deprecated member holds."""
    assert job(**members).timeout_s == seconds


@pytest.mark.parametrize(
    ("dispatch", "labels"),
    [
        (None, ()),
        ({"buildType": "DOCKER", "value": "image"}, ()),
        ({"buildType": "THIRD_PARTY_AGENT_ENV", "envName": "pool"}, ("pool",)),
        ({"buildType": "THIRD_PARTY_AGENT_ENV", "value": "pool"}, ("pool",)),
        ({"buildType": "THIRD_PARTY_AGENT_ID", "displayName": "box"}, ("box",)),
        ({"buildType": "THIRD_PARTY_AGENT_ENV"}, ()),
    ],
)
def test_labels_of_a_pool(dispatch: Json | None, labels: tuple[str, ...]) -> None:
    """Only a named pool or machine narrows which runner may take the job."""
    assert job(**{"@type": "vmBuild", "dispatchType": dispatch}).labels == labels


def depending(**control: object) -> tuple[StageSpec, Json]:
    """Compile a stage whose second job, lint, has this control option."""
    model = minimal_model()
    model["stages"][1]["containers"][1]["jobControlOption"] = control
    spec, source = read_model(model, ids=CountedIds())
    return spec.stages[0], source


@pytest.mark.parametrize(
    "control",
    [
        {"dependOnType": "ID", "dependOnId": ["build", "gone"]},
        {"dependOnId": ["build"]},
        {"dependOnType": "NAME", "dependOnName": "gone; build , build"},
    ],
)
def test_dependencies(control: Json) -> None:
    """Jobs are named by `jobId`, as a list or as text; unknown names count for nothing."""
    spec, _ = depending(**control)

    assert spec.jobs[1].depends_on == (spec.jobs[0].id,)


def test_dependencies_with_variables_are_kept_for_the_start() -> None:
    """What a text with variables names is known at a start; plain names need no such text."""
    spec, _ = depending(dependOnType="NAME", dependOnName="${where}; build")
    plain, _ = depending(dependOnType="NAME", dependOnName="build")

    assert (spec.jobs[1].depends_text, spec.jobs[1].depends_on) == ("${where},build", ("1",))
    assert plain.jobs[1].depends_text == ""


def test_unknown_dependency_is_removed_from_the_document() -> None:
    """What a job can't depend on does not come back from `pipeline_get`."""
    _, source = depending(dependOnType="ID", dependOnId=["gone", "build", 5])

    lint = source["stages"][1]["containers"][1]
    assert lint["jobControlOption"]["dependOnId"] == ["build"]


def test_stage_options() -> None:
    """Fast kill, switch and the user's own id are carried."""
    spec = stage(fastKill=True, stageIdForUser="deploy", stageControlOption={"enable": False})

    assert (spec.fast_kill, spec.ref, spec.enabled) == (True, "deploy", False)


def test_stage_review() -> None:
    """The entry gate has groups in order, parameters and a time limit in hours."""
    spec = stage(
        checkIn={
            "manualTrigger": True,
            "timeout": 2,
            "reviewDesc": "ship it?",
            "reviewGroups": [
                {"id": "g1", "name": "leads", "reviewers": ["alice", "bob"]},
                {"groups": ["qa", "manager"]},
            ],
            "reviewParams": [{"key": "version", "value": "1", "valueType": "ENUM"}],
        }
    )

    review = spec.review
    assert review is not None
    assert [(g.name, g.reviewers, g.groups) for g in review.groups] == [
        ("leads", ("alice", "bob"), ()),
        ("Flow 1", (), ("qa", "owner")),
    ]
    assert review.groups[0].id == "g1"
    assert len(review.groups[1].id) == 32
    assert [(p.key, p.value, p.kind) for p in review.params] == [("version", "1", "ENUM")]
    assert (review.desc, review.timeout_s) == ("ship it?", 7200)


@pytest.mark.parametrize("hours", [None, 0, 721, -3])
def test_review_time_out_of_range(hours: int | None) -> None:
    """Hours outside 1 to 720 stand for 24."""
    spec = stage(checkIn={"manualTrigger": True, "timeout": hours, "reviewGroups": []})

    assert spec.review is not None
    assert spec.review.timeout_s == 86_400


def test_quality_gate_alone_is_no_review() -> None:
    """A `checkIn` without manual trigger asks nobody."""
    assert stage(checkIn={"manualTrigger": False, "ruleIds": ["r"]}).review is None


def test_deprecated_manual_trigger_of_a_stage() -> None:
    """The old form becomes an entry gate with one group, in the stored document too."""
    model = minimal_model(
        stage_3={"stageControlOption": {"manualTrigger": True, "triggerUsers": ["alice"]}}
    )

    spec, source = read_model(model, ids=CountedIds())

    review = spec.stages[1].review
    assert review is not None
    assert review.groups[0].reviewers == ("alice",)
    assert source["stages"][2]["checkIn"]["reviewGroups"][0]["id"] == review.groups[0].id


def test_start_parameters() -> None:
    """Types, flags and defaults of start parameters; `required` does not make one mandatory."""
    model = minimal_model()
    model["stages"][0]["containers"][0]["params"] = [
        {"id": "a", "type": "string", "required": True, "defaultValue": True},
        {"id": "b", "type": "LONG", "defaultValue": 7, "valueNotEmpty": True},
        {"id": "c", "type": "password", "readOnly": True},
        {"id": "d", "constant": True, "defaultValue": {"x": 1}, "sensitive": True},
        {"id": "a", "type": "ENUM", "defaultValue": "last"},
    ]

    a, b, c, d = spec_of(model).parameters

    assert (a.name, a.kind, a.default, a.must_have) == ("a", "ENUM", "last", False)
    assert (b.kind, b.default, b.must_have) == ("LONG", "7", True)
    assert (c.kind, c.default, c.sensitive, c.read_only) == ("PASSWORD", "", True, True)
    assert (d.default, d.constant, d.read_only, d.sensitive) == ('{"x":1}', True, True, True)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ([], False),
        ([{"@type": "timerTrigger"}], False),
        ([{"@type": "manualTrigger"}], True),
        ([{"@type": "manualTrigger", "additionalOptions": {"enable": False}}], False),
    ],
)
def test_manual_start(elements: list[Json], expected: bool) -> None:
    """Only an enabled manual trigger lets a person start the pipeline."""
    model = minimal_model()
    model["stages"][0]["containers"][0]["elements"] = elements

    assert spec_of(model).manual_start is expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"enable": False}, None),
        ({}, None),
        ({"enable": True}, MutexSpec(name="door")),
        ({"enable": True, "queue": 3, "timeout": 10}, MutexSpec(name="door", timeout_s=600)),
        (
            {"enable": True, "queueEnable": True, "queue": 3, "timeout": 10},
            MutexSpec(name="door", places=3, timeout_s=600),
        ),
        (
            {"enable": True, "queueEnable": True, "queue": -1, "timeout": 99999},
            MutexSpec(name="door", timeout_s=604800),
        ),
        (
            {"enable": True, "queueEnable": True, "queue": 1, "timeoutVar": " ${{ wait }} "},
            MutexSpec(name="door", places=1, timeout_text="${{ wait }}"),
        ),
    ],
    ids=["off", "absent", "plain", "no-queue", "queue", "out-of-range", "variable"],
)
def test_mutex_groups(members: Json, expected: MutexSpec | None) -> None:
    """A mutex has places to wait only where its queue is switched on."""
    assert job(mutexGroup={"mutexGroupName": " door ", **members}).mutex == expected


@pytest.mark.parametrize(
    ("control", "limits"),
    [
        ({}, (0, 0)),
        ({"singleNodeConcurrency": None, "allNodeConcurrency": None}, (0, 0)),
        ({"singleNodeConcurrency": 1, "allNodeConcurrency": "3"}, (1, 3)),
        ({"singleNodeConcurrency": -1}, (0, 0)),
    ],
)
def test_limits_of_jobs(control: Json, limits: tuple[int, int]) -> None:
    """How many runs may be in the job at once: on one runner, and over all."""
    found = job(jobControlOption=control)

    assert (found.most_per_runner, found.most_at_once) == limits


def test_the_manual_trigger_is_the_first_of_the_triggers() -> None:
    """Starts by a person or a call name it as what started them."""
    elements = [
        {"@type": "timerTrigger", "id": "T-1", "advanceExpression": ["0 0 1 * * ?"]},
        {"@type": "manualTrigger", "id": "T-2"},
    ]

    assert trigger_steps(Part({"elements": elements})) == ("T-2", "T-1")
