"""Pipeline files that include others."""

import pytest
from yaml_files import STEP, V2, V3

from mulligan.pipeline_yaml.findings import YamlError
from mulligan.pipeline_yaml.from_model import write_pipeline
from mulligan.pipeline_yaml.read import Draft, read_pipeline

SHARED = "resources: {repositories: [{repository: group/ci, name: shared}]}\n"
BUILD = """\
parameters:
  - { name: langs, type: array, default: [ go ] }
  - { name: image, type: string }
  - { name: fast, type: boolean, default: false }
stages:
  - name: compile
    jobs:
      make:
        runs-on: { pool-name: docker, container: { image: "${{ parameters.image }}" } }
        env: { FAST: "${{ parameters.fast }}" }
        strategy:
          matrix: { lang: "${{ parameters.langs }}" }
        steps:
          - run: |
              # ${{ parameters.image }} stays in a comment
              echo "${{ join(parameters.langs, '+') }} by ${{ ci.actor }}: ${{ parameters.image }}"
          - if: contains(parameters.langs, 'rust')
            run: cargo build
"""


class Files:
    """Templates by (repository, path)."""

    def __init__(self, **files: str) -> None:
        self._files = {
            tuple(key.rpartition("__")[::2]): text
            for key, text in ((name.replace("_yml", ".yml"), text) for name, text in files.items())
        }

    def read(self, repository: str, path: str) -> tuple[str, str] | None:
        """Return a file and its name."""
        text = self._files.get((repository, path))
        return None if text is None else (text, f"{repository or '.'}/{path}")


def read(text: str, **files: str) -> Draft:
    """Read a file of v2.0 with templates."""
    return read_pipeline(V2 + text, name="a", source=Files(**files))


def refused(text: str, **files: str) -> list[str]:
    """Read a file that is refused; give a line for each finding."""
    with pytest.raises(YamlError) as caught:
        read(text, **files)
    return [f"{found.file}:{found.line}: {found.text}" for found in caught.value.findings]


def test_stages_of_another_repository() -> None:
    """A list of stages comes from a template; its parameters are filled in."""
    text = SHARED + (
        "stages:\n"
        "  - template: build.yml@shared\n"
        "    parameters: { langs: [go, rust], image: 'golang:1.22' }\n"
        "  - jobs: {after: {steps: [{run: done}]}}\n"
    )

    draft = read(text, shared__build_yml=BUILD)

    compiled, after = draft.model["stages"][1:]
    assert (compiled["name"], after["name"]) == ("compile", "stage-2")
    job = compiled["containers"][0]
    assert job["dispatchType"]["value"] == "golang:1.22"
    assert job["customEnv"] == [{"key": "FAST", "value": "false"}]
    assert job["matrixControlOption"]["strategyStr"] == '{"lang": ["go", "rust"]}'
    first, second = job["elements"]
    assert first["data"]["input"]["script"] == (
        "# ${{ parameters.image }} stays in a comment\n"
        'echo "${{ join(fromJSON(\'["go","rust"]\'), \'+\') }} by ${{ ci.actor }}: golang:1.22"\n'
    )
    assert second["additionalOptions"]["customCondition"] == (
        "contains(fromJSON('[\"go\",\"rust\"]'), 'rust')"
    )
    assert {found.file for found in draft.warnings} == {"shared/build.yml"}
    place = draft.locate("/stages/1/containers/0/elements/1", "wrong")
    assert (place.file, place.line) == ("shared/build.yml", 17)


