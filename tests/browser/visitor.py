"""Somebody at a browser: opens pages, takes pictures, and notices everything that goes wrong."""

import json
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from site_data import PASSWORD, PROJECT, Site

from mulligan.testing.server import poll_until

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
SHOTS = Path(os.environ.get("MULLIGAN_SCREENSHOTS") or Path(__file__).parent / "screenshots")
_AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_WAIT_MS = 30_000
# Bars of runs are small by nature: each run is in the list of the pipeline's page as well, which
# is what WCAG 2.5.8 asks for. Tooltips float outside of all landmarks.
_RUN_AXE = """async tags => {
  const floats = {exclude: ["[data-radix-popper-content-wrapper]"]};
  const {violations} = await axe.run(floats, {runOnly: tags});
  const counts = (rule, node) => !(
    rule === "target-size" && document.querySelector(node.target[0])?.closest("[data-bars]"));
  return violations
    .map(({id, help, nodes}) => ({id, help, nodes: nodes.filter(node => counts(id, node))}))
    .filter(({nodes}) => nodes.length)
    .map(({id, help, nodes}) => [id, help, nodes.slice(0, 3).map(node => node.html)]);
}"""


def becomes(look: Callable[[], object]) -> None:
    """Wait until the page shows what a look wants to see: it draws in its own time."""
    poll_until(look, what="the page shows it", timeout_s=_WAIT_MS / 1000)


def origin_of(url: str) -> str:
    """Give what browsers send as Origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Visitor:
    """One person with a browser context of their own. Collects errors and foreign requests."""

    def __init__(self, browser: Any, site: Site, shots: Path = SHOTS) -> None:
        self.site = site
        self.url = site.url
        self.user = ""
        self._shots = shots
        self.context = browser.new_context(
            viewport=DESKTOP, locale="en-GB", base_url=site.url, reduced_motion="reduce"
        )
        self.context.set_default_timeout(_WAIT_MS)
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self._calls: deque[str] = deque(maxlen=40)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", lambda each: self._calls.append(f"{each.status} {each.url}"))
        self.page.on("requestfailed", lambda each: self._calls.append(f"{each.failure} {each.url}"))

    def __enter__(self) -> Self:
        """Do nothing: the page is open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        self.context.close()

    def _heard(self, message: Any) -> None:
        # a refused call is shown by the page; what is not allowed or fails in a script is not
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.problems.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc != urlsplit(self.url).netloc:
            self.problems.append(f"asked another host: {request.url}")

    def check(self) -> None:
        """Expect that nothing went wrong so far."""
        assert self.problems == []

    def describe(self) -> str:
        """Say what the page shows and what it asked for last: for a test that failed."""
        text = self.page.locator("body").inner_text(timeout=5000)
        told = [self.page.url, *self.problems, "", text[:4000], "", *self._calls]
        return "\n".join(told)

    # --- going about --------------------------------------------------------------------------

    def sign_in_as(self, user: str) -> None:
        """Sign in by the API, as a page does."""
        given = {"user": user, "password": PASSWORD}
        self._change("post", "/session", given)
        self.user = user

    def begin_anew(self) -> None:
        """Forget what this browser keeps besides the session, and what went wrong before."""
        if self.page.url.startswith(self.url):
            self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        self._change("patch", f"/users/{self.user}", {"language": "en"})
        self.page.set_viewport_size(DESKTOP)
        self.page.emulate_media(color_scheme="light", forced_colors="none")
        self.problems.clear()

    def _change(self, method: str, path: str, data: object) -> None:
        call = getattr(self.context.request, method)
        answer = call(
            f"{self.url}/api/v1{path}", data=data, headers={"Origin": origin_of(self.url)}
        )
        assert answer.ok, answer.text()

    def open(self, path: str = "", *, project: bool = True) -> Any:
        """Open a path below the project, or of the whole page; return the Playwright page."""
        self.page.goto(self.url + (f"/projects/{PROJECT}{path}" if project else path))
        self.page.locator("h1").first.wait_for()
        return self.page

    # --- looking ------------------------------------------------------------------------------

    def look(self, name: str) -> None:
        """Take pictures of the page in both languages and themes and on a phone; expect no flaw."""
        for language in ("en", "zh"):
            if language == "zh":
                self._switch("切换到中文")
            for theme in ("light", "dark"):
                self.page.emulate_media(color_scheme=theme)
                self.settle()
                self.shoot(f"{name}-{language}-{theme}")
                if language == "en":  # what is where is the same in the dark, colours are not
                    self.expect_accessible(*(["color-contrast"] if theme == "dark" else []))
        self.page.set_viewport_size(PHONE)
        self.settle()
        self.shoot(f"{name}-phone")
        self.expect_no_sideways_scrolling()
        self.page.set_viewport_size(DESKTOP)
        self.page.emulate_media(color_scheme="light")
        self._switch("Switch to English")

    def _switch(self, label: str) -> None:
        """Change the language; who is signed in finds it at the next page once it is kept."""
        if not self.context.cookies():
            self._press(label)
            return
        with self.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            self._press(label)

    def _press(self, label: str) -> None:
        """Press a button without going near it with the mouse: no tooltip shall be in the way."""
        self.page.get_by_role("button", name=label).dispatch_event("click")

    def session(self) -> dict[str, Any]:
        """Ask who is signed in."""
        found = self.context.request.get(f"{self.url}/api/v1/session").json()
        assert isinstance(found, dict)
        return found

    def settle(self) -> None:
        """Wait until nothing is being loaded any more."""
        self.page.wait_for_function("() => !document.querySelector('.animate-pulse[aria-hidden]')")
        self.page.evaluate("() => document.fonts.ready.then(() => true)")

    def shoot(self, name: str) -> None:
        """Take one picture of what is there."""
        self._shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._shots / f"{name}.png")

    def expect_accessible(self, *rules: str) -> None:
        """Expect that axe finds nothing (WCAG 2.2 AA and good practice), or no flaw by rules."""
        if not _AXE.is_file():
            pytest.skip("axe-core is not installed: ./dev page")
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(_AXE.read_text("utf-8"))
        found = self.page.evaluate(_RUN_AXE, list(rules) or _TAGS)
        assert found == [], json.dumps(found, indent=1)

    def expect_no_sideways_scrolling(self) -> None:
        """Expect that the page fits the width of the window."""
        wide = self.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
