"""A client of the calls on definitions, over the whole server in this process."""

import json
from typing import Any

import httpx2
from account_server import AccountServer

Json = dict[str, Any]
GROUPS = "/v3/manage/pipelinegroups"
PIPELINES = "/v3/manage/pipelines"
JSON_TYPE = "application/json;charset=utf8"
YAML_TYPE = "application/yaml;charset=utf8"


class DefinitionClient:
    """Calls as one user of the account acme; answers are JSON unless `accept` says otherwise."""

    def __init__(self, server: AccountServer, user: str = "dev1", domain: str = "acme") -> None:
        self.server = server
        self.token = server.log_in(user, domain)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        **more: str,
    ) -> httpx2.Response:
        """Send a request; `more`: headers, with _ for -; an empty one is not sent."""
        given = {"X-Auth-Token": self.token, "Accept": "application/json"}
        if body is not None:
            content = json.dumps(body).encode()
        if content is not None:
            given["Content-Type"] = JSON_TYPE
        given |= {name.replace("_", "-"): value for name, value in more.items()}
        headers = {name: value for name, value in given.items() if value}
        return self.server.raw(method, path, content, headers)

    def get(self, path: str, **query: str | int) -> httpx2.Response:
        """Send a GET."""
        target = str(httpx2.URL(path, params=query)) if query else path
        return self.call("GET", target)

    def group(self, name: str = "team-a") -> int:
        """Make a group and return its id."""
        answer = self.call("POST", GROUPS, {"group": name, "description": "demo"})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def create(self, body: Json, group: str = "team-a") -> Json:
        """Make a pipeline."""
        answer = self.call("POST", f"{GROUPS}/{group}/pipelines", body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def detail(self, number: int) -> Json:
        """Return the detail of a pipeline."""
        answer = self.get(f"{PIPELINES}/{number}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def update(self, number: int, **changes: object) -> httpx2.Response:
        """Send the detail of a pipeline back with changes."""
        found = self.detail(number)
        keys = ("id", "group_id", "group_name", "name", "params", "stages")
        return self.call(
            "PUT", f"{PIPELINES}/{number}", {key: found[key] for key in keys} | changes
        )
