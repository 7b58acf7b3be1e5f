"""Wait until a rollout is done, and explain why it isn't."""

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass

from mulligan.executors.deploy.k8s_api import Api
from mulligan.executors.deploy.k8s_errors import (
    ApiError,
    DeployError,
    DriverError,
    MissingRightError,
    UnreachableError,
)
from mulligan.executors.deploy.k8s_order import Document, say
from mulligan.executors.deploy.k8s_rollout import (
    Finding,
    Verdict,
    find_obstacles,
    judge_workload,
    newest_pods,
    older_pods,
)
from mulligan.executors.deploy.k8s_watch import Watcher

_INSPECT_S = 0.5
_LONGEST_INSPECT_S = 5.0
_EVENTS_SHOWN = 5
_LOG_LINES_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long an act may take and an obstacle last (seconds); `end` on the monotonic clock.

    `is_again`: the same release was tried before, what is broken may be left of that try.
    """

    end: float
    is_again: bool = False
    timeout_s: float
    grace_s: float


def wait_for_rollout(
    api: Api, kind: str, namespace: str, name: str, patience: Patience
) -> Document:
    """Wait until the workload runs only ready pods of its present template; returns it.

    Raises:
        DeployError: It failed, was deleted or took too long; the reasons are in the log.
        UnreachableError: The API server was lost.
    """
    watcher = Watcher(api, kind, namespace, name)
    watcher.start()
    try:

        def read() -> Document | None:
            return api.find(kind, namespace, name)

        return _Wait(api, watcher, read, patience).run(f"{kind} {namespace}/{name}")
    finally:
        watcher.stop()


class _Wait:
    """One wait: the last state, what was said, since when which obstacle is known."""

    def __init__(
        self,
        api: Api,
        watcher: Watcher,
        read: Callable[[], Document | None],
        patience: Patience,
    ) -> None:
        self._api = api
        self._read = read
        self._states = watcher.states
        self._patience = patience
        self._end = patience.end
        self._said = ""
        self._is_first = True
        self._since: dict[tuple[str, str], float] = {}
        self._pods_visible = True
        self._is_expired_before = patience.is_again

    def run(self, what: str) -> Document:
        workload: Document | None = None
        verdict = Verdict(text="nothing was heard of it")
        pause, next_look = _INSPECT_S, time.monotonic() + _INSPECT_S
        while time.monotonic() < self._end:
            state = self._next(min(next_look, self._end))
            if isinstance(state, DriverError):
                raise state
            if isinstance(state, dict):
                workload, verdict = state, self._judge(state)
                if verdict.done:
                    return workload
                if verdict.failure:
                    raise self._failed(workload, f"{what}: {verdict.failure}")
            elif state is _DELETED:
                raise DeployError(f"{what} was deleted during its rollout")
            if workload is not None and time.monotonic() >= next_look:
                self._inspect(workload, what)
                pause = min(pause * 1.5, _LONGEST_INSPECT_S)
                next_look = time.monotonic() + pause
        # A stream may be dead without a sign: the last word has a fresh reading.
        workload = self._read() or workload
        if workload is not None:
            verdict = judge_workload(workload)
            if verdict.done:
                return workload
        text = f"{what} isn't ready after {self._patience.timeout_s:g} s: {verdict.text}"
        raise self._failed(workload, text) if workload else DeployError(text)

    def _judge(self, workload: Document) -> Verdict:
        """Judge a state; what an earlier try of the same release left doesn't count."""
        verdict = judge_workload(workload)
        self._say(verdict.text)
        if self._patience.is_again and not verdict.done and self._is_first:
            self._start_anew(workload)
        self._is_first = False
        if not verdict.is_expired:
            self._is_expired_before = False
        elif self._is_expired_before:
            return Verdict(text=verdict.text)
        return verdict

    def _start_anew(self, workload: Document) -> None:
        """Delete the broken pods of the release: their back-off would outlast our patience."""
        obstacles = find_obstacles(workload, self._pods(workload)[0])
        for name in dict.fromkeys(found.pod for found in obstacles if found.container):
            say(f"pod {name} is broken since an earlier try: it is started anew")
            self._delete(workload, name)

    def _next(self, until: float) -> Document | DriverError | object:
        try:
            state = self._states.get(timeout=max(0.01, until - time.monotonic()))
        except queue.Empty:
            return _NOTHING
        return _DELETED if state is None else state

    def _say(self, text: str) -> None:
        if text != self._said:
            say(text)
            self._said = text

    def _inspect(self, workload: Document, what: str) -> None:
        """Look at the pods; an obstacle that lasted longer than its grace ends the wait."""
        newest, older = self._pods(workload)
        obstacles = find_obstacles(workload, newest)
        blocking = find_obstacles({}, older)
        known = {_key(found) for found in [*obstacles, *blocking]}
        self._since = {key: since for key, since in self._since.items() if key in known}
        for found in obstacles:
            if self._is_over(found):
                raise self._failed(workload, f"{what} doesn't come up: {found}", obstacles)
        for found in blocking:
            if self._is_over(found):
                self._unblock(workload, found)

    def _is_over(self, found: Finding) -> bool:
        """Say whether an obstacle lasted longer than it may; it is told when it is new."""
        now = time.monotonic()
        if _key(found) not in self._since:
            say(f"not ready: {found}")
            self._since[_key(found)] = now
        return now - self._since[_key(found)] >= found.graces * self._patience.grace_s

    def _unblock(self, workload: Document, found: Finding) -> None:
        """Delete a broken pod of an older template.

        A StatefulSet waits for it to become ready before it replaces anything: for ever.
        """
        say(f"pod {found.pod} of an older release blocks the StatefulSet: deleting it")
        self._delete(workload, found.pod)

    def _delete(self, workload: Document, pod: str) -> None:
        try:
            self._api.delete("Pod", workload["metadata"]["namespace"], pod)
        except (ApiError, MissingRightError) as error:
            say(f"it can't be deleted: {error}")

    def _pods(self, workload: Document) -> tuple[list[Document], list[Document]]:
        """Return the pods of the newest template, and older ones that may block it."""
        if not self._pods_visible:
            return [], []
        namespace = workload["metadata"]["namespace"]
        labels = (workload["spec"].get("selector") or {}).get("matchLabels") or {}
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        try:
            sets: list[Document] = []
            if workload["kind"] == "Deployment":
                sets, _ = self._api.list_all("ReplicaSet", namespace, labels=selector)
            pods, _ = self._api.list_all("Pod", namespace, labels=selector)
        except (ApiError, MissingRightError) as error:
            # Rights on pods are a help, not a condition: the workload itself tells enough.
            say(f"the pods can't be looked at, so failures are seen later: {error}")
            self._pods_visible = False
            return [], []
        return newest_pods(workload, sets, pods), older_pods(workload, pods)

    def _failed(
        self, workload: Document, text: str, obstacles: list[Finding] | None = None
    ) -> DeployError:
        """Make the error, with the obstacles and what the cluster and the containers said."""
        if obstacles is None:
            try:
                obstacles = find_obstacles(workload, self._pods(workload)[0])
            except UnreachableError:
                obstacles = []
        shown = [str(found) for found in obstacles[:_EVENTS_SHOWN]]
        lines = [text, *(line for line in shown if line not in text)]
        namespace = workload["metadata"]["namespace"]
        names = list(dict.fromkeys(found.pod for found in obstacles if found.pod != "-"))
        for name in [*names[:2], workload["metadata"]["name"]]:
            lines += self._events(namespace, name)
        crashed = [found for found in obstacles if found.reason in ("CrashLoopBackOff", "Error")]
        for found in crashed[:1]:
            log = self._api.pod_log(namespace, found.pod, found.container, lines=_LOG_LINES_SHOWN)
            lines += [f"{found.pod} wrote: {line}" for line in log.splitlines()]
        return DeployError("\n".join(dict.fromkeys(lines)))

    def _events(self, namespace: str, name: str) -> list[str]:
        try:
            fields = f"involvedObject.name={name}"
            events, _ = self._api.list_all("Event", namespace, fields=fields)
        except DriverError:
            return []
        warnings = [event for event in events if event.get("type") == "Warning"]
        return [
            f"event of {name}: {event.get('reason')}: {event.get('message')}"
            for event in warnings[-_EVENTS_SHOWN:]
        ]


def _key(found: Finding) -> tuple[str, str]:
    return found.pod, found.container  # without the reason: that may flip to and fro


_NOTHING = object()
_DELETED = object()
