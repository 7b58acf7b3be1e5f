"""Pipeline files become models: what each key is there."""

import pytest
from yaml_files import (
    STEP,
    V2,
    V3,
    definition_of,
    draft_of,
    job_of,
    model_of,
    step_of,
    triggers_of,
)

from mulligan.core.spec import OnFailure, RunWhen
from mulligan.pipeline_yaml.read import read_pipeline


def test_smallest_file() -> None:
    """A list of steps is one stage with one job; there is a manual trigger and the default ones."""
    model = model_of(V2 + 'steps:\n  - run: echo "${{ ci.actor }}"\n')

    trigger, stage = model["stages"]
    assert [each["@type"] for each in trigger["containers"][0]["elements"]] == [
        "manualTrigger",
        *(["codeGitWebHookTrigger"] * 3),
    ]
    assert [each.get("eventType") for each in trigger["containers"][0]["elements"][1:]] == [
        "PUSH",
        "TAG_PUSH",
        "MERGE_REQUEST",
    ]
    assert (stage["name"], stage["containers"][0]["name"]) == ("stage_1", "job1")
    step = stage["containers"][0]["elements"][0]
    assert (step["@type"], step["atomCode"], step["name"]) == ("marketBuild", "run", "run")
    assert step["data"]["input"] == {"script": 'echo "${{ ci.actor }}"', "shell": "bash"}
    assert step["additionalOptions"]["timeout"] == 480
    assert step["additionalOptions"]["manualRetry"] is False


@pytest.mark.parametrize("name", ["hello", "triggers", "conditions", "review"])
def test_file_is_stored(name: str) -> None:
    """The importer takes the model."""
    definition = definition_of(draft_of(name))

    assert definition.spec.manual_start
    assert definition.spec.stages


def test_conditions_and_failures() -> None:
    """Words of `if` and of `continue-on-error` get their meaning."""
    spec = definition_of(draft_of("conditions")).spec

    a, b, c = spec.stages[0].jobs
    assert a.continue_on_failure
    assert b.depends_on == (a.id,)
    assert (c.condition.when, c.condition.expression) == (
        RunWhen.EXPRESSION,
        "variables.LEVEL == '2'",  # v2.0: the brackets around it go
    )
    assert c.steps[0].on_failure is OnFailure.CONTINUE
    assert [step.condition.when for step in c.steps[1:]] == [
        RunWhen.SUCCESS,
        RunWhen.FAILURE,
        RunWhen.ALWAYS,
        RunWhen.EXPRESSION,
        RunWhen.UNLESS_VARIABLES,
    ]
    assert c.steps[5].condition.variables == (("LEVEL", "2"),)
    assert {step.timeout_s for step in c.steps} == {480 * 60}


def test_release() -> None:
    """Stages with their reviews, locks, machines, final jobs and settings."""
    draft = draft_of("deploy")
    build, release, last = draft.model["stages"][1:]

    assert build["containers"][0]["dispatchType"] == {
        "buildType": "DOCKER",
        "value": "python:3.12",
        "imageType": "THIRD",
    }
    checkout, pack, upload = build["containers"][0]["elements"]
    assert checkout["data"]["input"]["repositoryUrl"] == "https://git.example.com/shop.git"
    assert pack["additionalOptions"]["retryCount"] == 2
    assert upload["atomCode"] == "uploadArtifact"
    assert release["checkIn"]["reviewGroups"] == [{"name": "owners", "reviewers": ["alice", "bob"]}]
    assert release["checkIn"]["timeout"] == 8
    assert release["checkIn"]["reviewParams"][0]["valueType"] == "ENUM"
    push = release["containers"][0]
    assert push["mutexGroup"]["queue"] == 3
    assert push["mutexGroup"]["queueEnable"] is True
    assert push["dispatchType"]["envName"] == "prod"
    assert push["checkpoint"] == "each-step"
    assert push["elements"][0]["additionalOptions"]["manualSkip"] is True
    assert last["finally"] is True
    assert [job["jobControlOption"]["runCondition"] for job in last["containers"]] == [
        "PREVIOUS_STAGE_FAILED",
        "STAGE_RUNNING",
    ]
    assert draft.setting["runLockType"] == "GROUP_LOCK"
    assert draft.setting["maxQueueSize"] == 5
    assert [each["types"] for each in draft.setting["failSubscriptionList"]] == [["EMAIL"]]
    assert draft.setting["successSubscriptionList"] == []
    region, major = draft.model["stages"][0]["containers"][0]["params"]
    assert (region["type"], [each["key"] for each in region["options"]]) == (
        "enum",
        ["east", "west"],
    )
    assert (major["constant"], major["defaultValue"]) == (True, "1.10")


