"""Groups, hooks, templates, access keys and notes in the memory store."""

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.hooks import AccessKey, Group, GroupGrant, Hook, HookKind, Note, Template
from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.memory_admin import MemoryAdmin


class MemoryGroups(MemoryAdmin):
    """Implements the part of `ports.GroupStore` that does not look at runs."""

    def __init__(self) -> None:
        super().__init__()
        self._given: Counter[str] = Counter()
        self._groups: dict[int, Group] = {}
        self._last_group = 0
        self._grants: dict[tuple[int, UserName], GroupGrant] = {}
        self._templates: dict[int, Template] = {}
        self._access_keys: dict[str, AccessKey] = {}
        self._notes: list[Note] = []

    async def take_numbers(self, kind: str, count: int) -> int:
        """Return the first of `count` numbers that nobody gets again; from 1, per kind."""
        if count < 1:
            raise ValueError(f"{count} numbers can't be taken")
        first = self._given[kind] + 1
        self._given[kind] += count
        return first

    def _has_group(self, number: int) -> bool:
        return number in self._groups

    async def put_group(self, group: Group, acts: Acts = NO_ACTS) -> Group:
        """Insert or replace a group."""
        self._check_numbered("group", group, self._groups.values())
        self._take_acts(acts)
        number = group.number or self._last_group + 1
        self._last_group = max(self._last_group, number)
        stored = replace(group, number=number)
        self._groups[number] = stored
        return stored

    def _check_numbered(
        self, kind: str, value: Group | Template, stored: Iterable[Group | Template]
    ) -> None:
        if value.project not in self._projects:
            raise NotFoundError("project", value.project)
        own = [other for other in stored if other.project == value.project]
        others = [other for other in own if other.number != value.number]
        if value.number and len(others) == len(own):
            raise NotFoundError(kind, str(value.number))
        if any(other.name == value.name for other in others):
            raise ConflictError(f"the project has a {kind} named {value.name!r}", code=kind)

    async def find_group(self, project: ProjectId, name: str) -> Group | None:
        """Return a group by name."""
        for group in self._groups.values():
            if (group.project, group.name) == (project, name):
                return group
        return None

    async def list_groups(self, project: ProjectId) -> tuple[tuple[Group, int], ...]:
        """Return the groups of a project by number, each with its count of live pipelines."""
        found = (group for group in self._groups.values() if group.project == project)
        return tuple((group, self._count(group)) for group in found)

    def _count(self, group: Group) -> int:
        numbers = {group.number, 0} if group.name == "default" else {group.number}
        return sum(pipeline.group in numbers for pipeline in self._live(group.project))

    async def drop_group(self, number: int, acts: Acts = NO_ACTS) -> None:
        """Delete a group and its grants; a missing one is no error."""
        group = self._groups.get(number)
        count = 0 if group is None else self._count(group)
        if count:
            message = f"the group has {count} pipelines"
            raise ConflictError(message, code="group-not-empty", values=(str(count),))
        self._take_acts(acts)
        self._groups.pop(number, None)
        for key in [key for key in self._grants if key[0] == number]:
            del self._grants[key]

    async def put_grant(self, grant: GroupGrant, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a user's right in a group."""
        if grant.group not in self._groups:
            raise NotFoundError("group", str(grant.group))
        self._take_acts(acts)
        self._grants[grant.group, grant.user] = grant

    async def drop_grant(self, group: int, user: UserName, acts: Acts = NO_ACTS) -> bool:
        """Remove a right; tell whether there was one."""
        self._take_acts(acts)
        return self._grants.pop((group, user), None) is not None

    async def list_grants(self, group: int) -> tuple[GroupGrant, ...]:
        """Return the rights of a group by user."""
        found = [grant for grant in self._grants.values() if grant.group == group]
        return tuple(sorted(found, key=lambda grant: grant.user))

    async def find_hook(self, hook_id: str) -> Hook | None:
        """Return a hook."""
        return self._hooks.get(hook_id)

    async def list_hooks(self, pipeline: PipelineId) -> tuple[Hook, ...]:
        """Return the hooks of a pipeline: those of the pipeline itself, then by stage."""
        found = [hook for hook in self._hooks.values() if hook.pipeline == pipeline]
        return tuple(sorted(found, key=lambda hook: (hook.stage, hook.position, hook.id)))

    async def channel_hooks(self, project: ProjectId, name: str) -> tuple[Hook, ...]:
        """Return the hooks that listen to a channel, of pipelines that are not deleted."""
        live = sorted(self._live(project), key=lambda pipeline: pipeline.number)
        found = [hook for pipeline in live for hook in await self.list_hooks(pipeline.id)]
        return tuple(hook for hook in found if hook.kind is HookKind.CHANNEL and hook.name == name)

    async def put_latch(self, hook_id: str, values: dict[str, str] | None) -> None:
        """Latch a hook with what it brought; None clears it."""
        hook = self._hooks.get(hook_id)
        if hook is None:
            raise NotFoundError("hook", hook_id)
        self._hooks[hook_id] = replace(hook, latched=values is not None, values=values or {})

    async def put_template(self, template: Template, acts: Acts = NO_ACTS) -> Template:
        """Insert or replace a template."""
        self._check_numbered("template", template, self._templates.values())
        self._take_acts(acts)
        stored = replace(template, number=template.number or 1000 + len(self._templates))
        self._templates[stored.number] = stored
        return stored

    async def find_template(self, number: int) -> Template | None:
        """Return a template of whichever project."""
        return self._templates.get(number)

    async def list_templates(self, project: ProjectId) -> tuple[Template, ...]:
        """Return the templates of a project by number."""
        return tuple(found for found in self._templates.values() if found.project == project)

    async def put_access_key(self, key: AccessKey, acts: Acts = NO_ACTS) -> None:
        """Insert an access key."""
        if key.access in self._access_keys:
            raise ConflictError(f"access key {key.access} exists", code="access-key")
        self._take_acts(acts)
        self._access_keys[key.access] = key

    async def find_access_key(self, access: str) -> AccessKey | None:
        """Return an access key."""
        return self._access_keys.get(access)

    async def drop_access_key(self, access: str, acts: Acts = NO_ACTS) -> bool:
        """Delete an access key; tell whether there was one."""
        self._take_acts(acts)
        return self._access_keys.pop(access, None) is not None

    async def list_access_keys(self, user: UserName) -> tuple[AccessKey, ...]:
        """Return the keys of a user, oldest first."""
        return tuple(key for key in self._access_keys.values() if key.user == user)

    async def add_note(self, note: Note) -> None:
        """Add a line to the notes of a job attempt."""
        self._notes.append(note)

    async def list_notes(self, run: str, job: str, attempt: int) -> tuple[Note, ...]:
        """Return the notes of a job attempt, oldest first."""
        wanted = (run, job, attempt)
        return tuple(note for note in self._notes if (note.run, note.job, note.attempt) == wanted)
