"""Which addresses messages may go to: none of this machine or of a private network."""

import asyncio
import socket

from mulligan.core.addresses import is_public


async def resolve(host: str, port: int, *, private_targets: bool) -> tuple[str, ...]:
    """Look a host up; give the addresses that may be connected to.

    Who calls must connect to these and to no name: a name may lead elsewhere a moment later.

    Raises:
        PermissionError: It has only addresses that are not allowed.
        OSError: It has none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    if not addresses:
        raise OSError(f"{host!r} has no address")
    allowed = tuple(each for each in addresses if private_targets or is_public(each))
    if not allowed:
        raise PermissionError(
            f"{host!r} is at a loopback, link-local or private address; "
            "set net.private_targets to allow it"
        )
    return allowed
