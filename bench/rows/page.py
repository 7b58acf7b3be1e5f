"""P1 to P4: the web page in a browser. Goals are those of docs/ui-goals.md."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from bench.browser import Tab, browser_tab
from bench.pipelines import job, pipeline, step
from bench.processes import processor_s, tree
from bench.report import Bound, Figure, median, percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.session import OwnServer, Session

LOADS = 5  # after one that fills the browser's cache
JUMPS = 4  # to the end and back
FRAMES_MS = 4000
STAGES, JOBS = 10, 100  # of the graph
LIVE_LINES = 100
SLOWER = 2  # the processor for the first load

_LOG = "document.querySelector('[data-log]')"
_FIRST_LINE = "[...document.querySelectorAll('[data-line]')].some(r => r.textContent.length > 20)"
_LINES = """
import sys
for start in range(0, {count}, 1000):
    print("\\n".join(
        f"\\x1b[32m[{{n:08d}}]\\x1b[0m compile src/items/{{n % 99991}} \\x1b[1mok\\x1b[0m"
        for n in range(start, start + 1000)
    ))
print("the needle")
"""
_LIVE = f"""
import time
time.sleep(3)
for _ in range({LIVE_LINES}):
    print(f"written at {{time.time_ns() // 1000}}", flush=True)
    time.sleep(0.05)
"""
_WHEEL = f"""() => {{
  const log = {_LOG};
  log.dispatchEvent(new WheelEvent("wheel", {{deltaY: 120, bubbles: true, cancelable: true}}));
}}"""
_DRAG = f"n => {{ const log = {_LOG}; log.scrollTop = log.scrollHeight * (n * 37 % 100) / 100; }}"
_PAN = """n => {
  const graph = document.querySelector("[data-graph]");
  graph.scrollLeft += n % 160 < 80 ? 15 : -15;
  graph.scrollTop += n % 60 < 30 ? 40 : -40;
}"""
# Lines that say when they were written; the difference when they are in sight, in milliseconds.
_DELAYS = """count => new Promise(done => {
  const seen = new Map();
  const look = () => requestAnimationFrame(() => {
    const now = performance.timeOrigin + performance.now();
    for (const row of document.querySelectorAll("[data-line]")) {
      const at = /written at (\\d+)/.exec(row.textContent)?.[1];
      if (at && !seen.has(at)) seen.set(at, now - at / 1000);
    }
    if (seen.size >= count) done([...seen.values()]);
  });
  new MutationObserver(look).observe(document, {childList: true, subtree: true});
  look();
})"""


def _python(code: str) -> str:
    return f"'{sys.executable}' - <<'END'\n{code}\nEND"


def _run(own: OwnServer, name: str, *steps: str) -> str:
    """Start a run of one job and return its id."""
    steps_ = [step(f"step{number}", script) for number, script in enumerate(steps)]
    return own.api.start(own.api.create_pipeline(pipeline(name, [job("job", *steps_)])))


def _path(run: str, tail: str = "") -> str:
    return f"/projects/bench/runs/{run}{tail}"


def _at_most(what: str, unit: str, ours: float, most: float, note: str = "") -> Figure:
    return Figure(what=what, unit=unit, ours=ours, must=Bound(most=most), note=note)


def _loads(tab: Tab, path: str, test: str) -> tuple[float, str]:
    """Return the median of some loads, and in words: the first one, and the tab's work."""
    first = tab.open(path, test)
    took: list[float] = []
    worked: list[float] = []
    for _ in range(LOADS):
        took.append(tab.open(path, test))
        worked.append(tab.busy_ms())
    note = f"{first:.0f} ms with an empty cache; the tab worked {median(worked):.0f} ms"
    return median(took), note


def _frames(tab: Tab, what: str, act: str) -> tuple[Figure, float]:
    """Return frames a second, and how long the slowest ones took (p95)."""
    busy = tab.busy_ms()
    took = tab.frames(FRAMES_MS, act)
    busy = (tab.busy_ms() - busy) / len(took)
    slowest = percentile(took, 0.95)
    figure = Figure(
        what=what,
        unit="frames/s",
        ours=1000 * len(took) / sum(took),
        must=Bound(least=45),
        note=f"p95 {slowest:.0f} ms; the tab worked {busy:.1f} ms a frame",
    )
    return figure, slowest


