"""The benchmark's arithmetic: percentiles, bounds, verdicts, the table and the JSON."""

from __future__ import annotations

import json

import pytest
from bench.report import (
    Bound,
    Figure,
    Noise,
    Report,
    RowResult,
    median,
    number,
    percentile,
    table,
    to_json,
)


def figure(ours: float | None, *, must: Bound | None = None, aim: Bound | None = None) -> Figure:
    """Return a figure in ms with a limit of 10."""
    return Figure(what="a thing", unit="ms", ours=ours, limit=10.0, must=must, aim=aim)


def report(*rows: RowResult, server_errors: int = 0) -> Report:
    """Return a full run of `rows` with 7 requests."""
    return Report(rows=rows, quick=False, requests=7, server_errors=server_errors)


def cells(text: str, row: str) -> list[list[str]]:
    """Return the cells of the table's lines that belong to `row`."""
    lines = [line.strip("| ").split("|") for line in text.splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in line] for line in lines]
    return [line for line in found if line[0] == row]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)]
)
def test_percentile_is_the_nearest_rank(share: float, expected: int) -> None:
    """The percentile is a measured value, not an interpolated one."""
    values = range(100, 0, -1)

    found = percentile(values, share)

    assert found == expected


def test_percentile_of_few_values_is_the_largest() -> None:
    """With fewer than 100 values the 99th percentile hides none of them."""
    assert percentile([3.0, 9.0, 1.0], 0.99) == 9.0


def test_median_of_an_even_number_is_between_the_middle_two() -> None:
    """The median of four values is the mean of the second and the third."""
    assert median([4.0, 1.0, 2.0, 8.0]) == 3.0


@pytest.mark.parametrize("function", [median, lambda values: percentile(values, 0.5)])
def test_no_values_are_refused(function: object) -> None:
    """A figure of nothing is an error, not zero."""
    assert callable(function)
    with pytest.raises(ValueError, match="no values"):
        function([])


@pytest.mark.parametrize(
    ("ours", "expected"), [(41.0, "MISSED"), (40.0, "must"), (20.5, "must"), (20.0, "aim")]
)
def test_verdict_of_a_ratio(ours: float, expected: str) -> None:
    """A bound with a base is met up to and including that many times the base."""
    taken = figure(ours, must=Bound(most=4, base=10.0), aim=Bound(most=2, base=10.0))

    assert taken.verdict == expected
    assert taken.ratio == ours / 10


@pytest.mark.parametrize(("ours", "expected"), [(3.9, "MISSED"), (4.0, "must"), (7.0, "aim")])
def test_verdict_where_more_is_better(ours: float, expected: str) -> None:
    """A rate must not fall below its bound."""
    taken = figure(ours, must=Bound(least=0.4, base=10.0), aim=Bound(least=0.7, base=10.0))

    assert taken.verdict == expected


def test_aim_does_not_hide_a_missed_must() -> None:
    """An absolute aim that is met does not make up for a ratio that is missed."""
    taken = figure(7.0, must=Bound(most=0.5, base=10.0), aim=Bound(most=8))

    assert taken.verdict == "MISSED"


def test_figure_without_bounds_has_no_verdict() -> None:
    """What is only told is neither met nor missed."""
    assert figure(5.0).verdict == "-"


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (Bound(most=4, base=3.0), "≤ 4 ×"),
        (Bound(most=2, base=3.0, base_name="asyncio"), "≤ 2 × asyncio"),
        (Bound(least=0.4, base=3.0), "≥ 0.4 ×"),
        (Bound(most=10), "≤ 10 ms"),
    ],
)
def test_bound_in_words(bound: Bound, expected: str) -> None:
    """A bound says whether it is a multiple or a value with its unit."""
    assert bound.text("ms") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (0.0, "0"),
        (0.01234, "0.012"),
        (1.2345, "1.23"),
        (123.45, "123"),
        (12345.6, "12,346"),
    ],
)
def test_number_has_three_digits(value: float | None, expected: str) -> None:
    """Numbers are short, and large ones keep all their places."""
    assert number(value) == expected


def test_table_shows_every_figure_and_the_noise() -> None:
    """A row's figures are lines of the table; how quiet it was stands below."""
    noise = Noise(before_ms=0.9, after_ms=1.25, load=2.0, commit_ms=0.5, others=0.25)
    taken = figure(25.0, must=Bound(most=4, base=10.0), aim=Bound(most=2, base=10.0))

    text = table(report(RowResult(row="W1", figures=[taken], noise=noise, seconds=3.0)))

    assert cells(text, "W1") == [
        ["W1", "a thing", "25.0 ms", "10.0", "2.50", "≤ 4 ×", "≤ 2 ×", "must"]
    ]
    assert "W1: cal 0.90 -> 1.25 ms, commit 0.50 ms, others 0.2 cores, load 2.0, 3 s" in text


def test_table_names_what_was_not_measured() -> None:
    """A row or figure that could not be taken stays in the table, its reason below."""
    lost = Figure(what="tail", unit="ms", note="HTTP 404")
    rows = [
        RowResult(row="W6", figures=[lost]),
        RowResult(row="W8", what="run list", reason="no seed"),
    ]

    text = table(report(*rows))

    assert cells(text, "W6")[0][-1] == "not measured"
    assert cells(text, "W8") == [["W8", "run list", "", "", "", "", "", "not measured"]]
    assert "W6: tail: not measured: HTTP 404" in text
    assert "W8: not measured: no seed" in text


@pytest.mark.parametrize(("errors", "expected"), [(0, "must"), (1, "MISSED")])
def test_table_counts_answers_of_5xx(errors: int, expected: str) -> None:
    """One answer of 5xx anywhere is a missed must."""
    text = table(report(server_errors=errors))

    assert cells(text, "5xx")[0][2] == f"{errors} of 7"
    assert cells(text, "5xx")[0][-1] == expected


def test_quick_run_says_so() -> None:
    """Figures of a quick run can't be taken for those of a full one."""
    assert "QUICK" in table(Report(rows=[], quick=True)).splitlines()[0]


def test_json_holds_ratio_and_verdict() -> None:
    """A reader of the JSON need not work out what the table says."""
    taken = figure(50.0, must=Bound(most=4, base=10.0))

    value = json.loads(to_json(report(RowResult(row="W1", figures=[taken]))))

    entry = value["rows"][0]["figures"][0]
    assert (entry["ours"], entry["ratio"], entry["verdict"]) == (50.0, 5.0, "MISSED")
    assert value["all_met"] is False


@pytest.mark.parametrize(
    "bad",
    [
        report(RowResult(row="W1", reason="no server")),
        report(RowResult(row="W1", figures=[Figure(what="tail", unit="ms")])),
        report(RowResult(row="W1", figures=[figure(5.0)]), server_errors=1),
    ],
    ids=["row", "figure", "5xx"],
)
def test_run_with_a_gap_is_not_all_met(bad: Report) -> None:
    """What was not measured counts as not met, and so does an answer of 5xx."""
    assert not bad.all_met


def test_whole_run_that_keeps_its_bounds_is_all_met() -> None:
    """A run is fine when all was measured and no must was missed."""
    taken = figure(25.0, must=Bound(most=4, base=10.0), aim=Bound(most=2, base=10.0))

    assert report(RowResult(row="W1", figures=[taken, figure(5.0)])).all_met
