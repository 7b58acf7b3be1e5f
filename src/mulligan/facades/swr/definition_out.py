"""Show stored documents: create answer, detail (without its status), list entry (§2.4 to §2.8)."""

import msgspec

from mulligan.core.hooks import Group
from mulligan.core.records import Pipeline
from mulligan.facades.swr import addresses, names
from mulligan.facades.swr.fields import Json


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline and what its answers need.

    Args:
        document: As stored, or made from a foreign definition.
        base_url: With which addresses of webhooks begin, without a slash at the end.
        shows_secrets: The caller may see the secrets of code hooks.
    """

    pipeline: Pipeline
    group: Group
    document: Json
    base_url: str
    shows_secrets: bool = False


def render_created(shown: Shown) -> Json:
    """Give the answer of create and update: no status, no system variables."""
    own = [each for each in shown.document["params"] if not each["is_template"]]
    return _head(shown) | _body(shown, own) | {"bk_pipeline_id": shown.pipeline.id}


def render_detail(shown: Shown, values: dict[str, str]) -> Json:
    """Give the detail without its `status`.

    Args:
        values: Of the system variables, now.
    """
    params = [
        {**each, "value": values.get(each["name"], each["value"])} if each["is_template"] else each
        for each in shown.document["params"]
    ]
    return (
        _head(shown)
        | {"source": _source(shown)}
        | _body(shown, params)
        | {"bk_pipeline_id": shown.pipeline.id}
    )


def render_entry(shown: Shown, status: Json) -> Json:
    """Give an entry of the list."""
    pipeline, group = shown.pipeline, shown.group
    return {
        "id": pipeline.number,
        "name": pipeline.name,
        "group_id": group.number,
        "group_name": group.name,
        "description": pipeline.description,
        "source": _source(shown),
        "stages": [_stage(stage, shown) for stage in shown.document["stages"]],
        "status": status,
        "bk_pipeline_id": pipeline.id,
    }


def system_values(parameters: dict[str, str], document: Json) -> dict[str, str]:
    """Give the values of the system variables: those of the newest run, else as made."""
    stored = {each["name"]: each["value"] for each in document["params"] if each["is_template"]}
    wanted = (names.SYS_INCREMENT, names.SYS_TIMESTAMP)
    return stored | {name: parameters[name] for name in wanted if name in parameters}


def _head(shown: Shown) -> Json:
    return {
        "id": shown.pipeline.number,
        "group_id": shown.group.number,
        "group_name": shown.group.name,
        "name": shown.pipeline.name,
        "description": shown.pipeline.description,
    }


def _source(shown: Shown) -> str:
    return shown.document.get("source") or "swr"


def _body(shown: Shown, params: list[Json]) -> Json:
    document = shown.document
    body: Json = {}
    if "pre_operation" in document:
        body["pre_operation"] = _pre_operation(document["pre_operation"], shown.base_url)
    body["params"] = params
    body["stages"] = [_stage(stage, shown) for stage in document["stages"]]
    if "post_operation" in document:
        body["post_operation"] = document["post_operation"]
    return body


def _stage(stage: Json, shown: Shown) -> Json:
    found = {**stage, "params": _params(stage["params"], shown)}
    if "pre_operation" in stage:
        found["pre_operation"] = _pre_operation(stage["pre_operation"], shown.base_url)
    if "post_operation" in stage:
        found["post_operation"] = _post_operation(stage["post_operation"])
    return found


def _post_operation(operation: Json) -> Json:
    """Show the messages of a stage: credentials in their addresses masked."""
    triggers = []
    for trigger in operation["triggers"]:
        if "webhook" in trigger:
            url = addresses.hide_password(trigger["webhook"]["url"])
            triggers.append({**trigger, "webhook": {**trigger["webhook"], "url": url}})
        else:
            triggers.append(trigger)
    return {**operation, "triggers": triggers}


def _params(params: Json, shown: Shown) -> Json:
    """Show params: credentials masked, the code hook as an address (X) within its trigger."""
    found = {key: value for key, value in params.items() if key != "code_hook"}
    if "url" in found:
        found["url"] = addresses.hide_password(found["url"])
    hook = params.get("code_hook")
    if hook is not None:
        address = {"url": f"{shown.base_url}/v2/manage/codehooks/{hook['id']}"}
        secret = {"secret": hook["secret"]} if shown.shows_secrets else {}
        found["code_trigger"] = {**found["code_trigger"], "webhook": address | secret}
    return found


def _pre_operation(operation: Json, base_url: str) -> Json:
    triggers = []
    for trigger in operation["triggers"]:
        if "webhook" in trigger:
            url = f"{base_url}/v2/manage/webhooks/{trigger['webhook']['id']}"
            triggers.append({**trigger, "webhook": {"url": url}})
        else:
            triggers.append({**trigger, "channel": {"name": trigger["channel"]["name"]}})
    return {"operator": operation["operator"], "triggers": triggers}
