"""What may stand where: small shapes that check a node, and describe themselves.

Everything that is said about a key is said once, in the tables of `keys_*`; checking, the JSON
Schema for editors and the reference in the documents are made from them.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from mulligan.pipeline_yaml.findings import Findings, Path
from mulligan.pipeline_yaml.tree import Node

Json = dict[str, Any]
V2, V3 = "v2.0", "v3.0"
BOTH = (V2, V3)

SCALAR, LIST, MAP, NOTHING = "text", "list", "map", "nothing"
_NOUNS = {SCALAR: "a text", LIST: "a list", MAP: "a map", NOTHING: "nothing"}
_MOST_COMPARED = 200  # words; comparing takes long
# How alike an unknown key and a known one are, of 1, when the latter was probably meant.
_LIKENESS = {V2: 0.65, V3: 0.6}
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_EXPRESSION = re.compile(r"\s*\$\{(\{.*\}|[^{}]+)\}\s*", re.DOTALL)
_PLACEHOLDER = {"type": "string", "pattern": r"^\s*\$\{[\s\S]*\}\s*$"}


class State(StrEnum):
    """What becomes of a key."""

    WORKS = "works"
    IGNORED = "ignored"  # with a warning that says why
    REFUSED = "refused"


class Check(msgspec.Struct, frozen=True):
    """What a check works with: where it notes things, and the version of the file."""

    findings: Findings
    version: str = V3


class Shape(Protocol):
    """What may stand at a place. `kinds`: of nodes that can be of this shape."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of nodes."""
        ...

    @property
    def words(self) -> str:
        """Say in a few words what is expected."""
        ...

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Note what is wrong with a node of one of the kinds."""
        ...

    def schema(self, version: str) -> Json:
        """Return the JSON Schema."""
        ...


def kind_of(node: Node) -> str:
    """Return the kind of a node; an empty value is nothing."""
    if isinstance(node.content, dict):
        return MAP
    if isinstance(node.content, list):
        return LIST
    return NOTHING if node.content is None else SCALAR


def is_expression(node: Node) -> bool:
    """Tell whether a scalar is one `${{ … }}`, or one `${…}`."""
    return kind_of(node) == SCALAR and _EXPRESSION.fullmatch(node.text) is not None


def examine(shape: Shape, node: Node, path: Path, check: Check) -> None:
    """Check a node of any kind."""
    if check.findings.is_full:
        return
    kind = kind_of(node)
    if kind in shape.kinds:
        shape.check(node, path, check)
    else:
        check.findings.error(node, path, f"must be {shape.words}, not {_NOUNS[kind]}")


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text; numbers and `on`, `yes` keep their letters."""

    longest: int = 0
    pattern: str = ""
    blank: bool = True

    kinds = (SCALAR, NOTHING)

    @property
    def words(self) -> str:
        """Say what is expected."""
        return "a text"

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check length and form."""
        if self.longest and len(node.text) > self.longest:
            detail = f"has {len(node.text)} characters; {self.longest} are allowed"
            check.findings.error(node, path, detail)
        elif not self.blank and not node.text.strip():
            check.findings.error(node, path, "must not be blank")
        elif self.pattern and not re.fullmatch(self.pattern, node.text):
            check.findings.error(node, path, f"{shown(node)} is not of the form {self.pattern}")

    def schema(self, version: str) -> Json:
        """Return the JSON Schema."""
        del version
        made: Json = {"type": ["string", "number", "boolean", "null"] if self.blank else "string"}
        if self.longest:
            made["maxLength"] = self.longest
        if self.pattern:
            made = {"type": ["string", "number", "boolean"], "pattern": f"^({self.pattern})$"}
        return made


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """True or false."""

    kinds = (SCALAR,)
    words = "true or false"

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check that it is a boolean."""
        if node.text.lower() not in {"true", "false"} and not is_expression(node):
            hint = {"yes": "true", "on": "true", "no": "false", "off": "false"}
            wanted = hint.get(node.text.lower(), "")
            check.findings.error(
                node, path, f"must be true or false, not {shown(node)}", did_you_mean(wanted)
            )

    def schema(self, version: str) -> Json:
        """Return the JSON Schema."""
        del version
        return {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}, _PLACEHOLDER]}


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """A whole number in a range; an expression where the model has a place for one."""

    least: int
    most: int
    or_expression: bool = False

    kinds = (SCALAR,)

    @property
    def words(self) -> str:
        """Say what is expected."""
        also = " or an expression" if self.or_expression else ""
        return f"a whole number from {self.least} to {self.most}{also}"

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check the range."""
        if self.or_expression and is_expression(node):
            return
        text = node.text.strip()
        if not _WHOLE.fullmatch(text) or not self.least <= int(text) <= self.most:
            check.findings.error(node, path, f"must be {self.words}, not {shown(node)}")

    def schema(self, version: str) -> Json:
        """Return the JSON Schema."""
        del version
        number: Json = {"type": "integer", "minimum": self.least, "maximum": self.most}
        digits: Json = {"type": "string", "pattern": "^[0-9]+$"}
        return {"anyOf": [number, digits, *([_PLACEHOLDER] if self.or_expression else [])]}


class Words(msgspec.Struct, frozen=True):
    """One of some words."""

    choices: tuple[str, ...]

    kinds = (SCALAR,)

    @property
    def words(self) -> str:
        """Say what is expected."""
        return "one of " + ", ".join(self.choices)

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check that it is one of them."""
        if node.text not in self.choices:
            check.findings.error(
                node,
                path,
                f"must be {self.words}, not {shown(node)}",
                near(node.text, self.choices),
            )

    def schema(self, version: str) -> Json:
        """Return the JSON Schema."""
        del version
        plain: list[Any] = list(self.choices)
        plain += [word == "true" for word in self.choices if word in {"true", "false"}]
        return {"enum": plain}


