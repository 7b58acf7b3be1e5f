"""`mulligan completion`, and what a shell asks while somebody types."""

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from mulligan.cli.examples import EXAMPLE

VARIABLE = "_MULLIGAN_COMPLETE"
SHELLS = ("bash", "zsh", "fish", "powershell")

_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $env:%(complete_var)s = "powershell_complete"
    $env:COMP_WORDS = $commandAst.ToString()
    $env:COMP_CWORD = $wordToComplete
    try {
        & %(prog_name)s | ForEach-Object {
            $value, $title = $_ -split "`t", 2
            if (-not $title) { $title = $value }
            [System.Management.Automation.CompletionResult]::new(
                $value, $value, 'ParameterValue', $title)
        }
    } finally {
        Remove-Item Env:%(complete_var)s, Env:COMP_WORDS, Env:COMP_CWORD
    }
}
"""


class PowerShellComplete(ShellComplete):
    """Completion for PowerShell 5 and later."""

    name = "powershell"
    source_template = _POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words that are complete, and the one that is being typed."""
        import os

        words = split_arg_string(os.environ.get("COMP_WORDS", ""))[1:]
        typed = os.environ.get("COMP_CWORD", "")
        if typed and words and words[-1] == typed:
            words.pop()
        return words, typed

    def format_completion(self, item: CompletionItem) -> str:
        """Return the line about one word."""
        return f"{item.value}\t{item.help or ''}"


add_completion_class(PowerShellComplete)


@click.command(
    help="Print what makes a shell complete the words of this program: also the names of runs, "
    "pipelines and steps, as far as a server tells them within 0.2 s.\n\n"
    + EXAMPLE
    + 'eval "$(mulligan completion bash)"\n  mulligan completion fish > '
    "~/.config/fish/completions/mulligan.fish"
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - each of SHELLS is known
    maker = found(ctx.find_root().command, {}, "mulligan", VARIABLE)
    click.echo(ShellComplete.source(maker))  # that of bash would look for bash first


def complete(cli: click.Command, instruction: str) -> None:
    """Answer a shell that asks while somebody types; whatever goes wrong, there is no answer."""
    from click.shell_completion import shell_complete

    try:
        shell_complete(cli, {}, "mulligan", VARIABLE, instruction)
    except Exception:  # noqa: BLE001 - whoever types must not see what went wrong
        return
