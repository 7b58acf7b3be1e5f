"""Steps of YAML to elements of the model (spec/bkci-yaml-and-plugins.md §1.7)."""

from mulligan.pipeline_yaml.fields import Fields, Json, plain, present
from mulligan.pipeline_yaml.to_common import read_condition, read_paths, read_timeout

RUN, CHECKOUT = "run", "checkout"
# Elements of the model that are no plugins; their inputs stand beside their name.
BUILT_IN = frozenset(
    {
        "linuxScript",
        "windowsScript",
        "manualReviewUserTask",
        "subPipelineCall",
        "CODE_GIT",
        "CODE_GITLAB",
        "GITHUB",
        "CODE_SVN",
    }
)
WORDS = {
    "SUCCESS": "PRE_TASK_SUCCESS",
    "ALWAYS_UNLESS_CANCELLED": "PRE_TASK_FAILED_BUT_CANCEL",
    "ALWAYS": "PRE_TASK_FAILED_EVEN_CANCEL",
    "FAILURE": "PRE_TASK_FAILED_ONLY",
}
SCRIPT_TYPES = {"linuxScript": "SHELL", "windowsScript": "BAT"}


def read_step(step: Fields, *, is_agentless: bool, on_windows: bool) -> Json:
    """Return an element; its id is made when it is stored."""
    made = _work(step, is_agentless=is_agentless, on_windows=on_windows)
    if step.text("name"):
        made["name"] = step.text("name")
    if step.text("id"):
        made["stepId"] = step.text("id")
    env = step.pairs("env")
    if env:
        made["customEnv"] = env
    made["additionalOptions"] = _options(step)
    return made


def _work(step: Fields, *, is_agentless: bool, on_windows: bool) -> Json:
    if step.has("run"):
        return _plugin(RUN, "1.*", run_inputs(step, on_windows=on_windows), step, is_agentless)
    inputs = {key: plain(item) for key, item in step.members("with")}
    if step.has("checkout"):
        return _plugin(CHECKOUT, "1.*", _repository(step) | inputs, step, is_agentless)
    code, _, version = step.text("uses").rpartition("@")
    if code in BUILT_IN:
        made: Json = {"@type": code, "name": code, "version": version, **inputs}
        if code in SCRIPT_TYPES:
            made.setdefault("scriptType", SCRIPT_TYPES[code])
        if step.text("namespace"):
            made["namespace"] = step.text("namespace")
        return made
    return _plugin(code, version, inputs, step, is_agentless)


def run_inputs(step: Fields, *, on_windows: bool) -> Json:
    """Return the inputs of the plugin `run`: the one that is built in, or the site's own."""
    inputs = {key: plain(item) for key, item in step.members("with")}
    shell = step.text("shell") or ("cmd" if on_windows else "bash")
    return {**inputs, "script": step.text("run"), "shell": shell}


def _plugin(code: str, version: str, inputs: Json, step: Fields, is_agentless: bool) -> Json:  # noqa: FBT001 - its callers pass on what they have
    data: Json = {"input": inputs, "output": {}}
    if step.text("namespace"):
        data["namespace"] = step.text("namespace")
    return {
        "@type": "marketBuildLess" if is_agentless else "marketBuild",
        "name": code,
        "atomCode": code,
        "version": version,
        "data": data,
    }


def _repository(step: Fields) -> Json:
    given = step.get("checkout")
    if given is None:
        return {}
    if isinstance(given.content, dict):
        part = step.part("checkout")
        if part.text("repo-id"):
            return {"repositoryType": "ID", "repositoryHashId": part.text("repo-id")}
        return {"repositoryType": "NAME", "repositoryName": part.text("repo-name")}
    if given.text.strip() == "self":
        return {"repositoryType": "SELF"}
    return {"repositoryType": "URL", "repositoryUrl": given.text.strip()}


def _options(step: Fields) -> Json:
    made: Json = {
        "enable": step.flag("enable", default=True),
        **read_timeout(step),
        "manualRetry": step.flag("can-manually-retry"),
        "runCondition": "PRE_TASK_SUCCESS",
        **read_condition(step),
        **read_paths(step),
    }
    word = WORDS.get(str(made.get("customCondition", "")).strip())
    if word:
        del made["customCondition"]
        made["runCondition"] = word
    on_error = step.text("continue-on-error", "false")
    if on_error != "false":
        made["continueWhenFailed"] = True
        if on_error == "manual":
            made["manualSkip"] = True
    retries = step.whole("retry-times", 0)
    if retries:
        made |= {"retryWhenFailed": True, "retryCount": retries}
    if step.flag("can-pause-before-run"):
        made["pauseBeforeExec"] = True
    people = step.texts("pause-notice-receivers")
    return made | present({"subscriptionPauseUser": ",".join(people)})
