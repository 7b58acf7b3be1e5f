"""Templates: files that a pipeline file includes (spec/bkci-yaml-and-plugins.md §1.11).

After `expand` there is one file; every node still knows from which one it came.
"""

from pathlib import PurePosixPath
from typing import Protocol

import msgspec

from mulligan.pipeline_yaml.fields import Fields
from mulligan.pipeline_yaml.findings import Findings, Path, YamlError
from mulligan.pipeline_yaml.parameters import Filler, Size, node_of, read_values
from mulligan.pipeline_yaml.read_root import read_root
from mulligan.pipeline_yaml.shapes import near
from mulligan.pipeline_yaml.tree import Node

FOLDER = ".ci/templates"
MOST_DEPTH = 5
MOST_REFERENCES = 10
MOST_FILES = 100  # in all; ten in each of ten, five deep, would be a hundred thousand
# What a file may hold, by where it is included; the key of an `extends` template is any of them.
_KINDS = ("stages", "jobs", "steps", "variables", "gates", "finally", "parameters")
_OF_JOB_MAPS = ("jobs", "finally")
_LISTS = ("stages", "steps", "gates")
_CHECKS = ("check-in", "check-out")


class Source(Protocol):
    """Where templates are read from."""

    def read(self, repository: str, path: str) -> tuple[str, str] | None:
        """Return the text of a file below `.ci/templates/`, and its name as it is shown.

        Args:
            repository: Name of another repository; "" = that of the pipeline file.
            path: Relative, without `..`.

        Returns:
            None if there is no such file.
        """
        ...


class NoFiles:
    """Where there are no files: a single one was sent."""

    def read(self, repository: str, path: str) -> tuple[str, str] | None:
        """Find nothing."""
        del repository, path
        return None


class _File(msgspec.Struct, frozen=True):
    """The file that is worked on: its repository, what it may refer to, who includes it."""

    repository: str
    known: dict[str, str]  # names that it declared, with the repository each stands for
    parents: tuple[tuple[str, str], ...]


