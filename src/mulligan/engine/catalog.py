"""Catalog: projects, pipelines and their versions. Dialects hand in what they have compiled."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from mulligan.core.hooks import Hook
from mulligan.core.ids import PROJECT_ID, PipelineId, ProjectId, UserName
from mulligan.core.items import Item, ItemChange, PipelineDraft
from mulligan.core.records import (
    AuditEntry,
    Member,
    Pipeline,
    PipelineSettings,
    PipelineVersion,
    Project,
    Role,
)
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.rights import Actor
from mulligan.core.spec import PipelineSpec
from mulligan.engine.audited import with_receipt
from mulligan.engine.call_circles import demand_no_circle
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.schedule import Schedule
from mulligan.engine.unchanged import demand_seen
from mulligan.ports import Acts, Clock, Ids, Store

_LONGEST_PROJECT_NAME = 64
_PROJECT_PAGE = 500

MakeItems = Callable[[Pipeline], Awaitable[Sequence[Item]]]


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A definition as a dialect read it: what it means, and the document itself."""

    spec: PipelineSpec
    dialect: str
    source: dict[str, Any]
    description: str = ""
    reset_run: int = 0  # runs up to this number can't go on by it
    note: str = ""  # what its author says about the change
    made_from: int = 0  # the version that it began as; 0 = none


