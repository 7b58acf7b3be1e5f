"""Follow one object: every state of it comes through a queue, whatever breaks in between."""

import queue
import threading

from mulligan.executors.deploy.k8s_api import Api
from mulligan.executors.deploy.k8s_errors import DriverError, WatchDroppedError
from mulligan.executors.deploy.k8s_order import Document, say

_WATCH_S = 60  # then the server ends the stream and a new one is opened
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_DROPS_BEFORE_LIST = 3


class Watcher(threading.Thread):
    """Put each state of an object into `states`: an object, None (deleted) or a DriverError.

    A stream that breaks is opened again from the version it had reached; when the server says
    that this version is too old (410), or the stream breaks again and again, the object is listed.
    A DriverError is the last thing that is put. Ends with the process (daemon).
    """

    def __init__(self, api: Api, kind: str, namespace: str, name: str) -> None:
        super().__init__(name=f"watch {kind} {name}", daemon=True)
        self.states: queue.Queue[Document | DriverError | None] = queue.Queue()
        self._api = api
        self._kind = kind
        self._namespace = namespace
        self._fields = f"metadata.name={name}"
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Stop soon; a stream that is open ends with the process at the latest."""
        self._stopped.set()

    def run(self) -> None:
        """Follow the object until stopped."""
        version, drops = "", 0
        while not self._stopped.is_set():
            try:
                version = version or self._list()
                version, seen = self._watch(version)
                drops = 0 if seen else drops + 1
            except WatchDroppedError as error:
                drops += 1
                if error.gone:
                    say("the watch is too old for the API server (410): reading the state again")
                else:
                    say(f"the watch was interrupted ({error}); going on")
                if error.gone or drops >= _DROPS_BEFORE_LIST:
                    version = ""
            except DriverError as error:
                self.states.put(error)
                return
            self._stopped.wait(min(_FIRST_PAUSE_S * 2 ** min(drops, 8), _LONGEST_PAUSE_S))

    def _list(self) -> str:
        found, version = self._api.list_all(self._kind, self._namespace, fields=self._fields)
        # The items of a list don't carry their kind.
        self.states.put({**found[0], "kind": self._kind} if found else None)
        return version

    def _watch(self, version: str) -> tuple[str, bool]:
        """Follow one stream to its end; returns the version reached and whether anything came."""
        reached = version
        events = self._api.watch(
            self._kind, self._namespace, fields=self._fields, version=version, seconds=_WATCH_S
        )
        try:
            for event in events:
                thing = event["object"]
                reached = str(thing["metadata"].get("resourceVersion") or reached)
                if event["type"] == "DELETED":
                    self.states.put(None)
                elif event["type"] != "BOOKMARK":
                    self.states.put({**thing, "kind": self._kind})
                if self._stopped.is_set():
                    break
        except WatchDroppedError as error:
            if reached == version or error.gone:
                raise
            say(f"the watch was interrupted ({error}); going on from version {reached}")
        return reached, reached != version