def test_every_place() -> None:
    """Jobs, steps, variables, final jobs and parameters may come from files."""
    draft = read(
        "variables: {template: [{name: vars.yml}], own: b}\n"
        "jobs:\n"
        "  template: [{name: jobs.yml, parameters: {who: me}}]\n"
        "  own: {steps: [{template: steps.yml, parameters: {n: 1}}, {run: last}]}\n"
        "finally: {template: last.yml}\n",
        vars_yml="variables: {shared: a}\n",
        jobs_yml=(
            "parameters: [{template: params.yml}]\n"
            "jobs: {of_file: {steps: [{run: 'hi ${{ parameters.who }}'}]}}\n"
        ),
        params_yml="parameters: [{name: who, type: string}]\n",
        steps_yml=(
            "parameters: [{name: n, type: number}]\n"
            "steps: [{run: one, timeout-minutes: '${{ parameters.n }}'}, {run: two}]\n"
        ),
        last_yml="finally: {clean: {if: ALWAYS, steps: [{run: rm}]}}\n",
    )

    trigger, stage, last = draft.model["stages"]
    assert [each["id"] for each in trigger["containers"][0]["params"]] == ["shared", "own"]
    of_file, own = stage["containers"]
    assert of_file["elements"][0]["data"]["input"]["script"] == "hi me"
    assert [each["data"]["input"]["script"] for each in own["elements"]] == ["one", "two", "last"]
    assert own["elements"][0]["additionalOptions"]["timeout"] == 1
    assert last["containers"][0]["jobId"] == "clean"


GATES = """\
parameters: [{ name: least, type: number, default: 80 }]
gates:
  - name: tested
    rule: [ "tests.cover >= ${{ parameters.least }}", "tests.unit tests.failed == 0" ]
    notify-on-fail: { type: [ email, wework-chat ], receivers: [ ann ] }
    continue-on-fail: { gatekeepers: [ bob ] }
"""
GATED = "stages: [{check-out: {gates: [%s]}, jobs: {a: {steps: [{run: a}]}}}]\n"


def test_gates_of_another_repository() -> None:
    """Gates come from a template, beside those of the file; they come back when written."""
    own = "{rule: 'a.b < -1.5'}, {template: gates.yml@shared, parameters: {least: 90}}"
    draft = read(SHARED + GATED % own, shared__gates_yml=GATES)

    assert draft.model["stages"][1]["checkOut"] == {
        "gates": [
            {"rules": ["a.b < -1.5"]},
            {
                "name": "tested",
                "rules": ["tests.cover >= 90", "tests.unit tests.failed == 0"],
                "gatekeepers": ["bob"],
                "notices": [{"types": ["EMAIL", "WEWORK_GROUP"], "receivers": ["ann"]}],
            },
        ]
    }
    written = write_pipeline(draft.model, draft.setting).text
    assert read_pipeline(written, name="a").model["stages"][1] == draft.model["stages"][1]


def test_wrong_gates_of_a_template() -> None:
    """What is wrong is found in the file of the template, at its line."""
    text = GATED % "{template: gates.yml}"

    assert refused(text, gates_yml="gates:\n  - rule: [cover > 1]\n") == [
        "./gates.yml:2: 'cover > 1' is not of the form: plugin.metric > number"
    ]
    many = GATES + "  - {rule: a.b > 1}\n" * 10
    assert refused(text, gates_yml=many)[0].endswith("has 11 items; 10 may be")
    assert "holds no gates" in refused(text, gates_yml="steps: []\n")[0]


def test_whole_pipeline() -> None:
    """`extends` takes everything but the triggers from a template."""
    draft = read(
        "on: {push: [main]}\nextends: {template: all.yml, parameters: {cmd: make}}\n",
        all_yml=(
            "version: v2.0\nname: from file\nparameters: [{name: cmd, type: string}]\n"
            "variables: {a: b}\nsteps: [{run: '${{ parameters.cmd }}'}]\n"
        ),
    )

    assert draft.model["name"] == "from file"
    trigger, stage = draft.model["stages"]
    assert len(trigger["containers"][0]["elements"]) == 2
    assert stage["containers"][0]["elements"][0]["data"]["input"]["script"] == "make"


