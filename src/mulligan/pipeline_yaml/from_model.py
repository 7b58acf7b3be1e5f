"""A model and its setting as a pipeline file of v3.0: minimal, always in the same order."""

import re

import msgspec

from mulligan.pipeline_yaml.dump import dump_yaml
from mulligan.pipeline_yaml.fields import Json
from mulligan.pipeline_yaml.from_common import (
    Notes,
    condition,
    flag,
    only_set,
    part,
    parts,
    text,
    texts,
    whole,
)
from mulligan.pipeline_yaml.from_jobs import write_job
from mulligan.pipeline_yaml.from_triggers import write_triggers
from mulligan.pipeline_yaml.shapes import V3
from mulligan.pipeline_yaml.to_settings import (
    ACTOR,
    CANCEL,
    DIALECTS,
    NOTICE_TYPES,
    NUMBERS,
    VERSION_PARTS,
    VERSION_STRATEGIES,
)
from mulligan.pipeline_yaml.to_stages import (
    DEFAULT_HOURS,
    FINALLY,
    LABELS,
    ONLY_STAGE,
    REVIEW_TYPES,
)
from mulligan.pipeline_yaml.to_variables import TYPES

_TYPES = {model: word for word, model in reversed(TYPES.items())}
_KEY = re.compile(r"[^\s${}]{1,255}")
_JOB_KEY = re.compile(r"[A-Za-z0-9_.\-]{1,128}")
_CAPITALS = re.compile(r"[A-Z][A-Z0-9_]*")


class Exported(msgspec.Struct, frozen=True):
    """A file, and what it can't say of the pipeline."""

    text: str
    notes: tuple[str, ...]


def write_pipeline(model: Json, setting: Json) -> Exported:
    """Write a pipeline as a file of v3.0.

    What a file has no words for is left out, and named in comments at its top.
    """
    notes = Notes()
    first, *stages = parts(model, "stages") or [{}]
    trigger = next(iter(parts(first, "containers")), {})
    place = "/stages/0/containers/0"
    last = stages.pop() if stages and flag(stages[-1], "finally") else None
    document = {
        "version": V3,
        "name": text(model, "name"),
        "desc": text(model, "desc") or None,
        "label": texts(setting, "labelNames"),
        "on": write_triggers(parts(trigger, "elements"), f"{place}/elements", notes),
        "variables": _variables(trigger, f"{place}/params", notes),
        "recommended-version": _version(trigger),
        **_settings(setting, notes),
        "resources": part(model, "resources") or None,
        **_body(stages, notes),
        "finally": _finally(last, len(stages) + 1, notes),
        "notices": _notices(setting),
    }
    comments = "".join(f"# left out: {line}\n" for line in notes.lines)
    # `on` is a boolean to old parsers, and quoted for them; people write it without
    content = dump_yaml(only_set(document)).decode().replace("\n'on':", "\non:", 1)
    return Exported(comments + content, tuple(notes.lines))


def _body(stages: list[Json], notes: Notes) -> Json:
    made = [
        _stage(stage, number, f"/stages/{number}", notes) for number, stage in enumerate(stages, 1)
    ]
    if len(made) == 1 and made[0].keys() <= {"name", "jobs"} and made[0].get("name") == ONLY_STAGE:
        return {"jobs": made[0]["jobs"]}
    return {"stages": made}


# --- stages -------------------------------------------------------------------------------------


def _stage(stage: Json, number: int, pointer: str, notes: Notes) -> Json:
    control = part(stage, "stageControlOption")
    name = text(stage, "name")
    words = {ident: word for word, ident in LABELS.items()}
    labels = [words[ident] for ident in texts(stage, "tag") if ident in words]
    return only_set(
        {
            "name": name if name != f"stage-{number}" else None,
            "id": text(stage, "stageIdForUser").strip() or None,
            "label": labels if labels != ["Build"] else None,
            "enable": None if flag(control, "enable", default=True) else False,
            "if": condition(control, {}),
            "if-modify": texts(control, "ifModify"),
            "fast-kill": flag(stage, "fastKill") or None,
            "check-in": _check_in(part(stage, "checkIn")),
            "check-out": _rules(part(stage, "checkOut")),
            "jobs": _jobs(stage, pointer, notes),
        }
    )


def _jobs(stage: Json, pointer: str, notes: Notes) -> Json:
    jobs = parts(stage, "containers")
    names = frozenset(text(job, "jobId") for job in jobs)
    made: Json = {}
    for number, job in enumerate(jobs):
        where = f"{pointer}/containers/{number}"
        key = text(job, "jobId")
        if not _JOB_KEY.fullmatch(key) or key == "template" or key in made:
            if key:
                notes.add(where, f"the job id {key[:60]!r}")
            key = f"job{number + 1}"
        written = write_job(job, where, notes, names=names)
        name = text(job, "name")
        made[key] = written if name in {key, ""} else {"name": name, **written}
    return made


