"""Secrets of projects: kept encrypted, opened when a step is handed to its runner."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from mulligan.core.errors import ConflictError, InvalidError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.prepare import StepOrder, prepare_step
from mulligan.core.rights import Actor
from mulligan.core.run import Run
from mulligan.core.secrets import COMMON_FIELDS, OPEN_FIELDS, StoredSecret
from mulligan.core.spec import StepSpec
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.commands import ReceiptRequest
from mulligan.log import get_log
from mulligan.ports import Clock
from mulligan.ports.secrets import SecretStore
from mulligan.secret_key import SecretKey, UnsealError

log = get_log()

MOST_SECRETS = 200  # in a project: all of them are masked in every log of it
LONGEST_VALUE = 32 * 1024  # characters; the longest keys have some 6,000
LONGEST_NAME = 64  # characters
LONGEST_REMARK = 256  # characters
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PURPOSE = "project-secret"
# Shorter values stand in too many words: they are masked only where a step uses them.
_MASKED_EVERYWHERE = 4  # characters
_MOST_VAULTS = 256
_decode = msgspec.json.Decoder(dict[str, str]).decode


class GivenSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret as somebody gives it; `repr` does not show its values."""

    id: str
    kind: str
    values: dict[str, str]
    name: str = ""
    remark: str = ""

    def __repr__(self) -> str:
        """Name the secret."""
        return f"GivenSecret(id={self.id!r}, kind={self.kind!r})"


class Vault:
    """The secrets of one project as they are at an instant, opened when they are asked for."""

    def __init__(self, secrets: Iterable[StoredSecret] = (), key: SecretKey | None = None) -> None:
        self._secrets = {secret.id: secret for secret in secrets}
        self._key = key
        self._open: dict[str, dict[str, str]] = {}
        self._masks: tuple[str, ...] | None = None

    def values(self, secret_id: str) -> dict[str, str]:
        """Return the values of a secret by field.

        Raises:
            NotFoundError: There is no such secret.
            UnsealError: It was encrypted with another key.
        """
        secret = self._secrets.get(secret_id)
        if secret is None or self._key is None:
            raise NotFoundError("secret", secret_id)
        if secret_id not in self._open:
            content = self._key.unseal(_PURPOSE, _place(secret), secret.sealed)
            self._open[secret_id] = _decode(content)
        return self._open[secret_id]

    @property
    def masks(self) -> tuple[str, ...]:
        """What no output in the project may show."""
        if self._masks is None:
            found: dict[str, None] = {}
            for secret_id in self._secrets:
                found.update(dict.fromkeys(self._masks_of(secret_id)))
            self._masks = tuple(found)
        return self._masks

    def _masks_of(self, secret_id: str) -> list[str]:
        try:
            values = self.values(secret_id)
        except UnsealError:
            return []
        shown = OPEN_FIELDS | COMMON_FIELDS
        return [
            value
            for field, value in values.items()
            if field not in shown and len(value.strip()) >= _MASKED_EVERYWHERE
        ]


