"""Store definitions of this dialect: the one way in, for its own calls and for the own API."""

from typing import Any

from mulligan.core.hooks import Group
from mulligan.core.ids import ProjectId
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.rights import Actor
from mulligan.engine.catalog import Definition
from mulligan.facades.common.services import Saved, Services
from mulligan.facades.native.masking import masked_text
from mulligan.facades.swr import addresses, current, names
from mulligan.facades.swr.compile import DIALECT, SETTINGS, Compiled, compile_document
from mulligan.facades.swr.definition_in import (
    assign_ids,
    is_same_sequence,
    missing_ids,
    read_changed,
)
from mulligan.facades.swr.definition_out import Shown, render_created
from mulligan.facades.swr.deploy_info import parse_info
from mulligan.facades.swr.errors import RUNNING, SwrError, bad
from mulligan.facades.swr.fields import Json
from mulligan.facades.swr.groups import DEFAULT_GROUP
from mulligan.facades.swr.triggers_in import Rules


def rules_of(services: Services) -> Rules:
    """Give what this server allows in definitions."""
    allows_private = services.is_dev or services.private_targets
    return Rules(new_id=services.ids.hex32, allows_private=allows_private)


async def create_definition(
    services: Services, actor: Actor, account: ProjectId, given: Json, group: Group
) -> Saved:
    """Make a pipeline in a group from a document that `read_new` gave.

    Raises:
        ConflictError: The name is taken (code "pipeline-name").
    """
    document = _with_first_values(services, await _with_ids(services, given))
    compiled = compile_document(document)
    definition = _definition(document, compiled)
    pipeline = await services.catalog.create_pipeline(
        actor, account, definition, SETTINGS, group=_place(group), hooks=compiled.hooks
    )
    return Saved(pipeline=pipeline, definition=definition)


async def change_definition(
    services: Services, actor: Actor, pipeline: Pipeline, group: Group, body: object
) -> Saved:
    """Replace the definition of a pipeline by the body of an update.

    Raises:
        SwrError: A rule is broken, it was made in another dialect, or (4091105) a run of it is
            under way.
    """
    async with services.engine.turns.changing(pipeline.id):
        return await _change(services, actor, pipeline, group, body)


async def _change(
    services: Services, actor: Actor, pipeline: Pipeline, group: Group, body: object
) -> Saved:
    version = await services.catalog.get_version(pipeline)
    stored = stored_document(pipeline, version)
    place = (group.number, group.name)
    given = read_changed(body, rules_of(services), stored, pipeline.number, place)
    if await current.is_active(services, pipeline):
        raise SwrError(RUNNING, f"a run of pipeline {pipeline.number} is under way")
    document = await _with_ids(services, given)
    compiled = compile_document(document)
    reset_run = version.reset_run
    if not is_same_sequence(version.source, document):
        reset_run = await services.engine.last_number(pipeline.id)
    definition = _definition(document, compiled, reset_run)
    changed = await services.catalog.edit_pipeline(
        actor, pipeline, definition, hooks=compiled.hooks
    )
    return Saved(pipeline=changed, definition=definition)


def stored_document(pipeline: Pipeline, version: PipelineVersion) -> Json:
    """Give the document of a version, under its present name.

    Raises:
        SwrError: 4000014, it was made in another dialect.
    """
    if version.dialect != DIALECT:
        raise bad("pipeline_id", f"was made in the dialect {version.dialect!r}; edit it there")
    # the settings of the other dialect may have renamed it
    return {**version.source, "name": pipeline.name, "description": pipeline.description}


def _place(group: Group) -> int:
    """Give the number by which a pipeline is in a group: the default one is that without."""
    return 0 if group.name == DEFAULT_GROUP else group.number


def show_document(pipeline: Pipeline, group: Group, document: Json, *, may_edit: bool) -> Json:
    """Give a stored document as a create call takes it, without credentials.

    Only who may edit it sees the addresses of its webhooks, what its messages hold, and the
    secrets in the settings of its targets.
    """
    shown = Shown(pipeline=pipeline, group=group, document=document, base_url="")
    found: Json = _without_logins(render_created(shown))
    return found if may_edit else without_ways_in(found)


def _without_logins(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_logins(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: addresses.hide_password(each)
        if key == "url" and isinstance(each, str)
        else _without_logins(each)
        for key, each in value.items()
    }


def without_ways_in(value: Any) -> Any:
    """Give a shown document as somebody sees it who may not edit it.

    Left out are what its messages hold, secrets in the settings of its targets, and addresses of
    its webhooks (where they are shown without the server's).
    """
    if isinstance(value, list):
        return [without_ways_in(each) for each in value]
    if not isinstance(value, dict):
        return value
    left = {key: without_ways_in(each) for key, each in value.items()}
    if isinstance(left.get("input_info"), str):
        left["input_info"] = _masked_info(left["input_info"])
    webhook = left.get("webhook")
    if isinstance(webhook, dict):
        is_incoming = str(webhook.get("url") or "").startswith("/v2/manage/")
        hidden = {"url"} if is_incoming else {"headers", "params", "body"}
        left["webhook"] = {key: each for key, each in webhook.items() if key not in hidden}
    return left


def _masked_info(text: str) -> str:
    """Mask the secrets in `input_info`; without any it stays as it was written."""
    masked = masked_text(text)
    value = parse_info(text)
    return text if value is not None and value == parse_info(masked) else masked


def _definition(document: Json, compiled: Compiled, reset_run: int = 0) -> Definition:
    return Definition(
        spec=compiled.spec,
        dialect=DIALECT,
        source=document,
        description=document["description"],
        reset_run=reset_run,
    )


async def _with_ids(services: Services, document: Json) -> Json:
    stages, variables = missing_ids(document)
    store = services.store
    first_stage = await store.take_numbers("stage", stages) if stages else 0
    first_variable = await store.take_numbers("param", variables) if variables else 0
    return assign_ids(document, first_stage, first_variable)


def _with_first_values(services: Services, document: Json) -> Json:
    """Give the system variables the values that they have until the first run."""
    first = {
        names.SYS_INCREMENT: "0",
        names.SYS_TIMESTAMP: services.engine.timestamp_digits(services.clock.now()),
    }
    params = [
        {**each, "value": first.get(each["name"], each["value"])} for each in document["params"]
    ]
    return {**document, "params": params}
