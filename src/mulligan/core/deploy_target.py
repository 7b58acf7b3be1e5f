"""What a deploy stage deploys to: read from its inputs. Pure.

A target is described by a text of the user's, the input `info`; if it is a JSON object, the keys of
spec/swr-pipeline-api.md §3.5 are understood, and all others kept.
"""

import re
from typing import Any

import msgspec

from mulligan.core.spec import PipelineSpec, StageSpec, StepSpec

DRIVERS = frozenset({"process", "command", "kubernetes"})
_DEFAULT_DRIVER = "kubernetes"
# Stands in the keys of stored environments: another word would be another environment.
_DEFAULT_MODE = "cceMode"
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


class DeployTarget(msgspec.Struct, frozen=True, kw_only=True):
    """An environment as a stage names it. `problem`: why it can't be used, "" if it can."""

    key: str
    name: str
    driver: str
    application: str = ""
    info: dict[str, Any] = {}
    problem: str = ""


def deploy_step(stage: StageSpec) -> StepSpec | None:
    """Return the step of a stage that deploys and can be rolled back, if it is one that does."""
    for job in stage.jobs:
        for step in job.steps:
            if step.kind == "deploy" and not step.inputs.get("is_task"):
                return step
    return None  # also where several deployments are the tasks of one stage


def read_info(text: str) -> dict[str, Any]:
    """Read a description; a text that is no JSON object is an opaque manifest: no keys."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def target_of(
    project: str, place: str, inputs: dict[str, Any], *, written: str = ""
) -> DeployTarget:
    """Tell which environment the inputs of a deploy step mean.

    Args:
        place: What names the environment of an opaque manifest: "pipeline/stage".
        written: The description before its variables were put in, if that is known.
    """
    problem = ""
    info = read_info(str(inputs.get("info") or ""))
    if not info and (info := read_info(_REFERENCE.sub("0", written))):
        # as a manifest it would go somewhere else
        problem = (
            "the target is no JSON object any more once the variables are put into it: "
            "a value has a quote, a backslash or a line break"
        )
    driver = str(info.get("driver") or _DEFAULT_DRIVER)
    application = str(info.get("application") or "")
    environment = str(info.get("environment") or "")
    if driver not in DRIVERS:
        problem = problem or f"the driver {driver!r} is none of: {' '.join(sorted(DRIVERS))}"
    if not info:
        names = [place]
    elif environment:
        names = [environment, application]
    else:
        if not application:
            problem = problem or "the target has neither environment nor application"
        names = _workload(driver, inputs, info, application)
    key = "/".join(_quoted(name) for name in (project, *names))
    return DeployTarget(
        key=key,
        name=environment or application or place,
        driver=driver,
        application=application,
        info=info,
        problem=problem,
    )


def _workload(
    driver: str, inputs: dict[str, Any], info: dict[str, Any], application: str
) -> list[str]:
    if driver != "kubernetes":
        return [f"{driver}:", application]
    return [
        f"{inputs.get('deploy_mode') or _DEFAULT_MODE}:",
        str(info.get("cluster_id") or info.get("cluster_name") or info.get("server") or ""),
        str(info.get("namespace") or info.get("cluster_ns") or "default"),
        str(info.get("app_type") or "deployments"),
        application,
    ]


def _quoted(name: str) -> str:
    return name.replace("%", "%25").replace("/", "%2F")


def gray_stages(spec: PipelineSpec) -> list[int]:
    """Return the positions of the stages that put a grey release out."""
    found = []
    for position, stage in enumerate(spec.stages):
        step = deploy_step(stage)
        if step is not None and step.inputs.get("act") == "gray":
            found.append(position)
    return found


def keeps_stable(step: StepSpec) -> bool:
    """Tell whether a grey release by canary: only then its promotion can be rolled back (F11)."""
    if step.inputs.get("gray_mode") == "istio":
        return False
    gray = read_info(str(step.inputs.get("info") or "")).get("gray")
    strategy = gray.get("strategy") if isinstance(gray, dict) else None
    return strategy in {None, "", "canary"}