class SecretsOfStep:
    """Looks values up for one step, and remembers what it gave out.

    Attributes:
        used: What the step has got and must not show.
        problem: Why the step can't be run; "" = it can.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.used: dict[str, None] = {}
        self.problem = ""

    def __call__(self, name: str) -> str | None:
        """Return the value of "ID.FIELD"; None, and a problem, if there is none."""
        secret_id, _, field = name.rpartition(".")
        try:
            values = self._vault.values(secret_id)
        except NotFoundError:
            self.problem = f"the project has no secret {secret_id!r}"
            return None
        except UnsealError as error:
            self.problem = f"the secret {secret_id!r} can't be read: {error}"
            return None
        if field not in values:
            known = ", ".join(values)
            self.problem = f"the secret {secret_id!r} has no field {field!r}, only {known}"
            return None
        value = values[field]
        if value and field not in OPEN_FIELDS:
            self.used[value] = None
        return value


def ordered(run: Run, step: StepSpec, vault: Vault) -> StepOrder:
    """Make the order for a step that was just started, with the secrets that it names."""
    secrets = SecretsOfStep(vault)
    order = prepare_step(run, step, secrets)
    masked = dict.fromkeys((*order.secrets, *vault.masks, *secrets.used))
    return replace(order, secrets=tuple(masked), problem=order.problem or secrets.problem)


class Secrets:
    """The secrets of all projects. Implements `ports.secrets.SecretReader`."""

    def __init__(self, *, store: SecretStore, clock: Clock, secret_key: SecretKey) -> None:
        self._store = store
        self._clock = clock
        self._key = secret_key
        self._vaults: OrderedDict[ProjectId, Vault] = OrderedDict()
        self._writes = 0

    async def put(
        self,
        actor: Actor,
        project: ProjectId,
        given: GivenSecret,
        *,
        is_new: bool | None = None,
        receipt: ReceiptRequest | None = None,
    ) -> StoredSecret:
        """Store a secret; `is_new` as in `SecretStore.put_secret`.

        Raises:
            InvalidError: It is malformed, or the project has too many.
            NotFoundError: There is no such project, or no secret to replace.
            ConflictError: There is one already, or one of another kind.
        """
        _check(given)
        now = self._clock.now()
        before = await self._store.find_secret(project, given.id)
        if before is None:
            await self._check_count(project)
        elif is_new is None and before.kind != given.kind:
            raise ConflictError(
                f"{given.id!r} is of the kind {before.kind}, not {given.kind}",
                code="secret",
                values=(given.id,),
            )
        secret = StoredSecret(
            project=project,
            id=given.id,
            kind=given.kind,
            fields=tuple(given.values),
            sealed=b"",
            created_by=before.created_by if before else actor.user,
            created_at=before.created_at if before else now,
            updated_by=actor.user,
            updated_at=now,
            name=given.name or given.id,
            remark=given.remark,
        )
        content = msgspec.json.encode(given.values)
        secret = replace(secret, sealed=self._key.seal(_PURPOSE, _place(secret), content))
        action = "secret.create" if before is None else "secret.change"
        acts = audited(self._clock, actor, action, project=project, target=given.id)
        acts = with_receipt(self._clock, acts, actor, receipt, secret)
        try:
            await self._store.put_secret(secret, acts, is_new=is_new)
        finally:
            self._forget(project)
        return secret

    async def _check_count(self, project: ProjectId) -> None:
        _, count = await self._store.list_secrets(project, limit=1)
        if count >= MOST_SECRETS:
            raise InvalidError(
                f"the project has {count} secrets; {MOST_SECRETS} are allowed",
                code="too-many-secrets",
                values=(str(MOST_SECRETS),),
            )

    async def get(
        self, project: ProjectId, secret_id: str, kinds: Sequence[str] = ()
    ) -> StoredSecret:
        """Return a secret, without its values.

        Raises:
            NotFoundError: There is no such secret, or it is of none of the kinds.
        """
        found = await self._store.find_secret(project, secret_id)
        if found is None or (kinds and found.kind not in kinds):
            raise NotFoundError("secret", secret_id)
        return found

    async def drop(
        self,
        actor: Actor,
        project: ProjectId,
        secret_id: str,
        *,
        receipt: ReceiptRequest | None = None,
    ) -> None:
        """Delete a secret; steps that name it fail from now on.

        Raises:
            NotFoundError: There is no such secret.
        """
        await self.get(project, secret_id)
        acts = audited(self._clock, actor, "secret.delete", project=project, target=secret_id)
        acts = with_receipt(self._clock, acts, actor, receipt, None)
        try:
            if not await self._store.drop_secret(project, secret_id, acts):
                raise NotFoundError("secret", secret_id)
        finally:
            self._forget(project)

    async def vault(self, project: ProjectId) -> Vault:
        """Return the secrets of a project as they are now."""
        known = self._vaults.get(project)
        if known is not None:
            self._vaults.move_to_end(project)
            return known
        writes = self._writes
        found, _ = await self._store.list_secrets(project, limit=MOST_SECRETS)
        vault = Vault(found, self._key)
        if writes == self._writes:  # else it may hold what is gone by now
            self._vaults[project] = vault
            if len(self._vaults) > _MOST_VAULTS:
                self._vaults.popitem(last=False)
        return vault

    async def detail(self, project: ProjectId, secret_id: str) -> dict[str, str]:
        """Return the values of a secret by field; see `SecretReader`."""
        return dict((await self.vault(project)).values(secret_id))

    def _forget(self, project: ProjectId) -> None:
        self._writes += 1
        self._vaults.pop(project, None)


def _place(secret: StoredSecret) -> str:
    return f"{secret.project}/{secret.id}"


def _check(given: GivenSecret) -> None:
    if not _ID.fullmatch(given.id):
        raise InvalidError(
            f"{given.id[:80]!r} can't be the id of a secret: 1 to 64 letters of ASCII, digits, _ -",
            code="secret-id",
            values=(given.id[:80],),
        )
    long = [field for field, value in given.values.items() if len(value) > LONGEST_VALUE]
    long += ["name"] * (len(given.name) > LONGEST_NAME)
    long += ["remark"] * (len(given.remark) > LONGEST_REMARK)
    if long:
        most = {"name": LONGEST_NAME, "remark": LONGEST_REMARK}.get(long[0], LONGEST_VALUE)
        raise InvalidError(
            f"{long[0]} is longer than {most} characters",
            pointer=f"/{long[0]}",
            code="text-too-long",
            values=(long[0], str(most)),
        )
