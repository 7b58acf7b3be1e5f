"""`mulligan pipeline`: stored definitions, their versions, and how they are built."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import click

from mulligan.cli import completions
from mulligan.cli.bkci_calls import bkci
from mulligan.cli.client import part
from mulligan.cli.definitions import export, pipelines
from mulligan.cli.documents import FileError, PipelineFile, counted, ensure_project, save
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_CONFLICT, EXIT_USAGE, FailureError
from mulligan.cli.options import Session, in_project, may_preview, with_session
from mulligan.cli.output import moment, note, one_line
from mulligan.cli.problems import Json, ProblemError
from mulligan.cli.references import find_pipeline
from mulligan.cli.template_files import TemplateFiles, finds_templates

_MOST_VERSIONS = 100
_NOT_FOUND = 404


@click.group(
    help="Look at pipelines and keep them: list, view, apply, graph, diff, history, enable, "
    "disable, export.\n\n" + EXAMPLE + "mulligan pipeline graph web"
)
def pipeline() -> None:
    """Group of the commands about pipelines."""


_NAMED = click.argument("name", metavar="PIPELINE", shell_complete=completions.pipelines)


@pipeline.command(
    "view", help="Show a pipeline (id or name).\n\n" + EXAMPLE + "mulligan pipeline view web"
)
@_NAMED
@in_project
@with_session
def view(session: Session, name: str) -> None:
    """Show a pipeline."""
    found = find_pipeline(session, name)
    if not session.is_table:
        session.emit(found)
        return
    lock = ", disabled" if found["locked"] else ""
    click.echo(f"{one_line(found['name'])} ({found['id']}), version {found['version']}{lock}")
    if found["description"]:
        click.echo(one_line(found["description"]))
    for label in found["labels"]:
        click.echo(f"label {one_line(label)}")
    click.echo(f"made {moment(found['created_at'])} by {one_line(found['created_by'])}")
    click.echo(f"changed {moment(found['updated_at'])} by {one_line(found['updated_by'])}")


@pipeline.command(
    "apply",
    help="Store pipeline files: a new version of the pipeline of the same name, or a new pipeline. "
    "--dry-run shows the pipeline and the difference instead.\n\n"
    + EXAMPLE
    + "mulligan pipeline apply .ci/*.yml --dry-run",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@finds_templates
@in_project
@may_preview
@with_session
def apply(session: Session, files: tuple[Path, ...], templates: TemplateFiles) -> int:
    """Store files."""
    code, made = 0, []
    if not session.is_preview:
        ensure_project(session)
    for path in files:
        try:
            file = PipelineFile(path, templates)
            if session.is_preview:
                _preview(session, file)
                continue
            saved = save(session, file)
        except FileError as error:
            error.show()
            code = EXIT_USAGE
            continue
        made.append({"file": str(path), **saved})
        if session.is_table:
            line = f"{file.shown}: pipeline {saved['id']} version {saved['version']}"
            click.echo(f"{line} ({counted(saved)})")
    if not session.is_table and not session.is_preview:
        session.emit(made)
    return code


def _preview(session: Session, file: PipelineFile) -> None:
    """Tell what a file would become; nothing is stored."""
    from mulligan.cli.definitions import check_file

    size = check_file(file)
    name = file.name()
    try:
        items = session.listed("pipelines", 1, name=name) if isinstance(name, str) else []
    except ProblemError as error:
        if error.status != _NOT_FOUND:
            raise
        items = []  # the project would be made, too
    if not items:
        click.echo(f"{file.shown}: would be a new pipeline ({size})")
        return
    found = items[0]
    line = f"{file.shown}: would be version {found['version'] + 1} of {found['id']} ({size})"
    click.echo(line)


@pipeline.command(
    "graph",
    help="Draw the stages, jobs and steps of a pipeline.\n\n"
    + EXAMPLE
    + "mulligan pipeline graph web --mermaid",
)
@_NAMED
@click.option("--version", type=click.IntRange(1), help="The newest if absent.")
@click.option("--mermaid", is_flag=True, help="As a diagram of Mermaid, for documents.")
@in_project
@with_session
def graph(session: Session, name: str, version: int | None, mermaid: bool) -> None:  # noqa: FBT001 - click gives flags by name
    """Draw a pipeline."""
    found = find_pipeline(session, name)
    path = f"/projects/{part(found['project'])}/pipelines/{part(found['id'])}/definition"
    model = session.client.get(path, version=version)
    stages = list(outline(model))
    if not session.is_table:
        session.emit(stages)
        return
    for line in _mermaid(stages) if mermaid else _tree(stages):
        click.echo(line)


def outline(model: Json) -> Iterator[Json]:
    """Yield the stages of a definition of either dialect: name, jobs with name and steps."""
    for number, stage in enumerate(model["stages"], 1):
        title = one_line(stage.get("name") or f"stage {number}")
        if "containers" not in stage:  # of the SWR dialect: one stage is one piece of work
            service = str(stage.get("service_name", ""))
            yield {"name": title, "jobs": [{"name": service, "steps": []}]}
            continue
        jobs = [
            {
                "name": one_line(job.get("name") or str(job.get("id", ""))),
                "steps": [one_line(step.get("name", "")) for step in job.get("elements", [])],
            }
            for job in stage["containers"]
        ]
        is_trigger = any(job.get("@type") == "trigger" for job in stage["containers"])
        yield {"name": "trigger" if is_trigger else title, "jobs": jobs}


def _tree(stages: list[Json]) -> Iterator[str]:
    for stage in stages:
        yield stage["name"]
        for job, lead, below in _branches(stage["jobs"]):
            yield f"{lead}{job['name']}"
            for step, inner, _ in _branches(job["steps"]):
                yield f"{below}{inner}{step}"


def _branches(items: list[Json]) -> Iterator[tuple[Json, str, str]]:
    """Yield items with what stands before them, and before what is below them."""
    for item in items[:-1]:
        yield item, "├─ ", "│  "
    for item in items[-1:]:
        yield item, "└─ ", "   "


def _mermaid(stages: list[Json]) -> Iterator[str]:
    yield "flowchart LR"
    for number, stage in enumerate(stages):
        yield f'  subgraph s{number}["{_label(stage["name"])}"]'
        for index, job in enumerate(stage["jobs"]):
            lines = "<br/>".join(_label(text) for text in (job["name"], *job["steps"]))
            yield f'    s{number}j{index}["{lines}"]'
        yield "  end"
    for number in range(1, len(stages)):
        yield f"  s{number - 1} --> s{number}"


def _label(text: str) -> str:
    for letter, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(letter, entity)
    return text


@pipeline.command(
    "diff",
    help="Show what changed between two versions of a pipeline, as pipeline files; without "
    "versions between the last two, with one between that and the newest.\n\n"
    + EXAMPLE
    + "mulligan pipeline diff web 3 5",
)
@_NAMED
@click.argument("first", required=False, type=click.IntRange(1))
@click.argument("second", required=False, type=click.IntRange(1))
@in_project
@with_session
def diff(session: Session, name: str, first: int | None, second: int | None) -> None:
    """Compare two versions."""
    found = find_pipeline(session, name)
    newest = int(found["version"])
    second = second or newest
    first = first or second - 1
    if first < 1:
        raise FailureError("the pipeline has only one version", EXIT_CONFLICT)
    path = f"/projects/{part(found['project'])}/pipelines/{part(found['id'])}/definition"
    texts = [
        b"".join(session.client.read(path, version=version, format="yaml")).decode()
        for version in (first, second)
    ]
    before, after = (text.splitlines() for text in texts)
    names = (f"version {first}", f"version {second}")
    lines = list(difflib.unified_diff(before, after, *names, lineterm=""))
    if not session.is_table:
        session.emit({"first": first, "second": second, "diff": lines})
        return
    for line in lines:
        click.secho(line, fg=_COLOURS.get(line[:1]))
    if not lines:
        note(f"versions {first} and {second} are the same")


_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@pipeline.command(
    "history",
    help="List the versions of a pipeline, newest first.\n\n"
    + EXAMPLE
    + "mulligan pipeline history web",
)
@_NAMED
@in_project
@click.option("--limit", type=click.IntRange(1, _MOST_VERSIONS), default=20, show_default=True)
@with_session
def history(session: Session, name: str, limit: int) -> None:
    """List versions."""
    found = find_pipeline(session, name)
    query = {"pipelineId": found["id"], "page": 1, "pageSize": limit}
    page = bkci(session.client, "GET", found["project"], "version/version_list", query)
    session.show_list(
        page["records"],
        ("VERSION", "STATE", "BY", "DESCRIPTION"),
        lambda item: (
            str(item["version"]),
            str(item.get("status", "")).lower(),
            one_line(item["creator"]),
            one_line(item.get("description") or ""),
        ),
    )


@pipeline.command(
    "enable", help="Let a pipeline start again.\n\n" + EXAMPLE + "mulligan pipeline enable web"
)
@_NAMED
@in_project
@may_preview
@with_session
def enable(session: Session, name: str) -> None:
    """Enable a pipeline."""
    _lock(session, name, locked=False)


@pipeline.command(
    "disable",
    help="Let a pipeline not start until it is enabled; runs go on.\n\n"
    + EXAMPLE
    + "mulligan pipeline disable web",
)
@_NAMED
@in_project
@may_preview
@with_session
def disable(session: Session, name: str) -> None:
    """Disable a pipeline."""
    _lock(session, name, locked=True)


def _lock(session: Session, name: str, *, locked: bool) -> None:
    found = find_pipeline(session, name)
    query = {"pipelineId": found["id"], "enable": not locked}
    bkci(session.client, "POST", found["project"], "pipelines/pipeline_lock", query)
    state = "disabled" if locked else "enabled"
    session.show_made({**found, "locked": locked}, told=f"{state}: {one_line(found['name'])}")


pipeline.add_command(pipelines, "list")
pipeline.add_command(export, "export")
