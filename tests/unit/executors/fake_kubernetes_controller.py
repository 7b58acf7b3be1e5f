"""The simulated controllers of a fake cluster: they bring the pods of workloads up, or don't.

How a release ends depends on its image: `outcomes` maps a part of the image's name to an Outcome.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fake_kubernetes import Cluster

Document = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Outcome:
    """`how`: ready, never, image, oom, crash, unschedulable, quota or deadline."""

    how: str = "ready"
    ticks: int = 1  # between one new replica and the next


def defaulted(document: Document) -> Document:
    """Fill in what the API server fills in."""
    kind, spec = document["kind"], document.setdefault("spec", {})
    if kind in ("Deployment", "StatefulSet"):
        spec.setdefault("replicas", 1)
        key = "strategy" if kind == "Deployment" else "updateStrategy"
        strategy = spec.setdefault(key, {"type": "RollingUpdate"})
        if strategy.get("type") == "RollingUpdate" and kind == "Deployment":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxSurge", "25%")
            rolling.setdefault("maxUnavailable", "25%")
        if kind == "Deployment":
            spec.setdefault("progressDeadlineSeconds", 600)
        pod = spec["template"].setdefault("spec", {})
        pod.setdefault("restartPolicy", "Always")
        pod.setdefault("terminationGracePeriodSeconds", 30)
        for container in pod["containers"]:
            container.setdefault("imagePullPolicy", "IfNotPresent")
            container.setdefault("resources", {})
    elif kind == "Service":
        spec.setdefault("type", "ClusterIP")
        for port in spec.get("ports") or []:
            port.setdefault("protocol", "TCP")
    return document


def template_hash(workload: Document) -> str:
    """Name a template as the controllers do."""
    text = json.dumps(workload["spec"]["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


class Controller:
    """Bring all workloads of a cluster one step nearer to what is wanted at each tick."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._progress: dict[str, tuple[int, str, int]] = {}

    def tick(self) -> None:
        """Do one step for each workload; the cluster's lock is held."""
        for plural in ("deployments", "statefulsets"):
            for workload in list(self._cluster.objects[plural].values()):
                self._step(plural, workload)
        self._collect()

    def _outcome(self, workload: Document) -> Outcome:
        images = [one["image"] for one in workload["spec"]["template"]["spec"]["containers"]]
        for part, outcome in self._cluster.outcomes.items():
            if any(part in image for image in images):
                return outcome
        return Outcome()

    def _step(self, plural: str, workload: Document) -> None:
        generation, key = workload["metadata"]["generation"], workload["metadata"]["uid"]
        wanted, digest = workload["spec"]["replicas"], template_hash(workload)
        seen, old_digest, updated = self._progress.get(key, (0, "", 0))
        outcome = self._outcome(workload)
        if seen != generation:
            updated = updated if old_digest == digest else 0
            self._progress[key] = (generation, digest, min(updated, wanted))
            self._revise(plural, workload, digest)
            self._report(workload, min(updated, wanted), seen=True)
            return
        if outcome.how == "ready" and self._broken_pods(workload, digest):
            return  # as in a real cluster: the next try of a broken container is minutes away
        if updated == wanted or outcome.how != "ready":
            if outcome.how != "ready":
                self._break(workload, digest, outcome)
            return
        if outcome.ticks > 1 and self._cluster.ticks % outcome.ticks:
            return
        self._progress[key] = (generation, digest, updated + 1)
        self._report(workload, updated + 1)

    def _revise(self, plural: str, workload: Document, digest: str) -> None:
        """Make the ReplicaSet of a new template."""
        metadata, status = workload["metadata"], workload.setdefault("status", {})
        if plural == "statefulsets":
            status.setdefault("currentRevision", digest)
            status["updateRevision"] = digest
            return
        sets = self._cluster.objects["replicasets"]
        key = f"{metadata['name']}-{digest}"
        annotations = metadata.setdefault("annotations", {})
        if key not in sets or sets[key]["metadata"]["annotations"][REVISION] != annotations.get(
            REVISION
        ):
            annotations[REVISION] = str(int(annotations.get(REVISION, "0")) + 1)
        self._cluster.store(
            "replicasets",
            _owned(workload, key, {"pod-template-hash": digest}, {REVISION: annotations[REVISION]}),
        )

    def _report(self, workload: Document, updated: int, *, seen: bool = False) -> None:
        """Write the status of a rollout in which `updated` new replicas run."""
        wanted, metadata = workload["spec"]["replicas"], workload["metadata"]
        status = workload.setdefault("status", {})
        old = max(0, int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0)))
        if updated >= wanted:
            old = 0
            status["currentRevision"] = status.get("updateRevision")
        elif seen and updated == 0:
            old = int(status.get("replicas", 0))
        status |= {
            "observedGeneration": metadata["generation"],
            "replicas": updated + old,
            "updatedReplicas": updated,
            "readyReplicas": updated + old,
            "availableReplicas": updated + old,
            "conditions": [
                {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}
            ],
        }
        self._pods(workload, updated)
        self._cluster.store(self._plural(workload), workload)

    def _plural(self, workload: Document) -> str:
        return str(workload["kind"]).lower() + "s"

    def _pods(self, workload: Document, count: int, status: Document | None = None) -> None:
        digest, name = template_hash(workload), workload["metadata"]["name"]
        pods = self._cluster.objects["pods"]
        mine = [key for key, pod in pods.items() if _is_of(pod, workload, self._cluster)]
        wanted = {f"{name}-{digest}-{index}" for index in range(count)}
        for key in set(mine) - set(self._broken_pods(workload, digest)):
            if key not in wanted and (status is None or digest in key):
                self._cluster.drop("pods", key)
        owner = self._cluster.objects["replicasets"].get(f"{name}-{digest}", workload)
        for key in sorted(wanted):
            hashes = {"pod-template-hash": digest, "controller-revision-hash": digest}
            pod = _owned(owner, key, hashes, {}, workload)
            pod["status"] = status or {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True"}],
            }
            if pods.get(key, {}).get("status") != pod["status"]:
                self._cluster.store("pods", pod)

    def _break(self, workload: Document, digest: str, outcome: Outcome) -> None:
        """Let the first new pod fail as the outcome says."""
        status = workload["status"]
        if outcome.how == "deadline":
            reason = {
                "type": "Progressing",
                "status": "False",
                "reason": "ProgressDeadlineExceeded",
                "message": f'ReplicaSet "{digest}" has timed out progressing.',
            }
            if status["conditions"] != [reason]:
                status["conditions"] = [reason]
                self._cluster.store(self._plural(workload), workload)
        elif outcome.how == "quota":
            failure = {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": 'pods "x" is forbidden: exceeded quota: compute',
            }
            if status["conditions"] != [failure]:
                status["conditions"] = [failure]
                self._cluster.store(self._plural(workload), workload)
        elif outcome.how != "never":
            self._pods(workload, 1, _broken(workload, outcome.how))
            self._event(workload, outcome.how)

    def _broken_pods(self, workload: Document, digest: str) -> list[str]:
        """List the broken pods that nobody replaces: for a StatefulSet older ones as well."""
        return [
            key
            for key, pod in self._cluster.objects["pods"].items()
            if (workload["kind"] == "StatefulSet" or digest in key)
            and pod["status"].get("containerStatuses")
            and _is_of(pod, workload, self._cluster)
        ]

    def _event(self, workload: Document, how: str) -> None:
        name = f"{workload['metadata']['name']}-{template_hash(workload)}-0"
        texts = {
            "image": ("Failed", "Failed to pull image: manifest unknown"),
            "unschedulable": ("FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu."),
            "oom": ("BackOff", "Back-off restarting failed container"),
            "crash": ("BackOff", "Back-off restarting failed container"),
        }
        reason, message = texts[how]
        key = f"{name}.{reason}"
        if key not in self._cluster.objects["events"]:
            self._cluster.store(
                "events",
                {
                    "apiVersion": "v1",
                    "kind": "Event",
                    "type": "Warning",
                    "metadata": {"name": key, "namespace": workload["metadata"]["namespace"]},
                    "involvedObject": {"kind": "Pod", "name": name},
                    "reason": reason,
                    "message": message,
                },
            )

    def _collect(self) -> None:
        """Remove what belongs to workloads that are gone."""
        uids = {
            one["metadata"]["uid"]
            for plural in ("deployments", "statefulsets", "replicasets")
            for one in self._cluster.objects[plural].values()
        }
        for plural in ("replicasets", "pods"):
            for key, thing in list(self._cluster.objects[plural].items()):
                if thing["metadata"]["ownerReferences"][0]["uid"] not in uids:
                    self._cluster.drop(plural, key)


