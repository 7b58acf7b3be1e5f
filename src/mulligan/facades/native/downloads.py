"""Downloads: artifacts as files, by a signed link here, by their place elsewhere."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import FileResponse, Response

from mulligan.core.errors import InfrastructureError
from mulligan.core.records import Artifact
from mulligan.facades.common.errors import UnauthenticatedError
from mulligan.facades.native.endpoints import OCTETS, Call, Endpoint

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


async def download(call: Call) -> Response:
    """Give the bytes of the artifact that a link stands for; `Range` gives a part of them."""
    artifact = await call.services.links.open(call.part("link"))
    if artifact is None:
        raise UnauthenticatedError("the link is none of this server's, or it is over")
    headers = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return await attachment(call, artifact, artifact.path, headers)


async def attachment(
    call: Call, artifact: Artifact, name: str, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    """Give the bytes of an artifact to be kept as a file: a browser never shows them.

    `name`: path or name, of which the last part counts.
    """
    path = call.services.software.path_of(artifact.digest)
    if not await asyncio.to_thread(path.is_file):
        raise InfrastructureError("the artifact is registered, but its bytes are gone")
    return FileResponse(
        path,
        media_type=OCTETS,
        filename=name.rsplit("/", 1)[-1],
        headers={
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
            "ETag": f'"{artifact.digest}"',
            **headers,
        },
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/downloads/{link}",
        act=download,
        summary="Download an artifact by a signed link, which is its own credential for a while",
        media=OCTETS,
        is_open=True,
    ),
)
