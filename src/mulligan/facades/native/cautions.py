"""What a definition holds that was taken in, but can't run here."""

from collections.abc import Collection, Iterator
from typing import Any

from mulligan.engine.catalog import Definition
from mulligan.facades.native.shapes import Caution


def find_cautions(definition: Definition, installed: Collection[str] = ()) -> tuple[Caution, ...]:
    """Name the steps that have nothing to run them, with the place where they are defined.

    Args:
        installed: Codes of the plugins that are there and may be used in the project.
    """
    places: dict[str, str] | None = None
    found = []
    for stage in definition.spec.stages:
        for job in stage.jobs:
            for step in job.steps:
                if step.kind != "plugin" or step.code in installed:
                    continue
                if places is None:
                    places = dict(_places(definition.source, ""))
                detail = (
                    f"plugin {step.code!r} is not installed, or not enabled in this project; "
                    f"step {step.name!r} will fail"
                )
                found.append(Caution(pointer=places.get(step.id, ""), detail=detail))
    return tuple(found)


def _places(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield every `id` in a document with the pointer to the object that has it."""
    if isinstance(value, dict):
        ident = value.get("id")
        if isinstance(ident, str):
            yield ident, pointer
        for key, item in value.items():
            name = key.replace("~", "~0").replace("/", "~1")
            yield from _places(item, f"{pointer}/{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(item, f"{pointer}/{number}")
