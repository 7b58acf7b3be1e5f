"""Container tools on this machine: found out by trying, never assumed.

Each program that needs them has a storage of its own, which goes with it: nothing is shared, so
nothing has to be repaired after a crash.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from mulligan.executors.programs.basics import StepError, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

_DRIVERS = ("overlay", "vfs")  # the second one works everywhere, and copies much
_RUNTIMES = ("crun", "runc")
# Without the right to raise limits the usual defaults of these tools fail.
_LIMITS = {"nofile": (resource.RLIMIT_NOFILE, 65536), "nproc": (resource.RLIMIT_NPROC, 4096)}
_TERMINATED = 143
_POLITE_S, _PATIENCE_S = 2.0, 4.0
_PAUSE_S = 0.05


class Storage:
    """Images and containers of one step, with the configuration of the tools. Context manager.

    Args:
        folder: Of this storage alone; is emptied first, and removed at the end.
        registry: `host:port` that our images come from, "" without one. On this machine it is
            spoken to in plain HTTP.
        auth_file: Credentials, "" without.
    """

    def __init__(self, folder: Path, registry: str, auth_file: str) -> None:
        self.folder = folder
        self.registry = registry
        self.auth_file = auth_file
        self.is_plain = is_loopback(registry)
        self._driver = ""
        self._run = folder / "run"
        self.environment = dict(os.environ)

    def __enter__(self) -> Storage:
        """Make the folder and write the configuration."""
        _remove(self.folder)  # what a killed attempt left
        (self.folder / "tmp").mkdir(parents=True)
        with contextlib.suppress(OSError):  # podman takes no run folder of more than 50 characters
            self._run = Path(tempfile.mkdtemp(prefix="mulligan-", dir="/tmp"))
        self.environment |= {
            "TMPDIR": str(self.folder / "tmp"),
            "CONTAINERS_CONF": str(self._write("containers.conf", _containers_conf())),
            "CONTAINERS_REGISTRIES_CONF": str(self._write("registries.conf", self._registries())),
        }
        signal.signal(signal.SIGTERM, _end)  # what is mounted shall be taken down
        return self

    def __exit__(self, *_error: object) -> None:
        """Take down what is mounted, and remove everything."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        step = os.environ.get("MULLIGAN_STEP", "none")
        end_processes(f"MULLIGAN_STEP={step}".encode(), str(self._run).encode())
        _remove(self._run)
        _remove(self.folder)
        if self.folder.exists() and os.geteuid() != 0 and shutil.which("buildah"):
            # files of other users of our own user namespace
            argv = ["buildah", "unshare", "rm", "-rf", "--", str(self.folder)]
            subprocess.run(argv, check=False, capture_output=True)

    def command(self, program: str, *arguments: str) -> list[str]:
        """Give the call of buildah or podman with this storage.

        Raises:
            StepError: The program is missing, or no storage driver works with it.
        """
        if not self._driver:
            self._driver = self._find_driver(program)
        return [program, *self._options(program, self._driver), *arguments]

    def run(self, program: str, *arguments: str, cwd: Path | None = None) -> int:
        """Run it; its output goes to the log. Return its exit code."""
        argv = self.command(program, *arguments)
        return subprocess.run(argv, cwd=cwd, env=self.environment, check=False).returncode

    def policy(self) -> str:
        """Give the file that says whose signatures images need: nobody's."""
        content = {"default": [{"type": "insecureAcceptAnything"}]}
        return str(self._write("policy.json", json.dumps(content)))

    def auth_options(self) -> list[str]:
        """Give the options that name the credentials."""
        return ["--authfile", self.auth_file] if self.auth_file else []

    def _find_driver(self, program: str) -> str:
        if shutil.which(program) is None:
            raise StepError(f"the program {program} is not installed on this server")
        reasons = []
        for driver in _DRIVERS:
            tried = subprocess.run(
                [program, *self._options(program, driver), "images", "-q"],
                env=self.environment,
                check=False,
                capture_output=True,
            )
            if tried.returncode == 0:
                say(f"{program}: storage driver {driver}")
                return driver
            reasons.append(f"{driver}: {last_words(tried.stderr)}")
            # a storage that was begun with another driver is refused
            shutil.rmtree(self.folder / "root", ignore_errors=True)
        raise StepError(f"no storage driver works with {program} here: {'; '.join(reasons)}")

    def _options(self, program: str, driver: str) -> list[str]:
        root, run = str(self.folder / "root"), str(self._run)
        own = ["--tmpdir", f"{run}/libpod"] if program == "podman" else []
        return [*own, "--root", root, "--runroot", run, "--storage-driver", driver]

    def _write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text)
        return file

    def _registries(self) -> str:
        lines = ['unqualified-search-registries = ["docker.io"]']
        if self.is_plain:
            lines += ["[[registry]]", f"location = {json.dumps(self.registry)}", "insecure = true"]
        return "\n".join(lines) + "\n"


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(_TERMINATED)


