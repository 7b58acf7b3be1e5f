"""Put the package, with its checksum, into a registry: REGISTRY/shop/VERSION/."""

import argparse
import hashlib
import os
import sys
from pathlib import Path


def publish(package: Path, registry: Path) -> Path:
    """Add a version. What was published once never changes: other bytes are refused."""
    version = package.stem.removeprefix("shop-")
    target = registry / "shop" / version / package.name
    content = package.read_bytes()
    if target.exists() and target.read_bytes() != content:
        sys.exit(f"publish: {target} exists with other content; choose a new version")

    target.parent.mkdir(parents=True, exist_ok=True)
    checksum = f"{hashlib.sha256(content).hexdigest()}  {package.name}\n"
    replace(target, content)
    replace(target.with_name(f"{package.name}.sha256"), checksum.encode())
    replace(registry / "shop" / "latest", f"{version}\n".encode())
    return target


def replace(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old or the new one, never a part."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    os.replace(draft, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Publish the package in dist.")
    parser.add_argument("registry", type=Path)
    options = parser.parse_args()
    for found in sorted(Path("dist").glob("shop-*.pyz")):
        print(f"publish: {publish(found, options.registry)}")
