"""Accounts and people of a running server, and one pipeline with what can be done to it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from e2e.swr.client import CREATED, Reply, SwrClient, token_request
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mulligan.testing.models import Workbench
    from mulligan.testing.server import ServerProcess

Json = dict[str, Any]

OK, ACCEPTED, NO_CONTENT = 200, 202, 204
BAD, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT = 400, 401, 403, 404, 409
TOO_LARGE, UNSUPPORTED, SERVER_ERROR = 413, 415, 500

INVALID = (BAD, "SWR.4000014")
BUSY = (CONFLICT, "SWR.4091105")
NO_TARGET = (BAD, "SWR.4001152")
NOT_STOPPABLE = (BAD, "SWR.4001151")
UNKNOWN = (NOT_FOUND, "SWR.4040162")
NO_RIGHT = (FORBIDDEN, "S2I.4039002")
FOREIGN = (UNAUTHORIZED, "SWR.4011064")
NOT_AUTHENTICATED = (UNAUTHORIZED, "SWR.4010000")
NO_CREDENTIAL = (UNAUTHORIZED, "SWR.4012000")

PASSWORD = "S3cret!-and-long"
ZERO_TIME = "0001-01-01T00:00:00Z"
MOVING = frozenset({"running", "rollbacking"})
HOUR_S = 3600
WAIT_S = 40.0
# dev1 manages, dev2 reads, dev3 edits, dev4 only looks; eve belongs to another account.
ROLES = {"dev1": "owner", "dev2": "runner", "dev3": "developer", "dev4": "viewer"}


class World:
    """Own the people and accounts of one server."""

    def __init__(self, server: ServerProcess) -> None:
        """Make the account acme with dev1 to dev4, and the account other with eve."""
        self.server = server
        self._logins: list[tuple[SwrClient, str, str]] = []
        self._made: set[str] = set()
        self.account("acme", ROLES)
        self.account("other", {"eve": "owner"})

    @property
    def admin(self) -> SwrClient:
        """Return a client that acts as the administrator, which development allows."""
        return SwrClient(self.server.url, {"X-DEVOPS-UID": "admin"})

    def account(self, name: str, roles: dict[str, str] | None = None) -> str:
        """Make an account with members, who are made when missing; dev1 to dev4 by default."""
        assert self.admin.post("/api/v1/projects", {"name": name}).http == CREATED
        for user, role in (ROLES if roles is None else roles).items():
            self.user(user)
            path = f"/api/v1/projects/{name}/members/{user}"
            answer = self.admin.put(path, {"role": role})
            assert answer.http == OK, answer
        return name

    def user(self, name: str) -> None:
        """Make a user unless it was made."""
        if name not in self._made:
            answer = self.admin.post("/api/v1/users", {"name": name, "password": PASSWORD})
            assert answer.http == CREATED, answer
            self._made.add(name)

    def anonymous(self) -> SwrClient:
        """Return a client that sends no credential."""
        return SwrClient(self.server.url)

    def login(self, user: str, domain: str = "acme") -> SwrClient:
        """Return a client with a token of a user for an account."""
        client = SwrClient(self.server.url, {"X-Auth-Token": self.token(user, domain)})
        self._logins.append((client, user, domain))
        return client

    def token(self, user: str, domain: str = "acme") -> str:
        """Fetch a token."""
        answer = self.anonymous().post("/v3/auth/tokens", token_request(user, PASSWORD, domain))
        assert answer.http == CREATED, answer
        return answer.headers["x-subject-token"]

    def api_token(self, user: str, *projects: str) -> str:
        """Make a token of the own API for a user."""
        body = {"name": "e2e", "user": user, "projects": [*(projects or ("acme",))]}
        answer = self.admin.post("/api/v1/tokens", body)
        assert answer.http == CREATED, answer
        return str(answer.json["token"])

    def advance(self, seconds: int) -> None:
        """Move the server's clock; all clients made by `login` get new tokens."""
        answer = self.admin.post("/api/v1/dev/clock", {"advance": seconds})
        assert answer.http == OK, answer
        self.renew()

    def restart(self) -> None:
        """Kill the server and start it again on the same data; clients go on."""
        self.server.kill()
        self.resume()

    def resume(self) -> None:
        """Start the server that was ended; clients go on."""
        self.server.start()
        for client, _, _ in self._logins:
            client.url = self.server.url

    def renew(self) -> None:
        """Give every client a new token."""
        for client, user, domain in self._logins:
            client.headers["X-Auth-Token"] = self.token(user, domain)


