"""A pipeline is written as a file of v3.0 that means the same."""

from typing import Any

import pytest
from yaml_files import NAMES, V3, definition_of, draft_of, meaning_of, model_of

from mulligan.pipeline_yaml.from_model import Exported, write_pipeline
from mulligan.pipeline_yaml.read import Draft, read_pipeline

Json = dict[str, Any]


def again(model: Json, setting: Json) -> tuple[Exported, Draft]:
    """Write a pipeline, and read what was written."""
    exported = write_pipeline(model, setting)
    return exported, read_pipeline(exported.text, name="unnamed")


@pytest.mark.parametrize("name", NAMES)
def test_file_comes_back(name: str) -> None:
    """What was read from a file of either version is written so that it says the same."""
    draft = draft_of(name)

    exported, second = again(draft.model, draft.setting)

    assert exported.notes == ()
    assert second.setting == draft.setting
    # and it stays as it is
    assert again(second.model, second.setting)[0].text == exported.text


@pytest.mark.parametrize("name", NAMES)
def test_file_means_the_same(name: str) -> None:
    """What is stored of a file and written again means what it meant."""
    draft = draft_of(name)
    definition = definition_of(draft)

    _, second = again(definition.source, draft.setting)

    assert meaning_of(definition_of(second)) == meaning_of(definition)


def test_what_is_the_default_is_not_written() -> None:
    """A small file comes back as it was."""
    text = "version: v3.0\nname: small\njobs:\n  a:\n    steps:\n    - run: make\n"
    draft = read_pipeline(text, name="x")

    assert write_pipeline(draft.model, draft.setting).text == text


def test_order_and_texts() -> None:
    """Keys have one order; texts that look like other things stay texts."""
    text = V3 + (
        "jobs: {a: {steps: [{with: {b: '1'}, uses: x@1.*, if: FAILURE, id: s}]}}\n"
        "variables: {v: 1.10, w: 'yes', LONG: {value: \"a\\nb\", const: true}}\n"
        "name: '007'\n"
    )
    draft = read_pipeline(text, name="x")

    assert write_pipeline(draft.model, draft.setting).text == (
        "version: v3.0\n"
        "name: '007'\n"
        "variables:\n"
        "  v: '1.10'\n"
        "  w: 'yes'\n"
        "  LONG:\n"
        "    value: |-\n"
        "      a\n"
        "      b\n"
        "    const: true\n"
        "jobs:\n"
        "  a:\n"
        "    steps:\n"
        "    - id: s\n"
        "      uses: x@1.*\n"
        "      with:\n"
        "        b: '1'\n"
        "      if: FAILURE\n"
    )


def test_name_and_label_of_a_variable_are_two_things() -> None:
    """The name and the label of a start parameter both come back, each where it was."""
    text = V3 + (
        "variables:\n  a: {value: x, name: an a, props: {label: the a}}\n"
        "  b: {value: x, props: {label: the b}}\n  c: {value: x, name: a c}\n"
        "steps: [{run: ls}]\n"
    )
    draft = read_pipeline(text, name="x")
    params = draft.model["stages"][0]["containers"][0]["params"]

    exported, second = again(draft.model, draft.setting)

    found = [(each["name"], each.get("label")) for each in params]
    assert found == [("an a", "the a"), ("the b", "the b"), ("a c", None)]
    assert exported.notes == ()
    assert second.model["stages"][0]["containers"][0]["params"] == params


