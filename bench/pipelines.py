"""BK-CI models of the pipelines that the rows run."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.client import Json


def step(name: str, script: str) -> Json:
    """Return a task that runs `script` in the shell."""
    return {
        "@type": "linuxScript",
        "id": f"e-{uuid.uuid4().hex}",
        "name": name,
        "scriptType": "SHELL",
        "script": script,
    }


def job(name: str, *steps: Json) -> Json:
    """Return a job."""
    return {"@type": "normal", "jobId": name, "name": name, "elements": [*steps]}


def pipeline(name: str, *stages: Sequence[Json]) -> Json:
    """Return a model with a manual trigger; each stage is given by its jobs."""
    trigger: Json = {"@type": "manualTrigger", "name": "manual", "id": f"e-{uuid.uuid4().hex}"}
    first: Json = {"@type": "trigger", "name": "trigger", "params": [], "elements": [trigger]}
    model: Json = {"name": name, "desc": "", "stages": []}
    number = 0
    for place, jobs in enumerate([[first], *stages], 1):
        containers = []
        for each in jobs:
            containers.append({**each, "id": str(number)})
            number += 1
        model["stages"].append(
            {"id": f"stage-{place}", "name": f"stage-{place}", "containers": containers}
        )
    return model


def chain(name: str, *scripts: str) -> Json:
    """Return a model with one job whose steps run `scripts`."""
    steps = [step(f"step{number}", script) for number, script in enumerate(scripts, 1)]
    return pipeline(name, [job("chain", *steps)])


def fan(name: str, jobs: int, script: str) -> Json:
    """Return a model with `jobs` jobs of one step side by side in one stage."""
    return pipeline(name, [job(f"job{n}", step(f"step{n}", script)) for n in range(jobs)])


def task_ids(model: Json) -> list[str]:
    """Return the ids of all tasks of a model in order, without the trigger's."""
    stages = model["stages"][1:]
    return [e["id"] for s in stages for c in s["containers"] for e in c["elements"]]
