"""Send one message: try, try again where that may help, and say what went wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from mulligan.engine.messages_mail import Mail
from mulligan.engine.messages_web import WebRequest

# What went wrong, at the beginning of a note; dialects have words of their own for it.
NOT_SENT = "webhook-not-sent:"
NOT_TAKEN = "webhook-not-taken:"
NO_MAIL = "mail-not-sent:"
NO_SMS = "sms-not-sent:"

PAUSES_S = (1.0, 4.0)  # before the second and the third try
_REDIRECT, _ERROR, _SERVER_ERROR = 300, 400, 500
_BUSY = frozenset({408, 425, 429})  # statuses below 500 that may be others a moment later


class SendsWeb(Protocol):
    """Sends HTTP requests."""

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send a request; return the status of the answer.

        Raises:
            PermissionError: It may not go there; trying again does not help.
            OSError: No answer.
            ValueError: The URL is none.
        """
        ...


class SendsMail(Protocol):
    """Sends mail."""

    is_set_up: bool

    async def send(self, to: str, subject: str, text: str) -> None:
        """Send a mail.

        Raises:
            PermissionError: It was refused for good.
            OSError: It could not be sent now.
            ValueError: An address is none.
        """
        ...


class Sending:
    """Sends single messages.

    Args:
        pauses_s: Before each further try.
    """

    def __init__(
        self, *, web: SendsWeb, mail: SendsMail, pauses_s: tuple[float, ...] = PAUSES_S
    ) -> None:
        self._web = web
        self._mail = mail
        self._pauses_s = pauses_s

    async def call(self, request: WebRequest) -> str:
        """Send a request; tell what went wrong, "" = nothing."""
        return await self._tries(lambda: self._call_once(request))

    async def mail(self, address: str, mail: Mail) -> str:
        """Send a mail; tell what went wrong, "" = nothing."""
        if not self._mail.is_set_up:
            return (
                f"{NO_MAIL} There is no mail server (setting mail.host); "
                f"nothing is sent to {address}"
            )
        return await self._tries(lambda: self._mail_once(address, mail))

    async def _tries(self, once: Callable[[], Awaitable[tuple[str, bool]]]) -> str:
        """Try until it goes well, can't, or has been tried often enough."""
        problem, again = await once()
        for pause_s in self._pauses_s:
            if not again:
                break
            await asyncio.sleep(pause_s)
            problem, again = await once()
        return problem

    async def _call_once(self, request: WebRequest) -> tuple[str, bool]:
        """Send a request once; tell what is wrong and whether another try may help."""
        try:
            status = await self._web.send(
                request.method, request.url, request.headers, request.body
            )
        except PermissionError as error:
            return f"{NOT_SENT} {request.shown}: {error}", False
        except (OSError, ValueError) as error:
            return f"{NOT_SENT} {request.shown}: {_reason(error)}", isinstance(error, OSError)
        if status < _REDIRECT:
            return "", False
        if status < _ERROR:
            return f"{request.shown} answered {status}; redirects are not followed", False
        again = status >= _SERVER_ERROR or status in _BUSY
        return f"{NOT_TAKEN} {request.shown}: {status}", again

    async def _mail_once(self, address: str, mail: Mail) -> tuple[str, bool]:
        try:
            await self._mail.send(address, mail.subject, mail.text)
        except PermissionError as error:
            return f"{NO_MAIL} {address}: {error}", False
        except (OSError, ValueError) as error:
            return f"{NO_MAIL} {address}: {_reason(error)}", isinstance(error, OSError)
        return "", False


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