def test_matrix() -> None:
    """A matrix goes into the model as texts; versions keep their letters."""
    test = draft_of("matrix").model["stages"][1]["containers"][1]

    assert test["matrixGroupFlag"] is True
    assert test["matrixControlOption"] == {
        "strategyStr": "${{ fromJSON(jobs.plan.steps.p.outputs.grid) }}",
        "includeCaseStr": '[{"py": "3.12", "extra": "slow"}]',
        "excludeCaseStr": '[{"py": "3.10"}]',
        "fastKill": True,
        "maxConcurrency": 2,
    }
    assert test["jobControlOption"]["dependOnName"] == "plan"


def test_triggers() -> None:
    """All kinds of triggers, in their order; those of other repositories by name."""
    elements = draft_of("triggers").model["stages"][0]["containers"][0]["elements"]

    assert [each["id"] for each in elements] == [f"T-1-1-{number}" for number in range(1, 13)]
    _, cron, weekly, remote, push, mr, merged, note, review, issue, lib, tag = elements
    assert (cron["advanceExpression"], cron["noScm"]) == (["0 3 * * *"], True)
    assert (weekly["newExpression"], weekly["noScm"]) == (["0 30 9 ? * 2,6"], False)
    assert weekly["startParams"] == '[{"key": "mode", "value": "nightly"}]'
    assert remote["@type"] == "remoteTrigger"
    assert (push["branchName"], push["excludeBranchName"]) == ("feature/**", "feature/wip-*")
    assert (push["includePaths"], push["excludePaths"]) == ("src/", "src/docs/")
    assert (mr["branchName"], mr["skipWip"]) == ("main", True)
    assert mr["includeMrAction"] == ["open", "reopen", "push-update"]
    assert merged["eventType"] == "MERGE_REQUEST_ACCEPT"
    assert (note["includeNoteTypes"], note["includeNoteComment"]) == (["Review"], ["^/build"])
    assert review["includeCrState"] == ["approved"]
    assert issue["includeIssueAction"] == ["open"]
    assert (lib["@type"], lib["repositoryName"]) == ("codeGitlabWebHookTrigger", "group/lib")
    assert tag["data"]["input"]["tagName"] == "v*"
    assert (tag["stepId"], tag["additionalOptions"]) == ("tagged", {"enable": False})


@pytest.mark.parametrize(
    ("on", "kinds"),
    [
        ("{push: [main]}", ["manualTrigger", "codeGitWebHookTrigger"]),
        ("{push: main}", ["manualTrigger", "codeGitWebHookTrigger"]),
        ("{manual: disabled}", ["manualTrigger"]),
        ("{remote: {id: r}}", ["manualTrigger", "remoteTrigger"]),
        ("{type: github, mr: [main]}", ["manualTrigger", "codeGithubWebHookTrigger"]),
        ("{schedules: {cron: 0 3 * * *}}", ["manualTrigger", "timerTrigger"]),
    ],
)
def test_short_triggers(on: str, kinds: list[str]) -> None:
    """Lists, words and maps are taken."""
    assert [each["@type"] for each in triggers_of(V3 + f"on: {on}\n" + STEP)] == kinds


def test_github_has_words_of_its_own() -> None:
    """The events of one host have other names."""
    elements = triggers_of(V3 + "on: {type: github, mr: [main], tag: ['v*']}\n" + STEP)

    assert [each["eventType"] for each in elements[1:]] == ["PULL_REQUEST", "CREATE"]


@pytest.mark.parametrize(
    ("runs_on", "job"),
    [
        ("agentless", {"@type": "normal"}),
        ("docker", {"@type": "vmBuild", "baseOS": "LINUX"}),
        ("{pool-name: docker, image: 'go:1'}", {"dispatchType.value": "go:1"}),
        ("{self-hosted: true, pool-name: p}", {"baseOS": "ALL", "dispatchType.envName": "p"}),
        (
            "{self-hosted: true, node-name: n, agent-selector: [windows]}",
            {"baseOS": "WINDOWS", "dispatchType.displayName": "n"},
        ),
        (
            "{self-hosted: true, lock-resource-with: a}",
            {"dispatchType.agentType": "REUSE_JOB_ID"},
        ),
        ("{pool-name: docker, queue-timeout-minutes: 7}", {"jobControlOption.prepareTimeout": 7}),
        ("docker-on-devcloud", {"dispatchType.buildType": "DOCKER"}),
        ("macos-10.15", {"baseOS": "MACOS"}),
    ],
)
def test_machines(runs_on: str, job: dict[str, object]) -> None:
    """Every form of `runs-on`."""
    text = f"{V3}jobs:\n  a:\n    runs-on: {runs_on}\n    steps: [{{run: make}}]\n"

    made = job_of(text)

    for path, wanted in job.items():
        value: object = made
        for key in path.split("."):
            assert isinstance(value, dict)
            value = value[key]
        assert value == wanted


