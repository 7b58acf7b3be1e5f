"""Calls on templates: the market's, and those that an account exported (spec §2.9)."""

from datetime import datetime

from starlette.responses import Response

from mulligan.core.hooks import Template
from mulligan.core.records import AuditEntry
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.swr import addresses, names
from mulligan.facades.swr.calls import Call, Route
from mulligan.facades.swr.definitions import without_ways_in
from mulligan.facades.swr.errors import NOT_FOUND, OTHER_ACCOUNT, SwrError, bad
from mulligan.facades.swr.fields import Fields, Json
from mulligan.facades.swr.foreign import document_of
from mulligan.facades.swr.negotiate import answer
from mulligan.facades.swr.query import read_filter, read_page
from mulligan.facades.swr.rights import Right
from mulligan.facades.swr.templates import LABELS, MADE_AT, SAMPLES, Sample, label_of
from mulligan.facades.swr.times import time_text
from mulligan.ports import Acts

SAMPLE, MINE = "sample_template", "my_template"
_FILTERS = ("template_category", "pipeline_label")
_LONGEST_NAME = 64


async def listing(call: Call) -> Response:
    """List templates by id: the samples, then those of the account."""
    await call.demand(Right.SEE)
    page = read_page(call.query)
    wanted = read_filter(call.query, _FILTERS)
    found = [
        entry
        for entry in await _all(call)
        if wanted.get("template_category") in (None, entry["template_category"])
        and _has_label(entry, wanted.get("pipeline_label"))
    ]
    cut = [_short(entry) for entry in found[page.offset : page.offset + page.limit]]
    return answer(cut, headers=page.headers(len(cut), len(found)))


async def detail(call: Call) -> Response:
    """Give a template with its stages."""
    number = call.number("template_id")
    right = await call.demand(Right.SEE)
    entry = await _entry(call, number)
    shown = entry if right >= Right.EDIT else without_ways_in(entry)
    return answer(shown, as_json=call.wants_json)


async def export(call: Call) -> Response:
    """Keep the definition of a pipeline as a template (X)."""
    pipeline, _group = await call.pipeline_for(Right.EDIT)
    given = Fields(await call.value())
    name = given.filled("name").strip()
    if len(name) > _LONGEST_NAME or names.has_control(name):
        raise bad("name", f"has 1 to {_LONGEST_NAME} characters, no control characters")
    label = given.text_or("label")
    if len(label) > _LONGEST_NAME:
        raise bad("label", f"has at most {_LONGEST_NAME} characters")
    description = names.check_description(given.text_or("description"))
    version = await call.services.catalog.get_version(pipeline)
    now = call.services.clock.now()
    template = Template(
        project=call.account,
        name=name,
        label=label,
        created_by=call.actor.user,
        created_at=now,
        source=without_own(document_of(version)),
        description=description,
    )
    entry = AuditEntry(
        at=now,
        actor=call.actor.user,
        action="template.create",
        project=call.account,
        target=name,
        origin=call.origin,
    )

    async def act(_receipt: ReceiptRequest | None) -> Json:
        stored = await call.services.store.put_template(template, Acts(audit=(entry,)))
        return _short(_mine(stored))

    return await call.once(act)


def without_own(document: Json) -> Json:
    """Give a document without what belongs to its pipeline alone: hooks and credentials."""
    kept: Json = {
        "params": [each for each in document["params"] if not each["is_template"]],
        "stages": [_without_own(stage) for stage in document["stages"]],
    }
    if "pre_operation" in document:
        kept["pre_operation"] = _blank_triggers(document["pre_operation"])
    return kept


def _without_own(stage: Json) -> Json:
    params = {key: value for key, value in stage["params"].items() if key != "code_hook"}
    if "url" in params:
        params["url"] = addresses.without_login(params["url"])
    found = {**stage, "params": params}
    if "pre_operation" in stage:
        found["pre_operation"] = _blank_triggers(stage["pre_operation"])
    if "post_operation" in stage:
        found["post_operation"] = _open_messages(stage["post_operation"])
    return found


def _open_messages(operation: Json) -> Json:
    """Give messages without what proves to their receivers who sends them."""
    triggers = []
    for each in operation["triggers"]:
        if "webhook" in each:
            webhook = {key: part for key, part in each["webhook"].items() if key != "headers"}
            webhook["url"] = addresses.without_login(webhook["url"])
            triggers.append({**each, "webhook": webhook})
        else:
            triggers.append(each)
    return {**operation, "triggers": triggers}


def _blank_triggers(operation: Json) -> Json:
    triggers = [
        {**each, "webhook": {}}
        if "webhook" in each
        else {**each, "channel": {"name": each["channel"]["name"]}}
        for each in operation["triggers"]
    ]
    return {**operation, "triggers": triggers}


async def _entry(call: Call, number: int) -> Json:
    """Give the sample of that number, or the account's own template.

    Raises:
        SwrError: 4040162, there is none; 4011064, it is another account's.
    """
    for sample in SAMPLES:
        if sample.number == number:
            return _sample(sample)
    template = await call.services.store.find_template(number)
    if template is None:
        raise SwrError(NOT_FOUND, f"there is no template {number}")
    if template.project != call.account:
        raise SwrError(OTHER_ACCOUNT, f"template {number} is not of this account")
    return _mine(template)


async def _all(call: Call) -> list[Json]:
    samples = [_sample(each) for each in SAMPLES]
    return samples + [
        _mine(each) for each in await call.services.store.list_templates(call.account)
    ]


def _has_label(entry: Json, wanted: str | None) -> bool:
    if wanted is None:
        return True
    found = entry["pipeline_labels"]
    return any(wanted in {label["name"], label["describe"], str(label["id"])} for label in found)


def _sample(sample: Sample) -> Json:
    label = LABELS[sample.label]
    head = _head(sample.number, sample.name, sample.description, MADE_AT, SAMPLE)
    return head | {
        "template_type_ch": label["name"],
        "template_type_en": label["describe"],
        "pipeline_labels": [label],
        "pre_operation": {"operator": "or", "triggers": []},
        "params": sample.params,
        "stages": sample.stages,
    }


def _mine(template: Template) -> Json:
    head = _head(template.number, template.name, template.description, template.created_at, MINE)
    labels = [label_of(template.label)] if template.label else []
    return head | {
        "template_type_ch": labels[0]["name"] if labels else "",
        "template_type_en": labels[0]["describe"] if labels else "",
        "pipeline_labels": labels,
        **template.source,
    }


def _head(number: int, name: str, description: str, at: datetime, category: str) -> Json:
    return {
        "id": number,
        "name": name,
        "description": description,
        "created_at": time_text(at),
        "updated_at": time_text(at),
        "template_category": category,
    }


def _short(entry: Json) -> Json:
    """Give the entry of the list: without what only the detail has."""
    kept = {key: value for key, value in entry.items() if key not in {"pre_operation", "params"}}
    keys = ("name", "service_name", "is_task")
    return kept | {"stages": [{key: stage[key] for key in keys} for stage in entry["stages"]]}


_ALL = "/v3/manage/pipelinetemplates"

ROUTES = (
    Route(method="GET", path=_ALL, handler=listing, failure="SWR.5001128"),
    Route(method="GET", path=f"{_ALL}/{{template_id}}", handler=detail, failure="SWR.5001128"),
    Route(
        method="POST",
        path="/v3/manage/pipelines/{pipeline_id}/template",
        handler=export,
        failure="SWR.5001127",
    ),
)
