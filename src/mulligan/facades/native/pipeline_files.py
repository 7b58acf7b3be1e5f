"""Definitions as they are sent: JSON, or YAML that may be a pipeline file of v2.0 or v3.0."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mulligan.core.errors import InvalidError
from mulligan.facades.native.cautions import find_cautions
from mulligan.facades.native.documents import read_document
from mulligan.facades.native.problems import FileRefusedError, ProblemItem
from mulligan.facades.native.shapes import Caution

if TYPE_CHECKING:
    from mulligan.engine.catalog import Definition
    from mulligan.pipeline_yaml.findings import Finding
    from mulligan.pipeline_yaml.read import Draft


class Given:
    """A definition: the document for the dialects, and where its parts stood in the file."""

    def __init__(self, document: Any, draft: Draft | None = None) -> None:
        self.document = document
        self._draft = draft

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Say of an error in the model where it stands in the file.

        Raises:
            FileRefusedError: Instead of an InvalidError.
        """
        try:
            yield
        except InvalidError as error:
            if self._draft is None:
                raise
            found = self._draft.locate(error.pointer, str(error))
            raise FileRefusedError([_item(found)], code=error.code) from None

    def cautions(self, definition: Definition, installed: Collection[str]) -> tuple[Caution, ...]:
        """Name what can't run here, with its place. `installed`: codes of plugins."""
        found = find_cautions(definition, installed)
        draft = self._draft
        if draft is None:
            return found
        placed = [_caution(finding) for finding in draft.warnings]
        placed += [_caution(draft.locate(each.pointer, each.detail)) for each in found]
        return tuple(placed)


def read_yaml_file(data: bytes, name: str) -> Given:
    """Read YAML: a pipeline file, or a document of any dialect written in YAML.

    Args:
        name: Of the pipeline, if the file says none.

    Raises:
        DocumentError: It is malformed.
        FileRefusedError: A pipeline file with errors; it names them all.
    """
    document = read_document(data, is_yaml=True)
    # imported where it is needed: a server starts without it
    from mulligan.pipeline_yaml.findings import YamlError
    from mulligan.pipeline_yaml.read import is_pipeline, read_pipeline

    if not is_pipeline(document):
        return Given(document)
    try:
        draft = read_pipeline(data.decode("utf-8-sig"), name=name)
    except YamlError as error:
        raise FileRefusedError([_item(found) for found in error.findings]) from None
    return Given(draft.document, draft)


def _item(found: Finding) -> ProblemItem:
    return ProblemItem(
        detail=found.text, pointer=found.pointer, line=found.line, column=found.column
    )


def _caution(found: Finding) -> Caution:
    return Caution(pointer=found.pointer, detail=found.text, line=found.line, column=found.column)