class Each(msgspec.Struct, frozen=True):
    """A list; every item has the shape. `or_one`: an item alone is a list of one."""

    item: Any  # a Shape
    or_one: bool = False
    fewest: int = 0
    most: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of nodes."""
        alone = tuple(kind for kind in self.item.kinds if kind != LIST)
        return (LIST, *alone) if self.or_one else (LIST,)

    @property
    def words(self) -> str:
        """Say what is expected."""
        return f"a list, or {self.item.words}" if self.or_one else "a list"

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check every item."""
        if not isinstance(node.content, list):
            if node.content is not None:
                examine(self.item, node, path, check)
            return
        if len(node.content) < self.fewest:
            check.findings.error(node, path, "must not be empty")
        if self.most and len(node.content) > self.most:
            check.findings.error(node, path, f"has {len(node.content)} items; {self.most} may be")
        for number, item in enumerate(node.content):
            examine(self.item, item, (*path, str(number)), check)

    def schema(self, version: str) -> Json:
        """Return the JSON Schema."""
        inner = self.item.schema(version)
        made: Json = {"type": "array", "items": inner}
        if self.fewest:
            made["minItems"] = self.fewest
        if self.most:
            made["maxItems"] = self.most
        return {"anyOf": [made, inner]} if self.or_one else made


class MapOf(msgspec.Struct, frozen=True):
    """A map from free keys to values of one shape. `special`: keys with a shape of their own."""

    item: Any  # a Shape
    key: str = ""  # pattern of the keys
    most: int = 0
    fewest: int = 0
    special: Mapping[str, Any] = {}

    kinds = (MAP,)
    words = "a map"

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check keys and values."""
        if len(node.content) < self.fewest:
            check.findings.error(node, path, "must not be empty")
        if self.most and len(node.content) > self.most:
            check.findings.error(node, path, f"has {len(node.content)} keys; {self.most} may be")
        for key, item in node.content.items():
            shape = self.special.get(key, self.item)
            if shape is self.item and self.key and not re.fullmatch(self.key, key):
                detail = f"the key {key[:60]!r} is not of the form {self.key}"
                check.findings.error_at_key(node, path, key, detail)
            examine(shape, item, (*path, key), check)

    def schema(self, version: str) -> Json:
        """Return the JSON Schema."""
        made: Json = {"type": "object", "additionalProperties": self.item.schema(version)}
        if self.key:
            names: Json = {"pattern": f"^({self.key})$"}
            if self.special:
                names = {"anyOf": [names, {"enum": list(self.special)}]}
            made["propertyNames"] = names
        if self.special:
            made["properties"] = {
                name: shape.schema(version) for name, shape in self.special.items()
            }
        return made


class Anything(msgspec.Struct, frozen=True):
    """Any value."""

    kinds = (SCALAR, LIST, MAP, NOTHING)
    words = "any value"

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Find nothing wrong."""

    def schema(self, version: str) -> Json:
        """Return the JSON Schema."""
        del version
        return {}


