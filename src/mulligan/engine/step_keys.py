"""Keys with which a running step may call this server: made from its names, stored nowhere."""

import base64
import hmac

import msgspec

from mulligan.core.ids import RunId, StepId
from mulligan.secret_key import SecretKey

_PURPOSE = "step-key"
_SEPARATOR = "."


class StepKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which step attempt a key belongs to."""

    run: RunId
    step: StepId
    attempt: int


class StepKeys:
    """Makes and reads keys. Whether the step still runs is not said by the key."""

    def __init__(self, secret_key: SecretKey) -> None:
        self._secret_key = secret_key

    def make(self, run: RunId, step: StepId, attempt: int) -> str:
        """Give the key of a step attempt."""
        text = f"{run}{_SEPARATOR}{step}{_SEPARATOR}{attempt}"
        return f"{text}{_SEPARATOR}{self._proof(text)}"

    def read(self, key: str) -> StepKey | None:
        """Tell whose key that is; None if this server never gave it out."""
        text, _, proof = key.rpartition(_SEPARATOR)
        parts = text.split(_SEPARATOR)
        is_ours = hmac.compare_digest(proof.encode(), self._proof(text).encode())
        if not is_ours or len(parts) != 3:
            return None
        return StepKey(run=RunId(parts[0]), step=StepId(parts[1]), attempt=int(parts[2]))

    def _proof(self, text: str) -> str:
        return base64.urlsafe_b64encode(self._secret_key.derive(_PURPOSE, text)).decode()
