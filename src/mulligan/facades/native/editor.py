"""What an editor of definitions needs: errors with their places, the graph, what may come next."""

import asyncio

from msgspec.structs import replace
from starlette.responses import Response

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import StepId
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.core.spec import JobSpec, OnFailure, PipelineSpec, StepSpec
from mulligan.engine.catalog import Definition
from mulligan.facades.native.bodies import Body, DocumentBody
from mulligan.facades.native.documents import locate
from mulligan.facades.native.endpoints import JSON, Call, Endpoint, Query, answer
from mulligan.facades.native.overview_shapes import VersionItem, VersionList
from mulligan.facades.native.pipeline_files import Given
from mulligan.facades.native.pipelines import (
    ONE_PIPELINE,
    YAML_TYPES,
    is_yaml,
    pipeline_of,
    read_body,
)
from mulligan.facades.native.problems import FileRefusedError, Problem, problem_of
from mulligan.facades.native.run_views import job_name
from mulligan.facades.native.shapes import Shape
from mulligan.facades.native.text_diff import TextDiff, diff_texts
from mulligan.pipeline_yaml.document_error import DocumentError

MOST_TEXT = 1_000_000  # characters of a text to be completed


class LintFinding(Shape, frozen=True, kw_only=True):
    """Something in a definition.

    Args:
        severity: error (it can't be stored) or warning (it can't run here).
        line, column: From 1; null where they can't be told.
    """

    severity: str
    detail: str
    pointer: str
    line: int | None
    column: int | None


class GraphStep(Shape, frozen=True, kw_only=True):
    """A step, and what can be done with it when it fails.

    Args:
        auto_retries: Tries after the first that happen by themselves.
        pauses: A person lets it begin.
        goes_on: Its failure does not stop its job.
    """

    id: str
    name: str
    kind: str
    plugin: str
    enabled: bool
    may_retry: bool
    may_skip: bool
    auto_retries: int
    pauses: bool
    goes_on: bool


class GraphJob(Shape, frozen=True, kw_only=True):
    """A job. `needs`: ids of jobs of its stage that come before it; `is_matrix`: one of many."""

    id: str
    name: str
    enabled: bool
    needs: tuple[str, ...]
    is_matrix: bool
    steps: tuple[GraphStep, ...]


class GraphStage(Shape, frozen=True, kw_only=True):
    """A stage. `reviewed`: people approve it before it begins; `deploys`: it can be rolled back."""

    id: str
    name: str
    enabled: bool
    is_finally: bool
    reviewed: bool
    deploys: bool
    jobs: tuple[GraphJob, ...]


class Graph(Shape, frozen=True, kw_only=True):
    """A definition as it is drawn."""

    name: str
    stages: tuple[GraphStage, ...]


class LintReport(Shape, frozen=True, kw_only=True):
    """What is to be said about a definition. `graph`: null if there are errors."""

    ok: bool
    findings: tuple[LintFinding, ...]
    graph: Graph | None


class VersionDiff(Shape, frozen=True, kw_only=True):
    """How two versions of a pipeline differ, written as files.

    Args:
        added, removed: The steps that only one of them has, by their author's own ids, or by those
            given.
        changed: The steps that mean something else.
    """

    before: VersionItem
    after: VersionItem
    text: TextDiff
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class CompletionBody(Body, frozen=True, kw_only=True):
    """A pipeline file that is being written. `line`, `column`: of the cursor, from 1."""

    text: str
    line: int
    column: int = 1


class CompletionItem(Shape, frozen=True, kw_only=True):
    """Something that may be written. `kind`: key or value; `has`: what stands behind a key."""

    kind: str
    text: str
    desc: str
    has: str


class CompletionList(Shape, frozen=True, kw_only=True):
    """What may be written at a place."""

    items: tuple[CompletionItem, ...]


async def lint(call: Call) -> Response:
    """Tell what is wrong with a definition, without storing it."""
    installed = await call.services.plugins.usable_codes(call.project)
    try:
        given = await read_body(call, "unnamed")
        definition = await _check(call, given)
        cautions = given.cautions(definition, installed)
    except (InvalidError, DocumentError, FileRefusedError) as error:
        problem = await asyncio.to_thread(problem_of, error, call.body)
        return answer(LintReport(ok=False, findings=_errors(problem), graph=None))
    warnings = [
        LintFinding(
            severity="warning",
            detail=caution.detail,
            pointer=caution.pointer,
            line=caution.line,
            column=caution.column,
        )
        for caution in cautions
    ]
    if not is_yaml(call):
        warnings = [await asyncio.to_thread(_placed, each, call.body) for each in warnings]
    graph = show_graph(definition.spec)
    return answer(LintReport(ok=True, findings=tuple(warnings), graph=graph))


async def _check(call: Call, given: Given) -> Definition:
    with given.placed():
        return await call.services.documents.check(call.services, given.document)


def _errors(problem: Problem) -> tuple[LintFinding, ...]:
    return tuple(
        LintFinding(
            severity="error",
            detail=item.detail,
            pointer=item.pointer or "",
            line=item.line,
            column=item.column,
        )
        for item in problem.errors
    )


def _placed(found: LintFinding, text: bytes) -> LintFinding:
    place = locate(text, found.pointer)
    if place is None:
        return found
    return LintFinding(
        severity=found.severity,
        detail=found.detail,
        pointer=found.pointer,
        line=place[0],
        column=place[1],
    )