class Either(msgspec.Struct, frozen=True):
    """One of some shapes; which one follows from the kind of the node."""

    shapes: tuple[Any, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of nodes."""
        return tuple(kind for shape in self.shapes for kind in shape.kinds)

    @property
    def words(self) -> str:
        """Say what is expected."""
        return ", or ".join(shape.words for shape in self.shapes)

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check it by the shape that fits its kind."""
        kind = kind_of(node)
        next(shape for shape in self.shapes if kind in shape.kinds).check(node, path, check)

    def schema(self, version: str) -> Json:
        """Return the JSON Schema."""
        return {"anyOf": [shape.schema(version) for shape in self.shapes]}


class Note(msgspec.Struct, frozen=True):
    """A line in both languages."""

    en: str
    zh: str


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key of an object, and all that is said about it.

    Args:
        note: What it is.
        default: As the documents show it.
        why: Why it is ignored or refused.
        sample: YAML of a value, for tests and documents.
        target: Name of the member of the model that it becomes; "" = see the code.
    """

    name: str
    shape: Any  # a Shape
    note: Note
    sample: str
    default: str = ""
    versions: tuple[str, ...] = BOTH
    state: State = State.WORKS
    why: Note = Note("", "")
    is_required: bool = False


Rule = Callable[[Node, Path, Check], None]


class Object(msgspec.Struct, frozen=True, kw_only=True):
    """A map with known keys. `rules` look at several keys together.

    Other keys are errors in v3.0; v2.0 never minded them, so there they are warned about, unless
    one that is known was probably meant. A key with nothing behind it is as good as absent.
    """

    name: str
    title: Note
    keys: tuple[Key, ...]
    rules: tuple[Rule, ...] = ()

    kinds = (MAP,)

    @property
    def words(self) -> str:
        """Say what is expected."""
        return "a map"

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check every key."""
        known = {key.name: key for key in self.keys}
        for name in node.content:
            if check.findings.is_full:
                return
            key = known.get(name)
            if key is None:
                self._unknown(node, path, name, check)
            else:
                self._known(key, node, path, check)
        for key in self.keys:
            if key.is_required and not has(node, key.name):
                check.findings.error(node, path, f"{key.name!r} is missing")
        for rule in self.rules:
            rule(node, path, check)

    @staticmethod
    def _known(key: Key, node: Node, path: Path, check: Check) -> None:
        item = node.content[key.name]
        where = (*path, key.name)
        if check.version not in key.versions:
            detail = f"{key.name!r} is not a key of {check.version}, only of {key.versions[0]}"
            if check.version != V2:
                check.findings.error_at_key(node, path, key.name, detail)
                return
            check.findings.warn(item, where, detail)
        if key.state is State.REFUSED:
            detail = f"{key.name!r} is not taken: {key.why.en}"
            check.findings.error_at_key(node, path, key.name, detail)
        elif item.content is not None:
            if key.state is State.IGNORED:
                check.findings.warn(item, where, f"{key.name!r} is ignored: {key.why.en}")
            examine(key.shape, item, where, check)

    def _unknown(self, node: Node, path: Path, name: str, check: Check) -> None:
        names = [key.name for key in self.keys if check.version in key.versions]
        detail = f"unknown key {name[:60]!r} in {self.title.en}"
        if check.version == V2 and check.findings.has_many_warnings:
            return
        hint = near(name, names, likeness=_LIKENESS[check.version])
        if check.version == V2 and not hint:
            check.findings.warn(node.content[name], (*path, name), f"{detail}; it is ignored")
        else:
            check.findings.error_at_key(node, path, name, detail, hint)

    def schema(self, version: str) -> Json:
        """Return a reference; `definition` is what it refers to."""
        del version
        return {"$ref": f"#/$defs/{self.name}"}

    def definition(self, version: str) -> Json:
        """Return the JSON Schema of the object itself."""
        keys = [key for key in self.keys if version in key.versions]
        made: Json = {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                key.name: key.shape.schema(version) | {"description": key.note.en}
                for key in keys
                if key.state is not State.REFUSED
            },
        }
        required = [key.name for key in keys if key.is_required]
        return made | ({"required": required} if required else {})


def has(node: Node, key: str) -> bool:
    """Tell whether a mapping has a key with something behind it."""
    item = node.content.get(key)
    return item is not None and item.content is not None


def shown(node: Node) -> str:
    """Give a scalar as it is shown in messages."""
    text = node.text if len(node.text) <= 60 else node.text[:57] + "..."
    return repr(text)


def near(word: str, words: Any, *, likeness: float = 0.6) -> str:
    """Ask whether the nearest of the words was meant; "" if none is near, or there are many."""
    if len(words) > _MOST_COMPARED:
        return ""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=likeness)
    return did_you_mean(found[0] if found else "")


def did_you_mean(word: str) -> str:
    """Give the hint."""
    return f"did you mean {word!r}?" if word else ""
