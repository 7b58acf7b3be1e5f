"""Passwords: hashed and verified by argon2, off the event loop, few at a time.

One hash takes 64 MiB and tens of milliseconds on purpose: a handful of threads of their own keeps
a flood of logins from eating the memory, and from keeping other work in threads waiting.
"""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

_POOL = ThreadPoolExecutor(2, thread_name_prefix="passwords")
_NOBODY: list[str] = []


async def hashed(password: str) -> str:
    """Return the hash to store for a password."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, hash_password, password)


async def fits(stored: str, password: str) -> bool:
    """Tell whether a password fits a stored hash; takes as long when nothing is stored ("")."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, _fits, stored, password)


def _fits(stored: str, password: str) -> bool:
    is_right = verify_password(stored or _nobody_hash(), password)
    return is_right and bool(stored)


def hash_password(password: str) -> str:
    """Return an argon2 hash with the library's costs (RFC 9106, second recommended option)."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def verify_password(stored: str, password: str) -> bool:
    """Tell whether a password fits a hash."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _nobody_hash() -> str:
    """Give a hash to verify against when there is no such user: the same time is spent."""
    if not _NOBODY:
        _NOBODY.append(hash_password(secrets.token_urlsafe(16)))
    return _NOBODY[0]
