"""Puts the built web page into the wheel and the sdist. Editable installs do without."""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):
    """Builds the page when node is there; MULLIGAN_REQUIRE_PAGE=1 makes a missing one an error."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make sure of the page before files are collected."""
        del build_data
        if version == "editable":
            return
        root = Path(self.root)
        page = _load(root / "web" / "build.py")
        # an sdist carries the page with its stamp: then nothing is built
        if page.is_current():
            return
        try:
            page.build(None)
        except page.PageError as error:
            if os.environ.get("MULLIGAN_REQUIRE_PAGE") == "1":
                raise
            is_there = (root / "src/mulligan/web/dist/index.html").is_file()
            what = "may be an old one" if is_there else "is missing"
            self.app.display_warning(f"the web page {what}: {error}")


def _load(path: Path) -> ModuleType:
    spec = spec_from_file_location("mulligan_page_build", path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} can't be loaded")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
