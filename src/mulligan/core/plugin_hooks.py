"""Delete hooks: inputs of a plugin that name a URL to be called when its task is deleted.

The words are those of the plugin protocol (spec/bkci-yaml-and-plugins.md §3.1).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from mulligan.core.ids import StepId
from mulligan.core.plugins import Json, fields_of
from mulligan.core.spec import PipelineSpec, StepSpec
from mulligan.core.values import text_of

METHODS = ("GET", "POST", "PUT", "DELETE")
_URL = "bk_atom_del_hook_url"
_METHOD = f"{_URL}_method"
_BODY = f"{_URL}_body"
MOST_SENT = 64 * 1024  # characters of a body with its placeholders filled
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]*)\}")


class DeleteHook(msgspec.Struct, frozen=True, kw_only=True):
    """A request to be sent. It may hold secret inputs; `repr` shows nothing of it."""

    method: str
    url: str
    body: str

    def __repr__(self) -> str:
        """Show nothing."""
        return "DeleteHook()"


def plugin_steps(spec: PipelineSpec) -> Iterator[StepSpec]:
    """Yield the steps of a definition that plugins do."""
    for stage in spec.stages:
        for job in stage.jobs:
            yield from (step for step in job.steps if step.kind == "plugin")


def deleted_steps(before: PipelineSpec, after: PipelineSpec | None) -> list[StepSpec]:
    """Return the steps of plugins that are gone; `after`: None = all of the definition."""
    kept: set[tuple[StepId, str]] = set()
    if after is not None:
        kept = {(step.id, step.code) for step in plugin_steps(after)}
    return [step for step in plugin_steps(before) if (step.id, step.code) not in kept]


class TooLargeError(Exception):
    """A request is larger than one that is sent: its placeholders stand for too much."""


def delete_hook_of(step: StepSpec, manifest: Json, facts: Mapping[str, str]) -> DeleteHook | None:
    """Give the request of a deleted step, if it wants one.

    Args:
        manifest: `task.json` of its plugin, whose defaults count where the step gives nothing;
            {} if it is not installed.
        facts: Values of placeholders besides the inputs.

    Raises:
        TooLargeError: URL or body would become too large.
    """
    given = step.inputs.get("input")
    defaults = {
        name: field.get("default")
        for name, field in fields_of(manifest, "input").items()
        if isinstance(field, Mapping)
    }
    inputs: dict[str, Any] = defaults | (dict(given) if isinstance(given, Mapping) else {})
    values = {name: text_of(value) for name, value in inputs.items() if value is not None}
    url = values.get(_URL, "").strip()
    method = values.get(_METHOD, "").strip().upper() or "GET"
    if not url or method not in METHODS:
        return None
    values |= facts
    return DeleteHook(
        method=method,
        url=_filled(url, {name: quote(value, safe="") for name, value in values.items()}),
        body=_filled(
            values.get(_BODY, ""),
            # placeholders stand within texts of JSON
            {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in values.items()},
        ),
    )


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Put values in; stops where it gets too large: a short text may stand for gigabytes."""
    parts: list[str] = []
    size = end = 0
    for found in _PLACEHOLDER.finditer(text):
        parts += (text[end : found.start()], values.get(found[1], found[0]))
        size += len(parts[-2]) + len(parts[-1])
        end = found.end()
        if size > MOST_SENT:
            raise TooLargeError
    if size + len(text) - end > MOST_SENT:
        raise TooLargeError
    return "".join((*parts, text[end:]))
