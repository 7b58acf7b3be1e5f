"""`mulligan pipeline`: stored definitions, their versions, and how they are built."""

from collections.abc import Iterator, Mapping
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
    drawn = session.client.get(f"{_path(session, name)}/graph", version=version)
    if not session.is_table:
        session.emit(drawn)
        return
    for line in _mermaid(drawn["stages"]) if mermaid else _tree(drawn["stages"]):
        click.echo(line)


def _path(session: Session, name: str) -> str:
    """Return the path of a pipeline in the API."""
    found = find_pipeline(session, name)
    return f"/projects/{part(found['project'])}/pipelines/{part(found['id'])}"


_STAGE_MARKS = {
    "is_finally": "at the end, whatever happened",
    "reviewed": "after a review",
    "deploys": "deploys",
}
_STEP_MARKS = {"pauses": "pauses", "goes_on": "may fail"}


def _title(node: Json, marks: Mapping[str, str]) -> str:
    """Name a node, and tell what is special about it."""
    said = [text for key, text in marks.items() if node[key]]
    if not node["enabled"]:
        said.append("off")
    name = one_line(node["name"] or node["id"])
    return f"{name} ({', '.join(said)})" if said else name


def _job_title(job: Json) -> str:
    title = _title(job, {"is_matrix": "matrix"})
    return f"{title} after {', '.join(map(one_line, job['needs']))}" if job["needs"] else title


def _tree(stages: list[Json]) -> Iterator[str]:
    for stage in stages:
        yield _title(stage, _STAGE_MARKS)
        for job, lead, below in _branches(stage["jobs"]):
            yield f"{lead}{_job_title(job)}"
            for step, inner, _ in _branches(job["steps"]):
                yield f"{below}{inner}{_title(step, _STEP_MARKS)}"


def _branches(items: list[Json]) -> Iterator[tuple[Json, str, str]]:
    """Yield items with what stands before them, and before what is below them."""
    for item in items[:-1]:
        yield item, "├─ ", "│  "
    for item in items[-1:]:
        yield item, "└─ ", "   "


def _mermaid(stages: list[Json]) -> Iterator[str]:
    yield "flowchart LR"
    for number, stage in enumerate(stages):
        yield f'  subgraph s{number}["{_label(_title(stage, _STAGE_MARKS))}"]'
        for index, job in enumerate(stage["jobs"]):
            names = [_job_title(job), *(_title(step, _STEP_MARKS) for step in job["steps"])]
            lines = "<br/>".join(map(_label, names))
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
    path = f"/projects/{part(found['project'])}/pipelines/{part(found['id'])}"
    compared = session.client.get(f"{path}/versions/{first}/diff/{second}")
    if not session.is_table:
        session.emit(compared)
        return
    lines = compared["text"]["lines"]
    for line in lines or ():
        click.secho(line, fg=_COLOURS.get(line[:1]))
    if lines is None:
        note("the files are too long to be compared")
    elif not lines:
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
@with_session
def history(session: Session, name: str) -> None:
    """List versions."""
    session.show_list(
        session.client.get(f"{_path(session, name)}/versions")["items"],
        ("VERSION", "MADE", "BY", "NOTE"),
        lambda item: (
            str(item["version"]),
            moment(item["created_at"]),
            one_line(item["created_by"]),
            one_line(item["note"]),
        ),
        wide={"DIALECT": "dialect", "MADE FROM": "made_from"},
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
