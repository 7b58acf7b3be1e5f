"""What comes in bodies: decoded JSON to values, in the API's own field names."""

from typing import Any

import msgspec

from mulligan.core.errors import InvalidError
from mulligan.core.ids import StepId
from mulligan.facades.bkci.document import Json, Part, bad_type, encode, value_text
from mulligan.facades.bkci.query import blank
from mulligan.facades.common.errors import RequestError

MOST_VARIABLES = 50  # names that one call of build_variables may ask for
MOST_RUNS = 100  # ids that one call of batch_get_build_status may ask for
LONGEST_REMARK = 4095  # characters
LONGEST_ELEMENT = 65_535  # bytes of an element that comes with the answer to a pause
LONGEST_MESSAGE = 255  # characters of the message of a start; the rest is cut
MOST_PARAMETERS = 1_000
LONGEST_PARAMETER_NAME = 255
LONGEST_NAME = 255  # characters of the name of a pipeline

_MESSAGE = "BK_CI_BUILD_MSG"
_MATERIAL = ("BK_CI_MATERIAL_ID", "BK_CI_MATERIAL_NAME", "BK_CI_MATERIAL_URL")
_SKIP_PREFIX = "devops_container_condition_skip_atoms_"
_DECISIONS = {"PROCESS": True, "ABORT": False}


