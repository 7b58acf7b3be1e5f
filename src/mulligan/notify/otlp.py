"""Send spans to a collector: OTLP over HTTP, in the binary form. Needs the extra `otel`.

The library is loaded when the first span is sent, in a thread: a start does not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mulligan import __version__
from mulligan.core.traces import Span
from mulligan.notify.web import WebSender

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

_PATH = "/v1/traces"
_TIMEOUT_S = 10.0
_LATER = frozenset({408, 429, 502, 503, 504})  # as the protocol says


class OtlpSender:
    """Implements `ports.traces.SendsSpans`.

    Args:
        endpoint: `http://HOST:PORT`, or the whole address with its path.
        headers: Besides those of the protocol, for instance a credential.
    """

    def __init__(self, endpoint: str, headers: Mapping[str, str], service: str) -> None:
        address = endpoint.rstrip("/")
        self.url = address if urlsplit(address).path else address + _PATH
        self._headers = {**headers, "Content-Type": "application/x-protobuf"}
        self._service = service
        self._web = WebSender(private_targets=True)  # whoever runs the server has named it

    async def send(self, spans: Sequence[Span]) -> bool:
        """Send spans; False = the collector refuses them, now and later.

        Raises:
            OSError: It can't be reached, or has no time; try again later.
        """
        body = await asyncio.to_thread(encode, spans, self._service)
        status = await self._web.send("POST", self.url, self._headers, body, timeout_s=_TIMEOUT_S)
        if status in _LATER:
            raise ConnectionError(f"the collector answers {status}")
        return 200 <= status < 300


def encode(spans: Sequence[Span], service: str) -> bytes:
    """Give the body of a request."""
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.sdk.resources import Resource

    resource = Resource({"service.name": service, "service.version": __version__})
    request = encode_spans([_readable(span, resource) for span in spans])
    body: bytes = request.SerializeToString()
    return body


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, Status, StatusCode

    failed = span.error is not None
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=_context(span.trace_id, span.parent) if span.parent else None,
        resource=resource,
        attributes=span.attributes,
        links=[Link(_context(span.trace_id, span.link))] if span.link else (),
        status=Status(StatusCode.ERROR, span.error) if failed else Status(StatusCode.UNSET),
        start_time=_nanoseconds(span.started_at),
        end_time=_nanoseconds(span.ended_at),
        instrumentation_scope=InstrumentationScope("mulligan", __version__),
    )


def _context(trace: str, span: str) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(1))


def _nanoseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000) * 1000
