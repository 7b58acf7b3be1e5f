"""Check the documents: links, both languages, decision records, dependencies, commands, privacy.

Run by `./dev docs`, by `./dev check` and, rule by rule, by tests/docs. Needs only the standard
library. Each rule is a function from the root of the repository to the findings, one text each.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

CHINESE = ".zh-CN.md"

# Pages for users exist in both languages; these are for developers or not written yet.
ONLY_ENGLISH = ("docs/adr/", "docs/dependencies.md", "docs/operate/settings.md")

ADR_NAME = re.compile(r"\d{8}-[a-z0-9-]+\.md")
ADR_HEADINGS = ["Problem", "Options", "Decision", "What it costs"]

_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#{1,6}) +(.+?) *#*$", re.MULTILINE)
_TASK = re.compile(r"(?<![\w/])\./dev +([a-z]+)")

# Put together from pieces, so that this file does not hold what it looks for.
_PRIVATE = {
    "a path of one machine": re.compile(
        r"(?<![\w.$}~/-])/(?:" + "|".join(("wo" + "rk", "ro" + "ot")) + r")(?![\w-])"
    ),
    "a host of a package registry": re.compile(
        "|".join(("py" + r"pi\.", "npm" + r"js\.", "python" + "hosted", "deb" + r"\.debian"))
    ),
}


def markdown_files(root: Path) -> list[Path]:
    """Return all documents: those at the top, of docs/ and of changes/."""
    found = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "changes").glob("*.md")]
    return sorted(found)


def prose(path: Path) -> str:
    """Return the text without blocks of code."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def headings(path: Path) -> list[tuple[int, str]]:
    """Return (level, text) of each heading."""
    return [(len(marks), text) for marks, text in _HEADING.findall(prose(path))]


def anchor(heading: str) -> str:
    """Return the anchor that renderers give to a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def broken_links(root: Path) -> Iterator[str]:
    """Find relative links to files or headings that do not exist."""
    for path in markdown_files(root):
        for target in _LINK.findall(_CODE.sub("", prose(path))):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, wanted = target.partition("#")
            goal = (path.parent / unquote(name)).resolve() if name else path
            where = f"{path.relative_to(root)}: link to {target}"
            if not goal.is_relative_to(root.resolve()) or not goal.exists():
                yield f"{where}: there is no such file"
            elif wanted and wanted not in {anchor(text) for _, text in headings(goal)}:
                yield f"{where}: there is no such heading"


def missing_languages(root: Path) -> Iterator[str]:
    """Find pages without their other language, without the link to it, or built differently."""
    for path in [*root.glob("README*.md"), *(root / "docs").rglob("*.md")]:
        name = path.relative_to(root).as_posix()
        if name.startswith(ONLY_ENGLISH):
            continue
        is_chinese = name.endswith(CHINESE)
        other = path.with_name(
            path.name.removesuffix(CHINESE) + ".md" if is_chinese else path.stem + CHINESE
        )
        if not other.exists():
            yield f"{name}: {other.name} is missing"
            continue
        if f"]({other.name})" not in path.read_text(encoding="utf-8"):
            yield f"{name}: does not link to {other.name}"
        levels = [level for level, _ in headings(path)]
        if not is_chinese and levels != [level for level, _ in headings(other)]:
            yield f"{name}: {other.name} has other headings"


def bad_records(root: Path) -> Iterator[str]:
    """Find decision records of another form, or that their list does not name."""
    folder = root / "docs" / "adr"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.md")):
        if path.name == "README.md":
            continue
        if not ADR_NAME.fullmatch(path.name):
            yield f"docs/adr/{path.name}: the name is not YYYYMMDD-title.md"
        if [text for level, text in headings(path) if level == 2] != ADR_HEADINGS:
            yield f"docs/adr/{path.name}: the headings are not {', '.join(ADR_HEADINGS)}"
        if f"({path.name})" not in listed:
            yield f"docs/adr/{path.name}: docs/adr/README.md does not name it"


def bad_dependencies(root: Path) -> Iterator[str]:
    """Compare docs/dependencies.md with pyproject.toml and the page's package.json."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = list(project["dependencies"])
    for extra in project.get("optional-dependencies", {}).values():
        needed += extra
    names = {re.split(r"[ <>=!~;\[]", requirement)[0] for requirement in needed}
    page = root / "web" / "package.json"
    if page.is_file():
        package = json.loads(page.read_text(encoding="utf-8"))
        names |= {*package["dependencies"], *package["devDependencies"]}
    text = (root / "docs" / "dependencies.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))
    yield from (f"docs/dependencies.md: {name} has no line" for name in sorted(names - told))
    yield from (f"docs/dependencies.md: {name} is not needed" for name in sorted(told - names))


def tasks(root: Path) -> set[str]:
    """Return the tasks that `./dev help` lists."""
    shown = subprocess.run(
        ["sh", str(root / "dev"), "help"], check=True, capture_output=True, text=True, timeout=30
    ).stdout
    return set(re.findall(r"^ {2}([a-z]+) {2,}\S", shown, re.MULTILINE))


def unknown_tasks(root: Path) -> Iterator[str]:
    """Find `./dev TASK` in documents where there is no such task."""
    known = tasks(root)
    for path in markdown_files(root):
        for task in sorted(set(_TASK.findall(path.read_text(encoding="utf-8"))) - known):
            yield f"{path.relative_to(root)}: ./dev help does not list {task}"


def missing_pages(root: Path) -> Iterator[str]:
    """Compare the navigation of the site with the pages."""
    listed = set(re.findall(r"([\w./-]+\.md) *$", (root / "mkdocs.yml").read_text(), re.MULTILINE))
    pages = {path.relative_to(root / "docs").as_posix() for path in (root / "docs").rglob("*.md")}
    yield from (f"mkdocs.yml: {name} does not exist" for name in sorted(listed - pages))
    yield from (f"mkdocs.yml: {name} is not in the navigation" for name in sorted(pages - listed))


def tracked_files(root: Path) -> list[Path]:
    """Return the files that belong to the project; without git, all that look like it."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    except (OSError, subprocess.CalledProcessError):
        places = [path for path in root.iterdir() if path.name in ("src", "tests", "docs", "bench")]
        found = [path for place in places for path in place.rglob("*")]
        return [path for path in [*root.iterdir(), *found] if path.is_file()]
    return [root / name for name in listed.decode().split("\0") if name and (root / name).is_file()]


def private_things(root: Path) -> Iterator[str]:
    """Find names of machines and package hosts in files of the project."""
    for path in tracked_files(root):
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            for what, pattern in _PRIVATE.items():
                if pattern.search(line):
                    yield f"{path.relative_to(root)}:{number}: {what}: {line.strip()[:80]}"


RULES: tuple[Callable[[Path], Iterator[str]], ...] = (
    broken_links,
    missing_languages,
    bad_records,
    bad_dependencies,
    unknown_tasks,
    missing_pages,
    private_things,
)


def main() -> int:
    """Print all findings; return 1 if there are any."""
    root = Path(__file__).resolve().parent.parent
    findings = [finding for rule in RULES for finding in rule(root)]
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(f"docs: {len(markdown_files(root))} pages, {len(findings)} findings\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
