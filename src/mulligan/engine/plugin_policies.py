"""What is laid down about plugins: who may use them, and their private settings."""

import re
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.plugins import PluginPolicy, secret_inputs_of
from mulligan.core.rights import Actor, Permission
from mulligan.engine.access import Access
from mulligan.engine.alone import Alone
from mulligan.engine.audited import audited
from mulligan.ports import Clock, Store
from mulligan.secret_key import SecretKey

MOST_SETTINGS = 100  # of a plugin
LONGEST_SETTING = 32 * 1024  # characters
MOST_PROJECTS = 1000  # that a plugin is released for, or switched off in
_PURPOSE = "plugin-setting"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


class PluginPolicies:
    """The use cases around the policies of plugins; admins lay them down, steps are bound."""

    def __init__(
        self, *, store: Store, clock: Clock, access: Access, secret_key: SecretKey
    ) -> None:
        self._store = store
        self._clock = clock
        self._access = access
        self._key = secret_key
        self._known: Mapping[str, PluginPolicy] | None = None
        self._changes = 0
        self._alone = Alone()

    async def of(self, code: str) -> PluginPolicy:
        """Return what is laid down about a plugin; nothing, at first."""
        return (await self.all()).get(code) or PluginPolicy(code=code)

    async def all(self) -> Mapping[str, PluginPolicy]:
        """Return everything that is laid down, by code."""
        if self._known is not None:
            return self._known
        changes = self._changes
        found = {each.code: each for each in await self._store.list_plugin_policies()}
        if changes == self._changes:  # else something may be missing by now
            self._known = found
        return found

    def _forget(self) -> None:
        self._changes += 1
        self._known = None

    # --- who may use it -------------------------------------------------------------------------

    async def release_for(
        self, actor: Actor, code: str, projects: tuple[str, ...] | None
    ) -> PluginPolicy:
        """Release a plugin for some projects only; None = for all.

        Raises:
            ForbiddenError: Only server admins may.
            NotFoundError: It is not installed, or there is no such project.
        """
        await self._access.demand(actor, Permission.ADMINISTER, "")
        only = None if projects is None else tuple(ProjectId(p) for p in dict.fromkeys(projects))
        _check_count(only or ())  # before each of them is looked up
        for project in only or ():
            if await self._store.find_project(project) is None:
                raise NotFoundError("project", project)
        return await self._change(
            actor, code, "plugin.release", lambda policy: replace(policy, only=only)
        )

    async def switch(
        self, actor: Actor, project: ProjectId, code: str, *, is_on: bool
    ) -> PluginPolicy:
        """Switch a plugin on or off in a project.

        Raises:
            ForbiddenError: Only who manages the project may.
            NotFoundError: It is not installed.
        """
        await self._access.demand(actor, Permission.MANAGE, project)

        def switched(policy: PluginPolicy) -> PluginPolicy:
            others = tuple(each for each in policy.off_in if each != project)
            off_in = others if is_on else (*others, project)
            _check_count(off_in)
            return replace(policy, off_in=off_in)

        action = "plugin.switch-on" if is_on else "plugin.switch-off"
        return await self._change(actor, code, action, switched, project=project)

    # --- private settings -----------------------------------------------------------------------

    async def set_setting(self, actor: Actor, code: str, name: str, value: str) -> None:
        """Set a private setting; nobody but the plugin's own steps reads it again.

        Raises:
            ForbiddenError: Only server admins may.
            InvalidError: The name or value can't be one, or there are too many.
            NotFoundError: The plugin is not installed.
        """
        await self._access.demand(actor, Permission.ADMINISTER, "")
        if not _NAME.fullmatch(name):
            raise InvalidError(
                f"the name {name[:100]!r} can't be one of a setting: a letter or _, then letters, "
                "digits, _ . -; at most 64",
                pointer="/name",
            )
        if not value or len(value) > LONGEST_SETTING:
            raise InvalidError(
                f"the value of a setting has 1 to {LONGEST_SETTING} characters", pointer="/value"
            )
        sealed = self._key.seal(_PURPOSE, _place(code, name), value.encode())

        def with_it(policy: PluginPolicy) -> PluginPolicy:
            settings = policy.settings | {name: sealed}
            if len(settings) > MOST_SETTINGS:
                raise InvalidError(f"a plugin has at most {MOST_SETTINGS} settings")
            return replace(policy, settings=settings)

        await self._change(actor, code, "plugin.setting", with_it, setting=name)

    async def drop_setting(self, actor: Actor, code: str, name: str) -> None:
        """Remove a private setting.

        Raises:
            ForbiddenError: Only server admins may.
            NotFoundError: There is none of that name.
        """
        await self._access.demand(actor, Permission.ADMINISTER, "")

        def without_it(policy: PluginPolicy) -> PluginPolicy:
            if name not in policy.settings:
                raise NotFoundError("setting", name)
            settings = {key: sealed for key, sealed in policy.settings.items() if key != name}
            return replace(policy, settings=settings)

        await self._change(
            actor, code, "plugin.setting-delete", without_it, is_known=True, setting=name
        )

    async def settings(self, code: str) -> dict[str, str]:
        """Return the private settings of a plugin, for a step of its own.

        Raises:
            UnsealError: They were encrypted with another key of the server.
        """
        policy = await self.of(code)
        return {
            name: self._key.unseal(_PURPOSE, _place(code, name), sealed).decode()
            for name, sealed in policy.settings.items()
        }

    # --- what all have in common ----------------------------------------------------------------

    async def drop_version(self, actor: Actor, code: str, version: str) -> bool:
        """Remove a version, and remember which of its inputs are secret; tell if it was there."""
        async with self._alone.of(code):
            plugin = await self._store.find_plugin(code, version)
            if plugin is None:
                return False
            policy = await self.of(code)
            secret = frozenset(policy.secret_inputs) | secret_inputs_of(plugin.manifest)
            changed = replace(policy, secret_inputs=tuple(sorted(secret)))
            acts = audited(self._clock, actor, "plugin.remove", target=f"{code}@{version}")
            try:
                return await self._store.drop_plugin(
                    code, version, acts, policy=changed if changed != policy else None
                )
            finally:
                self._forget()

    async def _change(
        self,
        actor: Actor,
        code: str,
        action: str,
        change: Callable[[PluginPolicy], PluginPolicy],
        *,
        project: ProjectId | None = None,
        is_known: bool = False,
        **details: str,
    ) -> PluginPolicy:
        async with self._alone.of(code):
            if not is_known and not await self._store.plugin_versions(code):
                raise NotFoundError("plugin", code)
            changed = change(await self.of(code))
            acts = audited(
                self._clock, actor, action, project=project or "", target=code, **details
            )
            try:
                await self._store.put_plugin_policy(changed, acts)
            finally:
                self._forget()
            return changed


def _place(code: str, name: str) -> str:
    return f"{code}/{name}"


def _check_count(projects: tuple[ProjectId, ...]) -> None:
    if len(projects) > MOST_PROJECTS:
        raise InvalidError(f"a plugin names at most {MOST_PROJECTS} projects")
