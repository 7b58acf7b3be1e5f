"""`mulligan run`: run a file here and now, or start, list and follow runs; `mulligan rebuild`."""

from pathlib import Path

import click

from mulligan.cli.bkci_calls import bkci
from mulligan.cli.client import part
from mulligan.cli.completions import pipelines
from mulligan.cli.documents import PipelineFile, ensure_project, save
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.following import Following, may_follow, may_watch
from mulligan.cli.interrupts import Interrupts
from mulligan.cli.options import (
    RUN_HELP,
    Session,
    in_project,
    key_values,
    may_preview,
    names_run,
    with_working_session,
)
from mulligan.cli.output import note, one_line
from mulligan.cli.progress import Progress
from mulligan.cli.references import find_pipeline, find_run
from mulligan.cli.runs import runs, show, stop, watch
from mulligan.cli.template_files import TemplateFiles, finds_templates
from mulligan.cli.waiting import begin, finish

_FILE = "file"


class _RunGroup(click.Group):
    """Takes what is no command of it as a file to run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words behind `run`."""
        is_known = not args or args[0] in self.commands or args[0] in {"-h", "--help"}
        return super().parse_args(ctx, args if is_known else [_FILE, *args])


@click.group(
    cls=_RunGroup,
    help="Run a pipeline file here and now: `mulligan run FILE` is short for `mulligan run file "
    "FILE`. Or start and list runs of pipelines that are stored.\n\n"
    + EXAMPLE
    + "mulligan run ci.yml -p env=test\n  mulligan run start web --watch",
)
def run() -> None:
    """Group of the commands about runs."""


@run.command(
    _FILE,
    help="Store a pipeline file, run it, and follow the run.\n\n" + EXAMPLE + "mulligan run ci.yml",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-p", "values", multiple=True, metavar="KEY=VALUE", help="A start parameter.")
@finds_templates
@in_project
@may_preview
@may_watch
@with_working_session
def run_file(
    session: Session,
    file: Path,
    values: tuple[str, ...],
    watch: Following,
    templates: TemplateFiles,
) -> int:
    """Store the file, start it, follow it."""
    given = key_values(values)
    content = PipelineFile(file, templates)
    content.document()
    session.demand_lasting_server()
    if session.client.embedded and not watch.follows:
        raise click.UsageError("--no-watch needs a server that goes on: `mulligan serve`")
    ensure_project(session)
    return begin(session, save(session, content), given, watch)


@run.command(
    "start",
    help="Start the newest version of a pipeline (id or name).\n\n"
    + EXAMPLE
    + "mulligan run start web -p env=test --watch",
)
@click.argument("pipeline", metavar="PIPELINE", shell_complete=pipelines)
@click.option("-p", "values", multiple=True, metavar="KEY=VALUE", help="A start parameter.")
@in_project
@may_preview
@may_follow
@with_working_session
def start(session: Session, pipeline: str, values: tuple[str, ...], watch: Following) -> int:
    """Start a pipeline."""
    given = key_values(values)
    session.demand_lasting_server()
    return begin(session, find_pipeline(session, pipeline), given, watch)


@click.command(
    help="Start a new run like one that was there: with the same start parameters, as the same "
    "user, and as if the event had come again that had started it. One that goes on is stopped "
    "first. " + RUN_HELP + "\n\n" + EXAMPLE + "mulligan rebuild @latest --pipeline web --watch"
)
@names_run
@may_preview
@may_follow
@with_working_session
def rebuild(session: Session, run: str | None, pipeline: str | None, watch: Following) -> int:
    """Start a run like another one."""
    found = find_run(session, run, pipeline)
    session.demand_lasting_server()
    with Interrupts() as interrupts:
        query = {"pipelineId": found["pipeline"], "buildId": found["id"]}
        ident = bkci(session.client, "POST", found["project"], "build_restart", query)
        started = session.client.get(f"/runs/{part(ident)}")
        name = one_line(started["pipeline_name"])
        note(f"run #{started['number']} of {name}, version {started['version']}")
        session.show_made(started, line=started["id"])
        return finish(session, started, Progress(session), interrupts, watch=watch, stops=True)


run.add_command(runs, "list")
run.add_command(show, "view")
run.add_command(watch, "watch")
run.add_command(stop, "cancel")
