"""Play the demonstration against a server that is already running."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from subprocess import SubprocessError
from typing import TextIO

from mulligan.demo.acts import end_outage, fail, prepare, repair, show_page
from mulligan.demo.client import CallError, Client
from mulligan.demo.observe import InterruptedDemoError, NotEndedError
from mulligan.demo.price_feed import PriceFeed, PriceFeedError
from mulligan.demo.release import deploy_first, deploy_second, roll_back
from mulligan.demo.scene import Checks, DemoFailedError, Places, Printer, Scene

PROJECT = "demo"
USER = "alice"
# The order is that of the output that `mulligan demo` promises.
Act = Callable[[Scene], None]
REPAIR: tuple[Act, ...] = (prepare, fail, end_outage, repair)
RELEASE: tuple[Act, ...] = (deploy_first, deploy_second, roll_back)

PASSED, FAILED, INTERRUPTED = 0, 1, 130


def run_demo(
    url: str,
    work: Path,
    out: TextIO,
    *,
    once: bool,
    token: str | None = None,
    stop: threading.Event | None = None,
    plain: bool = False,
    releases: bool = True,
    enter: Callable[[], bool] | None = None,
) -> int:
    """Play all acts; return the exit code: 0 all checks passed, 1 not, 130 interrupted.

    Args:
        url: Of the server, `http://HOST:PORT`.
        work: Absolute path of an empty folder that server and steps can reach. It is not removed.
        out: Where the story is told; its last line is `demo: …`.
        once: Return at the end; otherwise stay until interrupted, so that people can look around.
        token: Bearer token; None for a server that needs none.
        stop: Set from a signal handler or another thread, it ends the demonstration within
            seconds; KeyboardInterrupt does the same.
        plain: Use shell steps in one job only, no checkout and no artifacts.
        releases: Also play the second half: a release and its rollback. It needs a development
            server on this machine.
        enter: Asked again and again before the repair: waits a moment and tells whether to go on.
            None goes on at once.
    """
    stop = stop or threading.Event()
    printer = Printer(out)
    places = Places(work=work)
    with closing(PriceFeed(places.feed_log)) as feed:
        scene = Scene(
            client=Client(url, project=PROJECT, user=USER, token=token),
            printer=printer,
            checks=Checks(),
            places=places,
            feed=feed,
            stop=stop,
            plain=plain,
            enter=enter,
        )
        acts = (*REPAIR, *(RELEASE if releases else ()), show_page)
        exit_code = play(scene, acts, once=once)
        if exit_code == PASSED and not once:
            with suppress(KeyboardInterrupt):
                stop.wait()
    return exit_code


def play(scene: Scene, acts: Sequence[Act], *, once: bool) -> int:
    """Play the acts in order and tell the result."""
    try:
        for act in acts:
            act(scene)
    except (InterruptedDemoError, KeyboardInterrupt):
        scene.printer.line("demo: FAILED: interrupted")
        return INTERRUPTED
    except (
        CallError,
        DemoFailedError,
        NotEndedError,
        OSError,
        PriceFeedError,
        SubprocessError,
    ) as error:
        scene.printer.line(f"demo: FAILED: {error}")
        return FAILED
    if not once:
        scene.printer.line("the server stays up; Ctrl-C ends it")
    scene.printer.line(f"demo: {scene.checks.passed} checks passed")
    return PASSED
