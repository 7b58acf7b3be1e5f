"""Definitions of the SWR dialect for tests."""

from copy import deepcopy
from typing import Any

from mulligan.facades.swr.triggers_in import Rules

Json = dict[str, Any]
HANDLER: Json = {"type": "timeout_reset", "params": {"timespan": 72}}
INFO = '{"driver":"command","application":"shop","deploy":"sh deploy.sh","x":  1}'
IMAGE: Json = {"namespace": "acme", "repository": "shop", "tag": "${ENV}.${SYS_TIMESTAMP}"}
PACKAGE: Json = {
    "namespace": "acme",
    "package": "libs%20shop",
    "version": "V${SYS_INCREMENT}",
    "file_path": "shop.war",
}


class CountedIds:
    """Identifiers 1, 2, 3 …"""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        """Return the next number in 32 hexadecimal digits."""
        self._last += 1
        return f"{self._last:032x}"


def rules(*, allows_private: bool = False) -> Rules:
    """Return the rules of a server."""
    return Rules(new_id=CountedIds(), allows_private=allows_private)


def source(**params: object) -> Json:
    """Return a code_source stage; None takes a param away."""
    given = {"git_type": "github", "url": "https://example.com/acme/shop.git", "branch": "main"}
    kept = {key: value for key, value in {**given, **params}.items() if value is not None}
    return {"name": "source", "service_name": "code_source", "params": kept}


def build(name: str = "compile", **fields: object) -> Json:
    """Return a jenkins_build stage."""
    params = {"basic_env": "java", "jenkins_shell": "mvn package"}
    return {"name": name, "service_name": "jenkins_build", "params": params, **fields}


def image(**params: object) -> Json:
    """Return a dockerfile_build stage."""
    given = params or {"dockerfile_content": "FROM tomcat:9"}
    return {"name": "image", "service_name": "dockerfile_build", "params": given}


def review(mode: str = "all", *users: str) -> Json:
    """Return a test_review stage."""
    found = [{"user_name": user} for user in users or ("ann", "bob")]
    params = {"review_mode": mode, "review_users": found}
    return {"name": "review", "service_name": "test_review", "params": params}


def deploy(info: str = INFO, **fields: object) -> Json:
    """Return an official_deploy stage."""
    params = {"deploy_mode": "cceMode", "input_info": info}
    return {"name": "release", "service_name": "official_deploy", "params": params, **fields}


def gray(info: str = "", **fields: object) -> Json:
    """Return a gray_deploy stage."""
    params = {"deploy_mode": "cceMode", "gray_mode": "service", "input_info": info}
    return {"name": "grey", "service_name": "gray_deploy", "params": params, **fields}


def resource(kind: str, name: str = "", **params: object) -> Json:
    """Return a resource."""
    return {"name": name or kind, "type": kind, "params": params}


def definition(*stages: Json, **fields: object) -> Json:
    """Return a body of the create call; a build stage when none is given."""
    return deepcopy({"name": "shop-web", "stages": [*(stages or (build(),))], **fields})


def shop() -> Json:
    """Return the published example: source, compile, image, release."""
    return definition(
        source(),
        build(
            input_resources=[resource("code_source", "src", stage_index="0")],
            output_resources=[
                resource("package", "war", **PACKAGE, local_file_path="target/shop.war")
            ],
            exception_handler=HANDLER,
        ),
        {
            **image(dockerfile_content="FROM tomcat:9\nADD . /webapps"),
            "input_resources": [resource("package", "war", **PACKAGE)],
            "output_resources": [resource("image", "img", **IMAGE)],
        },
        deploy(input_resources=[resource("image", "img", **IMAGE)]),
        description="web shop",
        params=[{"name": "ENV", "description": "target", "value": "test"}],
        pre_operation={
            "operator": "or",
            "triggers": [
                {
                    "webhook": {},
                    "pipeline_param_converts": [{"name": "env", "pipeline_param_name": "ENV"}],
                },
                {"channel": {"name": "base-image-ready"}},
            ],
        },
    )
