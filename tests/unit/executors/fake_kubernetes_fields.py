"""Managed fields of a fake API server: server-side apply with conflicts, as the real one has it.

A field is a path of elements: a key of an object, or `k:{"name":"app"}` for an item of a list
that is merged by keys. Lists without keys, and some maps, are one field ("atomic").
"""

from __future__ import annotations

import copy
import json
from typing import Any

Document = dict[str, Any]
Path = tuple[str, ...]

LIST_KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
}
PORT_KEYS = {"Service": ("port", "protocol"), "": ("containerPort", "protocol")}
ATOMIC_MAPS = {("spec", "selector")}
UNSTRUCTURED = ("VirtualService", "DestinationRule")
UNTRACKED = ("apiVersion", "kind", "status")
UNTRACKED_METADATA = (
    "name",
    "namespace",
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
)


def keys_of(name: str, kind: str) -> tuple[str, ...]:
    """Return the keys by which a list is merged; empty for an atomic one."""
    if name == "ports":
        return PORT_KEYS["Service" if kind == "Service" else ""]
    return LIST_KEYS.get(name, ())


def element(item: Document, keys: tuple[str, ...]) -> str:
    """Name an item of a merged list."""
    value = {key: item.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return "k:" + json.dumps(value, separators=(",", ":"))


def leaves(document: Document) -> dict[Path, Any]:
    """Return all fields that can be managed, with their values."""
    kind = str(document.get("kind", ""))
    found: dict[Path, Any] = {}

    def walk(value: Any, path: Path) -> None:
        keys = keys_of(path[-1], kind) if path else ()
        atomic = path in ATOMIC_MAPS or (kind in UNSTRUCTURED and path == ("spec",))
        if isinstance(value, dict) and value and not atomic:
            for key, inner in value.items():
                walk(inner, (*path, key))
        elif isinstance(value, list) and keys:
            for item in value:
                walk(item, (*path, element(item, keys)))
        else:
            found[path] = value

    for name, value in document.items():
        if name in UNTRACKED:
            continue
        if name == "metadata":
            value = {key: one for key, one in value.items() if key not in UNTRACKED_METADATA}
            if not value:
                continue
        walk(value, (name,))
    return found


def set_field(document: Document, path: Path, value: Any) -> None:
    """Set a field, making what leads to it."""
    here: Any = document
    for index, name in enumerate(path[:-1]):
        if name.startswith("k:"):
            here = item_of(here, name)
        else:
            inner = path[index + 1]
            here = here.setdefault(name, [] if inner.startswith("k:") else {})
    here[path[-1]] = copy.deepcopy(value)


def item_of(items: list[Document], name: str) -> Document:
    """Find an item of a merged list by its keys, or add it."""
    wanted = json.loads(name[2:])
    for item in items:
        if all(
            item.get(key, "TCP" if key == "protocol" else None) == value
            for key, value in wanted.items()
        ):
            return item
    items.append(dict(wanted))
    return items[-1]


def remove_field(document: Document, path: Path) -> None:
    """Remove a field, and what is empty without it."""
    here: Any = document
    trail: list[tuple[Any, Any]] = []
    for name in path[:-1]:
        if name.startswith("k:"):
            inner = item_of(here, name)
            trail.append((here, inner))
        else:
            if name not in here:
                return
            inner = here[name]
            trail.append((here, name))
        here = inner
    here.pop(path[-1], None)
    for parent, name in reversed(trail):
        if isinstance(parent, list):
            wanted_only = set(name) <= {"name", "port", "protocol", "containerPort"}
            if wanted_only and "image" not in name:
                parent.remove(name)
        elif not parent[name]:
            parent.pop(name)
        else:
            return


class Managers:
    """Who manages which field of one object: (manager, operation, subresource) → fields."""

    def __init__(self) -> None:
        self.sets: dict[tuple[str, str, str], set[Path]] = {}

    def apply(
        self, live: Document, wanted: Document, manager: str, *, force: bool
    ) -> list[tuple[str, Path]]:
        """Apply `wanted` to `live` in place; returns conflicts, and then nothing is changed."""
        me = (manager, "Apply", "")
        now, new = leaves(live), leaves(wanted)
        conflicts = [
            (other[0], path)
            for path, value in new.items()
            if path in now and now[path] != value
            for other, fields in self.sets.items()
            if other != me and path in fields
        ]
        if conflicts and not force:
            return conflicts
        for _, path in conflicts:
            for other, fields in self.sets.items():
                if other != me:
                    fields.discard(path)
        for path in self.sets.get(me, set()) - set(new):
            others = (fields for other, fields in self.sets.items() if other != me)
            if not any(path in fields for fields in others):
                remove_field(live, path)
        for path, value in new.items():
            set_field(live, path, value)
        self.sets[me] = set(new)
        return []

    def update(
        self, before: Document, after: Document, manager: str, subresource: str = ""
    ) -> None:
        """Record a change by any other kind of request."""
        was, now = leaves(before), leaves(after)
        changed = {path for path, value in now.items() if path not in was or was[path] != value}
        gone = set(was) - set(now)
        for fields in self.sets.values():
            fields -= changed | gone
        self.sets.setdefault((manager, "Update", subresource), set()).update(changed)

    def render(self, api_version: str) -> list[Document]:
        """Write the managed fields as the API shows them."""
        return [
            {
                "manager": manager,
                "operation": operation,
                "apiVersion": api_version,
                "fieldsType": "FieldsV1",
                "fieldsV1": _tree(fields),
                **({"subresource": subresource} if subresource else {}),
            }
            for (manager, operation, subresource), fields in self.sets.items()
            if fields
        ]


def _tree(fields: set[Path]) -> Document:
    tree: Document = {}
    for path in sorted(fields):
        here = tree
        for name in path:
            here = here.setdefault(name if name.startswith("k:") else f"f:{name}", {})
    return tree


def shown(path: Path) -> str:
    """Write a path as the API names fields in conflicts."""
    text = ""
    for name in path:
        if name.startswith("k:"):
            keys = json.loads(name[2:])
            inner = ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items())
            text += f"[{inner}]"
        else:
            text += f".{name}"
    return text
