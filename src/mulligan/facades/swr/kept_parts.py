"""What a file that replaces a definition leaves out, but the stored document knows.

A file written by hand has no ids: without them a stored pipeline would get new stages (and its
failed run could not go on) and new addresses of webhooks.
"""

from typing import Any

from mulligan.facades.swr.fields import Json

_HOOK_PATH = "/v2/manage/webhooks/"


def with_kept_parts(document: Json, stored: Json) -> Json:
    """Give a document with ids of stages and webhooks taken over from the stored one.

    A stage is the stored one with its id, else the first with its name and service.
    """
    kept = _with_kept_hooks(document, stored)
    stages = document.get("stages")
    if not isinstance(stages, list):
        return kept
    left = {each["id"]: each for each in stored["stages"]}
    named = [each.get("id") if isinstance(each, dict) else None for each in stages]
    own = [_taken(left, ident) for ident in named]
    return kept | {
        "stages": [_kept_stage(each, old, left) for each, old in zip(stages, own, strict=True)]
    }


def _taken(left: dict[int, Json], ident: Any) -> Json | None:
    is_number = isinstance(ident, int) and not isinstance(ident, bool)
    return left.pop(ident, None) if is_number else None


def _kept_stage(stage: Any, old: Json | None, left: dict[int, Json]) -> Any:
    if not isinstance(stage, dict):
        return stage
    if old is None or old["service_name"] != stage.get("service_name"):
        wanted = (stage.get("name"), stage.get("service_name"))
        found = [each for each in left.values() if (each["name"], each["service_name"]) == wanted]
        old = left.pop(found[0]["id"]) if found else None
    if old is None:
        return {**stage, "id": 0}
    return _with_kept_hooks({**stage, "id": old["id"]}, old)


def _with_kept_hooks(part: Json, stored: Json) -> Json:
    operation = part.get("pre_operation")
    triggers = operation.get("triggers") if isinstance(operation, dict) else None
    before = stored.get("pre_operation", {}).get("triggers", [])
    if not isinstance(operation, dict) or not isinstance(triggers, list):
        return part
    kept = [
        _kept_trigger(each, before[place] if place < len(before) else {})
        for place, each in enumerate(triggers)
    ]
    return {**part, "pre_operation": {**operation, "triggers": kept}}


def _kept_trigger(trigger: Any, old: Json) -> Any:
    if not isinstance(trigger, dict) or "webhook" not in old:
        return trigger
    webhook = trigger.get("webhook")
    if not isinstance(webhook, dict) or webhook.get("url"):
        return trigger
    return {**trigger, "webhook": {"url": _HOOK_PATH + old["webhook"]["id"]}}
