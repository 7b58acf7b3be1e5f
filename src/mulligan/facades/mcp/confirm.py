"""Confirmations: what was planned may be done once, by who planned it, if it still holds.

A confirmation is stored nowhere. It is signed with the server's key, and holds digests of the
arguments and of the state that the plan was made of. That it was used is known by the receipt
that is stored with the act, under `receipt_key`.
"""

import base64
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from datetime import timedelta

import msgspec

from mulligan.core.refusal import LastAct
from mulligan.ports import Clock
from mulligan.secret_key import SecretKey

GOOD_FOR = timedelta(minutes=15)
_PURPOSE = "mcp-confirm"
_DIGEST_BYTES = 12
_PARTS = 5
_LONGEST = 300  # characters


class ConfirmError(Exception):
    """A confirmation is not good; `reason` is a key of the texts, `last` says who was faster."""

    def __init__(self, reason: str, last: LastAct | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.last = last


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be confirmed.

    Args:
        state: What the plan was made of; when it is another one, the plan is stale.
        last: What was done to it last, to be said of a stale plan.
    """

    user: str
    tool: str
    arguments: object
    state: object
    last: LastAct | None = None


class Confirmations:
    """Makes and checks confirmations."""

    def __init__(self, secret_key: SecretKey, clock: Clock) -> None:
        self._secret_key = secret_key
        self._clock = clock
        self._used_now: set[str] = set()

    @contextlib.contextmanager
    def in_use(self, key: str) -> Iterator[None]:
        """Let nobody else use a confirmation meanwhile.

        Raises:
            ConfirmError: Somebody does.
        """
        if key in self._used_now:
            raise ConfirmError("confirm-used")
        self._used_now.add(key)
        try:
            yield
        finally:
            self._used_now.discard(key)

    @property
    def good_for_s(self) -> int:
        """Return for how many seconds a new one is good."""
        return int(GOOD_FOR.total_seconds())

    def make(self, act: Act) -> str:
        """Give the confirmation for an act."""
        until = int((self._clock.now() + GOOD_FOR).timestamp())
        nonce = _text(secrets.token_bytes(_DIGEST_BYTES))
        text = f"{until}.{nonce}.{_digest(act.arguments)}.{_digest(act.state)}"
        return f"{text}.{self._proof(act, text)}"

    def receipt_key(self, confirmation: str, act: Act) -> str:
        """Check that this server has given a confirmation to this user for this tool.

        Returns:
            The key of the receipt that says that it was used.

        Raises:
            ConfirmError: It has not.
        """
        text, _, proof = confirmation.rpartition(".")
        is_long = len(confirmation) > _LONGEST or not confirmation.isascii()
        if is_long or not hmac.compare_digest(proof, self._proof(act, text)):
            raise ConfirmError("confirm-malformed")
        return f"mcp-{text.split('.')[1]}"

    def check(self, confirmation: str, act: Act) -> None:
        """Check that a confirmation, which is this server's, is good for an act.

        Raises:
            ConfirmError: It is not.
        """
        parts = confirmation.split(".")
        if len(parts) != _PARTS:
            raise ConfirmError("confirm-malformed")
        until, _, arguments, state, _ = parts
        if arguments != _digest(act.arguments):
            raise ConfirmError("confirm-other")
        if self._clock.now().timestamp() > int(until):
            raise ConfirmError("confirm-over")
        if state != _digest(act.state):
            raise ConfirmError("confirm-stale", act.last)

    def _proof(self, act: Act, text: str) -> str:
        return _text(self._secret_key.derive(_PURPOSE, f"{act.tool} {act.user} {text}"))


def _digest(value: object) -> str:
    encoded = msgspec.json.encode(value, order="sorted")
    return _text(hashlib.sha256(encoded).digest()[:_DIGEST_BYTES])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
