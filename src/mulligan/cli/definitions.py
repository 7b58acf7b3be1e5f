"""`mulligan pipelines`, `import`, `export`."""

import uuid
from collections.abc import Callable
from pathlib import Path

import click

from mulligan.cli.client import part
from mulligan.cli.documents import FileError, PipelineFile, counted, ensure_project, save
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE
from mulligan.cli.forms import Form, emit
from mulligan.cli.language import tr
from mulligan.cli.options import Session, in_project, reaching, with_session
from mulligan.cli.output import moment, note, one_line
from mulligan.cli.references import find_pipeline, find_run
from mulligan.cli.servers import ServerOptions
from mulligan.cli.template_files import TemplateFiles, finds_templates


@click.command(help="List pipelines.\n\n" + EXAMPLE + "mulligan pipelines --search web -o json")
@in_project
@click.option("--search", help="Only those with this text in the name.")
@click.option("--label", help="Only those with this label, as LABEL or GROUP/LABEL.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@with_session
def pipelines(session: Session, search: str | None, label: str | None, limit: int) -> None:
    """List pipelines."""
    items = session.listed("pipelines", limit, search=search, label=label)
    session.show_list(
        items,
        ("PIPELINE", "NAME", "VERSION", "CHANGED", "BY"),
        lambda item: (
            item["id"],
            one_line(item["name"]),
            str(item["version"]),
            moment(item["updated_at"]),
            one_line(item["updated_by"]),
        ),
        none=tr("project {project} has no such pipelines", project=session.project),
    )


@click.command(
    help="Print the definition of a pipeline (id or name), or the one that a run began with; "
    "JSON; with -o yaml a pipeline file of v3.0 (of the SWR dialect: its document).\n\n"
    + EXAMPLE
    + "mulligan export web -o yaml > web.yml\n  mulligan pipeline export web --version 3"
)
@click.argument("what", metavar="RUN|PIPELINE")
@click.option("--version", type=click.IntRange(1), help="Of a pipeline; the newest if absent.")
@click.option("--pipeline", metavar="ID|NAME", help="For a RUN that is a number or begins with @.")
@in_project
@with_session
def export(session: Session, what: str, version: int | None, pipeline: str | None) -> None:
    """Print a definition."""
    if pipeline is not None or what.startswith(("b-", "@")):
        run = find_run(session, what, pipeline)
        project, ident, version = run["project"], run["pipeline"], run["version"]
    else:
        found = find_pipeline(session, what)
        project, ident = found["project"], found["id"]
    path = f"/projects/{part(project)}/pipelines/{part(ident)}/definition"
    if session.form.name == "yaml":
        pieces = session.client.read(path, version=version, format="yaml")
        click.echo(b"".join(pieces), nl=False)
        return
    form = session.form._replace(name="json") if session.is_table else session.form
    emit(session.client.get(path, version=version), form)


@click.command(
    "import",
    help="Check pipeline files and store them: a new version of the pipeline of the same name, "
    "or a new pipeline. --check stores nothing and needs no server.\n\n"
    + EXAMPLE
    + "mulligan import --check ci/*.json",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Store nothing.")
@finds_templates
@in_project
@click.option("--url", help="Server (MULLIGAN_URL).")
@click.option("--token", help="Token (MULLIGAN_TOKEN).")
@click.option("--data", type=click.Path(path_type=Path), help="Data directory (MULLIGAN_DATA).")
def import_files(
    files: tuple[Path, ...],
    check: bool,  # noqa: FBT001 - click gives flags by name
    project: str | None,
    url: str | None,
    token: str | None,
    data: Path | None,
    templates: TemplateFiles,
) -> int:
    """Check or store files."""
    if check:
        return _each(files, templates, _check)
    server = ServerOptions(url=url, token=token, data=data)
    session = Session(reaching(server), project, "table", server)
    ensure_project(session)

    def store(file: PipelineFile) -> str:
        saved = save(session, file)
        return f"pipeline {saved['id']} ({counted(saved)})"

    return _each(files, templates, store)


@click.command(
    help="Check pipeline files, without a server: everything that is wrong, each with its place. "
    "--schema prints the JSON Schema of v3.0 files for editors.\n\n"
    + EXAMPLE
    + "mulligan lint .ci/*.yml"
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--schema", is_flag=True, help="Print the JSON Schema for editors instead.")
@finds_templates
def lint(files: tuple[Path, ...], schema: bool, templates: TemplateFiles) -> int:  # noqa: FBT001 - click gives flags by name
    """Check files, or print the schema."""
    if schema:
        from mulligan.pipeline_yaml.json_schema import make_schema

        emit(make_schema(), Form("json"))
    elif not files:
        raise click.UsageError("name a file, or use --schema")
    return _each(files, templates, _check)


def _each(
    files: tuple[Path, ...], templates: TemplateFiles, act: Callable[[PipelineFile], str]
) -> int:
    """Handle every file, whatever is wrong with others; return the exit code."""
    code = 0
    for path in files:
        try:
            file = PipelineFile(path, templates)
            click.echo(f"{file.shown}: {act(file)}")
        except FileError as error:
            error.show()
            code = EXIT_USAGE
    return code


class _NewIds:
    """Identifiers for a definition that is only checked."""

    def hex32(self) -> str:
        """Return 32 hexadecimal digits."""
        return uuid.uuid4().hex


def _check(file: PipelineFile) -> str:
    return f"ok ({check_file(file)})"


def check_file(file: PipelineFile) -> str:
    """Check a file without a server; return its size in words.

    Raises:
        FileError: It is refused.
    """
    from mulligan.core.errors import InvalidError
    from mulligan.facades.common.ways import Limits
    from mulligan.facades.documents import check_document
    from mulligan.facades.native.cautions import find_cautions

    document = file.document()
    try:
        definition = check_document(document, limits=Limits(), ids=_NewIds())
    except InvalidError as error:
        raise FileError([file.line(str(error), error.pointer, error.code)]) from None
    for line in file.warnings():
        note(line)
    for caution in find_cautions(definition):
        note(file.line(f"warning: {caution.detail}", caution.pointer))
    jobs = [job for stage in definition.spec.stages for job in stage.jobs]
    steps = sum(len(job.steps) for job in jobs)
    size = {"stages": len(definition.spec.stages), "jobs": len(jobs), "steps": steps}
    return counted(size)
