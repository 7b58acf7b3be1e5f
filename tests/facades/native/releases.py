"""Pipelines that deploy, for tests over the own API; their steps obey the test."""

import json
from typing import Any

from native_client import NativeApi

Json = dict[str, Any]


def deploy_stage(name: str = "release", environment: str = "prod", **info: Any) -> Json:
    """Return a stage that deploys `acme/shop:${VERSION}`."""
    text = json.dumps(
        {
            "driver": "command",
            "environment": environment,
            "application": "shop",
            "deploy": "true",
            **info,
        }
    )
    image = {"namespace": "acme", "repository": "shop", "tag": "${VERSION}"}
    return {
        "name": name,
        "service_name": "official_deploy",
        "params": {"deploy_mode": "cceMode", "input_info": text},
        "input_resources": [{"name": "img", "type": "image", "params": image}],
    }


def build_stage(name: str) -> Json:
    """Return a stage that runs a script."""
    params = {"basic_env": "java", "jenkins_shell": "true"}
    return {"name": name, "service_name": "jenkins_build", "params": params}


def document(*stages: Json, name: str = "shop-release", **fields: Any) -> Json:
    """Return a pipeline of the SWR dialect; without stages it deploys only."""
    params = [{"name": "VERSION", "description": "", "value": "v0"}]
    return {"name": name, "params": params, "stages": [*(stages or (deploy_stage(),))], **fields}


def release(api: NativeApi, pipeline: str, version: str, *ends: str) -> Json:
    """Run a pipeline with a version; return the state of the run, which must end as told."""
    state = api.wait(api.start(pipeline, {"VERSION": version}))
    assert state["status"] in (ends or ("succeeded",)), state
    return state


def only_environment(api: NativeApi) -> Json:
    """Return the only environment of the project."""
    items = api.get("/projects/shop/environments")["items"]
    assert len(items) == 1
    return dict(items[0])


def deployments(api: NativeApi, environment: str, query: str = "") -> list[Json]:
    """Return the deployments of an environment, newest first."""
    path = f"/projects/shop/environments/{environment}/deployments{query}"
    return list(api.get(path)["items"])
