"""Plugins: what their `task.json` says, which version a step means, what belongs at a job's end.

The words are those of the plugin protocol (spec/bkci-yaml-and-plugins.md §3).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from mulligan.core.ids import ProjectId, UserName

LANGUAGES = ("java", "python", "golang", "nodejs")
OUTPUT_TYPES = ("string", "artifact", "report")
MOST_FIELDS = 100  # inputs, and as many outputs
DEFAULT_VERSION = "1.*"

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VERSION = re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.(?:0|[1-9][0-9]{0,8})){2}")
_NEWEST_OF = re.compile(r"((?:[0-9]{1,9}\.){0,2})\*")
_SYSTEMS = ("linux", "windows", "win", "darwin")
_LINUX = "linux"
_FAIL_POLICIES = ("AUTO_CONTINUE", "MANUALLY_CONTINUE")
_RETRY_POLICIES = ("AUTO_RETRY", "MANUALLY_RETRY")
_LONGEST_TIMEOUT = 10_080  # minutes
_MOST_RETRIES = 5

Json = Mapping[str, Any]


class Plugin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One installed version of a plugin.

    Args:
        version: Three numbers, "1.0.3".
        manifest: Its `task.json`, checked.
        digest: SHA-256 of its zip, which lies in the content store.
        size: Of the zip, in bytes.
    """

    code: str
    version: str
    manifest: dict[str, Any]
    digest: str
    size: int
    installed_by: UserName
    installed_at: datetime


class PluginPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was laid down about a plugin, whichever of its versions are installed.

    Args:
        only: Projects that may use it; None = all.
        off_in: Projects that have switched it off for themselves.
        settings: Private settings by name, encrypted.
        secret_inputs: Inputs that were secret in versions that are not installed any more.
    """

    code: str
    only: tuple[ProjectId, ...] | None = None
    off_in: tuple[ProjectId, ...] = ()
    settings: dict[str, bytes] = {}
    secret_inputs: tuple[str, ...] = ()

    def problem_in(self, project: str) -> str:
        """Tell why a project can't use it, "" = it can."""
        if self.only is not None and project not in self.only:
            return f"the plugin {self.code} is not released for the project {project}"
        if project in self.off_in:
            return f"the plugin {self.code} is switched off in the project {project}"
        return ""


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """How a plugin is run on Linux.

    Args:
        package: The execution file, a path in the zip; "" = there is none.
        demands: Commands that are run first.
        target: The command line.
        runtime: Version of the interpreter that is wanted, "" = any.
        kills_rest: Processes that it leaves behind are ended.
    """

    language: str
    target: str
    package: str = ""
    demands: tuple[str, ...] = ()
    runtime: str = ""
    kills_rest: bool = False


def version_parts(version: str) -> tuple[int, ...]:
    """Give a version as numbers, by which versions are ordered."""
    return tuple(int(part) for part in version.split("."))


def is_version(text: str) -> bool:
    """Tell whether a text is a version: three numbers."""
    return _VERSION.fullmatch(text) is not None


def choose_version(wanted: str, installed: Iterable[str]) -> str | None:
    """Give the version that a step means; None if it is not installed.

    Args:
        wanted: "1.*" (the newest with that major number), "1.2.*", an exact version; "", "*" and
            "latest" stand for the newest of all.
    """
    known = sorted(installed, key=version_parts, reverse=True)
    wanted = wanted.strip()
    if wanted in ("", "*", "latest"):
        return known[0] if known else None
    found = _NEWEST_OF.fullmatch(wanted)
    if found is None:
        return wanted if wanted in known else None
    return next((version for version in known if version.startswith(found[1])), None)


def code_of(manifest: Json) -> str:
    """Return the code of a plugin."""
    return str(manifest.get("atomCode") or "")


def name_of(plugin: Plugin) -> str:
    """Return the name that people see."""
    given = plugin.manifest.get("releaseInfo")
    name = given.get("name") if isinstance(given, Mapping) else None
    return name if isinstance(name, str) and name.strip() else plugin.code


def version_in(manifest: Json) -> str:
    """Return the version that a `task.json` gives itself, "" without one."""
    given = manifest.get("releaseInfo")
    if not isinstance(given, Mapping):
        return ""
    inner = given.get("versionInfo")
    version = (inner.get("version") if isinstance(inner, Mapping) else None) or given.get("version")
    return version.strip() if isinstance(version, str) else ""


def fields_of(manifest: Json, what: str) -> Json:
    """Return `input` or `output`: descriptions by name."""
    given = manifest.get(what)
    return given if isinstance(given, Mapping) else {}


def is_sensitive(field: Any) -> bool:
    """Tell whether the value of an input or output is secret."""
    return isinstance(field, Mapping) and field.get("isSensitive") in (True, "true")


