"""The service that the integration test needs: down at first, started later."""

import socket
import subprocess
import sys
import time
from pathlib import Path

UP_WITHIN_S = 10.0
DOWN_WITHIN_S = 2.0


class PriceFeedError(Exception):
    """The price feed did not come up."""


class PriceFeed:
    """The sample's `feed.py` on an address that is known before it is up.

    The port is bound but not listened on from the start, so nobody else can take it and every
    connection is refused, as with a service that is down.

    Args:
        log: File for what it prints.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._reserved = socket.socket()
        self._reserved.bind(("127.0.0.1", 0))
        self._port: int = self._reserved.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it answers when it is up."""
        return f"http://127.0.0.1:{self._port}"

    def start(self, program: Path) -> None:
        """Start it and wait until it takes connections.

        Raises:
            PriceFeedError: It ended, or was not up within 10 s.
        """
        self._reserved.close()
        command = [sys.executable, str(program), "--port", str(self._port), "--while-stdin-open"]
        with self._log.open("wb") as log:
            # stdin ends with this process, even when it is killed, and the feed with it;
            # the own session keeps Ctrl-C from it
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + UP_WITHIN_S
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = self._log.read_text(errors="replace").strip()
                raise PriceFeedError(f"the price feed did not come up: {text[-500:]}")
            time.sleep(0.02)

    def close(self) -> None:
        """End it; harmless when it never started."""
        self._reserved.close()
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(DOWN_WITHIN_S)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _is_up(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
