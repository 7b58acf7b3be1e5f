"""The market's sample templates: definitions with blanks to fill in (spec §2.9)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from mulligan.facades.swr.fields import Json

MADE_AT = datetime(2020, 3, 1, tzinfo=UTC)
_BUILD, _DEPLOY, _GRAY, _MANY = "image-build", "image-deploy", "gray-release", "multi-environment"
LABELS: dict[str, Json] = {
    _BUILD: {"id": 1, "name": "镜像构建", "describe": _BUILD},
    _DEPLOY: {"id": 2, "name": "镜像部署", "describe": _DEPLOY},
    _GRAY: {"id": 3, "name": "灰度发布", "describe": _GRAY},
    _MANY: {"id": 4, "name": "多环境部署", "describe": _MANY},
}
_HANDLER: Json = {"type": "timeout_reset", "params": {"timespan": 72}}
_IMAGE: Json = {"namespace": "", "repository": "", "tag": ""}
_PACKAGE: Json = {"namespace": "", "package": "", "version": "", "file_path": ""}


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A sample template. Its stages have ids, and blanks where a user must fill something in."""

    number: int
    name: str
    description: str
    label: str
    stages: list[Json]
    params: list[Json] = []


def label_of(text: str) -> Json:
    """Give the label that a text names, or one of that name."""
    for label in LABELS.values():
        if text in {label["name"], label["describe"], str(label["id"])}:
            return label
    return {"id": 0, "name": text, "describe": ""}


def _source(_index: int) -> Json:
    params = {"branch": "", "git_repo": "", "git_type": "", "tag": "", "url": "//.git"}
    return _stage("源代码仓库", "code_source", params)


def _compile(_index: int) -> Json:
    params = {"basic_env": "java", "enable_cache": False, "jenkins_shell": "mvn package"}
    output = _PACKAGE | {"local_file_path": ""}
    return _stage(
        "编译构建",
        "jenkins_build",
        params,
        inputs=[_resource("code", "code_source", {"stage_index": "0"})],
        outputs=[_resource("package", "package", output)],
    )


def _image(kind: str) -> Callable[[int], Json]:
    """Give an image build from the source, from a package, or from both."""

    def make(_index: int) -> Json:
        inputs = []
        if "source" in kind:
            inputs.append(_resource("code", "code_source", {"stage_index": "0"}))
        if "package" in kind:
            inputs.append(_resource("package", "package", dict(_PACKAGE)))
        params: Json = {"basic_env": "dockerfile_path", "build_way": "system_custom"}
        params["dockerfile_path"] = "./Dockerfile"
        if "source" not in kind:
            params = {**params, "basic_env": "dockerfile", "dockerfile_content": ""}
            del params["dockerfile_path"]
        outputs = [_resource("image", "image", dict(_IMAGE))]
        return _stage("镜像构建", "dockerfile_build", params, inputs=inputs, outputs=outputs)

    return make


def _review(_index: int) -> Json:
    return _stage("人工审核", "test_review", {"review_mode": "all", "review_users": []})


def _deploy(_index: int) -> Json:
    params = {"deploy_mode": "cceMode", "input_info": ""}
    return _stage(
        "正式发布", "official_deploy", params, inputs=[_resource("image", "image", _IMAGE)]
    )


def _promote(_index: int) -> Json:
    return _stage("正式发布", "official_deploy", {"deploy_mode": "cceMode", "input_info": ""})


def _gray(_index: int) -> Json:
    params = {"deploy_mode": "cceMode", "gray_mode": "service", "input_info": ""}
    return _stage("灰度发布", "gray_deploy", params, inputs=[_resource("image", "image", _IMAGE)])


def _measure(_index: int) -> Json:
    params = {"basic_env": "java", "report_path": "", "success_rate": 0, "test_shell": ""}
    return _stage("性能测试", "performance_test", params)


def _resource(name: str, kind: str, params: Json) -> Json:
    return {"name": name, "type": kind, "params": dict(params)}


def _stage(
    name: str,
    service: str,
    params: Json,
    *,
    inputs: list[Json] | None = None,
    outputs: list[Json] | None = None,
) -> Json:
    found: Json = {
        "id": 0,
        "name": name,
        "service_name": service,
        "is_task": False,
        "params": dict(params),
    }
    if inputs:
        found["input_resources"] = inputs
    if outputs:
        found["output_resources"] = outputs
    return found | {"exception_handler": dict(_HANDLER)}


_SHAPES: tuple[tuple[str, str, str, tuple[Any, ...]], ...] = (
    (
        "源码构建镜像 Source to image",
        "从源代码仓库构建镜像。 Builds an image from a source code repository.",
        _BUILD,
        (_source, _image("source")),
    ),
    (
        "编译并构建镜像 Compile and image",
        "编译源代码，归档软件包，再构建镜像。 Compiles, archives a package, and builds an image.",
        _BUILD,
        (_source, _compile, _image("package")),
    ),
    (
        "源码和二进制构建镜像 Source plus binary to image",
        "用源代码和软件包构建镜像。 Builds an image from the source and a package.",
        _BUILD,
        (_source, _image("source package")),
    ),
    (
        "二进制构建镜像 Binary to image",
        "用软件包构建镜像。 Builds an image from a package.",
        _BUILD,
        (_image("package"),),
    ),
    (
        "编译、构建镜像并部署 Compile, image, deploy",
        "编译，构建镜像，正式发布。 Compiles, builds an image, and releases it.",
        _DEPLOY,
        (_source, _compile, _image("package"), _deploy),
    ),
    (
        "源码构建镜像并部署 Source to image and deploy",
        "从源代码构建镜像，正式发布。 Builds an image from source, and releases it.",
        _DEPLOY,
        (_source, _image("source"), _deploy),
    ),
    (
        "二进制构建镜像并部署 Binary, image, deploy",
        "用软件包构建镜像，正式发布。 Builds an image from a package, and releases it.",
        _DEPLOY,
        (_image("package"), _deploy),
    ),
    (
        "二进制构建镜像、审核并部署 Binary, image, review, deploy",
        "构建镜像，人工审核后正式发布。 Builds an image, and releases it after a review.",
        _MANY,
        (_image("package"), _review, _deploy),
    ),
    (
        "构建镜像、部署并测试性能 Image, deploy, performance test",
        "构建镜像，正式发布，测试性能。 Builds an image, releases it, and tests its performance.",
        _DEPLOY,
        (_image("package"), _deploy, _measure),
    ),
    (
        "编译、构建镜像并灰度发布 Compile, image, grey release",
        "灰度发布，审核后正式发布。 Puts out a grey release, after a review the official one.",
        _GRAY,
        (_source, _compile, _image("package"), _gray, _review, _promote),
    ),
)


def _samples() -> tuple[Sample, ...]:
    found = []
    stage_id = 1
    for number, (name, description, label, makers) in enumerate(_SHAPES, 1):
        stages = []
        for index, make in enumerate(makers):
            stages.append({**make(index), "id": stage_id})
            stage_id += 1
        found.append(
            Sample(number=number, name=name, description=description, label=label, stages=stages)
        )
    return tuple(found)


SAMPLES = _samples()
