"""Every row of the table of keys is true: a sample of the key does what the row says."""

import json
from typing import Any, NamedTuple

import pytest
from yaml_files import STEP

from mulligan.pipeline_yaml.findings import YamlError
from mulligan.pipeline_yaml.json_schema import all_objects, make_schema
from mulligan.pipeline_yaml.read import Draft, read_pipeline
from mulligan.pipeline_yaml.shapes import V2, V3, Key, State
from mulligan.pipeline_yaml.tree import compose

Json = Any

STEPS: Json = [{"run": "a"}]
JOBS: Json = {"a": {"steps": STEPS}}
RULE = "x.y > 1"
FLOWS: Json = {"flows": [{"reviewers": ["x"]}]}
# What a document around an object looks like; "@" stands for the object.
AROUND: dict[str, Json] = {
    "pipeline": "@",
    "on": {"on": "@"},
    "on-push": {"on": {"push": "@"}},
    "on-tag": {"on": {"tag": "@"}},
    "on-mr": {"on": {"mr": "@"}},
    "on-issue": {"on": {"issue": "@"}},
    "on-review": {"on": {"review": "@"}},
    "on-note": {"on": {"note": "@"}},
    "on-manual": {"on": {"manual": "@"}},
    "on-remote": {"on": {"remote": "@"}},
    "on-p4": {"on": {"type": "p4", "change-commit": "@"}},
    "on-tapd": {"on": {"type": "tapd", "story": "@"}},
    "schedule": {"on": {"schedules": ["@"]}},
    "interval": {"on": {"schedules": [{"interval": "@"}]}},
    "custom-filter": {"on": {"push": {"custom-filter": "@"}}},
    "repo-hook": {"on": {"repo_hook": ["@"]}},
    "variable": {"variables": {"V": "@"}},
    "props": {"variables": {"V": {"props": "@"}}},
    "option": {"variables": {"V": {"props": {"options": ["@"]}}}},
    "stage": {"stages": ["@"]},
    "check-in": {"stages": [{"jobs": JOBS, "check-in": "@"}]},
    "check-out": {"stages": [{"jobs": JOBS, "check-out": "@"}]},
    "gate": {"stages": [{"jobs": JOBS, "check-out": {"gates": ["@"]}}]},
    "gate-notice": {
        "stages": [{"jobs": JOBS, "check-in": {"gates": [{"rule": RULE, "notify-on-fail": ["@"]}]}}]
    },
    "gatekeepers": {
        "stages": [{"jobs": JOBS, "check-in": {"gates": [{"rule": RULE, "continue-on-fail": "@"}]}}]
    },
    "reviews": {"stages": [{"jobs": JOBS, "check-in": {"reviews": "@"}}]},
    "flow": {"stages": [{"jobs": JOBS, "check-in": {"reviews": {"flows": ["@"]}}}]},
    "review-variable": {
        "stages": [{"jobs": JOBS, "check-in": {"reviews": {**FLOWS, "variables": {"v": "@"}}}}]
    },
    "condition": {"steps": [{"run": "a", "if": "@"}]},
    "job": {"jobs": {"j": "@", "other": {"steps": STEPS}}},
    "runs-on": {"jobs": {"j": {"runs-on": "@", "steps": STEPS}}},
    "container": {"jobs": {"j": {"runs-on": {"container": "@"}, "steps": STEPS}}},
    "credentials": {
        "jobs": {
            "j": {
                "runs-on": {"container": {"image": "i", "credentials": "@"}},
                "steps": STEPS,
            }
        }
    },
    "strategy": {"jobs": {"j": {"strategy": "@", "steps": STEPS}}},
    "mutex": {"jobs": {"j": {"mutex": "@", "steps": STEPS}}},
    "step": {"steps": ["@"]},
    "checkout": {"steps": [{"checkout": "@"}]},
    "notice": {"notices": ["@"]},
    "concurrency": {"concurrency": "@"},
    "resources": {"resources": "@"},
    "recommended-version": {"recommended-version": "@"},
    "build-no": {"recommended-version": {"build-no": "@"}},
    "extends": {"extends": "@"},
}
# What an object holds besides the key, and (object, key) where that is something else.
BESIDE: dict[Any, Json] = {
    "pipeline": {"steps": STEPS},
    ("pipeline", "steps"): {"jobs": JOBS},
    ("on", "type"): {"push": ["x"]},
    ("on", "scm-code"): {"push": ["x"]},
    ("on", "repo-name"): {"push": ["x"]},
    ("on", "repo-id"): {"push": ["x"]},
    ("on", "workspace-id"): {"type": "tapd", "bug": {}},
    "schedule": {"cron": "1 1 * * *"},
    ("schedule", "interval"): {},
    ("schedule", "cron"): {},
    "interval": {"week": ["Tue"]},
    "custom-filter": {"url": "https://x"},
    "repo-hook": {"name": "x"},
    "variable": {"value": "x"},
    "option": {"id": "x"},
    "stage": {"jobs": JOBS},
    ("stage", "template"): {},
    ("stage", "parameters"): {"template": "t.yml"},
    "check-in": {"reviews": FLOWS},
    ("check-in", "reviews"): {},
    "gate": {"rule": RULE},
    ("gate", "rule"): {},
    ("gate", "template"): {},
    ("gate", "parameters"): {"template": "t.yml"},
    "gate-notice": {"type": "sms", "receivers": "x"},
    "reviews": FLOWS,
    ("reviews", "flows"): {},
    "flow": {"reviewers": ["x"]},
    "condition": {"mode": "NOT_RUN_WHEN_ALL_PARAMS_MATCH"},
    "job": {"steps": STEPS},
    ("job", "template"): {},
    ("job", "parameters"): {"template": "t.yml"},
    "runs-on": {"self-hosted": True, "pool-name": "x"},
    ("runs-on", "pool-name"): {},
    ("runs-on", "self-hosted"): {"pool-name": "docker"},
    ("runs-on", "container"): {"pool-name": "docker"},
    ("runs-on", "image"): {"pool-name": "docker"},
    "container": {"image": "x"},
    ("container", "image"): {},
    ("container", "image-code"): {},
    ("container", "image-version"): {"image-code": "x"},
    "strategy": {"matrix": {"x": ["y"]}},
    "mutex": {"label": "x"},
    "step": {"run": "x"},
    ("step", "uses"): {},
    ("step", "checkout"): {},
    ("step", "namespace"): {"uses": "x@1"},
    ("step", "template"): {},
    ("step", "parameters"): {"template": "t.yml"},
    "notice": {"type": "sms"},
    "concurrency": {"max-parallel": 7},
    ("concurrency", "queue-length"): {"group": "x"},
    "extends": {"template": "all.yml", "parameters": {"a": "x"}},
    ("extends", "parameters"): {"template": "all.yml"},
    ("extends", "template"): {"parameters": {"a": "x"}},
    ("props", "multiple"): {"type": "selector"},
    **{
        (owner, key): {"reviewers": ["x"]}
        for owner in ("on-push", "on-tag", "on-mr", "on-issue", "on-review", "on-note")
        for key in ("review-timeout-hours", "review-forks-only")
    },
}
# Keys that are one value or the other: what goes when the key comes.
ONE_OF = {
    "pipeline": {"stages", "jobs", "steps", "extends"},
    "step": {"run", "uses", "checkout", "template"},
    "job": {"steps", "template"},
    "stage": {"jobs", "template"},
    "gate": {"rule", "template"},
    "checkout": {"repo-id", "repo-name"},
    "schedule": {"cron", "interval"},
    "runs-on": {"pool-name"},
}


