"""Tools that look at environments and check definitions."""

import asyncio
import uuid
from collections.abc import Collection
from typing import Annotated

import msgspec
from msgspec import Meta

from mulligan.core.errors import InvalidError
from mulligan.core.rights import Permission
from mulligan.facades.documents import check_document
from mulligan.facades.mcp.run_tools import Project
from mulligan.facades.mcp.tool import Args, Json, Result, Tool, ToolCall, schema_of
from mulligan.facades.native.environments import ENVIRONMENTS, ONE_ENVIRONMENT
from mulligan.facades.native.pipeline_files import read_yaml_file
from mulligan.facades.native.problems import FileRefusedError, ProblemItem
from mulligan.pipeline_yaml.document_error import DocumentError

LONGEST_DOCUMENT = 512 * 1024  # characters


class GetEnvironment(Args, frozen=True, kw_only=True):
    """Arguments of `get_environment`."""

    project: Project
    environment: Annotated[str, Meta(description="Its id; empty = list all.")] = ""
    limit: Annotated[int, Meta(ge=1, le=50)] = 20
    cursor: Annotated[str, Meta(description="`next_cursor` of the page before.")] = ""


class LintPipeline(Args, frozen=True, kw_only=True):
    """Arguments of `lint_pipeline`."""

    project: Project
    document: Annotated[
        str,
        Meta(
            description="A pipeline file in YAML, or a model in JSON.", max_length=LONGEST_DOCUMENT
        ),
    ]


async def get_environment(call: ToolCall) -> Result:
    """Show an environment with its newest deployments, or list them."""
    given = call.read(GetEnvironment)
    if not given.environment:
        query = {"limit": given.limit, "cursor": given.cursor}
        found = await call.native("GET", ENVIRONMENTS, {"project": given.project}, query=query)
        return Result(data=found)
    parts = {"project": given.project, "environment": given.environment}
    shown = await call.native("GET", ONE_ENVIRONMENT, parts)
    ledger = await call.native(
        "GET", ONE_ENVIRONMENT + "/deployments", parts, query={"limit": given.limit}
    )
    return Result(data={"environment": shown, "deployments": ledger["items"]})


class _NewIds:
    """Identifiers for a definition that is only checked."""

    def hex32(self) -> str:
        """Return 32 hexadecimal digits."""
        return uuid.uuid4().hex


async def lint_pipeline(call: ToolCall) -> Result:
    """Check a definition; nothing is stored."""
    given = call.read(LintPipeline)
    await call.enter(given.project, Permission.VIEW)
    installed = await call.services.plugins.usable_codes(given.project)
    return Result(data=await asyncio.to_thread(_lint, call, given.document, installed))


def _lint(call: ToolCall, text: str, installed: Collection[str]) -> Json:
    try:
        document = read_yaml_file(text.encode(), "pipeline")
        with document.placed():
            definition = check_document(
                document.document, limits=call.services.limits, ids=_NewIds()
            )
    except DocumentError as error:
        item = ProblemItem(detail=error.message, line=error.line, column=error.column)
        return _refused([item])
    except FileRefusedError as error:
        return _refused(error.items)
    except InvalidError as error:
        return _refused([ProblemItem(detail=str(error), pointer=error.pointer)])
    warnings = document.cautions(definition, installed)
    return {"ok": True, "errors": [], "warnings": msgspec.to_builtins(warnings)}


def _refused(items: object) -> Json:
    return {"ok": False, "errors": msgspec.to_builtins(items), "warnings": []}


TOOLS = (
    Tool(
        name="get_environment",
        title="Show an environment",
        description="What is live in an environment, with its newest deployments; or all of them.",
        schema=schema_of(GetEnvironment),
        act=get_environment,
    ),
    Tool(
        name="lint_pipeline",
        title="Check a pipeline file",
        description="Everything that is wrong with a definition, with its place. Stores nothing.",
        schema=schema_of(LintPipeline),
        act=lint_pipeline,
    ),
)
