"""Which pods a service sends its traffic to: the switch of a blue-green release."""

from mulligan.executors.deploy.k8s_context import Context
from mulligan.executors.deploy.k8s_errors import DeployError
from mulligan.executors.deploy.k8s_fields import labels_of, selects
from mulligan.executors.deploy.k8s_order import Document, say

_SUFFIX = "-green"
_LABEL_CHARACTERS = 63


def the_service(context: Context, stable: Document, memory: Document) -> Document:
    """Return the one service in front of the stable workload.

    Raises:
        DeployError: There is none, or several and none of them is named in `services`.
    """
    names = [service.name for service in context.settings.services]
    names = names or list(memory.get("services") or {})
    if not names:
        found = [one for one in context.find_all("Service") if selects(one, labels_of(stable))]
        names = [str(one["metadata"]["name"]) for one in found]
    if len(names) != 1:
        raise DeployError(
            "this strategy needs exactly one service in front of "
            f"{stable['metadata']['name']}; there are: {', '.join(names) or 'none'}. "
            "Name it in `services`"
        )
    service = context.find("Service", names[0])
    if service is None:
        raise DeployError(f"the service {names[0]} isn't there")
    return service


def blue_selector(service: Document, memory: Document) -> dict[str, str]:
    """Return what the service selected before the grey release."""
    name = service["metadata"]["name"]
    remembered = (memory.get("services") or {}).get(name)
    selector = remembered or (service.get("spec") or {}).get("selector")
    if not selector:
        raise DeployError(f"the service {name} selects no pods, so it can't be switched")
    return dict(selector)


def switch_label(selector: dict[str, str]) -> tuple[str, str]:
    """Choose the label, and its value, by which the green pods differ from the blue ones."""
    key = "app" if "app" in selector else sorted(selector)[0]
    return key, selector[key][: _LABEL_CHARACTERS - len(_SUFFIX)] + _SUFFIX


def switch(context: Context, service: Document, selector: dict[str, str]) -> None:
    """Let a service select other pods; nothing is done when it does so already."""
    name = service["metadata"]["name"]
    if (service.get("spec") or {}).get("selector") == selector:
        return
    text = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
    say(f"service {name}: traffic goes to {text}")
    operation = {"op": "add", "path": "/spec/selector", "value": selector}
    context.patch({**service, "kind": "Service"}, [operation])


def give_back(context: Context, memory: Document) -> None:
    """Let the services select what they did before the grey release."""
    for name, selector in dict(memory.get("services") or {}).items():
        service = context.find("Service", name)
        if service is not None:
            switch(context, service, dict(selector))
