"""Who manages which field, and small pure questions about objects."""

import copy
from collections.abc import Iterator
from typing import Any

from mulligan.executors.deploy.k8s_api import FIELD_MANAGER
from mulligan.executors.deploy.k8s_order import Document

DEPLOYMENT = "mulligan.dev/deployment"  # annotation: id of the act that wrote the object last
GRAY_OF = "mulligan.dev/gray-of"  # label: this belongs to the grey release of that workload
TRACK = "mulligan.dev/track"  # label of the pods of a grey release

_AUTOSCALER = "kube-controller-manager"


def is_applied(thing: Document, *path: str) -> bool:
    """Say whether `mulligan` manages a field by apply.

    `path` has the elements of `fieldsV1`: `f:spec`, `f:replicas`, `k:{"name":"app"}`.
    """
    return any(
        _has(entry.get("fieldsV1"), path)
        for entry in _entries(thing)
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
    )


def is_autoscaled(workload: Document) -> bool:
    """Say whether an autoscaler, and not a person, has set the number of replicas last."""
    return any(
        entry.get("subresource") == "scale"
        and _has(entry.get("fieldsV1"), ("f:spec", "f:replicas"))
        for entry in _entries(workload)
        if entry.get("manager") == _AUTOSCALER
    )


def _entries(thing: Document) -> Iterator[Document]:
    yield from thing["metadata"].get("managedFields") or []


def _has(fields: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(fields, dict) or name not in fields:
            return False
        fields = fields[name]
    return True


def deployment_of(thing: Document) -> str:
    """Return the id of the act that wrote the object last; empty if it wasn't written by us."""
    return str((thing["metadata"].get("annotations") or {}).get(DEPLOYMENT) or "")


def containers_of(workload: Document) -> list[Document]:
    """Return the containers of a workload's template."""
    template = workload["spec"].get("template") or {}
    return list((template.get("spec") or {}).get("containers") or [])


def images_of(workload: Document) -> dict[str, str]:
    """Return the image of each container."""
    return {str(one.get("name")): str(one.get("image") or "") for one in containers_of(workload)}


def replicas_of(workload: Document) -> int:
    """Return the wanted number of replicas; the API server's default is 1."""
    replicas = workload["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def template_of(workload: Document) -> Document:
    """Return a copy of the template that can be compared: without empty leftovers."""
    template: Document = copy.deepcopy(workload["spec"].get("template") or {})
    metadata = template.get("metadata") or {}
    template["metadata"] = {key: value for key, value in metadata.items() if value}
    return template


def labels_of(workload: Document) -> dict[str, str]:
    """Return the labels of a workload's pods."""
    return dict((workload["spec"]["template"].get("metadata") or {}).get("labels") or {})


def selects(service: Document, labels: dict[str, str]) -> bool:
    """Say whether a service sends traffic to pods with these labels."""
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def annotate(metadata: Document, deployment: str) -> list[Document]:
    """Return the operations of a JSON patch that set our annotation."""
    if metadata.get("annotations"):
        path = "/metadata/annotations/" + DEPLOYMENT.replace("/", "~1")
        return [{"op": "add", "path": path, "value": deployment}]
    return [{"op": "add", "path": "/metadata/annotations", "value": {DEPLOYMENT: deployment}}]
