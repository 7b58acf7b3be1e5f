"""Speak the SWR dialect over HTTP as a client would, and sign requests with an access key."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import yaml

from mulligan.testing.http_client import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

JSON_TYPE = "application/json;charset=utf8"
YAML_TYPE = "application/yaml;charset=utf8"
REQUEST_TIMEOUT_S = 60.0
CREATED = 201


@dataclass(frozen=True, kw_only=True)
class Reply(Answer):
    """Hold one answer of the dialect."""

    @property
    def json(self) -> Any:
        """Return the body as JSON of any shape."""
        return json.loads(self.content)

    @property
    def yaml(self) -> Any:
        """Return the body as YAML; ValueError when it is JSON, which YAML parsers take as well."""
        if self.text.lstrip().startswith(("{", "[")):
            raise ValueError(f"this is JSON: {self.text[:100]}")
        return yaml.safe_load(self.text)

    @property
    def media_type(self) -> str:
        """Return the `Content-Type` in lower case and without blanks."""
        return self.headers.get("content-type", "").replace(" ", "").lower()

    @property
    def error(self) -> tuple[int, str]:
        """Return the HTTP status and the error code without its prefix `SVCSTG.`.

        Raises:
            AssertionError: the body isn't an array of one error object.
        """
        assert self.media_type.startswith("application/json"), self
        body = self.json
        assert isinstance(body, list), self
        assert len(body) == 1, self
        assert {"errorCode", "errorMessage"} <= set(body[0]), self
        assert body[0]["errorMessage"], self
        assert isinstance(body[0].get("detail", ""), str), self
        assert body[0]["errorCode"].startswith("SVCSTG."), self
        return self.http, body[0]["errorCode"].removeprefix("SVCSTG.")

    @property
    def detail(self) -> str:
        """Return `detail` of the error object."""
        return str(self.json[0].get("detail", ""))

    def __str__(self) -> str:
        """Return the status and the start of the body, for error messages."""
        return super().__str__()


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """Sign requests as the signing guide of the dialect describes it (SDK-HMAC-SHA256)."""

    access: str
    secret: str

    def headers(
        self, method: str, url: str, content: bytes = b"", *, now: datetime | None = None
    ) -> dict[str, str]:
        """Return the headers `X-Sdk-Date` and `Authorization` of one request.

        Args:
            method: HTTP method.
            url: whole address with its query.
            content: body as it is sent.
            now: time of the request; the present time by default.
        """
        parts = urlsplit(url)
        date = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": parts.netloc, "x-sdk-date": date}
        canonical = "\n".join(
            [
                method,
                _canonical_path(parts.path),
                _canonical_query(parts.query),
                "".join(f"{name}:{signed[name]}\n" for name in sorted(signed)),
                ";".join(sorted(signed)),
                hashlib.sha256(content).hexdigest(),
            ]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"SDK-HMAC-SHA256\n{date}\n{digest}"
        signature = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {
            "X-Sdk-Date": date,
            "Authorization": (
                f"SDK-HMAC-SHA256 Access={self.access}, "
                f"SignedHeaders={';'.join(sorted(signed))}, Signature={signature}"
            ),
        }


def _canonical_path(path: str) -> str:
    encoded = "/".join(quote(unquote(part), safe="-_.~") for part in path.split("/"))
    return encoded if encoded.endswith("/") else f"{encoded}/"


def _canonical_query(query: str) -> str:
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in pairs)


class SwrClient:
    """Send requests to one server, each over a connection of its own: usable by many threads."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Prepare a client of `http://HOST:PORT`; `headers` go with every request."""
        self.url = url
        self.headers = dict(headers or {})

    def raw(
        self,
        method: str,
        target: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send exactly this request target and body.

        Args:
            method: HTTP method.
            target: path and query as they go over the wire.
            content: body; None sends none.
            headers: on top of those of the client; an empty value removes one.
        """
        fields = {**self.headers, **(headers or {})}
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=REQUEST_TIMEOUT_S
        )
        encoded = {name: value.encode() for name, value in fields.items() if value}
        try:
            connection.request(method, target, content, encoded)
            response = connection.getresponse()
            received = response.read()
        finally:
            connection.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(http=response.status, headers=names, content=received)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a JSON request that asks for a JSON answer.

        Args:
            method: HTTP method.
            path: absolute path, percent-encoded.
            body: sent as JSON; None sends no body.
            query: parameters, encoded here.
            headers: on top of the usual ones; an empty value removes one.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        fields = {"Accept": "application/json", **(headers or {})}
        if body is None:
            return self.raw(method, target, None, fields)
        content = json.dumps(body, ensure_ascii=False).encode()
        return self.raw(method, target, content, {"Content-Type": JSON_TYPE, **fields})

    def get(self, path: str, **query: str | int) -> Reply:
        """Send a GET that asks for JSON."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: object = None, **query: str | int) -> Reply:
        """Send a POST."""
        return self.call("POST", path, body, query=query)

    def put(self, path: str, body: object = None) -> Reply:
        """Send a PUT."""
        return self.call("PUT", path, body)

    def delete(self, path: str, body: object = None) -> Reply:
        """Send a DELETE."""
        return self.call("DELETE", path, body)


def token_request(user: str, password: str, domain: str, scope: Json | None = None) -> Json:
    """Return the body of the token call; scoped to the region `cn-north-4` by default."""
    person = {"name": user, "password": password, "domain": {"name": domain}}
    identity = {"methods": ["password"], "password": {"user": person}}
    return {
        "auth": {"identity": identity, "scope": scope or {"project": {"name": "cn-north-4"}}},
    }
