"""Calls on artifacts: what a build kept, and links to download it."""

import re
from urllib.parse import quote

from starlette.responses import Response

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import PipelineId, ProjectId, RunId
from mulligan.core.records import Artifact
from mulligan.core.rights import Permission
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.query import blank
from mulligan.facades.bkci.run_out import render_artifact, render_page
from mulligan.facades.bkci.times import Json

PIPELINE = "PIPELINE"
_ELSEWHERE = frozenset({"CUSTOM_DIR", "IMAGE", "REPORT"})
_PATH = re.compile(r"/(?P<pipeline>p-[0-9a-f]{32})/(?P<run>b-[0-9a-f]{32})/(?P<file>.+)")
DOWNLOADS = "/api/v1/downloads"


async def file_info(call: Call) -> Response:
    """List what a build kept."""
    query = wire.read_run(call.query)
    run = await call.run(query.run, query.pipeline)
    await call.demand(Permission.VIEW)
    page, size = call.query.page(is_unlimited=call.is_unlimited)
    found = await newest_artifacts(call, run.head.id)
    shown = found[(page - 1) * size : page * size]
    records = [_info(run.head.pipeline, artifact) for artifact in shown]
    return ok(render_page(records, count=len(found), page=page, page_size=size))


async def newest_artifacts(call: Call, run: RunId) -> list[Artifact]:
    """Return the artifacts of a run, of each path the one that was kept last."""
    found = await call.services.store.list_artifacts(run)
    return list({artifact.path: artifact for artifact in found}.values())


def _info(pipeline: PipelineId, artifact: Artifact) -> Json:
    name = artifact.path.lstrip("/")
    full = f"/{pipeline}/{artifact.run}/{name}"
    properties = {
        "pipelineId": pipeline,
        "buildId": artifact.run,
        "taskId": artifact.step,
        "sha256": artifact.digest,
    }
    return render_artifact(artifact) | {
        "fullName": full,
        "path": full,
        "fullPath": full,
        "properties": [{"key": key, "value": value} for key, value in properties.items()],
    }


async def user_download_url(call: Call) -> Response:
    """Give an address from which the caller can download one file, for half an hour."""
    kind, path = call.query.needed("artifactoryType"), call.query.needed("path")
    await call.demand(Permission.DOWNLOAD)
    if kind in _ELSEWHERE:
        raise NotFoundError("artifact", path)
    if kind != PIPELINE:
        raise InvalidError(
            f"artifactoryType is {kind[:100]!r}", pointer="artifactoryType", code="bad-value"
        )
    found = _PATH.fullmatch(path if path.startswith("/") else f"/{path}")
    if found is None:
        raise blank("path")
    run = await call.run(RunId(found["run"]), PipelineId(found["pipeline"]))
    for artifact in await newest_artifacts(call, run.head.id):
        if artifact.path.lstrip("/") == found["file"]:
            link = call.services.links.make(call.actor, ProjectId(call.project), artifact)
            url = f"{_address(call)}{DOWNLOADS}/{quote(link)}"
            return ok({"url": url, "url2": url})
    raise NotFoundError("artifact", path)


def _address(call: Call) -> str:
    if call.services.public_url:
        return call.services.public_url.rstrip("/")
    return str(call.request.base_url).rstrip("/")
