"""Grey releases: the acts `gray` and `abort`, and what `promote` needs.

    canary       APP-gray beside the stable workload, behind the same services
    blue_green   APP-green at full size; the one service is switched to it
    istio        APP-gray as a subset; a VirtualService divides the traffic

What was before is remembered in the result and in `gray.json` before anything is changed, and a
grey release that is tried again keeps the first memory. So `abort` always knows where to go.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mulligan.executors.deploy import k8s_istio as istio
from mulligan.executors.deploy import k8s_traffic as traffic
from mulligan.executors.deploy.k8s_context import Context, record_of
from mulligan.executors.deploy.k8s_errors import DeployError
from mulligan.executors.deploy.k8s_fields import (
    GRAY_OF,
    TRACK,
    images_of,
    is_autoscaled,
    labels_of,
    replicas_of,
    template_of,
)
from mulligan.executors.deploy.k8s_manifest import (
    main_workload,
    merged_template,
    read_manifest,
)
from mulligan.executors.deploy.k8s_order import Document, read_json, say, write_json
from mulligan.executors.deploy.k8s_settings import share_of

_SUFFIX = {"canary": "gray", "istio": "gray", "blue_green": "green"}


def gray(context: Context) -> None:
    """Put the grey release beside the stable one and give it its share of the traffic."""
    stable, template = _stable_and_template(context)
    memory = _remember(context, stable)
    strategies: dict[str, Callable[..., Document]] = {
        "canary": _canary,
        "blue_green": _blue_green,
        "istio": _istio,
    }
    beside = strategies[memory["strategy"]](context, stable, template, memory)
    _keep(context, memory, beside)
    say(f"the grey release of {stable['metadata']['name']} is open ({memory['strategy']})")


def promotion(context: Context) -> tuple[Context, Document]:
    """Say what the stable workload becomes: the context to deploy it with, and the memory.

    Raises:
        DeployError: No grey release is open.
    """
    memory = memory_of(context)
    if memory is None:
        raise DeployError("there is no open grey release to be promoted")
    images = [str(image) for image in dict(memory.get("images") or {}).values()]
    context = full_size(context, memory)
    settings = context.settings
    changed = replace(
        settings,
        image=settings.image or (images[0] if len(set(images)) == 1 else ""),
        application=settings.application or str(memory["stable"]),
    )
    return context.with_settings(changed), memory


def full_size(context: Context, memory: Document) -> Context:
    """Let the stable workload have the size again that a grey release took from it."""
    stable = context.find(str(memory["kind"]), str(memory["stable"]))
    taken = bool(memory.get("resized")) and stable is not None and not is_autoscaled(stable)
    if context.settings.replicas is not None or not taken:
        return context
    return context.with_settings(replace(context.settings, replicas=int(memory["replicas"])))


def abort(context: Context) -> None:
    """Bring the stable release back to what it was and remove the grey one."""
    memory = memory_of(context)
    if memory is None:
        say("there is no open grey release; what may be left of one is removed")
        remove_leftovers(context, context.settings.kind, context.settings.application)
        return
    stable = context.find(str(memory["kind"]), str(memory["stable"]))
    if stable is None:
        raise DeployError(f"the stable {memory['kind']} {memory['stable']} isn't there any more")
    traffic.give_back(context, memory)
    istio.all_to_stable(context, memory)
    before = int(memory["replicas"])
    if replicas_of(stable) != before and memory.get("resized") and not is_autoscaled(stable):
        say(f"{memory['stable']}: {replicas_of(stable)} → {before} replicas, as before")
        stable = context.patch(stable, [_size(before)])
    stable = context.wait(stable)
    close(context, memory)
    context.keep(**record_of(stable))
    say(f"the grey release of {memory['stable']} is rolled back")


def close(context: Context, memory: Document) -> None:
    """Send all traffic to the stable release and remove what the grey one consisted of."""
    traffic.give_back(context, memory)
    istio.all_to_stable(context, memory)
    remove_leftovers(context, str(memory["kind"]), str(memory["stable"]))
    istio.remove(context, memory)
    context.memory_file.unlink(missing_ok=True)


def memory_of(context: Context) -> Document | None:
    """Return what is known of the open grey release: the ledger's word, else our own file."""
    result = (context.order.gray or {}).get("result")
    state = result.get("state") if isinstance(result, Mapping) else None
    own = read_json(context.memory_file)
    if isinstance(state, Mapping) and state.get("stable"):
        return {**(own or {}), **state}
    return own


def remove_leftovers(context: Context, kind: str, application: str) -> None:
    """Delete the grey workloads of an application; only those that carry our label."""
    for suffix in sorted(set(_SUFFIX.values())):
        name = f"{application}-{suffix}"
        found = context.find(kind, name) if application else None
        if found and (found["metadata"].get("labels") or {}).get(GRAY_OF) == application:
            context.api.delete(kind, context.namespace, name)
            say(f"removed {kind} {context.namespace}/{name}")


def _stable_and_template(context: Context) -> tuple[Document, Document]:
    """Return the stable workload and the template of the grey one."""
    settings = context.settings
    kind, name, main = settings.kind, settings.application, None
    if settings.manifest:
        main = main_workload(read_manifest(settings), settings)
        kind, name = str(main["kind"]), str(main["metadata"]["name"])
    if not name:
        raise DeployError("`application` (the name of the workload) is missing")
    stable = context.find(kind, name)
    if stable is None:
        raise DeployError(f"a grey release needs a live one: there is no {kind} {name}")
    if main is not None:
        return stable, copy.deepcopy(main["spec"]["template"])
    if not settings.image:
        raise DeployError("a grey release needs an image")
    return stable, merged_template(settings, stable)


