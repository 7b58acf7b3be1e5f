"""`mulligan`: the group of all commands. Imports nothing but Click."""

import click

from mulligan.cli.lazy import Lazy, LazyGroup

_RUNS = "mulligan.cli.runs"
_RECOVER = "mulligan.cli.recover"
_LOGS = "mulligan.cli.logs"
_DEFINITIONS = "mulligan.cli.definitions"
_PEOPLE = "mulligan.cli.people"
_HOOKS = "mulligan.cli.hooks"
_RELEASES = "mulligan.cli.releases"

SECTIONS = (
    (
        "Run and repair",
        {
            "run": Lazy(_RUNS, "run", "Run a pipeline file here and now."),
            "retry": Lazy(_RECOVER, "retry", "Run a part of a run again; the rest is kept."),
            "skip": Lazy(_RECOVER, "skip", "Leave out a failed step, with a reason."),
            "rollback": Lazy("mulligan.cli.rollbacks", "rollback", "Restore what was live before."),
            "stop": Lazy(_RUNS, "stop", "Stop a run."),
            "approve": Lazy(_RECOVER, "approve", "Answer what a run waits for."),
        },
    ),
    (
        "Look",
        {
            "runs": Lazy(_RUNS, "runs", "List runs."),
            "show": Lazy(_RUNS, "show", "Show a run with its stages, jobs and steps."),
            "logs": Lazy(_LOGS, "logs", "Print the logs of a run or step."),
            "watch": Lazy(_RUNS, "watch", "Follow a run until it ends."),
        },
    ),
    (
        "Releases",
        {
            "env": Lazy(_RELEASES, "env", "Show environments and what is live there."),
            "deployments": Lazy(_RELEASES, "deployments", "List deployments of an environment."),
            "package": Lazy("mulligan.cli.packages", "package", "Files of the software center."),
        },
    ),
    (
        "Definitions",
        {
            "pipelines": Lazy(_DEFINITIONS, "pipelines", "List pipelines."),
            "import": Lazy(_DEFINITIONS, "import_files", "Check and store pipeline files."),
            "lint": Lazy(_DEFINITIONS, "lint", "Check pipeline files; print their JSON Schema."),
            "trigger": Lazy(_HOOKS, "trigger", "Show what starts pipelines by itself."),
            "hook": Lazy(_HOOKS, "hook", "Hooks of code hosts and what they delivered."),
            "export": Lazy(_DEFINITIONS, "export", "Print the definition of a pipeline or run."),
        },
    ),
    (
        "Secrets and messages",
        {
            "secret": Lazy("mulligan.cli.secrets", "secret", "Set, list and remove secrets."),
            "channel": Lazy("mulligan.cli.channels", "channel", "Where notices go to."),
        },
    ),
    (
        "People",
        {
            "project": Lazy(_PEOPLE, "project", "Make and list projects."),
            "user": Lazy(_PEOPLE, "user", "Make users and give them roles."),
            "token": Lazy(_PEOPLE, "token", "Make, list and revoke tokens."),
        },
    ),
    (
        "Server",
        {
            "serve": Lazy("mulligan.cli.serve", "serve", "Run the server."),
            "demo": Lazy("mulligan.cli.demo", "demo", "Break a pipeline and repair it in place."),
            "plugin": Lazy("mulligan.cli.plugins", "plugin", "Install and list plugins."),
            "admin": Lazy("mulligan.cli.admin", "admin", "Look after a data directory."),
            "version": Lazy("mulligan.cli.version", "version", "Show versions."),
        },
    ),
)
_EPILOG = (
    "A command talks to the server that --url or MULLIGAN_URL names, else to the one that runs on "
    "the data directory; if there is none, it starts one for itself. Exit codes: 0 done or green, "
    "1 failed, 2 wrong usage or invalid, 3 cancelled, 4 not allowed, 5 conflict, 7 unreachable, "
    "130 interrupted."
)


def _show_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if not value or ctx.resilient_parsing:
        return
    from mulligan import __version__

    click.echo(f"mulligan {__version__}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Run pipelines, and repair failed ones in place."""
    from mulligan.cli.output import wants_colour

    ctx.color = wants_colour()
