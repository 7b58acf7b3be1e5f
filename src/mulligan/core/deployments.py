"""Environments, releases and the ledger of deployments. Values, and the rules that move them.

An environment is where a release lives: its ledger is append-only, `live` points at the deployment
whose release is there, and moves only when a deployment or rollback has been found healthy. A
rollback is a record of its own but never becomes live itself: the record that it restored does.
"""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId, UserName


class Act(StrEnum):
    """What a deployment record does to its environment."""

    DEPLOY = "deploy"
    GRAY = "gray"  # put a grey release beside the stable one
    PROMOTE = "promote"  # the grey release becomes the stable one
    ROLLBACK = "rollback"  # restore the release of an earlier record
    ABORT = "abort"  # take the grey release away
    BASE = "base"  # what was there before the first deployment


class Outcome(StrEnum):
    """How far an act is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # carried out, but the target did not become healthy
    UNREACHABLE = "unreachable"  # could not be carried out: target or engine not reachable
    CANCELLED = "cancelled"


class Release(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is deployed. `info`: the target's settings as resolved; `files`: name -> SHA-256."""

    info: str = ""
    image: str = ""  # namespace/repository:tag, "" without
    files: dict[str, str] = {}
    deploy_mode: str = ""
    gray_mode: str = ""


class Deployment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act on an environment. `number` ascends over the server; 0 before it is stored.

    Args:
        environment: Key of the environment.
        previous: Id of the record that was live when this one became it; "" = nothing was.
        target: Id of the record that a rollback restores, or a promotion or abort concerns.
        result: What the driver said: "manifest" for people, "state" for itself.
    """

    id: str
    environment: str
    act: Act
    actor: UserName
    run: RunId
    job: JobId
    job_attempt: int
    pipeline: PipelineId
    started_at: datetime
    run_queued_at: datetime
    release: Release = Release()
    outcome: Outcome = Outcome.RUNNING
    ended_at: datetime | None = None
    previous: str = ""
    target: str = ""
    tries: int = 0  # how often it was begun; more than once after a crash
    result: dict[str, Any] = {}
    number: int = 0


class Environment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where releases live. At most one act at a time: `holder` is the deployment under way."""

    key: str
    project: ProjectId
    name: str
    driver: str
    application: str = ""
    live: str = ""  # id of the deployment whose release is there; "" = none
    gray: str = ""  # id of the deployment of an open grey release
    holder: str = ""
    updated_at: datetime | None = None
    revision: int = 0

    @property
    def id(self) -> str:
        """Return a short id that follows from the key."""
        return "env-" + hashlib.sha256(self.key.encode()).hexdigest()[:16]


class LedgerChange(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the ledger that one transaction writes.

    An environment is stored only over its previous revision (`revision` - 1; 1 = it is new).
    """

    environments: tuple[Environment, ...] = ()
    deployments: tuple[Deployment, ...] = ()


def begin(environment: Environment, deployment: Deployment, now: datetime) -> Environment:
    """Give the environment with the deployment holding its lock."""
    return replace(
        environment,
        holder=deployment.id,
        updated_at=now,
        revision=environment.revision + 1,
    )


def settle(
    environment: Environment,
    deployment: Deployment,
    outcome: Outcome,
    now: datetime,
    result: dict[str, Any] | None = None,
) -> LedgerChange:
    """End a deployment and let its environment go; `live` moves only if it succeeded."""
    ended = replace(
        deployment,
        outcome=outcome,
        ended_at=now,
        result=deployment.result if result is None else result,
    )
    changed = replace(
        environment,
        holder="" if environment.holder == deployment.id else environment.holder,
        updated_at=now,
        revision=environment.revision + 1,
    )
    if outcome is Outcome.SUCCEEDED:
        match deployment.act:
            case Act.DEPLOY | Act.PROMOTE:
                ended = replace(ended, previous=environment.live)
                changed = replace(changed, live=deployment.id, gray="")
            case Act.GRAY:
                changed = replace(changed, gray=deployment.id)
            case Act.ROLLBACK:
                changed = replace(changed, live=deployment.target, gray="")
            case Act.ABORT:
                changed = replace(changed, gray="")
            case Act.BASE:
                changed = replace(changed, live=deployment.id)
    return LedgerChange(environments=(changed,), deployments=(ended,))
