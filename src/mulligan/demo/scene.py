"""What all acts of the demonstration share: output, checks, places, and what happened so far."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import msgspec

from mulligan.demo.client import Client
from mulligan.demo.observe import Observed
from mulligan.demo.price_feed import PriceFeed


class DemoFailedError(Exception):
    """Something is not as promised; the text says what."""


class Printer:
    """Write lines that any terminal can show, each at once.

    Args:
        out: Where to; characters that its encoding lacks are replaced.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._encoding = getattr(out, "encoding", None) or "utf-8"

    def line(self, text: str = "") -> None:
        """Write one line."""
        shown = text.encode(self._encoding, "replace").decode(self._encoding)
        self._out.write(f"{shown}\n")
        self._out.flush()

    def result(self, *, good: bool, text: str) -> None:
        """Write one line behind ✓ or ✗ (+ or x where the encoding lacks them)."""
        try:
            mark = ("✓" if good else "✗").encode(self._encoding).decode(self._encoding)
        except UnicodeEncodeError:
            mark = "+" if good else "x"
        self.line(f"  {mark} {text}")


class Checks:
    """Count what was verified."""

    def __init__(self) -> None:
        self.passed = 0

    def verify(self, truth: bool, what: str) -> None:  # noqa: FBT001 – reads like assert
        """Count one check.

        Args:
            truth: What was found out.
            what: The promise, as a statement that should be true.

        Raises:
            DemoFailedError: It is not.
        """
        if not truth:
            raise DemoFailedError(f"not true: {what}")
        self.passed += 1


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Files of the demonstration, all in one folder."""

    work: Path

    @property
    def project(self) -> Path:
        """The sample project: repository or copy."""
        return self.work / "project"

    @property
    def registry(self) -> Path:
        """Where the pipeline publishes to."""
        return self.work / "registry"

    @property
    def journal(self) -> Path:
        """One line per started shell step: its name, written by the step itself."""
        return self.work / "journal"

    @property
    def feed_address(self) -> Path:
        """One line: the URL of the price feed."""
        return self.work / "feed.address"

    @property
    def feed_log(self) -> Path:
        """What the price feed prints."""
        return self.work / "feed.log"

    def journal_counts(self) -> Counter[str]:
        """Return how often each shell step was started."""
        if not self.journal.exists():
            return Counter()
        return Counter(self.journal.read_text(encoding="utf-8").splitlines())


class Scene(msgspec.Struct, kw_only=True):
    """The state that acts hand on; what a later act needs is filled by an earlier one.

    Attributes:
        stop: Set from outside to end the demonstration early.
        enter: Wait a moment and tell whether Enter was pressed; None where nobody sits.
        plain: Use shell steps in one job only.
        source_folder: The project's files.
        script_steps: Names of the steps that write into the journal.
        first: The run as it was after its first attempt.
        failed_log: Log of the failed step in that attempt.
        release: The pipeline of the second half, see `release.py`.
    """

    client: Client
    printer: Printer
    checks: Checks
    places: Places
    feed: PriceFeed
    stop: threading.Event
    plain: bool
    enter: Callable[[], bool] | None = None
    source_folder: Path = Path()
    pipeline_id: str = ""
    run_id: str = ""
    script_steps: tuple[str, ...] = ()
    first: Observed | None = None
    release: object = None
    failed_log: tuple[str, ...] = ()

    def first_attempt(self) -> Observed:
        """Return the run as it was after attempt 1.

        Raises:
            DemoFailedError: There was none; the acts are in the wrong order.
        """
        if self.first is None:
            raise DemoFailedError("no run has been started")
        return self.first
