"""Filters outside of the server: who is asked, after all other filters, whether to start.

No answer means no: a service that is down starts nothing.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.triggers.event import CodeEvent
from mulligan.core.triggers.spec import CodeSpec
from mulligan.engine.callbacks import is_web_url
from mulligan.engine.checkouts import password_of
from mulligan.ports.secrets import SecretReader
from mulligan.secret_key import UnsealError

PAUSES_S = (0.2, 1.0)  # before the second and the third try
TIMEOUT_S = 3.0  # of one try
_GOOD, _SERVER_ERROR = range(200, 300), 500
_BUSY = frozenset({408, 425, 429})  # statuses below 500 that may be others a moment later


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a service is asked about.

    Args:
        payload: What the code host sent, "" = it was too large to be kept whole.
    """

    project: ProjectId
    pipeline: PipelineId
    code: CodeSpec
    event: CodeEvent
    payload: str = ""


class FilterWords(Protocol):
    """What is asked and answered, in the words of a dialect."""

    def ask(self, question: Question, secret: str) -> tuple[dict[str, str], bytes]:
        """Return headers and body of the question."""
        ...

    def accepts(self, answer: bytes) -> bool:
        """Tell whether an answer says yes."""
        ...


class AsksWeb(Protocol):
    """Sends HTTP requests and reads the answers."""

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float
    ) -> tuple[int, bytes]:
        """Send a request; return status and body of the answer.

        Raises:
            PermissionError: It may not go there; trying again does not help.
            OSError: No answer.
        """
        ...


class ThirdFilters:
    """Asks services.

    Args:
        pauses_s: Before each further try.
    """

    def __init__(
        self,
        *,
        web: AsksWeb,
        secrets: SecretReader,
        words: FilterWords,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._web = web
        self._secrets = secrets
        self._words = words
        self._pauses_s = pauses_s

    async def ask(self, question: Question) -> str:
        """Ask whether a trigger may fire; tell why not, "" = it may."""
        url = question.code.third_url
        if not is_web_url(url):
            return "the address of the filter is no http:// or https:// address without a login"
        try:
            secret = await self._secret(question)
        except UnsealError:
            return "the secret for the filter can't be read"
        headers, body = self._words.ask(question, secret)
        for pause_s in (*self._pauses_s, None):
            why, again = await self._once(url, headers, body)
            if not again or pause_s is None:
                break
            await asyncio.sleep(pause_s)
        return why

    async def _secret(self, question: Question) -> str:
        named = question.code.third_secret
        if not named:
            return ""
        try:
            return password_of(await self._secrets.detail(question.project, named))
        except NotFoundError:
            return named  # written out in the definition

    async def _once(self, url: str, headers: dict[str, str], body: bytes) -> tuple[str, bool]:
        host = urlsplit(url).hostname
        try:
            status, text = await self._web.ask("POST", url, headers, body, timeout_s=TIMEOUT_S)
        except PermissionError as error:
            return f"the filter can't be asked: {error}", False
        except (OSError, ValueError) as error:
            why = f"the filter at {host} gave no answer: {error}"
            return why[:300], isinstance(error, OSError)
        if status not in _GOOD:
            again = status >= _SERVER_ERROR or status in _BUSY
            return f"the filter at {host} answered {status}", again
        if not self._words.accepts(text):
            return f"the filter at {host} did not say that it matches", False
        return "", False
