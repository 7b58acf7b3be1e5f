"""Plugins: installed by server admins, usable in every project unless it is laid down otherwise."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, InfrastructureError, InvalidError, NotFoundError
from mulligan.core.plugins import (
    DEFAULT_VERSION,
    Plugin,
    choose_version,
    code_of,
    is_version,
    name_of,
    secret_inputs_of,
    version_in,
    version_parts,
)
from mulligan.core.posts import Post, PostAction
from mulligan.core.prepare import StepOrder
from mulligan.core.rights import Actor, Permission
from mulligan.core.spec import PipelineSpec, StepSpec
from mulligan.engine.access import Access
from mulligan.engine.audited import audited
from mulligan.engine.plugin_archive import PluginArchiveError, read_manifest
from mulligan.engine.plugin_policies import PluginPolicies
from mulligan.engine.software_center import KeptBytes, SoftwareCenter
from mulligan.engine.step_keys import StepKeys
from mulligan.ports import Clock, Store
from mulligan.secret_key import UnsealError

RUN = "run"  # code of the plugin that replaces scripts once it is installed
_PAGE = 1000


class Plugins:
    """The use cases of plugins.

    Args:
        software: Keeps their zips, by digest.
        cache: Folder with what was unpacked of them, by digest.
        keys: With which a plugin may call this server while its step runs.
        policies: Who may use them, and their private settings.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        access: Access,
        software: SoftwareCenter,
        cache: Path,
        keys: StepKeys,
        policies: PluginPolicies,
    ) -> None:
        self._store = store
        self._clock = clock
        self._access = access
        self._software = software
        self._cache = cache
        self._keys = keys
        self.policies = policies
        self._sensitive: Mapping[str, frozenset[str]] | None = None
        self._changes = 0
        self.gateway = ""  # address of this server; set when it is known

    # --- looking after them ---------------------------------------------------------------------

    async def demand_admin(self, actor: Actor) -> None:
        """Check that somebody may install and remove plugins.

        Raises:
            ForbiddenError: Only server admins may.
        """
        await self._access.demand(actor, Permission.ADMINISTER, "")

    async def install(self, actor: Actor, kept: KeptBytes, version: str = "") -> Plugin:
        """Install what lies in the content store. Again the same: nothing changes.

        Args:
            version: "" = the one that the plugin's own task.json names.

        Raises:
            PluginArchiveError: It is no plugin; says everything that is wrong.
            InvalidError: There is no version, or it is not three numbers.
            ConflictError: Another zip is installed as that version (code "plugin").
        """
        await self.demand_admin(actor)
        try:
            path = self._software.path_of(kept.digest)
            manifest = await asyncio.to_thread(read_manifest, path)
        except OSError as error:
            raise InfrastructureError(f"the zip can't be read: {error.strerror}") from error
        plugin = Plugin(
            code=code_of(manifest),
            version=_checked_version(version or version_in(manifest)),
            manifest=manifest,
            digest=kept.digest,
            size=kept.size,
            installed_by=actor.user,
            installed_at=self._clock.now(),
        )
        acts = audited(
            self._clock,
            actor,
            "plugin.install",
            target=f"{plugin.code}@{plugin.version}",
            digest=plugin.digest,
        )
        try:
            await self._store.add_plugin(plugin, acts)
        except ConflictError:
            before = await self._store.find_plugin(plugin.code, plugin.version)
            if before is None or before.digest != plugin.digest:
                raise ConflictError(
                    f"plugin {plugin.code} {plugin.version} is installed with other content; "
                    "give the new content a new version",
                    code="plugin",
                ) from None
            return before
        finally:
            self._changed()
        return plugin

    async def remove(self, actor: Actor, code: str, version: str) -> None:
        """Remove a version; steps that run go on.

        Raises:
            NotFoundError: It is not installed.
        """
        await self.demand_admin(actor)
        try:
            if not await self.policies.drop_version(actor, code, version):
                raise NotFoundError("plugin", f"{code}@{version}")
        finally:
            self._changed()

    async def versions(self, code: str) -> tuple[Plugin, ...]:
        """Return the installed versions of a plugin, the newest first.

        Raises:
            NotFoundError: None is installed.
        """
        found = await self._store.list_plugins(code=code, limit=_PAGE)
        if not found:
            raise NotFoundError("plugin", code)
        return tuple(sorted(found, key=lambda each: version_parts(each.version), reverse=True))

    async def newest(self) -> tuple[Plugin, ...]:
        """Return the newest version of each installed plugin, by code."""
        newest: dict[str, Plugin] = {}
        async for plugin in self._all():
            before = newest.get(plugin.code)
            if before is None or version_parts(before.version) < version_parts(plugin.version):
                newest[plugin.code] = plugin
        return tuple(newest.values())

    async def usable_codes(self, project: str) -> frozenset[str]:
        """Return the codes of the installed plugins that a project may use."""
        policies = await self.policies.all()
        return frozenset(
            [
                plugin.code
                async for plugin in self._all()
                if plugin.code not in policies or not policies[plugin.code].problem_in(project)
            ]
        )

    async def sensitive_inputs(self) -> Mapping[str, frozenset[str]]:
        """Return by code the inputs that are secret in any version that is or was installed."""
        if self._sensitive is not None:
            return self._sensitive
        changes = self._changes
        found = {
            policy.code: frozenset(policy.secret_inputs)
            for policy in (await self.policies.all()).values()
            if policy.secret_inputs
        }
        async for plugin in self._all():
            secret = secret_inputs_of(plugin.manifest)
            if secret:
                found[plugin.code] = found.get(plugin.code, frozenset()) | secret
        if changes == self._changes:  # else something may be missing by now
            self._sensitive = found
        return found

    def _changed(self) -> None:
        self._changes += 1
        self._sensitive = None

    async def _all(self) -> AsyncIterator[Plugin]:
        offset = 0
        while page := await self._store.list_plugins(limit=_PAGE, offset=offset):
            for plugin in page:
                yield plugin
            offset += _PAGE

    async def discard_leftovers(self) -> None:
        """Delete what was unpacked of versions that are not installed any more. Before any step."""
        known = {plugin.digest async for plugin in self._all()}
        await asyncio.to_thread(_keep_only, self._cache, known)

    # --- for runs -------------------------------------------------------------------------------

    async def find(self, code: str, wanted: str) -> Plugin | None:
        """Return the version that a step means, if it is installed."""
        version = choose_version(wanted, await self._store.plugin_versions(code))
        return None if version is None else await self._store.find_plugin(code, version)

    async def equip(self, order: StepOrder, scope: Mapping[str, str]) -> StepOrder:
        """Complete the order of a step by the plugin that does its work, if one does.

        A version with `*` is looked up again at every attempt.

        Args:
            scope: What can be read at the step, by name.
        """
        if order.kind == "plugin":
            return await self._with_plugin(order, order.inputs, scope)
        is_run = order.kind == "script" and order.code == RUN
        if not is_run or await self.find(RUN, DEFAULT_VERSION) is None:
            return order
        if (await self.policies.of(RUN)).problem_in(order.project):
            return order  # the built-in one is there for everybody
        return await self._with_plugin(replace(order, kind="plugin"), _inputs_of_run(order), scope)

    async def _with_plugin(
        self, order: StepOrder, inputs: Mapping[str, Any], scope: Mapping[str, str]
    ) -> StepOrder:
        wanted = str(inputs.get("version") or DEFAULT_VERSION)
        plugin = await self.find(order.code, wanted)
        if plugin is None:
            return replace(order, inputs={**inputs, "missing": await self._missing(order, wanted)})
        problem = (await self.policies.of(order.code)).problem_in(order.project)
        if problem:
            return replace(order, inputs={**inputs, "denied": problem})
        try:
            settings = await self.policies.settings(order.code)
        except UnsealError as error:
            problem = f"a private setting of the plugin {order.code} can't be read: {error}"
            return replace(order, problem=problem)
        equipped = {
            **inputs,
            "plugin": {
                "code": plugin.code,
                "version": plugin.version,
                "name": name_of(plugin),
                "manifest": plugin.manifest,
                "digest": plugin.digest,
            },
            "settings": settings,
            "gateway": self.gateway,
            "key": self._keys.make(order.run_id, order.step_id, order.step_attempt),
        }
        return replace(
            order,
            inputs=equipped,
            variables=dict(scope) | order.env,
            secrets=(*order.secrets, *settings.values()),
        )

    async def _missing(self, order: StepOrder, wanted: str) -> str:
        versions = sorted(await self._store.plugin_versions(order.code), key=version_parts)
        if not versions:
            return f"the plugin {order.code} is not installed"
        known = ", ".join(versions)
        return f"version {wanted} of the plugin {order.code} (there is: {known}) is not installed"

    async def posts_of(self, spec: PipelineSpec) -> tuple[PostAction, ...]:
        """List the post actions that installed plugins add to a definition."""
        found = []
        for stage in spec.stages:
            for job in stage.jobs:
                for step in job.steps:
                    post = await self._post_of(step)
                    if post is not None:
                        found.append(PostAction(step=step.id, post=post))
        return tuple(found)

    async def _post_of(self, step: StepSpec) -> Post | None:
        if step.kind != "plugin" or step.post_of is not None:
            return None
        plugin = await self.find(step.code, str(step.inputs.get("version") or DEFAULT_VERSION))
        given = plugin.manifest["execution"].get("post") if plugin is not None else None
        if not given:
            return None
        return Post(
            condition=given.get("postCondition") or "", entry=given.get("postEntryParam") or ""
        )


# `shell` of the plugin "run" for the types of script that its steps are read as.
_SHELLS = {"SHELL": "auto", "BASH": "win_bash", "POWER_SHELL": "pwsh", "BAT": "cmd"}


def _inputs_of_run(order: StepOrder) -> dict[str, Any]:
    kind = str(order.inputs.get("scriptType") or "SHELL")
    shell = _SHELLS.get(kind, kind.lower())
    return {"input": {"script": order.inputs.get("script", ""), "shell": shell}}


def _checked_version(version: str) -> str:
    if not version:
        raise InvalidError(
            "the plugin has no version: give one (task.json names none)", pointer="version"
        )
    if not is_version(version):
        raise InvalidError(
            f"the version {version!r} is not three numbers, like 1.0.0", pointer="version"
        )
    return version


def _keep_only(cache: Path, digests: set[str]) -> None:
    for folder in cache.glob("*"):
        if folder.name not in digests:
            shutil.rmtree(folder, ignore_errors=True)


__all__ = ["PluginArchiveError", "Plugins"]
