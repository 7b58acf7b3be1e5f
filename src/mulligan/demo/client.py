"""A minimal client of the BK-CI dialect, so that each call can be shown as a curl line."""

import json
import shlex
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

ANSWER_WITHIN_S = 30.0

Answer = TypeVar("Answer")


class CallError(Exception):
    """The server gave no answer, or refused the call; `code` is its status, 0 without one."""

    def __init__(self, text: str, *, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class Wrapper(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer is wrapped in; status 0 = done."""

    status: int
    message: str | None = None
    data: Any = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as sent and as shown."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None

    def as_curl(self) -> str:
        """Return the line that does the same in a shell; a token is shown as a variable."""
        words = ["curl", "-X", self.method, quoted(self.url)]
        for name, value in self.headers.items():
            if name == "Authorization":
                words += ["-H", '"Authorization: Bearer $MULLIGAN_TOKEN"']
            elif name == "X-Auth-Token":
                words += ["-H", '"X-Auth-Token: $TOKEN"']
            else:
                words += ["-H", quoted(f"{name}: {value}")]
        if self.body is not None:
            words += ["-d", shlex.quote(self.body.decode())]
        return " ".join(words)


def quoted(text: str) -> str:
    """Quote for a shell, always visibly."""
    return shlex.quote(text) if "'" in text else f"'{text}'"


class Client:
    """Calls for one project as one user.

    Args:
        url: Of the server, `http://HOST:PORT`.
        project: English name of the project.
        user: Who acts.
        token: Bearer token; None for a server that needs none (`--dev`).
    """

    def __init__(self, url: str, *, project: str, user: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self.project = project
        self.user = user
        self._token = token

    def get(self, path: str, answer: type[Answer], **query: Any) -> Answer:
        """Read something of the project; return `data` as the type asked for."""
        return self.send(self.call("GET", path, query), answer)

    def post(self, path: str, answer: type[Answer], body: Any, **query: Any) -> Answer:
        """Do something in the project; return `data` as the type asked for."""
        return self.send(self.call("POST", path, query, body), answer)

    def create_project(self) -> None:
        """Create the project; one that is there already stays as it is.

        Raises:
            CallError: It can neither be created nor read.
        """
        url = f"{self.url}/api/apigw-user/v4/projects/project_create"
        document = {"projectName": self.project, "englishName": self.project, "description": "demo"}
        body = json.dumps(document).encode()
        try:
            self.send(Call(method="POST", url=url, headers=self._headers(), body=body), object)
        except CallError:
            self.get("pipelines/pipeline_list", object)

    def call(self, method: str, path: str, query: dict[str, Any], body: Any = None) -> Call:
        """Return the request without sending it."""
        url = f"{self.url}/api/apigw-user/v4/projects/{self.project}/{path}"
        if query:
            url += f"?{urlencode(query)}"
        content = None if body is None else json.dumps(body).encode()
        return Call(method=method, url=url, headers=self._headers(), body=content)

    def send(self, call: Call, answer_type: type[Answer]) -> Answer:
        """Send a request; return `data` of the answer as the type asked for.

        Raises:
            CallError: No answer, not the wrapper `{"status": 0, …}`, other data, or a refusal.
        """
        status, content = fetch(call)
        try:
            wrapper = msgspec.json.decode(content, type=Wrapper)
        except msgspec.MsgspecError as error:
            text = content[:200].decode(errors="replace")
            raise CallError(f"{short(call)}: HTTP {status}, unexpected {text!r}") from error
        if status != HTTPStatus.OK or wrapper.status != 0:
            refusal = f"HTTP {status}, {wrapper.status} {wrapper.message or ''}"
            raise CallError(f"{short(call)}: {refusal.strip()}", code=wrapper.status)
        try:
            return msgspec.convert(wrapper.data, answer_type)
        except msgspec.ValidationError as error:
            raise CallError(f"{short(call)}: unexpected data: {error}") from error

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "X-DEVOPS-UID": self.user}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers


def fetch(call: Call) -> tuple[int, bytes]:
    """Send a request over a connection of its own; return HTTP status and body.

    Raises:
        CallError: No answer within 30 s, or none that is HTTP.
    """
    parts = urlsplit(call.url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"
    connection = HTTPConnection(parts.netloc, timeout=ANSWER_WITHIN_S)
    try:
        connection.request(call.method, target, body=call.body, headers=call.headers)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, HTTPException) as error:
        raise CallError(f"{short(call)}: {error or type(error).__name__}") from error
    finally:
        connection.close()


def short(call: Call) -> str:
    """Return how messages name a request."""
    return f"{call.method} {urlsplit(call.url).path}"
