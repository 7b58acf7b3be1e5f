"""Drafts: definitions that are kept beside the released versions until they are released.

A draft never runs. It is a document with the number that it will have; the versions stay as they
are. A pipeline may have nothing but a draft: its `version` is 0 then, and it can't start.
"""

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.items import ItemChange, PipelineDraft, new_fields
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.rights import Actor
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.catalog import Catalog, Definition, MakeItems, next_version
from mulligan.engine.commands import ReceiptRequest
from mulligan.ports import Clock, Store


class Drafts:
    """The use cases of drafts. Rights are checked by the callers."""

    def __init__(self, *, store: Store, clock: Clock, catalog: Catalog) -> None:
        self._store = store
        self._clock = clock
        self._catalog = catalog

    async def get(self, pipeline: Pipeline, version: int) -> PipelineDraft:
        """Return the draft with that number.

        Raises:
            NotFoundError: The pipeline has none, or one with another number (kind "version").
        """
        draft = await self._catalog.find_draft(pipeline)
        if draft is None or draft.version != version:
            raise NotFoundError("version", str(version))
        return draft

    async def begin(
        self,
        actor: Actor,
        project_id: str,
        definition: Definition,
        settings: PipelineSettings,
        receipt: ReceiptRequest | None = None,
    ) -> PipelineDraft:
        """Make a pipeline that has only a draft.

        Raises:
            ConflictError: The name is taken (code "pipeline-name").
        """
        pipeline = await self._catalog.new_pipeline(
            actor, project_id, definition, settings, version=0
        )
        draft = self._draft(actor, pipeline, definition, settings, version=1)
        async with self._catalog.changing:
            await self._catalog.demand_free_name(pipeline)
            acts = audited(
                self._clock,
                actor,
                "pipeline.create-draft",
                project=pipeline.project,
                target=pipeline.id,
                version="1",
            )
            acts = replace(acts, items=ItemChange(put=(draft,)))
            acts = with_receipt(self._clock, acts, actor, receipt, draft)
            await self._store.put_pipeline(pipeline, None, acts)
        return draft

    async def save(
        self,
        actor: Actor,
        pipeline: Pipeline,
        definition: Definition,
        settings: PipelineSettings | None = None,
        *,
        base: int | None = None,
        base_revision: int | None = None,
        receipt: ReceiptRequest | None = None,
    ) -> PipelineDraft:
        """Make the draft of a pipeline, or replace it.

        Args:
            settings: None = those that the draft or the pipeline has.
            base: The version that the caller began with: the released one, or that of the draft.
            base_revision: The revision of the draft that the caller has seen; None = any.

        Raises:
            ConflictError: Somebody released or saved another one meanwhile (code "draft").
        """
        async with self._catalog.changing:
            newest = await self._catalog.get_pipeline(pipeline.project, pipeline.id)
            before = await self._catalog.find_draft(newest)
            _demand_fresh(newest, before, base, base_revision)
            kept = before.settings if before else newest.settings
            made_from = definition.made_from
            if not made_from:
                made_from = (
                    before.made_from if before and base != newest.version else newest.version
                )
            draft = self._draft(
                actor,
                newest,
                replace(definition, made_from=made_from),
                settings or kept,
                version=_number(newest, before),
            )
            if before is not None:
                draft = replace(
                    draft,
                    number=before.number,
                    revision=before.revision + 1,
                    created_by=before.created_by,
                    created_at=before.created_at,
                )
            acts = audited(
                self._clock,
                actor,
                "pipeline.draft",
                project=pipeline.project,
                target=pipeline.id,
                version=str(draft.version),
            )
            acts = with_receipt(self._clock, acts, actor, receipt, draft)
            await self._store.change_items(ItemChange(put=(draft,)), acts)
        return draft

    async def roll_back(
        self,
        actor: Actor,
        pipeline: Pipeline,
        version: int,
        receipt: ReceiptRequest | None = None,
    ) -> PipelineDraft:
        """Make an old version the draft; nothing runs, and nothing is released.

        Raises:
            NotFoundError: There is no such version (kind "version").
        """
        old = await self._catalog.get_version(pipeline, version)
        definition = Definition(
            spec=replace(old.spec, name=pipeline.name),
            dialect=old.dialect,
            source={**old.source, "name": pipeline.name},
            description=pipeline.description,
            made_from=version,
        )
        settings = pipeline.settings
        return await self.save(actor, pipeline, definition, settings, receipt=receipt)

    async def release(
        self,
        actor: Actor,
        pipeline: Pipeline,
        draft: PipelineDraft,
        note: str = "",
        *,
        items: MakeItems | None = None,
        receipt: ReceiptRequest | None = None,
    ) -> Pipeline:
        """Release a draft: a new version, with its number; `items` as for `edit_pipeline`.

        Raises:
            ConflictError: It, or the pipeline, was changed meanwhile (code "draft"), or its name
                is taken (code "pipeline-name").
        """
        definition = Definition(
            spec=draft.spec,
            dialect=draft.dialect,
            source=draft.source,
            description=draft.description,
            note=note or draft.note,
            made_from=draft.made_from,
        )
        return await self._catalog.edit_pipeline(
            actor,
            pipeline,
            definition,
            settings=draft.settings,
            draft=draft,
            items=items,
            receipt=receipt,
        )

    def _draft(
        self,
        actor: Actor,
        pipeline: Pipeline,
        definition: Definition,
        settings: PipelineSettings,
        *,
        version: int,
    ) -> PipelineDraft:
        fields = new_fields(
            actor.user, self._clock.now(), pipeline.project, pipeline.id, pipeline.id
        )
        return PipelineDraft(
            **fields,
            version=version,
            spec=definition.spec,
            dialect=definition.dialect,
            source=definition.source,
            settings=settings,
            made_from=definition.made_from,
            beside=pipeline.version,
            title=definition.spec.name,
            description=definition.description,
            note=definition.note,
        )


def _number(pipeline: Pipeline, draft: PipelineDraft | None) -> int:
    """Return the number of the draft: it keeps it until another version is released."""
    if draft is not None and draft.version > pipeline.version:
        return draft.version
    return next_version(pipeline, draft)


def _demand_fresh(
    pipeline: Pipeline, draft: PipelineDraft | None, base: int | None, revision: int | None
) -> None:
    if revision is not None and revision != (draft.revision if draft else 0):
        raise ConflictError("the draft was saved by somebody else meanwhile", code="draft")
    known = {None, pipeline.version}
    if draft is not None and draft.beside == pipeline.version:
        known |= {draft.version, draft.made_from}
    if base not in known:
        raise ConflictError(
            f"version {base} is not the newest any more: {pipeline.version} is released",
            code="draft",
        )
