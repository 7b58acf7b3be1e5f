"""Definitions in any dialect: recognised by their content, stored as their own API stores them.

The SWR dialect is loaded when it is needed first: a start would load a fifth more with it.
"""

import asyncio
from typing import Any

from mulligan.core.errors import InvalidError
from mulligan.core.ids import ProjectId
from mulligan.core.records import Pipeline, PipelineSettings, PipelineVersion
from mulligan.core.rights import Actor
from mulligan.core.spec import Dialect
from mulligan.engine.catalog import Definition
from mulligan.facades.bkci import definitions as bkci
from mulligan.facades.bkci.settings_io import NEW_PIPELINE, read_setting, render_setting
from mulligan.facades.common.sensitive import without_secrets
from mulligan.facades.common.services import Saved, Services
from mulligan.facades.common.ways import Limits
from mulligan.ports import Ids

Json = dict[str, Any]
_SWR = "swr"


def is_swr(document: object) -> bool:
    """Tell whether a document is one of the SWR dialect: its stages have a `service_name`."""
    stages = document.get("stages") if isinstance(document, dict) else None
    if not isinstance(stages, list):
        return False
    return any(isinstance(stage, dict) and "service_name" in stage for stage in stages)


def is_pair(document: object) -> bool:
    """Tell whether a document is a model together with its setting."""
    return isinstance(document, dict) and "stages" not in document and "model" in document


def read_pair(
    document: Json,
    limits: Limits,
    ids: Ids,
    present: PipelineSettings = NEW_PIPELINE,
) -> tuple[Definition, PipelineSettings]:
    """Read `{"model": …, "setting": …}`: what is absent in the setting stays as it is.

    A pipeline that is kept as code, and inherits how placeholders are read, reads `${{ }}` as
    expressions.

    Raises:
        InvalidError: Pointers in it count from the document.
    """
    setting = document.get("setting") or {}
    as_code = setting.get("pipelineAsCodeSettings") if isinstance(setting, dict) else None
    is_code = isinstance(as_code, dict) and as_code.get("enable") is True
    try:
        change = read_setting(
            setting, present, project_dialect=Dialect.CONSTRAINED if is_code else None
        )
    except InvalidError as error:
        raise _below("/setting", error) from None
    dialect = change.settings.dialect
    try:
        definition = bkci.read_definition(
            document["model"], limits=limits, ids=ids, dialect=dialect
        )
    except InvalidError as error:
        raise _below("/model", error) from None
    return definition, change.settings


def _write_yaml(document: Json, pipeline: Pipeline, dialect: str) -> str:
    if dialect == _SWR:
        from mulligan.pipeline_yaml.dump import dump_yaml

        return dump_yaml(document).decode()
    from mulligan.pipeline_yaml.from_model import write_pipeline

    setting = render_setting(pipeline)
    return write_pipeline({**document, "name": pipeline.name}, setting).text


def _below(pointer: str, error: InvalidError) -> InvalidError:
    return InvalidError(
        str(error), pointer=pointer + error.pointer, code=error.code, values=error.values
    )


class AnyDialect:
    """Documents of all dialects, for the own API. Implements `Documents`."""

    async def create(
        self, services: Services, actor: Actor, project: ProjectId, document: object
    ) -> Saved:
        """Make a pipeline; one of the SWR dialect in the group `default`."""
        if is_swr(document):
            from mulligan.facades.swr import documents as swr

            return await swr.create(services, actor, project, document)
        settings = None
        if isinstance(document, dict) and is_pair(document):
            definition, settings = read_pair(document, services.limits, services.ids)
        else:
            definition = bkci.read_definition(document, limits=services.limits, ids=services.ids)
        pipeline = await services.catalog.create_pipeline(actor, project, definition, settings)
        return Saved(pipeline=pipeline, definition=definition)

    async def edit(
        self, services: Services, actor: Actor, pipeline: Pipeline, document: object
    ) -> Saved:
        """Replace a definition by one of the same dialect."""
        version = None
        if pipeline.version:  # else it has only a draft, which is of the BK-CI dialect
            version = await services.catalog.get_version(pipeline)
        dialect = bkci.DIALECT if version is None else version.dialect
        if (dialect == _SWR) != is_swr(document):
            raise InvalidError(
                f"pipeline {pipeline.name!r} was made in the dialect {dialect!r}, "
                "the document is of another one",
                code="dialect",
            )
        if version is not None and dialect == _SWR:
            from mulligan.facades.swr import documents as swr

            return await swr.edit(services, actor, pipeline, version, document)
        settings = None
        if isinstance(document, dict) and is_pair(document):
            definition, settings = read_pair(
                document, services.limits, services.ids, pipeline.settings
            )
        else:
            definition = bkci.read_definition(
                document,
                limits=services.limits,
                ids=services.ids,
                dialect=pipeline.settings.dialect,
            )
        changed = await services.catalog.edit_pipeline(
            actor, pipeline, definition, settings=settings
        )
        return Saved(pipeline=changed, definition=definition)

    async def check(self, services: Services, document: object) -> Definition:
        """Read a document of any dialect without storing it."""
        return await asyncio.to_thread(
            check_document, document, limits=services.limits, ids=services.ids
        )

    async def show(
        self, services: Services, pipeline: Pipeline, version: PipelineVersion, *, may_edit: bool
    ) -> Json:
        """Give the document of a version; it can be stored again as it is."""
        if version.dialect == _SWR:
            from mulligan.facades.swr import documents as swr

            return await swr.show(services, pipeline, version, may_edit=may_edit)
        if may_edit:
            return version.source
        return without_secrets(version.source, await services.plugins.sensitive_inputs())

    async def export(
        self, services: Services, pipeline: Pipeline, version: PipelineVersion, *, may_edit: bool
    ) -> str:
        """Give a version as YAML: a pipeline file of v3.0, or a document of the SWR dialect."""
        document = await self.show(services, pipeline, version, may_edit=may_edit)
        # writing takes a while for a large pipeline
        return await asyncio.to_thread(_write_yaml, document, pipeline, version.dialect)


def check_document(document: object, *, limits: Limits, ids: Ids) -> Definition:
    """Read a document of any dialect without storing it.

    Addresses that only some servers allow are not refused.

    Raises:
        InvalidError: No dialect takes it.
    """
    if isinstance(document, dict) and is_pair(document):
        return read_pair(document, limits, ids)[0]
    if not is_swr(document):
        return bkci.read_definition(document, limits=limits, ids=ids)
    from mulligan.facades.swr import documents as swr

    return swr.check(document, ids)
