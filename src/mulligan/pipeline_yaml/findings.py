"""What is wrong in a file, or can't be carried out: with file, line, column and path."""

from collections.abc import Iterable

import msgspec

from mulligan.pipeline_yaml.tree import Node

Path = tuple[str, ...]
MOST_FINDINGS = 100


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong.

    Args:
        file: In which it stands; "" = the pipeline file itself.
        line, column: From 1.
        pointer: JSON pointer into the YAML, all templates being expanded.
        hint: What would be right; "" when that is not known.
    """

    detail: str
    file: str = ""
    line: int = 1
    column: int = 1
    pointer: str = ""
    hint: str = ""

    @property
    def text(self) -> str:
        """Return what is wrong, with the hint."""
        return f"{self.detail} ({self.hint})" if self.hint else self.detail


class YamlError(Exception):
    """A file is refused; says everything that is wrong with it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)[:MOST_FINDINGS]
        super().__init__("; ".join(found.text for found in self.findings))


class Findings:
    """Errors and warnings, as they are found."""

    def __init__(self) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []

    @property
    def is_full(self) -> bool:
        """Tell whether more errors would not be shown: looking for them is not worth the time."""
        return len(self.errors) > MOST_FINDINGS

    @property
    def has_many_warnings(self) -> bool:
        """Tell whether more warnings would not be shown."""
        return len(self.warnings) > MOST_FINDINGS

    def error(self, node: Node, path: Path, detail: str, hint: str = "") -> None:
        """Note an error at a node."""
        if not self.is_full:
            self.errors.append(at(node, path, detail, hint))

    def error_at_key(self, node: Node, path: Path, key: str, detail: str, hint: str = "") -> None:
        """Note an error at a key of a mapping."""
        line, column = node.keys[key]
        place = Node(line, column, None, file=node.file)
        self.error(place, (*path, key), detail, hint)

    def warn(self, node: Node, path: Path, detail: str) -> None:
        """Note what is taken, but can't be carried out."""
        if not self.has_many_warnings:
            self.warnings.append(at(node, path, detail))

    def demand_none(self) -> None:
        """Check that nothing is wrong.

        Raises:
            YamlError: Something is.
        """
        if self.errors:
            raise YamlError(sorted(self.errors, key=lambda found: (found.line, found.column)))


def at(node: Node, path: Path, detail: str, hint: str = "") -> Finding:
    """Make the finding of a node."""
    return Finding(
        detail=detail,
        file=node.file,
        line=node.line,
        column=node.column,
        pointer=pointer_of(path),
        hint=hint,
    )


def pointer_of(path: Path) -> str:
    """Return the JSON pointer of a path."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
