"""What deployments change: a file, by shell texts that a test can break, hold and count."""

from __future__ import annotations

import json
import shlex
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]

ACTS = ("deploy", "rollback", "gray", "abort")
IMAGE = "acme/shop"


@dataclass(frozen=True, kw_only=True)
class Act:
    """Hold what one run of a text was told; images without `acme/shop:`."""

    text: str
    action: str
    version: str
    previous: str
    deployment: str


class Target:
    """Own a directory with the files `live` and `gray` and the flags that steer the texts.

    Each text first notes itself in the journal, waits while its `hold` flag is there, exits 69
    while it is `unreachable`, fails while it is `broken`, then takes effect, and at last waits
    while it is `stuck`.
    """

    def __init__(self, directory: Path, environment: str | None = "prod") -> None:
        """Use `directory`, which is made when missing, and an application name of its own."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.environment = environment
        self.application = f"shop-{uuid.uuid4().hex[:8]}"

    def info(self, **more: object) -> str:
        """Return the text of `input_info` for the driver `command`; None leaves a key out."""
        info: Json = {
            "driver": "command",
            "environment": self.environment,
            "application": self.application,
            "deploy": self._text("deploy", self._write("live")),
            "rollback": self._text("rollback", self._write("live")),
            "status": f"[ ! -e {self._quoted('unhealthy')} ]",
            **more,
        }
        return json.dumps({key: value for key, value in info.items() if value is not None})

    def exact_status(self) -> str:
        """Return a text for `status` that also wants the release in question to be live."""
        wanted = f'[ "$(cat {self._quoted("live")})" = "$MULLIGAN_IMAGE" ]'
        return f"[ ! -e {self._quoted('unhealthy')} ]\n{wanted}"

    def gray_info(self, **more: object) -> str:
        """Return the text of `input_info` for a grey release of the driver `command`."""
        gray = {
            "strategy": "canary",
            "deploy": self._text("gray", self._write("gray")),
            "abort": self._text("abort", f"rm -f {self._quoted('gray')}"),
        }
        promoted = f"{self._write('live')}\nrm -f {self._quoted('gray')}"
        return self.info(**{"gray": gray, "deploy": self._text("deploy", promoted), **more})

    @property
    def live(self) -> str:
        """Return the version that is live, empty when there is none."""
        return self._version("live")

    @property
    def gray(self) -> str:
        """Return the version of the grey release, empty when there is none."""
        return self._version("gray")

    def set(self, *flags: str) -> None:
        """Set flags, e.g. `deploy.hold`, `rollback.unreachable`, `unhealthy`."""
        for flag in flags:
            (self.directory / flag).touch()

    def clear(self, *flags: str) -> None:
        """Clear flags."""
        for flag in flags:
            (self.directory / flag).unlink()

    def clear_all(self) -> None:
        """Clear all flags, so that a test that failed leaves nothing waiting."""
        for pattern in ("*.hold", "*.stuck"):
            for flag in self.directory.glob(pattern):
                flag.unlink(missing_ok=True)

    def acts(self, *texts: str) -> list[Act]:
        """Return the runs of the texts named (of all without a name) in their order."""
        journal = self.directory / "journal"
        lines = journal.read_text().splitlines() if journal.exists() else []
        acts = [_act(line) for line in lines]
        return [act for act in acts if not texts or act.text in texts]

    def wait_act(self, text: str, times: int = 1) -> Act:
        """Wait until a text was started for the `times`-th time and return that run."""
        poll_until(lambda: len(self.acts(text)) >= times, what=f"{text} ran {times} times")
        return self.acts(text)[times - 1]

    def wait_live(self, version: str) -> None:
        """Wait until a version is in the live file, whatever the server says of it."""
        poll_until(lambda: self.live == version, what=f"{version} is live")

    def _text(self, name: str, effect: str) -> str:
        note = "|".join(
            [name]
            + [f"$MULLIGAN_{key}" for key in ("ACTION", "IMAGE", "PREVIOUS_IMAGE", "DEPLOYMENT")]
        )
        return "\n".join(
            [
                f'echo "{note}" >> {self._quoted("journal")}',
                f"while [ -e {self._quoted(name + '.hold')} ]; do sleep 0.05; done",
                f"if [ -e {self._quoted(name + '.unreachable')} ]; then exit 69; fi",
                f"[ ! -e {self._quoted(name + '.broken')} ]",
                effect,
                f"echo {name} done",
                f"while [ -e {self._quoted(name + '.stuck')} ]; do sleep 0.05; done",
            ]
        )

    def _write(self, name: str) -> str:
        file, new = self._quoted(name), self._quoted(f"{name}.new")
        return f'printf %s "$MULLIGAN_IMAGE" > {new}\nmv {new} {file}'

    def _version(self, name: str) -> str:
        path = self.directory / name
        return _version_of(path.read_text()) if path.exists() else ""

    def _quoted(self, name: str) -> str:
        return shlex.quote(str(self.directory / name))


def _act(line: str) -> Act:
    text, action, image, previous, deployment = line.split("|")
    return Act(
        text=text,
        action=action,
        version=_version_of(image),
        previous=_version_of(previous),
        deployment=deployment,
    )


def _version_of(image: str) -> str:
    return image.removeprefix(f"{IMAGE}:")
