"""Run a plugin as its protocol says: prepare its folder, run its command, read its output.

The private folder of a task lives as long as this program; what is made once for a version of a
plugin – its files, its Python environment – is kept below `cache`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from mulligan.executors.programs.basics import Done, StepError, say
from mulligan.executors.programs.content import keep_file
from mulligan.executors.programs.plugin_output import (
    LONGEST_VALUE,
    MOST_FILES,
    Verdict,
    is_sensitive,
    judge,
    patterns_of,
    text_of,
)
from mulligan.executors.programs.plugin_python import (
    is_pip,
    make_environment,
    python_environment,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SDK, _INPUT, _OUTPUT = ".sdk.json", "input.json", "output.json"
# A zip may hold files of these names; they must not be taken for those of the protocol.
_OWN_FILES = (_SDK, _INPUT, _OUTPUT, ".param.json")
_SCRIPT = ".mulligan-plugin.sh"
_LARGEST_OUTPUT = 16 * 1024 * 1024
_MASK = "******"
_SHORTEST_MASKED = 3  # characters; shorter ones are in too many texts
_ROOT_URL = ("${report.dynamic.root.url}", "${BK_CI_REPORT_DYNAMIC_ROOT_URL}")
_LARGEST_ENTRY = 16 * 1024 * 1024  # of a report: in larger ones nothing is replaced
_MOST_REPORT_FILES = 10_000


def run_plugin(order: dict[str, Any]) -> Done:
    """Run a plugin.

    Raises:
        StepError: It can't be run here.
    """
    folder = Path(order["folder"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        exit_code = _run(order, folder)
        verdict = _read_output(folder / _OUTPUT, exit_code)
        return _take_in(order, verdict, exit_code)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(order: dict[str, Any], folder: Path) -> int:
    cache = Path(order["cache"])
    with _locked(cache):
        _unpack(Path(order["zip"]), cache / "files")
        _fill(cache / "files", folder, order["package"])
        _write(folder / _SDK, order["sdk"])
        _write(folder / _INPUT, order["input"])
        demands = list(order["demands"])
        env = dict(os.environ) | order["env"]
        if order["language"] == "python":
            for name in ("PYTHONHOME", "PYTHONPATH"):
                env.pop(name, None)
            env |= python_environment(cache / "python")
            install = demands

            def make() -> int:
                return _shell(install, folder, env)

            exit_code = make_environment(cache / "python", order["runtime"], make)
            if exit_code:
                say(f"##[error]the demands of the plugin ended with exit code {exit_code}")
                return exit_code
            demands = [demand for demand in demands if not is_pip(demand)]
    return _shell([*demands, order["target"]], folder, env, kills_rest=order["kills_rest"])


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Let one step at a time prepare a version; the kernel frees it with the process."""
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(cache / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _unpack(archive: Path, files: Path) -> None:
    """Unpack a zip that was checked when it was installed; whole, or not at all."""
    if files.is_dir():
        return
    partial = files.with_name("files.part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as content:
            for entry in content.infolist():
                target = Path(content.extract(entry, partial))
                mode = entry.external_attr >> 16 & 0o777
                if not entry.is_dir():
                    target.chmod((mode & 0o755) | 0o600)
    except FileNotFoundError:
        raise StepError(
            "the zip of the plugin is not in the store any more: install it again", cause="files"
        ) from None
    # NotImplementedError: what zipfile raises for a compression that it lacks
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise StepError(f"the zip of the plugin is broken: {error}", cause="files") from None
    partial.replace(files)


def _fill(files: Path, folder: Path, package: str) -> None:
    """Copy the plugin's files; its execution file also to the top, where its command looks."""
    shutil.copytree(files, folder, dirs_exist_ok=True)
    for name in _OWN_FILES:
        with suppress(FileNotFoundError):
            (folder / name).unlink()
    top = folder / Path(package).name if package else folder
    if package and not top.exists():
        shutil.copy2(files / package, top)


def _write(file: Path, content: dict[str, Any]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as output:
        json.dump(content, output, ensure_ascii=False)


def _shell(
    commands: list[str], folder: Path, env: dict[str, str], *, kills_rest: bool = False
) -> int:
    """Run commands in one shell script, which ends at the first that fails."""
    if not commands:
        return 0
    script = folder / _SCRIPT
    script.write_text("\n".join(["set -e", *commands, ""]), errors="surrogateescape")
    shell = shutil.which("bash", path=env.get("PATH")) or "/bin/sh"
    # a group of its own, so that what it leaves behind can be named
    process = subprocess.Popen([shell, os.fspath(script)], cwd=folder, env=env, process_group=0)
    status = process.wait()
    if kills_rest:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return 128 - status if status < 0 else status


# --- the result ---------------------------------------------------------------------------------


def _read_output(file: Path, exit_code: int) -> Verdict:
    try:
        with file.open("rb") as output:
            content = output.read(_LARGEST_OUTPUT + 1)
    except FileNotFoundError:
        content = b""
    if len(content) > _LARGEST_OUTPUT:
        raise StepError(f"output.json is larger than {_LARGEST_OUTPUT} bytes")
    return judge(content, exit_code)


def _take_in(order: dict[str, Any], verdict: Verdict, exit_code: int) -> Done:
    done = Done(pin=order["version"])
    for warning in verdict.warnings:
        say(f"##[warning]{warning}")
    for name, item in verdict.data.items():
        _take_output(order, done, name, item)
    if verdict.metrics:
        done.notes.append({"kind": "quality", "name": order["code"], "data": verdict.metrics})
    if verdict.is_failure:
        done.exit_code = exit_code or 1
        done.message = _masked(verdict.message, order["secrets"])
        done.error = (verdict.error_code, done.message)
        done.error_type = verdict.error_type
        say(f"##[error]{done.message}")
    return done


def _take_output(order: dict[str, Any], done: Done, name: str, item: dict[str, Any]) -> None:
    declared = order["outputs"].get(name)
    if declared is None:
        say(f"output(except): {name}")
    kind = item.get("type", "string")
    if kind == "string":
        value = text_of(item.get("value"))
    elif kind == "artifact":
        value = _keep_artifact(order, done, name, item)
    elif kind == "report":
        value = ""
        _keep_report(order, done, item)
    else:
        say(f"##[warning]the output {name} has the unknown type {kind!r}")
        return
    if kind == "report" or (kind == "artifact" and not value):
        return
    full = f"{order['namespace']}_{name}" if order["namespace"] else name
    if len(value) > LONGEST_VALUE:
        say(f"##[warning]the output {full} is longer than {LONGEST_VALUE} characters: left out")
        return
    done.variables.append((full, value))
    done.outputs.append((full, value))
    is_secret = is_sensitive(item, declared)
    if is_secret:
        done.sensitive.append(full)
    say(f"output: {full}={_MASK if is_secret else value}")


def _keep_artifact(order: dict[str, Any], done: Done, name: str, item: dict[str, Any]) -> str:
    """Keep the files of an artifact; give the path of the last one. A failure is only logged."""
    workspace, store = Path.cwd(), Path(order["store"])
    found: dict[str, Path] = {}
    for pattern in patterns_of(item.get("value")):
        try:
            matches = [path for path in _glob(workspace, pattern) if path.is_file()]
        # NotImplementedError: what glob raises for an absolute pattern
        except (ValueError, NotImplementedError, OSError) as error:
            say(f"##[warning]the files {pattern!r} can't be archived: {error}")
            continue
        if not matches:
            say(f"##[warning]no file matches {pattern!r}")
        found.update((path.name, path) for path in matches)
    if len(found) > MOST_FILES:
        say(f"##[warning]{len(found)} files in {name}; the first {MOST_FILES} are archived")
    prefix = ""
    if item.get("artifactoryType") == "CUSTOM_DIR":
        given = text_of(item.get("path")).strip("/")
        if ".." in given.split("/"):
            say(f"##[warning]{given!r} can't be the path of an artifact: nothing is archived")
            return ""
        prefix = f"{given}/" if given else ""
    last = ""
    for file_name, path in list(found.items())[:MOST_FILES]:
        try:
            kept = keep_file(store, path)
        except OSError as error:
            say(f"##[warning]{path} can't be archived: {error.strerror}")
            continue
        last = prefix + file_name
        done.artifacts.append({"path": last, "size": kept.size, "digest": kept.digest})
        say(f"archived {last} ({kept.size} bytes, sha256 {kept.digest[:12]})")
    return last


def _glob(workspace: Path, pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_absolute():
        return sorted(Path(path.anchor).glob(os.fspath(path.relative_to(path.anchor))))
    return sorted(workspace.glob(pattern.removeprefix("./")))


def _keep_report(order: dict[str, Any], done: Done, item: dict[str, Any]) -> None:
    label = text_of(item.get("label")).strip()
    if not label:
        say("##[warning]a report has no label: left out")
        return
    if item.get("reportType") == "THIRDPARTY":
        url = text_of(item.get("url")).strip()
        if not url.startswith(("http://", "https://")):
            say(f"##[warning]the report {label} has no address: left out")
            return
        done.notes.append({"kind": "report", "name": label, "data": {"url": url}})
        return
    root = (Path.cwd() / text_of(item.get("path"))).resolve()
    entry = text_of(item.get("target")).removeprefix("./")
    if not entry or not (root / entry).is_file():
        say(f"##[warning]the report {label} has no file {entry!r} in {item.get('path')!r}")
        return
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.name != _SDK]
    if len(files) > _MOST_REPORT_FILES:
        say(f"##[warning]the report {label} has {len(files)} files: left out")
        return
    _fill_in_root(root / entry, f"{order['report_root']}/{quote(label, safe='')}")
    kept = []
    for path in files:
        deposit = keep_file(Path(order["store"]), path)
        name = f"{label}/{path.relative_to(root).as_posix()}"
        kept.append({"path": name, "size": deposit.size, "digest": deposit.digest})
    data = {"index": f"{label}/{entry}"}
    done.notes.append({"kind": "report", "name": label, "files": kept, "data": data})
    say(f"report {label}: {len(kept)} files")


def _fill_in_root(entry: Path, url: str) -> None:
    """Put the address of a report's folder where its first page asks for it."""
    if entry.stat().st_size > _LARGEST_ENTRY:
        return
    content = entry.read_bytes()
    changed = content
    for name in _ROOT_URL:
        changed = changed.replace(name.encode(), url.encode())
    if changed != content:
        entry.write_bytes(changed)


def _masked(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        if len(secret) >= _SHORTEST_MASKED:
            text = text.replace(secret, _MASK)
    return text
