"""What the step of each stage type gets: its kind and its inputs. Pure."""

from collections.abc import Callable

from mulligan.core.ids import JobId, StepId
from mulligan.facades.swr.deploy_info import parse_info
from mulligan.facades.swr.fields import Json

MULTI_DEPLOY = "multi_deploy"
_HOUR_S = 3600
_WORK_S = 4 * _HOUR_S  # one execution of a stage
_DEPLOY_S = 25 * _HOUR_S  # drivers have limits of their own, of a day at most
_REVIEW_S = 100 * 365 * 24 * _HOUR_S  # waiting for people has no end


def limit_of(kind: str) -> int:
    """Give how long a step of that kind may take, in seconds."""
    return _LIMITS_S.get(kind, _WORK_S)


def job_id(stage_id: int, place: int = 0) -> JobId:
    """Give the id of the job that a stage is, or of one of its tasks."""
    return JobId(f"{stage_id}-{place}" if place else str(stage_id))


def step_id(stage_id: int, place: int = 0) -> StepId:
    """Give the id of the step that a stage is, or of one of its tasks."""
    return StepId(f"e-{place:08x}{stage_id:024x}")


def _source(_index: int, stage: Json, _stages: list[Json]) -> Json:
    params = stage["params"]
    return {key: params[key] for key in ("git_type", "url", "branch", "tag") if key in params}


def _build(_index: int, stage: Json, stages: list[Json]) -> Json:
    params = stage["params"]
    inputs: Json = {
        "basic_env": params["basic_env"],
        "script": params.get("jenkins_shell") or params.get("test_shell", ""),
        "enable_cache": params.get("enable_cache", False),
        "sources": _sources(stage, stages),
        "packages": _packages(stage, "input_resources"),
        "publish": _packages(stage, "output_resources"),
    }
    if "user_basic_image" in params:
        inputs["image"] = params["user_basic_image"]
    for key in ("report_path", "pass_rate", "success_rate"):
        if key in params:
            inputs[key] = params[key]
    return inputs


def _image_build(_index: int, stage: Json, stages: list[Json]) -> Json:
    params = stage["params"]
    outputs = _images(stage, "output_resources")
    texts = ("dockerfile_content", "dockerfile_path", "build_path", "basic_env")
    return {
        **{key: params[key] for key in texts if key in params},
        "sources": _sources(stage, stages),
        "packages": _packages(stage, "input_resources"),
        "images": _images(stage, "input_resources"),
        "output": outputs[0] if outputs else None,
    }


def _review(_index: int, stage: Json, _stages: list[Json]) -> Json:
    params = stage["params"]
    users = [each["user_name"] for each in params["review_users"]]
    emails = {
        each["user_name"]: each["email"] for each in params["review_users"] if "email" in each
    }
    found: Json = {"reviewUsers": users, "decide": params["review_mode"]}
    return found | ({"emails": emails} if emails else {})


def _deploy(index: int, stage: Json, stages: list[Json]) -> Json:
    is_gray = stage["service_name"] == "gray_deploy"
    return {
        "act": "gray" if is_gray else "deploy",
        "info": stage["params"]["input_info"],
        "deploy_mode": stage["params"]["deploy_mode"],
        "gray_mode": stage["params"].get("gray_mode", ""),
        "after_gray": "" if is_gray else _gray_before(index, stages),
        **_released(stage),
    }


def task_inputs(stage: Json, task: Json) -> Json:
    """Give the inputs of one deployment of several."""
    return {
        "act": "deploy",
        "info": task["input_info"],
        "deploy_mode": task["deploy_mode"],
        "gray_mode": "",
        "after_gray": "",
        "is_task": True,
        **_released(stage),
    }


def _no_inputs(_index: int, _stage: Json, _stages: list[Json]) -> Json:
    return {}  # each task has its own


def _released(stage: Json) -> Json:
    images = _images(stage, "input_resources")
    return {
        "image": images[0] if images else None,
        "packages": _packages(stage, "input_resources"),
    }


def _gray_before(index: int, stages: list[Json]) -> str:
    """Give the step of the grey release that an official release promotes, "" for none.

    That is the nearest one before it which no other official release has promoted, unless this
    one names another target.
    """
    official = stages[index]["params"]["input_info"]
    for earlier in reversed(stages[:index]):
        if earlier["service_name"] == "gray_deploy":
            if is_same_target(official, earlier["params"]["input_info"]):
                return step_id(earlier["id"])
            return ""
        if earlier["service_name"] == "official_deploy":
            return ""
    return ""


def is_same_target(official: str, gray: str) -> bool:
    """Tell whether the settings of an official release leave it at the grey one's target."""
    one, other = parse_info(official), parse_info(gray)
    if one is None or other is None:
        return not official.strip() or one is other is None
    keys = ("environment", "application", "cluster_id", "cluster_name", "namespace", "cluster_ns")
    return all(one.get(key, other.get(key)) == other.get(key) for key in keys)


KINDS: dict[str, tuple[str, Callable[[int, Json, list[Json]], Json]]] = {
    "code_source": ("source", _source),
    "jenkins_build": ("build", _build),
    "dockerfile_build": ("image", _image_build),
    "test_review": ("review", _review),
    "official_deploy": ("deploy", _deploy),
    "gray_deploy": ("deploy", _deploy),
    "unit_test": ("unit_test", _build),
    "performance_test": ("performance_test", _build),
    MULTI_DEPLOY: ("deploy", _no_inputs),
}


_LIMITS_S = {"review": _REVIEW_S, "deploy": _DEPLOY_S}


# --- resources ------------------------------------------------------------------------------------


def _sources(stage: Json, stages: list[Json]) -> list[Json]:
    return [
        {"name": each["name"], "step": step_id(stages[int(each["params"]["stage_index"])]["id"])}
        for each in stage.get("input_resources", [])
        if each["type"] == "code_source"
    ]


def _images(stage: Json, key: str) -> list[Json]:
    return [dict(each["params"]) for each in stage.get(key, []) if each["type"] == "image"]


def _packages(stage: Json, key: str) -> list[Json]:
    found = []
    for each in stage.get(key, []):
        if each["type"] != "package":
            continue
        package: Json = dict(each["params"])
        package.setdefault("file_path", "")
        found.append(package if key == "output_resources" else {"name": each["name"], **package})
    return found
