"""Jobs of YAML to containers of the model (spec/bkci-yaml-and-plugins.md §1.7)."""

import json
import re
from collections.abc import Iterator

from mulligan.pipeline_yaml.fields import Fields, Json, Origins, plain, present, scalar
from mulligan.pipeline_yaml.findings import Findings
from mulligan.pipeline_yaml.shapes import is_expression
from mulligan.pipeline_yaml.to_common import read_condition, read_paths, read_timeout
from mulligan.pipeline_yaml.to_steps import read_step
from mulligan.pipeline_yaml.tree import Node

DEFAULT_IMAGE = "tlinux3_ci"
DEFAULT_IMAGE_VERSION = "2.*"
SYSTEMS = {"linux": "LINUX", "macos": "MACOS", "windows": "WINDOWS"}
DEFAULT_MUTEX_MINUTES = 900
OLD_MUTEX_MINUTES = 10
DEFAULT_MUTEX_QUEUE = 5
# Pools of the predecessor that are images or nothing in particular.
_OLD_DOCKER = re.compile(r"docker-on-.*")
_OLD_MACHINES = re.compile(r"local|macos-.*|windows-.*")
FINALLY_WORDS = {
    "SUCCESS": "PREVIOUS_STAGE_SUCCESS",
    "FAILURE": "PREVIOUS_STAGE_FAILED",
    "CANCELED": "PREVIOUS_STAGE_CANCEL",
    "ALWAYS": "STAGE_RUNNING",
}


class Jobs:
    """Reads the jobs of one file."""

    def __init__(self, version: str, origins: Origins, findings: Findings) -> None:
        self._version = version
        self._origins = origins
        self._findings = findings

    def read(self, jobs: Node, *, in_finally: bool = False) -> Iterator[Json]:
        """Yield the containers of a map of jobs."""
        for name, item in jobs.content.items():
            part = Fields(item, self._version)
            yield self._origins.mark(self.job(name, part, in_finally=in_finally), item)

    def job(self, name: str, part: Fields, *, in_finally: bool = False) -> Json:
        """Return a container. `name`: its id; "" = one is made when it is stored."""
        machine = self._machine(part)
        is_agentless = machine["@type"] == "normal"
        made: Json = {
            **machine,
            "name": part.text("name") or name or "job1",
            **({"jobId": name} if name else {}),
            "customEnv": part.pairs("env"),
            "jobControlOption": self._control(part, in_finally=in_finally),
            "mutexGroup": _mutex(part),
        }
        if part.flag("show-runs-on"):
            made["showBuildResource"] = True
        checkpoint = part.text("checkpoint")
        if checkpoint:
            made["checkpoint"] = checkpoint
        strategy = part.part("strategy")
        if strategy.node.content:
            made |= {"matrixGroupFlag": True, "matrixControlOption": _strategy(strategy)}
        windows = made.get("baseOS") == "WINDOWS"
        made["elements"] = [
            self._origins.mark(
                read_step(step, is_agentless=is_agentless, on_windows=windows), step.node
            )
            for step in part.parts("steps")
        ]
        return present(made)

    def _control(self, part: Fields, *, in_finally: bool) -> Json:
        machine = part.part("runs-on")
        made: Json = {
            "enable": part.flag("enable", default=True),
            **read_timeout(part),
            "runCondition": "STAGE_RUNNING",
            **read_condition(part),
            **read_paths(part),
        }
        if in_finally and part.text("if").strip() in FINALLY_WORDS:
            del made["customCondition"]
            made["runCondition"] = FINALLY_WORDS[part.text("if").strip()]
        needed = part.texts("depend-on")
        if needed:
            made |= {"dependOnType": "NAME", "dependOnName": ",".join(needed)}
        if part.flag("continue-on-error"):
            made["continueWhenFailed"] = True
        for key, member in (
            ("queue-timeout-minutes", "prepareTimeout"),
            ("concurrency-limit-per-node", "singleNodeConcurrency"),
            ("concurrency-limit-total", "allNodeConcurrency"),
        ):
            if machine.get(key) is not None:
                made[member] = machine.whole(key, 0)
        return made

    # --- where it runs --------------------------------------------------------------------------

    def _machine(self, part: Fields) -> Json:
        given = part.get("runs-on")
        machine = part.part("runs-on")
        pool = machine.text("pool-name").strip()
        if given is not None and not isinstance(given.content, dict):
            pool = given.text.strip()
        if pool == "agentless":
            return {"@type": "normal"}
        systems = machine.texts("agent-selector")
        is_own = machine.flag("self-hosted")
        dispatch = self._dispatch(given, machine, pool, is_own=is_own)
        system = SYSTEMS[systems[0]] if systems else "ALL" if is_own else "LINUX"
        if not systems and pool.startswith(("macos-", "windows-")):
            system = SYSTEMS[pool.split("-")[0]]
        return present(
            {
                "@type": "vmBuild",
                "baseOS": system,
                "dispatchType": dispatch,
                "buildEnv": {key: scalar(item) for key, item in machine.members("needs")},
            }
        )

    def _dispatch(self, given: Node | None, machine: Fields, pool: str, *, is_own: bool) -> Json:
        common = present(
            {
                "workspace": machine.text("workspace"),
                "performanceConfigId": machine.text("hw-spec"),
                "xcodeVersion": machine.text("xcode"),
            }
        )
        if machine.text("lock-resource-with"):
            return {
                "buildType": "THIRD_PARTY_AGENT_ID",
                "agentType": "REUSE_JOB_ID",
                "displayName": machine.text("lock-resource-with"),
                **common,
            }
        if machine.text("node-name"):
            return {
                "buildType": "THIRD_PARTY_AGENT_ID",
                "agentType": "NAME",
                "displayName": machine.text("node-name"),
                **common,
            }
        if not is_own and (pool in {"", "docker"} or _OLD_DOCKER.fullmatch(pool)):
            return self._image(machine) | common
        if given is not None and not is_own:
            self._warn(given, f"the pool {pool[:60]!r} is none of this server; any runner will do")
            if _OLD_MACHINES.fullmatch(pool):
                return {"buildType": "DOCKER", "value": pool, "imageType": "BKDEVOPS", **common}
        if given is not None and not pool:
            self._findings.error(
                given, self._origins.path(given), "'runs-on' names no pool, node or image"
            )
        return {
            "buildType": "THIRD_PARTY_AGENT_ENV",
            "agentType": "NAME",
            "envName": pool,
            **common,
        }

    def _image(self, machine: Fields) -> Json:
        box = machine.part("container")
        image = box.text("image") or machine.text("image")
        code = box.text("image-code")
        if image or code:
            node = box.get("image") or box.get("image-code") or machine.node
            self._warn(node, "images are not started: the job runs on any runner as it is")
        login = box.get("credentials")
        user = {}
        if login is not None and isinstance(login.content, dict):
            user = {key: scalar(item) for key, item in login.content.items()}
        if image:
            made: Json = {"value": image, "imageType": "THIRD"}
        else:
            made = {
                "value": code or DEFAULT_IMAGE,
                "imageType": "BKSTORE",
                "imageCode": code or DEFAULT_IMAGE,
                "imageVersion": box.text("image-version", DEFAULT_IMAGE_VERSION),
            }
        options = box.get("options")
        return present(
            {
                "buildType": "DOCKER",
                **made,
                "credentialId": login.text if login is not None and not user else "",
                "credential": user,
                "imagePullPolicy": box.text("image-pull-policy"),
                "options": plain(options) if options is not None else None,
            }
        )

    def _warn(self, node: Node, detail: str) -> None:
        self._findings.warn(node, self._origins.path(node), detail)


