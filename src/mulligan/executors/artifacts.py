"""Put files into the artifact store, or get them out. A program of its own, stdlib only.

    python artifacts.py ORDER.json

ORDER: {"act": "archive", "patterns": […], "store": DIR, "manifest": FILE}
    or {"act": "download", "patterns": […], "store": DIR, "dest": DIR, "files": {path: digest}}

The store keeps bytes under their SHA-256 (`ab/abcdef…`): the same file is kept once, and what an
attempt archived is never overwritten by another. Runs in the step's working directory.
"""

import fnmatch
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

# Behind the standard library, so that nothing beside the package can take its place.
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 3)[0])

from mulligan.executors.programs.content import keep_file


def archive(order: dict[str, Any]) -> int:
    """Archive what the patterns match; exit code 1 if a pattern matches nothing."""
    store = Path(order["store"])
    found: dict[str, Path] = {}
    missing = []
    for pattern in order["patterns"]:
        try:
            matches = [path for path in _glob(pattern) if path.is_file()]
        # NotImplementedError: what glob raises for an absolute pattern
        except (ValueError, NotImplementedError) as error:
            print(f"##[error]the pattern {pattern!r} can't be used: {error}", file=sys.stderr)
            return 1
        if not matches:
            missing.append(pattern)
        for path in matches:
            found[_name_in_store(path, pattern)] = path
    if missing or not found:
        what = ", ".join(missing) or "no pattern was given"
        print(f"##[error]no file matches: {what}", file=sys.stderr)
        return 1
    manifest = []
    for name, path in sorted(found.items()):
        kept = keep_file(store, path)
        manifest.append({"path": name, "size": kept.size, "digest": kept.digest})
        print(f"archived {name} ({kept.size} bytes, sha256 {kept.digest[:12]})")
    Path(order["manifest"]).write_text(json.dumps(manifest))
    return 0


def _glob(pattern: str) -> list[Path]:
    if pattern.endswith("/"):
        pattern += "**/*"
    path = Path(pattern)
    if path.is_absolute():
        return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return sorted(Path().glob(pattern.removeprefix("./")))


def _name_in_store(path: Path, pattern: str) -> str:
    """Keep the folders below a `**` or a folder; a plain pattern gives the file's own name."""
    if "**" in pattern or pattern.endswith("/"):
        base = Path(pattern.split("*", 1)[0].rstrip("/") or ".")
        try:
            return path.relative_to(base).as_posix()
        except ValueError:
            return path.name
    return path.name


def download(order: dict[str, Any]) -> int:
    """Copy the files that the patterns match below the folder `dest`."""
    store, dest = Path(order["store"]), Path(order["dest"] or ".")
    files: dict[str, str] = order["files"]
    chosen = [
        name
        for name in sorted(files)
        if any(fnmatch.fnmatch(name, pattern.removeprefix("./")) for pattern in order["patterns"])
    ]
    if not chosen:
        known = ", ".join(sorted(files)) or "nothing was archived"
        print(f"##[error]no artifact matches {order['patterns']}; there is: {known}")
        return 1
    root = dest.resolve()
    for name in chosen:
        target = (root / name).resolve()
        if not target.is_relative_to(root):
            print(f"##[error]artifact {name} would leave the folder {dest}")
            return 1
        source = store / files[name][:2] / files[name]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        print(f"downloaded {name} ({target.stat().st_size} bytes)")
    return 0


def main() -> int:
    """Do what the order says."""
    order = json.loads(Path(sys.argv[1]).read_text())
    return archive(order) if order["act"] == "archive" else download(order)


if __name__ == "__main__":
    sys.exit(main())
