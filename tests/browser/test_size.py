"""What a browser loads before it shows anything."""

import gzip
import json
from typing import Any

import pytest

from mulligan.web.page import DIST

MOST_KB = 150  # of scripts, as gzip packs them
MOST_OF_A_PART_KB = 180


def test_the_first_load_is_small() -> None:
    """The entry and all that it imports at once; pages and dialogs come when they are opened."""
    path = DIST / ".vite" / "manifest.json"
    if not path.is_file():
        pytest.skip("the web page is not built: ./dev page")
    manifest: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
    entry = next(key for key, chunk in manifest.items() if chunk.get("isEntry"))

    files = {manifest[key]["file"] for key in _with_imports(manifest, entry)}

    size = sum(len(gzip.compress((DIST / name).read_bytes(), 9)) for name in files)
    assert 50 < size / 1024 <= MOST_KB


def _with_imports(manifest: dict[str, dict[str, Any]], key: str) -> set[str]:
    found = {key}
    for other in manifest[key].get("imports", ()):
        found |= _with_imports(manifest, other)
    return found


def test_no_part_is_large() -> None:
    """What a page loads later is one file each; none keeps anybody waiting."""
    if not (DIST / "assets").is_dir():
        pytest.skip("the web page is not built: ./dev page")
    sizes = {
        path.name: len(gzip.compress(path.read_bytes(), 9)) / 1024
        for path in (DIST / "assets").glob("*.js")
    }

    assert len(sizes) > 5
    assert max(sizes.values()) <= MOST_OF_A_PART_KB, sizes
