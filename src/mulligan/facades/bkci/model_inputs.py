"""What a task of each kind needs, from the many names that its plugins give it.

| kind | inputs |
|---|---|
| script | script, scriptType, continueNoneZero, enableArchiveFile, archiveFile |
| checkout | url, repository, by (URL, ID, NAME, SELF, ""), secret, user, password, |
|  | ref_kind (branch, tag, commit), ref, path, submodules, fetch_depth |
| archive | patterns |
| download | patterns, dest, from_job |
| review | reviewUsers, desc, params, suggestRequired, namespace |
| call | pipeline, by ("id", "name"), project, waits, parameters, namespace |
| plugin | version, namespace, input, output |

Texts may hold variables. A pattern that holds one stays whole: it may still turn out to be a
list, separated by commas, semicolons or line ends.
"""

import re
from typing import Any

import msgspec

from mulligan.core.errors import InvalidError
from mulligan.core.spec import CALL
from mulligan.facades.bkci.document import Json, Part, value_text

SCRIPT_TYPES = frozenset({"linuxScript", "windowsScript"})
CHECKOUT_TYPES = frozenset({"CODE_GIT", "CODE_GITLAB", "GITHUB"})
CHECKOUT_CODES = frozenset({"checkout", "gitCodeRepo", "gitCodeRepoCommon", "PullFromGithub"})
ARCHIVE_CODES = frozenset({"uploadArtifact", "singleArchive", "atomBuildArchive"})
DOWNLOAD_CODES = frozenset({"downloadArtifact"})
REVIEW_TYPE = "manualReviewUserTask"
_MOST_HOURS = 720  # between two reminders
CALL_TYPE = "subPipelineCall"
CALL_CODES = frozenset({"SubPipelineExec"})
RUN_CODE = "run"  # the plugin that `run:` of a pipeline file is

_REF_KINDS = {"BRANCH": "branch", "TAG": "tag", "COMMIT_ID": "commit", "COMMIT": "commit"}
# `shell` of the plugin "run"; bash where there is one, as it is the default there.
_SHELLS = {
    "": "SHELL",
    "auto": "SHELL",
    "bash": "SHELL",
    "win_bash": "BASH",
    "sh": "SH",
    "python": "PYTHON",
    "pwsh": "POWER_SHELL",
    "powershell": "POWER_SHELL",
    "cmd": "BAT",
}
_REPOSITORY_NAMES = ("repositoryName", "repositoryHashId", "repositoryAlias", "repositoryId")
# `repositoryType` says which of the fields counts: those of the other forms may be left over.
_REPOSITORY_KEYS = {"ID": ("repositoryHashId", "repositoryId"), "URL": (), "SELF": ()}
_SEPARATORS = re.compile(r"[,;\n]")


def kind_of(element_type: str, code: str) -> str:
    """Return the kind of step that does the work of a task."""
    if element_type in SCRIPT_TYPES or code == RUN_CODE:
        return "script"
    if element_type == REVIEW_TYPE:
        return "review"
    if element_type == CALL_TYPE or code in CALL_CODES:
        return CALL
    if element_type in CHECKOUT_TYPES or code in CHECKOUT_CODES:
        return "checkout"
    if code in ARCHIVE_CODES:
        return "archive"
    return "download" if code in DOWNLOAD_CODES else "plugin"


def read_inputs(element: Part, kind: str, code: str) -> Json:
    """Read the inputs of a task as its kind needs them."""
    match kind:
        case "script":
            return _run(_given(element)) if code == RUN_CODE else _script(element, code)
        case "checkout":
            return _checkout(_given(element))
        case "archive":
            fields = _given(element)
            patterns = _patterns(fields, "filePath", "archiveFile", "path", "artifact")
            return {"patterns": patterns}
        case "download":
            return _download(_given(element))
        case "review":
            return _review(element)
        case "call":
            return _call(element) if code == CALL_TYPE else _call_by_plugin(_given(element))
        case _:
            return _plugin(element)


def _given(element: Part) -> Part:
    """Return the plugin's inputs; built-in tasks have them beside their name."""
    data = element.part("data")
    found = data.part("input") if data is not None else None
    return found if found is not None else element


def _first(fields: Part, *keys: str) -> str:
    for key in keys:
        value = fields.value.get(key)
        if value is not None:
            text = value_text(value, fields.at(key)).strip()
            if text:
                return text
    return ""


def _script(element: Part, code: str) -> Json:
    default = "BAT" if code == "windowsScript" else "SHELL"
    return {
        "script": element.text("script"),
        "scriptType": element.text("scriptType").strip() or default,
        "continueNoneZero": element.flag("continueNoneZero"),
        "enableArchiveFile": element.flag("enableArchiveFile"),
        "archiveFile": element.text("archiveFile"),
    }


