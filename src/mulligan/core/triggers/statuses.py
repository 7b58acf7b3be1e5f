"""What a code host is told of a run: the request that sets the status of a commit. Pure."""

from collections.abc import Iterable
from urllib.parse import quote, urlsplit

import msgspec

from mulligan.core.triggers.origin import Origin
from mulligan.core.triggers.proof import Host

_PENDING, _SUCCESS, _FAILURE, _CANCELLED = "pending", "success", "failure", "cancelled"
_JSON = msgspec.json.Encoder()
# The words of each host, by ours.
_WORDS: dict[Host, dict[str, str]] = {
    Host.GITHUB: {_CANCELLED: "error"},
    Host.GITEA: {_CANCELLED: "warning"},
    Host.GITLAB: {_PENDING: "running", _FAILURE: "failed", _CANCELLED: "canceled"},
    Host.GITEE: {_CANCELLED: "error"},
    Host.TGIT: {_CANCELLED: "error"},
}
# Where the API of a server of one's own is; the public GitHub has a host for it.
_APIS = {
    Host.GITHUB: "/api/v3",
    Host.GITEA: "/api/v1",
    Host.GITLAB: "/api/v4",
    Host.GITEE: "/api/v5",
    Host.TGIT: "/api/v3",
}
_GITHUB = "github.com"
_WELL_KNOWN = frozenset(
    {_GITHUB, "gitlab.com", "gitee.com", "gitea.com", "codeberg.org", "git.code.tencent.com"}
)
_LONGEST_TEXT = 140  # characters; the shortest bound of these hosts


class StatusRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it goes over the wire; its headers hold the token."""

    url: str
    headers: dict[str, str]
    body: bytes


def status_request(
    origin: Origin, state: str, *, token: str, name: str, text: str, target: str, api: str = ""
) -> StatusRequest | None:
    """Make the request.

    Args:
        origin: What started the run.
        state: pending, success, failure or cancelled.
        name: Of the status: one commit may have several.
        text: One line for people.
        target: Where they see more; "" = nowhere.
        api: Base of the host's API; "" = it follows from the repository's address.

    Returns:
        None when nothing can be told: no commit, no address, or a host without statuses.
    """
    if origin.host not in _WORDS or not origin.commit:
        return None
    host = Host(origin.host)
    base = (api or _api_of(host, origin.url)).rstrip("/")
    if not base:
        return None
    word = _WORDS[host].get(state, state)
    fields = {"state": word, "description": text[:_LONGEST_TEXT], "target_url": target}
    headers = {"Content-Type": "application/json", "User-Agent": "Mulligan"}
    if host is Host.GITLAB:
        place = origin.repository_id or quote(origin.repository, safe="")
        url = f"{base}/projects/{place}/statuses/{origin.commit}"
        headers["PRIVATE-TOKEN"] = token
        fields["name"] = name
    elif host is Host.TGIT:
        place = origin.repository_id or quote(origin.repository, safe="")
        url = f"{base}/projects/{place}/commit/{origin.commit}/statuses"
        headers["PRIVATE-TOKEN"] = token
        fields["context"] = name
    else:
        url = f"{base}/repos/{quote(origin.repository)}/statuses/{origin.commit}"
        headers["Authorization"] = f"Bearer {token}" if host is Host.GITHUB else f"token {token}"
        fields["context"] = name
    body = {key: value for key, value in fields.items() if value}
    return StatusRequest(url=url, headers=headers, body=_JSON.encode(body))


def is_known_host(url: str, linked: Iterable[str]) -> bool:
    """Tell whether the server of a repository may get a token of the project.

    The address comes with an event, and whoever knows the secret of a hook can make one up.

    Args:
        linked: Addresses of the repositories that the project has linked.
    """
    scheme, site = _site(url)
    if scheme == "https" and site in _WELL_KNOWN:
        return True
    allowed = {(scheme, site)}
    if scheme == "https":
        allowed.add(("ssh", site))
    return bool(site) and not allowed.isdisjoint(map(_site, linked))


def _site(url: str) -> tuple[str, str]:
    """Return scheme, and host with its port if it says one; of ssh the host alone."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    if parts.scheme in {"http", "https"}:
        return parts.scheme, parts.netloc.rpartition("@")[2].lower()
    if not host:
        host = url.partition(":")[0].rpartition("@")[2]  # git@host:path
    return "ssh", host.lower()


def _api_of(host: Host, repository: str) -> str:
    """Return the base of the API of the server that a repository lies on."""
    parts = urlsplit(repository)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return ""
    site = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if host is Host.GITHUB and parts.hostname == _GITHUB:
        return f"https://api.{_GITHUB}"
    return site + _APIS[host]
