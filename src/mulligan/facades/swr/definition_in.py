"""Read a pipeline of a request into the document that is stored (spec/swr-pipeline-api.md §2.4).

The document has the fields of the answers, with these differences: a webhook is kept as
`{"webhook": {"id": UUID}}` and a channel as `{"channel": {"name", "id"}}` (the address is made when
it is shown), and a code hook as `params.code_hook`. New stages and variables have id 0 until
`assign_ids`.
"""

from typing import Any

from mulligan.facades.swr import names
from mulligan.facades.swr.errors import INVALID, bad, missing
from mulligan.facades.swr.fields import Fields, Json
from mulligan.facades.swr.resources_in import read_inputs, read_outputs
from mulligan.facades.swr.stage_params import SERVICES, read_params
from mulligan.facades.swr.triggers_in import (
    Rules,
    read_notification,
    read_post_operation,
    read_pre_operation,
)

MOST_STAGES = 50
MOST_VARIABLES = 500
LONGEST_WAIT_H = 720
DEFAULT_HANDLER: Json = {"type": "timeout_reset", "params": {"timespan": 72}}
SYSTEM_VARIABLES = {names.SYS_INCREMENT: "流水线自增量", names.SYS_TIMESTAMP: "流水线时间戳"}
_HANDLERS = ("return_to_start", "timeout_reset", "ignore_error")
_BAD_NAME = "SWR.4001142"
_BAD_STAGE_NAME = "SWR.4001141"
_TAKEN_VARIABLE = "SWR.4091134"
_NO_GROUP = "SWR.4001150"


def read_new(body: object, rules: Rules) -> Json:
    """Read the body of a create call.

    Raises:
        SwrError: A rule is broken.
    """
    given = Fields(body)
    name = _read_name(given)
    document: Json = {
        "name": name,
        "description": _read_description(given),
        "source": given.text_or("source") or "swr",
        "params": _system_variables() + _read_variables(given, [], is_update=False),
    }
    variables = _names_of(document["params"])
    _read_operations(given, document, variables, rules, {})
    document["stages"] = _read_stages(given, variables, rules, {})
    return document


def read_changed(
    body: object, rules: Rules, stored: Json, ident: int, group: tuple[int, str]
) -> Json:
    """Read the body of an update call: the whole document anew, on top of the stored one.

    `description`, `pre_operation`, `post_operation` and `params` stay as they are when they are
    absent; null takes an operation away.

    Args:
        ident: Id of the pipeline.
        group: Id and name of its group.

    Raises:
        SwrError: A rule is broken; nothing of the stored document was changed.
    """
    given = Fields(body)
    _check_identity(given, ident, group, stored["name"])
    document: Json = {
        **stored,
        "description": _read_description(given, stored["description"]),
    }
    if given.has("params"):
        system = [each for each in stored["params"] if _is_system(each)]
        document["params"] = system + _read_variables(given, stored["params"], is_update=True)
    variables = _names_of(document["params"])
    document.pop("pre_operation", None)
    document.pop("post_operation", None)
    _read_operations(given, document, variables, rules, stored)
    document["stages"] = _read_stages(
        given, variables, rules, {each["id"]: each for each in stored["stages"]}
    )
    _check_kept_converts(document, variables)
    return document


def is_same_sequence(old: Json, new: Json) -> bool:
    """Tell whether two documents have the same stages in the same order."""
    return [each["id"] for each in old["stages"]] == [each["id"] for each in new["stages"]]


def missing_ids(document: Json) -> tuple[int, int]:
    """Return how many stages and how many variables have no id yet."""
    return (
        sum(1 for each in document["stages"] if not each["id"]),
        sum(1 for each in document["params"] if not each["id"]),
    )


def assign_ids(document: Json, first_stage: int, first_variable: int) -> Json:
    """Give the document with ids for what has none, ascending from the given ones."""
    return {
        **document,
        "stages": _numbered(document["stages"], first_stage),
        "params": _numbered(document["params"], first_variable),
    }


def _numbered(items: list[Json], first: int) -> list[Json]:
    numbered = []
    for item in items:
        if item["id"]:
            numbered.append(item)
        else:
            numbered.append({**item, "id": first})
            first += 1
    return numbered


# --- the pipeline ---------------------------------------------------------------------------------


def _check_identity(given: Fields, ident: int, group: tuple[int, str], name: str) -> None:
    codes = {"group_id": _NO_GROUP}
    wanted: Json = {"id": ident, "group_id": group[0], "group_name": group[1], "name": name}
    for key, value in wanted.items():
        found = given.need(key, codes.get(key, "SWR.4001014"))
        is_number = isinstance(value, int) and not isinstance(found, bool)
        if found != value and not (is_number and str(found) == str(value)):
            raise bad(key, f"{found!r} is not that of the stored pipeline")


def _read_name(given: Fields) -> str:
    name = given.text("name", wrong=_BAD_NAME)
    if not names.is_name(name):
        reason = "starts with a-z, then a-z 0-9 _ -, at most 64, no mixed or trailing separators"
        raise bad(given.at("name"), f"{name!r}: {reason}", _BAD_NAME)
    return name


def _read_description(given: Fields, default: str = "") -> str:
    text = given.text_or("description", default, wrong="SWR.4001093")
    return names.check_description(text, given.at("description"))


