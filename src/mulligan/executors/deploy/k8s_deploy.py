"""The acts `deploy`, `promote` and `rollback`."""

from collections.abc import Mapping

from mulligan.executors.deploy.k8s_context import Context, record_of
from mulligan.executors.deploy.k8s_errors import ApiError, DeployError
from mulligan.executors.deploy.k8s_fields import (
    containers_of,
    deployment_of,
    images_of,
    is_autoscaled,
    labels_of,
    replicas_of,
    selects,
    template_of,
)
from mulligan.executors.deploy.k8s_gray import (
    close,
    full_size,
    memory_of,
    promotion,
    remove_leftovers,
)
from mulligan.executors.deploy.k8s_manifest import (
    main_workload,
    read_manifest,
    services_of,
    standard_workload,
)
from mulligan.executors.deploy.k8s_order import Document, read_json, say, write_json


def deploy(context: Context) -> None:
    """Bring the release of the order onto its workload and wait until it runs."""
    memory = memory_of(context)
    if memory is not None:
        say(f"a grey release of {memory['stable']} is still open: it is closed afterwards")
        context = full_size(context, memory)
    documents, main, live = plan(context)
    _remember_base(context, live)
    roll_out(context, documents, main, live)
    _remove_gray(context, main, memory)


def _remove_gray(context: Context, stable: Document, memory: Document | None) -> None:
    """Leave nothing of a grey release behind, not even one that failed half-way."""
    name = str(stable["metadata"]["name"])
    if memory is not None and memory["stable"] == name:
        close(context, memory)
    else:
        remove_leftovers(context, str(stable["kind"]), name)


def plan(context: Context) -> tuple[list[Document], Document, Document | None]:
    """Return the documents to be applied, the main workload among them, and what is there now."""
    settings = context.settings
    if settings.manifest:
        documents = read_manifest(settings)
        main = main_workload(documents, settings)
        return documents, main, context.find(main["kind"], main["metadata"]["name"])
    live = context.find(settings.kind, settings.application) if settings.application else None
    main = standard_workload(settings, live)
    if live is not None and not settings.container and len(containers_of(live)) > 1:
        say("`container` is empty: the image of all containers is set")
    labels = (main["spec"]["selector"].get("matchLabels")) or labels_of(live or main)
    services = [_kept_selector(context, one, live) for one in services_of(settings, labels)]
    return [*services, main], main, live


def _kept_selector(context: Context, service: Document, live: Document | None) -> Document:
    """Leave the selector of a service alone that already sends traffic to these pods."""
    there = context.find("Service", service["metadata"]["name"]) if live else None
    if live is None or there is None or not selects(there, labels_of(live)):
        return service
    return {**service, "spec": {**service["spec"], "selector": there["spec"]["selector"]}}


def _remember_base(context: Context, live: Document | None) -> None:
    """Keep what the very first deployment found there, also when that has to be tried again."""
    if context.order.live is not None:
        return
    file = context.order.root / "base.json"
    kept = read_json(file)
    if kept is None:
        kept = {"base": record_of(live) if live is not None else None}
        write_json(file, kept)
    if kept.get("base"):
        context.keep(base=kept["base"])
        say("this environment's first deployment: the workload found there is kept as a base")


def roll_out(
    context: Context, documents: list[Document], main: Document, live: Document | None
) -> Document:
    """Apply the documents, wait for the main workload, keep the result; returns the workload."""
    order = context.order
    if order.resume and live is not None and deployment_of(live) == order.deployment:
        say(f"{order.deployment} was applied before the interruption: looking how it went on")
        applied = live
    else:
        # The first deployment adopts what it finds; later, a conflict is somebody's change.
        force = order.live is None
        applied = live if live is not None else main
        for document in documents:
            thing = context.put(document, force=force)
            applied = thing if document is main else applied
    context.keep(**record_of(applied, main))
    rolled_out = context.wait(applied, before=live)
    if images_of(rolled_out) != images_of(applied):
        raise DeployError(f"{main['metadata']['name']} was changed by somebody else meanwhile")
    context.keep(**record_of(rolled_out, main))
    say(f"{main['kind']} {context.namespace}/{main['metadata']['name']} is rolled out")
    return rolled_out


