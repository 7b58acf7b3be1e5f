"""Find what a person means by a word: a run, a pipeline, a stage, job or step."""

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import click

from mulligan.cli.client import Client, part
from mulligan.cli.exits import EXIT_FORBIDDEN, EXIT_USAGE, FailureError
from mulligan.cli.language import tr
from mulligan.cli.options import Session, asks
from mulligan.cli.output import moment, note, one_line, paint
from mulligan.cli.problems import Json

_RUN = re.compile(r"b-[0-9a-f]{32}")
_PAGE = re.compile(r"https?://[^?#]*/(b-[0-9a-f]{32})(?:[/?#].*)?")
_PIPELINE = re.compile(r"p-[0-9a-f]{32}")
_NUMBER = re.compile(r"#?([1-9][0-9]{0,17})")
_LISTED = 10  # names in an error, runs to choose from
NEWEST = ("@latest", "@failed", "@mine")

Kind = Literal["stage", "job", "step"]


def find_run(session: Session, text: str | None, pipeline: str | None) -> Json:
    """Return the summary of a run.

    Args:
        text: Its id, a number of `pipeline`, `@latest`, `@failed`, `@mine`, or the address of its
            page; None = a person is asked.
        pipeline: Id or name, None = any, for a number the one of environment or context.

    Raises:
        FailureError: There is none, or the text says too little.
    """
    if text is None:
        return choose_run(session, pipeline)
    ident = _ident(session, text)
    if ident is not None:
        return dict(session.client.get(f"/runs/{part(ident)}"))
    query: dict[str, object] = {}
    number = _NUMBER.fullmatch(text)
    if number is not None:
        pipeline = pipeline or session.pipeline
        if pipeline is None:
            text = "run {run} of which pipeline? Say --pipeline ID|NAME, or give the id b-…"
            message = tr(text, run=number[0])
            raise FailureError(message, EXIT_USAGE)
        query["number"] = number[1]
    elif text not in NEWEST:
        message = (
            f"{text!r} is no run: an id (b-…), a number, {', '.join(NEWEST)} or the address of its "
            "page was expected"
        )
        raise FailureError(message, EXIT_USAGE)
    elif text == "@mine":
        query["actor"] = caller(session.client)["user"]
    elif text == "@failed":
        query["status"] = "failed"
    if pipeline is not None:
        query["pipeline"] = find_pipeline(session, pipeline)["id"]
    found = session.client.get(f"{session.path}/runs", limit=1, **query)["items"]
    if not found:
        where = f"pipeline {pipeline!r}" if pipeline else f"project {session.project!r}"
        raise FailureError(f"{where} has no run {text}", EXIT_USAGE)
    return dict(found[0])


def _ident(session: Session, text: str) -> str | None:
    """Return the id of a run that a text is or, as the address of a page, holds."""
    if _RUN.fullmatch(text):
        return text
    found = _PAGE.fullmatch(text)
    if found is None:
        return None
    here, there = urlsplit(session.client.url), urlsplit(text)
    if here.netloc != there.netloc:
        message = f"{text} is a page of another server than {session.client.url}; say --url"
        raise FailureError(message, EXIT_USAGE)
    return found[1]


def caller(client: Client) -> Json:
    """Return who calls.

    Raises:
        FailureError: Nobody: the credential is missing or not valid.
    """
    found = dict(client.get("/session"))
    if not found["user"]:
        message = tr("no valid token") + tr(
            " (give a token: --token, MULLIGAN_TOKEN or `mulligan login`)"
        )
        raise FailureError(message, EXIT_FORBIDDEN)
    return found


def choose_run(session: Session, pipeline: str | None) -> Json:
    """Let a person choose one of the newest runs.

    Raises:
        FailureError: Nobody can be asked, or there are none.
    """
    if not asks():
        message = tr("which run? Give its id (b-…) or {words}", words=", ".join(NEWEST))
        raise FailureError(message, EXIT_USAGE)
    ident = find_pipeline(session, pipeline)["id"] if pipeline else None
    found = session.listed("runs", _LISTED, pipeline=ident)
    if not found:
        raise FailureError(f"project {session.project!r} has no runs", EXIT_USAGE)
    for number, run in enumerate(found, 1):
        name = f"{one_line(run['pipeline_name'])} #{run['number']}"
        started = moment(run["started_at"] or run["queued_at"])
        note(f"{number:2}  {paint(run['status'])}  {name}  {started}  {one_line(run['actor'])}")
    choice = click.prompt(tr("Which"), type=click.IntRange(1, len(found)), default=1, err=True)
    return found[choice - 1]


def find_pipeline(session: Session, text: str) -> Json:
    """Return a pipeline of the project by id or name.

    Raises:
        FailureError: There is none.
    """
    if _PIPELINE.fullmatch(text):
        return dict(session.client.get(f"{session.path}/pipelines/{part(text)}"))
    found = pipeline_named(session, text)
    if found is None:
        message = f"project {session.project!r} has no pipeline {text!r}"
        raise FailureError(message, EXIT_USAGE)
    return found


def pipeline_named(session: Session, name: str) -> Json | None:
    """Return the pipeline of exactly that name."""
    found = session.client.get(f"{session.path}/pipelines", name=name)["items"]
    return dict(found[0]) if found else None


def path_of(run: Json) -> str:
    """Return the path of a run in the API."""
    return f"/projects/{part(run['project'])}/runs/{part(run['id'])}"


def page_of_run(session: Session, run: Json) -> str:
    """Return the address of a run's page."""
    return f"{page_of_project(session, run['project'])}/runs/{part(run['id'])}"


def page_of_project(session: Session, project: str) -> str:
    """Return the address of a project's page."""
    return f"{session.client.url}/projects/{part(project)}"


def state_of(session: Session, run: Json, attempt: int | None = None) -> Json:
    """Return the state of a run with all its nodes."""
    return dict(session.client.get(path_of(run), attempt=attempt))


def all_steps(state: Json) -> Iterator[tuple[Json, Json, Json]]:
    """Yield stage, job and step of every step of a run."""
    for stage in state["stages"]:
        for job in stage["jobs"]:
            for step in job["steps"]:
                yield stage, job, step


def find_node(state: Json, kind: Kind, text: str) -> Json:
    """Return a node of a run by its id, its author's own id, or its name.

    Raises:
        FailureError: There is none, or several have that name.
    """
    nodes = list(_nodes(state, kind))
    for key in ("id", "ref", "name"):
        found = [node for node in nodes if text and node[key] == text]
        if len(found) == 1:
            return found[0]
        if found:
            idents = ", ".join(node["id"] for node in found)
            message = f"{len(found)} {kind}s are called {text!r}; say which by its id: {idents}"
            raise FailureError(message, EXIT_USAGE)
    names = [f"{node['id']} ({node['name']})" for node in nodes]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    message = f"the run has no {kind} {text!r}; it has {', '.join(names[:_LISTED])}{more}"
    raise FailureError(message, EXIT_USAGE)


def _nodes(state: Json, kind: Kind) -> Iterator[Json]:
    for stage in state["stages"]:
        if kind == "stage":
            yield stage
            continue
        for job in stage["jobs"]:
            if kind == "job":
                yield job
            else:
                yield from job["steps"]