def _read_operations(
    given: Fields, document: Json, variables: frozenset[str], rules: Rules, stored: Json
) -> None:
    """Read both operations of the pipeline; an absent one stays as stored."""
    if given.has("pre_operation"):
        old = stored.get("pre_operation")
        inner = given.inner("pre_operation")
        document["pre_operation"] = read_pre_operation(inner, variables, rules, old)
    elif "pre_operation" in stored and not given.is_null("pre_operation"):
        document["pre_operation"] = stored["pre_operation"]
    if given.has("post_operation"):
        read = read_notification(given.inner("post_operation"))
        if read["notification"]["notifications"]:
            document["post_operation"] = read
    elif "post_operation" in stored and not given.is_null("post_operation"):
        document["post_operation"] = stored["post_operation"]


def _check_kept_converts(document: Json, variables: frozenset[str]) -> None:
    """Check that a condition which stayed does not set a variable that went."""
    for trigger in document.get("pre_operation", {}).get("triggers", []):
        for convert in trigger.get("pipeline_param_converts", []):
            if convert["pipeline_param_name"] not in variables:
                name = convert["pipeline_param_name"]
                raise bad(
                    "pre_operation", f"sets the variable {name!r}, which is gone", "SWR.4001133"
                )


# --- variables ------------------------------------------------------------------------------------


def _system_variables() -> list[Json]:
    return [
        {"name": name, "description": text, "value": "", "id": 0, "is_template": True}
        for name, text in SYSTEM_VARIABLES.items()
    ]


def _is_system(variable: Json) -> bool:
    return bool(variable["is_template"])


def _names_of(variables: list[Json]) -> frozenset[str]:
    return frozenset(each["name"] for each in variables)


def _read_variables(given: Fields, stored: list[Json], *, is_update: bool) -> list[Json]:
    ids = {each["name"]: each["id"] for each in stored}
    found: dict[str, Json] = {}
    for each in given.objects("params", MOST_VARIABLES):
        name = each.text("name")
        if name in SYSTEM_VARIABLES and (is_update or each.raw("is_template") is True):
            continue  # the server's own, as an answer showed them
        if not names.is_variable(name):
            raise bad(each.at("name"), f"{name!r} is no variable: letters, digits, _; at most 64")
        if name.startswith(names.SYSTEM_PREFIX):
            raise bad(each.at("name"), f"names that begin with {names.SYSTEM_PREFIX} are reserved")
        if name in found:
            raise bad(each.at("name"), f"{name!r} stands twice", _TAKEN_VARIABLE)
        found[name] = {
            "name": name,
            "description": _read_description(each),
            "value": each.text_or("value"),
            "id": ids.get(name, 0),
            "is_template": False,
        }
    return list(found.values())


# --- stages ---------------------------------------------------------------------------------------


def _read_stages(
    given: Fields, variables: frozenset[str], rules: Rules, stored: dict[int, Json]
) -> list[Json]:
    given.need("stages")
    stages: list[Json] = []
    services: list[str] = []
    left = dict(stored)
    for each in given.objects("stages", MOST_STAGES):
        old = _stored_stage(each, left, has_ids=bool(stored))
        stages.append(_read_stage(each, variables, rules, services, old))
        services.append(stages[-1]["service_name"])
    if not stages:
        raise bad(given.at("stages"), f"a pipeline has 1 to {MOST_STAGES} stages")
    return stages


def _stored_stage(given: Fields, left: dict[int, Json], *, has_ids: bool) -> Json:
    """Return the stored stage that a stage of an update is; {} for a new one."""
    ident: Any = given.raw("id")
    if not has_ids or ident is None or ident == 0:
        return {}
    if isinstance(ident, str) and ident.isascii() and ident.isdecimal() and len(ident) < 19:
        ident = int(ident)
    old = left.pop(ident, None) if isinstance(ident, int) and not isinstance(ident, bool) else None
    if old is None:
        raise bad(given.at("id"), f"{ident!r} is no stage of this pipeline, or stands twice")
    return old


def _read_stage(
    given: Fields, variables: frozenset[str], rules: Rules, services: list[str], old: Json
) -> Json:
    name = given.text("name", wrong=_BAD_STAGE_NAME)
    if not names.is_stage_name(name):
        reason = f"{name!r}: 1 to 64 Chinese characters, letters, digits, . - _"
        raise bad(given.at("name"), reason, _BAD_STAGE_NAME)
    service = given.choice("service_name", SERVICES)
    if old and old["service_name"] != service:
        raise bad(given.at("service_name"), f"can't change from {old['service_name']!r}")
    stage: Json = {
        "id": old.get("id", 0),
        "name": name,
        "service_name": service,
        "is_task": service == "multi_deploy",
        "params": read_params(given.inner("params"), service, rules, old.get("params")),
    }
    resources = {
        "input_resources": read_inputs(given, service, services),
        "output_resources": read_outputs(given, service),
    }
    stage |= {key: value for key, value in resources.items() if value}
    if given.has("pre_operation"):
        inner, before = given.inner("pre_operation"), old.get("pre_operation")
        stage["pre_operation"] = read_pre_operation(inner, variables, rules, before)
    if given.has("post_operation"):
        inner = given.inner("post_operation")
        stage["post_operation"] = read_post_operation(
            inner, variables, rules, old.get("post_operation")
        )
    return stage | {"exception_handler": _read_handler(given)}


def _read_handler(given: Fields) -> Json:
    if not given.has("exception_handler"):
        return DEFAULT_HANDLER
    handler = given.inner("exception_handler")
    kind = handler.choice("type", _HANDLERS)
    if kind != "timeout_reset":
        return {"type": kind}
    if not handler.has("params"):
        raise missing(handler.at("params.timespan"), INVALID)
    params = handler.inner("params")
    return {
        "type": kind,
        "params": {"timespan": params.whole("timespan", 1, LONGEST_WAIT_H, absent=INVALID)},
    }
