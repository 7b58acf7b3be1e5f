"""Kind "build": a script over sources and packages, and the files that it makes.

Inputs: basic_env, script, image (with SelfPkgBuild), sources, packages, publish, enable_cache.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mulligan.core.prepare import StepOrder
from mulligan.executors.caches import cache_folder
from mulligan.executors.ends import REPORT
from mulligan.executors.kinds.base import (
    CannotRunError,
    Here,
    Program,
    digest_of,
    own_program,
    plain_name,
)
from mulligan.executors.scripts import prepare_script

OWN_IMAGE = "SelfPkgBuild"


def prepare(order: StepOrder, here: Here) -> Program:
    """Run the script in a folder with the inputs, then keep what it shall publish."""
    return script_program(order, here, {"publish": publish_of(order)})


def script_program(order: StepOrder, here: Here, more: Mapping[str, object]) -> Program:
    """Make the program that lays out the inputs, runs the script and does what `more` says."""
    inputs = order.inputs
    text = str(inputs.get("script") or "")
    env = dict(here.env)
    work: dict[str, object] = {"act": "build", **layout_of(order, here), **more}
    from_cache: dict[str, str] = {}
    if inputs.get("enable_cache") in (True, "true"):
        cache = cache_folder(here.place.root / "caches", order.pipeline, order.job_id)
        cache.mkdir(parents=True, exist_ok=True)
        from_cache = cache_environment(cache)
        work["cache"] = os.fspath(cache)
    env |= from_cache
    if inputs.get("basic_env") == OWN_IMAGE:
        file = here.temp / "script.sh"
        file.write_bytes(text.replace("\r\n", "\n").encode("utf-8", "surrogateescape"))
        names = sorted({*order.env, *from_cache, "CI", "MULLIGAN_ATTEMPT", "MULLIGAN_RUN_ATTEMPT"})
        work |= {"container": container_of(order, here), "pass_on": names, "script": str(file)}
    else:
        work["argv"] = prepare_script("SH", text, temp_dir=os.fspath(here.temp), path=env["PATH"])
    return Program(
        argv=own_program(here, work),
        env=env,
        cwd=here.workspace,
        commands=True,
        leaves_files=True,
    )


def layout_of(order: StepOrder, here: Here) -> dict[str, object]:
    """Say what the work folder shall hold, by digests of the content store."""
    sources, packages = [], []
    names = order.inputs.get("file_names") or {}  # of packages whose only file is meant
    for index, source in enumerate(_entries(order, "sources")):
        digest = digest_of(order, f"source:{source.get('name')}")
        folder = plain_name(source.get("name"), "the folder of a source") if index else ""
        sources.append({"name": source.get("name"), "folder": folder, "digest": digest})
    for package in _entries(order, "packages"):
        digest = digest_of(order, f"package:{package.get('name')}")
        known = names.get(f"package:{package.get('name')}")
        path = str(package.get("file_path") or known or package.get("name") or "")
        name = plain_name(path.rstrip("/").rpartition("/")[2], "a package file")
        packages.append({"name": name, "digest": digest})
    return {
        "sources": sources,
        "packages": packages,
        "store": os.fspath(here.place.artifacts),
        "temp": os.fspath(here.temp),
        "report": os.fspath(here.temp / REPORT),
    }


def publish_of(order: StepOrder) -> list[str]:
    """Give the files to publish, as paths in the work folder, in their order."""
    paths = [
        str(entry.get("local_file_path") or "").strip() for entry in _entries(order, "publish")
    ]
    if not all(paths):
        raise CannotRunError("config", "an output has no local_file_path")
    return paths


def container_of(order: StepOrder, here: Here) -> dict[str, object]:
    """Say which image the script runs in, and how to get it."""
    image = order.inputs.get("image")
    if isinstance(image, Mapping):
        name = image_name(image)
        if not here.place.registry:
            raise CannotRunError("config", NO_REGISTRY)
        name = f"{here.place.registry}/{name}"
    else:
        name = str(image or "")
    if not name or name.startswith("-"):
        raise CannotRunError("config", f"{OWN_IMAGE} needs the name of an image")
    return {"image": name, **registry_of(here)}


NO_REGISTRY = "no image registry is configured: the setting images.registry is empty"


def registry_of(here: Here) -> dict[str, object]:
    """Say how the programs for images reach the registry."""
    return {"registry": here.place.registry, "auth_file": here.place.auth_file}


def image_name(image: Mapping[str, Any]) -> str:
    """Give `namespace/repository:tag` of an image; without tag `latest`."""
    namespace, repository = image.get("namespace"), image.get("repository")
    if not namespace or not repository:
        raise CannotRunError("config", "an image needs a namespace and a repository")
    return f"{namespace}/{repository}:{image.get('tag') or 'latest'}"


def cache_environment(cache: Path) -> dict[str, str]:
    """Tell the usual tools to keep what they download in a cache."""
    maven = f"{os.environ.get('MAVEN_OPTS', '')} -Dmaven.repo.local={cache}/m2"
    return {
        "MULLIGAN_CACHE": os.fspath(cache),
        "XDG_CACHE_HOME": f"{cache}/xdg",
        "GOMODCACHE": f"{cache}/go",
        "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip(),  # else not deletable
        "GRADLE_USER_HOME": f"{cache}/gradle",
        "MAVEN_OPTS": maven.strip(),
        "npm_config_cache": f"{cache}/npm",
    }


def _entries(order: StepOrder, what: str) -> list[Mapping[str, Any]]:
    entries = order.inputs.get(what) or []
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise CannotRunError("config", f"{what} is not a list of objects")
    return list(entries)
