"""Pipeline definitions of the dialect as JSON values, and repositories to build from."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

DEFAULT_HANDLER: Json = {"type": "timeout_reset", "params": {"timespan": 72}}
RETURN_TO_START: Json = {"type": "return_to_start"}
IGNORE_ERROR: Json = {"type": "ignore_error"}
IMAGE_TAG = "${ENV}.${SYS_TIMESTAMP}"


def make_repository(directory: Path, files: Mapping[str, str], name: str = "shop") -> str:
    """Make a bare repository with one commit on `main` and return its `file://` address."""
    work, bare = directory / f"{name}.work", directory / f"{name}.git"
    work.mkdir(parents=True)
    _git(work, "init", "-q", "-b", "main")
    commit(work, files)
    _git(directory, "clone", "-q", "--bare", str(work), str(bare))
    return f"file://{bare}"


def commit(work: Path, files: Mapping[str, str], *, push_to: str | None = None) -> None:
    """Commit files in a work tree, and push `main` when an address is given."""
    for name, text in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text, encoding="utf-8")
    _git(work, "add", "-A")
    person = ("-c", "user.name=dev1", "-c", "user.email=dev1@example.com")
    _git(work, *person, "commit", "-q", "-m", "change")
    if push_to is not None:
        _git(work, "push", "-q", push_to, "main")


def _git(directory: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=directory, check=True, capture_output=True)


def webhook(**converts: str) -> Json:
    """Return a webhook trigger; `converts` gives the variable for each parameter."""
    found = [{"name": k, "pipeline_param_name": v} for k, v in converts.items()]
    return {"webhook": {}, **({"pipeline_param_converts": found} if found else {})}


def channel(name: str, **converts: str) -> Json:
    """Return a channel trigger."""
    found = [{"name": k, "pipeline_param_name": v} for k, v in converts.items()]
    return {"channel": {"name": name}, **({"pipeline_param_converts": found} if found else {})}


def triggers(operator: str, *found: Json) -> Json:
    """Return a pre_operation (or, for its `triggers`, a post_operation)."""
    return {"operator": operator, "triggers": [*found]}


def image_input(tag: str) -> Json:
    """Return the image `acme/shop` with a tag as a resource."""
    params = {"namespace": "acme", "repository": "shop", "tag": tag}
    return {"name": "img", "type": "image", "params": params}


def source_input(index: int = 0, name: str = "src") -> Json:
    """Return the result of a code_source stage as a resource."""
    return {"name": name, "type": "code_source", "params": {"stage_index": str(index)}}


def package(version: str, file: str, local: str | None = None, name: str = "libs%20shop") -> Json:
    """Return a package as a resource; `local` makes it an output."""
    params = {"namespace": "acme", "package": name, "version": version, "file_path": file}
    if local is not None:
        params["local_file_path"] = local
    return {"name": "pkg", "type": "package", "params": params}


def source(url: str, name: str = "source", **params: object) -> Json:
    """Return a code_source stage of the branch `main`."""
    found = {"git_type": "github", "url": url, "branch": "main", **params}
    kept = {key: value for key, value in found.items() if value is not None}
    return {"name": name, "service_name": "code_source", "params": kept}


def build(name: str, script: str, **fields: object) -> Json:
    """Return a jenkins_build stage that runs a shell text."""
    params = {"basic_env": "java", "jenkins_shell": script}
    return {"name": name, "service_name": "jenkins_build", "params": params, **fields}


def review(mode: str, *users: str, name: str = "review", **fields: object) -> Json:
    """Return a test_review stage."""
    params = {"review_mode": mode, "review_users": [{"user_name": user} for user in users]}
    return {"name": name, "service_name": "test_review", "params": params, **fields}


def deploy(info: str, tag: str | None = "${VERSION}", name: str = "release", **fields: Any) -> Json:
    """Return an official_deploy stage of the image `acme/shop` with a tag."""
    inputs = {} if tag is None else {"input_resources": [image_input(tag)]}
    params = {"deploy_mode": "cceMode", "input_info": info}
    stage = {"name": name, "service_name": "official_deploy", "params": params}
    return {**stage, **inputs, **fields}


def gray(info: str, tag: str = "${VERSION}", mode: str = "service", name: str = "gray") -> Json:
    """Return a gray_deploy stage of the image `acme/shop` with a tag."""
    params = {"deploy_mode": "cceMode", "gray_mode": mode, "input_info": info}
    stage = {"name": name, "service_name": "gray_deploy", "params": params}
    return {**stage, "input_resources": [image_input(tag)]}


def definition(stages: Sequence[Json], **fields: object) -> Json:
    """Return a pipeline with a variable VERSION and no name yet."""
    params = [{"name": "VERSION", "description": "what is deployed", "value": "v0"}]
    return {"description": "", "params": params, "stages": [*stages], **fields}


def release_only(target: Target, **more: object) -> Json:
    """Return a pipeline whose only stage deploys `acme/shop:${VERSION}`."""
    return definition([deploy(target.info(**more))])


def gray_release(
    target: Target, strategy: str = "canary", mode: str = "service", **more: object
) -> Json:
    """Return grey release, review by dev1, official release; `more` as in `Target.info`."""
    info = target.gray_info(**more)
    if strategy != "canary":
        info = info.replace('"strategy": "canary"', f'"strategy": "{strategy}"')
    stages = [gray(info, mode=mode), review("one", "dev1"), deploy("", tag=None)]
    return definition(stages)


def builds(bench: Workbench, *names: str, **fields: object) -> Json:
    """Return a pipeline of build stages that a test can break, hold and count."""
    return definition([build(name, bench.script(name)) for name in names], **fields)


def shop(bench: Workbench, target: Target, url: str) -> Json:
    """Return the published example with stage types that need no container engine.

    Source, compile (package out), image (package in), release of `acme/shop:ENV.SYS_TIMESTAMP`.
    """
    archive = ("mkdir -p target", "cp index.html target/shop.war")
    compiled = package("V${SYS_INCREMENT}", "shop.war", "target/shop.war")
    used = package("V${SYS_INCREMENT}", "shop.war")
    image = bench.script("image", "test -s shop.war", bench.note("built ${ENV}"))
    handler = {"exception_handler": DEFAULT_HANDLER}
    return {
        "description": "web shop",
        "params": [{"name": "ENV", "description": "target", "value": "test"}],
        "pre_operation": triggers("or", webhook(env="ENV"), channel("base-image-ready")),
        "stages": [
            source(url),
            build(
                "compile",
                bench.script("compile", *archive),
                input_resources=[source_input()],
                output_resources=[compiled],
                **handler,
            ),
            build("image", image, input_resources=[used], **handler),
            deploy(target.info(), IMAGE_TAG),
        ],
    }
