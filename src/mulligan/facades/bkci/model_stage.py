"""Stages of a model to stages of the core, and the review before a stage."""

from mulligan.core.errors import InvalidError
from mulligan.core.ids import StageId
from mulligan.core.records import Role
from mulligan.core.spec import ReviewGroup, ReviewParam, ReviewSpec, StageSpec
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.model_conditions import STAGE_CONDITIONS, read_condition, read_paths
from mulligan.facades.bkci.model_gates import CHECKS, read_gates
from mulligan.facades.bkci.model_job import read_jobs

# Hours that a review may be open; any other value stands for the default.
LONGEST_REVIEW_HOURS = 720
DEFAULT_REVIEW_HOURS = 24
DEFAULT_GROUP_NAME = "Flow 1"
VALUE_TYPES = frozenset({"STRING", "TEXTAREA", "BOOLEAN", "ENUM", "CHECKBOX", "MULTIPLE"})
# Groups of people that every project of the API has, where they are not called as roles here.
_ROLES = {"manager": Role.OWNER.value}
_NO_OPTIONS = Part({})


def read_stage(stage: Part, position: int) -> StageSpec:
    """Read one stage of a document whose ids are set; `position` counts the trigger stage as 0."""
    control = stage.part("stageControlOption") or _NO_OPTIONS
    is_finally = stage.flag("finally")
    own_in, own_out = (read_gates(stage, member, side) for side, member in CHECKS.items())
    return StageSpec(
        id=StageId(stage.text("id")),
        name=stage.text("name") or stage.text("id"),
        ref=stage_ref(stage, position),
        enabled=control.flag("enable", default=True),
        condition=read_condition(control, STAGE_CONDITIONS),
        fast_kill=stage.flag("fastKill"),
        if_modify=read_paths(control),
        is_finally=is_finally,
        review=_read_review(stage.part("checkIn")),
        check_in=(*_rules(stage, "checkIn"), *(rule.id for rule in own_in)),
        check_out=(*_rules(stage, "checkOut"), *(rule.id for rule in own_out)),
        rules=(*own_in, *own_out),
        jobs=read_jobs(stage, in_finally=is_finally),
    )


def stage_ref(stage: Part, position: int) -> str:
    """Return the user's own id of a stage; by default `stage_N`, N counted from 1."""
    return stage.text("stageIdForUser").strip() or f"stage_{position + 1}"


def _rules(stage: Part, side: str) -> tuple[str, ...]:
    """Read the ids of the quality rules of one side of a stage."""
    check = stage.part(side)
    return check.texts("ruleIds") if check is not None else ()


def _read_review(check_in: Part | None) -> ReviewSpec | None:
    if check_in is None or not check_in.flag("manualTrigger"):
        return None
    hours = check_in.whole("timeout", DEFAULT_REVIEW_HOURS)
    if not 1 <= hours <= LONGEST_REVIEW_HOURS:
        hours = DEFAULT_REVIEW_HOURS
    return ReviewSpec(
        groups=tuple(_read_group(part) for part in check_in.parts("reviewGroups")),
        params=tuple(_read_param(part) for part in check_in.parts("reviewParams")),
        desc=check_in.text("reviewDesc"),
        timeout_s=hours * 3600,
    )


def _read_group(part: Part) -> ReviewGroup:
    reviewers, groups = part.texts("reviewers"), part.texts("groups")
    if not reviewers and not groups:
        raise InvalidError(
            "a review group needs reviewers or groups",
            pointer=part.pointer,
            code="review-without-people",
        )
    return ReviewGroup(
        id=part.text("id"),
        name=part.text("name") or DEFAULT_GROUP_NAME,
        reviewers=reviewers,
        groups=tuple(_ROLES.get(group, group) for group in groups),
    )


def _read_param(part: Part) -> ReviewParam:
    key = part.text("key").strip()
    if not key:
        raise InvalidError(
            "a review parameter needs a key", pointer=part.at("key"), code="parameter-name"
        )
    return ReviewParam(
        key=key,
        value=part.value.get("value"),
        kind=part.word("valueType", {kind: kind for kind in VALUE_TYPES}, "STRING"),
        required=part.flag("required"),
        desc=part.text("desc"),
    )
