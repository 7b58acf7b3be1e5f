"""What answers about plugins, reports and metrics look like."""

from datetime import datetime
from typing import Any

from mulligan.facades.native.bodies import Body
from mulligan.facades.native.shapes import Shape


class InstalledPlugin(Shape, frozen=True, kw_only=True):
    """A plugin that was installed. Its members are named as in `task.json`."""

    atomCode: str  # noqa: N815 - the plugin protocol's word
    version: str


class PluginView(InstalledPlugin, frozen=True, kw_only=True):
    """An installed version of a plugin. `digest`: SHA-256 of its zip; `size` in bytes."""

    name: str
    language: str
    size: int
    digest: str
    installed_by: str
    installed_at: datetime


class PluginList(Shape, frozen=True, kw_only=True):
    """A page of installed versions."""

    items: tuple[PluginView, ...]
    next_cursor: str | None


class PluginDetails(Shape, frozen=True, kw_only=True):
    """A plugin. `manifest`: the task.json of its newest version, which stands first."""

    atomCode: str  # noqa: N815 - the plugin protocol's word
    name: str
    versions: tuple[PluginView, ...]
    manifest: dict[str, Any]


class PluginPolicyView(Shape, frozen=True, kw_only=True):
    """What is laid down about a plugin.

    Args:
        projects: That may use it; null = all.
        off_in: Projects that have switched it off for themselves.
        settings: Names of its private settings; their values are shown to nobody.
    """

    atomCode: str  # noqa: N815 - the plugin protocol's word
    projects: tuple[str, ...] | None
    off_in: tuple[str, ...]
    settings: tuple[str, ...]


class PluginInProject(Shape, frozen=True, kw_only=True):
    """A plugin as a project sees it. `version`: the newest; `reason`: why it can't be used."""

    atomCode: str  # noqa: N815 - the plugin protocol's word
    version: str
    name: str
    enabled: bool
    reason: str


class PluginsInProject(Shape, frozen=True, kw_only=True):
    """A page of plugins."""

    items: tuple[PluginInProject, ...]
    next_cursor: str | None


class ProjectsBody(Body, frozen=True, kw_only=True):
    """Who may use a plugin: ids of projects; null = all."""

    projects: tuple[str, ...] | None


class SwitchBody(Body, frozen=True, kw_only=True):
    """Whether a project uses a plugin."""

    enabled: bool


class SettingBody(Body, frozen=True, kw_only=True):
    """The value of a private setting."""

    value: str

    def __repr__(self) -> str:
        """Show nothing."""
        return "SettingBody()"


class ReportView(Shape, frozen=True, kw_only=True):
    """A report that a step left.

    Args:
        index: Path of its first page below `pages`; null for one that is elsewhere.
        pages: Path of the pages on this server; null for one that is elsewhere.
        url: Of a report that is elsewhere.
    """

    step: str
    attempt: int
    name: str
    index: str | None
    pages: str | None
    url: str | None
    files: int
    created_at: datetime


class MetricsView(Shape, frozen=True, kw_only=True):
    """Metrics of quality that a step left, by name."""

    step: str
    attempt: int
    name: str
    values: dict[str, Any]
    created_at: datetime


class MetricsList(Shape, frozen=True, kw_only=True):
    """A page of metrics."""

    items: tuple[MetricsView, ...]
    next_cursor: str | None


class ReportList(Shape, frozen=True, kw_only=True):
    """A page of reports."""

    items: tuple[ReportView, ...]
    next_cursor: str | None
