"""The wrapper that every answer of this API has."""

import msgspec

_ENCODER = msgspec.json.Encoder()
MEDIA_TYPE = "application/json"


def ok_body(data: object = None) -> bytes:
    """Return the body of a call that went well; without data the member is left out."""
    return encode_body({"status": 0} if data is None else {"status": 0, "data": data})


def encode_body(body: object) -> bytes:
    """Return a body as JSON in UTF-8."""
    return _ENCODER.encode(body)
