"""The acts of the demonstration. Each does something over HTTP and checks what came of it."""

import hashlib
import subprocess
import sys
from http import HTTPStatus

from mulligan.demo.client import Call, CallError, fetch
from mulligan.demo.observe import (
    FINAL,
    InterruptedDemoError,
    Model,
    Observed,
    PipelineId,
    Started,
    Step,
    read_log,
    wait_for_end,
)
from mulligan.demo.pipeline import (
    FEED_IS_DOWN,
    INTEGRATION_TEST,
    PACKAGE,
    PUBLISH,
    REPORT,
    all_steps,
    build_model,
    script_steps,
)
from mulligan.demo.repository import BRANCH, HISTORY, Source, make_source
from mulligan.demo.scene import Scene

NAME_IS_TAKEN = 2101013
NAMES = ("shop", *(f"shop-{number}" for number in range(2, 100)))
LOG_LINES_SHOWN = 4


def prepare(scene: Scene) -> None:
    """Make the sample project and a pipeline for it."""
    ready, _ = fetch(Call(method="GET", url=f"{scene.client.url}/readyz", headers={}))
    scene.checks.verify(ready == 200, "the server is ready")

    source = make_source(scene.places.project)
    scene.source_folder = source.folder
    scene.places.feed_address.write_text(f"{scene.feed.url}\n", encoding="utf-8")
    scene.client.create_project()
    create_pipeline(scene, source)

    history = f"{len(HISTORY)} commits, {BRANCH} at {source.head[:10]}"
    scene.printer.line(f"project: {history}" if source.head else f"project: {source.without_git}")
    if not source.head:
        scene.printer.line("         so its files are copied where a checkout would be")


def create_pipeline(scene: Scene, source: Source) -> None:
    """Create the pipeline under the first free name and check what the server stored."""
    parameters = {
        "python": sys.executable,
        "source": str(source.folder),
        "journal": str(scene.places.journal),
        "registry": str(scene.places.registry),
        "feed_address": str(scene.places.feed_address),
    }
    for name in NAMES:
        model = build_model(name, source, parameters, plain=scene.plain)
        try:
            created = scene.client.post("pipelines/pipeline", PipelineId, model)
        except CallError as error:
            if error.code == NAME_IS_TAKEN and name != NAMES[-1]:
                continue
            raise
        break
    scene.pipeline_id = created.id
    scene.script_steps = script_steps(model)
    stored = scene.client.get("pipelines/pipeline", Model, pipelineId=created.id)
    sent = [step["name"] for step in all_steps(model)]
    scene.checks.verify(
        [step.name for step in stored.steps()] == sent, "the pipeline is stored as it was sent"
    )


def fail(scene: Scene) -> None:
    """Run the pipeline while the price feed is down: one step fails, what follows waits."""
    verify = scene.checks.verify
    started = scene.client.post("build_start", Started, {}, pipelineId=scene.pipeline_id)
    run = follow(scene, started)
    scene.run_id, scene.first = started.id, run

    verify(run.status == "FAILED", f"run #{run.build_num} fails, it is {run.status}")
    failed = [step.name for step in run.steps() if step.ended and not step.good]
    verify(failed == [INTEGRATION_TEST], f"only {INTEGRATION_TEST} fails, not {failed}")
    step = run.named(INTEGRATION_TEST)
    verify(
        step.names_exit_code(FEED_IS_DOWN),
        f"the error names the exit code {FEED_IS_DOWN}, it is {step.error_msg!r}",
    )
    scene.printer.line(f"failed: {step.name} (exit {FEED_IS_DOWN})")
    scene.failed_log = read_log(scene.client, started.id, step, attempt=1)
    for line in scene.failed_log[-LOG_LINES_SHOWN:]:
        scene.printer.line(f"  | {line}")
    scene.printer.line(f"  its page: {page_of(scene)}")
    reason = f"{scene.feed.url} does not answer"
    verify(any(reason in line for line in scene.failed_log), "the log says why it failed")

    journal = scene.places.journal_counts()
    verify(journal[PUBLISH] == 0 and not scene.places.registry.exists(), "nothing is published")
    verify(journal[REPORT] == 1, f"{REPORT} runs although the run fails")


def end_outage(scene: Scene) -> None:
    """Start the price feed; then wait for whoever sits there, who may also repair by hand."""
    scene.feed.start(scene.source_folder / "feed.py")
    scene.printer.line("the price feed is up now")
    if scene.enter is None:
        return
    scene.printer.line("press Enter to retry only what failed, or open the page above: R, Enter")
    while True:
        goes_on = scene.enter()
        if scene.stop.is_set():
            raise InterruptedDemoError("interrupted")
        status = look(scene).status
        if status == "SUCCEED" or (goes_on and status in FINAL):
            return


