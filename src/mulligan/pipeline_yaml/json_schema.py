"""The JSON Schema of pipeline files, for editors; made from the table of keys."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from mulligan.pipeline_yaml.keys_pipeline import PIPELINE
from mulligan.pipeline_yaml.shapes import V3, Each, Either, Json, MapOf, Object

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def objects_of(shape: Any) -> Iterator[Object]:
    """Yield every object that can stand in a shape, outer ones first; some come again."""
    match shape:
        case Object():
            yield shape
            for key in shape.keys:
                yield from objects_of(key.shape)
        case Each():
            yield from objects_of(shape.item)
        case MapOf():
            yield from objects_of(shape.item)
            for special in shape.special.values():
                yield from objects_of(special)
        case Either():
            for each in shape.shapes:
                yield from objects_of(each)
        case _:
            return


@cache
def all_objects() -> tuple[Object, ...]:
    """Return every object of the table once, the file first."""
    return tuple({each.name: each for each in objects_of(PIPELINE)}.values())


@cache
def make_schema(version: str = V3) -> Json:
    """Return the schema of one version."""
    root = PIPELINE.definition(version)
    root["properties"]["version"] = {"const": version}
    bodies = [{"required": [key]} for key in ("stages", "jobs", "steps", "extends")]
    return {
        "$schema": DRAFT,
        "title": f"Pipeline file {version}",
        **root,
        "oneOf": bodies,
        "$defs": {
            each.name: each.definition(version) for each in all_objects() if each is not PIPELINE
        },
    }
