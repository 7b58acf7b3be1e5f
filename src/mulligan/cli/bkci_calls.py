"""Calls of the BK-CI dialect, for what the own API does not have."""

from collections.abc import Mapping
from typing import Any

from mulligan.cli.client import Client, part


def bkci(client: Client, method: str, project: str, tail: str, query: Mapping[str, object]) -> Any:
    """Call the BK-CI dialect about a project; return the `data` of its answer. Raises as `call`."""
    path = f"/api/apigw-user/v4/projects/{part(project)}/{tail}"
    return client.call(method, path, query=query)["data"]
