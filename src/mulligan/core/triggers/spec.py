"""Triggers of a definition, frozen (spec/bkci-model-and-engine.md §3)."""

from enum import StrEnum

import msgspec

from mulligan.core.ids import StepId, UserName


class TriggerKind(StrEnum):
    """What a trigger waits for."""

    MANUAL = "manual"
    TIMER = "timer"
    REMOTE = "remote"
    CODE = "code"
    OTHER = "other"  # kept and shown, never fires: svn, p4, tapd, events of a store


class EventKind(StrEnum):
    """What happened at a code host."""

    PUSH = "push"
    TAG = "tag"
    MERGE_REQUEST = "merge-request"
    MERGED = "merged"  # of triggers: a merge request was merged
    CREATE = "create"  # GitHub's own event: a branch or tag was made
    ISSUE = "issue"
    NOTE = "note"
    REVIEW = "review"
    PING = "ping"
    OTHER = "other"


class RepositoryBy(StrEnum):
    """How a trigger names its repository."""

    SELF = "SELF"  # that of the pipeline's own file
    ID = "ID"
    NAME = "NAME"
    NONE = "NONE"


class RepositoryRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A repository as a trigger names it."""

    by: RepositoryBy = RepositoryBy.SELF
    value: str = ""


class TimerSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fires at times.

    Args:
        lines: Cron expressions, each of five fields (Unix) or six or seven (Quartz).
        zone: Name of its time zone; "" = that of the server's setting.
        only_changes: Only when a branch has a new commit since the last start by this timer.
        branches: Which ones; () = the default branch.
        values: Parameters of the start.
    """

    lines: tuple[str, ...] = ()
    zone: str = ""
    only_changes: bool = False
    repository: RepositoryRef = RepositoryRef(by=RepositoryBy.NONE)
    branches: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()


class TriggerReview(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who must let a run begin that an event has started: the code of strangers runs unasked else.

    Args:
        reviewers: Names of users; one approval or refusal decides.
        only_forks: Asked only about merge requests that come from another repository, or of which
            nobody knows where they come from.
    """

    reviewers: tuple[UserName, ...]
    timeout_s: float = 24 * 3600.0
    only_forks: bool = False


class CodeSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fires on an event of a code host, when all its filters accept.

    Args:
        hosts: Kinds of hosts whose events count; () = any.
        branches, not_branches: Ant patterns; of merge requests the target branch.
        actions: Of pushes, tags, merge requests; None = those that the event has by default, while
            an empty tuple lets nothing through.
        paths_are_patterns: Ant patterns, else beginnings of paths.
        check: Tell the host how the run goes.
        third_url: Who is asked, after all other filters, whether to start; "" = nobody.
        third_secret: Shown to them: a secret of the project by name, else the text itself.
        review: Who must let its runs begin; None = nobody is asked.
    """

    event: EventKind
    hosts: tuple[str, ...] = ()
    repository: RepositoryRef = RepositoryRef()
    branches: tuple[str, ...] = ()
    not_branches: tuple[str, ...] = ()
    source_branches: tuple[str, ...] = ()
    not_source_branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    from_branches: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    not_users: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()
    paths_are_patterns: bool = False
    messages: tuple[str, ...] = ()
    not_messages: tuple[str, ...] = ()
    actions: tuple[str, ...] | None = None
    issue_actions: tuple[str, ...] = ()
    note_types: tuple[str, ...] = ()
    note_comments: tuple[str, ...] = ()
    review_states: tuple[str, ...] = ()
    review_types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    not_labels: tuple[str, ...] = ()
    skip_wip: bool = False
    replaces_queued: bool = False
    check: bool = True
    third_url: str = ""
    third_secret: str = ""
    review: TriggerReview | None = None


class TriggerSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trigger. `element`: its class in the definition, for people and lists."""

    id: StepId
    kind: TriggerKind
    element: str
    name: str = ""
    enabled: bool = True
    timer: TimerSpec | None = None
    code: CodeSpec | None = None
