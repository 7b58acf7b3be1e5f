"""Deploy driver `process`: a release is a process on this machine, run by the keeper.

    python process.py ORDER.json

The old process is stopped, the new one started beside its unpacked files; it is committed when its
health check passes. Until then what it prints goes to the job's log. A grey release is a second
process (slot `grey`) with `gray.start` and `gray.health`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# Behind the standard library, so that nothing beside the package can take its place.
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from mulligan.executors.deploy.common import (
    ARCHIVES,
    Order,
    has_release,
    make_release,
    release_folder,
    remove_old_releases,
    run_driver,
    say,
    switch_link,
    write_result,
)
from mulligan.executors.deploy.failures import FailedError, UnreachableError
from mulligan.executors.keeper.client import Keeper, KeeperError, KeeperRefusedError
from mulligan.executors.keeper.following import Follower
from mulligan.executors.keeper.health import Health, HealthError, read_health, read_seconds
from mulligan.executors.keeper.scripts import ScriptError, write_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mulligan.executors.deploy.common import Release

STABLE, GREY = "stable", "grey"
RUNNING = "running"
DEFAULT_STOP_TIMEOUT_S = 10.0
MOST_STOP_TIMEOUT_S = 600.0
# Without a health check: who lives this long is healthy.
ALIVE_S = 1.0
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5
_FOREIGN = "stranger"  # see keeper/ports.py
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What a service gets of the environment of the server, besides LC_….
_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ")
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


# --- what is said about the release -----------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What `input_info` says about one process.

    Attributes:
        where: the name of `start` in messages.
        plain: archives that are copied and not unpacked, because another file is the release.
    """

    where: str
    start: str
    env: dict[str, str]
    health: Health | None
    grace_s: float
    plain: frozenset[str]


def read_settings(info: Mapping[str, Any], files: Mapping[str, str], slot: str) -> Settings:
    """Check `input_info`. Raises FailedError, which names the key."""
    block, prefix = info, ""
    if slot == GREY:
        block, prefix = info.get("gray") or {}, "gray."
        if not isinstance(block, dict) or not block:
            raise FailedError("input_info: gray is missing: a grey release needs gray.start")
    start = block.get("start")
    if not isinstance(start, str) or not start.strip():
        raise FailedError(f"input_info: {prefix}start is missing: the text that starts the process")
    try:
        health = read_health(block.get("health"), f"{prefix}health")
        grace_s = read_seconds(
            info.get("stop_timeout_s"), "stop_timeout_s", DEFAULT_STOP_TIMEOUT_S, least=0.0
        )
    except HealthError as error:
        raise FailedError(f"input_info: {error}") from None
    return Settings(
        where=f"{prefix}start",
        start=start,
        env=_read_env(info.get("env")),
        health=health,
        grace_s=min(grace_s, MOST_STOP_TIMEOUT_S),
        plain=_read_artifact(info, files),
    )


