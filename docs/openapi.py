"""Write docs/reference/openapi.json: the description of the own API.

    .venv/bin/python docs/openapi.py

A test checks that the file is what this writes: run it after a change of an endpoint.
"""

import json
from pathlib import Path

from mulligan.facades.native.describe import described

PATH = Path(__file__).parent / "reference" / "openapi.json"


def pages() -> dict[Path, str]:
    """Return the file with what should be in it."""
    document = json.loads(described()[1])
    return {PATH: json.dumps(document, indent=1, ensure_ascii=False) + "\n"}


if __name__ == "__main__":
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")
