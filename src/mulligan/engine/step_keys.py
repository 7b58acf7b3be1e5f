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
        if not hmac.compare_digest(proof.encode(), self._proof(text).encode()):
            return None
        run, _, rest = text.partition(_SEPARATOR)
        step, _, attempt = rest.rpartition(_SEPARATOR)  # the id of a step may hold any character
        return StepKey(run=RunId(run), step=StepId(step), attempt=int(attempt))

    def _proof(self, text: str) -> str:
        return base64.urlsafe_b64encode(self._secret_key.derive(_PURPOSE, text)).decode()
