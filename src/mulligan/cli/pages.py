"""`mulligan open`: pages of the server in a browser."""

import click

from mulligan.cli import completions
from mulligan.cli.client import part
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.options import RUN_HELP, Session, asks, in_project, with_session
from mulligan.cli.references import find_pipeline, find_run, page_of_project, page_of_run


@click.command(
    "open",
    help="Print the address of the page of a run, and open it in a browser if this is a terminal; "
    "without a RUN that of the pipeline or project. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan open @failed\n  mulligan open --pipeline web --print",
)
@click.argument("run", metavar="[RUN]", required=False, shell_complete=completions.runs)
@click.option("--pipeline", metavar="ID|NAME", help="Its page, or of which a RUN is a number.")
@click.option("--print", "only_print", is_flag=True, help="Open nothing.")
@in_project
@with_session
def open_page(session: Session, run: str | None, pipeline: str | None, only_print: bool) -> None:  # noqa: FBT001 - click gives flags by name
    """Open a page."""
    if run is not None:
        url = page_of_run(session, find_run(session, run, pipeline))
    else:
        url = page_of_project(session, session.project)
        if pipeline is not None:
            url += f"/pipelines/{part(find_pipeline(session, pipeline)['id'])}"
    if session.is_table:
        click.echo(url)
    else:
        session.emit({"url": url})
    if asks() and not only_print:
        click.launch(url)