def _remember(context: Context, stable: Document) -> Document:
    """Write down how it was before; the first memory of a release that is open counts."""
    memory = memory_of(context)
    strategy = context.settings.gray.strategy
    if memory is not None and memory["strategy"] != strategy:
        raise DeployError(
            f"a grey release with the strategy {memory['strategy']} is open; roll it back first"
        )
    if memory is None:
        name = str(stable["metadata"]["name"])
        memory = {
            "strategy": strategy,
            "kind": stable["kind"],
            "stable": name,
            "gray": f"{name}-{_SUFFIX[strategy]}",
            "replicas": replicas_of(stable),
        }
    _keep(context, memory)
    return memory


def _keep(context: Context, memory: Document, beside: Document | None = None) -> None:
    if beside is not None:
        record = record_of(beside)
        memory["images"] = images_of(beside)
        context.keep(manifest=record["manifest"], state={**memory, "spec": record["state"]["spec"]})
    else:
        context.keep(state=memory)
    write_json(context.memory_file, memory)


def _size(replicas: int) -> Document:
    return {"op": "add", "path": "/spec/replicas", "value": replicas}


def _gray_size(context: Context, memory: Document, default: int | str) -> int:
    wanted = context.settings.gray.gray_replicas
    return share_of(default if wanted is None else wanted, int(memory["replicas"]))


def _canary(context: Context, stable: Document, template: Document, memory: Document) -> Document:
    size = _gray_size(context, memory, 1)
    left = context.settings.gray.stable_replicas
    if size + (left or int(memory["replicas"])) < 2:
        raise DeployError("a canary needs at least two replicas, stable and grey together")
    if left is not None and is_autoscaled(stable):
        raise DeployError("an autoscaler sets the stable replicas: leave gray.stable_replicas out")
    labels = {**labels_of(stable), TRACK: "gray"}
    beside = _beside(context, stable, template, memory, labels, size)
    if left is not None and replicas_of(stable) != left:
        memory["resized"] = True
        _keep(context, memory)
        say(f"{memory['stable']}: {replicas_of(stable)} → {left} replicas")
        context.wait(context.patch(stable, [_size(left)], mark=False))
    return beside


def _blue_green(
    context: Context, stable: Document, template: Document, memory: Document
) -> Document:
    service = traffic.the_service(context, stable, memory)
    memory.setdefault("services", {})[service["metadata"]["name"]] = traffic.blue_selector(
        service, memory
    )
    _keep(context, memory)
    selector = memory["services"][service["metadata"]["name"]]
    key, value = traffic.switch_label(selector)
    labels = {**labels_of(stable), key: value, TRACK: "green"}
    size = _gray_size(context, memory, "100%")
    beside = _beside(context, stable, template, memory, labels, size, moved=key)
    traffic.switch(context, service, {**selector, key: value})
    return beside


def _istio(context: Context, stable: Document, template: Document, memory: Document) -> Document:
    stable = istio.prepare(context, stable, memory, lambda: _keep(context, memory))
    labels = {**labels_of(stable), istio.VERSION: istio.GRAY, TRACK: "gray"}
    size = _gray_size(context, memory, 1)
    beside = _beside(context, stable, template, memory, labels, size, moved=istio.VERSION)
    istio.divide(context, memory)
    return beside


def _beside(
    context: Context,
    stable: Document,
    template: Document,
    memory: Document,
    labels: dict[str, str],
    size: int,
    *,
    moved: str = "",
) -> Document:
    """Apply the second workload and wait until it runs.

    `labels` are those of its pods; `moved` is the label in which they differ from the stable ones.
    """
    name = str(memory["gray"])
    there = context.find(str(memory["kind"]), name)
    if there and (there["metadata"].get("labels") or {}).get(GRAY_OF) != memory["stable"]:
        raise DeployError(f"there is a {memory['kind']} {name} that isn't ours")
    spec = _beside_spec(stable, labels, moved)
    if "volumeClaimTemplates" in spec:
        say(f"{name} gets volumes of its own; they stay when it is removed")
    own = copy.deepcopy(template)
    own.setdefault("metadata", {})
    own["metadata"]["labels"] = {**(own["metadata"].get("labels") or {}), **labels}
    spec |= {"replicas": size, "template": template_of({"spec": {"template": own}})}
    document: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": memory["kind"],
        "metadata": {
            "name": name,
            "namespace": context.namespace,
            "labels": {GRAY_OF: memory["stable"]},
        },
        "spec": spec,
    }
    return context.wait(context.put(document, force=True))


def _beside_spec(stable: Document, labels: dict[str, str], moved: str) -> Document:
    """Take from the stable workload what the second one has in common with it."""
    selector = copy.deepcopy(stable["spec"]["selector"])
    names = [*(selector.get("matchLabels") or {}), TRACK, *([moved] if moved else [])]
    selector["matchLabels"] = {name: labels[name] for name in names}
    kept = ("strategy", "updateStrategy", "serviceName", "minReadySeconds", "volumeClaimTemplates")
    common = {key: stable["spec"][key] for key in kept if stable["spec"].get(key)}
    return {"selector": selector, **copy.deepcopy(common)}
