"""`python -m mulligan.facades.native.describe`: the OpenAPI document, after a digest of it.

The types of the web page are made from it. The version of the server is left out: a release
changes no type.
"""

import hashlib
import json
import sys
from typing import Any

from mulligan.facades.native.app import ENDPOINTS, PREFIX
from mulligan.facades.native.openapi import make_document


def described() -> tuple[str, str]:
    """Return the digest of the document, and the document as JSON in one line."""
    document = make_document(ENDPOINTS, PREFIX)
    document["info"]["version"] = ""
    text = json.dumps(_on_one_line(document), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16], text


def _on_one_line(value: Any) -> Any:
    """Give the value with plain spaces in its texts: Pythons differ in how they keep docstrings."""
    if isinstance(value, dict):
        return {key: _on_one_line(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_on_one_line(each) for each in value]
    return " ".join(value.split()) if isinstance(value, str) else value


if __name__ == "__main__":
    sys.stdout.write("\n".join(described()))
