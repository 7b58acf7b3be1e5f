"""Calls on drafts of pipelines: save, release, roll back."""

from collections.abc import Sequence

from msgspec.structs import replace
from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.items import Item, PipelineDraft
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.rights import Permission
from mulligan.engine.catalog import Definition
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.bodies import read_object
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.document import Part, whole_number
from mulligan.facades.bkci.pipeline_calls import demand_dialect, deployed, read_both
from mulligan.facades.bkci.pipeline_out import render_deployed
from mulligan.facades.bkci.query import blank
from mulligan.facades.bkci.settings_io import NEW_PIPELINE
from mulligan.facades.bkci.times import Json
from mulligan.facades.bkci.version_calls import read_version_of
from mulligan.facades.bkci.version_out import render_draft_row

LONGEST_NOTE = 1024  # characters of what an author says of a version


async def save_draft(call: Call) -> Response:
    """Save the draft of a pipeline; without a pipeline make one that has only a draft."""
    given = read_object(call.body())
    await call.demand(Permission.EDIT)
    ident = given.text("pipelineId").strip()
    pipeline = await call.pipeline(ident) if ident else None
    if pipeline is not None:
        await demand_dialect(call, pipeline)
    if given.text("storageType").strip().upper() == "YAML" or given.value.get("yaml"):
        raise InvalidError(
            "drafts are saved as models here",
            pointer="storageType",
            code="unsupported",
            values=("YAML drafts",),
        )
    definition, settings = await _read_draft(call, given, pipeline)
    base, revision = _number(given, "baseVersion"), _number(given, "baseDraftVersion")
    drafts = call.services.drafts

    async def save(receipt: ReceiptRequest | None) -> PipelineDraft:
        if pipeline is None:
            return await drafts.begin(call.actor, call.project, definition, settings, receipt)
        return await drafts.save(
            call.actor,
            pipeline,
            definition,
            settings,
            base=base,
            base_revision=revision,
            receipt=receipt,
        )

    return await call.change(save, _deployed_draft)


async def _read_draft(
    call: Call, given: Part, pipeline: Pipeline | None
) -> tuple[Definition, PipelineSettings]:
    both = given.part("modelAndSetting")
    if both is None:
        raise blank("modelAndSetting")
    present_settings = NEW_PIPELINE
    if pipeline is not None:
        draft = await call.services.catalog.find_draft(pipeline)
        present_settings = draft.settings if draft is not None else pipeline.settings
    definition, settings = read_both(call, both.value, present_settings)
    settings = await call.services.arrangement.with_labels(call.project, settings, present_settings)
    return replace(definition, note=_note(given)), settings


def _note(given: Part) -> str:
    note = given.text("description").strip()
    if len(note) > LONGEST_NOTE:
        raise InvalidError(
            f"the description has {len(note)} characters",
            pointer="description",
            code="text-too-long",
            values=("description", str(LONGEST_NOTE)),
        )
    return note


def _number(given: Part, key: str) -> int | None:
    return whole_number(given.value.get(key)) if given.value.get(key) is not None else None


def _deployed_draft(draft: PipelineDraft) -> Json:
    return render_deployed(draft.id, draft.title, draft.version)


async def release_prefetch(call: Call) -> Response:
    """Tell which version a release of the draft would make."""
    pipeline, version = await read_version_of(call)
    await call.demand(Permission.VIEW)
    draft = await call.services.drafts.get(pipeline, version)
    deployed = render_deployed(pipeline.id, draft.title, draft.version)
    return ok(
        {
            "pipelineId": pipeline.id,
            "pipelineName": draft.title,
            "version": draft.version,
            "newVersionNum": deployed["versionNum"],
            "newVersionName": deployed["versionName"],
        }
    )


async def release_version(call: Call) -> Response:
    """Release the draft."""
    pipeline, version = await read_version_of(call)
    await call.demand(Permission.EDIT)
    given = read_object(call.body())
    if given.flag("enablePac"):
        raise InvalidError(
            "pipelines are not kept in a repository here",
            pointer="enablePac",
            code="not-as-code",
            values=(pipeline.name,),
        )
    note, views = _note(given), given.texts("staticViews")
    services = call.services
    draft = await services.drafts.get(pipeline, version)

    async def in_views(released: Pipeline) -> Sequence[Item]:
        return await services.arrangement.with_pipeline(call.actor, call.project, views, released)

    async def release(receipt: ReceiptRequest | None) -> Pipeline:
        return await services.drafts.release(
            call.actor, pipeline, draft, note, items=in_views, receipt=receipt
        )

    return await call.change(release, deployed)


async def rollback_draft(call: Call) -> Response:
    """Make an old version the draft; it has to be released afterwards."""
    pipeline, version = await read_version_of(call)
    await call.demand(Permission.EDIT)
    await demand_dialect(call, pipeline)

    async def roll_back(receipt: ReceiptRequest | None) -> PipelineDraft:
        return await call.services.drafts.roll_back(call.actor, pipeline, version, receipt)

    return await call.change(roll_back, render_draft_row)