def test_whole_pipeline_of_version_3() -> None:
    """v3.0 names the file by its path, and may give variables other values."""
    text = V3 + "extends: {template: {path: all.yml}, variables: {a: c, b: {value: d}}}\n"
    files = Files(all_yml="variables: {a: b, b: {value: x, readonly: true}}\n" + STEP)

    model = read_pipeline(text, name="n", source=files).model

    params = model["stages"][0]["containers"][0]["params"]
    assert [(each["defaultValue"], each.get("readOnly")) for each in params] == [
        ("c", None),
        ("d", True),
    ]


def test_a_template_at_another_ref() -> None:
    """Files are read from the checkout; that a `ref` is not followed is said."""
    text = V3 + "extends: {template: {path: all.yml, ref: release}}\n"

    draft = read_pipeline(text, name="n", source=Files(all_yml=STEP))

    [found] = draft.warnings
    assert "from the checkout as it is, not at 'release'" in found.text


def test_template_in_a_template() -> None:
    """A file that is included includes others of its own repository."""
    draft = read(
        SHARED + "steps: [{template: outer.yml@shared, parameters: {a: x}}]\n",
        shared__outer_yml=(
            "parameters: [{name: a, type: string}]\n"
            "steps: [{template: inner.yml, parameters: {b: '${{ parameters.a }}y'}}]\n"
        ),
        shared__inner_yml="parameters: [{name: b}]\nsteps: [{run: '${{ parameters.b }}'}]\n",
    )

    step = draft.model["stages"][1]["containers"][0]["elements"][0]
    assert step["data"]["input"]["script"] == "xy"


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("number", "'5'", 5),
        ("number", "2.50", "2.5"),
        ("boolean", "'true'", True),
        ("boolean", "false", False),
        ("string", "1.10", "1.10"),
        ("string", "'${{ variables.v }}'", "${{ variables.v }}"),
        ("array", "[1, x]", [1, "x"]),
    ],
)
def test_values_of_parameters(kind: str, given: str, value: object) -> None:
    """A value has the type of its parameter, quoted or not."""
    draft = read(
        f"steps: [{{template: t.yml, parameters: {{p: {given}}}}}]\n",
        t_yml=(
            f"parameters: [{{name: p, type: {kind}}}]\n"
            "steps: [{uses: x@1, with: {v: '${{ parameters.p }}'}}]\n"
        ),
    )

    step = draft.model["stages"][1]["containers"][0]["elements"][0]
    assert repr(step["data"]["input"]["v"]) == repr(value)


INCLUDE = "steps: [{template: t.yml}]\n"