def _read_env(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FailedError("input_info: env must be an object")
    env = {}
    for name, text in value.items():
        if not _VARIABLE.fullmatch(name):
            raise FailedError(f"input_info: env: {name!r} is no name of a variable")
        if isinstance(text, bool) or not isinstance(text, str | int | float) or "\0" in str(text):
            raise FailedError(f"input_info: env.{name} must be a text")
        env[name] = str(text)
    return env


def _read_artifact(info: Mapping[str, Any], files: Mapping[str, str]) -> frozenset[str]:
    """Find which archives are not the release."""
    artifact = info.get("artifact")
    names = ", ".join(sorted(files)) or "no file"
    if artifact is None or artifact == "":
        if len(files) > 1:
            raise FailedError(f"input_info: artifact is missing: which one of {names}?")
        return frozenset()
    if artifact not in files:
        raise FailedError(f"input_info: artifact {artifact!r} is not there; there is: {names}")
    return frozenset(name for name in files if name != artifact and name.endswith(ARCHIVES))


# --- the acts ---------------------------------------------------------------------------------


def act(order: Order) -> None:
    """Do what the order says. Raises DeployError."""
    if order.keeper_data is None:
        raise UnreachableError("the order names no keeper")
    target = Target(order, Keeper(order.keeper_data))
    try:
        match order.act:
            case "deploy" | "rollback" | "promote":
                target.put(STABLE)
                target.end(GREY)  # promoted or not: with a new stable release it is over
            case "gray":
                if order.live is None:
                    raise FailedError("gray_deploy needs a live release, and there is none here")
                target.put(GREY)
            case _:
                target.end(GREY)
                target.ensure_live()
        target.tidy()
    except KeeperRefusedError as error:
        if error.code == "launch":
            raise FailedError(str(error)) from None
        raise UnreachableError(f"the keeper refused: {error}") from None
    except KeeperError as error:
        raise UnreachableError(str(error)) from None


class Target:
    """The environment: its two slots in the keeper, and its folder."""

    def __init__(self, order: Order, keeper: Keeper) -> None:
        self._order = order
        self._keeper = keeper

    def put(self, slot: str) -> None:
        """Bring the release of the order into a slot, and commit it when it is healthy."""
        order = self._order
        settings = read_settings(order.info, order.files, slot)
        self._keeper.ping()  # before anything is done
        if order.resume and self._is_done(slot, order.deployment, order.files, settings):
            say(f"{order.deployment} runs already and is healthy")
        else:
            make_release(order, order.deployment, order.files, plain=settings.plain)
            self._replace(slot, order.deployment, settings)
        self._commit(slot, order.deployment, settings, order.info)

    def ensure_live(self) -> None:
        """Make sure that the live release is the one that runs, healthy."""
        live = self._order.live
        if live is None:
            write_result(self._order, manifest="", state={})
            return
        settings = read_settings(live.info, live.files, STABLE)
        name = _running_name(live)
        if self._is_done(STABLE, name, live.files, settings):
            say(f"{name} is live and healthy")
        else:
            say(f"{name} is live but does not run as it should: starting it")
            if not has_release(self._order.root, name, live.files):
                make_release(self._order, name, live.files, plain=settings.plain)
            self._replace(STABLE, name, settings)
        self._commit(STABLE, name, settings, live.info)

    def end(self, slot: str) -> None:
        """End what is in a slot."""
        if self._keeper.stop(self._order.key, slot):
            say(f"the {slot} process has ended")

    def tidy(self) -> None:
        """Remove old releases, but none that runs or may be needed at once; the act is done."""
        order = self._order
        needed = {order.deployment}
        for release in (order.live, order.gray):
            if release is not None:
                needed |= {release.id, _running_name(release)}
        try:
            for slot in (STABLE, GREY):
                needed.add(str(self._keeper.status(order.key, slot)["deployment"]))
        except KeeperError:
            return
        remove_old_releases(order, needed)

    def _is_done(self, slot: str, name: str, files: Mapping[str, str], settings: Settings) -> bool:
        """Ask the keeper and the process whether this deployment runs and is healthy."""
        status = self._keeper.status(self._order.key, slot)
        if status["deployment"] != name or status["state"] != RUNNING:
            return False
        if not has_release(self._order.root, name, files):
            return False
        say(f"{name} runs (process {status['pid']})")
        try:
            self._wait_until_healthy(slot, name, settings, Follower(self._log(name)))
        except FailedError as error:
            say(f"{name} is not healthy: {error}")
            return False
        return True

    def _replace(self, slot: str, name: str, settings: Settings) -> None:
        """Stop the old process, start the new one and wait until it is healthy."""
        order = self._order
        service = self._service(slot, name, settings)
        old = self._keeper.status(order.key, slot)["deployment"]
        if old is not None:
            say(f"stopping {old}")
            self._keeper.stop(order.key, slot)
        follower = Follower(self._log(name))
        status = self._start(slot, service)
        say(f"started {name} (process {status['pid']})")
        try:
            self._wait_until_healthy(slot, name, settings, follower)
        except FailedError:
            self._keeper.stop(order.key, slot, deployment=name)
            follower.end_line()
            if slot == STABLE and old is not None:
                say("nothing runs here now: roll the stage back, or deploy again")
            raise

    def _start(self, slot: str, service: dict[str, Any]) -> dict[str, Any]:
        """Start the process; the server may just have started the live one in its place again."""
        try:
            return self._keeper.start(service)
        except KeeperRefusedError as error:
            if error.code != "busy":
                raise
        self._keeper.stop(self._order.key, slot)
        return self._keeper.start(service)

    def _service(self, slot: str, name: str, settings: Settings) -> dict[str, Any]:
        """Return what the keeper needs to start the process; writes its script."""
        env = self._environment(name, settings)
        self._log(name).parent.mkdir(parents=True, exist_ok=True)
        try:
            argv = write_script(settings.start, self._script(name, "start"), env["PATH"])
        except ScriptError as error:
            raise FailedError(f"input_info: {settings.where}: {error}") from None
        return {
            "key": self._order.key,
            "slot": slot,
            "deployment": name,
            "argv": argv,
            "env": env,
            "cwd": os.fspath(release_folder(self._order.root, name)),
            "log": os.fspath(self._log(name)),
            "grace": settings.grace_s,
        }

    def _environment(self, name: str, settings: Settings) -> dict[str, str]:
        env = {
            variable: value
            for variable, value in os.environ.items()
            if variable in _PASSED_ON or variable.startswith("LC_")
        }
        env.setdefault("PATH", _DEFAULT_PATH)
        return (
            env
            | settings.env
            | {
                "MULLIGAN_DEPLOYMENT": name,
                "MULLIGAN_RELEASE_DIR": os.fspath(release_folder(self._order.root, name)),
            }
        )

    def _wait_until_healthy(
        self, slot: str, name: str, settings: Settings, follower: Follower
    ) -> None:
        """Return when the process is healthy. Raises FailedError: it ended, or the time is over."""
        health = settings.health
        give_up_at = time.monotonic() + (ALIVE_S if health is None else health.timeout_s)
        pause, reason = _FIRST_PAUSE_S, ""
        while True:
            self._check_alive(slot, name, min(pause, max(give_up_at - time.monotonic(), 0)))
            follower.copy()
            left = give_up_at - time.monotonic()
            if health is None:
                if left <= 0:
                    break
            elif left <= 0:
                raise FailedError(f"not healthy within {health.timeout_s:g} s: {reason}")
            else:
                before, reason = reason, self._ask(slot, name, settings, health, left)
                if not reason:
                    break
                if reason != before:
                    follower.end_line()
                    say(f"not healthy yet: {reason}")
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        self._check_alive(slot, name, 0)
        follower.end_line()
        say(f"{name} is healthy")

    def _check_alive(self, slot: str, name: str, seconds: float) -> None:
        """Look for `seconds` whether the process ends. Raises FailedError: it did."""
        status = self._keeper.wait(self._order.key, slot, name, seconds)
        if status["deployment"] != name:
            raise UnreachableError(f"{name} was taken away by somebody else while it was started")
        if status["state"] != RUNNING:
            code = status["exit_code"]
            how = "" if code is None else f" (signal {-code})" if code < 0 else f" (exit {code})"
            raise FailedError(f"the process has ended{how} before it was healthy")

    def _ask(self, slot: str, name: str, settings: Settings, health: Health, seconds: float) -> str:
        """Return why it is not healthy; an answer of somebody else's process doesn't count."""
        env = self._environment(name, settings)
        cwd = release_folder(self._order.root, name)
        reason = health.ask(env, cwd, self._script(name, "health"), seconds)
        port = None if reason else health.find_local_port()
        if port and self._keeper.who_listens(self._order.key, slot, port) == _FOREIGN:
            return f"another process answers on port {port}; it was there before"
        return reason

    def _commit(self, slot: str, name: str, settings: Settings, info: Mapping[str, Any]) -> None:
        if slot == STABLE:
            switch_link(self._order, release_folder(self._order.root, name))
        self._keeper.commit(self._order.key, slot, name)
        state = {
            "deployment": name,
            "release": os.fspath(release_folder(self._order.root, name)),
            "service": self._service(slot, name, settings),
        }
        write_result(self._order, manifest=_describe(info), state=state)

    def _log(self, name: str) -> Path:
        return self._order.root / "logs" / f"{name}.log"

    def _script(self, name: str, what: str) -> Path:
        return self._order.root / "scripts" / f"{name}.{what}"


def _running_name(release: Release) -> str:
    """Return under which name the keeper runs a release: mostly that of its act."""
    name = release.state.get("deployment")
    return name if isinstance(name, str) and name else release.id


def _describe(info: Mapping[str, Any]) -> str:
    """Return `input_info` for people; values of the environment stay out of it."""
    shown = dict(info)
    if isinstance(shown.get("env"), dict):
        shown["env"] = dict.fromkeys(shown["env"], "…")
    return json.dumps(shown, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(run_driver(sys.argv[1:], act))