def _finally(stage: Json | None, number: int, notes: Notes) -> Json | None:
    if stage is None:
        return None
    pointer = f"/stages/{number}"
    if text(stage, "name") not in {"", FINALLY}:
        notes.add(pointer, f"the name {text(stage, 'name')[:60]!r} of the final stage")
    if part(stage, "checkIn") or flag(stage, "fastKill"):
        notes.add(pointer, "options of the final stage")
    return _jobs(stage, pointer, notes)


def _check_in(check_in: Json) -> Json:
    rules = _rules(check_in)
    if not flag(check_in, "manualTrigger"):
        return rules
    flows = [
        only_set(
            {
                "name": text(group, "name") if text(group, "name") != f"Flow {number}" else None,
                "reviewers": texts(group, "reviewers"),
                "groups": texts(group, "groups"),
            }
        )
        for number, group in enumerate(parts(check_in, "reviewGroups"), 1)
    ]
    hours = whole(check_in, "timeout", DEFAULT_HOURS)
    return only_set(
        {
            "reviews": only_set(
                {
                    "flows": flows,
                    "variables": {
                        text(param, "key"): _review_variable(param)
                        for param in parts(check_in, "reviewParams")
                    },
                    "description": text(check_in, "reviewDesc") or None,
                    "content-format": "markdown" if flag(check_in, "markdownContent") else None,
                    "notify-type": texts(check_in, "notifyType"),
                    "chat-id": texts(check_in, "notifyGroup"),
                }
            ),
            **rules,
            "timeout-hours": hours if hours != DEFAULT_HOURS else None,
        }
    )


def _rules(check: Json) -> Json:
    gates = [_gate(gate) for gate in parts(check, "gates")]
    return only_set({"rules": texts(check, "ruleIds"), "gates": gates})


def _gate(gate: Json) -> Json:
    words = {kind: word for word, kind in NOTICE_TYPES.items()}
    notices = [
        {
            "type": [words[kind] for kind in texts(notice, "types") if kind in words],
            "receivers": texts(notice, "receivers"),
        }
        for notice in parts(gate, "notices")
    ]
    return only_set(
        {
            "name": text(gate, "name") or None,
            "rule": texts(gate, "rules"),
            "notify-on-fail": notices,
            "continue-on-fail": only_set({"gatekeepers": texts(gate, "gatekeepers")}),
        }
    )


def _review_variable(param: Json) -> Json:
    words = {kind: word for word, kind in REVIEW_TYPES.items()}
    kind = words.get(text(param, "valueType") or "STRING", "INPUT")
    return only_set(
        {
            "label": text(param, "chineseName") or None,
            "type": kind if kind != "INPUT" else None,
            "values": [text(option, "key") for option in parts(param, "options")],
            "default": param.get("value") if kind != "CHECKBOX" else None,
            "required": flag(param, "required") or None,
            "description": text(param, "desc") or None,
        }
    )


# --- variables ----------------------------------------------------------------------------------


def _variables(trigger: Json, pointer: str, notes: Notes) -> Json:
    made: Json = {}
    counted = set(VERSION_PARTS.values()) if part(trigger, "buildNo") else set()
    for number, param in enumerate(parts(trigger, "params")):
        name = text(param, "id").strip()
        where = f"{pointer}/{number}"
        if name in counted:
            continue
        if not _KEY.fullmatch(name) or name == "template":
            notes.add(where, f"the variable {name[:60]!r}")
            continue
        made[name] = _variable(name, param, where, notes)
    return made


def _variable(name: str, param: Json, pointer: str, notes: Notes) -> object:
    kind = text(param, "type").strip() or "string"
    word = _TYPES.get(kind.lower(), "vuex-input")
    constant = flag(param, "constant")
    capitals = _CAPITALS.fullmatch(name) is not None
    if constant and not capitals:
        notes.add(pointer, "a constant whose name is not in capitals; it becomes read-only")
    title, label = text(param, "name"), text(param, "label")
    box = part(param, "containerType")
    props = only_set(
        {
            "label": label or None,
            "type": word if word != "vuex-input" else None,
            "options": [_option(option) for option in parts(param, "options")],
            "description": text(param, "desc") or None,
            "group": text(param, "category") or None,
            "payload": param.get("payload"),
            "repo-id": text(param, "repoHashId") or None,
            "scm-type": text(param, "scmType") or None,
            "relative-path": text(param, "relativePath") or None,
            "container-type": only_set({"build-type": box.get("buildType"), "os": box.get("os")}),
            "filter-rule": text(param, "glob") or None,
            "version-control": flag(param, "enableVersionControl") or None,
            "metadata": part(param, "properties"),
            "fields": param.get("fields"),
        }
    )
    is_const = constant and capitals
    value = _value(param, kind)
    made = only_set(
        {
            "value": value,
            "name": title if title not in {"", name, label} else None,
            "readonly": ((flag(param, "readOnly") or constant) and not is_const) or None,
            "allow-modify-at-startup": None if is_const or flag(param, "required") else False,
            "value-not-empty": flag(param, "valueNotEmpty") or None,
            "const": is_const or None,
            "props": props,
            "if": part(param, "displayCondition"),
            "as-instance-input": flag(param, "asInstanceInput") or None,
            "sensitive": flag(param, "sensitive") or None,
        }
    )
    is_short = list(made) == ["value"] and not isinstance(value, dict)
    return value if is_short and not name.isupper() else made