class Template:
    """Gives a template with everything in it, and one parameter."""

    def read(self, repository: str, path: str) -> tuple[str, str]:
        """Return it, whatever is asked for."""
        del repository
        text = (
            "parameters: [{name: a, type: string}]\n"
            "variables: {a: from-template}\n"
            "steps: [{run: 'step ${{ parameters.a }}'}]\n"
        )
        if path in {"gates.yml", "t.yml"}:
            text += 'gates: [{name: "of ${{ parameters.a }}", rule: a.b > 1}]\n'
        if path in {"job.yml", "t.yml", "stages.yml"}:
            job = "{t: {steps: [{run: 'job ${{ parameters.a }}'}]}}"
            text += f"jobs: {job}\nstages: [{{name: of file, jobs: {job}}}]\n"
        return text, path


class Row(NamedTuple):
    """A key of an object, in one version."""

    owner: str
    key: Key
    version: str

    @property
    def name(self) -> str:
        """Return how the test is called."""
        return f"{self.owner}.{self.key.name}-{self.version}"


ROWS = [
    Row(owner.name, key, version)
    for owner in all_objects()
    for key in owner.keys
    for version in key.versions
]


def document_of(row: Row, *, with_key: bool) -> str:
    """Write a document that holds the object, with or without the key."""
    version = compose(row.key.sample).value() if row.name.startswith("pipeline.version") else None
    beside = BESIDE.get((row.owner, row.key.name), BESIDE.get(row.owner))
    inner = dict(beside or {})
    if with_key:
        rivals = ONE_OF.get(row.owner, set())
        if row.key.name in rivals:
            inner = {key: value for key, value in inner.items() if key not in rivals}
        inner[row.key.name] = compose(row.key.sample).value()
    text = json.dumps(AROUND[row.owner]).replace('"@"', json.dumps(inner))
    made = json.loads(text)
    made["version"] = version or row.version
    if not {"stages", "jobs", "steps", "extends"} & set(made):
        made["steps"] = STEPS
    if row.owner in {"extends"}:
        made.pop("steps", None)
    return json.dumps(made, ensure_ascii=False)


