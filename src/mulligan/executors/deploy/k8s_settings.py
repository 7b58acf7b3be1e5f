"""Make settings of the JSON object `input_info`; unknown keys are left alone."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mulligan.executors.deploy.k8s_errors import DeployError
from mulligan.executors.deploy.k8s_order import Document, Order

KINDS = {"deployments": "Deployment", "statefulsets": "StatefulSet"}
DEFAULT_TIMEOUT_S = 600.0
MAX_REPLICAS = 300
STRATEGIES = ("canary", "blue_green", "istio")

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_ACCESS = {
    "": "ClusterIP",
    "clusterip": "ClusterIP",
    "nodeport": "NodePort",
    "loadbalancer": "LoadBalancer",
    "elb": "LoadBalancer",
}


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """A service that goes with the workload; ports as the API takes them."""

    name: str
    access_type: str
    ports: Sequence[Document]


@dataclass(frozen=True, kw_only=True)
class GraySettings:
    """The key `gray`: how a grey release stands beside the stable one."""

    strategy: str = "canary"
    gray_replicas: int | str | None = None
    stable_replicas: int | None = None
    policy: Document | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a stage wants of its workload; None and empty mean: leave it as it is."""

    namespace: str
    kind: str
    application: str
    container: str
    manifest: str | list[Any] | Document | None
    image: str
    pull_policy: str
    replicas: int | None
    max_unavailable: int | str | None
    strategy: str
    resources: Document
    services: Sequence[ServiceSettings]
    gray: GraySettings
    force: bool
    timeout_s: float
    grace_s: float
    patience_s: float


def read_settings(order: Order) -> Settings:
    """Read the settings of an order; a stage without its own takes those of the grey release.

    Raises:
        DeployError: A key has a value that makes no sense.
    """
    info = settings_object(order)
    text = "" if info else order.text or str((order.gray or {}).get("text") or "")
    manifest = info.get("manifest") if _word(info, "create_mode") == "yaml" else None
    if not info and text.strip():
        manifest = text
    if _word(info, "create_mode") == "yaml" and not manifest:
        raise DeployError('create_mode is "yaml", but there is no manifest')
    return Settings(
        namespace=_name(info, "namespace") or _name(info, "cluster_ns") or "default",
        kind=_choice(info, "app_type", KINDS, "deployments"),
        application=_name(info, "application"),
        container=str(info.get("container") or ""),
        manifest=manifest,
        image=order.image,
        pull_policy=_pull_policy(info),
        replicas=_count(info, "replicas"),
        max_unavailable=_share(info, "max_unavailable"),
        strategy=_choice(info, "strategy", {"rolling": "rolling", "recreate": "recreate"}, ""),
        resources=_resources(info.get("resources")),
        services=tuple(_services(info.get("services"))),
        gray=_gray(info.get("gray"), order.gray_mode),
        force=info.get("force") is True,
        timeout_s=_seconds(info, "timeout_s", order.timeout_s or DEFAULT_TIMEOUT_S),
        grace_s=_seconds(info, "failure_grace_s", 60.0),
        patience_s=_seconds(info, "unreachable_s", 30.0),
    )


def settings_object(order: Order) -> Document:
    """Return the JSON object that counts: the stage's own, else the grey release's, else live's."""
    if order.info or order.text.strip():
        return order.info
    for record in (order.gray, order.live):
        info = (record or {}).get("info")
        if isinstance(info, Mapping) and info:
            return dict(info)
    return {}


def share_of(value: int | str, whole: int) -> int:
    """Turn `n` or "n%" of a number of replicas into a number, at least 1."""
    if isinstance(value, str):
        return max(1, math.ceil(whole * int(value.rstrip("%")) / 100))
    return max(1, value)


def _word(info: Mapping[str, Any], key: str) -> str:
    return str(info.get(key) or "").strip().lower()


def _name(info: Mapping[str, Any], key: str) -> str:
    value = str(info.get(key) or "")
    if value and not NAME.fullmatch(value):
        raise DeployError(f"{key} {value!r} is no name of Kubernetes")
    return value


