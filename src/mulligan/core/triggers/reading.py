"""A delivery of any host as an event, and by what the host names it."""

from collections.abc import Callable

from mulligan.core.triggers.event import CodeEvent
from mulligan.core.triggers.payload import Payload, repository_of
from mulligan.core.triggers.proof import Header, Host
from mulligan.core.triggers.read_gitee import read_gitee
from mulligan.core.triggers.read_github import read_github, read_push
from mulligan.core.triggers.read_gitlab import read_gitlab
from mulligan.core.triggers.spec import EventKind

LONGEST_ID = 200
# By what hosts name a delivery; the same when they send it again.
_IDS: dict[Host, tuple[str, ...]] = {
    Host.GITHUB: ("X-GitHub-Delivery",),
    # the event is named alike for all hooks, and for what it causes
    Host.GITLAB: ("webhook-id", "Idempotency-Key", "X-Gitlab-Event-UUID"),
    Host.GITEA: ("X-Gitea-Delivery", "X-Forgejo-Delivery", "X-Gogs-Delivery", "X-GitHub-Delivery"),
    Host.GITEE: ("X-Gitee-Timestamp",),
    Host.TGIT: ("X-TRACE-ID",),
    Host.STANDARD: ("webhook-id",),
}
_EVENTS: dict[Host, tuple[str, ...]] = {
    Host.GITHUB: ("X-GitHub-Event",),
    Host.GITLAB: ("X-Gitlab-Event",),
    Host.GITEA: (
        "X-Gitea-Event-Type",
        "X-Forgejo-Event-Type",
        "X-Gitea-Event",
        "X-Forgejo-Event",
        "X-Gogs-Event",
        "X-GitHub-Event",
    ),
    Host.GITEE: ("X-Gitee-Event",),
    Host.TGIT: ("X-Event",),
    Host.STANDARD: (),
}


def delivery_id(host: Host, header: Header) -> str:
    """Return by what the host names a delivery; "" when it does not."""
    return _first((*_IDS[host], "Idempotency-Key"), header)[:LONGEST_ID]


def read_event(host: Host, header: Header, content: object) -> CodeEvent:
    """Read a decoded payload. Whatever it is, some event comes out."""
    return _READERS[host](_first(_EVENTS[host], header), Payload(content))


def _first(names: tuple[str, ...], header: Header) -> str:
    return next((found for name in names if (found := header(name))), "")


def _read_standard(_name: str, payload: Payload) -> CodeEvent:
    """Read a payload of nobody in particular: a push if it has a ref, else only its type."""
    if payload.has("ref"):
        return read_push(Host.STANDARD.value, "push", payload)
    repository = repository_of(payload.part("repository"))
    name = payload.text("type", "event") or "custom"
    return CodeEvent(host=Host.STANDARD, kind=EventKind.OTHER, name=name, repository=repository)


_READERS: dict[Host, Callable[[str, Payload], CodeEvent]] = {
    Host.GITHUB: lambda name, payload: read_github(Host.GITHUB.value, name or "push", payload),
    Host.GITEA: lambda name, payload: read_github(Host.GITEA.value, name or "push", payload),
    Host.GITLAB: lambda name, payload: read_gitlab(Host.GITLAB.value, name, payload),
    Host.TGIT: lambda name, payload: read_gitlab(Host.TGIT.value, name, payload),
    Host.GITEE: read_gitee,
    Host.STANDARD: _read_standard,
}
