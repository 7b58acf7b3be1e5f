"""Containers of a model back to jobs."""

import re

from mulligan.pipeline_yaml.document_error import DocumentError
from mulligan.pipeline_yaml.fields import Json, plain
from mulligan.pipeline_yaml.from_common import (
    Notes,
    condition,
    flag,
    minutes,
    only_set,
    pairs,
    part,
    parts,
    text,
    texts,
    whole,
)
from mulligan.pipeline_yaml.from_steps import write_step
from mulligan.pipeline_yaml.to_jobs import (
    DEFAULT_IMAGE,
    DEFAULT_IMAGE_VERSION,
    FINALLY_WORDS,
    SYSTEMS,
)
from mulligan.pipeline_yaml.tree import compose

_FINALLY = {condition: word for word, condition in FINALLY_WORDS.items() if word != "ALWAYS"}
_OLD_MINUTES = {"vmBuild": 480, "normal": 1440}
_EXPRESSION = re.compile(r"\s*\$\{")
_OPTIONS = (
    ("prepareTimeout", "queue-timeout-minutes"),
    ("singleNodeConcurrency", "concurrency-limit-per-node"),
    ("allNodeConcurrency", "concurrency-limit-total"),
)


def write_job(job: Json, pointer: str, notes: Notes, *, names: frozenset[str]) -> Json:
    """Return a job without its name.

    Args:
        names: Of the jobs that the stage has; it can wait for no others.
    """
    control = part(job, "jobControlOption")
    limit = control
    if not control:
        old = _OLD_MINUTES.get(text(job, "@type"), 900)
        limit = {"timeout": whole(job, "maxRunningMinutes", old)}
    words = _FINALLY if control else {}
    on_windows = text(job, "baseOS") == "WINDOWS"
    made = {
        "enable": None if flag(control, "enable", default=True) else False,
        "runs-on": _runs_on(job, control, pointer, notes),
        "if": condition(control, words),
        "if-modify": texts(control, "ifModify"),
        "depend-on": [each for each in _depends(control) if each in names or "${" in each],
        "timeout-minutes": minutes(limit),
        "continue-on-error": flag(control, "continueWhenFailed") or None,
        "env": pairs(job, "customEnv"),
        "strategy": _strategy(job, pointer, notes),
        "mutex": _mutex(part(job, "mutexGroup")),
        "show-runs-on": flag(job, "showBuildResource") or None,
        "checkpoint": text(job, "checkpoint") or None,
        "steps": [
            write_step(step, f"{pointer}/elements/{number}", notes, on_windows=on_windows)
            for number, step in enumerate(parts(job, "elements"))
        ],
    }
    return only_set(made)


def _depends(control: Json) -> list[str]:
    names, ids = texts(control, "dependOnName"), texts(control, "dependOnId")
    kind = text(control, "dependOnType").strip()
    if kind == "NAME":
        return names
    return ids if kind == "ID" or ids else names


def _strategy(job: Json, pointer: str, notes: Notes) -> Json | None:
    if not flag(job, "matrixGroupFlag"):
        return None
    options = part(job, "matrixControlOption")
    if options.get("customDispatchInfo"):
        notes.add(pointer, "a machine for each combination")
    most = whole(options, "maxConcurrency", 5)
    return only_set(
        {
            "matrix": _cases(text(options, "strategyStr")),
            "include": _cases(text(options, "includeCaseStr")),
            "exclude": _cases(text(options, "excludeCaseStr")),
            "fast-kill": flag(options, "fastKill") or None,
            "max-parallel": most if most != 5 else None,
        }
    )


def _cases(words: str) -> object:
    """Return values that stand as YAML in a text; an expression stays one."""
    if not words.strip() or _EXPRESSION.match(words):
        return words.strip() or None
    try:
        return plain(compose(words))
    except DocumentError:
        return words


def _mutex(mutex: Json) -> Json | None:
    if not flag(mutex, "enable"):
        return None
    limit = text(mutex, "timeoutVar").strip() or whole(mutex, "timeout", 0)
    waits = flag(mutex, "queueEnable")
    return only_set(
        {
            "label": text(mutex, "mutexGroupName"),
            "queue-length": whole(mutex, "queue", 0) if waits else None,
            "timeout-minutes": limit if limit != 900 else None,
        }
    )


# --- where it runs ------------------------------------------------------------------------------


def _runs_on(job: Json, control: Json, pointer: str, notes: Notes) -> object:
    if text(job, "@type") == "normal":
        return "agentless"
    dispatch = part(job, "dispatchType")
    made, system = _machine(dispatch, pointer, notes)
    base = text(job, "baseOS").strip() or system
    if base != system:
        words = {value: key for key, value in SYSTEMS.items()}
        if base in words:
            made["agent-selector"] = [words[base]]
    made |= {
        "needs": pairs_of_map(part(job, "buildEnv")) or None,
        "workspace": text(dispatch, "workspace") or None,
        "hw-spec": str(dispatch["performanceConfigId"])
        if dispatch.get("performanceConfigId")
        else None,
        "xcode": text(dispatch, "xcodeVersion") or None,
    }
    for member, key in _OPTIONS:
        if control.get(member) is not None:
            made[key] = whole(control, member, 0) or None
    made = only_set(made)
    if list(made) == ["agent-selector"] or (made and "pool-name" not in made and _is_bare(made)):
        made = {"pool-name": "docker", **made}
    return made or None


def _is_bare(made: Json) -> bool:
    return not {"self-hosted", "node-name", "lock-resource-with"} & set(made)


def pairs_of_map(values: Json) -> Json:
    """Return a map of texts."""
    return {key: str(value) for key, value in values.items()}


def _machine(dispatch: Json, pointer: str, notes: Notes) -> tuple[Json, str]:
    """Return the keys that name a machine, and the system that it has without a word."""
    kind = text(dispatch, "buildType").strip()
    name = (
        text(dispatch, "displayName") or text(dispatch, "envName") or text(dispatch, "value")
    ).strip()
    if kind == "THIRD_PARTY_AGENT_ID" and name:
        if text(dispatch, "agentType") == "REUSE_JOB_ID":
            return {"self-hosted": True, "lock-resource-with": name}, "ALL"
        return {"self-hosted": True, "node-name": name}, "ALL"
    if kind in {"THIRD_PARTY_AGENT_ENV", "CREATE_AGENT_ENV"} and name:
        return {"self-hosted": True, "pool-name": name}, "ALL"
    if kind not in {"", "DOCKER", "KUBERNETES"}:
        notes.add(pointer, f"the kind of machine {kind!r}")
        return {}, "LINUX"
    code = text(dispatch, "imageCode")
    version = text(dispatch, "imageVersion", DEFAULT_IMAGE_VERSION)
    box: Json = {}
    if code and (code, version) != (DEFAULT_IMAGE, DEFAULT_IMAGE_VERSION):
        box = {"image-code": code, "image-version": version}
    elif not code and text(dispatch, "value"):
        box = {"image": text(dispatch, "value")}
    if box:
        box |= {
            "credentials": part(dispatch, "credential") or text(dispatch, "credentialId") or None,
            "image-pull-policy": text(dispatch, "imagePullPolicy") or None,
            "options": dispatch.get("options"),
        }
        return {"pool-name": "docker", "container": only_set(box)}, "LINUX"
    return {}, "LINUX"
