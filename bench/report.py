"""Turn measured figures into verdicts, a table and JSON. Pure: no clock, no processes."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOT_MEASURED = "not measured"
HEADINGS = ("row", "what", "ours", "limit", "ratio", "must", "aim", "verdict")


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of `values` do not exceed, by nearest rank.

    With n values the 0.99 percentile is the largest one as long as n is at most 100.

    Raises:
        ValueError: there are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def median(values: Iterable[float]) -> float:
    """Return the middle value, or the mean of the two middle ones; ValueError without values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[~middle]) / 2


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Hold what a figure must not exceed (`most`) or not fall below (`least`).

    With `base` the bound is that many times the base, which `base_name` names; without, it is
    an absolute value in the unit of the figure.
    """

    most: float | None = None
    least: float | None = None
    base: float | None = None
    base_name: str = ""

    def is_met(self, value: float) -> bool:
        """Return whether `value` keeps the bound."""
        base = 1.0 if self.base is None else self.base
        below = self.most is None or value <= self.most * base
        return below and (self.least is None or value >= self.least * base)

    def text(self, unit: str) -> str:
        """Return the bound in words, e.g. `≤ 4 ×` or `≤ 10 ms`."""
        sign, number = ("≤", self.most) if self.most is not None else ("≥", self.least)
        if number is None:
            return ""
        tail = unit if self.base is None else f"× {self.base_name}".rstrip()
        return f"{sign} {number:g} {tail}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Hold one line of the table.

    `ours` is None when the figure could not be taken; `note` then says why. `limit` is what the
    ratio is taken to, in the same unit, and `limit_name` says what that is.
    """

    what: str
    unit: str
    ours: float | None = None
    limit: float | None = None
    limit_name: str = ""
    must: Bound | None = None
    aim: Bound | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return ours to limit; None where one of them is missing."""
        if self.ours is None or not self.limit:
            return None
        return self.ours / self.limit

    @property
    def verdict(self) -> str:
        """Return `MISSED`, `must`, `aim` (met), `-` (no bound) or `not measured`."""
        if self.ours is None:
            return NOT_MEASURED
        if self.must is not None and not self.must.is_met(self.ours):
            return "MISSED"
        if self.aim is not None and self.aim.is_met(self.ours):
            return "aim"
        return "must" if self.must is not None else "-"


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Hold how quiet the machine was around a row.

    `before_ms` and `after_ms` are the milliseconds of one `sh -c true` in a shell's loop; `load`
    is the load average of the last minute; `commit_ms` those of one durable commit on SQLite (the
    mean of before and after); `others` the mean number of cores that foreign
    processes kept busy during the row, None where the system does not tell.
    """

    before_ms: float
    after_ms: float
    load: float
    commit_ms: float | None = None
    others: float | None = None


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """Hold what a row gave: its figures, or the reason why there are none."""

    row: str
    figures: Sequence[Figure] = ()
    reason: str = ""
    noise: Noise | None = None
    seconds: float = 0.0
    what: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Hold a whole run of the benchmark."""

    rows: Sequence[RowResult]
    quick: bool
    machine: dict[str, Any] = field(default_factory=dict)
    requests: int = 0
    server_errors: int = 0

    @property
    def all_met(self) -> bool:
        """Return whether every row was measured, kept its must, and no answer was a 5xx."""
        figures = [figure for row in self.rows for figure in row.figures]
        measured = not any(row.reason for row in self.rows)
        bad = {"MISSED", NOT_MEASURED}
        return measured and not self.server_errors and not bad & {f.verdict for f in figures}


def number(value: float | None) -> str:
    """Return `value` with three significant digits, without an exponent; empty for None."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    digits = max(2 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{min(digits, 3)}f}"


def table(report: Report) -> str:
    """Return the run as a Markdown table with its notes below, ending in a newline."""
    rows = [line for result in report.rows for line in _lines(result)]
    rows.append(_errors_line(report))
    widths = [max(len(row[place]) for row in [HEADINGS, *rows]) for place in range(len(HEADINGS))]
    lines = [_joined(HEADINGS, widths), _joined(["-" * width for width in widths], widths)]
    lines += [_joined(row, widths) for row in rows]
    return "\n".join([_title(report), "", *lines, "", *_notes(report)]) + "\n"


def to_json(report: Report) -> str:
    """Return the run as JSON: the fields of the report, with ratio and verdict of each figure."""
    value = asdict(report)
    for result, row in zip(report.rows, value["rows"], strict=True):
        for figure, entry in zip(result.figures, row["figures"], strict=True):
            entry.update(ratio=figure.ratio, verdict=figure.verdict)
    value["all_met"] = report.all_met
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _lines(result: RowResult) -> Iterable[tuple[str, ...]]:
    if result.reason:
        yield (result.row, result.what, "", "", "", "", "", NOT_MEASURED)
        return
    for figure in result.figures:
        ratio = figure.ratio
        yield (
            result.row,
            figure.what,
            f"{number(figure.ours)} {figure.unit}" if figure.ours is not None else "",
            f"{number(figure.limit)} {figure.limit_name}".strip(),
            "" if ratio is None else f"{ratio:.2f}",
            "" if figure.must is None else figure.must.text(figure.unit),
            "" if figure.aim is None else figure.aim.text(figure.unit),
            figure.verdict,
        )


def _errors_line(report: Report) -> tuple[str, ...]:
    verdict = "MISSED" if report.server_errors else "must"
    ours = f"{report.server_errors} of {report.requests}"
    return ("5xx", "answers of 5xx, all rows together", ours, "", "", "≤ 0", "", verdict)


def _title(report: Report) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in report.machine.items())
    size = "QUICK: small n, for a first look only" if report.quick else "full"
    return f"Mulligan benchmark ({size}) - {facts}"


def _notes(report: Report) -> Iterable[str]:
    for result in report.rows:
        texts = [f"{NOT_MEASURED}: {result.reason}"] if result.reason else []
        texts += [_noted(figure) for figure in result.figures if figure.note]
        if result.noise is not None:
            noise = result.noise
            cal = f"cal {noise.before_ms:.2f} -> {noise.after_ms:.2f} ms"
            others = "" if noise.others is None else f"others {noise.others:.1f} cores, "
            commit = "" if noise.commit_ms is None else f"commit {noise.commit_ms:.2f} ms, "
            texts.insert(0, f"{cal}, {commit}{others}load {noise.load:.1f}, {result.seconds:.0f} s")
        if texts:
            yield f"{result.row}: " + "; ".join(texts)


def _noted(figure: Figure) -> str:
    missing = f"{NOT_MEASURED}: " if figure.ours is None else ""
    return f"{figure.what}: {missing}{figure.note}"


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"