def read(row: Row, *, with_key: bool = True) -> Draft:
    """Read that document."""
    return read_pipeline(document_of(row, with_key=with_key), name="n", source=Template())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_true(row: Row) -> None:
    """What works is seen in the model; what is ignored is warned about; the rest is refused."""
    named = f"'{row.key.name}' is ignored"
    if row.key.state is State.REFUSED:
        with pytest.raises(YamlError, match=rf"'{row.key.name}' is not taken|is a template"):
            read(row)
        return
    draft = read(row)
    warned = [found for found in draft.warnings if found.text.startswith(named)]
    if row.key.state is State.IGNORED:
        assert [found.pointer.split("/")[-1] for found in warned] == [row.key.name]
        assert row.key.why.en in warned[0].text
        return
    assert not warned
    if row.key.name != "version":
        try:
            before = read(row, with_key=False).document
        except YamlError:
            assert row.key.is_required or row.key.name in ONE_OF.get(row.owner, set())
            return
        assert draft.document != before, "the key changes nothing"


def test_every_object_is_covered() -> None:
    """No object of the table is without its place in a document."""
    assert set(AROUND) == {each.name for each in all_objects()}


@pytest.mark.parametrize("version", [V2, V3])
def test_schema_is_whole(version: str) -> None:
    """Every reference of the schema leads somewhere, and every key has a line of its own."""
    schema = make_schema(version)
    text = json.dumps(schema)

    named = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}

    assert named <= set(schema["$defs"])
    for each in (schema, *schema["$defs"].values()):
        assert each["additionalProperties"] is False
        for name, key in each["properties"].items():
            assert key.get("description") or name == "version"


def test_short_steps_are_in_the_schema() -> None:
    """What the smallest file needs is there."""
    assert compose(STEP).value()["steps"]
    assert "steps" in make_schema(V3)["properties"]