def measure_page_log(session: Session) -> Sequence[Figure]:
    """Open a log of ten million coloured lines, move in it, search in it."""
    count = session.size(10_000_000, 1_000_000)
    with session.mulligan("--runners", "2") as own, browser_tab(own.server.url) as tab:
        run = _run(own, "long", _python(_LINES.format(count=count)))
        small = _run(own, "million", _python(_LINES.format(count=1_000_000)))
        for each in (run, small):
            own.api.wait(each, interval_s=0.5)
        warm, note = _loads(tab, _path(run, "/log"), _FIRST_LINE)
        jumps = [_jump(tab, key, line) for key, line in [("End", count + 1), ("Home", 1)] * JUMPS]
        wheel, _ = _frames(tab, "turning the wheel", _WHEEL)
        drag, _ = _frames(tab, "dragging the bar", _DRAG)
        heap = tab.heap_mb()
        found = [_search(own, tab, _path(each, "/log")) for each in (small, run)]
    lines = f"{count:,} lines"
    return [
        _at_most(f"first of {lines}", "ms", warm, 300, note),
        _at_most("to the end and back", "ms", median(jumps), 150, f"worst {max(jumps):.0f} ms"),
        wheel,
        drag,
        _at_most("heap", "MB", heap, 50),
        _at_most("search of 1 million lines, all of it", "ms", found[0][0], 500, found[0][1]),
        Figure(what=f"search of {lines}, all of it", unit="ms", ours=found[1][0], note=found[1][1]),
    ]


def _jump(tab: Tab, key: str, line: int) -> float:
    """Press a key in the log; return the milliseconds until the line is drawn."""
    found = tab.page.evaluate(
        f"""async ([key, line]) => {{
        const begin = performance.now();
        {_LOG}.dispatchEvent(new KeyboardEvent("keydown", {{key, bubbles: true}}));
        return await bench.until(() => {{
          const row = document.querySelector(`[data-line="${{line}}"]`);
          return row && row.textContent.length > String(line).length;
        }}) - begin;
        }}""",
        [key, line],
    )
    tab.page.wait_for_timeout(300)
    return float(found)


def _search(own: OwnServer, tab: Tab, path: str) -> tuple[float, str]:
    """Search for the last line; return the milliseconds until all is searched, and a note."""
    tab.open(path, _FIRST_LINE)
    tab.page.wait_for_timeout(4 * 1000)  # the marks of the log are searched for first
    tab.page.get_by_label("Search the log").fill("the needle")
    pids = tree(own.server.pid)
    used, begin = processor_s(pids), time.perf_counter()
    tab.page.keyboard.press("Enter")
    hits = "document.querySelector('section[aria-label=Hits] [role=status]')"
    tab.page.evaluate(f"() => bench.until(() => /^1 hit$/.test({hits}?.textContent))")
    took = (time.perf_counter() - begin) * 1000
    return took, f"{(processor_s(pids) - used) * 1000:.0f} ms of the server's processor"


def measure_page_live(session: Session) -> Sequence[Figure]:
    """Compare when a step writes a line with when it is in sight."""
    with session.mulligan("--runners", "2") as own, browser_tab(own.server.url) as tab:
        run = _run(own, "live", _python(_LIVE))
        tab.page.goto(_path(run, "/log"), wait_until="commit")
        delays = [float(each) for each in tab.page.evaluate(_DELAYS, LIVE_LINES)]
    late = percentile(delays, 0.95)
    return [_at_most("line from its step into sight, p95", "ms", late, 300, _spread(delays))]


def _spread(values: Sequence[float]) -> str:
    return f"median {median(values):.0f} ms, worst {max(values):.0f} ms"


def measure_page_graph(session: Session) -> Sequence[Figure]:
    """Open and move the graph of a run with a thousand jobs."""
    stages = [
        [job(f"{stage}-{number}", step("only", "true")) for number in range(JOBS)]
        for stage in range(STAGES)
    ]
    options = ("--runners", "2", "--set", f"limits.jobs_per_stage={JOBS}")
    with session.mulligan(*options) as own, browser_tab(own.server.url) as tab:
        run = own.api.start(own.api.create_pipeline(pipeline("wide", *stages)))
        own.api.wait(run, interval_s=0.5)
        warm, note = _loads(tab, _path(run), "document.querySelector('[data-graph] [data-node]')")
        moved, slowest = _frames(tab, "moving it", _PAN)
    return [
        _at_most("graph of 1,000 jobs", "ms", warm, 600, note),
        moved,
        _at_most("moving it, a frame (p95)", "ms", slowest, 30),
    ]


def measure_page_first(session: Session) -> Sequence[Figure]:
    """Open a failed run, and the first page of all on a processor of half the speed."""
    shown = "document.querySelector('[data-log-view]')?.textContent.includes('out of eggs')"
    with session.mulligan("--runners", "2") as own:
        run = _run(own, "failed", "echo out of eggs; exit 1")
        own.api.wait(run, "FAILED")
        with browser_tab(own.server.url) as tab:
            warm, note = _loads(tab, _path(run), shown)
        with browser_tab(own.server.url) as tab:
            tab.slow_down(SLOWER)
            tab.open("/projects/bench", "document.querySelector('h1')")
            largest = float(tab.page.evaluate("() => bench.lcp"))
    return [
        _at_most("failed line of a run in sight", "ms", warm, 1000, note),
        _at_most(f"first page, empty cache, processor {SLOWER} × slower", "ms", largest, 1000),
    ]
