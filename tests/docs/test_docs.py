"""The documents: each rule of docs/check.py holds here, and notices when it does not."""

import importlib.util
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from mulligan.core.cause import Cause
from mulligan.core.status import Status

ROOT = Path(__file__).resolve().parents[2]

WORDS = [
    "Project",
    "Pipeline",
    "PipelineVersion",
    "Run",
    "Stage",
    "Job",
    "Step",
    "Attempt",
    "Gate",
    "Waiver",
    "Workspace",
    "Artifact",
    "Environment",
    "Release",
    "Deployment",
    "Retry",
    "Rerun",
    "Requeue",
    "Widen",
    "Skip",
    "Rollback",
    "Cancel",
    "Claim",
    "Command",
    "Plan",
    "Refusal",
    "Event",
    "Decision",
    "Effect",
    "Runner",
    "Executor",
    "Supervisor",
    "Facade",
]


def load_check() -> Any:
    """Import docs/check.py, which is a script and no module of the package."""
    spec = importlib.util.spec_from_file_location("docs_check", ROOT / "docs" / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECK = load_check()
Rule = Callable[[Path], Iterable[str]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a small repository in which every rule finds nothing."""
    files = {
        "README.md": "# A\n\n[中文](README.zh-CN.md) and [words](docs/words.md#two-words)\n",
        "README.zh-CN.md": "# A\n\n[English](README.md)\n",
        "docs/words.md": "# W\n\n## Two `words`\n\n[中文](words.zh-CN.md)\n",
        "docs/words.zh-CN.md": "# W\n\n## 两个词\n\n[English](words.md)\n",
        "docs/dependencies.md": "# D\n\n| `one` | why |\n| `two` | why |\n",
        "docs/adr/README.md": "# R\n\n[it](20260101-it.md)\n",
        "docs/adr/20260101-it.md": "# T\n\n"
        "## Problem\n\n## Options\n\n## Decision\n\n## What it costs\n",
        "pyproject.toml": "[project]\ndependencies = ['one>=1']\n"
        "[project.optional-dependencies]\ndev = ['two; python_version < \"4\"']\n",
        "dev": "cat <<'END'\n  test    run the tests\n  help    show this\nEND\n",
        "mkdocs.yml": "nav:\n  - words.md\n  - 词: words.zh-CN.md\n  - dependencies.md\n"
        "  - adr/README.md\n  - It: adr/20260101-it.md\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def append(path: Path, text: str) -> None:
    """Add text to a file of the small repository."""
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.mark.parametrize("rule", CHECK.RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule) -> None:
    """No rule of docs/check.py finds anything in this repository."""
    findings = list(rule(ROOT))

    assert findings == []


@pytest.mark.parametrize("rule", CHECK.RULES, ids=lambda rule: rule.__name__)
def test_a_good_tree_has_no_findings(rule: Rule, tree: Path) -> None:
    """No rule complains about a repository that keeps all of them."""
    findings = list(rule(tree))

    assert findings == []


BREAKS: list[tuple[str, str, str, str]] = [
    ("broken_links", "README.md", "[x](docs/gone.md)\n", "no such file"),
    ("broken_links", "README.md", "[x](docs/words.md#gone)\n", "no such heading"),
    ("broken_links", "README.md", "[x](../../etc/passwd)\n", "no such file"),
    ("missing_languages", "docs/words.md", "## More\n", "other headings"),
    ("missing_languages", "docs/use.md", "# U\n", "use.zh-CN.md is missing"),
    ("missing_languages", "docs/use.zh-CN.md", "# U\n", "use.md is missing"),
    ("bad_records", "docs/adr/20260101-it.md", "## More\n", "the headings are not"),
    ("bad_records", "docs/adr/it.md", "# T\n", "the name is not"),
    ("bad_dependencies", "docs/dependencies.md", "| `three` | why |\n", "three is not needed"),
    ("unknown_tasks", "README.md", "```sh\n./dev dance\n```\n", "does not list dance"),
    ("missing_pages", "mkdocs.yml", "  - gone.md\n", "gone.md does not exist"),
    ("missing_pages", "docs/use.md", "# U\n", "use.md is not in the navigation"),
    ("private_things", "docs/words.md", "see /wo" + "rk/notes\n", "a path of one machine"),
    ("private_things", "docs/words.md", "cd /ro" + "ot && ls\n", "a path of one machine"),
    ("private_things", "README.md", "https://py" + "pi.org/simple\n", "a host of a package"),
]


@pytest.mark.parametrize(("rule", "name", "text", "complaint"), BREAKS)
def test_a_broken_rule_is_noticed(
    tree: Path, rule: str, name: str, text: str, complaint: str
) -> None:
    """Each rule names the file and what is wrong with it."""
    path = tree / name
    path.touch()
    append(path, text)

    findings = list(getattr(CHECK, rule)(tree))

    assert any(complaint in finding for finding in findings), findings


def test_a_dependency_without_a_line_is_noticed(tree: Path) -> None:
    """A package in pyproject.toml that docs/dependencies.md does not explain is a finding."""
    (tree / "docs" / "dependencies.md").write_text("# D\n\n| `one` | why |\n", encoding="utf-8")

    findings = list(CHECK.bad_dependencies(tree))

    assert findings == ["docs/dependencies.md: two has no line"]


def test_relative_and_other_paths_are_no_private_things(tree: Path) -> None:
    """Folders whose names only resemble a machine's may be written down."""
    append(tree / "README.md", "dir/work/x $HOME/work ./work/ a/root /workspaces/1 /rootless\n")

    findings = list(CHECK.private_things(tree))

    assert findings == []


def test_links_in_code_are_not_followed(tree: Path) -> None:
    """What looks like a link inside of code is text."""
    append(tree / "README.md", "`[x](gone.md)`\n\n```md\n[x](gone.md)\n```\n")

    findings = list(CHECK.broken_links(tree))

    assert findings == []


@pytest.mark.parametrize("page", ["glossary.md", "glossary.zh-CN.md"])
def test_the_glossary_has_every_word(page: str) -> None:
    """Both glossaries explain all words of the project."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")

    told = set(re.findall(r"\*\*([A-Z][A-Za-z ]+)\*\*", text))

    assert set(WORDS) - told == set()


@pytest.mark.parametrize("page", ["glossary.md", "glossary.zh-CN.md"])
def test_the_glossary_has_every_status_and_cause(page: str) -> None:
    """Both glossaries explain exactly the statuses and causes that the code has."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    _, _, after = text.partition("\n## " + ("状态" if "zh" in page else "Status"))
    statuses, _, causes = after.partition("\n## " + ("原因" if "zh" in page else "Cause"))
    causes = causes.partition("\n## ")[0]

    told_statuses = set(re.findall(r"^\| `(\w+)`", statuses, re.MULTILINE))
    cells = re.findall(r"^\| \w* ?\| ([^|]*)\|", causes, re.MULTILINE)
    told_causes = set(re.findall(r"`(\w+)`", " ".join(cells)))

    assert told_statuses == {status.value for status in Status}
    assert told_causes == {cause.value for cause in Cause}


def test_the_readme_fits_on_a_few_screens() -> None:
    """Both READMEs stay below 250 lines."""
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in ROOT.glob("README*.md")
    }

    assert set(lengths) == {"README.md", "README.zh-CN.md"}
    assert max(lengths.values()) < 250
