"""One browser, one server with the built page and some runs; skipped where either is missing."""

import shutil
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from site_data import Site, furnished
from visitor import FLAGS, Visitor

from mulligan.testing.server import ServerProcess
from mulligan.web.page import DIST

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any) -> Generator[None, Any, Any]:
    """Let a test that failed tell what its pages showed: nobody sees them again."""
    report = yield
    if report.when == "call" and report.failed:
        for name, value in item.funcargs.items():
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Visitor):
                    report.sections.append((f"page of {name}", _described(each)))
    return report


def _described(visitor: Visitor) -> str:
    try:
        return visitor.describe()
    except Exception as error:  # noqa: BLE001  (what failed is more than this)
        return f"no answer: {error}"


@pytest.fixture(scope="session")
def program() -> str:
    """Give the browser's program; skip where it, the page or the driver is missing."""
    pytest.importorskip("playwright.sync_api", reason="the extra `browser` is not installed")
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no chromium on PATH")
    if not (DIST / "index.html").is_file():
        pytest.skip("the web page is not built: ./dev page")
    return found


@pytest.fixture(scope="module")
def site(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give a server that asks for credentials, with a project and some runs.

    One for each file: lists, counts and numbers of a server hold what all of its tests made, and
    which files share a process, and in which order, is another one each time.
    """
    del program  # first: nothing is started where there is no browser
    folder = tmp_path_factory.mktemp("site")
    with ServerProcess(folder / "data", dev=False) as server:
        made = furnished(server, folder)
        yield made
        made.client.close()


@pytest.fixture(scope="module")
def browser(program: str) -> Iterator[object]:
    """Give a browser that talks with nobody but the server.

    One for each file: as long as it is there, an event loop counts as running in this process, and
    no other file could run one.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def visitor(site: Site, browser: object) -> Iterator[Visitor]:
    """Give somebody with an empty browser; in the end nothing may have gone wrong in it."""
    with Visitor(browser, site) as made:
        yield made
        made.check()


@pytest.fixture(scope="module")
def lin(site: Site, browser: object) -> Iterator[Visitor]:
    """Give the maintainer `lin`: with one browser context the page's files are loaded once."""
    with Visitor(browser, site) as made:
        made.sign_in_as("lin")
        yield made


@pytest.fixture
def member(lin: Visitor) -> Iterator[Visitor]:
    """Give somebody who has signed in as the maintainer `lin`, with settings as at first."""
    lin.begin_anew()
    yield lin
    lin.check()
