"""`mulligan demo`: a real project fails, is repaired in place, and the proof is printed."""

import contextlib
import os
import select
import shutil
import signal
import socket
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
    + "mulligan demo --once\n\n  mulligan demo --crash"
)
@click.option("--once", is_flag=True, help="Exit at the end instead of staying up.")
@click.option("--plain", is_flag=True, help="Shell steps only: no git, no artifacts.")
@click.option("--crash", is_flag=True, help="Kill the server in the middle of a run instead.")
def demo(once: bool, plain: bool, crash: bool) -> None:  # noqa: FBT001 - click gives flags by position
    """Show a failed pipeline being repaired in place, on an embedded server."""
    stop = threading.Event()

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, asked)  # the terminal was closed
    named = os.environ.get("MULLIGAN_DATA")
    if named:
        Path(named).mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="mulligan-demo-", dir=named)).resolve()
    try:
        (root / "work").mkdir()
        code = show_crash(root, stop, once) if crash else show_repair(root, stop, once, plain)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    sys.exit(code)


def show_repair(root: Path, stop: threading.Event, once: bool, plain: bool) -> int:  # noqa: FBT001 - as click gives them
    """Play the repair and the rollback; return the exit code."""
    from mulligan.cli.embedded import embedded_server
    from mulligan.demo.run import run_demo
    from mulligan.executors.keeper.client import Keeper, KeeperError

    try:
        with embedded_server(root / "data", is_dev=True) as (url, token):
            click.echo(f"server: {url} (data in a temporary folder)")
            return run_demo(
                url,
                root / "work",
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


def show_crash(root: Path, stop: threading.Event, once: bool) -> int:  # noqa: FBT001 - as above
    """Play the crash with a server in a process of its own; return the exit code."""
    from mulligan.demo.crash import run_crash_demo
    from mulligan.testing.server import ServerProcess, ServerStartError

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]  # an open page finds the server again at its address
    try:
        with ServerProcess(root / "data", "--port", str(port)) as server:
            click.echo(f"server: {server.url}, process {server.pid} (data in a temporary folder)")
            return run_crash_demo(server, root / "work", sys.stdout, once=once, stop=stop)
    except ServerStartError as error:
        click.echo(f"demo: FAILED: {error}")
        return 1


def somebody_sits_there() -> bool:
    """Tell whether both ends are a terminal, so that somebody can read and answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def enter_was_pressed() -> bool:
    """Wait a moment for a line, or the end, of what is typed."""
    ready, _, _ = select.select([sys.stdin], [], [], LISTEN_S)
    if ready:
        sys.stdin.readline()
    return bool(ready)