def _mutex(part: Fields) -> Json:
    mutex, minutes = part.part("mutex"), DEFAULT_MUTEX_MINUTES
    if not mutex.node.content:
        mutex, minutes = part.part("resource-exclusive-declaration"), OLD_MUTEX_MINUTES
    if not mutex.node.content:
        return {}
    waits = mutex.flag("queue-enable", default=mutex.has("queue-length"))
    made: Json = {
        "enable": True,
        "mutexGroupName": mutex.text("label"),
        "queueEnable": waits,
        "queue": mutex.whole("queue-length", DEFAULT_MUTEX_QUEUE) if waits else 0,
        "timeout": mutex.whole("timeout-minutes", minutes),
    }
    limit = mutex.get("timeout-minutes")
    return made | ({"timeoutVar": limit.text.strip()} if limit and is_expression(limit) else {})


def _strategy(part: Fields) -> Json:
    made: Json = {
        member: _cases(part.get(key))
        for key, member in (
            ("matrix", "strategyStr"),
            ("include", "includeCaseStr"),
            ("exclude", "excludeCaseStr"),
        )
    }
    made["fastKill"] = part.flag("fast-kill")
    made["maxConcurrency"] = part.whole("max-parallel", 5) or 5
    return present(made)


def _cases(node: Node | None) -> str:
    """Give a matrix as text: an expression as it is, values as JSON (which is YAML, too)."""
    if node is None or node.content in ([], {}):
        return ""
    if isinstance(node.content, dict | list):
        return json.dumps(plain(node), ensure_ascii=False)
    return node.text.strip()
