"""Short ways to read pipeline files in tests."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from mulligan.engine.catalog import Definition
from mulligan.facades.common.ways import Limits
from mulligan.facades.documents import check_document
from mulligan.pipeline_yaml.read import Draft, read_pipeline

FILES = Path(__file__).parent / "files"
NAMES = sorted(path.stem for path in FILES.glob("*.yml"))
V3 = "version: v3.0\n"
V2 = "version: v2.0\n"
STEP = "steps: [{run: make}]\n"


class Counting:
    """Identifiers that are the same each time."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def hex32(self) -> str:
        """Return the next one."""
        return f"{next(self._numbers):032x}"


def draft_of(name: str) -> Draft:
    """Read one of the files."""
    return read_pipeline((FILES / f"{name}.yml").read_text(encoding="utf-8"), name=name)


def model_of(text: str) -> dict[str, Any]:
    """Read a text; give its model."""
    return read_pipeline(text, name="unnamed").model


def job_of(text: str) -> dict[str, Any]:
    """Read a text; give the first job after the trigger."""
    job: dict[str, Any] = model_of(text)["stages"][1]["containers"][0]
    return job


def step_of(text: str) -> dict[str, Any]:
    """Read a text of v3.0; give the first step."""
    step: dict[str, Any] = job_of(text)["elements"][0]
    return step


def triggers_of(text: str) -> list[dict[str, Any]]:
    """Read a text; give the elements of the trigger job."""
    elements: list[dict[str, Any]] = model_of(text)["stages"][0]["containers"][0]["elements"]
    return elements


_ID = re.compile(r"(?:[ec]-)?[0-9a-f]{32}")


def meaning_of(definition: Definition) -> dict[str, Any]:
    """Give what a definition means, without the ids that are new each time."""
    text = _ID.sub("ID", msgspec.json.encode(definition.spec).decode())
    meaning: dict[str, Any] = json.loads(text)
    return meaning


def definition_of(draft: Draft) -> Definition:
    """Store a draft as a server would, with ids that are the same each time."""
    return check_document(draft.document, limits=Limits(), ids=Counting())