def _option(option: Json) -> Json:
    key, label = text(option, "key"), text(option, "value")
    return only_set(
        {
            "id": key,
            "label": label if label != key else None,
            "description": text(option, "desc") or None,
        }
    )


def _value(param: Json, kind: str) -> object:
    value = param.get("defaultValue")
    if isinstance(value, bool) or (isinstance(value, dict) and value):
        return value  # an empty map would be left out: it is written as its text
    words = text(param, "defaultValue")
    if kind.lower() == "boolean" and words in {"true", "false"}:
        return words == "true"
    return words


def _version(trigger: Json) -> Json | None:
    build_no = part(trigger, "buildNo")
    if not build_no:
        return None
    words = {value: key for key, value in VERSION_STRATEGIES.items()}
    values = {text(param, "id"): text(param, "defaultValue") for param in parts(trigger, "params")}
    strategy = words.get(text(build_no, "buildNoType"), "plus1-everytime")
    return only_set(
        {
            **{key: values.get(name) for key, name in VERSION_PARTS.items()},
            "allow-modify-at-startup": flag(build_no, "required") or None,
            "as-instance-input": flag(build_no, "asInstanceInput") or None,
            "build-no": only_set(
                {
                    "initial-value": whole(build_no, "buildNo", 0),
                    "strategy": strategy if strategy != "plus1-everytime" else None,
                }
            ),
        }
    )


# --- settings -----------------------------------------------------------------------------------


def _settings(setting: Json, notes: Notes) -> Json:
    policies = {value: key for key, value in CANCEL.items()}
    policy = policies.get(text(setting, "buildCancelPolicy"))
    if flag(setting, "cleanVariablesWhenRetry"):
        notes.add("/setting/cleanVariablesWhenRetry", "true; a full retry keeps the variables")
    return {
        "syntax-dialect": _dialect(setting),
        "concurrency": _concurrency(setting, notes),
        "disable-pipeline": text(setting, "runLockType") == "LOCK" or None,
        "fail-if-variable-invalid": flag(setting, "failIfVariableInvalid") or None,
        "custom-build-num": text(setting, "buildNumRule") or None,
        "cancel-policy": policy if policy == "BROAD" else None,
    }


def _dialect(setting: Json) -> str | None:
    as_code = part(setting, "pipelineAsCodeSettings")
    if flag(as_code, "inheritedDialect", default=True):
        return None if flag(as_code, "enable") else "CLASSIC"
    words = {value: key for key, value in DIALECTS.items()}
    return words.get(text(as_code, "pipelineDialect"), "CLASSIC")


def _concurrency(setting: Json, notes: Notes) -> Json:
    lock = text(setting, "runLockType")
    group = text(setting, "concurrencyGroup") if lock == "GROUP_LOCK" else ""
    if lock in {"SINGLE", "SINGLE_LOCK"}:
        notes.add("/setting/runLockType", f"{lock}; it becomes a group of this pipeline alone")
        group = "${{ ci.pipeline_id }}"
    made: Json = {
        "group": group or None,
        "cancel-in-progress": flag(setting, "concurrencyCancelInProgress") or None,
    }
    for key, (member, default) in NUMBERS.items():
        number = whole(setting, member, default)
        made[key] = number if number != default else None
    return only_set(made)


def _notices(setting: Json) -> list[Json]:
    success = [_notice(item) for item in parts(setting, "successSubscriptionList")]
    failure = [_notice(item) for item in parts(setting, "failSubscriptionList")]
    made = [item for item in success if item in failure]
    made += [{**item, "if": "SUCCESS"} for item in success if item not in failure]
    made += [{**item, "if": "FAILURE"} for item in failure if item not in success]
    return [item for item in made if item.get("type")]


def _notice(subscription: Json) -> Json:
    words = {value: key for key, value in NOTICE_TYPES.items()}
    people = texts(subscription, "users")
    return only_set(
        {
            "type": [words[kind] for kind in texts(subscription, "types") if kind in words],
            "receivers": people if people != [ACTOR] else None,
            "groups": texts(subscription, "groups"),
            "content": text(subscription, "content") or None,
            "chat-id": texts(subscription, "wechatGroup"),
            "content-format": "markdown" if flag(subscription, "wechatGroupMarkdownFlag") else None,
            "attach-build-url": flag(subscription, "detailFlag") or None,
        }
    )
