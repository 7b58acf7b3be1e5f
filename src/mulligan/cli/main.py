"""`mulligan`: the group of all commands. Imports nothing but Click."""

import click

from mulligan.cli.language import LANGUAGES, choose
from mulligan.cli.lazy import Lazy, LazyGroup

_RUNS = "mulligan.cli.runs"
_RUN = "mulligan.cli.run_commands"
_RECOVER = "mulligan.cli.recover"
_ANSWERS = "mulligan.cli.answers"
_COMPARE = "mulligan.cli.compare"
_LOGS = "mulligan.cli.logs"
_DEFINITIONS = "mulligan.cli.definitions"
_PEOPLE = "mulligan.cli.people"
_HOOKS = "mulligan.cli.hooks"
_RELEASES = "mulligan.cli.releases"
_LOGIN = "mulligan.cli.login"

SECTIONS = (
    (
        "Run and repair",
        {
            "run": Lazy(_RUN, "run", "Run a file here and now, or start and list runs."),
            "retry": Lazy(_RECOVER, "retry", "Run a part of a run again; the rest is kept."),
            "skip": Lazy(_RECOVER, "skip", "Leave out a failed step, with a reason."),
            "plan": Lazy(_RECOVER, "plan", "Show what a retry or skip would do."),
            "resume": Lazy(_ANSWERS, "resume", "Let a run go on that waits at a paused step."),
            "rollback": Lazy("mulligan.cli.rollbacks", "rollback", "Restore what was live before."),
            "rebuild": Lazy(_RUN, "rebuild", "Start a new run with the same parameters."),
            "stop": Lazy(_RUNS, "stop", "Stop a run."),
            "approve": Lazy(_ANSWERS, "approve", "Say yes to what a run waits for."),
            "reject": Lazy(_ANSWERS, "reject", "Say no to what a run waits for."),
        },
    ),
    (
        "Look",
        {
            "runs": Lazy(_RUNS, "runs", "List runs."),
            "show": Lazy(_RUNS, "show", "Show a run with its stages, jobs and steps."),
            "logs": Lazy(_LOGS, "logs", "Print the logs of a run or step."),
            "watch": Lazy(_RUNS, "watch", "Follow a run until it ends."),
            "attempts": Lazy(_COMPARE, "attempts", "List the attempts of a run and its steps."),
            "diff": Lazy(_COMPARE, "diff", "Compare two attempts or runs."),
            "approvals": Lazy(_ANSWERS, "approvals", "List what waits for people."),
            "artifact": Lazy("mulligan.cli.artifacts", "artifact", "Files that a run has kept."),
            "open": Lazy("mulligan.cli.pages", "open_page", "Open the page of a run in a browser."),
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
            "init": Lazy("mulligan.cli.init", "init", "Write a first pipeline file."),
            "pipeline": Lazy("mulligan.cli.pipelines", "pipeline", "Look at and keep pipelines."),
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
        "This command line",
        {
            "login": Lazy(_LOGIN, "login", "Keep a server and a token under a name."),
            "logout": Lazy(_LOGIN, "logout", "Forget the token of a server."),
            "whoami": Lazy(_LOGIN, "whoami", "Tell who one is, and where."),
            "context": Lazy(_LOGIN, "context", "Servers that are kept: list, use, add, rm."),
            "api": Lazy("mulligan.cli.raw_calls", "api", "Send any request to the server."),
            "completion": Lazy("mulligan.cli.shells", "completion", "Completion for a shell."),
            "help": Lazy("mulligan.cli.topics", "help_about", "Help about a command or topic."),
            "version": Lazy("mulligan.cli.version", "version", "Show versions."),
        },
    ),
    (
        "Server",
        {
            "serve": Lazy("mulligan.cli.serve", "serve", "Run the server."),
            "demo": Lazy("mulligan.cli.demo", "demo", "Break a pipeline and repair it in place."),
            "mcp": Lazy("mulligan.cli.assistants", "mcp", "Tools for assistants, over pipes."),
            "plugin": Lazy("mulligan.cli.plugins", "plugin", "Install and list plugins."),
            "admin": Lazy("mulligan.cli.admin", "admin", "Look after a data directory."),
        },
    ),
)
ALIASES = {"status": "show", "cancel": "stop", "pipe": "pipeline"}
_EPILOG = (
    "A command talks to the server that --url, MULLIGAN_URL or `mulligan login` names, else to the "
    "one that runs on the data directory; if there is none, it starts one for itself. More: "
    "`mulligan help environment`, `mulligan help exit-codes`, `mulligan help formatting`."
)


def _show_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click gives flags by name
    if not value or ctx.resilient_parsing:
        return
    from mulligan import __version__

    click.echo(f"mulligan {__version__}")
    ctx.exit()


def _choose_language(_ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    choose(value)


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    aliases=ALIASES,
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
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    is_eager=True,
    expose_value=False,
    callback=_choose_language,
    help="Language of remarks (MULLIGAN_LANG, LANG); may stand anywhere.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Run pipelines, and repair failed ones in place."""
    from mulligan.cli.output import wants_colour

    ctx.color = wants_colour()
