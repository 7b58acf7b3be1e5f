"""Judge a rollout by what the API server says; pure: objects in, verdict out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mulligan.executors.deploy.k8s_order import Document

_REVISION = "deployment.kubernetes.io/revision"

# Why a container doesn't come up: how many grace times we wait whether it still does.
_WAITING = {
    "InvalidImageName": 0,
    "ErrImageNeverPull": 0,
    "ErrImagePull": 1,
    "ImagePullBackOff": 1,
    "CreateContainerConfigError": 1,
    "CreateContainerError": 1,
    "RunContainerError": 1,
    "CrashLoopBackOff": 1,
}
_UNSCHEDULABLE_GRACES = 3  # a cluster that grows by itself needs a few minutes for a new node
_CRASHES = 4  # as many ends of one container as say that it won't come up
_FINAL_PULL_WORDS = ("not found", "manifest unknown", "unauthorized", "denied")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Where a rollout stands: done, failed (with the reason) or neither.

    `is_expired` marks the failure that the cluster also shows of an earlier try.
    """

    text: str
    done: bool = False
    failure: str = ""
    is_expired: bool = False


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that keeps a pod from becoming ready; `graces` times the grace it may last."""

    pod: str
    container: str
    reason: str
    message: str
    graces: int

    def __str__(self) -> str:
        where = f"pod {self.pod}" + (f", container {self.container}" if self.container else "")
        return f"{where}: {self.reason}" + (f": {self.message}" if self.message else "")


def judge_workload(workload: Document) -> Verdict:
    """Judge a Deployment or StatefulSet by the rule of `kubectl rollout status`, a little stricter:
    the old pods must be gone as well.
    """
    metadata, status = workload["metadata"], workload.get("status") or {}
    if int(status.get("observedGeneration") or 0) < int(metadata.get("generation") or 0):
        return Verdict(text="waiting until the cluster has seen the change")
    if workload["kind"] == "StatefulSet":
        return _judge_stateful(workload["spec"], status)
    return _judge_deployment(workload["spec"], status)


def _judge_deployment(spec: Document, status: Document) -> Verdict:
    wanted, updated, available, total = _numbers(spec, status)
    text = f"{updated} of {wanted} replicas are new, {available} available"
    progressing = _condition(status, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        failure = f"ProgressDeadlineExceeded: {progressing.get('message')}"
        return Verdict(text=text, failure=failure, is_expired=True)
    if spec.get("paused"):
        return Verdict(text=text, failure="the Deployment is paused: kubectl rollout resume")
    if total > updated:
        text += f", {total - updated} old to be removed"
    done = updated >= wanted and total <= updated and available >= updated
    return Verdict(text=text, done=done)


def _judge_stateful(spec: Document, status: Document) -> Verdict:
    wanted, updated, _, total = _numbers(spec, status)
    ready = int(status.get("readyReplicas") or 0)
    text = f"{updated} of {wanted} replicas are new, {ready} ready"
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        text += " (updateStrategy OnDelete: pods become new when somebody deletes them)"
        return Verdict(text=text, done=ready >= wanted)
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    same = status.get("currentRevision") == status.get("updateRevision")
    done = ready >= wanted and total <= wanted and updated >= wanted - partition
    return Verdict(text=text, done=done and (same or partition > 0))


def _numbers(spec: Document, status: Document) -> tuple[int, int, int, int]:
    wanted = spec.get("replicas")
    return (
        1 if wanted is None else int(wanted),
        int(status.get("updatedReplicas") or 0),
        int(status.get("availableReplicas") or 0),
        int(status.get("replicas") or 0),
    )


def _condition(status: Document, kind: str) -> Document:
    conditions = status.get("conditions") or []
    return next((dict(found) for found in conditions if found.get("type") == kind), {})


def newest_pods(
    workload: Document, sets: Sequence[Document], pods: Sequence[Document]
) -> list[Document]:
    """Choose the pods of the newest template: only they tell whether the new release comes up."""
    owner = workload
    if workload["kind"] == "StatefulSet":
        label, value = "controller-revision-hash", workload["status"].get("updateRevision")
    else:
        revision = (workload["metadata"].get("annotations") or {}).get(_REVISION)
        newest = [
            found
            for found in sets
            if _owned(found, workload)
            and (found["metadata"].get("annotations") or {}).get(_REVISION) == revision
        ]
        if not newest:
            return []
        owner, label = newest[0], "pod-template-hash"
        value = (owner["metadata"].get("labels") or {}).get(label)
    return [
        pod
        for pod in pods
        if _owned(pod, owner) and (pod["metadata"].get("labels") or {}).get(label) == value
    ]


def older_pods(workload: Document, pods: Sequence[Document]) -> list[Document]:
    """Choose the pods of a StatefulSet that are not of its newest template."""
    newest = (workload.get("status") or {}).get("updateRevision")
    if workload["kind"] != "StatefulSet" or not newest:
        return []
    return [
        pod
        for pod in pods
        if _owned(pod, workload)
        and (pod["metadata"].get("labels") or {}).get("controller-revision-hash") != newest
    ]


def _owned(thing: Document, owner: Document) -> bool:
    references = thing["metadata"].get("ownerReferences") or []
    return any(found.get("uid") == owner["metadata"]["uid"] for found in references)


def find_obstacles(workload: Document, pods: Sequence[Document]) -> list[Finding]:
    """List what keeps the new pods from becoming ready, the gravest first."""
    found: list[Finding] = []
    for pod in pods:
        found += _pod_obstacles(pod)
    failure = _condition(workload.get("status") or {}, "ReplicaFailure")
    if failure.get("status") == "True":
        message = str(failure.get("message") or "")
        found.append(
            Finding(pod="-", container="", reason="FailedCreate", message=message, graces=1)
        )
    return sorted(found, key=lambda obstacle: obstacle.graces)


def _pod_obstacles(pod: Document) -> list[Finding]:
    name, status = str(pod["metadata"]["name"]), pod.get("status") or {}
    containers = [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
    judged = [_container_obstacle(name, one) for one in containers if not one.get("ready")]
    found = [finding for finding in judged if finding is not None]
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        found.append(
            Finding(
                pod=name,
                container="",
                reason=str(scheduled.get("reason") or "Unschedulable"),
                message=str(scheduled.get("message") or ""),
                graces=_UNSCHEDULABLE_GRACES,
            )
        )
    return found


def _container_obstacle(pod: str, container: Mapping[str, Any]) -> Finding | None:
    """Judge a container that isn't ready; one that runs just now may still become it."""
    state = container.get("state") or {}
    if state.get("running") is not None:
        return None
    waiting = state.get("waiting") or {}
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    ends = int(container.get("restartCount") or 0)
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    graces = _WAITING.get(reason, 1)
    if ended.get("reason") == "OOMKilled":
        reason = "OOMKilled"
        message = f"ended {max(1, ends)} times; its memory limit is too low for it"
        graces = 0 if ends >= _CRASHES else 1
    elif reason == "CrashLoopBackOff" or ended.get("exitCode"):
        reason = reason if reason in _WAITING else "Error"
        message = f"exit code {ended.get('exitCode')}, started again {ends} times"
        graces = 0 if ends >= _CRASHES else 1
    elif reason not in _WAITING:
        return None
    elif any(word in message.lower() for word in _FINAL_PULL_WORDS):
        graces = 0
    return Finding(
        pod=pod,
        container=str(container.get("name") or ""),
        reason=reason,
        message=message,
        graces=graces,
    )
