"""Kind "image": build an image from a Dockerfile and push it to the configured registry.

Inputs: dockerfile_content or dockerfile_path, build_path, sources, packages, output. Outputs:
`image` (namespace/repository:tag) and `digest` (sha256:…).
"""

import re
from collections.abc import Mapping

from mulligan.core.prepare import StepOrder
from mulligan.executors.kinds.base import CannotRunError, Here, Program, own_program
from mulligan.executors.kinds.build import NO_REGISTRY, image_name, layout_of, registry_of

_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]*:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def prepare(order: StepOrder, here: Here) -> Program:
    """Build and push."""
    inputs = order.inputs
    content = str(inputs.get("dockerfile_content") or "")
    path = str(inputs.get("dockerfile_path") or "")
    output = inputs.get("output")
    if not content and not path:
        raise CannotRunError("config", "there is neither the text nor the path of a Dockerfile")
    if not isinstance(output, Mapping):
        raise CannotRunError("config", "the image has no output to be pushed to")
    name = image_name(output)
    if not _NAME.fullmatch(name):
        raise CannotRunError("config", f"{name!r} can't be the name of an image")
    if not here.place.registry:
        raise CannotRunError("config", NO_REGISTRY)
    work = {
        "act": "image",
        **layout_of(order, here),
        **registry_of(here),
        "dockerfile_content": content,
        "dockerfile_path": path,
        "build_path": str(inputs.get("build_path") or "."),
        "image": name,
    }
    return Program(
        argv=own_program(here, work),
        env=dict(here.base_env),
        cwd=here.workspace,
        leaves_files=True,
    )
