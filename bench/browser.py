"""Open the web page in a real browser and look at the clock: what the rows of the page share."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import NotMeasuredError

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-precise-memory-info",
]
WAIT_MS = 60_000
SETTLE_MS = 500  # for what goes on behind the first picture
_PAGE = Path(__file__).parents[1] / "src" / "mulligan" / "web" / "dist" / "index.html"

# `bench.until(test)`: the time at which a picture with what the test finds has been drawn.
_SCRIPT = """
window.bench = {
  until: test => new Promise(done => {
    const look = () => {
      if (!test()) return false;
      watch.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
      return true;
    };
    const watch = new MutationObserver(look);
    if (!look()) watch.observe(document, {childList: true, subtree: true, characterData: true});
  }),
  // Does `act(frame)` before each frame of some milliseconds; tells how long each frame took.
  frames: async (forMs, act) => {
    const took = [], begin = performance.now();
    let last = begin;
    while (last - begin < forMs) {
      act(took.length);
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      took.push(now - last);
      last = now;
    }
    return took;
  },
  lcp: 0,
};
new PerformanceObserver(list => list.getEntries().forEach(each => { bench.lcp = each.startTime; }))
  .observe({type: "largest-contentful-paint", buffered: true});
"""


class Tab:
    """One tab of a browser.

    Args:
        page: Playwright's; `cdp`: a session of the DevTools protocol with it.
    """

    def __init__(self, page: Any, cdp: Any) -> None:
        self.page = page
        self._cdp = cdp
        cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.add_init_script(_SCRIPT)

    def open(self, path: str, test: str) -> float:
        """Load a page anew; return the milliseconds until what `test` (JavaScript) finds is drawn.

        They count from the navigation on: the page itself is part of it.
        """
        self.page.goto(path, wait_until="commit")
        found = float(self.page.evaluate(f"() => bench.until(() => {test})"))
        self.page.wait_for_timeout(SETTLE_MS)
        return found

    def frames(self, milliseconds: int, act: str) -> list[float]:
        """Do `act(frame)` (JavaScript) before each frame; return what each took, in ms."""
        return [float(t) for t in self.page.evaluate(f"() => bench.frames({milliseconds}, {act})")]

    def busy_ms(self) -> float:
        """Return the processor time of the tab's main thread since the last navigation."""
        found = self._cdp.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(each["value"]) for each in found if each["name"] == "TaskDuration")

    def heap_mb(self) -> float:
        """Return what scripts hold after a collection."""
        self._cdp.send("HeapProfiler.collectGarbage")
        return float(self.page.evaluate("() => performance.memory.usedJSHeapSize")) / 1e6

    def slow_down(self, times: int) -> None:
        """Let the tab's processor be so many times slower."""
        self._cdp.send("Emulation.setCPUThrottlingRate", {"rate": times})


@contextmanager
def browser_tab(url: str) -> Iterator[Tab]:
    """Start a browser with one tab.

    Raises:
        NotMeasuredError: There is no browser, no Playwright, or no page.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NotMeasuredError("Playwright is not installed: the extra `browser`") from None
    program = shutil.which("chromium")
    if program is None:
        raise NotMeasuredError("there is no program `chromium`")
    if not _PAGE.is_file():
        raise NotMeasuredError("the page is not built: ./dev page")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        context = browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="en-GB", base_url=url
        )
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        yield Tab(page, context.new_cdp_session(page))
        browser.close()
