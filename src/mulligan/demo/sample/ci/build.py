"""Compile every module, then check what a compiler can't see."""

import compileall
import re
import sys
from decimal import Decimal
from pathlib import Path

from shop import __version__
from shop.catalogue import ITEMS

SOURCES = ("shop", "tests", "ci", "feed.py")


def compile_sources() -> int:
    """Compile all sources; return how many modules there are."""
    modules = [path for name in SOURCES for path in (Path(name), *Path(name).rglob("*.py"))]
    modules = sorted(path for path in modules if path.suffix == ".py")
    broken = [path for path in modules if not compileall.compile_file(path, quiet=1, force=True)]
    if broken:
        sys.exit(f"build: does not compile: {', '.join(map(str, broken))}")
    return len(modules)


def check_version() -> None:
    """Refuse a version that is not MAJOR.MINOR.PATCH."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", __version__):
        sys.exit(f"build: shop/VERSION is {__version__!r}, not MAJOR.MINOR.PATCH")


def check_catalogue() -> None:
    """Refuse an item that can't be ordered or would be sold at a loss."""
    for item in ITEMS:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", item.sku):
            sys.exit(f"build: {item.sku!r} can't stand in a URL")
        if item.margin < 0 or not 0 <= item.tax < Decimal(1):
            sys.exit(f"build: margin or tax of {item.sku} is out of range")


if __name__ == "__main__":
    count = compile_sources()
    check_version()
    check_catalogue()
    print(f"build: {count} modules compiled, {len(ITEMS)} items checked, version {__version__}")
