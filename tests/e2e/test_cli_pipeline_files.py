"""Pipeline files in YAML, run and stored from the command line, with real steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.shell import Shell

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
version: v2.0
variables:
  level: "2"
  python_version: 1.10
stages:
  - name: checks
    jobs:
      soft:
        continue-on-error: true
        steps: [ { run: exit 1 } ]
      after:
        depend-on: [ soft ]
        steps: [ { run: echo never } ]
      all:
        if: ${{ variables.level == '2' }}
        env: { PLACE: here }
        steps:
          - id: one
            run: |
              echo "::set-output name=word::hello"
              exit 3
            continue-on-error: true
          - name: reads
            run: echo "${{ steps.one.outputs.word }} $PLACE ${{ variables.python_version }}" > "OUT"
          - { name: failure, if: FAILURE, run: 'echo failure >> "OUT"' }
          - { name: other, if: variables.level != '2', run: 'echo other >> "OUT"' }
          - name: snake
            shell: python
            run: print("snake", file=open("OUT", "a"))
  - template: more.yml
    parameters: { words: [ a, b ] }
finally:
  end:
    if: SUCCESS
    steps: [ { run: 'echo end >> "OUT"' } ]
"""
TEMPLATE = """\
parameters: [ { name: words, type: array } ]
stages:
  - name: more
    jobs:
      more:
        steps:
          - run: echo "${{ join(parameters.words, '-') }}" >> "OUT"
          - { if: "contains(parameters.words, 'c')", run: 'echo c >> "OUT"' }
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Give a shell in a project with a file and its template."""
    made = Shell(tmp_path)
    for place, text in ((".ci/main.yml", FILE), (".ci/templates/more.yml", TEMPLATE)):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("OUT", str(tmp_path / "out.txt")), encoding="utf-8")
    return made


def test_file_runs_is_written_and_runs_again(shell: Shell) -> None:
    """A file with templates does what it says; written as v3.0 it does the same."""
    out = shell.root / "out.txt"
    wanted = "hello here 1.10\nfailure\nsnake\na-b\nend\n"

    first = shell("run", ".ci/main.yml")
    said = out.read_text(encoding="utf-8")
    written = shell("export", "main.yml", "-o", "yaml")
    (shell.root / "again.yml").write_text(written.out, encoding="utf-8")
    second = shell("run", "again.yml")

    assert (first.code, said) == (0, wanted), first
    assert written.out.startswith("version: v3.0\nname: main.yml\n")
    assert "left out" not in written.out
    assert (second.code, out.read_text(encoding="utf-8")) == (0, wanted), second
    assert "version 2" in second.err
