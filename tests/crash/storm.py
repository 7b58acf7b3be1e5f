"""A storm: pipelines that deploy, somebody who uses them at random, and what is stored of it."""

from __future__ import annotations

import http.client
import json
import sqlite3
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from e2e.swr.client import CREATED
from e2e.swr.scenario import MOVING, Pipeline

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from storm_sites import CommandSite

    from e2e.swr.client import Reply

Json = dict[str, Any]

# What a call may be answered; 400 and 409 are refusals by a rule.
ANSWERS = {CREATED, 400, 409}
ENDED = {"succeeded", "failed", "unreachable", "cancelled"}


@dataclass
class Used:
    """A pipeline with what was asked of it.

    Args:
        deploy_stage: index of the stage that can be rolled back.
        accepted: how often each kind of call was answered 201.
        open: how often the server was gone before its answer: both is possible.
    """

    pipeline: Pipeline
    deploy_stage: int
    review_stage: int | None = None
    accepted: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)


class Operator:
    """Uses pipelines at random in a thread, until told to end or the server is gone."""

    def __init__(
        self, used: list[Used], sites: list[CommandSite], chance: random.Random, versions: Versions
    ) -> None:
        """Begin at once."""
        self.errors: list[str] = []
        self._used = used
        self._sites = sites
        self._chance = chance
        self._versions = versions
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> list[str]:
        """End it, and return what was answered that must not be."""
        self._done.set()
        self._thread.join()
        return self.errors

    def _run(self) -> None:
        while not self._done.wait(self._chance.uniform(0.0, 0.05)):
            used = self._chance.choice(self._used)
            site = self._chance.choice(self._sites)
            site.set_broken(is_broken=self._chance.random() < 0.1)
            kind, call = self._chosen(used)
            try:
                reply = call()
            except (OSError, http.client.HTTPException, ValueError):
                used.open[kind] += 1
                return  # killed in the middle of the call: whether it counts is open
            if reply is None:
                continue
            used.answers[reply.http] += 1
            if reply.http == CREATED:
                used.accepted[kind] += 1
            elif reply.http not in ANSWERS:
                self.errors.append(f"{kind}: {reply}")

    def _chosen(self, used: Used) -> tuple[str, Callable[[], Reply | None]]:
        pipeline, stage = used.pipeline, used.deploy_stage
        acts: list[tuple[int, str, Callable[[], Reply | None]]] = [
            (10, "start", lambda: pipeline.try_start({"VERSION": self._versions.new()})),
            (4, "rollback", lambda: pipeline.rollback(stage)),
            (3, "rollback", lambda: self._roll_back_to_one(pipeline, stage)),
            (4, "retry", lambda: pipeline.retry(self._failed_stage(pipeline))),
            (1, "stop", pipeline.stop),
        ]
        review = used.review_stage
        if review is not None:
            result = self._chance.choice(["pass", "pass", "refuse"])
            acts.append((12, "vote", lambda: pipeline.vote(review, result)))
            acts.append((4, "rollback", lambda: pipeline.rollback(0)))
        weights = [weight for weight, _, _ in acts]
        [(_, kind, call)] = self._chance.choices(acts, weights)
        return kind, call

    def _failed_stage(self, pipeline: Pipeline) -> int:
        return int(pipeline.status()["stage_index"])

    def _roll_back_to_one(self, pipeline: Pipeline, stage: int) -> Reply | None:
        jobs = [job["id"] for job in pipeline.jobs(stage)]
        if not jobs:
            return None
        return pipeline.rollback(stage, f"rollback::true|job_id::{self._chance.choice(jobs)}")


class Versions:
    """Gives each version once."""

    def __init__(self) -> None:
        """Begin with v1."""
        self._last = 0

    def new(self) -> str:
        """Return a new version."""
        self._last += 1
        return f"v{self._last}"


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Hold what the database says.

    Args:
        deployments: by id, as documents, with their outcome.
        environments: by application, as documents.
        attempts: by pipeline: what the attempts of its runs were, e.g. `retry`.
    """

    deployments: dict[str, Json]
    environments: dict[str, Json]
    attempts: dict[str, Counter[str]]

    @classmethod
    def read(cls, database: Path) -> Ledger:
        """Read it."""
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            connection.execute("BEGIN")
            rows = connection.execute("SELECT id, outcome, doc FROM deployments ORDER BY number")
            deployments = {ident: _row(doc, outcome=outcome) for ident, outcome, doc in rows}
            rows = connection.execute("SELECT live, gray, holder, doc FROM environments")
            environments = [
                _row(doc, live=live, gray=gray, holder=holder) for live, gray, holder, doc in rows
            ]
            rows = connection.execute(
                "SELECT pipelines.id, run_docs.doc FROM run_docs JOIN runs ON runs.key = run "
                "JOIN pipelines ON pipelines.number = runs.pipeline"
            )
            attempts: dict[str, Counter[str]] = {}
            for pipeline, doc in rows:
                found = [each.get("what", "start") for each in json.loads(doc)["attempts"]]
                attempts.setdefault(pipeline, Counter()).update(found)
        finally:
            connection.close()
        return cls(
            deployments=deployments,
            environments={each["application"]: each for each in environments},
            attempts=attempts,
        )

    def version_of(self, deployment: str) -> str:
        """Return the version of the image of a deployment, empty without."""
        found = self.deployments.get(deployment, {})
        return str(found.get("release", {}).get("image", "")).rpartition(":")[2]

    def acts_of(self, application: str) -> list[Json]:
        """Return the acts on an environment, oldest first."""
        key = self.environments[application]["key"]
        return [each for each in self.deployments.values() if each["environment"] == key]


def _row(doc: str, **more: str) -> Json:
    return {**json.loads(doc), **more}


class Witness:
    """Remembers how often each deployment had run when the database first told of its end."""

    def __init__(self, starts: Callable[[str], int]) -> None:
        """Count with `starts`."""
        self.ended: dict[str, int] = {}
        self._starts = starts

    def look(self, database: Path) -> None:
        """Note the deployments that have ended by now."""
        for ident, found in Ledger.read(database).deployments.items():
            if found["outcome"] in ENDED and ident not in self.ended:
                self.ended[ident] = self._starts(ident)

    def again(self) -> dict[str, int]:
        """Return the deployments that ran after their end."""
        return {ident: n for ident, n in self.ended.items() if self._starts(ident) != n}


def rests(used: Used) -> bool:
    """Tell whether nothing of a pipeline moves, but that it may wait for a vote."""
    status = used.pipeline.status()
    if status["status"] not in MOVING:
        return True
    review = used.review_stage
    return review is not None and status["stages"][review]["status"] == "running"