class StartValues(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `build_start`.

    Args:
        values: All given names but those that are no parameters.
        facts: Names that are no parameters and can be read all the same.
        disabled_steps: Steps that this start switches off.
    """

    values: dict[str, str] = {}
    message: str = ""
    disabled_steps: frozenset[StepId] = frozenset()
    facts: dict[str, str] = {}


class ReviewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `manual_start_build_stage` or `manual_review`. `approve`: only in the latter."""

    approve: bool = True
    group: str = ""
    suggestion: str = ""
    values: dict[str, Any] = {}


class PauseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `build_execute_pause`. `step`: an id or a ref; "" = neither was given."""

    go_ahead: bool
    step: str = ""
    element: Json | None = None


class ProjectBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `project_create`. `extra`: all of it, for `project_get`."""

    id: str
    name: str
    description: str = ""
    extra: Json = {}


def check_media_type(content_type: str, body: bytes) -> None:
    """Refuse a body of another type than JSON; without a body the type does not matter.

    Raises:
        RequestError: 415.
    """
    media = content_type.partition(";")[0].strip().lower()
    if body and media and media != "application/json" and not media.endswith("+json"):
        raise RequestError(415, f"the body is of type {media[:100]}; use application/json")


def read_object(body: object) -> Part:
    """Read a body that must be an object; an absent one is empty."""
    if body is None:
        return Part({})
    if not isinstance(body, dict):
        raise bad_type("", "an object")
    return Part(body)


def needed(part: Part, key: str) -> str:
    """Return the text of a member that must be there.

    Raises:
        InvalidError: It is absent or blank.
    """
    text = part.text(key).strip()
    if not text:
        raise blank(key)
    return text


def read_start_values(body: object) -> StartValues:
    """Read the body of `build_start`: texts stay, all other values become their JSON text."""
    given = read_object(body).value
    if len(given) > MOST_PARAMETERS:
        raise _count("", len(given), MOST_PARAMETERS)
    values: dict[str, str] = {}
    disabled: set[StepId] = set()
    for name, value in given.items():
        if len(name) > LONGEST_PARAMETER_NAME:
            raise InvalidError(
                "a parameter's name is too long",
                code="text-too-long",
                values=(name[:40], str(LONGEST_PARAMETER_NAME)),
            )
        if value is None:
            continue
        text = value_text(value, f"/{name}")
        if name.startswith(_SKIP_PREFIX):
            if text.strip().lower() == "true":
                disabled.add(StepId(name.removeprefix(_SKIP_PREFIX)))
        else:
            values[name] = text
    message = values.pop(_MESSAGE, "")[:LONGEST_MESSAGE]
    facts = {name: values.pop(name) for name in _MATERIAL if name in values}
    return StartValues(
        values=values, message=message, disabled_steps=frozenset(disabled), facts=facts
    )


def read_names(body: object, *, most: int = MOST_VARIABLES) -> tuple[str, ...]:
    """Read a list of 1 to `most` names."""
    if not isinstance(body, list) or not all(isinstance(name, str) for name in body):
        raise bad_type("", "a list of texts")
    if not 1 <= len(body) <= most:
        raise _count("", len(body), most)
    return tuple(body)


def read_run_ids(body: object) -> tuple[str, ...]:
    """Read the ids of `batch_get_build_status`."""
    if isinstance(body, list) and len(body) > MOST_RUNS:
        raise InvalidError(
            f"{len(body)} ids; at most {MOST_RUNS} are allowed",
            code="too-many-runs",
            values=(str(MOST_RUNS),),
        )
    return read_names(body, most=MOST_RUNS) if body != [] else ()


def read_stage_review_body(body: object) -> ReviewAnswer:
    """Read a `StageReviewRequest`; it may be absent."""
    part = read_object(body)
    return ReviewAnswer(
        group=part.text("id").strip(),
        suggestion=part.text("suggest"),
        values=_review_values(part, "reviewParams"),
    )


def read_step_review_body(body: object) -> ReviewAnswer:
    """Read a `ReviewParam`."""
    part = read_object(body)
    if not part.text("status").strip():
        raise blank("status")
    return ReviewAnswer(
        approve=part.word("status", _DECISIONS, default=True),
        suggestion=part.text("suggest"),
        values=_review_values(part, "params"),
    )


def _review_values(part: Part, key: str) -> dict[str, Any]:
    """Read the values of `ManualReviewParam`s, checked by their types."""
    values = {}
    for param in part.parts(key):
        name = param.text("key").strip()
        if name and param.value.get("value") is not None:
            values[name] = _review_value(param)
    return values


def _review_value(param: Part) -> Any:
    kind = param.text("valueType").strip()
    if not kind:  # its definition knows the type
        value = param.value["value"]
        return list(param.texts("value")) if isinstance(value, list) else value
    if kind in {"BOOLEAN", "CHECKBOX"}:
        return param.flag("value")
    if kind == "MULTIPLE":
        return list(param.texts("value"))
    return param.text("value")


def read_pause(body: object) -> PauseAnswer:
    """Read a `BuildTaskPauseInfo`."""
    part = read_object(body)
    if part.value.get("isContinue") is None:
        raise blank("isContinue")
    element = part.part("element")
    if element is not None and len(encode(element.value)) > LONGEST_ELEMENT:
        raise InvalidError(
            f"the element has more than {LONGEST_ELEMENT} bytes",
            pointer=element.pointer,
            code="element-too-long",
            values=(part.text("taskId"),),
        )
    return PauseAnswer(
        go_ahead=part.flag("isContinue"),
        step=part.text("taskId").strip() or part.text("stepId").strip(),
        element=element.value if element is not None else None,
    )


def read_remark(body: object) -> str:
    """Read the remark of `update_remark`; null clears it."""
    remark = read_object(body).text("remark")
    if len(remark) > LONGEST_REMARK:
        raise InvalidError(
            f"the remark has {len(remark)} characters",
            pointer="/remark",
            code="remark-too-long",
            values=(str(LONGEST_REMARK + 1),),
        )
    return remark


def read_project(body: object) -> ProjectBody:
    """Read a `ProjectCreateInfo`. Without a name of its own a project has its id as name."""
    part = read_object(body)
    ident = part.text("englishName").strip()
    if not ident:
        raise blank("englishName")
    return ProjectBody(
        id=ident,
        name=part.text("projectName").strip() or ident,
        description=part.text("description"),
        extra=dict(part.value),
    )


def read_name(body: object, *, longest: int = LONGEST_NAME) -> str:
    """Read the name in a body that asks for a new one, as `pipeline_name` does."""
    name = needed(read_object(body), "name")
    if len(name) > longest:
        raise InvalidError(
            f"the name has {len(name)} characters; at most {longest} are allowed",
            pointer="name",
            code="text-too-long",
            values=("name", str(longest)),
        )
    return name


def _count(pointer: str, count: int, most: int) -> InvalidError:
    return InvalidError(
        f"{count} items; 1 to {most} are allowed",
        pointer=pointer,
        code="item-count",
        values=("1", str(most)),
    )
