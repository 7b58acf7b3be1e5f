"""`mulligan help`: commands, and topics that concern all of them."""

import click

from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE, FailureError

ENVIRONMENT = (
    ("MULLIGAN_URL, MULLIGAN_TOKEN", "server and token, like --url and --token"),
    ("MULLIGAN_CONTEXT", "a server of `mulligan context list`, like --context"),
    ("MULLIGAN_DATA", "data directory, like --data"),
    ("MULLIGAN_PROJECT", "project, like --project"),
    ("MULLIGAN_PIPELINE", "pipeline of a RUN that is a number alone"),
    ("MULLIGAN_LANG, LC_ALL, LC_MESSAGES, LANG", "zh…: remarks in Chinese, like --lang zh"),
    ("MULLIGAN_NO_INPUT", "set: nothing is asked, also on a terminal"),
    ("MULLIGAN_PAGER, PAGER", "program that shows `logs` on a terminal; none, empty or cat: no"),
    ("NO_COLOR", "set: no colours"),
    ("FORCE_COLOR, CLICOLOR_FORCE", "set: colours also in a pipe"),
    ("TERM=dumb", "no colours and links"),
    ("XDG_CONFIG_HOME", "where mulligan/config.toml and mulligan/tokens.toml are; ~/.config"),
    ("XDG_DATA_HOME", "where the data directory is by default; ~/.local/share"),
    ("XDG_CACHE_HOME", "where completions are kept for 10 s; ~/.cache"),
)
EXIT_CODES = (
    ("0", "done; a run that was followed, or a rollback, succeeded"),
    ("1", "a run or rollback that was followed failed; `admin check` found something; an error"),
    ("2", "wrong usage, an invalid file, or no such run, pipeline or step"),
    ("3", "a run that was followed was cancelled"),
    ("4", "no valid credential, or not allowed"),
    ("5", "conflict: refused in the present state, or the run has moved on"),
    ("6", "at the end of --timeout, or with show --exit-status: the run waits for a person"),
    ("7", "no server can be reached"),
    ("8", "at the end of --timeout, or with show --exit-status: the run goes on"),
    ("130", "interrupted, or a question was answered with no"),
)
FORMATTING = (
    ("-o table", "columns for people; what is printed on a terminal"),
    ("-o wide", "the same with more columns"),
    ("in a pipe", "lists without titles, with tabs between the columns"),
    ("-o json, --json", "the answer of the API: the names of its fields stay the same"),
    ("--json A,B", "only these fields; a single one as --json=A"),
    ("-o jsonl", "one JSON value in each line; who follows a run gets its events, then the run"),
    ("-o yaml", "YAML"),
    ("-o name", "only the id or name of each"),
    ("--jq EXPR", "JSON through jq: the program, or pip install 'mulligan[jq]'"),
)
TOPICS = {"environment": ENVIRONMENT, "exit-codes": EXIT_CODES, "formatting": FORMATTING}


@click.command(
    "help",
    help="Show the help of a command, or about a topic: environment, exit-codes, formatting.\n\n"
    + EXAMPLE
    + "mulligan help exit-codes",
)
@click.argument("words", nargs=-1, metavar="[COMMAND|TOPIC]")
@click.pass_context
def help_about(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show help."""
    if len(words) == 1 and words[0] in TOPICS:
        formatter = ctx.make_formatter()
        with formatter.section(words[0]):
            formatter.write_dl(TOPICS[words[0]])
        click.echo(formatter.getvalue().rstrip())
        return
    root = ctx.find_root()
    command, shown = root.command, root
    for word in words:
        found = command.get_command(shown, word) if isinstance(command, click.Group) else None
        if found is None:
            message = f"there is no command {' '.join(words)!r}, and no such topic"
            raise FailureError(message, EXIT_USAGE)
        command, shown = found, click.Context(found, info_name=word, parent=shown)
    click.echo(command.get_help(shown))
