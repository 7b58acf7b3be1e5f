"""What may be written at a place of a file that is not finished yet."""

from __future__ import annotations

import pytest

from mulligan.pipeline_yaml.completion import complete


def texts(file: str) -> set[str]:
    """Return what may be written where `|` stands."""
    before, _, after = file.partition("|")
    line = before.count("\n") + 1
    column = len(before) - before.rfind("\n")
    return {choice.text for choice in complete(before + after, line, column)}


def test_keys_of_the_file() -> None:
    """At the margin: those that are not there yet."""
    found = texts("version: v3.0\nname: shop\n|")

    assert {"stages", "jobs", "steps", "on", "variables"} <= found
    assert not {"version", "name"} & found


@pytest.mark.parametrize(
    "file",
    [
        "version: v3.0\nsteps:\n  - |",
        "version: v3.0\nsteps:\n- |",
        "version: v3.0\nsteps:\n  - run: make\n    |",
        "version: v3.0\njobs:\n  build:\n    steps:\n      - run: x\n        |",
        "version: v3.0\nstages:\n- if: a\n  jobs:\n    b:\n      steps:\n      - if: x\n        |",
    ],
)
def test_keys_of_a_step(file: str) -> None:
    """However the lists are indented, a step knows its keys."""
    found = texts(file)

    assert {"env", "timeout-minutes", "continue-on-error"} <= found
    assert "stages" not in found


def test_keys_of_a_job_are_not_those_of_a_step() -> None:
    """A place further left is another one."""
    job = texts("version: v3.0\njobs:\n  build:\n    |\n    steps:\n      - run: x\n")

    assert "runs-on" in job
    assert "steps" not in job  # it is there below
    assert "run" not in job


def test_values_where_only_some_are_possible() -> None:
    """Behind a key: true and false, or the words of an enumeration."""
    assert texts("version: v3.0\nsteps:\n  - run: x\n    continue-on-error: |") >= {"true", "false"}


@pytest.mark.parametrize(
    "file", ["", "|", "version: v3.0\n???: [\n  - |", "a: b: |", "\t|", "- - - |"]
)
def test_no_text_breaks_it(file: str) -> None:
    """Half-written files are the rule."""
    assert isinstance(texts(file), set)


def test_places_outside_of_the_text() -> None:
    """There is nothing to be written."""
    assert complete("a: 1", 99, 1) == ()
    assert complete("a: 1", 0, 1) == ()