@pytest.mark.parametrize(
    ("text", "files", "line"),
    [
        (INCLUDE, {}, ":2: there is no template 't.yml' in .ci/templates"),
        (
            "steps: [{template: t.yml@shared}]\n",
            {},
            ":2: 'resources.repositories' of this file names no 'shared'",
        ),
        (
            SHARED + "steps: [{template: t.yml@shard}]\n",
            {},
            ":3: 'resources.repositories' of this file names no 'shard'; did you mean 'shared'?",
        ),
        ("steps: [{template: ../../etc/passwd}]\n", {}, ":2: '../../etc/passwd' is no path below "),
        ("steps: [{template: /etc/passwd}]\n", {}, ":2: '/etc/passwd' is no path below "),
        (INCLUDE, {"t_yml": "jobs: {}\n"}, ":2: the template 't.yml' holds no steps, but jobs"),
        (INCLUDE, {"t_yml": "steps: {}\n"}, "./t.yml:1: 'steps' of a template must be a list"),
        (INCLUDE, {"t_yml": "steps: [\n"}, "./t.yml:2: did not find expected node content"),
        (INCLUDE, {"t_yml": "- a\n"}, "./t.yml:1: a template must be a map"),
        (INCLUDE, {"t_yml": INCLUDE}, "./t.yml:1: templates include each other in a circle: t.yml"),
        (
            INCLUDE,
            {"t_yml": "steps: [{run: a, rum: b}]\n"},
            "./t.yml:1: unknown key 'rum' in a step (did you mean 'run'?)",
        ),
        (
            "steps: [{template: t.yml, parameters: {b: c}}]\n",
            {"t_yml": "parameters: [{name: a}]\nsteps: [{run: x}]\n"},
            ":2: the template has no parameter 'b'",
        ),
        (
            "steps: [{template: t.yml, parameters: {a: c}}]\n",
            {"t_yml": "parameters: [{name: a, values: [x, y]}]\nsteps: [{run: x}]\n"},
            ":2: the parameter 'a' must be one of x, y",
        ),
        (
            "steps: [{template: t.yml, parameters: {a: c}}]\n",
            {"t_yml": "parameters: [{name: a, type: number}]\nsteps: [{run: x}]\n"},
            ":2: the parameter 'a' must be a number, not 'c'",
        ),
        (
            "steps: [{template: t.yml, parameters: {a: c}}]\n",
            {"t_yml": "parameters: [{name: a, type: array}]\nsteps: [{run: x}]\n"},
            ":2: the parameter 'a' must be an array, not 'c'",
        ),
        (
            INCLUDE,
            {"t_yml": "parameters: [{name: a.b}]\nsteps: [{run: x}]\n"},
            "./t.yml:1: 'a.b' can't be the name of a parameter",
        ),
        (
            "steps: [{template: t.yml, name: a}]\n",
            {"t_yml": STEP},
            ":2: 'name' can't stand beside a template",
        ),
        (
            "jobs: {template: [{name: t.yml}], a: {steps: [{run: b}]}}\n",
            {"t_yml": "jobs: {a: {steps: [{run: b}]}}\n"},
            ":2: 'a' stands in two files",
        ),
        ("extends: {template: {template-id: x}}\n", {}, ":2: templates of a platform are not here"),
        (
            "extends: {template: t.yml}\nsteps: [{run: a}]\n",
            {"t_yml": STEP},
            ":3: 'steps' can't stand beside 'extends'",
        ),
        (
            "extends: {template: t.yml}\n",
            {"t_yml": "on: {push: [a]}\n" + STEP},
            "./t.yml:1: a template has no 'on'",
        ),
    ],
)
def test_refused(text: str, files: dict[str, str], line: str) -> None:
    """What is wrong with a template is said where it is wrong."""
    assert refused(text, **files)[0].startswith(line)


def test_depth_and_count_are_bounded() -> None:
    """At most five files deep, at most ten references in a file, not a hundred thousand in all."""
    deep = {f"t{n}_yml": f"steps: [{{template: t{n + 1}.yml}}]\n" for n in range(6)}
    many = "steps: [" + ", ".join(["{template: s.yml}"] * 11) + "]\n"
    wide = {
        f"t{n}_yml": "steps: [" + ", ".join([f"{{template: t{n + 1}.yml}}"] * 10) + "]\n"
        for n in range(4)
    }

    assert "nested more than 5 deep" in refused("steps: [{template: t0.yml}]\n", **deep)[0]
    assert "includes more than 10" in refused(many, s_yml=STEP)[0]
    assert any(
        "more than 100 templates" in line
        for line in refused("steps: [{template: t0.yml}]\n", **wide, t4_yml=STEP)
    )


def test_size_is_bounded() -> None:
    """A parameter that is large and used often does not fill the memory."""
    large = "x" * 1_000_000
    text = f"steps: [{{template: t.yml, parameters: {{a: {large}}}}}]\n"
    use = "parameters: [{name: a}]\nsteps:\n" + "  - run: ${{ parameters.a }}\n" * 100

    assert refused(text, t_yml=use) == ["./t.yml:42: all templates together are too large"]


def test_nothing_is_read_from_a_single_file() -> None:
    """Where only a text was sent there are no templates."""
    with pytest.raises(YamlError, match="import this with `mulligan import`"):
        read_pipeline(V2 + INCLUDE, name="a")
