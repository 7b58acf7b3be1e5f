"""`python -m mulligan` and the installed command."""

import contextlib
import os
import sys

EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line and end the process with its exit code."""
    import click

    from mulligan.cli.lazy import EnoughError
    from mulligan.cli.main import cli

    asked = os.environ.get("_MULLIGAN_COMPLETE")
    if asked:
        from mulligan.cli.shells import complete

        complete(cli, asked)
        return
    try:
        code = cli.main(prog_name="mulligan", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("mulligan: interrupted", err=True)
        code = EXIT_INTERRUPTED
    except EnoughError:
        _write_no_more()
        code = 0
    except OSError as error:  # a file that can't be read or written; so may be our own output
        click.echo(f"mulligan: {error}", err=True)
        _write_no_more()
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _write_no_more() -> None:
    """Drop what is left of our output: flushing it at the end would fail once more."""
    with contextlib.suppress(AttributeError):  # there is none if who started us has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