def _run(fields: Part) -> Json:
    """Read the plugin "run" as a script; one that a site has installed takes its place."""
    return {
        "script": fields.text("script"),
        "scriptType": fields.word("shell", _SHELLS, "SHELL"),
        "continueNoneZero": False,
        "enableArchiveFile": False,
        "archiveFile": "",
    }


def _checkout(fields: Part) -> Json:
    mode = fields.part("gitPullMode")
    if mode is not None:
        kind, ref = mode.text("type"), mode.text("value").strip()
    else:
        kind = _first(fields, "pullType", "pullMode")
        ref = _first(fields, "refName", "branchName", "tagName", "commitId", "ref", "revision")
    by = _first(fields, "repositoryType").upper()
    return {
        "url": _first(fields, "repositoryUrl", "url", "codeRepoUrl", "repoUrl"),
        "repository": _first(fields, *_REPOSITORY_KEYS.get(by, _REPOSITORY_NAMES)),
        "by": by,
        "secret": _first(fields, "ticketId", "credentialId"),
        "user": _first(fields, "username"),
        "password": _first(fields, "password", "accessToken", "personalAccessToken"),
        "ref_kind": _REF_KINDS.get(kind.strip().upper(), "branch"),
        "ref": ref,
        "path": _first(fields, "localPath", "path"),
        "submodules": _first(fields, "enableSubmodule").lower() != "false",
        "fetch_depth": _depth(fields),
    }


def _depth(fields: Part) -> int:
    """Return how many commits to fetch, 0 for all."""
    text = _first(fields, "fetchDepth", "depth")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _patterns(fields: Part, *keys: str) -> list[str]:
    for key in keys:
        value = fields.value.get(key)
        texts = fields.texts(key) if isinstance(value, list) else (_first(fields, key),)
        found = [pattern for text in texts for pattern in _split(text)]
        if found:
            return found
    return []


def _split(text: str) -> list[str]:
    parts = [text] if "${" in text else _SEPARATORS.split(text)
    return [part.strip() for part in parts if part.strip()]


def _download(fields: Part) -> Json:
    return {
        "patterns": _patterns(fields, "srcPaths", "srcPath", "filePath", "path", "artifact"),
        "dest": _first(fields, "destPath", "targetPath", "dest"),
        "from_job": _first(fields, "fromJob", "jobId"),
    }


def _review(element: Part) -> Json:
    for param in element.parts("params"):
        if not param.text("key").strip():
            raise InvalidError(
                "a review parameter needs a key", pointer=param.at("key"), code="parameter-name"
            )
    return {
        "reviewUsers": list(element.texts("reviewUsers")),
        "desc": element.text("desc"),
        "params": element.items("params"),
        "suggestRequired": element.flag("suggestRequired"),
        "reminderTime": max(0, min(element.whole("reminderTime", 0), _MOST_HOURS)),
        "namespace": element.text("namespace").strip(),
    }


def _call(element: Part) -> Json:
    by_name = element.text("subPipelineType").strip().upper() == "NAME"
    wanted = element.text("subPipelineName" if by_name else "subPipelineId").strip()
    given = element.part("parameters") or Part({})
    return {
        "pipeline": wanted,
        "by": "name" if by_name else "id",
        "project": "",
        "waits": not element.flag("asynchronous"),
        "parameters": {
            name: value_text(value, given.at(name)) for name, value in given.value.items()
        },
        "namespace": "",
    }


def _call_by_plugin(fields: Part) -> Json:
    by_name = fields.text("subPipelineType").strip().upper() == "NAME"
    wanted = fields.text("subPipelineName" if by_name else "subPip").strip()
    return {
        "pipeline": wanted,
        "by": "name" if by_name else "id",
        "project": fields.text("projectId").strip(),
        "waits": fields.text("runMode").strip().lower() != "asyn",
        "parameters": _call_parameters(fields),
        "namespace": fields.text("fieldNamespace").strip(),
    }


def _call_parameters(fields: Part) -> Json:
    """Read `params`: a list of `{key, value}`, or a map, or the JSON text of either."""
    given = fields.value.get("params")
    if isinstance(given, str) and given.strip():
        try:
            given = msgspec.json.decode(given)
        except (msgspec.DecodeError, RecursionError):
            raise fields.bad_type("params", "a list of keys and values") from None
    whole = Part({"params": given or []}, fields.pointer)
    if isinstance(given, dict):
        return {name: value_text(value, fields.at("params")) for name, value in given.items()}
    return {
        part.text("key"): value_text(part.value.get("value"), part.at("value"))
        for part in whole.parts("params")
        if part.text("key").strip()
    }


def _plugin(element: Part) -> Json:
    data: dict[str, Any] = element.value.get("data") or {}
    if not isinstance(data, dict):
        raise element.bad_type("data", "an object")
    return {
        "version": element.text("version"),
        "namespace": Part(data, element.at("data")).text("namespace"),
        "input": data.get("input") or {},
        "output": data.get("output") or {},
    }