def promote(context: Context) -> None:
    """Make the grey release the stable one, at full size and with all traffic."""
    context, memory = promotion(context)
    documents, main, live = plan(context)
    if live is None:
        raise DeployError(f"the stable {memory['stable']} isn't there any more")
    whole = {**live, "spec": {**live["spec"], "replicas": memory["replicas"]}}
    _remember_base(context, whole)
    roll_out(context, documents, main, live)
    close(context, memory)


def rollback(context: Context) -> None:
    """Put the recorded template and number of replicas back and wait until they run."""
    target = context.order.target or {}
    state = target.get("state") or target
    if not isinstance(state, Mapping) or not isinstance(state.get("spec"), Mapping):
        raise DeployError("the record to be restored holds no state of a workload")
    state = dict(state)
    context.namespace = str(state.get("namespace") or context.namespace)
    kind, name = str(state["kind"]), str(state["name"])
    live = context.find(kind, name)
    images = ", ".join(f"{key}={value}" for key, value in dict(state["images"]).items())
    say(f"restoring {kind} {context.namespace}/{name} to {images}; {state['replicas']} replicas")
    say("services, volumes and configuration objects are left as they are")
    if live is None:
        restored = context.put(_whole(state, context), force=True)
    elif deployment_of(live) == context.order.deployment and _is_restored(live, state):
        say(f"{context.order.deployment} was applied before the interruption")
        restored = live
    else:
        restored = _restore(context, live, state)
    restored = context.wait(restored, before=live)
    if images_of(restored) != state["images"]:
        raise DeployError(f"{name} was changed by somebody else meanwhile")
    context.keep(**record_of(restored, state.get("applied")))
    _remove_gray(context, restored, memory_of(context))
    say(f"{kind} {context.namespace}/{name} runs the recorded template again")


def _whole(state: Document, context: Context) -> Document:
    """Make the workload anew: somebody deleted it."""
    metadata = {"name": state["name"], "namespace": context.namespace}
    if state.get("labels"):
        metadata["labels"] = state["labels"]
    spec = {key: value for key, value in dict(state["spec"]).items() if value is not None}
    return {"apiVersion": "apps/v1", "kind": state["kind"], "metadata": metadata, "spec": spec}


def _is_restored(live: Document, state: Document) -> bool:
    same_size = is_autoscaled(live) or replicas_of(live) == int(state["replicas"])
    return same_size and template_of(live) == template_of(state)


def _restore(context: Context, live: Document, state: Document) -> Document:
    """Apply again what was applied then; if that isn't exactly the record, replace the template.

    The second way is needed for a workload that was there before us, and when somebody else
    changed fields of the template that are not ours.
    """
    applied = state.get("applied")
    if isinstance(applied, Mapping):
        document: Document = {**applied, "spec": dict(applied["spec"])}
        document["spec"].pop("replicas", None)
        if not is_autoscaled(live):
            document["spec"]["replicas"] = state["replicas"]
        try:
            outcome = context.api.apply(context.marked(document), force=True, dry_run=True)
        except ApiError as error:
            say(f"the recorded settings can't be applied again ({error})")
        else:
            if template_of(outcome) == template_of(state):
                return context.put(document, force=True)
    say("replacing the whole template by the recorded one")
    operations: list[Document] = [
        {"op": "add", "path": "/spec/template", "value": template_of(state)}
    ]
    if is_autoscaled(live):
        say("an autoscaler sets the number of replicas: it is left to it")
    else:
        operations.append({"op": "add", "path": "/spec/replicas", "value": state["replicas"]})
    return context.patch(live, operations)
