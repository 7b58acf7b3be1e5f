"""Pages of the BK-CI API that are written from code tell what is so."""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    """Load a script of docs/."""
    found = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_table_of_calls() -> None:
    """It is what `python docs/bkci_calls.py` writes: run that after a call was added."""
    for path, content in script("bkci_calls").pages().items():
        assert path.read_text(encoding="utf-8") == content, path.name


def test_the_description_of_the_own_api() -> None:
    """It is what `python docs/openapi.py` writes: run that after a change of an endpoint."""
    for path, content in script("openapi").pages().items():
        assert path.read_text(encoding="utf-8") == content, path.name


def test_the_table_of_fields() -> None:
    """It is what `python docs/bkci_fields.py` writes: run that after a field got a meaning."""
    for path, content in script("bkci_fields").pages().items():
        assert path.read_text(encoding="utf-8") == content, path.name