def new_name(prefix: str) -> str:
    """Return a name for a group or a pipeline that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def new_group(client: SwrClient, name: str | None = None) -> str:
    """Make a group and return its name."""
    group = name or new_name("team")
    answer = client.post("/v3/manage/pipelinegroups", {"group": group, "description": "e2e"})
    assert answer.http == CREATED, answer
    return group


def assert_empty_object(reply: Reply, http: int = CREATED) -> None:
    """Assert the body `{}` as JSON."""
    assert reply.http == http, reply
    assert reply.media_type.startswith("application/json"), reply.headers
    assert reply.json == {}, reply


def wait_ran(bench: Workbench, name: str, times: int = 1) -> None:
    """Wait until a step of the workbench was started for the `times`-th time."""
    poll_until(lambda: bench.ran(name) >= times, what=f"{name} ran {times} times")


class Pipeline:
    """Own one pipeline, made in a group of its own unless one is named."""

    def __init__(
        self,
        client: SwrClient,
        definition: Json,
        *,
        group: str | None = None,
        name: str | None = None,
    ) -> None:
        """Create the pipeline, which must succeed."""
        self.client = client
        self.group = group or new_group(client)
        self.name = name or new_name("shop")
        self.definition = {**definition, "name": self.name}
        answer = client.post(f"/v3/manage/pipelinegroups/{self.group}/pipelines", self.definition)
        assert answer.http == CREATED, answer
        self.created: Json = answer.json
        self.id = int(self.created["id"])
        self.path = f"/v3/manage/pipelines/{self.id}"

    def stage_path(self, index: int, tail: str = "") -> str:
        """Return the path of a stage, with a tail like `/jobs`."""
        return f"{self.path}/stages/{index}{tail}"

    def start(self, **params: str) -> None:
        """Start a run with variables, which must succeed."""
        assert_empty_object(self.try_start(params))

    def try_start(
        self, params: Mapping[str, str] | None = None, *, client: SwrClient | None = None
    ) -> Reply:
        """Call the start of the extensions."""
        given = [{"name": name, "value": value} for name, value in (params or {}).items()]
        body = {"params": given} if given else None
        return (client or self.client).post(f"{self.path}/start", body)

    def run(self, *wanted: str, **params: str) -> Json:
        """Start a run and wait until it rests in one of `wanted` (success by default)."""
        self.start(**params)
        return self.settle(*(wanted or ("success",)))

    def stop(self, *, client: SwrClient | None = None) -> Reply:
        """Call the stop of the extensions."""
        return (client or self.client).post(f"{self.path}/stop")

    def hook_path(self, trigger: int = 0) -> str:
        """Return the path of a pipeline-level webhook as the create answer shows it."""
        url = self.created["pre_operation"]["triggers"][trigger]["webhook"]["url"]
        return urlsplit(str(url)).path

    def fire(self, trigger: int = 0, *, client: SwrClient | None = None, **query: str) -> Reply:
        """Call a pipeline-level webhook."""
        return (client or self.client).post(self.hook_path(trigger), **query)

    def fire_stage(self, index: int, trigger: int = 0) -> Reply:
        """Call a webhook of a stage."""
        found = self.created["stages"][index]["pre_operation"]["triggers"][trigger]
        return self.client.post(urlsplit(found["webhook"]["url"]).path)

    def retry(self, index: int, *, client: SwrClient | None = None, mode: str = "retry") -> Reply:
        """Retry a stage by the newer path."""
        return (client or self.client).post(self.stage_path(index, "/start"), mode=mode)

    def rollback(
        self, index: int, source: str | None = "rollback::true", *, client: SwrClient | None = None
    ) -> Reply:
        """Roll a stage back by the newer path; `source` None leaves it out."""
        query = {"mode": "rollback", **({} if source is None else {"source": source})}
        target = f"{self.stage_path(index, '/start')}?{urlencode(query)}"
        return (client or self.client).post(target)

    def roll_back(self, index: int = 0) -> None:
        """Roll a stage back, which must succeed, and wait for the end."""
        assert_empty_object(self.rollback(index))
        self.settle("rollback_success")

    def vote(self, index: int, result: str, client: SwrClient | None = None) -> Reply:
        """Vote in a review."""
        body = {"mode": "review", "review_result": result}
        return (client or self.client).put(self.stage_path(index, "/start_info"), body)

    def update(self, **changes: object) -> Reply:
        """Send the detail back with changes."""
        found = self.detail()
        keys = ("id", "group_id", "group_name", "name", "description", "params", "stages")
        body = {key: found[key] for key in keys}
        for key in ("pre_operation", "post_operation"):
            if key in found:
                body[key] = found[key]
        changed = {**body, **changes}
        return self.client.put(self.path, {k: v for k, v in changed.items() if v is not None})

    def delete(self, *, client: SwrClient | None = None) -> Reply:
        """Delete the pipeline."""
        return (client or self.client).delete(self.path)

    def detail(self) -> Json:
        """Return the detail."""
        answer = self.client.get(self.path)
        assert answer.http == OK, answer
        return dict(answer.json)

    def status(self) -> Json:
        """Return `status` of the detail."""
        return dict(self.detail()["status"])

    def stage(self, index: int) -> Json:
        """Return the status of a stage."""
        return dict(self.status()["stages"][index])

    def stage_statuses(self) -> list[str]:
        """Return the statuses of all stages."""
        return [stage["status"] for stage in self.status()["stages"]]

    def variables(self) -> dict[str, str]:
        """Return the global variables as the detail shows them."""
        return {param["name"]: param["value"] for param in self.detail()["params"]}

    def jobs(self, index: int) -> list[Json]:
        """Return the history of a stage, newest first."""
        answer = self.client.get(self.stage_path(index, "/jobs"))
        assert answer.http == OK, answer
        return list(answer.json)

    def job_counts(self) -> list[int]:
        """Return the number of jobs of each stage."""
        return [len(self.jobs(index)) for index in range(len(self.created["stages"]))]

    def log(self, index: int, job: int | str = "latest") -> Json:
        """Return the log of a job."""
        answer = self.client.get(self.stage_path(index, f"/jobs/{quote(str(job))}/logs"))
        assert answer.http == OK, answer
        return dict(answer.json)

    def settle(self, *wanted: str) -> Json:
        """Wait until nothing moves, assert the status to be one of `wanted`, and return it."""

        def resting() -> Json | None:
            status = self.status()
            return None if status["status"] in MOVING else status

        status = poll_until(resting, what=f"{self.name} rests", timeout_s=WAIT_S)
        assert status["status"] in wanted, (status, self._newest_logs(status))
        return status

    def wait(self, wanted: str) -> Json:
        """Wait until the pipeline has this status and return it."""

        def reached() -> Json | None:
            status = self.status()
            return status if status["status"] == wanted else None

        return poll_until(reached, what=f"{self.name} is {wanted}", timeout_s=WAIT_S)

    def wait_stage(self, index: int, *wanted: str) -> Json:
        """Wait until a stage has one of these statuses and return its status."""

        def reached() -> Json | None:
            stage = self.stage(index)
            return stage if stage["status"] in wanted else None

        return poll_until(reached, what=f"stage {index} is {wanted}", timeout_s=WAIT_S)

    def wait_asking(self, index: int) -> Json:
        """Wait until a review asks and return its status."""
        return self.wait_stage(index, "running")

    def _newest_logs(self, status: Json) -> Sequence[object]:
        index = int(status["stage_index"])
        return [self.log(index)["log"][-8:]] if self.jobs(index) else []


def results(stage: Json) -> dict[str, str]:
    """Return the votes of a review stage by user."""
    return {each["user_name"]: each["result"] for each in stage["state"]["review_results"]}
