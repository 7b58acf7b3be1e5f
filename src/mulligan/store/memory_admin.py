"""The administrative half of the memory store."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, MulliganError, NotFoundError
from mulligan.core.hooks import Hook
from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.records import (
    App,
    AuditEntry,
    Member,
    Pipeline,
    PipelineVersion,
    Project,
    Receipt,
    Token,
    User,
)
from mulligan.core.run import RunHead
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.memory_acts import MemoryActs


class MemoryAdmin(MemoryActs, ABC):
    """Projects, pipelines, people."""

    def __init__(self) -> None:
        super().__init__()
        self._pipelines: dict[PipelineId, Pipeline] = {}
        self._versions: dict[tuple[PipelineId, int], PipelineVersion] = {}
        self._users: dict[UserName, User] = {}
        self._members: dict[tuple[ProjectId, UserName], Member] = {}
        self._tokens: dict[str, Token] = {}
        self._apps: dict[str, App] = {}

    @abstractmethod
    def _heads_of(self, pipeline: PipelineId) -> Iterable[RunHead]:
        """Give the heads of the runs of a pipeline; the part of the store with runs has them."""

    async def put_project(self, project: Project, acts: Acts = NO_ACTS) -> Project:
        """Insert or replace a project."""
        before = self._projects.get(project.id)
        if before is not None and project.number == 0:
            raise ConflictError(f"project {project.id!r} exists", code="project")
        if project.number != (before.number if before else 0):
            raise NotFoundError("project", project.id)
        others = [other for other in self._projects.values() if other is not before]
        if any(other.name == project.name for other in others):
            raise ConflictError(f"a project named {project.name!r} exists", code="project")
        self._take_acts(acts)
        stored = replace(project, number=project.number or len(others) + 1)
        self._projects[project.id] = stored
        return stored

    async def find_project(self, project_id: ProjectId) -> Project | None:
        """Return a project."""
        return self._projects.get(project_id)

    async def list_projects(
        self, *, user: UserName | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[Project, ...]:
        """Return projects by number."""
        found = [
            project
            for project in self._projects.values()
            if user is None or (project.id, user) in self._members
        ]
        return tuple(found[offset : offset + limit])

    async def put_pipeline(
        self,
        pipeline: Pipeline,
        version: PipelineVersion | None = None,
        acts: Acts = NO_ACTS,
        *,
        hooks: Sequence[Hook] | None = None,
    ) -> Pipeline:
        """Insert or replace a pipeline, with a new version and its hooks."""
        self._check_pipeline(pipeline)
        if version is not None and (pipeline.id, version.version) in self._versions:
            message = f"pipeline {pipeline.id} has a version {version.version}"
            raise ConflictError(message, code="version")
        for hook in hooks or ():
            if hook.id in self._hooks and self._hooks[hook.id].pipeline != pipeline.id:
                raise ConflictError(f"another pipeline has the hook {hook.id}", code="hook")
        before = self._hooks
        if hooks is not None:
            self._hooks = self._with_hooks(pipeline.id, hooks)
        try:
            self._take_acts(acts)
        except MulliganError:
            self._hooks = before
            raise
        stored = replace(pipeline, number=pipeline.number or len(self._pipelines) + 1)
        self._pipelines[pipeline.id] = stored
        if version is not None:
            self._versions[pipeline.id, version.version] = version
        return stored

    def _with_hooks(self, pipeline: PipelineId, hooks: Sequence[Hook]) -> dict[str, Hook]:
        """Give all hooks with these as those of the pipeline; latches are kept."""
        kept = {hook.id: hook for hook in self._hooks.values() if hook.pipeline != pipeline}
        for hook in hooks:
            before = self._hooks.get(hook.id) or kept.get(hook.id, hook)
            kept[hook.id] = replace(hook, latched=before.latched, values=before.values)
        return kept

    def _has_group(self, number: int) -> bool:
        """Tell whether there is that group; a store without groups has none."""
        del number
        return False

    def _check_pipeline(self, pipeline: Pipeline) -> None:
        if pipeline.project not in self._projects:
            raise NotFoundError("project", pipeline.project)
        before = self._pipelines.get(pipeline.id)
        if before is not None and pipeline.number == 0:
            raise ConflictError(f"pipeline {pipeline.id} exists", code="pipeline")
        if before is None and pipeline.group and not self._has_group(pipeline.group):
            raise NotFoundError("group", str(pipeline.group))
        known = (before.number, before.project) if before else (0, pipeline.project)
        if (pipeline.number, pipeline.project) != known:
            raise NotFoundError("pipeline", pipeline.id)
        if pipeline.deleted_at is not None:
            return
        others = [other for other in self._live(pipeline.project) if other is not before]
        place = (pipeline.group, pipeline.name)
        if any((other.group, other.name) == place for other in others):
            message = f"the group has a pipeline named {pipeline.name!r}"
            raise ConflictError(message, code="pipeline-name")

    async def find_pipeline(self, pipeline_id: PipelineId) -> Pipeline | None:
        """Return a pipeline, also a deleted one."""
        return self._pipelines.get(pipeline_id)

    def _live(self, project: ProjectId, *, deleted: bool = False) -> list[Pipeline]:
        """Return the live (or deleted) pipelines of a project, newest first."""
        found = [
            pipeline
            for pipeline in self._pipelines.values()
            if pipeline.project == project and (pipeline.deleted_at is not None) == deleted
        ]
        return found[::-1]

    async def find_pipeline_by_name(self, project: ProjectId, name: str) -> Pipeline | None:
        """Return the live pipeline of that name."""
        return next((found for found in self._live(project) if found.name == name), None)

    async def list_pipelines(
        self,
        project: ProjectId,
        *,
        name_contains: str = "",
        limit: int = 50,
        offset: int = 0,
        deleted: bool = False,
    ) -> tuple[tuple[Pipeline, ...], int]:
        """Return live (or deleted) pipelines, newest first, and how many there are in all."""
        shown = self._live(project, deleted=deleted)
        found = [pipeline for pipeline in shown if name_contains in pipeline.name]
        return tuple(found[offset : offset + limit]), len(found)

    async def find_version(self, pipeline: PipelineId, version: int) -> PipelineVersion | None:
        """Return one version."""
        return self._versions.get((pipeline, version))

    async def drop_versions(self, pipeline: PipelineId, keep: int) -> int:
        """Delete the oldest versions beyond `keep` that no unfinished run uses."""
        used = {head.version for head in self._heads_of(pipeline) if not head.status.is_final}
        numbers = sorted((number for owner, number in self._versions if owner == pipeline))
        old = [number for number in numbers[: max(len(numbers) - keep, 0)] if number not in used]
        for number in old:
            del self._versions[pipeline, number]
        return len(old)

    async def put_user(self, user: User, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a user."""
        self._take_acts(acts)
        self._users[user.name] = user

    async def find_user(self, name: UserName) -> User | None:
        """Return a user."""
        return self._users.get(name)

    async def list_users(self, *, limit: int = 100, offset: int = 0) -> tuple[User, ...]:
        """Return users by name."""
        return tuple(self._users[name] for name in sorted(self._users)[offset : offset + limit])

    async def put_member(self, member: Member, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a membership."""
        if member.project not in self._projects:
            raise NotFoundError("project", member.project)
        self._take_acts(acts)
        self._members[member.project, member.user] = member

    async def drop_member(self, project: ProjectId, user: UserName, acts: Acts = NO_ACTS) -> bool:
        """Remove a membership; tell whether there was one."""
        self._take_acts(acts)
        return self._members.pop((project, user), None) is not None

    async def find_member(self, project: ProjectId, user: UserName) -> Member | None:
        """Return a membership."""
        return self._members.get((project, user))

    async def list_members(self, project: ProjectId) -> tuple[Member, ...]:
        """Return the members of a project by name."""
        found = [member for member in self._members.values() if member.project == project]
        return tuple(sorted(found, key=lambda member: member.user))

    async def put_token(self, token: Token, acts: Acts = NO_ACTS) -> None:
        """Insert a token."""
        for other in self._tokens.values():
            if token.id == other.id or token.digest == other.digest:
                raise ConflictError(f"token {token.id} exists", code="token")
        self._take_acts(acts)
        self._tokens[token.id] = token

    async def find_token(self, digest: str) -> Token | None:
        """Return the token with that SHA-256."""
        return next((token for token in self._tokens.values() if token.digest == digest), None)

    async def list_tokens(self, user: UserName | None = None) -> tuple[Token, ...]:
        """Return tokens, oldest first."""
        return tuple(token for token in self._tokens.values() if user in {None, token.user})

    async def drop_token(self, token_id: str, acts: Acts = NO_ACTS) -> bool:
        """Revoke a token; tell whether there was one."""
        self._take_acts(acts)
        return self._tokens.pop(token_id, None) is not None

    async def drop_tokens_of(
        self, user: UserName, project: ProjectId | None = None, acts: Acts = NO_ACTS
    ) -> int:
        """Revoke what a user has made with a password; return how many."""
        gone = [
            token.id
            for token in self._tokens.values()
            if token.user == user
            and token.is_by_password
            and (project is None or token.projects == (project,))
        ]
        self._take_acts(acts)
        for token_id in gone:
            del self._tokens[token_id]
        return len(gone)

    async def put_app(self, app: App, acts: Acts = NO_ACTS) -> None:
        """Insert or replace an application."""
        self._take_acts(acts)
        self._apps[app.code] = app

    async def find_app(self, code: str) -> App | None:
        """Return an application."""
        return self._apps.get(code)

    async def find_receipt(self, actor: UserName, key: str) -> Receipt | None:
        """Return the first answer given to that key."""
        return self._receipts.get((actor, key))

    async def put_receipt(self, receipt: Receipt) -> None:
        """Store an answer whose act had no transaction of its own."""
        self._take_acts(Acts(receipt=receipt))

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the audit trail."""
        self._take_audit(entries)

    async def list_audit(
        self, *, project: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Return entries, newest first."""
        found = [
            entry
            for entry in reversed(self._audit)
            if project in {None, entry.project} and (before is None or entry.id < before)
        ]
        return tuple(found[:limit])