def is_loopback(registry: str) -> bool:
    """Tell whether `host:port` is on this machine."""
    host = registry.rpartition(":")[0] or registry
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def last_words(output: bytes) -> str:
    """Give the last line of what a program said."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:500] if lines else "no message"


def _containers_conf() -> str:
    limits = []
    for name, (which, wish) in _LIMITS.items():
        most = resource.getrlimit(which)[1]
        value = wish if most == resource.RLIM_INFINITY else min(wish, most)
        limits.append(f"{name}={value}:{value}")
    return (
        f"[containers]\ndefault_ulimits={json.dumps(limits)}\n"
        '[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\n'
    )


def end_processes(variable: bytes, words: bytes) -> None:
    """Kill what still runs in containers, and let the helpers of the tools finish.

    Args:
        variable: `NAME=value` that processes in our containers have in their environment.
        words: What the helpers have in their arguments.
    """
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < _PATIENCE_S:
        inside = _find_processes("environ", variable)
        helpers = _find_processes("cmdline", words)
        if not inside and not helpers:
            return
        for pid in inside + (helpers if passed > _POLITE_S else []):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def _find_processes(file: str, text: bytes) -> list[int]:
    """Find other processes that have a text in a file of their folder in /proc."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError):
                content = Path("/proc", name, file).read_bytes()
                if text in content.split(b"\0") or (file == "cmdline" and text in content):
                    found.append(int(name))
    return found


def _remove(folder: Path) -> None:
    """Delete a folder after what is mounted in it was taken down; never reach into a mount."""
    for place in reversed(_mounts_below(folder)):
        subprocess.run(["umount", "-l", place], check=False, capture_output=True)
    if not _mounts_below(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _mounts_below(folder: Path) -> list[str]:
    try:
        lines = Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return []
    prefix = f"{folder.resolve()}/"
    return [place for line in lines if (place := line.split(" ", 5)[4]).startswith(prefix)]


def run_in_container(order: dict[str, Any], work: Path) -> int:
    """Run a build's script in a container of the user's image; return its exit code.

    Raises:
        StepError: There is no container engine that works here, or the image can't be had.
    """
    wanted = order["container"]
    image = wanted["image"]
    if shutil.which("podman") is None:
        raise StepError("SelfPkgBuild needs a container engine: podman is not installed here")
    folder = Path(order["temp"]) / "containers"
    with Storage(folder, wanted["registry"], wanted["auth_file"]) as storage:
        pull = ["pull", "-q", *storage.auth_options(), "--signature-policy", storage.policy()]
        if storage.run("podman", *pull, image) != 0:
            raise StepError(f"the image {image!r} can't be pulled")
        runtime = _find_runtime(storage, image)
        say(f"podman: runtime {runtime}, image {image}")
        options = _run_options(order, work)
        argv = [*_interpreter(Path(order["script"])), order["script"]]
        return storage.run("podman", "--runtime", runtime, *options, image, *argv, cwd=work)


def _find_runtime(storage: Storage, image: str) -> str:
    reasons = []
    for runtime in _RUNTIMES:
        if shutil.which(runtime) is None:
            reasons.append(f"{runtime}: not installed")
            continue
        argv = ("--runtime", runtime, "run", "--rm", "--network", "none", image, "sh", "-c", ":")
        tried = subprocess.run(
            storage.command("podman", *argv),
            env=storage.environment,
            check=False,
            capture_output=True,
        )
        if tried.returncode == 0:
            return runtime
        reasons.append(f"{runtime}: {last_words(tried.stderr)}")
    raise StepError(f"no container runtime works here: {'; '.join(reasons)}")


def _run_options(order: dict[str, Any], work: Path) -> list[str]:
    places = [str(work), order["script"]]
    messages = os.environ.get("MULLIGAN_SET_ENV", "")
    if messages:
        Path(messages).touch()
        places.append(messages)
    if order.get("cache"):
        places.append(order["cache"])
    volumes = [word for place in places for word in ("--volume", f"{place}:{place}")]
    # the processes in the container are found, and ended, by the names of their job and step
    names = [*order["pass_on"], "WORKSPACE", "MULLIGAN_SET_ENV", "MULLIGAN_JOB", "MULLIGAN_STEP"]
    passed = [word for name in names if name in os.environ for word in ("--env", name)]
    return ["run", "--rm", "--network", "host", "--workdir", str(work), *volumes, *passed]


def _interpreter(script: Path) -> list[str]:
    """Give what runs a script inside of the image: its `#!` line, else `sh -e`."""
    with script.open("rb") as content:
        first = content.readline(4096).decode("utf-8", "replace")
    words = first[2:].split() if first.startswith("#!") else []
    return words or ["sh", "-e"]
