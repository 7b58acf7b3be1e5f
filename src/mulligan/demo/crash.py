"""`mulligan demo --crash`: the server is killed in the middle of a run, and the run goes on."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Protocol, TextIO

from mulligan.demo.acts import follow, page_of, show_page
from mulligan.demo.client import Call, CallError, Client, fetch
from mulligan.demo.observe import InterruptedDemoError, Observed, PipelineId, Started, read_log
from mulligan.demo.pipeline import Model, job, numbered, script, stage, trigger
from mulligan.demo.price_feed import PriceFeed
from mulligan.demo.run import PASSED, PROJECT, USER, play
from mulligan.demo.scene import Checks, DemoFailedError, Places, Printer, Scene

STEPS = ("one", "two", "three", "four", "five")
KILLED_IN = "three"
STEP_S = 1.0
BEGINS_WITHIN_S = 60.0
_LOOK_AGAIN_S = 0.02


class Killable(Protocol):
    """A server in a process of its own, which always has the same address.

    Attributes:
        url: `http://HOST:PORT`.
        pid: Of its process.
    """

    url: str

    @property
    def pid(self) -> int:
        """Return the process id."""

    def kill(self) -> None:
        """End it at once, as a power cut does."""

    def start(self) -> None:
        """Start it on the same data directory; return when it is ready."""


def run_crash_demo(
    server: Killable, work: Path, out: TextIO, *, once: bool, stop: threading.Event
) -> int:
    """Start a run, kill the server, start it again, and check what became of the run.

    Args:
        server: Runs; it needs no credential. Whoever made it ends it.
        work: Absolute path of an empty folder that the steps can reach.
        out: Where the story is told; its last line is `demo: …`.
        once: Return at the end; otherwise stay until interrupted.
        stop: Ends the demonstration within seconds.

    Returns:
        The exit code: 0 all checks passed, 1 not, 130 interrupted.
    """
    places = Places(work=work)
    with closing(PriceFeed(places.feed_log)) as feed:
        scene = Scene(
            client=Client(server.url, project=PROJECT, user=USER, token=None),
            printer=Printer(out),
            checks=Checks(),
            places=places,
            feed=feed,
            stop=stop,
            plain=True,
        )
        acts = (start, partial(crash, server=server), partial(resume, server=server), show_page)
        exit_code = play(scene, acts, once=once)
        if exit_code == PASSED and not once:
            with suppress(KeyboardInterrupt):
                stop.wait()
    return exit_code


def start(scene: Scene) -> None:
    """Start a run of five steps, each a second long."""
    scene.client.create_project()
    model = build_model(scene.places.journal, STEPS)
    created = scene.client.post("pipelines/pipeline", PipelineId, model)
    scene.pipeline_id = created.id
    started = scene.client.post("build_start", Started, {}, pipelineId=created.id)
    scene.run_id = started.id
    scene.printer.line(f"run #{started.num}: {', '.join(STEPS)}, {STEP_S:g} s each")
    scene.printer.line(f"  its page: {page_of(scene)}")


def build_model(journal: Path, names: Sequence[str]) -> Model:
    """Return a pipeline whose steps note their start, and that they came to their end."""
    steps = [script(name, f"sleep {STEP_S:g}", f"echo {name} is done") for name in names]
    stages = [trigger({"journal": str(journal)}), stage("work", [job("work", steps)])]
    return numbered({"name": "long", "desc": "Killed in the middle", "stages": stages})


def crash(scene: Scene, *, server: Killable) -> None:
    """Kill the server while a step runs."""
    deadline = time.monotonic() + BEGINS_WITHIN_S
    while scene.places.journal_counts()[KILLED_IN] == 0:
        if time.monotonic() > deadline:
            raise DemoFailedError(f"{KILLED_IN} does not begin")
        if scene.stop.wait(_LOOK_AGAIN_S):
            raise InterruptedDemoError("interrupted")
    scene.first = scene.client.get("build_detail", Observed, buildId=scene.run_id)
    scene.printer.line(f"kill -9 {server.pid}   (the server, while {KILLED_IN} runs)")
    server.kill()
    answers = True
    try:
        fetch(Call(method="GET", url=f"{server.url}/readyz", headers={}))
    except CallError:
        answers = False
    scene.checks.verify(not answers, "the server is gone")


def resume(scene: Scene, *, server: Killable) -> None:
    """Start the server again and let the run come to its end: nobody does anything for it."""
    verify = scene.checks.verify
    before = scene.first_attempt()
    began = time.monotonic()
    server.start()
    scene.printer.line(f"started again, ready after {time.monotonic() - began:.1f} s")
    number = before.build_num
    run = follow(scene, Started(id=scene.run_id, execute_count=before.execute_count, num=number))
    verify(run.status == "SUCCEED", f"the run is green, it is {run.status}")
    counts = scene.places.journal_counts()
    again = [name for name in STEPS if counts[name] > 1]
    scene.printer.line(f"begun again: {', '.join(again)}")
    scene.printer.line(f"kept: {', '.join(name for name in STEPS if counts[name] == 1)}")
    expected = {name: 2 if name == KILLED_IN else 1 for name in STEPS}
    verify(dict(counts) == expected, f"only {KILLED_IN} ran twice: {dict(counts)}")
    ended = {step.name: step.start_epoch for step in before.steps() if step.good}
    verify(
        ended == {name: run.named(name).start_epoch for name in ended} and len(ended) > 0,
        "what had ended before shows the same times",
    )
    for name in STEPS:
        log = read_log(scene.client, scene.run_id, run.named(name), attempt=run.execute_count)
        verify(f"{name} is done" in log, f"the log of {name} is there")
