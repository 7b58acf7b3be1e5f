"""What a shell completes: names that a server knows. Never slow, never an error."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LIMIT_S = 0.2  # for the server's answer
_FRESH_S = 10.0
_MOST = 30
_WORDS = (
    ("@latest", "the newest run"),
    ("@failed", "the newest failed run"),
    ("@mine", "one's own newest run"),
)

Found = list[tuple[str, str]]


def runs(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete a RUN: words, ids, and numbers when a pipeline is named."""

    def ask(get: Callable[..., Any], project: str) -> Found:
        named = ctx.params.get("pipeline")
        query: dict[str, Any] = {"limit": _MOST}
        if named:
            query["pipeline"] = _pipeline_id(get, project, named)
        found: Found = []
        for run in get(f"/projects/{project}/runs", **query)["items"]:
            title = f"{run['pipeline_name']} #{run['number']} {run['status']}"
            found.append((run["id"], title))
            if named:
                found.append((str(run["number"]), title))
        return found

    return _fitting([*_WORDS, *_asked(ctx, ("runs", ctx.params.get("pipeline")), ask)], typed)


def pipelines(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the name of a pipeline."""

    def ask(get: Callable[..., Any], project: str) -> Found:
        items = get(f"/projects/{project}/pipelines", limit=_MOST)["items"]
        return [(item["name"], item["description"]) for item in items]

    return _fitting(_asked(ctx, ("pipelines",), ask), typed)


def steps(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete a step of the RUN that is named before."""
    return _nodes(ctx, typed, "step")


def jobs(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete a job of the RUN that is named before."""
    return _nodes(ctx, typed, "job")


def stages(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete a stage of the RUN that is named before."""
    return _nodes(ctx, typed, "stage")


def _nodes(ctx: click.Context, typed: str, kind: str) -> list[CompletionItem]:
    # while the value of the last option is missing, Click leaves arguments unread
    named = ctx.params.get("run") or next(iter(ctx.args), None)
    if not named:
        return []

    def ask(get: Callable[..., Any], project: str) -> Found:
        run = get(f"/projects/{project}/runs/{_run_id(get, project, named, ctx)}")
        return [
            (node["ref"] or node["name"] or node["id"], _title(node)) for node in _all(run, kind)
        ]

    return _fitting(_asked(ctx, (kind, named, ctx.params.get("pipeline")), ask), typed)


def _run_id(get: Callable[..., Any], project: str, named: str, ctx: click.Context) -> str:
    pipeline = ctx.params.get("pipeline")
    if named.startswith("b-"):
        return named
    query: dict[str, Any] = {"limit": 1}
    if named == "@failed":
        query["status"] = "failed"
    elif named != "@latest":
        query["number"] = named.lstrip("#")
    if pipeline:
        query["pipeline"] = _pipeline_id(get, project, pipeline)
    return str(get(f"/projects/{project}/runs", **query)["items"][0]["id"])


def _pipeline_id(get: Callable[..., Any], project: str, named: str) -> str:
    if named.startswith("p-"):
        return named
    return str(get(f"/projects/{project}/pipelines", name=named)["items"][0]["id"])


def _all(run: dict[str, Any], kind: str) -> Iterable[dict[str, Any]]:
    for stage in run["stages"]:
        yield from [stage] if kind == "stage" else []
        for job in stage["jobs"]:
            yield from [job] if kind == "job" else []
            yield from job["steps"] if kind == "step" else []


def _title(node: dict[str, Any]) -> str:
    return f"{node['name']} {node['status']}"


def _fitting(found: Iterable[tuple[str, str]], typed: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(word, help=" ".join(title.split()))
        for word, title in found
        if word.startswith(typed)
    ]


def _asked(
    ctx: click.Context, key: tuple[object, ...], ask: Callable[[Callable[..., Any], str], Found]
) -> Found:
    """Ask a server that runs already, unless the answer is known; [] whatever goes wrong."""
    try:
        return _cached(ctx, key, ask)
    except Exception:  # noqa: BLE001 - whoever types must not see what went wrong
        return []


def _cached(
    ctx: click.Context, key: tuple[object, ...], ask: Callable[[Callable[..., Any], str], Found]
) -> Found:
    import hashlib

    from mulligan.cli.servers import ServerOptions, reach_running, usual_project

    given = ctx.params
    options = ServerOptions(
        given.get("url"), given.get("token"), given.get("data"), given.get("context")
    )
    until = time.monotonic() + LIMIT_S
    client = reach_running(options, LIMIT_S)
    if client is None:
        return []
    project = ctx.params.get("project") or usual_project(options)
    text = json.dumps([client.url, project, client.fingerprint, *map(str, key)])
    path = _folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
    if path.exists() and 0 <= time.time() - path.stat().st_mtime < _FRESH_S:
        return [(word, title) for word, title in json.loads(path.read_text())]

    def get(path: str, **query: object) -> Any:
        client.close()
        client.timeout_s = until - time.monotonic()  # none left is an error, too
        return client.get(path, **query)

    with contextlib.closing(client):
        found = ask(get, project)
    _keep(path, found)
    return found


def _folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "mulligan" / "completions"


def _keep(path: Path, found: Found) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in path.parent.iterdir():
        if time.time() - old.stat().st_mtime > _FRESH_S:
            old.unlink(missing_ok=True)
    written = path.with_suffix(f".{os.getpid()}")
    written.write_text(json.dumps(found))
    written.replace(path)
