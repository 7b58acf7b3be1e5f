"""Values of variables are texts: how any JSON value becomes one."""

from typing import Any

import msgspec

# Longest value of a variable, in characters (spec/bkci-model-and-engine.md §1.10).
LONGEST_VALUE = 4000

_ENCODER = msgspec.json.Encoder()


def text_of(value: Any) -> str:
    """Give the text of a JSON value: texts as they are, null as "", all else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return _ENCODER.encode(value).decode()
