"""What people keep in a project besides pipelines: labels, views, drafts, templates, environments.

Each kind is a type of its own; the store treats them alike.
"""

from datetime import datetime
from typing import Any

import msgspec

from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.quality import MetricCondition
from mulligan.core.records import PipelineSettings
from mulligan.core.spec import PipelineSpec


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """One thing of some kind. Ids and names are unique: ids in the project, names in the parent.

    Args:
        parent: Id of the item that it belongs to, "" = none.
        number: Ascending over the server; 0 before it is stored.
    """

    project: ProjectId
    id: str
    name: str
    created_by: UserName
    created_at: datetime
    updated_by: UserName
    updated_at: datetime
    parent: str = ""
    number: int = 0


def new_fields(
    actor: UserName, now: datetime, project: str, ident: str, name: str
) -> dict[str, Any]:
    """Return the fields that every new item begins with."""
    return {
        "project": ProjectId(project),
        "id": ident,
        "name": name,
        "created_by": actor,
        "created_at": now,
        "updated_by": actor,
        "updated_at": now,
    }


class LabelGroup(Item, frozen=True, kw_only=True, omit_defaults=True, tag="label-group"):
    """Labels of one meaning, such as a team or a language."""


class Label(Item, frozen=True, kw_only=True, omit_defaults=True, tag="label"):
    """A label of a group (`parent`); pipelines have the ids of theirs in their settings."""


class ViewFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One condition of a dynamic view; `source` is what its dialect gave."""

    kind: str  # name | creator | label
    condition: str = "LIKE"  # LIKE | NOT_LIKE | EQUAL | NOT_EQUAL | INCLUDE | NOT_INCLUDE
    text: str = ""
    values: tuple[str, ...] = ()
    source: dict[str, Any] = {}


class View(Item, frozen=True, kw_only=True, omit_defaults=True, tag="view"):
    """A selection of pipelines: by filters (`is_dynamic`), or one by one.

    `parent` is "" for one of the whole project, else the user whose it is.
    """

    is_dynamic: bool = False
    needs_all: bool = True  # filters joined by AND, else by OR
    filters: tuple[ViewFilter, ...] = ()
    pipelines: tuple[PipelineId, ...] = ()


class PipelineDraft(Item, frozen=True, kw_only=True, omit_defaults=True, tag="draft"):
    """A definition that is not released; `id` is its pipeline's, which has at most one.

    Args:
        version: The number that it will have when it is released.
        revision: Counts its savings, from 1.
        made_from: The version that it began as; 0 = none.
        beside: The released version when it was saved last: what it would replace.
        title, description, settings: Of the pipeline after the release.
        note: What its author says about the change.
    """

    version: int
    spec: PipelineSpec
    dialect: str
    source: dict[str, Any]
    settings: PipelineSettings
    revision: int = 1
    made_from: int = 0
    beside: int = 0
    title: str = ""
    description: str = ""
    note: str = ""


class PipelineTemplate(Item, frozen=True, kw_only=True, omit_defaults=True, tag="template"):
    """A model that pipelines are made from. `newest`: the greatest version number ever given."""

    newest: int
    description: str = ""


class TemplateVersion(Item, frozen=True, kw_only=True, omit_defaults=True, tag="template-version"):
    """One version of a template (`parent`); immutable. `title`: its name, which may repeat."""

    version: int
    title: str
    source: dict[str, Any]
    settings: PipelineSettings = PipelineSettings()


class TemplateInstance(
    Item, frozen=True, kw_only=True, omit_defaults=True, tag="template-instance"
):
    """That a pipeline (`id`) was made from a version of a template (`parent`)."""

    version: int

    @property
    def pipeline(self) -> PipelineId:
        """Return the pipeline."""
        return PipelineId(self.id)


class NodeGroup(Item, frozen=True, kw_only=True, omit_defaults=True, tag="node-group"):
    """Machines under one name. `extra`: what a dialect gave and only that dialect reads."""

    purpose: str = "BUILD"  # DEV | PROD | BUILD
    description: str = ""
    nodes: tuple[str, ...] = ()
    extra: dict[str, Any] = {}


class LinkedRepository(Item, frozen=True, kw_only=True, omit_defaults=True, tag="repository"):
    """A repository under a name that checkouts use (`name`: its alias).

    Args:
        url: Without a login.
        host_kind: Word of the dialect for what kind of server has it.
        secret: Id of the secret that its checkouts log in with, "" = none.
        user: Name for the login where the secret has none.
        extra: What a dialect gave and only that dialect reads.
    """

    url: str
    host_kind: str = ""
    secret: str = ""
    user: str = ""
    extra: dict[str, Any] = {}


class QualityRule(Item, frozen=True, kw_only=True, omit_defaults=True, tag="quality-rule"):
    """A quality rule (`id`: the name by which stages use it); see `core.quality`."""

    conditions: tuple[MetricCondition, ...]
    gatekeepers: tuple[UserName, ...] = ()
    description: str = ""
    enabled: bool = True
    plugin: str = ""  # code of the plugins around which it is judged, besides stages
    before: bool = False  # before them, else after them


class VersionCount(Item, frozen=True, kw_only=True, omit_defaults=True, tag="version-count"):
    """The counter of a pipeline (`id`) for the last part of its recommended version.

    Args:
        first: What its definition begins with; when that changes, the counter begins anew.
        value: What the next run has.
    """

    first: int
    value: int


class CallbackRule(Item, frozen=True, kw_only=True, omit_defaults=True, tag="callback"):
    """Tell an URL what happens. `parent`: a pipeline, "" = all of the project.

    Args:
        event: Word of the dialect.
        token: Encrypted; sent along so that the receiver knows who calls. Empty = none.
        extra: What a dialect gave and only that dialect reads.
    """

    event: str
    url: str
    token: bytes = b""
    extra: dict[str, Any] = {}


class Channel(Item, frozen=True, kw_only=True, omit_defaults=True, tag="channel"):
    """A place that notices go to.

    Args:
        way: "webhook", "wecom", "dingtalk", "feishu" or "slack".
        address: URL and signing key, encrypted.
        shown: The URL's scheme and host.
        tells: What of all pipelines of the project goes there: "success", "failure", "review".
        chats: Ids of chats that pipelines name in their settings and that mean this channel.
    """

    way: str
    address: bytes
    shown: str
    tells: tuple[str, ...] = ()
    chats: tuple[str, ...] = ()


class ItemChange(msgspec.Struct, frozen=True, kw_only=True):
    """Items to insert (number 0) or replace, and to delete; deleting a missing one is no error."""

    put: tuple[Item, ...] = ()
    drop: tuple[Item, ...] = ()