def _choice(info: Mapping[str, Any], key: str, choices: Mapping[str, str], default: str) -> str:
    word = _word(info, key) or default
    if word and word not in choices:
        raise DeployError(f"{key} is {word!r}; possible: {', '.join(sorted(choices))}")
    return choices.get(word, "")


def _pull_policy(info: Mapping[str, Any]) -> str:
    choices = {"always": "Always", "ifnotpresent": "IfNotPresent", "never": "Never"}
    return _choice(info, "image_pull_policy", choices, "")


def _count(info: Mapping[str, Any], key: str) -> int | None:
    value = info.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isdigit():
        value = int(value)  # variables make texts of numbers
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_REPLICAS:
        raise DeployError(f"{key} is {value!r}; it must be a number from 1 to {MAX_REPLICAS}")
    return value


def _share(info: Mapping[str, Any], key: str) -> int | str | None:
    value = info.get(key)
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}%", value):
        return value
    if value in (0, "0"):
        return 0
    return _count(info, key)


def _seconds(info: Mapping[str, Any], key: str, default: float) -> float:
    try:
        value = float(info.get(key, default))
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= 7 * 86400:  # also refuses NaN
        raise DeployError(f"{key} is {info.get(key)!r}; it must be a number of seconds")
    return value


def _resources(value: object) -> Document:
    """Turn {cpu: {request, limit}, memory: {…}, gpu} into what a container takes."""
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise DeployError("resources must be an object")
    requests: Document = {}
    limits: Document = {}
    for key in ("cpu", "memory"):
        part = value.get(key) or {}
        if not isinstance(part, Mapping):
            raise DeployError(f"resources.{key} must be an object with request and limit")
        for name, into in (("request", requests), ("limit", limits)):
            if part.get(name) not in (None, ""):
                into[key] = str(part[name])
    if value.get("gpu"):
        limits["nvidia.com/gpu"] = str(value["gpu"])
    parts = {"requests": requests, "limits": limits}
    return {name: part for name, part in parts.items() if part}


def _services(value: object) -> list[ServiceSettings]:
    if value in (None, ""):
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise DeployError("services must be a list of objects")
    return [_service(item) for item in value]


def _service(item: Mapping[str, Any]) -> ServiceSettings:
    name = _name(item, "name")
    word = re.sub(r"[^a-z]", "", _word(item, "access_type"))
    ports = item.get("ports") or []
    if not name or word not in _ACCESS or not isinstance(ports, list):
        raise DeployError(
            f"services: {dict(item)!r} needs a name, an access_type (ClusterIP, NodePort, "
            "LoadBalancer) and a list of ports"
        )
    return ServiceSettings(
        name=name, access_type=_ACCESS[word], ports=[_port(name, port) for port in ports]
    )


def _port(service: str, port: object) -> Document:
    if not isinstance(port, Mapping) or not str(port.get("port", "")).isdigit():
        raise DeployError(f"services: a port of {service!r} needs the number `port`")
    number = int(port["port"])
    protocol = str(port.get("protocol") or "TCP").upper()
    target = port.get("target_port") or number
    return {
        "name": f"{protocol.lower()}-{number}",
        "port": number,
        "targetPort": int(target) if str(target).isdigit() else str(target),
        "protocol": protocol,
    }


def _gray(value: object, mode: str) -> GraySettings:
    info = value if isinstance(value, Mapping) else {}
    strategy = "istio" if mode == "istio" else _word(info, "strategy") or "canary"
    strategy = strategy.replace("-", "_").replace("bluegreen", "blue_green")
    if strategy not in STRATEGIES:
        raise DeployError(f"gray.strategy is {strategy!r}; possible: {', '.join(STRATEGIES)}")
    policy = info.get("policy")
    if policy is not None and not isinstance(policy, Mapping):
        raise DeployError("gray.policy must be an object")
    return GraySettings(
        strategy=strategy,
        gray_replicas=_share(info, "gray_replicas"),
        stable_replicas=_count(info, "stable_replicas"),
        policy=dict(policy) if policy else None,
    )
