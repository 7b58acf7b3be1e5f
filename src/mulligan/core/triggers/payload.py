"""Look into a payload of a code host: whatever is missing or of another type reads as empty."""

from collections.abc import Iterable
from typing import Any

from mulligan.core.triggers.event import EventRepository

HEADS, TAGS = "refs/heads/", "refs/tags/"
_MOST_PATHS = 3000
_LONGEST = 65_536  # characters of a text; what is longer is cut


class Payload:
    """A JSON object. Paths of members are written with dots."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value: dict[str, Any] = value if isinstance(value, dict) else {}

    def raw(self, path: str) -> Any:
        """Return a member as it is, None when absent."""
        found: Any = self._value
        for name in path.split("."):
            if not isinstance(found, dict):
                return None
            found = found.get(name)
        return found

    def has(self, path: str) -> bool:
        """Tell whether a member is there and not null."""
        return self.raw(path) is not None

    def text(self, *paths: str) -> str:
        """Return the first of some members that is a text or a whole number, and not empty."""
        for path in paths:
            found = self.raw(path)
            if isinstance(found, int) and not isinstance(found, bool):
                return str(found)
            if isinstance(found, str) and found:
                return found[:_LONGEST]
        return ""

    def whole(self, path: str) -> int:
        """Return a member that is a whole number, else 0."""
        found = self.raw(path)
        return found if isinstance(found, int) and not isinstance(found, bool) else 0

    def flag(self, path: str) -> bool:
        """Return whether a member is true."""
        return self.raw(path) is True

    def part(self, *paths: str) -> "Payload":
        """Return the first of some members that is an object; an empty one when none is."""
        return Payload(next((self.raw(path) for path in paths if self.has(path)), None))

    def parts(self, path: str) -> list["Payload"]:
        """Return the objects of a list."""
        found = self.raw(path)
        items = found if isinstance(found, list) else []
        return [Payload(item) for item in items if isinstance(item, dict)]

    def texts(self, path: str, *members: str) -> tuple[str, ...]:
        """Return a list of texts; of objects the first of those members."""
        found = self.raw(path)
        items = found if isinstance(found, list) else []
        texts = (
            item if isinstance(item, str) else Payload(item).text(*members or ("name",))
            for item in items
        )
        return tuple(text for text in texts if text)


def changed_paths(commits: Iterable[Payload]) -> tuple[str, ...] | None:
    """Return the files that commits add, change and remove; None = more than can be kept."""
    found: dict[str, None] = {}
    for commit in commits:
        for member in ("added", "modified", "removed"):
            for path in commit.texts(member):
                found[path] = None
        if len(found) > _MOST_PATHS:
            return None
    return tuple(found)


def count_commits(payload: Payload, total: str) -> int:
    """Return how many commits were pushed; who does not say anything of them pushed one."""
    if not payload.has("commits"):
        return 1
    return max(len(payload.parts("commits")), payload.whole(total))


def commit_id(text: str) -> str:
    """Return a commit's id; "" for the one of only zeros that stands for none."""
    return text if text.strip("0") else ""


def repository_of(part: Payload, *, name: str = "") -> EventRepository:
    """Return the repository that an object of any of the hosts describes."""
    page = part.text("html_url", "web_url", "homepage")
    url = part.text("clone_url", "git_http_url", "http_url_to_repo", "http_url") or page
    full_name = part.text("full_name", "path_with_namespace") or name or _path_of(url)
    return EventRepository(
        full_name=full_name,
        id=part.text("id"),
        url=url,
        ssh_url=part.text("ssh_url", "git_ssh_url", "ssh_url_to_repo"),
        page=page,
    )


def _path_of(url: str) -> str:
    path = url.partition("://")[2].partition("/")[2]
    return path.removesuffix(".git").strip("/")
