"""Call git so that neither the URL, the repository nor a variable can make it do something else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading

from mulligan.executors.programs.basics import StepError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mulligan.executors.programs.targets import Remote

UNAUTHORIZED_EXIT = 77  # EX_NOPERM of sysexits.h
_USER, _PASSWORD = "MULLIGAN_GIT_USER", "MULLIGAN_GIT_PASSWORD"
CREDENTIAL_HELPER = (
    '!f() { test "$1" != get || '
    f'printf "username=%s\\npassword=%s\\n" "${_USER}" "${_PASSWORD}"; }}; f'
)
# Variables of the server that would lead git elsewhere.
_DROPPED = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_.*|NAMESPACE|CONFIG.*|COMMON_DIR"
    r"|CEILING_.*|TEMPLATE_DIR|TRACE.*|EXEC_PATH|EXTERNAL_DIFF|SSH_VARIANT)"
)
_DENIED = re.compile(
    r"authentication failed|could not read (username|password)|terminal prompts disabled"
    r"|permission denied|access denied|not authorized|invalid (username|credentials)"
    r"|requested url returned error: 40[13]|http basic: access denied|http 40[13]",
    re.IGNORECASE,
)
_KEPT_CHARACTERS = 20_000


class GitError(StepError):
    """git failed; `output` has what it said."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output

    def of_server(self) -> StepError:
        """Read what git said while it talked with the server: was it refused?"""
        if not _DENIED.search(self.output):
            return self
        return StepError(
            "the credential is missing, wrong or has no right to read the repository",
            cause="unauthorized",
            exit_code=UNAUTHORIZED_EXIT,
        )


class Git:
    """git in the folder `work` for one remote."""

    def __init__(self, work: Path, remote: Remote, *, private_targets: bool) -> None:
        self._work = work
        self._options = _options(remote, private_targets=private_targets)
        self.environment = _environment(remote, private_targets=private_targets)

    def command(self, *arguments: str) -> list[str]:
        """Return the words of a call of git, to be run with `environment`."""
        return ["git", *self._options, *arguments]

    def run(self, *arguments: str, is_quiet: bool = False) -> str:
        """Run git; what it says on stderr goes to the log. Return its stdout.

        Raises:
            GitError: It failed.
            StepError: There is no git.
        """
        argv = self.command(*arguments)
        try:
            process = subprocess.Popen(
                argv,
                cwd=self._work,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError:
            raise StepError("the program git is not installed on this server") from None
        said: list[str] = []
        assert process.stderr is not None  # noqa: S101  (for the type checker)
        relay = threading.Thread(target=_relay, args=(process.stderr, said, is_quiet))
        relay.start()
        assert process.stdout is not None  # noqa: S101
        output = process.stdout.read().decode("utf-8", "replace")
        relay.join()
        if process.wait() != 0:
            text = "".join(said)
            raise GitError(last_words(text) or f"git {arguments[0]} failed", text)
        return output


def _relay(stream: Iterable[bytes], said: list[str], is_quiet: bool) -> None:  # noqa: FBT001 - a thread gives it by position
    kept = 0
    for line in stream:
        text = line.decode("utf-8", "replace")
        if kept < _KEPT_CHARACTERS:
            said.append(text)
            kept += len(text)
        if not is_quiet:
            sys.stdout.write(text)
            sys.stdout.flush()


def last_words(text: str) -> str:
    """Return the line of what git said that tells best why it failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or [""])[-1].removeprefix("fatal: ")[:500]


def _options(remote: Remote, *, private_targets: bool) -> list[str]:
    settings = {
        "safe.directory": "*",  # a repository of another owner is read on purpose
        "advice.detachedHead": "false",
        "core.hooksPath": os.devnull,
        "core.fsmonitor": "false",
        "gc.auto": "0",
        "maintenance.auto": "false",
        "http.followRedirects": "initial" if private_targets else "false",
    }
    if remote.addresses and remote.scheme != "ssh":
        # the addresses that were checked: a name may have others a moment later
        addresses = ",".join(f"[{each}]" if ":" in each else each for each in remote.addresses)
        settings["http.curloptResolve"] = f"{remote.host}:{remote.port}:{addresses}"
    if remote.user is not None and remote.scheme != "ssh":
        # only for this site: a redirection must not carry the credential elsewhere
        settings[f"credential.{remote.site}.helper"] = CREDENTIAL_HELPER
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    if remote.user is not None:
        options[:0] = ["-c", "credential.helper="]  # no helper of this machine is asked
    return options


def _environment(remote: Remote, *, private_targets: bool) -> dict[str, str]:
    environment = {
        name: value for name, value in os.environ.items() if not _DROPPED.fullmatch(name)
    }
    ssh = "ssh -oBatchMode=yes -oStrictHostKeyChecking=accept-new"
    if remote.addresses and remote.scheme == "ssh":
        ssh += f" -oHostName={remote.addresses[0]} -oHostKeyAlias={remote.host}"
    environment |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_SSH_COMMAND": ssh,
        "GIT_ALLOW_PROTOCOL": "http:https:ssh" + (":file" if private_targets else ""),
        "GIT_LFS_SKIP_SMUDGE": "1",  # its server is named by the repository
        "LC_ALL": "C",
        "LANGUAGE": "",
    }
    if remote.user is not None:
        environment |= {_USER: remote.user, _PASSWORD: remote.password or ""}
    return environment
