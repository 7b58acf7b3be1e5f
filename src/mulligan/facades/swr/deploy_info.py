"""`input_info` of deploy stages: checked as far as it is understood (contract-swr.md §4)."""

import re
from typing import Any

import msgspec

from mulligan.facades.swr import names
from mulligan.facades.swr.errors import bad
from mulligan.facades.swr.fields import Fields, Json

DRIVERS = ("process", "command", "kubernetes")
_MOST_REPLICAS = 300
_LONGEST_WAIT_S = 86_400
_PERCENT = re.compile(r"(100|[1-9]?[0-9])%")
# Any of these, and the object is meant for us; else it is somebody's own text.
_UNDERSTOOD = frozenset(
    {"driver", "environment", "application", "cluster_id", "cluster_name", "namespace"}
    | {"cluster_ns", "app_type", "container", "create_mode", "manifest", "deploy", "start"}
)
_CHOICES = {
    "app_type": ("deployments", "statefulsets"),
    "create_mode": ("standard", "yaml"),
    "image_pull_policy": ("Always", "IfNotPresent"),
    "strategy": ("rolling", "recreate"),
}


def parse_info(text: str) -> Json | None:
    """Return the object that a text is, None when it is an opaque manifest."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value: Any = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def check_info(text: str, path: str, *, is_gray: bool) -> None:
    """Check what is understood of `input_info`.

    Args:
        is_gray: It is that of a grey release.

    Raises:
        SwrError: 4000014, with the path inside the object.
    """
    value = parse_info(text)
    if value is None or not _UNDERSTOOD & value.keys():
        return
    info = Fields(value, path)
    driver = info.choice("driver", DRIVERS) if info.has("driver") else "kubernetes"
    _check_identity(info)
    if info.has("timeout_s"):
        _check_number(info, "timeout_s", 1, _LONGEST_WAIT_S)
    if driver == "process":
        _check_process(info, is_gray=is_gray)
    elif driver == "command":
        _check_command(info, is_gray=is_gray)
    else:
        _check_kubernetes(info)


def _check_identity(info: Fields) -> None:
    for key in ("environment", "application"):
        if info.has(key):
            info.filled(key, absent="SWR.4000014")
    has_other_name = info.has("environment") or info.has("manifest")
    if not info.has("application") and not has_other_name:
        raise bad(info.at("application"), "is required where no environment is named")


def _check_process(info: Fields, *, is_gray: bool) -> None:
    info.filled("start", absent="SWR.4000014")
    if info.has("artifact"):
        name = info.filled("artifact")
        if not names.is_safe_path(name):
            raise bad(info.at("artifact"), f"{name!r} must be the name of a file")
    if info.has("env"):
        for name, value in info.raw("env").items() if isinstance(info.raw("env"), dict) else ():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise bad(f"{info.at('env')}.{name}", "must be a text")
        info.inner("env")
    _check_health(info)
    if is_gray:
        gray = _inner(info, "gray")
        gray.filled("start", absent="SWR.4000014")
        _check_health(gray)


def _check_health(info: Fields) -> None:
    if not info.has("health"):
        return
    health = info.inner("health")
    ways = [key for key in ("url", "tcp", "command") if health.has(key)]
    if len(ways) != 1:
        raise bad(info.at("health"), "needs one of url, tcp (host:port) and command")
    how = health.filled(ways[0])
    if ways == ["url"] and not how.startswith(("http://", "https://", "${")):
        raise bad(health.at("url"), f"{how!r} is no http:// or https:// URL")
    if health.has("timeout_s"):
        _check_number(health, "timeout_s", 0, _LONGEST_WAIT_S)


def _check_command(info: Fields, *, is_gray: bool) -> None:
    info.filled("deploy", absent="SWR.4000014")
    for key in ("rollback", "status"):
        if info.has(key):
            info.text(key)
    if is_gray:
        gray = _inner(info, "gray")
        gray.filled("deploy", absent="SWR.4000014")
        gray.text_or("abort")


def _check_kubernetes(info: Fields) -> None:
    for key in ("cluster_id", "cluster_name", "namespace", "cluster_ns", "container", "manifest"):
        info.text_or(key)
    for key, choices in _CHOICES.items():
        if info.has(key) and not names.has_reference(info.text(key)):
            info.choice(key, choices)
    if info.has("replicas"):
        _check_number(info, "replicas", 1, _MOST_REPLICAS)
    if info.has("max_unavailable"):
        _check_share(info, "max_unavailable", 0)
    for key in ("resources", "gray"):
        if info.has(key):
            info.inner(key)
    list(info.objects("services"))
    if info.has("gray"):
        _check_gray(info.inner("gray"))


def _check_gray(gray: Fields) -> None:
    if gray.has("strategy"):
        gray.choice("strategy", ("canary", "blue_green"))
    if gray.has("gray_replicas"):
        _check_share(gray, "gray_replicas", 1)
    if gray.has("stable_replicas"):
        _check_number(gray, "stable_replicas", 1, _MOST_REPLICAS)
    if not gray.has("policy"):
        return
    policy = gray.inner("policy")
    kind = policy.choice("type", ("weight", "content")) if policy.has("type") else ""
    if kind == "weight":
        _check_number(policy, "weight", 0, 100)


def _inner(info: Fields, key: str) -> Fields:
    if not info.has(key):
        raise bad(info.at(key), "is required for a grey release with this driver")
    return info.inner(key)


def _check_number(info: Fields, key: str, least: int, most: int) -> None:
    """Check a number; a text with a reference is one only when the stage starts."""
    value = info.raw(key)
    if isinstance(value, str) and names.has_reference(value):
        return
    if isinstance(value, float) and least <= value <= most:
        return
    info.whole(key, least, most, absent="SWR.4000014")


def _check_share(info: Fields, key: str, least: int) -> None:
    value = info.raw(key)
    if isinstance(value, str):
        if not names.has_reference(value) and not _PERCENT.fullmatch(value):
            raise bad(info.at(key), f'{value!r} is neither a number nor a share like "25%"')
        return
    info.whole(key, least, _MOST_REPLICAS)