def uses_templates(root: Node) -> bool:
    """Tell whether a file includes others, to spare the work otherwise."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node.content, dict):
            if "template" in node.content or "extends" in node.content:
                return True
            waiting += node.content.values()
        elif isinstance(node.content, list):
            waiting += node.content
    return False


def expand(root: Node, source: Source) -> Node:
    """Return a file with everything in it that it includes.

    Raises:
        YamlError: What is wrong with the templates, or with how they are used.
    """
    findings = Findings()
    if not isinstance(root.content, dict):
        return root
    made = _Expansion(source, findings).pipeline(root, _File("", _declared(root), ()))
    findings.demand_none()
    return made


def _declared(root: Node) -> dict[str, str]:
    """Return the repositories that a file names, by the names that it gives them."""
    found = {}
    resources = Fields(root).part("resources")
    for part in resources.parts("repositories"):
        if isinstance(part.node.content, dict) and part.text("name"):
            found[part.text("name")] = part.text("repository")
    return found


class _Expansion:
    def __init__(self, source: Source, findings: Findings) -> None:
        self._source = source
        self._findings = findings
        self._files = 0
        self._size = Size()
        self._counted: dict[tuple[tuple[str, str], ...], int] = {}  # references by file

    def pipeline(self, root: Node, file: _File) -> Node:
        """Expand a whole file."""
        extends = root.content.get("extends")
        if extends is not None:
            return self._extended(root, extends, file)
        return self._members(root, (), file)

    # --- whole files ----------------------------------------------------------------------------

    def _extended(self, root: Node, extends: Node, file: _File) -> Node:
        loaded = self._template_of(extends, file)
        if loaded is None:
            return root
        body, inner = loaded
        for key in ("extends", "on"):
            if key in body.content:
                self._findings.error_at_key(body, (), key, f"a template has no {key!r}")
        made = _copy(root)
        del made.content["extends"]
        for key in ("stages", "jobs", "steps", "variables", "finally"):
            if key in root.content:
                detail = f"{key!r} can't stand beside 'extends'"
                self._findings.error_at_key(root, (), key, detail)
        for key, item in self._members(body, (), inner).content.items():
            if key not in made.content and key != "parameters":
                made.content[key] = item
                made.keys[key] = body.keys.get(key, (item.line, item.column))
        self._override(made, Fields(extends))
        return made

    def _template_of(self, extends: Node, file: _File) -> tuple[Node, _File] | None:
        """Load the file that a whole pipeline comes from."""
        path: Path = ("extends", "template")
        part = Fields(extends)
        reference = part.get("template")
        if reference is None:
            self._findings.error(extends, ("extends",), "'extends' needs a 'template'")
            return None
        name = reference.text
        if isinstance(reference.content, dict):
            name = Fields(reference).text("path")
        if not name:
            detail = "templates of a platform are not here; name a file by 'path'"
            self._findings.error(reference, path, detail)
            return None
        return self._load(reference, name, part.part("parameters"), path, file)

    def _override(self, made: Node, extends: Fields) -> None:
        """Give variables of the template other values (v3.0)."""
        given = extends.get("variables")
        if given is None or not isinstance(given.content, dict):
            return
        variables = made.content.get("variables")
        known = variables.content if variables is not None else {}
        for name, item in given.content.items():
            if name not in known:
                detail = f"the template has no variable {name[:60]!r}"
                self._findings.error_at_key(
                    given, ("extends", "variables"), name, detail, near(name, known)
                )
            elif isinstance(known[name].content, dict):
                changed = _copy(known[name])
                members = item.content if isinstance(item.content, dict) else {"value": item}
                for key, member in members.items():
                    changed.content[key] = member
                    changed.keys[key] = (member.line, member.column)
                known[name] = changed
            else:
                known[name] = item

    # --- parts of files -------------------------------------------------------------------------

    def _members(self, node: Node, path: Path, file: _File) -> Node:
        """Expand what stands in a mapping."""
        made = _copy(node)
        for key, item in node.content.items():
            where = (*path, key)
            made.content[key] = self._member(key, item, where, file)
        return made

    def _member(self, key: str, item: Node, path: Path, file: _File) -> Node:
        if key in _CHECKS and isinstance(item.content, dict):
            return self._members(item, path, file)
        if key in _LISTS and isinstance(item.content, list):
            return self._list(key, item, path, file)
        if key in _OF_JOB_MAPS and isinstance(item.content, dict):
            return self._map(key, item, path, file)
        if key == "variables" and isinstance(item.content, dict) and not path[1:]:
            return self._map(key, item, path, file)
        return item

    def _list(self, kind: str, node: Node, path: Path, file: _File) -> Node:
        made = Node(node.line, node.column, [], file=node.file)
        for number, item in enumerate(node.content):
            where = (*path, str(number))
            if not isinstance(item.content, dict):
                made.content.append(item)
            elif "template" in item.content:
                made.content += self._included_list(kind, item, where, file)
            else:
                made.content.append(self._members(item, where, file))
        return made

    def _included_list(self, kind: str, item: Node, path: Path, file: _File) -> list[Node]:
        for key in item.content:
            if key not in {"template", "parameters"}:
                self._findings.error_at_key(
                    item, path, key, f"{key!r} can't stand beside a template"
                )
        found = self._body(kind, item, path, file)
        if found is None:
            return []
        body, inner = found
        if not isinstance(body.content, list):
            self._findings.error(body, (kind,), f"{kind!r} of a template must be a list")
            return []
        items: list[Node] = self._list(kind, body, (kind,), inner).content
        return items

    def _map(self, kind: str, node: Node, path: Path, file: _File) -> Node:
        """Expand a map: its key `template` stands for members, and a member may be one file."""
        made = Node(node.line, node.column, {}, file=node.file)
        for key, item in node.content.items():
            where = (*path, key)
            if key == "template":
                for entry in item.content if isinstance(item.content, list) else [item]:
                    self._include_members(made, kind, _entry(entry), where, file)
            elif kind in _OF_JOB_MAPS and isinstance(item.content, dict):
                if "template" in item.content:
                    self._include_members(made, kind, item, where, file)
                else:
                    self._add(made, key, self._members(item, where, file), node, where)
            else:
                self._add(made, key, item, node, where)
        return made

    def _include_members(self, made: Node, kind: str, entry: Node, path: Path, file: _File) -> None:
        found = self._body(kind, entry, path, file)
        if found is None:
            return
        body, inner = found
        if not isinstance(body.content, dict):
            self._findings.error(body, (kind,), f"{kind!r} of a template must be a map")
            return
        for key, item in self._map(kind, body, (kind,), inner).content.items():
            self._add(made, key, item, body, path)

    def _add(self, made: Node, key: str, item: Node, source: Node, path: Path) -> None:
        if key in made.content:
            detail = f"{key[:60]!r} stands in two files"
            self._findings.error(item, path, detail)
        made.content[key] = item
        made.keys[key] = source.keys.get(key, (item.line, item.column))

    # --- files ----------------------------------------------------------------------------------

    def _body(self, kind: str, entry: Node, path: Path, file: _File) -> tuple[Node, _File] | None:
        """Load what an entry names; give the part of that kind."""
        part = Fields(entry)
        reference = part.get("template") or part.get("name")
        if reference is None or isinstance(reference.content, dict | list):
            self._findings.error(entry, path, "a template is named by the path of its file")
            return None
        loaded = self._load(reference, reference.text, part.part("parameters"), path, file)
        if loaded is None:
            return None
        root, inner = loaded
        body = root.content.get(kind)
        if body is None:
            held = ", ".join(key for key in _KINDS[:-1] if key in root.content) or "nothing of use"
            detail = f"the template {reference.text[:100]!r} holds no {kind}, but {held}"
            self._findings.error(reference, path, detail)
            return None
        return body, inner

    def _load(
        self, at: Node, name: str, given: Fields, path: Path, file: _File
    ) -> tuple[Node, _File] | None:
        """Read a template and fill its parameters in; None when that is not possible."""
        identity, problem = self._resolve(name, file)
        problem = problem or self._budget(file)
        found = None if problem else self._read(identity, file)
        if found is None:
            self._findings.error(at, path, problem or self._missing(identity))
            return None
        try:
            root = read_root(*found)
        except YamlError as error:
            self._findings.errors += error.findings
            return None
        if not isinstance(root.content, dict):
            self._findings.error(root, (), "a template must be a map")
            return None
        inner = _File(identity[0], _declared(root), (*file.parents, identity))
        values = read_values(
            self._parameters(root, inner), given, (*path, "parameters"), self._findings
        )
        return Filler(values, self._size).fill(root), inner

    def _read(self, identity: tuple[str, str], file: _File) -> tuple[str, str] | None:
        """Read a file of a repository, which goes by the name given to it, or by its own."""
        repository, path = identity
        found = self._source.read(repository, path)
        if found is None and file.known.get(repository):
            found = self._source.read(file.known[repository], path)
        return found

    @staticmethod
    def _resolve(name: str, file: _File) -> tuple[tuple[str, str], str]:
        """Return repository and path that a reference means, and what is wrong with it."""
        place, _, declared = name.partition("@")
        pure = PurePosixPath(place)
        identity = (declared or file.repository, str(pure))
        if declared and declared not in file.known:
            problem = f"'resources.repositories' of this file names no {declared[:60]!r}"
            hint = near(declared, file.known)
            return identity, f"{problem}; {hint}" if hint else problem
        if not place or pure.is_absolute() or ".." in pure.parts or set(place) & {"\0", "\\"}:
            return identity, f"{place[:100]!r} is no path below {FOLDER}"
        if identity in file.parents:
            chain = " -> ".join(each for _, each in (*file.parents, identity))
            return identity, f"templates include each other in a circle: {chain}"
        return identity, ""

    def _missing(self, identity: tuple[str, str]) -> str:
        if isinstance(self._source, NoFiles):
            return "templates are files: import this with `mulligan import`"
        there = ""
        if identity[0]:
            there = f" of {identity[0]!r}; where that is says --repo {identity[0]}=FOLDER"
        return f"there is no template {identity[1][:100]!r} in {FOLDER}{there}"

    def _budget(self, file: _File) -> str:
        """Say why no further template may be included; "" if one may."""
        key = file.parents
        self._files += 1
        if len(key) >= MOST_DEPTH:
            return f"templates are nested more than {MOST_DEPTH} deep"
        if self._files > MOST_FILES:
            return f"more than {MOST_FILES} templates are included in all"
        counts = self._counted.setdefault(key, 0) + 1
        self._counted[key] = counts
        if counts > MOST_REFERENCES:
            return f"a file includes more than {MOST_REFERENCES} templates"
        return ""

    def _parameters(self, root: Node, file: _File) -> list[Node]:
        """Return the declared parameters, those of included files among them."""
        node = root.content.get("parameters")
        if node is None or node.content is None:
            return []
        if not isinstance(node.content, list):
            self._findings.error(node, ("parameters",), "must be a list")
            return []
        found: list[Node] = []
        for number, item in enumerate(node.content):
            if isinstance(item.content, dict) and "template" in item.content:
                where = ("parameters", str(number))
                body = self._body("parameters", item, where, file)
                if body is not None and isinstance(body[0].content, list):
                    found += body[0].content
            else:
                found.append(item)
        return found


def _copy(node: Node) -> Node:
    made = Node(node.line, node.column, dict(node.content), file=node.file)
    made.keys = dict(node.keys)
    return made


def _entry(node: Node) -> Node:
    """Give the long form of an entry of `template:` in a map."""
    if isinstance(node.content, dict):
        return node
    made = node_of({"template": None}, node)
    made.content["template"] = node
    return made
