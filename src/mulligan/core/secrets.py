"""Secrets of a project: what is kept of one, and how a step gets at its values.

Texts of a definition name a value as `settings.ID.FIELD`. It is looked up when a step is handed to
its runner and at no other time, so that nothing that is stored ever holds it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TypeAlias

import msgspec

from mulligan.core.ids import ProjectId, UserName

ROOT = "settings"
# Gives the value of "ID.FIELD", None if there is none.
SecretLookup: TypeAlias = Callable[[str], str | None]

_NAMED = re.compile(rf"\b{ROOT}\s*[.\[]")

# Fields that are no secrets (spec/bkci-yaml-and-plugins.md §3.5).
OPEN_FIELDS = frozenset({"username"})
# Fields that often are words of everyday output: masked only where a step uses them.
COMMON_FIELDS = frozenset({"appId", "cosappId", "region"})


def names_secret(text: str) -> bool:
    """Tell whether an expression names a secret."""
    return _NAMED.search(text) is not None


class StoredSecret(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A secret as it is kept.

    Args:
        kind: Word of the API that made it; says which fields it has.
        fields: Names of its values, in order.
        sealed: The values, encrypted.
    """

    project: ProjectId
    id: str
    kind: str
    fields: tuple[str, ...]
    sealed: bytes
    created_by: UserName
    created_at: datetime
    updated_by: UserName
    updated_at: datetime
    name: str = ""
    remark: str = ""


class SecretObjects(Mapping[str, object]):
    """The root `settings` of expressions. It can be asked, but not listed: only used is seen."""

    def __init__(self, lookup: SecretLookup, prefix: str = "") -> None:
        self._lookup = lookup
        self._prefix = prefix

    def __getitem__(self, key: str) -> object:
        """Give the values of a secret, or one of them."""
        if not self._prefix:
            return SecretObjects(self._lookup, f"{key}.")
        value = self._lookup(self._prefix + key)
        if value is None:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        """List nothing."""
        return iter(())

    def __len__(self) -> int:
        """Count what is listed."""
        return 0
