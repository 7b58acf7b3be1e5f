"""What the server of the browser tests holds: a project with runs of every colour."""

import json
from dataclasses import dataclass
from pathlib import Path

from mulligan.testing import models
from mulligan.testing.http_client import HttpClient
from mulligan.testing.models import Json, Workbench
from mulligan.testing.server import ServerProcess, poll_until

PROJECT = "shop"
PASSWORD = "correct horse battery"
_FINAL = {"succeeded", "failed", "cancelled"}


@dataclass
class Site:
    """A running server, its data by name, and a client that is its admin."""

    url: str
    client: HttpClient
    token: str
    workbench: Workbench
    pipelines: dict[str, str]
    runs: dict[str, str]

    def call(self, method: str, path: str, body: object = None) -> Json:
        """Call the own API as admin."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.client.request(method, f"/api/v1{path}", body=body, headers=headers)
        assert answer.http < 300, answer.content
        found = json.loads(answer.content or b"{}")
        assert isinstance(found, dict)
        return found

    def moved(self, url: str) -> None:
        """Go on with a server that listens elsewhere now; the address for people stays."""
        self.client.close()
        self.client = HttpClient(url)

    def add_pipeline(self, model: Json) -> str:
        """Store a pipeline; return its id."""
        ident = str(self.call("POST", f"/projects/{PROJECT}/pipelines", model)["id"])
        self.pipelines[model["name"]] = ident
        return ident

    def start(self, name: str, message: str = "", *statuses: str) -> str:
        """Start a run of a pipeline, wait until it has one of the statuses, return its id."""
        path = f"/projects/{PROJECT}/pipelines/{self.pipelines[name]}/runs"
        run = str(self.call("POST", path, {"message": message})["id"])
        self.wait(run, *statuses)
        return run

    def wait(self, run: str, *statuses: str) -> None:
        """Wait until a run has one of the statuses, by default until it has ended."""
        wanted = set(statuses) or _FINAL
        poll_until(
            lambda: self.call("GET", f"/runs/{run}")["status"] in wanted, what=f"{run} is {wanted}"
        )


def _new(server: ServerProcess, url: str, folder: Path) -> Site:
    client = HttpClient(server.url)
    site = Site(url, client, server.admin_token(), Workbench(folder / "bench"), {}, {})
    site.call("POST", "/projects", {"id": PROJECT, "name": "Shop", "description": "Sells things."})
    site.call("POST", "/users", {"name": "lin", "password": PASSWORD})
    site.call("PUT", f"/projects/{PROJECT}/members/lin", {"role": "maintainer"})
    return site


def bare(server: ServerProcess, url: str) -> Site:
    """Fill a new server, which people reach by `url`, with one pipeline that has not run yet."""
    site = _new(server, url, server.data.parent)
    site.add_pipeline(models.one_job("dns", [models.step("never", "true")]))
    return site


def furnished(server: ServerProcess, folder: Path) -> Site:
    """Fill a new server; every pipeline ends as its name says."""
    site = _new(server, server.url, folder)
    workbench = site.workbench
    site.call("POST", "/users", {"name": "vic", "password": PASSWORD})
    site.call("PUT", f"/projects/{PROJECT}/members/vic", {"role": "viewer"})
    site.add_pipeline(_release(workbench))
    site.add_pipeline(_checks(workbench))
    site.add_pipeline(models.one_job("infra/dns", [models.step("never", "true")]))

    for message in ("fix: price rounding", "feat: coupons", "修复：购物车合计"):
        site.runs["good"] = site.start("shop/api", message)
    workbench.break_steps("deploy")
    site.runs["recovered"] = site.start("shop/api", "feat: gift cards")
    workbench.repair("deploy")
    site.call("POST", f"/projects/{PROJECT}/runs/{site.runs['recovered']}/recovery/apply", {})
    site.wait(site.runs["recovered"], "succeeded")
    workbench.break_steps("lint")
    site.runs["failed"] = site.start("shop/web", "chore: a much longer note about what this is for")
    workbench.repair("lint")
    return site


def _release(workbench: Workbench) -> Json:
    """Return a pipeline with parameters of several kinds and three stages."""
    stages = [
        models.stage(name, [models.job(name, [models.step(name, workbench.script(name))])])
        for name in ("build", "unit", "deploy")
    ]
    target = {
        "id": "target",
        "type": "ENUM",
        "defaultValue": "staging",
        "required": True,
        "desc": "Where it goes",
        "options": [{"key": name, "value": name} for name in ("staging", "prod")],
    }
    params = [
        models.parameter("version", "1.4.0", desc="Tag of the release", valueNotEmpty=True),
        target,
        {"id": "dry", "type": "BOOLEAN", "defaultValue": "false", "required": True},
        {"id": "key", "type": "PASSWORD", "defaultValue": "hush", "required": True},
    ]
    return models.pipeline("shop/api", stages, params=params)


def _checks(workbench: Workbench) -> Json:
    return models.one_job("shop/web", [models.step("lint", workbench.script("lint"))])
