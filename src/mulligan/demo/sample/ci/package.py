"""Make dist/shop-VERSION.pyz: one file that any Python can run, the same bytes each time."""

import hashlib
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from shop import __version__

# zip files can't hold an earlier date, and a real one would change the bytes
DATE = (1980, 1, 1, 0, 0, 0)
START = "from shop.__main__ import main\n\nmain()\n"


def make_package(target: Path) -> None:
    """Write the archive with a first line that makes it a program."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sources = [*sorted(Path("shop").glob("*.py")), Path("shop/VERSION")]
    with target.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with ZipFile(file, "w") as archive:
            for path in sources:
                add(archive, path.as_posix(), path.read_text(encoding="utf-8"))
            add(archive, "__main__.py", START)
    target.chmod(0o755)


def add(archive: ZipFile, name: str, text: str) -> None:
    """Add one file with a fixed date."""
    archive.writestr(ZipInfo(name, DATE), text, ZIP_DEFLATED)


if __name__ == "__main__":
    package = Path(f"dist/shop-{__version__}.pyz")
    make_package(package)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    print(f"package: {package} ({package.stat().st_size} bytes)")
    print(f"sha256: {digest}")
