"""`PipelineSetting` to settings of the core and back. What the core does not know is kept as is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core.errors import InvalidError
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.spec import Dialect
from mulligan.facades.bkci.bodies import read_object
from mulligan.facades.bkci.document import Json, Part
from mulligan.facades.bkci.model_outline import LONGEST_DESCRIPTION, LONGEST_NAME
from mulligan.facades.bkci.times import millis

RUN_LOCKS = frozenset({"MULTIPLE", "SINGLE", "SINGLE_LOCK", "LOCK", "GROUP_LOCK"})
CANCEL_POLICIES = frozenset({"EXECUTE_PERMISSION", "RESTRICTED"})
_DIALECTS = {"CLASSIC": Dialect.CLASSIC, "CONSTRAINED": Dialect.CONSTRAINED}
_AS_CODE = "pipelineAsCodeSettings"

# (member, field of the core, least, most): whole numbers
_NUMBERS = (
    ("waitQueueTimeMinute", "wait_queue_minutes", 1, 1440),
    ("maxQueueSize", "max_queue_size", 0, 200),
    ("maxConRunningQueueSize", "max_running", 1, 200),
    ("maxPipelineResNum", "kept_versions", 1, 10_000),
)
_FLAGS = (
    ("concurrencyCancelInProgress", "concurrency_cancel"),
    ("failIfVariableInvalid", "fail_on_long_values"),
    ("cleanVariablesWhenRetry", "clean_variables_on_retry"),
)
# Members that follow from the pipeline itself.
_OF_PIPELINE = frozenset(
    {
        "projectId",
        "pipelineId",
        "pipelineName",
        "desc",
        "version",
        "creator",
        "updater",
        "createdTime",
        "updateTime",
        "labels",
        "labelNames",
    }
)
_KNOWN = _OF_PIPELINE | {
    "runLockType",
    "buildCancelPolicy",
    "concurrencyGroup",
    "buildNumRule",
    *(member for member, _, _, _ in _NUMBERS),
    *(member for member, _ in _FLAGS),
}

NO_LABELS: Mapping[str, str] = MappingProxyType({})
NEW_PIPELINE = PipelineSettings(run_lock="MULTIPLE", cancel_policy="RESTRICTED")


class SettingChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a body asks for. `name` and `description`: None = as they are."""

    settings: PipelineSettings
    name: str | None = None
    description: str | None = None


def read_setting(
    body: object,
    present_settings: PipelineSettings = NEW_PIPELINE,
    *,
    project_dialect: Dialect | None = None,
) -> SettingChange:
    """Read a `PipelineSetting`. A member that is absent stays as it is.

    Args:
        project_dialect: Of the project, for pipelines that inherit it.

    Raises:
        InvalidError: A value out of its range.
    """
    part = read_object(body)
    changes: dict[str, Any] = {
        "run_lock": part.word("runLockType", _same(RUN_LOCKS), present_settings.run_lock),
        "cancel_policy": part.word(
            "buildCancelPolicy", _same(CANCEL_POLICIES), present_settings.cancel_policy
        ),
        "alias_rule": part.text("buildNumRule", present_settings.alias_rule),
        "concurrency_group": part.text("concurrencyGroup", present_settings.concurrency_group),
        "dialect": _read_dialect(part, present_settings.dialect, project_dialect),
        "labels": tuple(dict.fromkeys(part.texts("labels")))
        if part.value.get("labels") is not None
        else present_settings.labels,
        "extra": present_settings.extra
        | {key: value for key, value in part.value.items() if key not in _KNOWN},
    }
    for member, field, least, most in _NUMBERS:
        number = part.whole(member, getattr(present_settings, field))
        if member in part.value and not least <= number <= most:
            raise _out_of_range(part, member, least, most)
        changes[field] = number
    for member, field in _FLAGS:
        changes[field] = part.flag(member, default=getattr(present_settings, field))
    if present_settings.run_lock == "EXCLUSIVE":  # how the other API's pipelines run stays
        changes |= {"run_lock": "EXCLUSIVE", "dialect": present_settings.dialect}
    return SettingChange(
        settings=replace(present_settings, **changes),
        name=_read_text(part, "pipelineName", LONGEST_NAME) or None,
        description=_read_text(part, "desc", LONGEST_DESCRIPTION),
    )


def _same(words: frozenset[str]) -> dict[str, str]:
    return {word: word for word in sorted(words)}


def _read_text(part: Part, member: str, longest: int) -> str | None:
    if part.value.get(member) is None:
        return None
    text = part.text(member).strip()
    if len(text) > longest:
        raise InvalidError(
            f"{member} has {len(text)} characters; at most {longest} are allowed",
            pointer=part.at(member),
            code="text-too-long",
            values=(member, str(longest)),
        )
    return text


def _out_of_range(part: Part, member: str, least: int, most: int) -> InvalidError:
    return InvalidError(
        f"{member} must be from {least} to {most}",
        pointer=part.at(member),
        code="out-of-range",
        values=(member, str(least), str(most)),
    )


def _read_dialect(part: Part, as_it_is: Dialect, of_project: Dialect | None) -> Dialect:
    given = part.part(_AS_CODE)
    if given is None:
        return as_it_is
    if not given.flag("inheritedDialect", default=True):
        return given.word("pipelineDialect", _DIALECTS, Dialect.CLASSIC)
    return of_project or Dialect.CLASSIC


def render_setting(pipeline: Pipeline, label_names: Mapping[str, str] = NO_LABELS) -> Json:
    """Return the `PipelineSetting` of a pipeline.

    Args:
        label_names: Of the labels of its project, by id; others are gone and not shown.
    """
    settings = pipeline.settings
    labels = [label for label in settings.labels if label in label_names]
    fields: Json = {
        **settings.extra,
        "labels": labels,
        "labelNames": [label_names[label] for label in labels],
        "projectId": pipeline.project,
        "pipelineId": pipeline.id,
        "pipelineName": pipeline.name,
        "desc": pipeline.description,
        "version": pipeline.version,
        "runLockType": "SINGLE" if settings.run_lock == "EXCLUSIVE" else settings.run_lock,
        "buildCancelPolicy": settings.cancel_policy,
        "concurrencyGroup": settings.concurrency_group,
        "buildNumRule": settings.alias_rule or None,
        _AS_CODE: _render_dialect(settings),
        "creator": pipeline.created_by,
        "updater": pipeline.updated_by,
        "createdTime": millis(pipeline.created_at),
        "updateTime": millis(pipeline.updated_at),
    }
    fields |= {member: getattr(settings, field) for member, field, _, _ in _NUMBERS}
    fields |= {member: getattr(settings, field) for member, field in _FLAGS}
    return fields


def _render_dialect(settings: PipelineSettings) -> Json:
    known = Dialect.CLASSIC if settings.dialect is Dialect.DECLARED else settings.dialect
    word = next(word for word, dialect in _DIALECTS.items() if dialect is known)
    kept = settings.extra.get(_AS_CODE)
    if not isinstance(kept, dict):
        inherits = settings.dialect is Dialect.CLASSIC
        return {"enable": False, "inheritedDialect": inherits, "pipelineDialect": word}
    inherits = Part(kept).flag("inheritedDialect", default=True)
    return dict(kept) if inherits else {**kept, "pipelineDialect": word}
