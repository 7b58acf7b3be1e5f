"""`mulligan version`."""

import platform

import click

from mulligan import __version__
from mulligan.cli.examples import EXAMPLE


@click.command(
    help="Show the versions of this program, Python and the system.\n\n"
    + EXAMPLE
    + "mulligan version"
)
def version() -> None:
    """Show the versions of this program, Python and the system."""
    click.echo(f"mulligan {__version__}")
    click.echo(f"Python {platform.python_version()} ({platform.python_implementation()})")
    click.echo(f"{platform.system()} {platform.release()} {platform.machine()}")
