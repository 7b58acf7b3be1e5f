"""Remote triggers: `POST …/external/pipelines/{token}/build`, without a login."""

import re

from starlette.requests import Request

from mulligan.facades.bkci.bodies import check_media_type, read_start_values
from mulligan.facades.bkci.run_out import render_build_id
from mulligan.facades.bkci.times import Json
from mulligan.facades.common.auth import header
from mulligan.facades.common.body import read_body, read_json
from mulligan.facades.common.services import Services

# Of the service itself and of gateways in front of it.
_PATH = re.compile(r"(?:/ms)?(?:/process)?(?:/api)?/external/pipelines/(?P<token>[^/]+)/build/?")


def remote_token_in(path: str) -> str:
    """Return the token in the path of a remote trigger; "" if the path is another one."""
    found = _PATH.fullmatch(path)
    return "" if found is None else found["token"]


async def start_remotely(services: Services, request: Request, token: str) -> Json:
    """Start the pipeline that has the token; the body holds parameters by name.

    It is not read for a caller whose token starts nothing.
    """
    called = await services.remote_triggers.called(token)
    body = await read_body(request, services.limits)
    check_media_type(header(request, "content-type"), body)
    given = read_start_values(read_json(body, services.limits, empty={}))
    client = request.client
    head = await services.remote_triggers.start(
        called,
        given.values,
        client=client.host if client is not None else "",
        user=header(request, "x-devops-uid"),
        message=given.message,
    )
    return render_build_id(head)
