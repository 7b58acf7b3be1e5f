"""Routes of Istio for a grey release; pure."""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mulligan.executors.deploy.k8s_errors import DeployError
from mulligan.executors.deploy.k8s_order import Document

VERSION = "version"  # label by which the subsets differ
STABLE = "stable"
GRAY = "gray"

_SYSTEMS = {
    "ios": "iPhone|iPad|iPod",
    "android": "Android",
    "windows": "Windows",
    "macos": "Macintosh|Mac OS X",
    "linux": "Linux",
}
_BROWSERS = {
    "chrome": "Chrome",
    "360": "360SE|360EE|QihooBrowser",
    "ie": "MSIE|Trident",
    "safari": "Safari",
    "sogou": "MetaSr|SogouMobileBrowser",
    "edge": "Edge|Edg",
}


def host_names(service: str, namespace: str) -> frozenset[str]:
    """Return all names by which routes may speak of a service."""
    short = f"{service}.{namespace}"
    return frozenset({service, short, f"{short}.svc", f"{short}.svc.cluster.local"})


def is_routed(document: Document, names: frozenset[str]) -> bool:
    """Say whether a VirtualService or DestinationRule is about the service of these names."""
    spec = document.get("spec") or {}
    return bool(names & {spec.get("host"), *(spec.get("hosts") or [])})


def subsets(spec: Document, stable_version: str) -> Document:
    """Add both subsets to the spec of a DestinationRule."""
    ours = [
        {"name": STABLE, "labels": {VERSION: stable_version}},
        {"name": GRAY, "labels": {VERSION: GRAY}},
    ]
    others = [one for one in spec.get("subsets") or [] if one.get("name") not in (STABLE, GRAY)]
    return {**copy.deepcopy(spec), "subsets": [*others, *ours]}


def divided(spec: Document, names: frozenset[str], policy: Mapping[str, Any] | None) -> Document:
    """Divide the traffic of a VirtualService by a policy; None sends all of it to stable.

    Routes to other services stay as they are.

    Raises:
        DeployError: The policy makes no sense.
    """
    kind = str((policy or {}).get("type") or "weight")
    if kind not in ("weight", "content"):
        raise DeployError(f"gray.policy.type is {kind!r}; possible: weight, content")
    weight = _weight(policy) if policy and kind == "weight" else 0
    result = copy.deepcopy(spec)
    result["http"] = [
        {**rule, "route": _route(rule.get("route") or [], names, weight)}
        for rule in result.get("http") or []
    ]
    if policy and kind == "content":
        first = next((one for rule in result["http"] for one in rule["route"]), None)
        if first is None:
            raise DeployError("the VirtualService has no route to be divided")
        target = {**first["destination"], "subset": GRAY}
        result["http"].insert(0, {"match": [_match(policy)], "route": [{"destination": target}]})
    return result


def _weight(policy: Mapping[str, Any]) -> int:
    try:
        weight = int(policy.get("weight", 0))
    except (TypeError, ValueError):
        weight = -1
    if not 0 <= weight <= 100:
        raise DeployError(f"gray.policy.weight is {policy.get('weight')!r}; it must be 0 to 100")
    return weight


def _route(route: Sequence[Document], names: frozenset[str], weight: int) -> list[Document]:
    parts: list[Document] = []
    for part in route:
        target = part.get("destination") or {}
        if target.get("host") not in names:
            parts.append(part)
            continue
        share = int(part.get("weight", 100 if len(route) == 1 else 0))
        gray = round(share * weight / 100)
        for subset, size in ((STABLE, share - gray), (GRAY, gray)):
            parts.append({**part, "destination": {**target, "subset": subset}, "weight": size})
    return parts


def _match(policy: Mapping[str, Any]) -> Document:
    """Make one match of all that a request must have to see the grey release."""
    headers: Document = {}
    cookie = policy.get("cookie")
    if isinstance(cookie, Mapping) and cookie.get("value"):
        exact = str(cookie.get("match") or "exact") == "exact"
        value = str(cookie["value"])
        # A cookie header holds all cookies: an exact one may stand anywhere in it.
        text = rf"^(.*?;\s*)?{re.escape(value)}(;.*)?$" if exact else value
        headers["cookie"] = {"regex": text}
    for header in policy.get("headers") or []:
        exact = str(header.get("match") or "exact") == "exact"
        name = str(header.get("key") or "").lower()
        headers[name] = {"exact" if exact else "regex": str(header.get("value") or "")}
    agent = _agent(policy)
    if agent:
        headers["user-agent"] = {"regex": agent}
    if not headers or "" in headers:
        raise DeployError("gray.policy of type content needs a cookie, headers, os or browser")
    return {"headers": headers}


def _agent(policy: Mapping[str, Any]) -> str:
    """Make an expression for User-Agent; the system stands before the browser in it."""
    text = ".*"
    for key, words in (("os", _SYSTEMS), ("browser", _BROWSERS)):
        chosen = [str(word) for word in policy.get(key) or []]
        unknown = [word for word in chosen if word.lower() not in words]
        if unknown:
            raise DeployError(
                f"gray.policy.{key} has {', '.join(unknown)}; possible: {list(words)}"
            )
        if chosen:
            text += "(" + "|".join(words[word.lower()] for word in chosen) + ").*"
    return "" if text == ".*" else text