def repair(scene: Scene) -> None:
    """Retry the failed step in place with the call of the seed, unless somebody has repaired it."""
    first, before = scene.first_attempt(), look(scene)
    failed = first.named(INTEGRATION_TEST)
    if before.status == "SUCCEED":
        scene.printer.line("it is repaired; by a program this call does the same:")
        scene.printer.line(call_of_retry(scene, failed).as_curl())
        tell_kept(scene, before)
        return
    scene.printer.line("retry that step in the same run:")
    call = call_of_retry(scene, failed)
    scene.printer.line(call.as_curl())

    started = scene.client.send(call, Started)

    scene.checks.verify(
        (started.id, started.num) == (scene.run_id, first.build_num), "a retry is the same run"
    )
    attempt = before.execute_count + 1
    scene.checks.verify(started.execute_count == attempt, f"a retry is attempt {attempt}")
    second = follow(scene, started)
    scene.checks.verify(second.status == "SUCCEED", f"the run is green, it is {second.status}")
    tell_kept(scene, second)
    if before.execute_count > first.execute_count:
        return  # what somebody else has tried meanwhile is not known here
    compare(scene, first, second)
    check_first_attempt(scene, failed)
    check_registry(scene, second.named(PACKAGE))


def look(scene: Scene) -> Observed:
    """Return the run as it is now."""
    return scene.client.get("build_detail", Observed, buildId=scene.run_id)


def call_of_retry(scene: Scene, failed: Step) -> Call:
    """Return the call of the seed that retries one step."""
    query = {"buildId": scene.run_id, "pipelineId": scene.pipeline_id, "taskId": failed.id}
    return scene.client.call("POST", "build_retry", query)


def again_and_kept(run: Observed) -> tuple[list[Step], list[Step]]:
    """Return the steps that ran in the newest attempt, and those that ran only before."""
    ended = [step for step in run.steps() if step.ended]
    again = [step for step in ended if step.execute_count == run.execute_count]
    return again, [step for step in ended if step.execute_count < run.execute_count]


def tell_kept(scene: Scene, run: Observed) -> None:
    """Show what ran again and what was kept."""
    again, kept = again_and_kept(run)
    scene.printer.line(f"re-run: {', '.join(step.name for step in again)}")
    scene.printer.line(f"kept: {', '.join(step.name for step in kept)}")
    scene.printer.line(f"saved: {sum(step.seconds for step in kept):.1f} s")


def compare(scene: Scene, first: Observed, second: Observed) -> None:
    """Check what ran again and what was kept; the journal must tell the same story."""
    verify = scene.checks.verify
    _, kept = again_and_kept(second)
    good = [step for step in first.steps() if step.good and step.name != REPORT]
    verify(
        [step.name for step in kept] == [step.name for step in good], "all that was good is kept"
    )
    times = [step.start_epoch for step in good]
    verify(
        None not in times and [step.start_epoch for step in kept] == times,
        "kept steps show the times of attempt 1",
    )
    verify(sum(step.seconds for step in kept) > 0, "the kept steps took time")
    journal = scene.places.journal_counts()
    counts = {step.name: journal[step.name] for step in second.steps()}
    once = {step.name: 1 for step in kept if step.name in scene.script_steps}
    verify(once.items() <= counts.items(), f"kept steps ran once: {counts}")
    verify(counts[INTEGRATION_TEST] == 2, f"{INTEGRATION_TEST} ran twice, not {counts}")
    verify(counts[PUBLISH] == 1, f"{PUBLISH} ran once, not {counts}")
    verify(counts[REPORT] == 2, f"{REPORT} ran in each attempt, not {counts}")


def check_first_attempt(scene: Scene, failed: Step) -> None:
    """Verify that the repair left the log of the failure alone."""
    log = read_log(scene.client, scene.run_id, failed, attempt=1)
    scene.checks.verify(log == scene.failed_log, "the log of attempt 1 is as it was")
    log = read_log(scene.client, scene.run_id, failed, attempt=2)
    scene.checks.verify(
        any("prices are right" in line for line in log), "attempt 2 has its own log"
    )


def check_registry(scene: Scene, package_step: Step) -> None:
    """Verify that what attempt 1 packaged is what attempt 2 published, and that it works."""
    verify = scene.checks.verify
    packages = list(scene.places.registry.glob("shop/*/shop-*.pyz"))
    verify(len(packages) == 1, f"one package is published, not {len(packages)}")
    package = packages[0]
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    checksum = package.with_name(f"{package.name}.sha256").read_text(encoding="utf-8")
    verify(checksum == f"{digest}  {package.name}\n", "the checksum beside the package is right")
    built = read_log(scene.client, scene.run_id, package_step, attempt=1)
    verify(any(digest in line for line in built), "the package of attempt 1 is published")
    shown = subprocess.run(
        [sys.executable, str(package), "--version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    ).stdout.strip()
    verify(shown == package.stem.replace("-", " "), f"the package runs, it said {shown!r}")


def show_page(scene: Scene) -> None:
    """Print where to look at all this, and check that something is there."""
    page = page_of(scene)
    status, _ = fetch(Call(method="GET", url=page, headers={"Accept": "text/html"}))
    scene.checks.verify(status == HTTPStatus.OK, f"the page of the run answers, not with {status}")
    scene.printer.line(f"page: {page}")


def page_of(scene: Scene) -> str:
    """Return the address of the run's page."""
    return f"{scene.client.url}/projects/{scene.client.project}/runs/{scene.run_id}"


def follow(scene: Scene, started: Started) -> Observed:
    """Wait for the end of an attempt; print each step that ends."""
    scene.printer.line(f"run #{started.num}, attempt {started.execute_count}")

    def tell(job: str, step: Step) -> None:
        scene.printer.result(good=step.good, text=f"{job} / {step.name} {step.seconds:.1f} s")

    return wait_for_end(scene.client, started, tell, scene.stop)
