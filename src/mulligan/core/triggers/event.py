"""An event of a code host, whatever host it is: what the filters look at."""

import msgspec

from mulligan.core.triggers.spec import EventKind

NO_COMMIT = "0" * 40


class EventRepository(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The repository that an event tells of."""

    full_name: str = ""  # group/name
    id: str = ""
    url: str = ""  # over HTTP
    ssh_url: str = ""
    page: str = ""

    @property
    def name(self) -> str:
        """Return the last part of its full name."""
        return self.full_name.rpartition("/")[2]

    @property
    def group(self) -> str:
        """Return its full name without the last part."""
        return self.full_name.rpartition("/")[0]


class MergeRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A merge or pull request."""

    id: str = ""
    number: str = ""
    title: str = ""
    description: str = ""
    url: str = ""
    source: str = ""  # branch
    target: str = ""
    source_url: str = ""  # of the repository
    target_url: str = ""
    author: str = ""
    assignees: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    milestone: str = ""
    milestone_id: str = ""
    base_commit: str = ""
    merge_commit: str = ""


class Issue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An issue."""

    id: str = ""
    number: str = ""
    title: str = ""
    description: str = ""
    state: str = ""
    url: str = ""
    author: str = ""
    milestone_id: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A comment. `about`: Commit, Review (merge requests) or Issue."""

    id: str = ""
    about: str = ""
    text: str = ""
    url: str = ""
    author: str = ""


class Review(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code review. `about`: merge_request or comparison."""

    id: str = ""
    state: str = ""
    about: str = "merge_request"
    url: str = ""
    reviewer: str = ""


class CodeEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened.

    Args:
        name: The host's own word for the event.
        user: Login of who did it.
        action: new-branch, push-file, delete; create, delete; open, close, reopen, push-update,
            merge, and others of the host.
        paths: Files that were changed; None = the payload does not say.
        commits: How many were pushed.
    """

    host: str
    kind: EventKind
    name: str
    repository: EventRepository
    user: str = ""
    action: str = ""
    ref: str = ""
    branch: str = ""
    tag: str = ""
    tag_from: str = ""
    before: str = ""
    commit: str = ""
    message: str = ""
    author: str = ""
    commit_url: str = ""
    commits: int = 0
    forced: bool = False
    paths: tuple[str, ...] | None = None
    merge_request: MergeRequest | None = None
    issue: Issue | None = None
    note: Note | None = None
    review: Review | None = None

    @property
    def url(self) -> str:
        """Return where people see it."""
        parts = (self.note, self.review, self.merge_request, self.issue)
        return next((part.url for part in parts if part is not None), self.commit_url)

    @property
    def title(self) -> str:
        """Return one line that says what it is about."""
        if self.merge_request is not None:
            return self.merge_request.title
        if self.issue is not None:
            return self.issue.title
        return self.message.partition("\n")[0]