def secret_inputs_of(manifest: Json) -> frozenset[str]:
    """Return the names of the inputs that are secret."""
    fields = fields_of(manifest, "input").items()
    return frozenset(name for name, field in fields if is_sensitive(field))


def execution_of(manifest: Json, machine: str = "") -> Execution:
    """Give how a plugin is run on Linux.

    Args:
        manifest: Without problems.
        machine: Architecture, as in `osArch`; an entry for it comes before the default one.
    """
    given = manifest["execution"]
    own = [entry for entry in given.get("os") or () if entry["osName"] == _LINUX]
    fitting = [entry for entry in own if machine and entry.get("osArch") == machine]
    default = [entry for entry in own if entry.get("defaultFlag")]
    chosen: Json = next(iter((*fitting, *default)), {})
    return Execution(
        language=given["language"],
        target=str(chosen.get("target") or given.get("target") or ""),
        package=str(chosen.get("packagePath") or given.get("packagePath") or ""),
        demands=tuple(chosen.get("demands") or given.get("demands") or ()),
        runtime=str(chosen.get("runtimeVersion") or given.get("runtimeVersion") or ""),
        kills_rest=given.get("finishKillFlag") in (True, "true"),
    )


# --- checking a task.json -----------------------------------------------------------------------


def problems_of(manifest: Any, files: frozenset[str]) -> list[str]:
    """Say everything that is wrong with a `task.json`.

    Args:
        files: Paths of the files in its zip.
    """
    if not isinstance(manifest, dict):
        return ["task.json: is not a JSON object"]
    problems = []
    if not _CODE.fullmatch(code_of(manifest)):
        problems.append("atomCode: must be a letter, then at most 63 letters, digits, '_' or '-'")
    problems += _problems_of_execution(manifest.get("execution"), files)
    problems += _problems_of_fields(manifest, "input")
    problems += _problems_of_fields(manifest, "output")
    problems += _problems_of_config(manifest.get("config"))
    return problems


def _problems_of_execution(given: Any, files: frozenset[str]) -> list[str]:
    if not isinstance(given, dict):
        return ["execution: is missing"]
    problems = []
    if given.get("language") not in LANGUAGES:
        problems.append(f"execution.language: must be one of {', '.join(LANGUAGES)}")
    systems = given.get("os")
    if not systems:
        problems += _problems_of_command(given, files, "execution", needs_target=True)
    elif not isinstance(systems, list) or not all(isinstance(entry, dict) for entry in systems):
        problems.append("execution.os: must be a list of objects")
    else:
        problems += _problems_of_command(given, files, "execution", needs_target=False)
        problems += _problems_of_systems(systems, files)
    post = given.get("post")
    if post is not None and not isinstance(post, dict):
        problems.append("execution.post: must be an object")
    elif post is not None:
        problems += [
            f"execution.post.{key}: must be a text"
            for key in ("postEntryParam", "postCondition")
            if not isinstance(post.get(key, ""), str)
        ]
    return problems


def _problems_of_systems(systems: list[dict[str, Any]], files: frozenset[str]) -> list[str]:
    problems = []
    for position, entry in enumerate(systems):
        where = f"execution.os[{position}]"
        if entry.get("osName") not in _SYSTEMS:
            problems.append(f"{where}.osName: must be one of {', '.join(_SYSTEMS)}")
        problems += _problems_of_command(entry, files, where, needs_target=True)
    for system in dict.fromkeys(str(entry.get("osName")) for entry in systems):
        flags = [entry.get("defaultFlag") for entry in systems if entry.get("osName") == system]
        if flags.count(True) != 1:
            problems.append(f"execution.os: {system} needs exactly one entry with defaultFlag true")
    if not any(entry.get("osName") == _LINUX for entry in systems):
        problems.append("execution.os: has no entry for linux, where this server runs plugins")
    return problems


def _problems_of_command(
    given: dict[str, Any], files: frozenset[str], where: str, *, needs_target: bool
) -> list[str]:
    problems = []
    target, demands, package = (given.get(key) for key in ("target", "demands", "packagePath"))
    if needs_target and not (isinstance(target, str) and target.strip()):
        problems.append(f"{where}.target: is missing")
    elif isinstance(target, str) and "ATOM_CODE" in target:
        problems.append(f"{where}.target: the placeholder ATOM_CODE has not been filled in")
    is_list = isinstance(demands, list) and all(isinstance(each, str) for each in demands)
    if demands is not None and not is_list:
        problems.append(f"{where}.demands: must be a list of texts")
    if package is not None and not isinstance(package, str):
        problems.append(f"{where}.packagePath: must be a text")
    elif package and package.removeprefix("./") not in files:
        problems.append(f"{where}.packagePath: the zip has no file {package!r}")
    return problems


