"""A project of its own for the pages of places: releases, approvals, a hook, a package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from site_data import PASSWORD, Site

from e2e.swr.definitions import definition, deploy
from e2e.swr.target import Target
from mulligan.testing import models
from mulligan.testing.models import Json
from mulligan.testing.server import poll_until

PROJECT = "plaza"


@dataclass
class Places:
    """What the project holds."""

    site: Site
    target: Target
    environment: str
    hook: str

    def call(self, method: str, path: str, body: object = None) -> Json:
        """Call the own API below the project."""
        return self.site.call(method, f"/projects/{PROJECT}{path}", body)

    def start(self, pipeline: str, status: str, **body: object) -> str:
        """Start a run and wait until it has a status."""
        run = str(self.call("POST", f"/pipelines/{pipeline}/runs", body)["id"])
        self.site.wait(run, status)
        return run

    def live(self) -> str:
        """Return the image that the server takes for live."""
        environment = self.call("GET", f"/environments/{self.environment}")
        return str(environment["live"]["image"])

    def approvals(self) -> list[dict[str, Any]]:
        """Return what waits for people."""
        found = self.site.call("GET", f"/approvals?project={PROJECT}")["items"]
        assert isinstance(found, list)
        return found


def furnished(site: Site, folder: Path) -> Places:
    """Make the project: two releases are out, three things wait for lin."""
    site.call("POST", "/projects", {"id": PROJECT, "name": "Plaza"})
    site.call("POST", "/users", {"name": "wang", "password": PASSWORD})
    site.call("PUT", f"/projects/{PROJECT}/members/lin", {"role": "owner"})
    target = Target(folder / "target")
    places = Places(site, target, "", "")
    shop = places.call("POST", "/pipelines", release(target))["id"]
    places.start(shop, "succeeded", values={"VERSION": "v1"}, message="feat: prices in euro")
    places.start(shop, "succeeded", values={"VERSION": "v2"}, message="feat: vouchers")
    places.environment = places.call("GET", "/environments")["items"][0]["id"]

    for model, message in (
        (_manual(), "feat: a larger basket"),
        (_reviewed(), "feat: pay later"),
        (_paused(), "chore: move the tables"),
    ):
        pipeline = places.call("POST", "/pipelines", model)["id"]
        places.call("POST", f"/pipelines/{pipeline}/runs", {"message": message})
    poll_until(lambda: len(places.approvals()) == 3, what="three things wait")

    flaky = places.call("POST", "/pipelines", _flaky(folder / "flag"))["id"]
    run = places.start(flaky, "failed")
    places.call("POST", f"/runs/{run}/recovery/apply", {})
    site.wait(run, "succeeded")

    given = {"kind": "github", "name": "shop repository", "secret": "hush-hook"}
    places.hook = places.call("POST", "/hooks", given)["id"]
    places.call(
        "PUT",
        "/quality-rules/cover",
        {
            "name": "Coverage",
            "conditions": [{"metric": "coverage", "operator": ">=", "value": 80}],
            "gatekeepers": ["lin"],
        },
    )
    return places


def release(target: Target) -> Json:
    """Return a pipeline that brings a version of the shop to prod."""
    info = target.info(env={"RELEASE": "${VERSION}"}, application="shop")
    return {"name": "plaza-shop", **definition([deploy(info)])}


def _manual() -> Json:
    """Return a pipeline in which a step asks lin, who has to say something."""
    manual = {
        "@type": "manualReviewUserTask",
        "id": "e-000000000000000000000000000000aa",
        "name": "Check the prices",
        "desc": "Look at the price list of the staging shop.",
        "reviewUsers": ["lin"],
        "suggestRequired": True,
        "params": [{"key": "replicas", "value": "4", "valueType": "STRING", "required": True}],
    }
    return models.one_job("plaza/prices", [manual])


def _reviewed() -> Json:
    """Return a pipeline whose stage asks two groups, the first of them lin."""
    step = models.step("publish", "true")
    stage = models.stage("publish", [models.job("publish", [step])])
    stage["checkIn"] = {**models.review(["lin"], ["lin", "wang"]), "reviewDesc": "Goes to prod."}
    return models.pipeline("plaza/web", [stage])


def _paused() -> Json:
    return models.one_job("plaza/db", [models.step("migrate", "true", pauseBeforeExec=True)])


def _flaky(flag: Path) -> Json:
    """Return a pipeline whose step fails at its first try only."""
    script = f"[ -e '{flag}' ] || {{ touch '{flag}'; exit 1; }}"
    return models.one_job("plaza/tests", [models.step("tests", script)])
