"""How people arrange what a project has: labels in groups, views, machines under one name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.items import (
    Item,
    ItemChange,
    Label,
    LabelGroup,
    NodeGroup,
    View,
    ViewFilter,
    new_fields,
)
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.rights import Actor
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.catalog import Catalog
from mulligan.engine.commands import ReceiptRequest
from mulligan.ports import Acts, Clock, Ids, Store

I = TypeVar("I", bound=Item)  # noqa: E741 - the type of an item

LONGEST_NAME = 64  # characters
MOST_OF_A_KIND = 1000  # in one project
_ID_DIGITS = 16


class Arrangement:
    """The use cases. Rights are checked by the callers; every change is audited."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, catalog: Catalog) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalog = catalog

    # --- what all kinds have in common ----------------------------------------------------------

    async def get(self, kind: type[I], project: str, ident: str) -> I:
        """Return an item.

        Raises:
            NotFoundError: No such item in the project (kind: that of the item).
        """
        found = await self._store.find_item(kind, ProjectId(project), ident)
        if found is None:
            raise NotFoundError(str(kind.__struct_config__.tag), ident)
        return found

    async def rename(
        self,
        actor: Actor,
        kind: type[I],
        project: str,
        ident: str,
        name: str,
        receipt: ReceiptRequest | None = None,
    ) -> I:
        """Give an item another name.

        Raises:
            ConflictError: The name is taken (code: the kind of item).
        """
        return await self._change(actor, kind, project, ident, {"name": name}, receipt)

    async def drop(
        self,
        actor: Actor,
        kind: type[Item],
        project: str,
        ident: str,
        receipt: ReceiptRequest | None = None,
    ) -> None:
        """Delete an item, and a group with its labels."""
        async with self._catalog.changing:
            item = await self.get(kind, project, ident)
            gone: tuple[Item, ...] = (item,)
            if isinstance(item, LabelGroup):
                gone += await self._store.list_items(Label, item.project, parent=item.id)
            await self._store.change_items(
                ItemChange(drop=gone), self._acts(actor, "delete", item, receipt)
            )

    async def _change(
        self,
        actor: Actor,
        kind: type[I],
        project: str,
        ident: str,
        changes: dict[str, Any],
        receipt: ReceiptRequest | None,
    ) -> I:
        """Change some fields of an item as it is now."""
        _check_name(changes)
        async with self._catalog.changing:
            item = await self.get(kind, project, ident)
            changed = replace(item, **changes, updated_by=actor.user, updated_at=self._clock.now())
            await self._store.change_items(
                ItemChange(put=(changed,)), self._acts(actor, "change", changed, receipt)
            )
        return changed

    async def _add(self, actor: Actor, item: I, receipt: ReceiptRequest | None) -> I:
        """Store a new item.

        Raises:
            InvalidError: Its name is malformed, or the project has too many of its kind.
            ConflictError: The name is taken (code: the kind of item).
        """
        _check_name({"name": item.name})
        async with self._catalog.changing:
            others = await self._store.list_items(
                type(item), item.project, limit=1, offset=MOST_OF_A_KIND - 1
            )
            if others:
                raise InvalidError(
                    f"a project has at most {MOST_OF_A_KIND} of these",
                    code="item-count",
                    values=("1", str(MOST_OF_A_KIND)),
                )
            if isinstance(item, Label):
                await self.get(LabelGroup, item.project, item.parent)
            await self._store.change_items(
                ItemChange(put=(item,)), self._acts(actor, "create", item, receipt)
            )
        return item

    def _fields(self, actor: Actor, project: str, name: str) -> dict[str, Any]:
        ident = self._ids.hex32()[-_ID_DIGITS:]
        return new_fields(actor.user, self._clock.now(), project, ident, name)

    def _acts(self, actor: Actor, verb: str, item: Item, receipt: ReceiptRequest | None) -> Acts:
        kind = str(type(item).__struct_config__.tag)
        acts = audited(
            self._clock,
            actor,
            f"{kind}.{verb}",
            project=item.project,
            target=item.id,
            name=item.name,
        )
        return with_receipt(self._clock, acts, actor, receipt, item)

    # --- labels ---------------------------------------------------------------------------------

    async def labels(self, project: str) -> dict[str, Label]:
        """Return the labels of a project by id."""
        found = await self._store.list_items(Label, ProjectId(project))
        return {label.id: label for label in found}

    async def with_labels(
        self, project: str, settings: PipelineSettings, before: PipelineSettings | None = None
    ) -> PipelineSettings:
        """Return settings with the labels that there are.

        Args:
            before: What the settings were; a label that is gone since is just left out.

        Raises:
            NotFoundError: There is no label with an id that is new in them (kind "label").
        """
        known = await self.labels(project)
        old = before.labels if before is not None else ()
        for ident in settings.labels:
            if ident not in known and ident not in old:
                raise NotFoundError("label", ident)
        labels = tuple(ident for ident in dict.fromkeys(settings.labels) if ident in known)
        return replace(settings, labels=labels)

    async def add_label_group(
        self, actor: Actor, project: str, name: str, receipt: ReceiptRequest | None = None
    ) -> LabelGroup:
        """Make a group of labels."""
        group = LabelGroup(**self._fields(actor, project, name))
        return await self._add(actor, group, receipt)

    async def add_label(
        self,
        actor: Actor,
        project: str,
        group: str,
        name: str,
        receipt: ReceiptRequest | None = None,
    ) -> Label:
        """Make a label.

        Raises:
            NotFoundError: No such group (kind "label-group").
        """
        label = Label(**self._fields(actor, project, name), parent=group)
        return await self._add(actor, label, receipt)

    # --- views ----------------------------------------------------------------------------------

    async def views(self, actor: Actor, project: str) -> tuple[View, ...]:
        """Return the views of a project and those of the actor, oldest first."""
        found = await self._store.list_items(View, ProjectId(project))
        return tuple(view for view in found if view.parent in {"", actor.user})

    async def save_view(
        self,
        actor: Actor,
        project: str,
        form: ViewForm,
        ident: str = "",
        receipt: ReceiptRequest | None = None,
    ) -> View:
        """Make a view, or replace what one selects (`ident`).

        Raises:
            NotFoundError: It selects pipelines that are not there, or there is no such view.
            ConflictError: The name is taken (code "view").
        """
        for pipeline in form.pipelines:
            await self._catalog.get_pipeline(project, pipeline)
        content: dict[str, Any] = {
            "name": form.name,
            "parent": "" if form.is_projects else actor.user,
            "is_dynamic": form.is_dynamic,
            "needs_all": form.needs_all,
            "filters": form.filters,
            "pipelines": tuple(dict.fromkeys(form.pipelines)),
        }
        if ident:
            return await self._change(actor, View, project, ident, content, receipt)
        view = View(**(self._fields(actor, project, form.name) | content))
        return await self._add(actor, view, receipt)

    async def fill_views(
        self,
        actor: Actor,
        views: Sequence[View],
        *,
        add: Sequence[PipelineId] = (),
        remove: Sequence[PipelineId] = (),
        receipt: ReceiptRequest | None = None,
    ) -> None:
        """Put pipelines into static views, or take them out; all views or none.

        Raises:
            InvalidError: A view is dynamic: it has no pipelines of its own (code "dynamic-view").
            NotFoundError: A pipeline to be added is not there.
        """
        async with self._catalog.changing:
            changed = [await self._filled(actor, view, add, remove) for view in views]
            acts = [self._acts(actor, "fill", view, None) for view in changed]
            entries = tuple(entry for each in acts for entry in each.audit)
            all_acts = with_receipt(self._clock, Acts(audit=entries), actor, receipt, changed)
            await self._store.change_items(ItemChange(put=tuple(changed)), all_acts)

    async def _filled(
        self,
        actor: Actor,
        view: View,
        add: Sequence[PipelineId],
        remove: Sequence[PipelineId],
    ) -> View:
        newest = await self.get(View, view.project, view.id)
        demand_static(newest)
        for pipeline in add:
            await self._catalog.get_pipeline(view.project, pipeline)
        after = dict.fromkeys((*newest.pipelines, *add))
        return replace(
            newest,
            pipelines=tuple(each for each in after if each not in remove),
            updated_by=actor.user,
            updated_at=self._clock.now(),
        )

    async def with_pipeline(
        self, actor: Actor, project: str, views: Iterable[str], pipeline: Pipeline
    ) -> Sequence[View]:
        """Return static views with one more pipeline, to be stored together with it.

        Called while the catalog's lock is held, as `Catalog.create_pipeline` does.
        """
        found = [await self.get(View, project, ident) for ident in dict.fromkeys(views)]
        for view in found:
            demand_static(view)
            demand_own(actor, view)
        return [replace(view, pipelines=(*view.pipelines, pipeline.id)) for view in found]

    # --- machines -------------------------------------------------------------------------------

    async def add_node_group(
        self,
        actor: Actor,
        project: str,
        name: str,
        content: dict[str, Any],
        receipt: ReceiptRequest | None = None,
    ) -> NodeGroup:
        """Put machines under one name. `content`: the other fields of a `NodeGroup`."""
        group = NodeGroup(**self._fields(actor, project, name), **content)
        return await self._add(actor, group, receipt)

    async def fill_node_group(
        self,
        actor: Actor,
        project: str,
        ident: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        receipt: ReceiptRequest | None = None,
    ) -> NodeGroup:
        """Add machines to a group, or remove them."""
        async with self._catalog.changing:
            group = await self.get(NodeGroup, project, ident)
            nodes = dict.fromkeys((*group.nodes, *add))
            changed = replace(
                group,
                nodes=tuple(node for node in nodes if node not in remove),
                updated_by=actor.user,
                updated_at=self._clock.now(),
            )
            await self._store.change_items(
                ItemChange(put=(changed,)), self._acts(actor, "fill", changed, receipt)
            )
        return changed


class ViewForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a view is to be. `is_projects`: of the whole project, else of its maker."""

    name: str
    is_projects: bool = False
    is_dynamic: bool = False
    needs_all: bool = True
    filters: tuple[ViewFilter, ...] = ()
    pipelines: tuple[PipelineId, ...] = ()


def demand_static(view: View) -> None:
    """Check that a view has pipelines of its own.

    Raises:
        InvalidError: It is dynamic (code "dynamic-view").
    """
    if view.is_dynamic:
        raise InvalidError(
            f"view {view.name} finds its pipelines by its filters",
            code="dynamic-view",
            values=(view.name,),
        )


def demand_own(actor: Actor, view: View) -> None:
    """Check that a view is of the project or of the actor: others' are not there for them.

    Raises:
        NotFoundError: It is somebody else's (kind "view").
    """
    if view.parent not in {"", UserName(actor.user)}:
        raise NotFoundError("view", view.id)


def _check_name(fields: dict[str, Any]) -> None:
    name = fields.get("name")
    if name is not None and not 0 < len(name.strip()) <= LONGEST_NAME:
        raise InvalidError(
            f"a name has 1 to {LONGEST_NAME} characters",
            pointer="name",
            code="text-too-long" if name.strip() else "missing",
            values=("name", str(LONGEST_NAME)) if name.strip() else ("name",),
        )
