"""Downloads by a signed link."""

import asyncio

from starlette.responses import FileResponse, Response

from mulligan.core.errors import InfrastructureError
from mulligan.facades.common.errors import UnauthenticatedError
from mulligan.facades.native.endpoints import OCTETS, Call, Endpoint


async def download(call: Call) -> Response:
    """Give the bytes of the artifact that a link stands for; `Range` gives a part of them."""
    artifact = await call.services.links.open(call.part("link"))
    if artifact is None:
        raise UnauthenticatedError("the link is none of this server's, or it is over")
    path = call.services.software.path_of(artifact.digest)
    if not await asyncio.to_thread(path.is_file):
        raise InfrastructureError("the artifact is registered, but its bytes are gone")
    return FileResponse(
        path,
        media_type=OCTETS,
        filename=artifact.path.rsplit("/", 1)[-1],
        headers={
            "X-Content-Type-Options": "nosniff",
            "ETag": f'"{artifact.digest}"',
            "Cache-Control": "private, no-store",
            "Referrer-Policy": "no-referrer",
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