MODEL: Json = {
    "name": "by hand",
    "stages": [
        {
            "containers": [
                {
                    "@type": "trigger",
                    "name": "t",
                    "params": [
                        {"id": "plain", "type": "string", "defaultValue": 5, "required": True},
                        {"id": "hidden", "type": "boolean", "defaultValue": True},
                        {"id": "secret", "type": "password", "defaultValue": "", "required": True},
                        {"id": "fixed", "type": "string", "defaultValue": "1", "constant": True},
                    ],
                    "elements": [
                        {"@type": "manualTrigger", "name": "m"},
                        {
                            "@type": "codeGitWebHookTrigger",
                            "name": "push",
                            "eventType": "PUSH",
                            "repositoryType": "ID",
                            "repositoryHashId": "abc",
                            "branchName": "a,b",
                            "includePushAction": ["new-branch"],
                        },
                        {
                            "@type": "codeGitWebHookTrigger",
                            "name": "push",
                            "eventType": "PUSH",
                            "repositoryType": "SELF",
                            "branchName": "c",
                            "includePushAction": ["push-file", "new-branch"],
                        },
                        {"@type": "marketEvent", "name": "x"},
                    ],
                }
            ]
        },
        {
            "name": "build",
            "checkOut": {},
            "containers": [
                {
                    "@type": "vmBuild",
                    "name": "first",
                    "jobId": "first",
                    "baseOS": "WINDOWS",
                    "dispatchType": {"buildType": "THIRD_PARTY_AGENT_ENV", "envName": "pool"},
                    "jobControlOption": {"timeoutVar": "${{ variables.t }}"},
                    "elements": [
                        {"@type": "windowsScript", "name": "bat", "script": "dir"},
                        {
                            "@type": "CODE_GIT",
                            "name": "old",
                            "repositoryName": "a/b",
                            "gitPullMode": {"type": "BRANCH", "value": "main"},
                        },
                        {"@type": "linuxScript", "script": "ls", "additionalOptions": {}},
                        {
                            "@type": "marketBuild",
                            "atomCode": "checkout",
                            "version": "2.*",
                            "data": {"input": {"repositoryType": "SELF"}, "namespace": "n"},
                            "additionalOptions": {
                                "timeout": 0,
                                "retryWhenFailed": True,
                                "retryCount": 9,
                                "runCondition": "PRE_TASK_FAILED_ONLY_EXCEPT_SKIP",
                            },
                        },
                    ],
                },
                {
                    "@type": "normal",
                    "name": "second",
                    "jobId": "second",
                    "jobControlOption": {
                        "dependOnType": "ID",
                        "dependOnId": ["first", "gone"],
                        "runCondition": "CUSTOM_VARIABLE_MATCH",
                        "customVariables": [{"key": "a", "value": "b"}],
                    },
                    "elements": [
                        {
                            "@type": "manualReviewUserTask",
                            "reviewUsers": ["alice"],
                            "params": [{"key": "k", "valueType": "STRING"}],
                            "namespace": "gate",
                        }
                    ],
                },
            ],
        },
    ],
}


def test_model_that_no_file_made() -> None:
    """A model from elsewhere means the same afterwards; what can't be said is named."""
    draft = Draft(model=MODEL, setting={}, warnings=(), origins=draft_of("hello").origins)
    definition = definition_of(draft)

    setting = {"runLockType": "SINGLE", "cleanVariablesWhenRetry": True}
    exported, second = again(definition.source, setting)

    before, after = meaning_of(definition), meaning_of(definition_of(second))
    assert [line.split(": ")[0] for line in exported.notes] == [
        "/stages/0/containers/0/elements/3",
        "/stages/0/containers/0/params/3",
        "/setting/cleanVariablesWhenRetry",
        "/setting/runLockType",
    ]
    assert exported.text.startswith("# left out: /stages/0/containers/0/elements/3: a trigger of ")
    assert after["stages"] == before["stages"]
    fixed = before["parameters"].pop()
    assert after["parameters"].pop() == fixed | {"constant": False} or fixed["constant"]
    assert after["parameters"] == before["parameters"]
    code = [each["code"] for each in before["triggers"] if "code" in each]
    assert [each["code"] for each in after["triggers"] if "code" in each] == code
    assert second.setting["runLockType"] == "GROUP_LOCK"


@pytest.mark.parametrize("version", ["v2.0", "v3.0"])
def test_written_texts_are_read_back(version: str) -> None:
    """Scripts of every form survive: blanks at line ends, tabs, quotes, characters of all kinds."""
    scripts = ["a\n", "a", " a\n  b\n", "a \n\tb\n\n", "# c\n'\"\n", "é 中 😀\x85x\n", "- x: {y\n"]
    model = model_of(f"version: {version}\nsteps: [{', '.join(['{run: a}'] * len(scripts))}]\n")
    elements = model["stages"][1]["containers"][0]["elements"]
    for element, script in zip(elements, scripts, strict=True):
        element["data"]["input"]["script"] = script

    text = write_pipeline(model, {}).text

    job = model_of(text)["stages"][1]["containers"][0]
    assert [step["data"]["input"]["script"] for step in job["elements"]] == scripts
