"""Kind "plugin": a program that somebody wrote after the plugin protocol, installed on the server.

The engine adds to the inputs: `plugin` (code, version, name, manifest, digest), `settings` (its
private ones), `gateway` (address of this server) and `key` (with which the plugin may call it);
or `missing` or `denied`, why it does not run. The protocol is told in
spec/bkci-yaml-and-plugins.md §3.2.
"""

import os
import platform
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from mulligan.core.plugins import Execution, execution_of, fields_of, is_sensitive
from mulligan.core.posts import ENTRY_INPUT
from mulligan.core.prepare import StepOrder
from mulligan.core.values import text_of
from mulligan.executors.ends import REPORT
from mulligan.executors.kinds.base import CannotRunError, Here, Program, own_program
from mulligan.executors.programs.content import place_of

FOLDER = "plugin"  # the private folder of the task, in that of its job attempt
CACHE = "plugins"  # below the data directory: unpacked versions, by the digest of their zip
_NOT_IN_NAMES = re.compile(r"[.\-=\0\u2e80-\u9fff\uf900-\ufaff]")
_LOCALE = "zh_CN"  # what programs of the protocol take as the default
_LEADING_JAVA = re.compile(r"java\s")
_POST_FLAGS = {"python": "--post_action", "golang": "--postAction", "nodejs": "--post-action"}


def prepare(order: StepOrder, here: Here) -> Program:
    """Run the installed version that the engine has chosen."""
    denied = order.inputs.get("denied")
    if denied:
        raise CannotRunError("unauthorized", str(denied))
    plugin = order.inputs.get("plugin")
    if not isinstance(plugin, Mapping):
        problem = order.inputs.get("missing") or f"the plugin {order.code} is not installed"
        raise CannotRunError("plugin", f"{problem} on this server")
    manifest = plugin["manifest"]
    execution = execution_of(manifest, platform.machine())
    java = _java(here) if execution.language == "java" else ""
    if execution.language == "nodejs" and not shutil.which("node", path=here.env["PATH"]):
        raise CannotRunError("plugin", "the plugin needs node, which is not on the PATH")
    inputs = _inputs(order, manifest)
    secrets = [*_secrets(manifest, inputs), *_settings(order).values()]
    demands, target = _commands(order, execution, java)
    key = str(order.inputs.get("key") or "")
    work = {
        "act": "plugin",
        "folder": os.fspath(here.temp / FOLDER),
        "cache": os.fspath(here.place.root / CACHE / plugin["digest"]),
        "zip": os.fspath(place_of(here.place.artifacts, plugin["digest"])),
        "code": plugin["code"],
        "version": plugin["version"],
        "language": execution.language,
        "runtime": execution.runtime,
        "package": execution.package.removeprefix("./"),
        "demands": demands,
        "target": target,
        "kills_rest": execution.kills_rest,
        "sdk": _sdk(order, key),
        "input": _presets(order, here, plugin) | inputs,
        "env": _environment(order, here, java),
        "outputs": fields_of(manifest, "output"),
        "namespace": str(order.inputs.get("namespace") or "").strip(),
        "secrets": secrets,
        "report_root": _report_root(order),
        "store": os.fspath(here.place.artifacts),
        "report": os.fspath(here.temp / REPORT),
    }
    return Program(
        argv=own_program(here, work),
        env=dict(here.base_env),
        cwd=here.workspace,
        secrets=tuple(text for text in (key, *secrets) if text),
        leaves_files=True,
    )


def _java(here: Here) -> str:
    path = here.place.java or shutil.which("java", path=here.env["PATH"]) or ""
    if not path or not os.access(path, os.X_OK):
        where = f"at {path!r} (setting plugins.java)" if path else "on the PATH"
        raise CannotRunError("plugin", f"the plugin needs java, which is not {where}")
    return path


def _commands(order: StepOrder, execution: Execution, java: str) -> tuple[list[str], str]:
    """Give what is run first, and the command line (spec/bkci-yaml-and-plugins.md §3.1)."""
    demands, target = list(execution.demands), execution.target
    name = PurePosixPath(execution.package).name
    if name and not any(name in demand for demand in demands):
        first = _first_demand(execution.language, name)
        demands = [first, *demands] if first else demands
    if java:
        target = _LEADING_JAVA.sub('"$bk_java_path" ', target, count=1)
    post = order.inputs.get(ENTRY_INPUT)
    if isinstance(post, str):
        target = _with_post(target, execution.language, post)
    return demands, target


