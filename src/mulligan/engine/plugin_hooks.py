"""Delete hooks of plugins: who gave a URL for it is told when a task or its pipeline is deleted."""

import base64
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import msgspec

from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.plugin_hooks import (
    DeleteHook,
    TooLargeError,
    delete_hook_of,
    deleted_steps,
)
from mulligan.core.plugins import DEFAULT_VERSION, Plugin
from mulligan.core.postings import Posting
from mulligan.core.records import AuditEntry, PipelineVersion
from mulligan.engine.callbacks import is_web_url, post
from mulligan.engine.messages_sending import SendsWeb
from mulligan.engine.sender import NotTakenError
from mulligan.log import get_log
from mulligan.ports import Clock, Store
from mulligan.secret_key import SecretKey, UnsealError

log = get_log()

KIND = "plugin-hook"
_PURPOSE = "plugin-delete-hook"
_DELETED = "pipeline.delete"
_CHANGED = frozenset({"pipeline.edit", "pipeline.release"})
_MOST_BACK = 20  # versions: a draft that was given up leaves a gap
_decode = msgspec.json.Decoder(DeleteHook).decode


class PluginHooks:
    """Makes and sends the postings of delete hooks.

    Args:
        find_plugin: Gives the version that a step means by its code and what it wants.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        secret_key: SecretKey,
        web: SendsWeb,
        find_plugin: Callable[[str, str], Awaitable[Plugin | None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._key = secret_key
        self._web = web
        self._find_plugin = find_plugin

    async def tell_audit(self, entries: Sequence[AuditEntry]) -> list[Posting]:
        """Make the postings of acts that delete steps."""
        made: list[Posting] = []
        for entry in entries:
            if entry.action == _DELETED or entry.action in _CHANGED:
                made += await self._tell(entry)
        return made

    async def _tell(self, entry: AuditEntry) -> list[Posting]:
        before, after = await self._versions(entry)
        if before is None:
            return []
        facts = {
            "projectId": entry.project,
            "pipelineId": entry.target,
            "userId": entry.actor,
        }
        made: list[Posting] = []
        for step in deleted_steps(before.spec, after.spec if after is not None else None):
            wanted = str(step.inputs.get("version") or DEFAULT_VERSION)
            plugin = await self._find_plugin(step.code, wanted)
            manifest = plugin.manifest if plugin is not None else {}
            try:
                hook = delete_hook_of(step, manifest, facts)
            except TooLargeError:
                log.warning("plugin_hook_is_too_large", plugin=step.code, pipeline=entry.target)
                continue
            if hook is None:
                continue
            if not is_web_url(hook.url):
                log.warning("plugin_hook_is_no_url", plugin=step.code, pipeline=entry.target)
                continue
            made.append(self._posting(entry, step.code, step.id, hook))
        return made

    async def _versions(
        self, entry: AuditEntry
    ) -> tuple[PipelineVersion | None, PipelineVersion | None]:
        """Return the definition before an act, and that after it: None = the pipeline is gone."""
        pipeline_id = PipelineId(entry.target)
        if entry.action == _DELETED:
            pipeline = await self._store.find_pipeline(pipeline_id)
            newest = pipeline.version if pipeline is not None else 0
            return await self._store.find_version(pipeline_id, newest), None
        number = int(entry.detail.get("version") or 0)
        after = await self._store.find_version(pipeline_id, number)
        if after is None:  # dropped by now, and what it has dropped with it
            return None, None
        for earlier in range(number - 1, max(number - _MOST_BACK, 0), -1):
            before = await self._store.find_version(pipeline_id, earlier)
            if before is not None:
                return before, after
        return None, after

    def _posting(self, entry: AuditEntry, code: str, step: str, hook: DeleteHook) -> Posting:
        place = f"{entry.target}/{step}"
        # the inputs in it may be secret
        sealed = self._key.seal(_PURPOSE, place, msgspec.json.encode(hook))
        parts = urlsplit(hook.url)
        return Posting(
            project=ProjectId(entry.project),
            kind=KIND,
            via=place,
            target=f"{parts.scheme}://{parts.netloc}",
            event=f"deleted {code}",
            lane=f"{KIND} {place}",
            body=base64.b64encode(sealed).decode(),
            created_at=self._clock.now(),
        )

    async def send(self, posting: Posting) -> int:
        """Send a posting; return the status of the answer.

        Raises:
            NotTakenError: It was not taken.
        """
        try:
            content = self._key.unseal(_PURPOSE, posting.via, base64.b64decode(posting.body))
        except UnsealError as error:
            raise NotTakenError(f"it can't be read: {error}", again=False) from None
        hook = _decode(content)
        headers = {"User-Agent": "Mulligan", "X-Mulligan-Delivery": str(posting.number)}
        if hook.body:
            headers["Content-Type"] = "application/json"
        return await post(self._web, hook.url, headers, hook.body.encode(), method=hook.method)
