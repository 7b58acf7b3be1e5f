"""Templates of pipelines: numbered versions of a model, and the pipelines made from them."""

from typing import Any

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, InvalidError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.items import (
    ItemChange,
    PipelineTemplate,
    TemplateInstance,
    TemplateVersion,
    new_fields,
)
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.rights import Actor
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.catalog import Catalog, Definition
from mulligan.engine.commands import ReceiptRequest
from mulligan.ports import Acts, Clock, Ids, Store

MOST_TEMPLATES = 1000  # of one project
MOST_VERSIONS = 1000  # of one template
MOST_INSTANCES = 10_000  # of one template


class Templates:
    """The use cases. Rights are checked by the callers."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, catalog: Catalog) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalog = catalog

    async def get(self, project: str, ident: str) -> PipelineTemplate:
        """Return a template.

        Raises:
            NotFoundError: No such template in the project (kind "template").
        """
        found = await self._store.find_item(PipelineTemplate, ProjectId(project), ident)
        if found is None:
            raise NotFoundError("template", ident)
        return found

    async def versions(self, template: PipelineTemplate) -> tuple[TemplateVersion, ...]:
        """Return the versions of a template, newest first."""
        found = await self._store.list_items(
            TemplateVersion, template.project, parent=template.id, limit=MOST_VERSIONS
        )
        return tuple(reversed(found))

    async def version(
        self, template: PipelineTemplate, number: int | None = None, title: str = ""
    ) -> TemplateVersion:
        """Return the newest version, that with a number, or the newest with a title.

        Raises:
            NotFoundError: There is none (kind "template-version").
        """
        for version in await self.versions(template):
            if number in {None, version.version} and title in {"", version.title}:
                return version
        raise NotFoundError("template-version", str(number) if number is not None else title)

    async def instances(self, template: PipelineTemplate) -> tuple[TemplateInstance, ...]:
        """Return what was made from a template, oldest first, also of deleted pipelines."""
        return await self._store.list_items(
            TemplateInstance, template.project, parent=template.id, limit=MOST_INSTANCES
        )

    async def create(
        self,
        actor: Actor,
        project: str,
        definition: Definition,
        settings: PipelineSettings,
        title: str,
        receipt: ReceiptRequest | None = None,
    ) -> PipelineTemplate:
        """Make a template with its first version.

        Raises:
            ConflictError: The name is taken (code "template").
            InvalidError: The project has too many templates.
        """
        template = PipelineTemplate(
            **self._fields(actor, project, self._ids.hex32(), definition.spec.name),
            newest=1,
            description=definition.description,
        )
        version = self._version(actor, template, definition, settings, title)
        async with self._catalog.changing:
            others = await self._store.list_items(
                PipelineTemplate, template.project, limit=1, offset=MOST_TEMPLATES - 1
            )
            if others:
                raise _too_many(MOST_TEMPLATES)
            acts = self._acts(actor, "template.create", template, receipt)
            await self._store.change_items(ItemChange(put=(template, version)), acts)
        return template

    async def update(
        self,
        actor: Actor,
        project: str,
        ident: str,
        definition: Definition,
        settings: PipelineSettings,
        title: str,
        receipt: ReceiptRequest | None = None,
    ) -> PipelineTemplate:
        """Add a version; pipelines made from others stay as they are until they are updated.

        Raises:
            ConflictError: The name is taken (code "template").
            InvalidError: The template has too many versions.
        """
        async with self._catalog.changing:
            template = await self.get(project, ident)
            if len(await self.versions(template)) >= MOST_VERSIONS:
                raise _too_many(MOST_VERSIONS)
            changed = replace(
                template,
                name=definition.spec.name,
                description=definition.description,
                newest=template.newest + 1,
                updated_by=actor.user,
                updated_at=self._clock.now(),
            )
            version = self._version(actor, changed, definition, settings, title)
            acts = self._acts(actor, "template.update", changed, receipt)
            await self._store.change_items(ItemChange(put=(changed, version)), acts)
        return changed

    async def drop(
        self, actor: Actor, project: str, ident: str, receipt: ReceiptRequest | None = None
    ) -> None:
        """Delete a template with its versions.

        Raises:
            ConflictError: Pipelines are instances of it (code "template-in-use").
        """
        async with self._catalog.changing:
            template = await self.get(project, ident)
            await self._demand_unused(template, None)
            versions, instances = await self.versions(template), await self.instances(template)
            acts = self._acts(actor, "template.delete", template, receipt)
            await self._store.change_items(ItemChange(drop=(template, *versions, *instances)), acts)

    async def drop_version(
        self,
        actor: Actor,
        project: str,
        ident: str,
        number: int,
        receipt: ReceiptRequest | None = None,
    ) -> None:
        """Delete one version.

        Raises:
            ConflictError: Pipelines are instances of it, or it is the only one (code
                "template-in-use").
        """
        async with self._catalog.changing:
            template = await self.get(project, ident)
            version = await self.version(template, number)
            await self._demand_unused(template, number)
            if len(await self.versions(template)) == 1:
                raise ConflictError(
                    "the only version of a template stays; delete the template",
                    code="template-in-use",
                )
            acts = self._acts(actor, "template.delete-version", template, receipt)
            await self._store.change_items(ItemChange(drop=(version,)), acts)

    async def _demand_unused(self, template: PipelineTemplate, number: int | None) -> None:
        for instance in await self.instances(template):
            if number not in {None, instance.version}:
                continue
            pipeline = await self._store.find_pipeline(instance.pipeline)
            if pipeline is not None and pipeline.deleted_at is None:
                raise ConflictError(
                    f"pipeline {pipeline.name!r} is an instance of it", code="template-in-use"
                )

    async def instantiate(
        self,
        actor: Actor,
        version: TemplateVersion,
        definition: Definition,
        settings: PipelineSettings,
        receipt: ReceiptRequest | None = None,
    ) -> Pipeline:
        """Make a pipeline that is an instance of a version. Raises as `create_pipeline`."""

        async def items(pipeline: Pipeline) -> tuple[TemplateInstance, ...]:
            fields = self._fields(actor, version.project, pipeline.id, pipeline.id)
            return (TemplateInstance(**fields, parent=version.parent, version=version.version),)

        return await self._catalog.create_pipeline(
            actor, version.project, definition, settings, receipt, items=items
        )

    async def update_instance(
        self,
        actor: Actor,
        pipeline: Pipeline,
        version: TemplateVersion,
        definition: Definition,
        settings: PipelineSettings | None,
    ) -> Pipeline:
        """Bring an instance to a version of its template. Raises as `edit_pipeline`."""
        instance = await self._store.find_item(TemplateInstance, pipeline.project, pipeline.id)
        if instance is None or instance.parent != version.parent:
            raise NotFoundError("template-instance", pipeline.id)
        changed = replace(
            instance,
            version=version.version,
            updated_by=actor.user,
            updated_at=self._clock.now(),
        )

        async def items(_pipeline: Pipeline) -> tuple[TemplateInstance, ...]:
            return (changed,)

        return await self._catalog.edit_pipeline(
            actor, pipeline, definition, settings=settings, items=items
        )

    def _version(
        self,
        actor: Actor,
        template: PipelineTemplate,
        definition: Definition,
        settings: PipelineSettings,
        title: str,
    ) -> TemplateVersion:
        ident = f"{template.id}:{template.newest}"
        return TemplateVersion(
            **self._fields(actor, template.project, ident, ident),
            parent=template.id,
            version=template.newest,
            title=title,
            source=definition.source,
            settings=settings,
        )

    def _fields(self, actor: Actor, project: str, ident: str, name: str) -> dict[str, Any]:
        return new_fields(actor.user, self._clock.now(), project, ident, name)

    def _acts(
        self,
        actor: Actor,
        action: str,
        template: PipelineTemplate,
        receipt: ReceiptRequest | None,
    ) -> Acts:
        acts = audited(
            self._clock,
            actor,
            action,
            project=template.project,
            target=template.id,
            name=template.name,
        )
        return with_receipt(self._clock, acts, actor, receipt, template)


def _too_many(most: int) -> InvalidError:
    return InvalidError(f"at most {most} are allowed", code="item-count", values=("1", str(most)))
