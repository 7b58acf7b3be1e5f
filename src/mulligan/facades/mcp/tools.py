"""All tools of a server: our own, and the calls of BK-CI's gateway."""

from collections.abc import Iterator

from mulligan.facades.common.services import Services
from mulligan.facades.mcp import (
    approval_tools,
    log_tools,
    place_tools,
    recovery_tools,
    report_tools,
    run_tools,
)
from mulligan.facades.mcp.gateway import gateway_tools
from mulligan.facades.mcp.tool import Tool

OWN = (
    *run_tools.TOOLS,
    *log_tools.TOOLS,
    *report_tools.TOOLS,
    *recovery_tools.TOOLS,
    *place_tools.TOOLS,
    *approval_tools.TOOLS,
)


def tools_of(services: Services) -> Iterator[Tool]:
    """Yield the tools that the settings of a server allow."""
    for tool in (*OWN, *gateway_tools(everything=services.mcp_all_calls)):
        if services.mcp_approvals or not tool.answers_reviews:
            yield tool
