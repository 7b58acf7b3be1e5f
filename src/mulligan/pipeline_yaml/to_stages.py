"""Stages of YAML to stages of the model (spec/bkci-yaml-and-plugins.md §1.3, §1.6, §1.8)."""

from collections.abc import Iterator

from mulligan.pipeline_yaml.fields import Fields, Json, Origins, plain, present
from mulligan.pipeline_yaml.shapes import V2, V3
from mulligan.pipeline_yaml.to_common import read_condition, read_paths
from mulligan.pipeline_yaml.to_jobs import Jobs
from mulligan.pipeline_yaml.to_settings import NOTICE_TYPES
from mulligan.pipeline_yaml.tree import Node

FINALLY = "Finally"
ONLY_STAGE = "stage_1"
LABELS = {
    "Build": "28ee946a59f64949a74f3dee40a1bda4",
    "Test": "d0a06f6986fa4670af65ccad7bb49d3a",
    "Deploy": "53b4d3f38e3e425cb1aaa97aa1b37857",
    "Approve": "5168be68b9764edb91aa5b866e51a1a8",
}
DEFAULT_HOURS = 24
REVIEW_TYPES = {
    "INPUT": "STRING",
    "TEXTAREA": "TEXTAREA",
    "SELECTOR": "ENUM",
    "SELECTOR-MULTIPLE": "MULTIPLE",
    "BOOL": "BOOLEAN",
    "CHECKBOX": "CHECKBOX",
}


def read_stages(root: Fields, jobs: Jobs, origins: Origins) -> Iterator[Json]:
    """Yield all stages after the trigger stage."""
    if root.has("stages"):
        for number, stage in enumerate(root.parts("stages"), 1):
            yield origins.mark(_stage(stage, number, jobs, origins), stage.node)
    else:
        body = root.node.content.get("jobs") or root.node.content["steps"]
        yield origins.mark(_only_stage(root, jobs, origins), body)
    last = root.get("finally")
    if last is not None:
        containers = list(jobs.read(last, in_finally=True))
        yield origins.mark({"name": FINALLY, "finally": True, "containers": containers}, last)


def _only_stage(root: Fields, jobs: Jobs, origins: Origins) -> Json:
    given = root.get("jobs")
    if given is not None:
        containers = list(jobs.read(given))
    else:
        steps = root.node.content["steps"]
        job = Node(steps.line, steps.column, {"steps": steps}, file=steps.file)
        containers = [origins.mark(jobs.job("", Fields(job, root.version)), steps)]
    return {"name": ONLY_STAGE, "tag": [LABELS["Build"]], "containers": containers}


def _stage(stage: Fields, number: int, jobs: Jobs, origins: Origins) -> Json:
    return present(
        {
            "name": stage.text("name") or f"stage-{number}",
            "stageIdForUser": stage.text("id"),
            "tag": [LABELS[word] for word in stage.texts("label") or ["Build"]],
            "fastKill": stage.flag("fast-kill"),
            "stageControlOption": {
                "enable": stage.flag("enable", default=True),
                "runCondition": "AFTER_LAST_FINISHED",
                **read_condition(stage),
                **read_paths(stage),
            },
            "checkIn": _check_in(stage, origins),
            "checkOut": _check_out(stage, origins),
            "containers": list(jobs.read(stage.node.content["jobs"])),
        }
    )


def _check_in(stage: Fields, origins: Origins) -> Json:
    part = stage.part("check-in")
    reviews = part.part("reviews")
    rules, gates = part.texts("rules"), _gates(part, origins)
    if not reviews.node.content:
        return present({"ruleIds": rules, "gates": gates})
    made = present(
        {
            "manualTrigger": True,
            "ruleIds": rules,
            "gates": gates,
            "reviewGroups": [
                origins.mark(_flow(flow, number), flow.node)
                for number, flow in enumerate(reviews.parts("flows"), 1)
            ],
            "reviewParams": [
                origins.mark(_variable(name, Fields(item, stage.version)), item)
                for name, item in reviews.members("variables")
            ],
            "reviewDesc": reviews.text("description"),
            "notifyType": reviews.texts("notify-type"),
            "notifyGroup": reviews.texts("chat-id"),
        }
    )
    made["timeout"] = part.whole("timeout-hours", DEFAULT_HOURS)
    if reviews.text("content-format") == "markdown":
        made["markdownContent"] = True
    return origins.mark(made, part.node)


def _check_out(stage: Fields, origins: Origins) -> Json:
    part = stage.part("check-out")
    return present({"ruleIds": part.texts("rules"), "gates": _gates(part, origins)})


def _gates(check: Fields, origins: Origins) -> list[Json]:
    return [origins.mark(_gate(gate), gate.node) for gate in check.parts("gates")]


def _gate(gate: Fields) -> Json:
    return present(
        {
            "name": gate.text("name"),
            "rules": gate.texts("rule"),
            "gatekeepers": gate.part("continue-on-fail").texts("gatekeepers"),
            "notices": [
                {
                    "types": [NOTICE_TYPES[word] for word in notice.texts("type")],
                    "receivers": notice.texts("receivers"),
                }
                for notice in gate.parts("notify-on-fail")
            ],
        }
    )


def _flow(flow: Fields, number: int) -> Json:
    return present(
        {
            "name": flow.text("name") or f"Flow {number}",
            "reviewers": flow.texts("reviewers"),
            "groups": flow.texts("groups"),
        }
    )


def _variable(name: str, part: Fields) -> Json:
    kind = REVIEW_TYPES[part.text("type", "INPUT")]
    default = part.get("default")
    value = plain(default) if default is not None else None
    if kind == "BOOLEAN" and default is not None:
        value = default.text.lower() == "true"
    elif kind == "CHECKBOX":
        value = False
    elif isinstance(value, int):
        value = default.text if default is not None else value
    return present(
        {
            "key": name if part.version == V3 else f"variables.{name}",
            "chineseName": part.text("label"),
            "valueType": kind,
            "required": part.flag("required") or part.version == V2,
            "desc": part.text("description"),
            "options": [{"key": text, "value": text} for text in part.texts("values")],
            "value": value,
        }
    )