def _problems_of_fields(manifest: dict[str, Any], what: str) -> list[str]:
    given = manifest.get(what)
    if given is None:
        return []
    if not isinstance(given, dict):
        return [f"{what}: must be an object"]
    problems = []
    if len(given) > MOST_FIELDS:
        problems.append(f"{what}: has {len(given)} entries; {MOST_FIELDS} are allowed")
    for name, field in given.items():
        if not isinstance(field, dict):
            problems.append(f"{what}.{name}: must be an object")
        elif what == "output" and field.get("type", "string") not in OUTPUT_TYPES:
            problems.append(f"output.{name}.type: must be one of {', '.join(OUTPUT_TYPES)}")
    return problems


def _problems_of_config(given: Any) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, dict):
        return ["config: must be an object"]
    problems = [
        *_problem_of_number(given, "defaultTimeout", _LONGEST_TIMEOUT),
        *_problem_of_number(given, "retryTimes", _MOST_RETRIES),
    ]
    policy = given.get("defaultFailPolicy")
    if policy is not None and policy not in _FAIL_POLICIES:
        problems.append(f"config.defaultFailPolicy: must be one of {', '.join(_FAIL_POLICIES)}")
    retries = given.get("defaultRetryPolicy")
    is_list = isinstance(retries, list) and all(each in _RETRY_POLICIES for each in retries)
    if retries is not None and not is_list:
        names = ", ".join(_RETRY_POLICIES)
        problems.append(f"config.defaultRetryPolicy: must be a list with some of {names}")
    elif policy == "AUTO_CONTINUE" and "MANUALLY_RETRY" in (retries or ()):
        problems.append("config: AUTO_CONTINUE and MANUALLY_RETRY exclude each other")
    if not isinstance(given.get("canPauseBeforeRun", False), bool):
        problems.append("config.canPauseBeforeRun: must be true or false")
    return problems


def _problem_of_number(given: dict[str, Any], key: str, most: int) -> list[str]:
    value = given.get(key)
    if value is None or (type(value) is int and 1 <= value <= most):
        return []
    return [f"config.{key}: must be a whole number from 1 to {most}"]


# --- what a zip may hold ------------------------------------------------------------------------

MOST_ENTRIES = 20_000
MOST_BYTES = 1024 * 1024 * 1024  # unpacked, all files together
MOST_RATIO = 200  # unpacked to packed, of a file; text packs to a tenth
_UNSUSPICIOUS_BYTES = 1024 * 1024  # a file of so many may pack better: many equal lines
MANIFEST_FILE = "task.json"
MOST_MANIFEST_BYTES = 4 * 1024 * 1024
_KIND_OF_FILE = 0o170000
_PLAIN_KINDS = frozenset({0, 0o100000, 0o040000})  # not said, file, folder


class ZipEntry(msgspec.Struct, frozen=True):
    """What the directory of a zip says of an entry. `mode`: Unix mode, 0 = none given."""

    name: str
    size: int
    packed: int
    mode: int
    is_encrypted: bool = False


def problems_of_zip(entries: list[ZipEntry]) -> list[str]:
    """Say why a zip may not be unpacked, or is no release of a plugin."""
    if len(entries) > MOST_ENTRIES:
        return [f"the zip has {len(entries)} entries; {MOST_ENTRIES} are allowed"]
    problems = [problem for entry in entries if (problem := _problem_of_entry(entry))]
    total = sum(entry.size for entry in entries)
    if total > MOST_BYTES:
        problems.append(f"the zip unpacks to {total} bytes; {MOST_BYTES} are allowed")
    names = [entry.name for entry in entries]
    if len(set(names)) != len(names):
        problems.append("the zip has two entries of one name")
    manifest = next((entry for entry in entries if entry.name == MANIFEST_FILE), None)
    if manifest is None:
        problems.append("the zip has no task.json at its top")
    elif manifest.size > MOST_MANIFEST_BYTES:
        problems.append(f"task.json is larger than {MOST_MANIFEST_BYTES} bytes")
    return problems


def _problem_of_entry(entry: ZipEntry) -> str:
    parts = entry.name.rstrip("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in entry.name or "\0" in entry.name:
        return f"{entry.name!r} is not a path below the top of the zip"
    if (entry.mode & _KIND_OF_FILE) not in _PLAIN_KINDS:
        return f"{entry.name!r} is a link or a special file"
    if entry.is_encrypted:
        return f"{entry.name!r} is encrypted"
    if entry.size > _UNSUSPICIOUS_BYTES and entry.size > MOST_RATIO * max(entry.packed, 1):
        return f"{entry.name!r} unpacks to more than {MOST_RATIO} times its size"
    return ""
