"""What a code host is told of a run: the request that sets the status of a commit. Pure."""

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


def _api_of(host: Host, repository: str) -> str:
    """Return the base of the API of the server that a repository lies on."""
    parts = urlsplit(repository)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return ""
    site = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if host is Host.GITHUB and parts.hostname == _GITHUB:
        return f"https://api.{_GITHUB}"
    return site + _APIS[host]