def _is_of(pod: Document, workload: Document, cluster: Cluster) -> bool:
    uid = pod["metadata"]["ownerReferences"][0]["uid"]
    if uid == workload["metadata"]["uid"]:
        return True
    return any(
        one["metadata"]["uid"] == uid
        and one["metadata"]["ownerReferences"][0]["uid"] == workload["metadata"]["uid"]
        for one in cluster.objects["replicasets"].values()
    )


def _owned(
    owner: Document,
    name: str,
    labels: dict[str, str],
    annotations: dict[str, str],
    workload: Document | None = None,
) -> Document:
    template = copy.deepcopy((workload or owner)["spec"]["template"])
    metadata = owner["metadata"]
    is_set = workload is None
    return {
        "apiVersion": "apps/v1" if is_set else "v1",
        "kind": "ReplicaSet" if is_set else "Pod",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": {**template["metadata"]["labels"], **labels},
            "annotations": annotations,
            "ownerReferences": [
                {"kind": owner["kind"], "uid": metadata["uid"], "controller": True}
            ],
        },
        "spec": {"template": template} if is_set else template["spec"],
    }


def _broken(workload: Document, how: str) -> Document:
    if how == "unschedulable":
        return {
            "phase": "Pending",
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "0/3 nodes are available: 3 Insufficient cpu.",
                }
            ],
        }
    container: Document = {
        "name": workload["spec"]["template"]["spec"]["containers"][0]["name"],
        "ready": False,
        "restartCount": 0 if how == "image" else 5,
    }
    if how == "image":
        container["state"] = {
            "waiting": {
                "reason": "ImagePullBackOff",
                "message": 'Back-off pulling image "x": manifest unknown',
            }
        }
    else:
        container["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}
        reason, code = ("OOMKilled", 137) if how == "oom" else ("Error", 3)
        container["lastState"] = {"terminated": {"reason": reason, "exitCode": code}}
    return {"phase": "Pending", "containerStatuses": [container]}
