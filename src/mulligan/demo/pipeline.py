"""The demonstration's pipeline as a BK-CI model: a document that any client could send."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from mulligan.demo.repository import BRANCH, Source

# Names of the steps that the demonstration asks about later.
INTEGRATION_TEST = "integration test"
PACKAGE = "package"
PUBLISH = "publish"
REPORT = "report"

# What the integration test exits with while the price feed is down (EX_UNAVAILABLE).
FEED_IS_DOWN = 69

Element = dict[str, Any]
Model = dict[str, Any]


def build_model(
    name: str, source: Source, parameters: Mapping[str, str], *, plain: bool = False
) -> Model:
    """Return the model.

    Args:
        name: Of the pipeline, unique in its project.
        source: Where the project's files come from.
        parameters: Start parameters with their defaults. The scripts see them as environment
            variables and need `python`, `source`, `journal`, `registry` and `feed_address`.
        plain: Shell steps in one job only; for servers without checkout and artifacts.
    """
    work = plain_stages(source) if plain else stages(source)
    report = stage("report", [job("report", [report_step()])], last=True)
    model: Model = {"name": name, "desc": "The sample project of the demonstration"}
    model["stages"] = [trigger(parameters), *work, report]
    return numbered(model)


def stages(source: Source) -> list[Model]:
    """Return build and unit tests side by side, then integration test, then publish."""
    build = [checkout("checkout", source), compile_step(), package_step(), upload("upload package")]
    tests = [checkout("checkout for unit tests", source), unit_test_step()]
    integration = [
        checkout("checkout for integration test", source),
        download("download package"),
        integration_step(),
    ]
    publish = [
        checkout("checkout for publish", source),
        download("download for publish"),
        publish_step(),
    ]
    return [
        stage("build", [job("build", build), job("unit-tests", tests)]),
        stage("integration", [job("integration", integration)]),
        stage("publish", [job("publish", publish)]),
    ]


def plain_stages(source: Source) -> list[Model]:
    """Return the same work as one job of shell steps."""
    steps = [
        script("checkout", f'git init --quiet && git pull --quiet "$source" {BRANCH}')
        if source.head
        else checkout("checkout", source),
        compile_step(),
        unit_test_step(),
        package_step(),
        integration_step(),
        publish_step(),
    ]
    return [stage("build", [job("build", steps)])]


def compile_step() -> Element:
    """Compile all modules and check version and catalogue."""
    return script("compile", '"$python" -m ci.build')


def unit_test_step() -> Element:
    """Run the project's own unit tests."""
    return script("unit tests", '"$python" -m unittest --verbose 2>&1')


def package_step() -> Element:
    """Make dist/shop-VERSION.pyz."""
    return script(PACKAGE, '"$python" -m ci.package')


def integration_step() -> Element:
    """Run the package against the price feed; exits with 69 while the feed is down."""
    return script(INTEGRATION_TEST, '"$python" -m ci.integration --feed "$(cat "$feed_address")"')


def publish_step() -> Element:
    """Put the package and its checksum into the registry."""
    return script(PUBLISH, '"$python" -m ci.publish "$registry"')


def report_step() -> Element:
    """Say what is published; runs however the stages before it ended."""
    return script(
        REPORT,
        'latest=$(cat "$registry/shop/latest" 2>/dev/null || echo nothing)',
        'echo "published: $latest"',
    )


def script(name: str, *lines: str) -> Element:
    """Return a shell step; its first line notes in the journal that it runs."""
    note = f'echo {shlex.quote(name)} >> "$journal"'
    text = "\n".join([note, *lines, ""])
    return {"@type": "linuxScript", "name": name, "scriptType": "SHELL", "script": text}


def checkout(name: str, source: Source) -> Element:
    """Return a checkout of the newest commit, or a copy where git can't be used."""
    if not source.head:
        return script(name, 'cp -R "$source/." .')
    inputs = {
        "repositoryType": "URL",
        "repositoryUrl": source.url,
        "pullType": "BRANCH",
        "refName": BRANCH,
    }
    return plugin(name, "checkout", inputs)


def upload(name: str) -> Element:
    """Return a step that keeps what the build made."""
    return plugin(name, "uploadArtifact", {"filePath": "dist/*"})


def download(name: str) -> Element:
    """Return a step that fetches it into another job's workspace."""
    return plugin(name, "downloadArtifact", {"srcPaths": "*.pyz", "destPath": "dist"})


def plugin(name: str, code: str, inputs: Mapping[str, str]) -> Element:
    """Return a step that runs a plugin."""
    return {
        "@type": "marketBuild",
        "name": name,
        "atomCode": code,
        "version": "1.*",
        "data": {"input": dict(inputs), "output": {}},
    }


def job(name: str, elements: list[Element]) -> Model:
    """Return a job; it takes any runner."""
    return {"@type": "vmBuild", "jobId": name, "name": name, "elements": elements}


def stage(name: str, jobs: list[Model], *, last: bool = False) -> Model:
    """Return a stage; the last one runs however the others ended."""
    return {"name": name, "containers": jobs, "finally": last}


def trigger(parameters: Mapping[str, str]) -> Model:
    """Return stage 1: started by hand, with the start parameters."""
    params = [
        {"id": key, "type": "STRING", "required": True, "defaultValue": value}
        for key, value in parameters.items()
    ]
    start = {"@type": "manualTrigger", "name": "manual"}
    container = {"@type": "trigger", "name": "trigger", "params": params, "elements": [start]}
    return stage("trigger", [container])


def numbered(model: Model) -> Model:
    """Give stages, jobs and steps the ids that clients of this API send."""
    jobs = steps = 0
    for position, each_stage in enumerate(model["stages"], start=1):
        each_stage["id"] = f"stage-{position}"
        for each_job in each_stage["containers"]:
            each_job["id"] = str(jobs)
            jobs += 1
            for element in each_job["elements"]:
                steps += 1
                element["id"] = f"e-{steps:032x}"
                element["stepId"] = element["name"].replace(" ", "-")
    return model


def script_steps(model: Model) -> tuple[str, ...]:
    """Return the names of the shell steps: those that write into the journal."""
    return tuple(step["name"] for step in all_steps(model) if step["@type"] == "linuxScript")


def all_steps(model: Model) -> Iterable[Element]:
    """Yield the steps of all stages but the trigger, in order."""
    for each_stage in model["stages"][1:]:
        for each_job in each_stage["containers"]:
            yield from each_job["elements"]
