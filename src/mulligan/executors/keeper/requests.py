"""What clients ask for: checked before anything is done."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Request = dict[str, Any]

SLOTS = ("stable", "grey")
MOST_GRACE_S = 3600.0
DEFAULT_GRACE_S = 10.0


class RequestError(Exception):
    """A request can't be fulfilled.

    Args:
        code: for programs: `invalid`, `busy`, `absent`, `launch`, `storage`, `stuck`, `ending`.
        message: for people.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def read_spec(request: Request) -> Request:
    """Check what says how a service is started; return only that. Raises RequestError."""
    place = read_place(request)
    argv, env = request.get("argv"), request.get("env")
    if not (isinstance(argv, list) and argv and all(isinstance(word, str) for word in argv)):
        raise RequestError("invalid", "argv must be a list of texts")
    if "/" not in argv[0]:
        raise RequestError("invalid", "argv must begin with a path")
    if not (isinstance(env, dict) and all(isinstance(value, str) for value in env.values())):
        raise RequestError("invalid", "env must hold texts")
    spec: Request = {"key": place[0], "slot": place[1], "argv": argv, "env": env}
    for name in ("deployment", "cwd", "log"):
        if not isinstance(request.get(name), str) or not request[name]:
            raise RequestError("invalid", f"{name} must be a text")
        spec[name] = request[name]
    spec["grace"] = read_seconds(request, "grace", DEFAULT_GRACE_S, MOST_GRACE_S)
    spec["keep"] = request.get("keep") is True
    return spec


def read_place(request: Request) -> tuple[str, str]:
    """Return the key and the slot that name a service. Raises RequestError."""
    key, slot = request.get("key"), request.get("slot")
    if not isinstance(key, str) or not key or slot not in SLOTS:
        raise RequestError("invalid", f"key must be a text and slot one of {', '.join(SLOTS)}")
    return key, slot


def read_seconds(request: Request, name: str, default: float, most: float) -> float:
    """Return a number of seconds, not negative. Raises RequestError."""
    value = request.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise RequestError("invalid", f"{name} must be seconds, at most {most:g}")
    return float(value)


def read_life(record: Request) -> Request:
    """Return what an earlier keeper noted about the process of a service."""
    life: Request = {}
    for name in ("pid", "ticks", "restarts"):
        value = record.get(name)
        life[name] = value if isinstance(value, int) and value > 0 else 0
    started_at = record.get("started_at")
    life["started_at"] = started_at if isinstance(started_at, int | float) else 0.0
    life["token"] = str(record.get("token") or "")
    return life
