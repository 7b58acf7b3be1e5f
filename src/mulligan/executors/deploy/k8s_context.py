"""What all acts of the driver share: the order, its settings, the cluster, the result."""

import time
from pathlib import Path
from typing import Any

from mulligan.executors.deploy.k8s_api import FIELD_MANAGER, Api
from mulligan.executors.deploy.k8s_errors import ApiError, Conflict, DeployError, coded
from mulligan.executors.deploy.k8s_fields import (
    DEPLOYMENT,
    annotate,
    images_of,
    replicas_of,
    template_of,
)
from mulligan.executors.deploy.k8s_manifest import WORKLOADS, manifest_text
from mulligan.executors.deploy.k8s_order import Document, Order, say, write_json
from mulligan.executors.deploy.k8s_settings import Settings
from mulligan.executors.deploy.k8s_wait import Patience, wait_for_rollout

# The SWR dialect's numbers: reading, changing and creating a workload; changing a service.
_GET = {"Deployment": "deployment-not-read", "StatefulSet": "statefulset-not-read"}
_PATCH = {
    "Deployment": "deployment-not-changed",
    "StatefulSet": "statefulset-not-changed",
    "Service": "service-not-changed",
}


class Context:
    """One act of the driver."""

    def __init__(
        self, order: Order, settings: Settings, api: Api, *, end: float | None = None
    ) -> None:
        self.order = order
        self.settings = settings
        self.api = api
        self.namespace = settings.namespace
        self._result: Document = {}
        self._end = time.monotonic() + settings.timeout_s if end is None else end

    def with_settings(self, settings: Settings) -> "Context":
        """Return a context for the same act with other settings; its time goes on."""
        return Context(self.order, settings, self.api, end=self._end)

    @property
    def memory_file(self) -> Path:
        """Where the driver remembers an open grey release besides the ledger."""
        return self.order.root / "gray.json"

    def find(self, kind: str, name: str) -> Document | None:
        """Return an object of the namespace, with its kind; None when there is none."""
        try:
            return self.api.find(kind, self.namespace, name)
        except ApiError as error:
            raise DeployError(_with_code(_GET, kind, error)) from None

    def find_all(self, kind: str, labels: str = "") -> list[Document]:
        """Return the objects of a kind in the namespace."""
        return self.api.list_all(kind, self.namespace, labels=labels)[0]

    def put(self, document: Document, *, force: bool = False) -> Document:
        """Apply an object with our annotation; `force` takes fields over from other managers.

        Raises:
            DeployError: Fields belong to somebody else, or the object was refused.
        """
        document = self.marked(document)
        kind, name = str(document["kind"]), str(document["metadata"]["name"])
        try:
            try:
                return self._said(self.api.apply(document, force=False))
            except ApiError as error:
                self._judge_conflicts(error, f"{kind} {name}", force=force)
                return self._said(self.api.apply(document, force=True))
        except ApiError as error:
            raise DeployError(_with_code(_PATCH, kind, error)) from None

    def marked(self, document: Document) -> Document:
        """Return the document with the annotation that names this act."""
        metadata = dict(document["metadata"])
        annotations = {**(metadata.get("annotations") or {}), DEPLOYMENT: self.order.deployment}
        return {**document, "metadata": {**metadata, "annotations": annotations}}

    def patch(self, thing: Document, operations: list[Document], *, mark: bool = True) -> Document:
        """Change some fields of an object by a JSON patch, whoever manages them."""
        kind, metadata = str(thing["kind"]), thing["metadata"]
        marks = annotate(metadata, self.order.deployment) if mark else []
        try:
            return self.api.patch(kind, self.namespace, metadata["name"], [*operations, *marks])
        except ApiError as error:
            raise DeployError(_with_code(_PATCH, kind, error)) from None

    def wait(self, workload: Document, *, before: Document | None = None) -> Document:
        """Wait until a workload is rolled out; all waits of an act share its time.

        `before` is what it was when the act began: unchanged, it is a second try of a release.
        """
        settings = self.settings
        patience = Patience(
            end=self._end,
            timeout_s=settings.timeout_s,
            grace_s=settings.grace_s,
            is_again=before is not None and before["spec"] == workload["spec"],
        )
        name = str(workload["metadata"]["name"])
        return wait_for_rollout(self.api, str(workload["kind"]), self.namespace, name, patience)

    def keep(self, **parts: Any) -> None:
        """Write parts of the result; what was written before stays."""
        self._result |= {key: value for key, value in parts.items() if value is not None}
        write_json(self.order.result, self._result)

    def _said(self, thing: Document) -> Document:
        what = f"{thing['kind']} {self.namespace}/{thing['metadata']['name']}"
        if thing["kind"] in WORKLOADS:
            images = ", ".join(f"{name}={image}" for name, image in images_of(thing).items())
            say(f"applied {what}: {images}; {replicas_of(thing)} replicas")
        else:
            say(f"applied {what}")
        return thing

    def _judge_conflicts(self, error: ApiError, what: str, *, force: bool) -> None:
        """Raise, unless all conflicts are with ourselves or may be taken over."""
        if not error.conflicts:
            raise error
        foreign = [one for one in error.conflicts if one.manager != FIELD_MANAGER]
        if foreign and not (force or self.settings.force):
            raise DeployError(_explain(what, foreign))
        for conflict in foreign:
            say(f"{what}: taking {conflict.field} over from {conflict.manager}")


def _explain(what: str, conflicts: list[Conflict]) -> str:
    lines = [f"{conflict.manager} manages {conflict.field}" for conflict in conflicts]
    return "\n".join(
        [
            coded(
                _PATCH["Deployment"], f"{what}: other managers have set fields that this stage sets"
            ),
            *lines,
            "Nothing was changed. Let one of the two go, or take the fields over:",
            'put "force": true into input_info.',
        ]
    )


def _with_code(codes: dict[str, str], kind: str, error: ApiError) -> str:
    return coded(codes[kind], str(error)) if kind in codes else f"{kind}: {error}"


def record_of(workload: Document, applied: Document | None = None) -> Document:
    """Make what the ledger keeps of a workload: text for people, and what restores it."""
    metadata, spec = workload["metadata"], dict(workload["spec"])
    spec["template"] = template_of(workload)
    state: Document = {
        "kind": workload["kind"],
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "labels": metadata.get("labels") or {},
        "replicas": replicas_of(workload),
        "images": images_of(workload),
        "spec": spec,
    }
    if applied is not None:
        state["applied"] = applied
    return {"manifest": manifest_text({**workload, "spec": spec}), "state": state}
