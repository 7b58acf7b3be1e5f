"""What is wrong in a file is said with its place, everything at once."""

import pytest
from yaml_files import STEP, V2, V3, draft_of

from mulligan.pipeline_yaml.findings import YamlError
from mulligan.pipeline_yaml.read import is_pipeline, read_pipeline


def lines_of(text: str) -> list[str]:
    """Read a text that is refused; give a line for each finding."""
    with pytest.raises(YamlError) as caught:
        read_pipeline(text, name="a")
    return [
        f"{found.line}:{found.column}: {found.text}, at {found.pointer}"
        for found in caught.value.findings
    ]


def test_everything_at_once() -> None:
    """Each mistake is named, in the order of lines, with what was probably meant."""
    text = """\
version: v3.0
nam: shop
stages:
  - jobs:
      a:
        timeout-minutes: 99999
        depend-on: [bb]
        steps:
          - run: make
            continue-on-eror: true
          - name: nothing
      b:
        if: {mode: NEVER}
        steps: []
"""

    assert lines_of(text) == [
        "2:1: unknown key 'nam' in the file (did you mean 'name'?), at /nam",
        (
            "6:26: must be a whole number from 1 to 10080 or an expression, not '99999', "
            "at /stages/0/jobs/a/timeout-minutes"
        ),
        (
            "7:21: there is no job 'bb' in this stage (did you mean 'b'?), "
            "at /stages/0/jobs/a/depend-on"
        ),
        (
            "10:13: unknown key 'continue-on-eror' in a step (did you mean 'continue-on-error'?), "
            "at /stages/0/jobs/a/steps/0/continue-on-eror"
        ),
        "11:13: a step has one of run, checkout, uses, at /stages/0/jobs/a/steps/1",
        (
            "13:20: must be one of RUN_WHEN_ALL_PARAMS_MATCH, NOT_RUN_WHEN_ALL_PARAMS_MATCH, "
            "FAILURE_NOT_CONTINUED, not 'NEVER', at /stages/0/jobs/b/if/mode"
        ),
        "14:16: must not be empty, at /stages/0/jobs/b/steps",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1:1: must be a map, not nothing, at "),
        ("[1]", "1:1: must be a map, not a list, at "),
        ("a: [\n", "2:1: did not find expected node content"),
        ("a: 1\na: 2\n", "2:1: the key 'a' stands twice, at "),
        (STEP, "1:1: is a template (steps), not a pipeline, at "),
        ("jobs: {}\nparameters: []\n", "1:1: is a template (jobs), not a pipeline, at "),
        ("name: a\n" + STEP, "1:1: 'version' is missing, at "),
        (
            "version: v4.0\n" + STEP,
            "1:10: must be one of v2.0, v3.0, not 'v4.0' (did you mean 'v3.0'?)",
        ),
        (V3, "1:1: needs one of stages, jobs, steps, at "),
        (V3 + STEP + "jobs: {a: {steps: [{run: a}]}}\n", "3:1: "),
        (V3 + "steps: [{run: a, uses: b@1}]\n", "2:9: a step has one of run, checkout, uses; "),
        (V3 + "steps: [{uses: b}]\n", "2:16: 'b' is not of the form "),
        (V3 + "variables: {LEVEL: 2}\n" + STEP, "2:20: the variable 'LEVEL' in capitals needs "),
        (V3 + "variables: {level: {const: true}}\n" + STEP, "2:28: only variables in capitals "),
        (V3 + "jobs: {a: {}}\n", "2:11: 'steps' is missing, at /jobs/a"),
        (V3 + "steps: [{run: a, id: x}, {run: b, id: x}]\n", "2:39: the id 'x' is used twice "),
        (V3 + "on: {psh: [a]}\n" + STEP, "2:6: unknown key 'psh' in the triggers (did you mean "),
        (
            V3 + "on: {mr: {review-forks-only: true}}\n" + STEP,
            "2:11: 'review-forks-only' needs 'reviewers'",
        ),
        (
            V3 + "stages: [{check-in: {gates: [{rule: [a.b > 1, a >= x]}]}, jobs: {}}]",
            "2:47: 'a >= x' is not of the form: plugin.metric > number",
        ),
        (
            V3 + "stages: [{check-out: {gates: [{name: a}]}, jobs: {a: {steps: [{run: a}]}}}]",
            "2:31: 'rule' is missing",
        ),
        (V3 + "on: {schedules: {always: true}}\n" + STEP, "2:17: needs either 'cron' or 'inter"),
        (V3 + "on: [{repo-name: a, manual: enabled}]\n" + STEP, "2:21: 'manual' stands in an "),
        (V3 + "on: {delete: {}}\n" + STEP, "2:6: 'delete' is not a key of v3.0, only of v2.0"),
        (V2 + "stepss: []\n" + STEP, "2:1: unknown key 'stepss' in the file (did you mean 'steps'"),
        (V3 + "jobs: {a: {steps: }}\n", "2:11: 'steps' is missing"),
        (V3 + "stages: [{jobs: }]\n", "2:10: 'jobs' is missing"),
        (V3 + "disable-pipeline: yes\n" + STEP, "2:19: must be true or false, not 'yes' (did you"),
        (V3 + "jobs: {a: {runs-on: {self-hosted: true}, steps: [{run: a}]}}\n", "2:21: 'runs-on'"),
        (V3 + "a: &a [*a]\n" + STEP, "2:8: 'a' holds itself, at "),
    ],
)
def test_refused(text: str, line: str) -> None:
    """The first finding of each of these."""
    assert lines_of(text)[0].startswith(line)