class Catalog:
    """The use cases of definitions. Rights are checked by the callers (they name the act)."""

    def __init__(
        self, *, store: Store, clock: Clock, ids: Ids, schedule: Schedule | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        # A pipeline, or another item of a project, is read and written again by one at a time.
        self.changing = asyncio.Lock()
        self._schedule = schedule or Schedule(clock)
        # set by the composition root: timers have changed
        self.on_timers: Callable[[], None] = lambda: None

    # --- projects -------------------------------------------------------------------------------

    async def create_project(
        self,
        actor: Actor,
        project_id: str,
        name: str,
        description: str = "",
        extra: dict[str, Any] | None = None,
    ) -> Project:
        """Make a project; its maker becomes its owner.

        Raises:
            InvalidError: The id or name is malformed.
            ConflictError: The id or name is taken (code "project").
        """
        await self.demand_free_project_id(project_id)
        _check_project_name(name)
        project = Project(
            id=ProjectId(project_id),
            name=name,
            created_by=actor.user,
            created_at=self._clock.now(),
            description=description,
            extra=extra or {},
        )
        stored = await self._store.put_project(
            project, self._acts(actor, "project.create", project_id, project_id)
        )
        await self._store.put_member(Member(project=project.id, user=actor.user, role=Role.OWNER))
        return stored

    async def get_project(self, project_id: str) -> Project:
        """Return a project.

        Raises:
            NotFoundError: No such project.
        """
        project = await self._store.find_project(ProjectId(project_id))
        if project is None:
            raise NotFoundError("project", project_id)
        return project

    async def edit_project(
        self, actor: Actor, project_id: str, name: str, description: str, extra: dict[str, Any]
    ) -> Project:
        """Change what is said of a project; its id stays.

        Raises:
            InvalidError: The name is malformed.
            ConflictError: Another project has the name (code "project").
        """
        _check_project_name(name)
        async with self.changing:
            project = await self.get_project(project_id)
            changed = replace(project, name=name, description=description, extra=extra)
            acts = self._acts(actor, "project.edit", project_id, project_id)
            return await self._store.put_project(changed, acts)

    async def demand_free_project_name(self, name: str, project_id: str = "") -> None:
        """Check that a project may have that name.

        Args:
            project_id: Of the project that it is for: its own name is free for it.

        Raises:
            InvalidError: The name is malformed.
            ConflictError: Another project has it (code "project").
        """
        _check_project_name(name)
        offset = 0
        while page := await self._store.list_projects(limit=_PROJECT_PAGE, offset=offset):
            if any(each.name == name and each.id != project_id for each in page):
                raise ConflictError(f"a project named {name!r} exists", code="project")
            offset += len(page)

    async def demand_free_project_id(self, project_id: str) -> None:
        """Check that a project may have that id. Raises as `create_project`."""
        _check_project_id(project_id)
        if await self._store.find_project(ProjectId(project_id)) is not None:
            raise ConflictError(
                f"project {project_id} exists", code="project", values=(project_id,)
            )

    # --- pipelines ------------------------------------------------------------------------------

    async def get_pipeline(self, project_id: str, pipeline_id: str) -> Pipeline:
        """Return a live pipeline of the project.

        Raises:
            NotFoundError: No such pipeline there, or it is deleted.
        """
        pipeline = await self._store.find_pipeline(PipelineId(pipeline_id))
        if pipeline is None or pipeline.project != project_id or pipeline.deleted_at:
            raise NotFoundError("pipeline", pipeline_id)
        return pipeline

    async def get_version(self, pipeline: Pipeline, version: int | None = None) -> PipelineVersion:
        """Return a version of a pipeline, by default its newest.

        Raises:
            NotFoundError: It is gone.
        """
        number = pipeline.version if version is None else version
        found = await self._store.find_version(pipeline.id, number)
        if found is None:
            raise NotFoundError("version", str(number))
        return found

    async def create_pipeline(
        self,
        actor: Actor,
        project_id: str,
        definition: Definition,
        settings: PipelineSettings | None = None,
        receipt: ReceiptRequest | None = None,
        *,
        group: int = 0,
        hooks: Sequence[Hook] | None = None,
        items: MakeItems | None = None,
    ) -> Pipeline:
        """Make a pipeline with its first version.

        Args:
            group: Number of its group; 0 = the project's default group.
            hooks: What starts it from outside; project and pipeline in them are filled in.
            items: Makes what is stored together with it.

        Raises:
            ConflictError: The name is taken (code "pipeline-name").
            InvalidError: It would start itself (code "call-circle").
        """
        pipeline = await self.new_pipeline(actor, project_id, definition, settings, group=group)
        acts = self._acts(actor, "pipeline.create", project_id, pipeline.id)
        acts = with_receipt(self._clock, acts, actor, receipt, pipeline)
        version = self._version(pipeline, definition, actor.user)
        async with self.changing:
            if group == 0:
                await self.demand_free_name(pipeline)
            await demand_no_circle(self._store, pipeline, definition.spec)
            if items is not None:
                acts = replace(acts, items=ItemChange(put=tuple(await items(pipeline))))
            return await self._put(pipeline, version, acts, hooks=_owned(hooks, pipeline))

    async def new_pipeline(
        self,
        actor: Actor,
        project_id: str,
        definition: Definition,
        settings: PipelineSettings | None,
        *,
        group: int = 0,
        version: int = 1,
    ) -> Pipeline:
        """Return a pipeline that is not stored yet.

        Raises:
            NotFoundError: No such project.
        """
        project = await self.get_project(project_id)
        now = self._clock.now()
        return Pipeline(
            id=PipelineId("p-" + self._ids.hex32()),
            project=project.id,
            name=definition.spec.name,
            created_by=actor.user,
            created_at=now,
            updated_by=actor.user,
            updated_at=now,
            description=definition.description,
            version=version,
            group=group,
            settings=settings or PipelineSettings(),
        )

    async def edit_pipeline(
        self,
        actor: Actor,
        pipeline: Pipeline,
        definition: Definition,
        *,
        settings: PipelineSettings | None = None,
        hooks: Sequence[Hook] | None = None,
        draft: PipelineDraft | None = None,
        items: MakeItems | None = None,
        receipt: ReceiptRequest | None = None,
    ) -> Pipeline:
        """Replace the definition: a new version. Runs keep the version that they began with.

        Args:
            settings, hooks: None = as they are; see `create_pipeline`.
            draft: That the definition is of; it is gone with its release.
            items: Makes what is stored together with it.

        Raises:
            ConflictError: The name is taken (code "pipeline-name"), or the draft is not what it
                was, or was saved before the newest version was released (code "draft").
        """
        async with self.changing:
            newest = await self._newest(pipeline)
            present_draft = await self.find_draft(newest)
            if draft is not None and (draft != present_draft or draft.beside != newest.version):
                raise ConflictError(
                    f"the draft or version {newest.version} was saved meanwhile; save the draft "
                    "again on top of it",
                    code="draft",
                )
            changed = replace(
                newest,
                name=definition.spec.name,
                description=definition.description,
                version=draft.version if draft else next_version(newest, present_draft),
                updated_by=actor.user,
                updated_at=self._clock.now(),
                settings=settings or newest.settings,
            )
            if changed.group == 0:
                await self.demand_free_name(changed)
            await demand_no_circle(self._store, changed, definition.spec)
            acts = self._acts(
                actor,
                "pipeline.release" if draft else "pipeline.edit",
                pipeline.project,
                pipeline.id,
                version=changed.version,
            )
            drop = () if draft is None else (draft,)
            put = () if items is None else tuple(await items(changed))
            acts = replace(acts, items=ItemChange(put=put, drop=drop))
            acts = with_receipt(self._clock, acts, actor, receipt, changed)
            version = self._version(changed, definition, actor.user)
            stored = await self._put(changed, version, acts, hooks=_owned(hooks, changed))
        await self._store.drop_versions(pipeline.id, pipeline.settings.kept_versions)
        return stored

    async def save_settings(
        self,
        actor: Actor,
        pipeline: Pipeline,
        settings: PipelineSettings,
        *,
        name: str | None = None,
        description: str | None = None,
        receipt: ReceiptRequest | None = None,
    ) -> Pipeline:
        """Replace the settings; may rename. Counts from the next start.

        Raises:
            ConflictError: The name is taken (code "pipeline-name").
        """
        now = self._clock.now()
        changes: dict[str, Any] = {
            "settings": settings,
            "updated_by": actor.user,
            "updated_at": now,
        }
        if name:
            changes["name"] = name
        if description is not None:
            changes["description"] = description
        return await self._change(actor, pipeline, "pipeline.settings", changes, receipt)

    async def find_draft(self, pipeline: Pipeline) -> PipelineDraft | None:
        """Return the draft of a pipeline, if there is one."""
        return await self._store.find_item(PipelineDraft, pipeline.project, pipeline.id)

    async def lock_pipeline(
        self,
        actor: Actor,
        pipeline: Pipeline,
        *,
        locked: bool,
        receipt: ReceiptRequest | None = None,
    ) -> Pipeline:
        """Lock or unlock: a locked pipeline refuses starts and retries; what runs goes on."""
        action = "pipeline.lock" if locked else "pipeline.unlock"
        changes = {"locked": locked, "updated_at": self._clock.now()}
        return await self._change(actor, pipeline, action, changes, receipt)

    async def delete_pipeline(
        self, actor: Actor, pipeline: Pipeline, receipt: ReceiptRequest | None = None
    ) -> Pipeline:
        """Delete: the name is free again, runs stay readable, nothing can be retried.

        Its hooks are gone.
        """
        changes = {"deleted_at": self._clock.now()}
        return await self._change(actor, pipeline, "pipeline.delete", changes, receipt, hooks=())

    async def restore_pipeline(
        self,
        actor: Actor,
        project_id: str,
        pipeline_id: str,
        receipt: ReceiptRequest | None = None,
    ) -> Pipeline:
        """Take a deleted pipeline back, with all its versions; what started it stays gone.

        Raises:
            NotFoundError: No such pipeline there, or it is not deleted.
            ConflictError: Another pipeline has its name by now (code "pipeline-name").
        """
        async with self.changing:
            pipeline = await self._store.find_pipeline(PipelineId(pipeline_id))
            if pipeline is None or pipeline.project != project_id or not pipeline.deleted_at:
                raise NotFoundError("pipeline", pipeline_id)
            await self.demand_free_name(pipeline)
            restored = replace(
                pipeline,
                deleted_at=None,
                updated_by=actor.user,
                updated_at=self._clock.now(),
                group=0,  # its own may be gone
            )
            acts = self._acts(actor, "pipeline.restore", project_id, pipeline_id)
            acts = with_receipt(self._clock, acts, actor, receipt, restored)
            version = await self._store.find_version(pipeline.id, pipeline.version)
            spec = None if version is None else version.spec
            acts = replace(acts, triggers=self._schedule.defined(pipeline.id, spec))
            stored = await self._store.put_pipeline(restored, None, acts)
        self.on_timers()
        return stored

    async def _change(
        self,
        actor: Actor,
        pipeline: Pipeline,
        action: str,
        changes: dict[str, Any],
        receipt: ReceiptRequest | None = None,
        *,
        hooks: Sequence[Hook] | None = None,
    ) -> Pipeline:
        """Change some fields, as the pipeline is now: somebody may have edited it meanwhile."""
        acts = self._acts(actor, action, pipeline.project, pipeline.id)
        async with self.changing:
            newest = await self._newest(pipeline)
            changed = replace(newest, **changes)
            if changed.name != newest.name:
                await self.demand_free_name(changed)
            acts = with_receipt(self._clock, acts, actor, receipt, changed)
            return await self._put(changed, None, acts, hooks=hooks)

    async def _put(
        self,
        pipeline: Pipeline,
        version: PipelineVersion | None,
        acts: Acts,
        *,
        hooks: Sequence[Hook] | None,
    ) -> Pipeline:
        """Store a pipeline; its timers follow from its definition, in the same transaction."""
        spec = None if version is None else version.spec
        is_about_timers = version is not None or pipeline.deleted_at is not None
        if is_about_timers:
            acts = replace(acts, triggers=self._schedule.defined(pipeline.id, spec))
        stored = await self._store.put_pipeline(pipeline, version, acts, hooks=hooks)
        if is_about_timers:
            self.on_timers()
        return stored

    async def demand_free_name(self, pipeline: Pipeline) -> None:
        """Check that no other pipeline of the project has the name, in whatever group."""
        other = await self._store.find_pipeline_by_name(pipeline.project, pipeline.name)
        if other is not None and other.id != pipeline.id:
            raise ConflictError(
                f"the project has a pipeline named {pipeline.name!r}", code="pipeline-name"
            )

    async def _newest(self, pipeline: Pipeline) -> Pipeline:
        """Read a pipeline that is to be changed; `changing` is held."""
        newest = await self.get_pipeline(pipeline.project, pipeline.id)
        demand_seen(newest)
        return newest

    @staticmethod
    def demand_unlocked(pipeline: Pipeline) -> None:
        """Check that a pipeline may be started.

        Raises:
            RefusedError: It is locked.
        """
        if pipeline.locked or pipeline.settings.run_lock == "LOCK":
            raise RefusedError(
                Refusal(
                    code=RefusalCode.PIPELINE_LOCKED,
                    message=f"pipeline {pipeline.id} is locked; enable it first",
                )
            )

    def _version(
        self, pipeline: Pipeline, definition: Definition, user: UserName
    ) -> PipelineVersion:
        return PipelineVersion(
            pipeline=pipeline.id,
            version=pipeline.version,
            spec=definition.spec,
            dialect=definition.dialect,
            source=definition.source,
            created_by=user,
            created_at=self._clock.now(),
            reset_run=definition.reset_run,
            note=definition.note,
            made_from=definition.made_from,
        )

    def _acts(
        self,
        actor: Actor,
        action: str,
        project: str,
        target: str,
        **detail: Any,
    ) -> Acts:
        entry = AuditEntry(
            at=self._clock.now(),
            actor=actor.user,
            action=action,
            project=project,
            target=target,
            origin=actor.way,
            detail=detail,
        )
        return Acts(audit=(entry,))


def _check_project_id(project_id: str) -> None:
    if not PROJECT_ID.fullmatch(project_id):
        raise InvalidError(
            f"project id {project_id!r} is not a lower-case letter, then letters, digits, -",
            code="project-id",
            values=(project_id,),
        )


def _check_project_name(name: str) -> None:
    if not name.strip() or len(name) > _LONGEST_PROJECT_NAME:
        raise InvalidError("a project's name has 1 to 64 characters", code="project-name")


def next_version(pipeline: Pipeline, draft: PipelineDraft | None) -> int:
    """Return a number that neither a version nor the draft of the pipeline has."""
    return max(pipeline.version, draft.version if draft else 0) + 1


def _owned(hooks: Sequence[Hook] | None, pipeline: Pipeline) -> Sequence[Hook] | None:
    if hooks is None:
        return None
    return tuple(replace(hook, project=pipeline.project, pipeline=pipeline.id) for hook in hooks)