def show_graph(spec: PipelineSpec) -> Graph:
    """Show a definition as it is drawn."""
    return Graph(
        name=spec.name,
        stages=tuple(
            GraphStage(
                id=stage.id,
                name=stage.name,
                enabled=stage.enabled,
                is_finally=stage.is_finally,
                reviewed=stage.review is not None,
                deploys=any(step.kind == "deploy" for job in stage.jobs for step in job.steps),
                jobs=tuple(map(_job, stage.jobs)),
            )
            for stage in spec.stages
        ),
    )


def _job(job: JobSpec) -> GraphJob:
    return GraphJob(
        id=job.id,
        name=job_name(job),
        enabled=job.enabled,
        needs=job.depends_on,
        is_matrix=job.matrix is not None,
        steps=tuple(map(_step, job.steps)),
    )


def _step(step: StepSpec) -> GraphStep:
    return GraphStep(
        id=step.id,
        name=step.name,
        kind=step.kind,
        plugin=step.code,
        enabled=step.enabled,
        may_retry=step.may_retry,
        may_skip=step.may_skip,
        auto_retries=step.auto_retries,
        pauses=step.pause_before,
        goes_on=step.on_failure is OnFailure.CONTINUE,
    )


async def get_graph(call: Call) -> Response:
    """Show a stored version as it is drawn."""
    pipeline = await pipeline_of(call)
    version = await call.services.catalog.get_version(pipeline, _number(call, "version"))
    return answer(show_graph(version.spec))


def _number(call: Call, name: str) -> int | None:
    text = call.request.query_params.get(name, "").strip()
    return _whole(text) if text else None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFoundError("version", text)
    return int(text)


async def list_pipeline_versions(call: Call) -> Response:
    """List the versions of a pipeline that are kept."""
    pipeline = await pipeline_of(call)
    return answer(VersionList(items=await _versions(call, pipeline)))


async def _versions(call: Call, pipeline: Pipeline) -> tuple[VersionItem, ...]:
    found = await call.services.store.list_versions(pipeline.id)
    return tuple(
        VersionItem(
            version=version.version,
            created_by=version.created_by,
            created_at=version.created_at,
            dialect=version.dialect,
            note=version.note,
            made_from=version.made_from or None,
            is_newest=version.version == pipeline.version,
        )
        for version in found
    )


async def diff_versions(call: Call) -> Response:
    """Compare two versions of a pipeline."""
    services = call.services
    pipeline = await pipeline_of(call)
    may_edit = await services.access.allows(call.actor, Permission.EDIT, call.project)
    numbers = [_whole(call.part(name)) for name in ("a", "b")]
    found = [await services.catalog.get_version(pipeline, number) for number in numbers]
    texts = [
        await services.documents.export(services, pipeline, version, may_edit=may_edit)
        for version in found
    ]
    heads = {item.version: item for item in await _versions(call, pipeline)}
    old, new = (_steps_of(version.spec) for version in found)
    return answer(
        VersionDiff(
            before=heads[numbers[0]],
            after=heads[numbers[1]],
            text=await diff_texts(*texts),
            added=tuple(step for step in new if step not in old),
            removed=tuple(step for step in old if step not in new),
            changed=tuple(step for step in new if step in old and old[step] != new[step]),
        )
    )


def _steps_of(spec: PipelineSpec) -> dict[str, StepSpec]:
    """Return the steps by their author's own ids, if they have some; others by those given."""
    return {
        step.ref or step.id: replace(step, id=StepId(""), post_of=None)
        for stage in spec.stages
        for job in stage.jobs
        for step in job.steps
    }


async def complete_text(call: Call) -> Response:
    """Tell what may be written at a place of a pipeline file."""
    from mulligan.pipeline_yaml.completion import complete

    given = call.read(CompletionBody)
    if len(given.text) > MOST_TEXT:
        raise InvalidError(f"text has more than {MOST_TEXT} characters", pointer="/text")
    found = await asyncio.to_thread(complete, given.text, given.line, given.column)
    return answer(
        CompletionList(
            items=tuple(
                CompletionItem(kind=each.kind, text=each.text, desc=each.desc, has=each.has)
                for each in found
            )
        )
    )


_TAKES = (JSON, *YAML_TYPES)

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/projects/{project}/lint",
        act=lint,
        summary="Tell what is wrong with a definition, and how it is drawn, without storing it",
        needs=Permission.VIEW,
        body=DocumentBody,
        answer=LintReport,
        takes=_TAKES,
    ),
    Endpoint(
        method="POST",
        path="/projects/{project}/completion",
        act=complete_text,
        summary="Tell which keys or values may be written at a place of a pipeline file",
        needs=Permission.VIEW,
        body=CompletionBody,
        answer=CompletionList,
    ),
    Endpoint(
        method="GET",
        path=ONE_PIPELINE + "/graph",
        act=get_graph,
        summary="Show a version of a pipeline as it is drawn",
        needs=Permission.VIEW,
        answer=Graph,
        query=(Query("version", "Which version; the newest if absent.", {"type": "integer"}),),
    ),
    Endpoint(
        method="GET",
        path=ONE_PIPELINE + "/versions",
        act=list_pipeline_versions,
        summary="List the versions of a pipeline that are kept, newest first",
        needs=Permission.VIEW,
        answer=VersionList,
    ),
    Endpoint(
        method="GET",
        path=ONE_PIPELINE + "/versions/{a}/diff/{b}",
        act=diff_versions,
        summary="Compare two versions of a pipeline, as files and step by step",
        needs=Permission.VIEW,
        answer=VersionDiff,
    ),
)