def test_aliases_do_not_explode() -> None:
    """A few lines that stand for millions of values are refused."""
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))

    assert "values, aliases counted each time" in lines_of("l0: &l0 [a]\n" + levels + V3)[0]


def test_depth_is_bounded() -> None:
    """Brackets without end are refused."""
    assert "nested deeper" in lines_of(V3 + "on: " + "[" * 50_000)[0]


def test_warnings_have_places() -> None:
    """What is taken but can't be carried out is said."""
    found = [(each.line, each.pointer) for each in draft_of("deploy").warnings]

    assert (22, "/stages/0/jobs/pack/runs-on/container/image") in found
    assert any(pointer == "/stages/1/jobs/push/checkpoint" for _, pointer in found)


def test_error_of_the_model_has_its_place() -> None:
    """What only the importer finds is led back to the file."""
    draft = draft_of("conditions")

    found = draft.locate("/model/stages/1/containers/1/jobControlOption/timeout", "too long")
    step = draft.locate("/stages/1/containers/2/elements/2/data/input", "wrong")

    assert (found.line, found.pointer) == (12, "/stages/0/jobs/b")
    assert (step.line, step.pointer) == (21, "/stages/0/jobs/c/steps/2")


@pytest.mark.parametrize(
    ("document", "is_one"),
    [
        ({"version": "v2.0"}, True),
        ({"steps": []}, True),
        ({"stages": [{"jobs": {}}]}, True),
        ({"stages": [{"template": "a.yml"}]}, True),
        ({"name": "model", "stages": [{"containers": []}]}, False),
        ({"stages": [{"service_name": "job"}]}, False),
        ({"stages": []}, False),
        ({"version": 1, "stages": []}, False),
        ([], False),
    ],
)
def test_recognised(document: object, is_one: bool) -> None:
    """Pipeline files are told apart from models and from the other dialect."""
    assert is_pipeline(document) is is_one


def test_version_2_minds_less() -> None:
    """What v2.0 never minded is warned about, not refused; what stands empty is absent."""
    text = V2 + "cancel-policy: BROAD\nowner: 5\nvariables:\nnotices:\n" + STEP

    draft = read_pipeline(text, name="a")

    assert [(each.line, each.text) for each in draft.warnings] == [
        (2, "'cancel-policy' is not a key of v2.0, only of v3.0"),
        (3, "unknown key 'owner' in the file; it is ignored"),
    ]


@pytest.mark.parametrize(
    ("version", "condition", "warning"),
    [
        (V3, "variables.a == 'b'", ""),
        (V3, "FAILURE", ""),
        (V2, "${{ variables.a == 'b' }}", ""),
        (V3, "${{ variables.a == 'b' }}", "a condition stands without ${{ }}"),
        (V3, "${a} == 'b'", ""),
        (V3, "a = b", "the condition can't be read, so it is never true: unexpected '='"),
        (V2, "always()", "the condition can't be read, so it is never true: unknown function"),
    ],
)
def test_conditions_are_read(version: str, condition: str, warning: str) -> None:
    """A condition that would never be true is warned about."""
    text = f'{version}steps: [{{run: a, if: "{condition}"}}]\n'

    found = [each.text for each in read_pipeline(text, name="a").warnings]

    assert len(found) == bool(warning)
    assert not warning or found[0].startswith(warning)
