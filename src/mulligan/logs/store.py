"""Keep the logs of all runs in one directory: ``ROOT/<run_id>/<job_id>.<job_attempt>.log``."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from mulligan.logs.format import LogError
from mulligan.logs.index import last_run_line
from mulligan.logs.lines import SectionFilter
from mulligan.logs.merge import LinePage, read_page
from mulligan.logs.reader import LogReader
from mulligan.logs.writer import LineCounter

# No separator, no leading dot or dash, and room for the suffixes in the 255 bytes of a file name.
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@=+-]{0,199}")


class LogNameError(LogError, ValueError):
    """An id can't be a file name."""


class LogFiles:
    """Find, compress and remove the logs of runs. All calls block.

    Args:
        root: directory; need not exist yet.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root)

    def path(self, run_id: str, job_id: str, job_attempt: int) -> Path:
        """Return where the log of a job attempt is or will be.

        Raises:
            LogNameError: an id has characters that a file name must not have, or the attempt is
                below 1.
        """
        if job_attempt < 1:
            raise LogNameError(f"attempts count from 1, not {job_attempt}")
        return self._directory(run_id) / f"{_checked(job_id)}.{job_attempt}.log"

    def reader(self, run_id: str, job_id: str, job_attempt: int) -> LogReader:
        """Return a reader of one log, which need not exist yet."""
        path = self.path(run_id, job_id, job_attempt)
        return LogReader(path, job_id=job_id, job_attempt=job_attempt)

    def readers(self, run_id: str) -> list[LogReader]:
        """Return a reader for each log of a run, ordered by job id and attempt."""
        attempts = self._attempts(run_id)
        return [self.reader(run_id, job_id, attempt) for job_id, attempt in attempts]

    def last_line_number(self, run_id: str) -> int:
        """Return the highest line number that a run has used, 0 if it has no lines.

        A counter must begin after it when a run goes on after a restart.
        """
        attempts = self._attempts(run_id)
        paths = (self.path(run_id, job_id, attempt) for job_id, attempt in attempts)
        return max((last_run_line(os.fspath(path)) for path in paths), default=0)

    def read_page(
        self,
        run_id: str,
        *,
        from_run_line: int = 1,
        to_run_line: int | None = None,
        limit: int,
        from_end: bool = False,
        section: SectionFilter = None,
        unfinished: bool = False,
    ) -> LinePage:
        """Return lines of a run by their numbers; see ``merge.read_page``.

        Who asks again with the last number + 1 gets every line once and whole, also while the logs
        are being written.

        Args:
            unfinished: True for also the lines that are still being written, and those after them.
        """
        # Writers write in the order of the numbers: what is below a number that has been seen is
        # there for who looks afterwards, but was not for who looked into the other logs before.
        seen = self.last_line_number(run_id)
        bound = seen if to_run_line is None else min(seen, to_run_line)
        readers = []
        for reader in self.readers(run_id):
            last, settled = reader.last_and_settled()
            if last < from_run_line or not reader.has_section(section):
                continue
            readers.append(reader)
            if not unfinished and settled < last:
                bound = min(bound, settled)
        return read_page(
            readers,
            from_run_line=from_run_line,
            to_run_line=bound,
            limit=limit,
            from_end=from_end,
            section=section,
        )

    def compress(
        self, run_id: str, job_id: str, job_attempt: int, counter: LineCounter | None = None
    ) -> bool:
        """Compress a finished log; see ``compression.compress``.

        Args:
            counter: of the run, if it is known here; needed only for a log whose writer was
                killed. Without one, the highest number of the run is looked up.
        """
        # zstd takes 10 ms to import, and a server that starts does not need it yet.
        from mulligan.logs.compression import compress

        if counter is None:
            counter = LineCounter(self.last_line_number(run_id) + 1)
        return compress(self.path(run_id, job_id, job_attempt), counter)

    def remove_run(self, run_id: str) -> None:
        """Remove all logs of a run. Does nothing if there are none."""
        directory = self._directory(run_id)
        if directory.exists():
            shutil.rmtree(directory)

    def _directory(self, run_id: str) -> Path:
        return self._root / _checked(run_id)

    def _attempts(self, run_id: str) -> list[tuple[str, int]]:
        """Return the job attempts of a run that have a log."""
        try:
            names = os.listdir(self._directory(run_id))
        except FileNotFoundError:
            return []
        found = set()
        for name in names:
            stem, _, suffix = name.removesuffix(".zst").rpartition(".")
            job_id, _, attempt = stem.rpartition(".")
            if suffix == "log" and attempt.isdecimal() and _ID.fullmatch(job_id):
                found.add((job_id, int(attempt)))
        return sorted(found)


def _checked(name: str) -> str:
    if not _ID.fullmatch(name):
        raise LogNameError(f"{name!r} can't be the name of a file")
    return name
