"""`mulligan demo`: a real project fails, is repaired in place, and the proof is printed."""

import contextlib
import os
import select
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

import click

from mulligan.cli.examples import EXAMPLE

LISTEN_S = 0.5


@click.command(
    help="Show a failed pipeline being repaired in place, on an embedded server.\n\n"
    + EXAMPLE
    + "mulligan demo --once"
)
@click.option("--once", is_flag=True, help="Exit at the end instead of staying up.")
@click.option("--plain", is_flag=True, help="Shell steps only: no git, no artifacts.")
def demo(once: bool, plain: bool) -> None:  # noqa: FBT001 - click gives flags by position
    """Show a failed pipeline being repaired in place, on an embedded server."""
    from mulligan.cli.embedded import embedded_server
    from mulligan.demo.run import run_demo
    from mulligan.executors.keeper.client import Keeper, KeeperError

    stop = threading.Event()

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
    named = os.environ.get("MULLIGAN_DATA")
    if named:
        Path(named).mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="mulligan-demo-", dir=named)).resolve()
    try:
        work = root / "work"
        work.mkdir()
        with embedded_server(root / "data", is_dev=True) as (url, token):
            click.echo(f"server: {url} (data in a temporary folder)")
            code = run_demo(
                url,
                work,
                sys.stdout,
                once=once,
                token=token,
                stop=stop,
                plain=plain,
                enter=None if once or not somebody_sits_there() else enter_was_pressed,
            )
    finally:
        with contextlib.suppress(KeeperError):
            Keeper(root / "data").shutdown()  # it outlives the server, as the deployed program does
        shutil.rmtree(root, ignore_errors=True)
    sys.exit(code)


def somebody_sits_there() -> bool:
    """Tell whether both ends are a terminal, so that somebody can read and answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def enter_was_pressed() -> bool:
    """Wait a moment for a line, or the end, of what is typed."""
    ready, _, _ = select.select([sys.stdin], [], [], LISTEN_S)
    if ready:
        sys.stdin.readline()
    return bool(ready)