def test_windows_changes_the_shell() -> None:
    """`run` on Windows is a batch file, unless its shell is said."""
    text = V3 + "jobs: {a: {runs-on: {self-hosted: true, pool-name: p, agent-selector: [windows]}, "
    elements = job_of(text + "steps: [{run: dir}, {run: ls, shell: pwsh}]}}\n")["elements"]

    assert [each["data"]["input"]["shell"] for each in elements] == ["cmd", "pwsh"]


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("self", {"repositoryType": "SELF"}),
        ("https://a.b/c.git", {"repositoryType": "URL", "repositoryUrl": "https://a.b/c.git"}),
        ("{repo-id: x}", {"repositoryType": "ID", "repositoryHashId": "x"}),
        ("{repo-name: g/x}", {"repositoryType": "NAME", "repositoryName": "g/x"}),
    ],
)
def test_checkout(given: str, inputs: dict[str, str]) -> None:
    """Every form of `checkout`."""
    step = step_of(f"{V3}steps:\n  - checkout: {given}\n    with: {{fetchDepth: 1}}\n")

    assert step["atomCode"] == "checkout"
    assert step["data"]["input"] == {**inputs, "fetchDepth": 1}


def test_texts_keep_their_letters() -> None:
    """Versions, `on`, `yes` and numbers stay as they are written where a text is wanted."""
    text = f"{V3}variables: {{a: 1.10, b: on, c: yes, d: 007, e: 1e3, f: true}}\n{STEP}"

    params = model_of(text)["stages"][0]["containers"][0]["params"]

    assert [each["defaultValue"] for each in params] == ["1.10", "on", "yes", "007", "1e3", "true"]


def test_anchors_and_merges() -> None:
    """Anchors are expanded; `<<` takes over what is not said."""
    text = V3 + (
        "jobs:\n"
        "  a: &base\n    timeout-minutes: 5\n    steps: [{run: make}]\n"
        "  b:\n    <<: *base\n    name: other\n"
    )

    a, b = model_of(text)["stages"][1]["containers"]

    assert b["jobControlOption"]["timeout"] == a["jobControlOption"]["timeout"] == 5
    assert (a["name"], b["name"]) == ("a", "other")


def test_name_of_the_file() -> None:
    """A file without a name gets the one that is given with it."""
    draft = read_pipeline(V3 + STEP, name="main.yml")

    assert draft.model["name"] == draft.setting["pipelineName"] == "main.yml"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (V2, ("CONSTRAINED", False)),
        (V3, (None, True)),
        (V3 + "syntax-dialect: CLASSIC\n", ("CLASSIC", False)),
        (V3 + "syntax-dialect: CONSTRAINT\n", ("CONSTRAINED", False)),
    ],
)
def test_dialect(text: str, wanted: tuple[str | None, bool]) -> None:
    """How placeholders are read: v2.0 always as expressions."""
    setting = read_pipeline(text + STEP, name="a").setting["pipelineAsCodeSettings"]

    assert (setting.get("pipelineDialect"), setting["inheritedDialect"]) == wanted


def test_timeout_with_a_variable() -> None:
    """An expression goes where the model has a place for one."""
    options = step_of(V3 + "steps: [{run: a, timeout-minutes: '${{ variables.t }}'}]\n")[
        "additionalOptions"
    ]

    assert options["timeoutVar"] == "${{ variables.t }}"
    assert options["timeout"] == 900


def test_review_variables_have_their_prefix() -> None:
    """v2.0 stores them with `variables.`; v3.0 as they are written."""
    flow = "check-in: {reviews: {flows: [{reviewers: [a]}], variables: {to: {type: CHECKBOX}}}}"
    stage = f"stages: [{{{flow}, jobs: {{a: {{steps: [{{run: a}}]}}}}}}]\n"

    keys = [
        model_of(version + stage)["stages"][1]["checkIn"]["reviewParams"][0] for version in (V2, V3)
    ]

    assert [(each["key"], each["value"]) for each in keys] == [
        ("variables.to", False),
        ("to", False),
    ]


def test_recommended_version() -> None:
    """The counter goes to the trigger job, its parts become parameters."""
    text = V3 + (
        "recommended-version: {major: 2, build-no: {initial-value: 5, "
        "strategy: plus1-when-success}}\n"
    )

    trigger = model_of(text + STEP)["stages"][0]["containers"][0]

    assert trigger["buildNo"]["buildNo"] == 5
    assert trigger["buildNo"]["buildNoType"] == "SUCCESS_BUILD_INCREMENT"
    assert [each["defaultValue"] for each in trigger["params"]] == ["2", "0", "0"]