def _first_demand(language: str, package: str) -> str:
    file = shlex.quote(f"./{package}")
    if language == "python":
        return f"pip --default-timeout=600 install {file} --upgrade"
    if language == "nodejs" and package.endswith((".tgz", ".tar.gz")):
        return f"tar -xzf {file}"
    return f"chmod +x {file}" if language == "golang" else ""


def _with_post(target: str, language: str, param: str) -> str:
    value = shlex.quote(param)
    if language != "java":
        return f"{target} {_POST_FLAGS[language]}={value}"
    # behind the last option of the machine it would be one of the program's
    at = " -jar " if " -jar " in target else " "
    head, found, tail = target.partition(at)
    return f"{head} -DpostEntryParam={value}{found}{tail}"


def _inputs(order: StepOrder, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Give the inputs as texts; what a step leaves out has its default."""
    given = order.inputs.get("input")
    given = given if isinstance(given, Mapping) else {}
    defaults = {
        name: field.get("default")
        for name, field in fields_of(manifest, "input").items()
        if isinstance(field, Mapping)
    }
    merged = defaults | {name: value for name, value in given.items() if value is not None}
    return {name: text_of(value) for name, value in merged.items()}


def _secrets(manifest: Mapping[str, Any], inputs: Mapping[str, str]) -> list[str]:
    fields = fields_of(manifest, "input")
    return [text for name, text in inputs.items() if text and is_sensitive(fields.get(name))]


def _settings(order: StepOrder) -> dict[str, str]:
    """Give the private settings of the plugin."""
    return dict(order.inputs.get("settings") or {})


def _sdk(order: StepOrder, key: str) -> dict[str, Any]:
    gateway = str(order.inputs.get("gateway") or "")
    return {
        "buildType": "AGENT",
        "projectId": order.project,
        "agentId": "local",
        "secretKey": key,
        "gateway": gateway,
        "fileGateway": gateway,
        "buildId": order.run_id,
        "vmSeqId": order.job_id,
        "taskId": order.step_id,
        "executeCount": order.run_attempt,
    }


def _presets(order: StepOrder, here: Here, plugin: Mapping[str, Any]) -> dict[str, Any]:
    """Give what every plugin finds in its input file besides its inputs."""
    presets: dict[str, Any] = {
        **order.variables,
        "bkWorkspace": os.fspath(here.workspace),
        "WORKSPACE": os.fspath(here.workspace),
        "testVersionFlag": "N",
        **_facts(order, plugin),
        "bkSensitiveConfInfo": _settings(order),
    }
    if order.post_of:
        presets["parentTaskId"] = order.post_of
    return presets


def _facts(order: StepOrder, plugin: Mapping[str, Any]) -> dict[str, str]:
    return {
        "BK_CI_ATOM_CODE": plugin["code"],
        "BK_CI_ATOM_NAME": plugin["name"],
        "BK_CI_ATOM_VERSION": plugin["version"],
        "BK_CI_TASK_NAME": order.step_name,
        "BK_CI_STEP_ID": order.env.get("BK_CI_STEP_ID", ""),
        "BK_CI_ATOM_TIMEOUT": str(int(order.timeout_s // 60)),
        "BK_CI_LOCALE_LANGUAGE": _LOCALE,
    }


def _environment(order: StepOrder, here: Here, java: str) -> dict[str, str]:
    """Give the variables of the process: those of the build whose names a process can have."""
    kept = {
        name: value.translate(_REMOVED)
        for name, value in order.variables.items()
        if name and not _NOT_IN_NAMES.search(name)
    }
    facts = {name: here.env[name] for name in ("WORKSPACE", "CI") if name in here.env}
    own = {
        **_facts(order, order.inputs["plugin"]),
        "bk_data_dir": os.fspath(here.temp / FOLDER),
        "bk_data_input": "input.json",
        "bk_data_output": "output.json",
        "PROJECT_ID": order.project,
        "BUILD_ID": order.run_id,
        "VM_SEQ_ID": order.job_id,
        "BK_CI_BUILD_TASK_ID": order.step_id,
    }
    return kept | facts | own | ({"bk_java_path": java} if java else {})


_REMOVED = {ord(character): None for character in "'\n\r\0"}


def _report_root(order: StepOrder) -> str:
    """Give the address below which the pages of the step's reports are."""
    gateway = str(order.inputs.get("gateway") or "")
    run = f"{gateway}/api/v1/projects/{order.project}/runs/{order.run_id}"
    return f"{run}/reports/{order.step_id}/{order.step_attempt}"
