"""Divide traffic with Istio: a DestinationRule with two subsets, a VirtualService with weights.

Objects that are there for the service already are changed and given back as they were; without
them our own are made, and removed at the end. Gateways are never touched.
"""

import copy
from collections.abc import Callable
from http import HTTPStatus

from mulligan.executors.deploy import k8s_traffic as traffic
from mulligan.executors.deploy.k8s_api import RESOURCES
from mulligan.executors.deploy.k8s_context import Context
from mulligan.executors.deploy.k8s_errors import ApiError, DeployError
from mulligan.executors.deploy.k8s_fields import labels_of
from mulligan.executors.deploy.k8s_order import Document, say
from mulligan.executors.deploy.k8s_routes import (
    GRAY,
    STABLE,
    VERSION,
    divided,
    host_names,
    is_routed,
    subsets,
)

__all__ = ["GRAY", "VERSION", "all_to_stable", "divide", "prepare", "remove"]

_VIRTUAL_SERVICE = "VirtualService"
_DESTINATION_RULE = "DestinationRule"


def _label_stable(context: Context, stable: Document) -> Document:
    """Give the stable pods a version label if they have none; that rolls them once."""
    if VERSION in labels_of(stable):
        return stable
    say(f"the stable pods get the label {VERSION}={STABLE}: they are replaced once")
    path = f"/spec/template/metadata/labels/{VERSION}"
    operation = {"op": "add", "path": path, "value": STABLE}
    return context.wait(context.patch(stable, [operation], mark=False))


def prepare(
    context: Context, stable: Document, memory: Document, keep: Callable[[], None]
) -> Document:
    """Make the subsets and send all traffic to the stable one; returns the stable workload.

    `keep` stores the memory; it is called before anything is changed.
    """
    mesh = memory.get("istio")
    if mesh is None:
        service = str(traffic.the_service(context, stable, memory)["metadata"]["name"])
        names = host_names(service, context.namespace)
        mesh = {"service": service}
        for kind in (_DESTINATION_RULE, _VIRTUAL_SERVICE):
            found = [one for one in _all(context, kind) if is_routed(one, names)]
            if len(found) > 1:
                raise DeployError(f"there are several objects {kind} for the service {service}")
            mesh[kind] = (
                {"name": found[0]["metadata"]["name"], "before": found[0].get("spec") or {}}
                if found
                else {"name": f"{memory['stable']}-mulligan", "before": None}
            )
        memory["istio"] = mesh
        keep()
    stable = _label_stable(context, stable)
    rule = mesh[_DESTINATION_RULE]["before"] or {"host": mesh["service"]}
    _write(context, mesh, _DESTINATION_RULE, subsets(rule, labels_of(stable)[VERSION]))
    _route(context, memory, gray=False)
    return stable


def divide(context: Context, memory: Document) -> None:
    """Give the grey release the traffic that the policy says."""
    _route(context, memory, gray=True)
    policy = context.settings.gray.policy or {}
    what = f"{policy.get('weight', 0)} %" if policy.get("type") != "content" else "what matches"
    say(f"service {memory['istio']['service']}: the grey release gets {what} of the traffic")


def all_to_stable(context: Context, memory: Document) -> None:
    """Send all traffic to the stable release; nothing without a mesh."""
    if memory.get("istio") and context.find(_VIRTUAL_SERVICE, _name(memory, _VIRTUAL_SERVICE)):
        _route(context, memory, gray=False)
        say(f"service {memory['istio']['service']}: all traffic goes to the stable release")


def remove(context: Context, memory: Document) -> None:
    """Give the objects of the mesh back as they were, or remove our own; the routes first."""
    for kind in (_VIRTUAL_SERVICE, _DESTINATION_RULE) if memory.get("istio") else ():
        name, before = _name(memory, kind), memory["istio"][kind]["before"]
        found = context.find(kind, name)
        if found is None:
            continue
        if before is None:
            context.api.delete(kind, context.namespace, name)
            say(f"removed {kind} {context.namespace}/{name}")
        elif found.get("spec") != before:
            context.patch(found, [{"op": "add", "path": "/spec", "value": before}])
            say(f"{kind} {context.namespace}/{name} is as it was before")


def _all(context: Context, kind: str) -> list[Document]:
    try:
        return context.find_all(kind)
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise DeployError(f"the cluster has no Istio: it doesn't know {kind}") from None
        raise


def _name(memory: Document, kind: str) -> str:
    return str(memory["istio"][kind]["name"])


def _route(context: Context, memory: Document, *, gray: bool) -> None:
    mesh = memory["istio"]
    policy = context.settings.gray.policy or {"type": "weight", "weight": 0}
    names = host_names(str(mesh["service"]), context.namespace)
    before = mesh[_VIRTUAL_SERVICE]["before"]
    if before is None:
        target: Document = {"host": mesh["service"]}
        if str(policy.get("port") or "").isdigit():
            target["port"] = {"number": int(policy["port"])}
        before = {"hosts": [mesh["service"]], "http": [{"route": [{"destination": target}]}]}
    spec = divided(copy.deepcopy(before), names, policy if gray else None)
    _write(context, mesh, _VIRTUAL_SERVICE, spec)


def _write(context: Context, mesh: Document, kind: str, spec: Document) -> None:
    name = mesh[kind]["name"]
    found = context.find(kind, name)
    if found is not None:
        if found.get("spec") != spec:
            context.patch(found, [{"op": "add", "path": "/spec", "value": spec}])
        return
    if mesh[kind]["before"] is not None:
        raise DeployError(f"{kind} {name} isn't there any more")
    metadata = {"name": name, "namespace": context.namespace}
    api_version = RESOURCES[kind].api_version
    context.put({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec})
