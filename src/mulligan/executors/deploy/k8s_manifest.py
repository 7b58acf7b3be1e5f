"""Make the objects to be applied out of settings and what is there; pure."""

import copy
from collections.abc import Mapping
from typing import Any

import yaml

from mulligan.executors.deploy.k8s_api import RESOURCES
from mulligan.executors.deploy.k8s_errors import DeployError, coded
from mulligan.executors.deploy.k8s_fields import (
    containers_of,
    is_applied,
    labels_of,
    replicas_of,
    template_of,
)
from mulligan.executors.deploy.k8s_order import Document
from mulligan.executors.deploy.k8s_settings import NAME, Settings

# Kinds that a manifest may hold, in the order in which they are applied. No Secret: a manifest
# is stored with the pipeline and with its deployments, where a secret has no place.
_BEFORE = ("ConfigMap", "ServiceAccount", "PersistentVolumeClaim", "Service")
WORKLOADS = ("Deployment", "StatefulSet")
_AFTER = (
    "Ingress",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "DestinationRule",
    "VirtualService",
)
ALLOWED = (*_BEFORE, *WORKLOADS, *_AFTER)


def read_manifest(settings: Settings) -> list[Document]:
    """Read the documents of the manifest, in the order in which they are applied.

    Raises:
        DeployError: It is no YAML, or holds what may not be in it.
    """
    source = settings.manifest
    try:
        loaded = list(yaml.safe_load_all(source)) if isinstance(source, str) else source
    except yaml.YAMLError as error:
        raise DeployError(f"the manifest is no YAML: {error}") from None
    documents: list[Document] = []
    for found in loaded if isinstance(loaded, list) else [loaded]:
        items = found.get("items") if isinstance(found, Mapping) else None
        parts = items if isinstance(items, list) else [found]
        documents += [_checked(part, settings) for part in parts if part is not None]
    return sorted(documents, key=lambda document: ALLOWED.index(document["kind"]))


def _checked(found: object, settings: Settings) -> Document:
    if not isinstance(found, Mapping) or not isinstance(found.get("metadata"), Mapping):
        raise DeployError("the manifest holds a document that is no object of Kubernetes")
    document: Document = copy.deepcopy(dict(found))
    kind, metadata = str(document.get("kind")), dict(document["metadata"])
    if kind not in ALLOWED:
        raise DeployError(f"the manifest may not hold a {kind}; allowed: {', '.join(ALLOWED)}")
    group = RESOURCES[kind].api_version.rpartition("/")[0]
    if str(document.get("apiVersion")).rpartition("/")[0] != group:
        raise DeployError(f"apiVersion {document.get('apiVersion')!r} doesn't fit the kind {kind}")
    if not NAME.fullmatch(str(metadata.get("name") or "")):
        raise DeployError(f"the manifest holds a {kind} without a name that Kubernetes takes")
    if metadata.get("namespace") not in (None, settings.namespace):
        raise DeployError(
            f"{kind} {metadata['name']} is of namespace {metadata['namespace']}, "
            f"the stage deploys to {settings.namespace}"
        )
    document.pop("status", None)
    document["metadata"] = {
        key: value
        for key, value in metadata.items()
        if key in ("name", "labels", "annotations") and value
    } | {"namespace": settings.namespace}
    return document


def main_workload(documents: list[Document], settings: Settings) -> Document:
    """Choose the workload that is watched and rolled back, and set image and replicas in it.

    Raises:
        DeployError: There is none, or more than one and none is named as the application.
    """
    workloads = [one for one in documents if one["kind"] in WORKLOADS]
    named = [one for one in workloads if one["metadata"]["name"] == settings.application]
    chosen = named or (workloads if not settings.application else [])
    if len(chosen) != 1:
        names = ", ".join(str(one["metadata"]["name"]) for one in workloads) or "none"
        raise DeployError(
            f"the manifest must hold one workload named as `application` "
            f"({settings.application or 'not given'}); its workloads: {names}"
        )
    main = chosen[0]
    if not isinstance(main.get("spec"), dict) or not containers_of(main):
        raise DeployError(f"the {main['kind']} of the manifest has no containers")
    for container in _chosen_containers(containers_of(main), main["kind"], settings):
        container.update(_container_settings(settings))
    if settings.replicas is not None:
        main["spec"]["replicas"] = settings.replicas
    return main


def _chosen_containers(containers: list[Document], kind: str, settings: Settings) -> list[Document]:
    if not settings.container:
        return containers
    chosen = [one for one in containers if one.get("name") == settings.container]
    if not chosen:
        names = ", ".join(str(one.get("name")) for one in containers)
        code = f"no-container-in-{'statefulset' if kind == 'StatefulSet' else 'deployment'}"
        text = f"{kind.lower()} container does not exist: {settings.container} (there are: {names})"
        raise DeployError(coded(code, text))
    return chosen


