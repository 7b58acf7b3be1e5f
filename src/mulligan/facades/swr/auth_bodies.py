"""Bodies of the token service: Keystone v3 (spec/swr-pipeline-api.md §1.2)."""

import hashlib
from typing import Any

import msgspec

from mulligan.core.ids import ProjectId
from mulligan.core.records import Role
from mulligan.engine.logins import Login, Scope
from mulligan.facades.swr.times import time_text

Json = dict[str, Any]
DEFAULT_REGION = "cn-north-4"  # the part of an account, when a client names it by an id alone
_LONGEST = 255
_ADMINISTRATOR = "te_admin"  # as the original calls who may do everything in an account
_ROLE_NAMES = {Role.OWNER: _ADMINISTRATOR, Role.MAINTAINER: _ADMINISTRATOR}
_ABSENT = object()


class TokenBodyError(Exception):
    """The body of the token call is malformed."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the token call asks for.

    Args:
        domain, domain_id: The account of the user; one of them is "".
        other_domains: Names and ids of accounts that the scope names; all must be that account.
    """

    name: str
    password: str
    domain: str
    domain_id: str
    scope: Scope
    other_domains: tuple[tuple[str, str], ...] = ()


def read_wanted(value: object) -> Wanted:
    """Read the body of the token call.

    Raises:
        TokenBodyError: Something is absent or of the wrong type.
    """
    auth = _object(value, "body", "auth")
    identity = _object(auth, "auth", "identity")
    methods = identity.get("methods")
    if not isinstance(methods, list) or "password" not in methods:
        raise TokenBodyError("auth.identity.methods must be a list that holds 'password'")
    path = "auth.identity.password"
    user = _object(_object(identity, "auth.identity", "password"), path, "user")
    domain, domain_id = _name_or_id(_object(user, path + ".user", "domain"), "user.domain")
    scope, others = _read_scope(_object(auth, "auth", "scope"))
    return Wanted(
        name=_text(user, path + ".user", "name"),
        password=_text(user, path + ".user", "password"),
        domain=domain,
        domain_id=domain_id,
        scope=scope,
        other_domains=others,
    )


def _read_scope(scope: Json) -> tuple[Scope, tuple[tuple[str, str], ...]]:
    is_project, is_domain = (isinstance(scope.get(key), dict) for key in ("project", "domain"))
    if is_project == is_domain:
        raise TokenBodyError("auth.scope must hold one of project and domain")
    if is_domain:
        return Scope(), (_name_or_id(scope["domain"], "auth.scope.domain"),)
    project = scope["project"]
    name, project_id = _name_or_id(project, "auth.scope.project")
    others: tuple[tuple[str, str], ...] = ()
    if project.get("domain") is not None:
        domain = _object(project, "auth.scope.project", "domain")
        others = (_name_or_id(domain, "auth.scope.project.domain"),)
    return Scope(name or DEFAULT_REGION, project_id), others


def _name_or_id(value: Json, path: str) -> tuple[str, str]:
    name, ident = value.get("name"), value.get("id")
    texts = [text for text in (name, ident) if text is not None]
    if not texts or not all(isinstance(text, str) and 0 < len(text) <= _LONGEST for text in texts):
        raise TokenBodyError(f"{path} must have a name or an id of 1 to {_LONGEST} characters")
    return name or "", ident or ""


def _object(value: object, path: str, key: str) -> Json:
    found = value.get(key, _ABSENT) if isinstance(value, dict) else _ABSENT
    if not isinstance(found, dict):
        raise TokenBodyError(f"{path}.{key} must be an object")
    return found


def _text(value: Json, path: str, key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found:
        raise TokenBodyError(f"{path}.{key} must be a text that is not empty")
    return found


def domain_id(project: ProjectId) -> str:
    """Return the id of an account in this service."""
    return _ident("domain", project)


def region_id(project: ProjectId, region: str) -> str:
    """Return the id of a part of an account."""
    return _ident("project", f"{project}/{region}")


def _ident(kind: str, name: str) -> str:
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()[:32]


def render_login(login: Login, base_url: str, *, has_catalog: bool) -> Json:
    """Return the body of the token call.

    Args:
        base_url: Address of this server, without a slash at its end.
        has_catalog: Fill the catalog, else leave it empty.
    """
    domain = {"id": domain_id(login.project), "name": login.project}
    role = _ADMINISTRATOR if login.user.is_admin else _ROLE_NAMES.get(login.role, login.role.value)
    region = login.scope.region
    scope: Json = {"domain": domain}
    if region:
        ident = login.scope.id or region_id(login.project, region)
        scope = {"project": {"id": ident, "name": region, "domain": domain}}
    user = {"id": _ident("user", login.user.name), "name": login.user.name, "domain": domain}
    token = {
        "methods": ["password"],
        "issued_at": time_text(login.issued_at),
        "expires_at": time_text(login.expires_at),
        "user": user,
        "roles": [{"id": "0", "name": role}],
        **scope,
        "catalog": _catalog(base_url, region or DEFAULT_REGION) if has_catalog else [],
    }
    return {"token": token}


def _catalog(base_url: str, region: str) -> list[Json]:
    services = (("iam", "identity", "/v3"), ("swr", "swr", "/v2/manage"))
    return [
        {
            "id": _ident("service", name),
            "name": name,
            "type": kind,
            "endpoints": [
                {
                    "id": _ident("endpoint", f"{name}/{region}"),
                    "interface": "public",
                    "region": region,
                    "region_id": region,
                    "url": base_url + path,
                }
            ],
        }
        for name, kind, path in services
    ]


def render_projects(project: ProjectId, scope: Scope, base_url: str) -> Json:
    """Return the body of the list of parts of an account: the one that the token is for."""
    region = scope.region or DEFAULT_REGION
    ident = scope.id or region_id(project, region)
    url = f"{base_url}/v3/projects"
    item = {
        "id": ident,
        "name": region,
        "domain_id": domain_id(project),
        "parent_id": domain_id(project),
        "is_domain": False,
        "enabled": True,
        "description": "",
        "links": {"self": f"{url}/{ident}", "next": None, "previous": None},
    }
    return {"projects": [item], "links": {"self": url, "next": None, "previous": None}}


def render_version(base_url: str) -> Json:
    """Return what clients read to find out which version this is."""
    media = {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
    version = {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base_url}/v3/"}],
        "media-types": [media],
    }
    return {"version": version}
