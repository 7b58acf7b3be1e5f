"""How a rollout is judged by what the API server says: pure values."""

from __future__ import annotations

from typing import Any

import pytest

from mulligan.executors.deploy.k8s_rollout import (
    find_obstacles,
    judge_workload,
    newest_pods,
    older_pods,
)

Document = dict[str, Any]


def deployment(spec: Document | None = None, **status: Any) -> Document:
    """Make a Deployment of three replicas that is rolled out, but for what is given."""
    done = {
        "observedGeneration": 2,
        "replicas": 3,
        "updatedReplicas": 3,
        "availableReplicas": 3,
    }
    return {
        "kind": "Deployment",
        "metadata": {"name": "shop", "generation": 2, "uid": "u"},
        "spec": {"replicas": 3, **(spec or {})},
        "status": {**done, **status},
    }


def stateful(spec: Document | None = None, **status: Any) -> Document:
    """Make a StatefulSet of three replicas that is rolled out, but for what is given."""
    done = {
        "observedGeneration": 2,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "currentRevision": "b",
        "updateRevision": "b",
    }
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "shop", "generation": 2, "uid": "u"},
        "spec": {"replicas": 3, **(spec or {})},
        "status": {**done, **status},
    }


@pytest.mark.parametrize(
    "workload",
    [
        deployment(),
        deployment({"replicas": 0}, replicas=0, updatedReplicas=0, availableReplicas=0),
        stateful(),
        stateful(
            {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
            updatedReplicas=1,
            currentRevision="a",
        ),
        stateful({"updateStrategy": {"type": "OnDelete"}}, updatedReplicas=0, currentRevision="a"),
    ],
)
def test_what_is_rolled_out(workload: Document) -> None:
    """All replicas are new and usable, as far as the update strategy goes."""
    verdict = judge_workload(workload)

    assert verdict.done
    assert not verdict.failure


@pytest.mark.parametrize(
    "workload",
    [
        deployment(observedGeneration=1),
        deployment(updatedReplicas=2),
        deployment(availableReplicas=2),
        deployment(replicas=4),
        {**deployment(), "status": None},
        stateful(observedGeneration=1),
        stateful(readyReplicas=2),
        stateful(updatedReplicas=2),
        stateful(currentRevision="a"),
    ],
)
def test_what_is_not_rolled_out_yet(workload: Document) -> None:
    """A change that wasn't seen, an old pod that is still there, a pod that isn't ready: wait."""
    verdict = judge_workload(workload)

    assert not verdict.done
    assert not verdict.failure


def test_paused_deployment_fails() -> None:
    """A paused Deployment would never roll out; that is said at once."""
    assert "paused" in judge_workload(deployment({"paused": True}, updatedReplicas=0)).failure


def pod(name: str, owner: str, digest: str, **container: Any) -> Document:
    """Make a pod with one container that isn't ready."""
    return {
        "metadata": {
            "name": name,
            "labels": {"pod-template-hash": digest, "controller-revision-hash": digest},
            "ownerReferences": [{"uid": owner}],
        },
        "status": {"containerStatuses": [{"name": "app", "ready": False, **container}]},
    }


def replica_set(uid: str, revision: str, digest: str) -> Document:
    """Make a ReplicaSet of the Deployment."""
    return {
        "metadata": {
            "name": f"shop-{digest}",
            "uid": uid,
            "labels": {"pod-template-hash": digest},
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"uid": "u"}],
        }
    }


def test_only_pods_of_the_newest_template_count() -> None:
    """Pods of older templates, and of another workload with the same labels, are left out."""
    workload = deployment()
    workload["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "7"}
    sets = [replica_set("r6", "6", "old"), replica_set("r7", "7", "new")]
    pods = [pod("a", "r6", "old"), pod("b", "r7", "new"), pod("c", "other", "new")]

    chosen = newest_pods(workload, sets, pods)

    assert [one["metadata"]["name"] for one in chosen] == ["b"]


def test_older_pods_are_those_of_a_stateful_set_only() -> None:
    """A Deployment replaces its old pods itself; those of a StatefulSet may block it."""
    pods = [pod("shop-0", "u", "a"), pod("shop-1", "u", "b")]

    assert [one["metadata"]["name"] for one in older_pods(stateful(), pods)] == ["shop-0"]
    assert older_pods(deployment(), pods) == []


@pytest.mark.parametrize(
    ("container", "reason", "graces"),
    [
        (
            {"state": {"waiting": {"reason": "ErrImagePull", "message": "timeout"}}},
            "ErrImagePull",
            1,
        ),
        (
            {"state": {"waiting": {"reason": "ErrImagePull", "message": "x: not found"}}},
            "ErrImagePull",
            0,
        ),
        (
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"reason": "Error", "exitCode": 1}},
                "restartCount": 2,
            },
            "CrashLoopBackOff",
            1,
        ),
        (
            {
                "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                "restartCount": 4,
            },
            "OOMKilled",
            0,
        ),
        ({"state": {"terminated": {"reason": "Error", "exitCode": 2}}}, "Error", 1),
    ],
)
def test_obstacles(container: Document, reason: str, graces: int) -> None:
    """What can't heal by itself ends the wait at once, the rest after its time of grace."""
    found = find_obstacles(deployment(), [pod("a", "r", "d", **container)])

    assert [(one.reason, one.graces) for one in found] == [(reason, graces)]


@pytest.mark.parametrize(
    "container",
    [
        {"state": {"waiting": {"reason": "ContainerCreating"}}},
        {"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}, "restartCount": 2},
        {"state": {"waiting": {"reason": "ErrImagePull"}}, "ready": True},
        {},
    ],
)
def test_what_is_no_obstacle(container: Document) -> None:
    """A container that is being made, or runs again after a crash, may still become ready."""
    assert find_obstacles(deployment(), [pod("a", "r", "d", **container)]) == []
