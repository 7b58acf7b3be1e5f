"""Elements of a model back to steps."""

from mulligan.pipeline_yaml.fields import Json
from mulligan.pipeline_yaml.from_common import (
    LONGEST_MINUTES,
    Notes,
    condition,
    flag,
    minutes,
    only_set,
    pairs,
    part,
    text,
    texts,
    whole,
)
from mulligan.pipeline_yaml.to_steps import BUILT_IN, CHECKOUT, RUN, SCRIPT_TYPES, WORDS

MOST_RETRIES = 5
_MARKET = frozenset({"marketBuild", "marketBuildLess"})
_IF = {condition: word for word, condition in WORDS.items() if word != "SUCCESS"}
# Members of every element, which have keys of their own or belong to a run.
_COMMON = frozenset(
    {
        *("@type", "name", "id", "stepId", "version", "additionalOptions", "customEnv", "status"),
        *("executeCount", "startEpoch", "elapsed", "timeCost", "canRetry", "canSkip", "errorType"),
        *("errorCode", "errorMsg", "retryCount", "retryCountManual", "retryCountAuto", "atomName"),
        *(
            "classifyCode",
            "classifyName",
            "originVersion",
            "templateModify",
            "classType",
            "namespace",
        ),
        *("taskAtom", "atomCode", "elementEnable", "subPipelineBuildInfo", "progressRate"),
    }
)


def write_step(element: Json, pointer: str, notes: Notes, *, on_windows: bool) -> Json:
    """Return a step."""
    options = part(element, "additionalOptions")
    work, default_name = _work(element, pointer, notes, on_windows=on_windows)
    name = text(element, "name")
    return only_set(
        {
            "name": name if name != default_name else None,
            "id": text(element, "stepId").strip() or None,
            **work,
            "if": condition(options, _IF),
            "if-modify": texts(options, "ifModify"),
            "timeout-minutes": _minutes(element, options),
            "continue-on-error": _on_error(options, pointer, notes),
            "retry-times": _retries(options),
            "can-manually-retry": flag(options, "manualRetry", default=True) or None,
            "env": pairs(element, "customEnv") or _old_env(options),
            "enable": None if flag(options, "enable", default=True) else False,
            "can-pause-before-run": flag(options, "pauseBeforeExec") or None,
            "pause-notice-receivers": texts(options, "subscriptionPauseUser"),
        }
    )


def _minutes(element: Json, options: Json) -> object:
    """Return the limit; an element that says none has 100 minutes, one that asks people a week."""
    default = LONGEST_MINUTES if text(element, "@type") == "manualReviewUserTask" else 100
    return minutes({"timeout": default, **options})


def _old_env(options: Json) -> Json:
    return pairs(options, "customEnv") if flag(options, "enableCustomEnv", default=True) else {}


def _retries(options: Json) -> int | None:
    if not flag(options, "retryWhenFailed"):
        return None
    return min(max(whole(options, "retryCount", 0), 1), MOST_RETRIES)


def _on_error(options: Json, pointer: str, notes: Notes) -> object:
    goes_on, may_skip = flag(options, "continueWhenFailed"), flag(options, "manualSkip")
    if may_skip and not goes_on:
        notes.add(pointer, "a step that fails, but may be skipped")
    if not goes_on:
        return None
    return "manual" if may_skip else True


def _work(element: Json, pointer: str, notes: Notes, *, on_windows: bool) -> tuple[Json, str]:
    """Return what the step does, and its name when it has none of its own."""
    kind = text(element, "@type")
    version = text(element, "version").strip() or "1.*"
    if kind in _MARKET:
        return _plugin(element, version, on_windows=on_windows)
    if kind not in BUILT_IN:
        notes.add(pointer, f"the type {kind!r} is not known; it becomes a plugin of that name")
    own = {
        key: value
        for key, value in element.items()
        if key not in _COMMON and value is not None and value not in ([], {})
    }
    if kind in SCRIPT_TYPES and own.get("scriptType") == SCRIPT_TYPES[kind]:
        del own["scriptType"]
    work: Json = {"uses": f"{kind}@{version}", "with": own}
    if text(element, "namespace"):
        work["namespace"] = text(element, "namespace")
    return work, kind


def _plugin(element: Json, version: str, *, on_windows: bool) -> tuple[Json, str]:
    code = text(element, "atomCode").strip() or text(element, "@type")
    data = part(element, "data")
    inputs = dict(part(data, "input"))
    work: Json = {}
    if code == RUN and version == "1.*" and isinstance(inputs.get("script"), str):
        work["run"] = inputs.pop("script")
        shell = text(inputs, "shell") or "bash"
        inputs.pop("shell", None)
        if shell != ("cmd" if on_windows else "bash"):
            work["shell"] = shell
    elif code == CHECKOUT and version == "1.*" and (found := _checkout(inputs)) is not None:
        work["checkout"] = found
    else:
        work["uses"] = f"{code}@{version}"
    work["with"] = inputs
    if text(data, "namespace"):
        work["namespace"] = text(data, "namespace")
    return work, code


def _checkout(inputs: Json) -> object:
    """Return what `checkout` is and take it out of the inputs; None when it has no such form."""
    forms = {
        "SELF": (None, "self"),
        "URL": ("repositoryUrl", None),
        "ID": ("repositoryHashId", "repo-id"),
        "NAME": ("repositoryName", "repo-name"),
    }
    kind = inputs.get("repositoryType")
    if not isinstance(kind, str) or kind not in forms:
        return None
    member, key = forms[kind]
    if member is None:
        del inputs["repositoryType"]
        return key
    value = inputs.get(member)
    if not isinstance(value, str) or not value.strip() or value.strip() == "self":
        return None
    del inputs["repositoryType"], inputs[member]
    return value if key is None else {key: value}
