"""Credentials: the types of this API, what their `v1` to `v4` are, and what is shown of one."""

from collections.abc import Mapping

import msgspec

from mulligan.core.errors import InvalidError
from mulligan.core.secrets import StoredSecret
from mulligan.engine.secrets import GivenSecret
from mulligan.facades.bkci.bodies import read_object
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.query import blank
from mulligan.facades.bkci.times import Json, millis, present

HIDDEN = "******"  # stands for a value; given back, the value stays as it is


class CredentialType(msgspec.Struct, frozen=True):
    """The fields that `v1`, `v2` … are (spec/bkci-yaml-and-plugins.md §3.5)."""

    fields: tuple[str, ...]
    optional: frozenset[str] = frozenset()


_PASSPHRASE = frozenset({"passphrase"})
TYPES: Mapping[str, CredentialType] = {
    "PASSWORD": CredentialType(("password",)),
    "ACCESSTOKEN": CredentialType(("access_token",)),
    "OAUTHTOKEN": CredentialType(("oauth_token",)),
    "USERNAME_PASSWORD": CredentialType(("username", "password")),
    "SECRETKEY": CredentialType(("secretKey",)),
    "APPID_SECRETKEY": CredentialType(("appId", "secretKey")),
    "SSH_PRIVATEKEY": CredentialType(("privateKey", "passphrase"), _PASSPHRASE),
    "TOKEN_SSH_PRIVATEKEY": CredentialType(("token", "privateKey", "passphrase"), _PASSPHRASE),
    "TOKEN_USERNAME_PASSWORD": CredentialType(("token", "username", "password")),
    "COS_APPID_SECRETID_SECRETKEY_REGION": CredentialType(
        ("cosappId", "secretId", "secretKey", "region")
    ),
    "MULTI_LINE_PASSWORD": CredentialType(("password",)),
}


def read_credential(
    body: object, *, ident: str = "", before: Mapping[str, str] | None = None, kind: str = ""
) -> GivenSecret:
    """Read a `CredentialCreate` or `CredentialUpdate`.

    Args:
        ident: Of the one that is edited; "" = the body names it.
        before: Values that it has: those that are blank or hidden in the body stay.
        kind: The type that it has.

    Raises:
        InvalidError: Something is missing, or the type is unknown.
    """
    part = read_object(body)
    ident = ident or part.text("credentialId").strip()
    if not ident:
        raise blank("credentialId")
    word = part.text("credentialType").strip() or kind
    if not word:
        raise blank("credentialType")
    if word not in TYPES:
        raise InvalidError(
            f"credentialType is {word[:100]!r}; one of {', '.join(TYPES)} was expected",
            pointer="/credentialType",
            code="bad-value",
            values=("credentialType",),
        )
    return GivenSecret(
        id=ident,
        kind=word,
        values=_values(part, TYPES[word], before if word == kind and before else {}),
        name=part.text("credentialName").strip(),
        remark=part.text("credentialRemark"),
    )


def _values(part: Part, kind: CredentialType, before: Mapping[str, str]) -> dict[str, str]:
    values = {}
    for number, field in enumerate(kind.fields, start=1):
        value = part.text(f"v{number}")
        if not value.strip() or (before and value == HIDDEN):
            value = before.get(field, "")
        if not value and field not in kind.optional:
            raise blank(f"v{number}")
        values[field] = value
    return values


def read_types(text: str) -> tuple[str, ...]:
    """Read the filter of a list; types that do not exist have no credentials."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip() in TYPES))


def render_credential(secret: StoredSecret, *, may_manage: bool) -> Json:
    """Show a credential; its values are hidden."""
    values = {f"v{number}": HIDDEN for number, _ in enumerate(secret.fields, start=1)}
    return present(
        {
            "credentialId": secret.id,
            "credentialName": secret.name,
            "credentialType": secret.kind,
            "credentialRemark": secret.remark or None,
            "createUser": secret.created_by,
            "createTime": millis(secret.created_at),
            "updateUser": secret.updated_by,
            "updatedTime": millis(secret.updated_at),
            "permissions": {
                "delete": may_manage,
                "edit": may_manage,
                "use": True,
                "view": True,
            },
            **values,
        }
    )
