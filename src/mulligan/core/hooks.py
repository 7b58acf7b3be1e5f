"""What starts pipelines and stages from outside: webhooks, channels, pushes of code."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from mulligan.core.ids import PipelineId, ProjectId, UserName


class HookKind(StrEnum):
    """How a signal comes in."""

    WEBHOOK = "webhook"  # `id` stands in a URL
    CHANNEL = "channel"  # `name` is published by other pipelines of the project
    CODE = "code"  # a code host calls the URL with `id`, signed by `secret`


class Hook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trigger of a pipeline, or of one stage of it.

    Args:
        stage: Id of the stage's job; "" = the pipeline as a whole.
        position: Index of the trigger in its condition.
        converts: Pairs (name of the parameter that comes in, variable that it sets).
        latched: It has fired and waits for the others; `values`: what it brought.
    """

    id: str
    kind: HookKind
    project: ProjectId
    pipeline: PipelineId
    stage: str = ""
    position: int = 0
    name: str = ""
    secret: str = ""
    converts: tuple[tuple[str, str], ...] = ()
    latched: bool = False
    values: dict[str, str] = {}
    extra: dict[str, Any] = {}  # for pushes: branches, tags


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group of pipelines in a project."""

    project: ProjectId
    name: str
    created_by: UserName
    created_at: datetime
    description: str = ""
    number: int = 0


class GroupGrant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user's right in a group: 1 read, 3 edit, 7 manage."""

    group: int
    user: UserName
    right: int


class Template(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A definition that a project keeps to make pipelines from."""

    project: ProjectId
    name: str
    label: str
    created_by: UserName
    created_at: datetime
    source: dict[str, Any]
    description: str = ""
    number: int = 0


class AccessKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key pair for signing requests; the secret is derived from the server's own key."""

    access: str
    user: UserName
    project: ProjectId
    created_at: datetime
    only_dev: bool = False  # made by somebody without a credential: good under `--dev` alone


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A line that the server adds to the log of a job after its end."""

    run: str
    job: str
    attempt: int
    at: datetime
    text: str
