"""The server's own key: what it derives from it needs to be stored nowhere."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mulligan.core.errors import InfrastructureError, MulliganError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ENVIRONMENT_NAME = "MULLIGAN_SECRET_KEY"
_KEY_BYTES = 32  # as long as the digest of HMAC-SHA256
_SHORTEST_TEXT = 32  # characters
_NONCE_BYTES = 12  # of AES-GCM


class UnsealError(MulliganError):
    """It was encrypted with another key, or for another place."""


class SecretKey:
    """A secret of this server. Keys for different purposes have nothing in common.

    Args:
        read: Gives the 32 bytes; called once, at the first use or by `load`.
    """

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._key: bytes | None = None

    def load(self) -> None:
        """Read the key now. Blocks for a moment.

        Raises:
            InfrastructureError: It is too short to be a key, or its file can't be used.
        """
        if self._key is None:
            self._key = self._read()

    def derive(self, purpose: str, text: str = "") -> bytes:
        """Return 32 bytes that only this key gives for this purpose and text."""
        self.load()
        assert self._key is not None  # noqa: S101 - just loaded
        message = f"{len(purpose)}:{purpose}:{text}"  # no two pairs run together
        return hmac.new(self._key, message.encode(), hashlib.sha256).digest()

    def seal(self, purpose: str, place: str, content: bytes) -> bytes:
        """Encrypt with AES-256-GCM; what comes out is good for that purpose and place only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher(purpose).encrypt(nonce, content, place.encode())

    def unseal(self, purpose: str, place: str, sealed: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            UnsealError: It is of another key, purpose or place, or was changed.
        """
        from cryptography.exceptions import InvalidTag

        try:
            nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            return self._cipher(purpose).decrypt(nonce, content, place.encode())
        except (InvalidTag, ValueError):
            raise UnsealError("it was encrypted with another key of the server") from None

    def _cipher(self, purpose: str) -> "AESGCM":
        # a library of native code, 25 ms: most servers start without needing it
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self.derive(purpose))


def random_key() -> SecretKey:
    """Return a key that is gone with the process."""
    return SecretKey(lambda: secrets.token_bytes(_KEY_BYTES))


def stored_key(path: Path, environment: Mapping[str, str] | None = None) -> SecretKey:
    """Return the key of `MULLIGAN_SECRET_KEY`, else of the file, which is made when missing."""
    given = (os.environ if environment is None else environment).get(ENVIRONMENT_NAME, "")
    if given:
        return SecretKey(lambda: _from_text(given, ENVIRONMENT_NAME))
    return SecretKey(lambda: _from_text(_text_of(path), path.name))


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return _make(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InfrastructureError(f"{path.name} can't be read: {error}") from error


def _from_text(text: str, source: str) -> bytes:
    if len(text.strip()) < _SHORTEST_TEXT:
        raise InfrastructureError(
            f"{source} holds no key: at least {_SHORTEST_TEXT} characters are needed"
        )
    return hashlib.sha256(text.strip().encode()).digest()


def _make(path: Path) -> str:
    """Write a new key; it is whole on the disk before it has its name."""
    text = secrets.token_hex(_KEY_BYTES)
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise InfrastructureError(f"{path.name} can't be written: {error}") from error
    return text