def _container_settings(settings: Settings) -> Document:
    found = {
        "image": settings.image,
        "imagePullPolicy": settings.pull_policy,
        "resources": settings.resources,
    }
    return {key: value for key, value in found.items() if value}


def standard_workload(settings: Settings, live: Document | None) -> Document:
    """Make what is applied in the mode `standard`: just the fields that the stage sets.

    `live` is the workload as it is; without it a whole one is made.

    Raises:
        DeployError: There is nothing to make it of.
    """
    if not settings.application:
        raise DeployError("`application` (the name of the workload) is missing")
    spec = _new_spec(settings) if live is None else _changed_spec(settings, live)
    if settings.replicas is not None:
        spec["replicas"] = settings.replicas
    metadata: Document = {"name": settings.application, "namespace": settings.namespace}
    if live is None or is_applied(live, "f:metadata", "f:labels", "f:app"):
        metadata["labels"] = {"app": settings.application}
    return {"apiVersion": "apps/v1", "kind": settings.kind, "metadata": metadata, "spec": spec}


def _new_spec(settings: Settings) -> Document:
    if not settings.image:
        raise DeployError(f"{settings.application} doesn't exist yet and no image is given for it")
    labels = {"app": settings.application}
    container = {
        "name": settings.container or settings.application,
        **_container_settings(settings),
    }
    spec: Document = {
        "selector": {"matchLabels": labels},
        **_strategy(settings),
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    if settings.kind == "StatefulSet":
        services = [service.name for service in settings.services]
        spec["serviceName"] = services[0] if services else settings.application
    return spec


def _changed_spec(settings: Settings, live: Document) -> Document:
    """Say only what the stage sets, and again what nobody but us said: left out, it would go."""
    selector = live["spec"]["selector"]
    labels = selector.get("matchLabels") or labels_of(live)
    containers = _changed_containers(settings, live)
    spec: Document = {
        "selector": selector,
        "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
    }
    if is_applied(live, "f:spec", "f:replicas"):
        spec["replicas"] = replicas_of(live)
    kept = _strategy_key(settings.kind)
    strategy = _strategy(settings).get(kept)
    # The type is fixed after creation; a different one in the settings is left unheard.
    if strategy and strategy["type"] == (live["spec"].get(kept) or {}).get("type"):
        spec[kept] = strategy
    elif is_applied(live, "f:spec", f"f:{kept}"):
        spec[kept] = live["spec"][kept]
    if is_applied(live, "f:spec", "f:serviceName"):
        spec["serviceName"] = live["spec"]["serviceName"]
    return spec


def _changed_containers(settings: Settings, live: Document) -> list[Document]:
    there = containers_of(live)
    chosen = _chosen_containers(there, live["kind"], settings)
    changed = []
    for one in there:
        ours = one in chosen
        container = {"name": one["name"], **(_container_settings(settings) if ours else {})}
        path = ("f:containers", f'k:{{"name":"{one["name"]}"}}', "f:image")
        if "image" not in container and is_applied(live, "f:spec", "f:template", "f:spec", *path):
            container["image"] = one["image"]
        if ours or len(container) > 1:
            changed.append(container)
    return changed


def merged_template(settings: Settings, live: Document) -> Document:
    """Return the template of a workload with the image and settings of the stage in it."""
    template = template_of(live)
    containers = template["spec"]["containers"]
    for container in _chosen_containers(containers, live["kind"], settings):
        container.update(_container_settings(settings))
    return template


def _strategy_key(kind: str) -> str:
    return "updateStrategy" if kind == "StatefulSet" else "strategy"


def _strategy(settings: Settings) -> Document:
    """Make the upgrade strategy; a StatefulSet knows only the rolling one."""
    if settings.strategy == "recreate" and settings.kind == "Deployment":
        return {"strategy": {"type": "Recreate"}}
    if not settings.strategy and settings.max_unavailable is None:
        return {}
    strategy: dict[str, Any] = {"type": "RollingUpdate"}
    if settings.max_unavailable is not None:
        strategy["rollingUpdate"] = {"maxUnavailable": settings.max_unavailable}
        if settings.max_unavailable in (0, "0%") and settings.kind == "Deployment":
            strategy["rollingUpdate"]["maxSurge"] = 1  # else nothing could ever move
    return {_strategy_key(settings.kind): strategy}


def services_of(settings: Settings, labels: dict[str, str]) -> list[Document]:
    """Make the services that go with the workload; they select its pods by `labels`."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service.name, "namespace": settings.namespace},
            "spec": {
                "type": service.access_type,
                "selector": labels,
                "ports": list(service.ports),
            },
        }
        for service in settings.services
    ]


def manifest_text(workload: Document) -> str:
    """Write a workload as people read it."""
    metadata = workload["metadata"]
    document = {
        "apiVersion": "apps/v1",
        "kind": workload["kind"],
        "metadata": {
            key: metadata[key] for key in ("name", "namespace", "labels") if metadata.get(key)
        },
        "spec": workload["spec"],
    }
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
