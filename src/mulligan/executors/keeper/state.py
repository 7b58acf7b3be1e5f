"""What survives the keeper: the file `DIR/keeper.json`."""

from __future__ import annotations

import contextlib
import json
import os

from mulligan.executors.keeper.family import read_boot_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "keeper.json"
_TEMPORARY = "keeper.json.tmp"


class StateError(Exception):
    """The file can't be written; the text says why."""


class StateFile:
    """The services as the last change left them.

    Args:
        folder: descriptor of the data directory.
    """

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._boot = read_boot_id()

    def read(self) -> list[dict[str, Any]]:
        """Return the services of an earlier keeper; those of another boot have no process."""
        try:
            with open(FILE, "rb", opener=self._open) as file:
                content = json.load(file)
            services = [dict(service) for service in content["services"]]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError):
            with contextlib.suppress(OSError):  # nothing can be done with it but look at it
                os.replace(FILE, FILE + ".bad", src_dir_fd=self._folder, dst_dir_fd=self._folder)
            return []
        if not self._boot or content.get("boot") != self._boot:
            for service in services:
                service["pid"] = service["ticks"] = 0
        return services

    def write(self, services: list[dict[str, Any]]) -> None:
        """Replace the file; it is on the disk when this returns. Raises StateError."""
        content = json.dumps({"boot": self._boot, "services": services}).encode()
        try:
            with open(_TEMPORARY, "wb", opener=self._open) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(_TEMPORARY, FILE, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            os.fsync(self._folder)
        except OSError as error:
            raise StateError(f"{FILE} can't be written: {error.strerror}") from None

    def _open(self, name: str, flags: int) -> int:
        return os.open(name, flags | os.O_CLOEXEC, 0o600, dir_fd=self._folder)
