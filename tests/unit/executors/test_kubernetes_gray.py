"""Grey releases on Kubernetes: canary, blue-green and Istio, promoted and rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_kubernetes import Document, FakeKubernetes, Fault
from fake_kubernetes_controller import Outcome
from fake_kubernetes_orders import V1, V2, V3, Driver

CANARY = {"gray": {"gray_replicas": "50%", "stable_replicas": 2}}
BLUE_GREEN = {"gray": {"strategy": "blue_green"}}
ISTIO = {"gray": {"gray_replicas": 1, "policy": {"port": 80, "type": "weight", "weight": 20}}}


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    """Give a driver whose cluster has a service in front of the application."""
    with FakeKubernetes().running() as fake:
        driver = Driver(fake, tmp_path)
        driver.add_service()
        yield driver


def endpoints(driver: Driver) -> dict[str, int]:
    """Count the pods behind the service by their image."""
    cluster = driver.fake.cluster
    with cluster.condition:
        selector = cluster.objects["services"]["shop"]["spec"]["selector"]
        found: dict[str, int] = {}
        for pod in cluster.objects["pods"].values():
            labels = pod["metadata"]["labels"]
            if all(labels.get(key) == value for key, value in selector.items()):
                image = pod["spec"]["containers"][0]["image"]
                found[image] = found.get(image, 0) + 1
    return found


def weights(driver: Driver, name: str = "shop-mulligan") -> dict[str, int]:
    """Return the weight of each subset in the first route of a VirtualService."""
    rule = driver.fake.cluster.objects["virtualservices"][name]["spec"]["http"][0]
    return {part["destination"].get("subset", ""): part["weight"] for part in rule["route"]}


def test_canary_stands_behind_the_same_service(driver: Driver) -> None:
    """Half as many grey replicas come up, the stable ones shrink, both get traffic."""
    stable = driver.run("deploy", V1, info={"replicas": 4})

    ended = driver.run("gray", V2, live=stable.record, info=CANARY)

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V1: 2, V2: 2}
    assert ended.result["state"]["replicas"] == 4


def test_promotion_of_a_canary(driver: Driver) -> None:
    """The stable workload gets the grey image at full size, and the grey one is removed."""
    stable = driver.run("deploy", V1, info={"replicas": 4})
    gray = driver.run("gray", V2, live=stable.record, info=CANARY)

    ended = driver.run("promote", V2, live=stable.record, gray=gray.record, info=CANARY)

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V2: 4}
    assert list(driver.fake.cluster.objects["deployments"]) == ["shop"]
    assert ended.result["state"]["images"] == {"shop": V2}
    assert ended.result["state"]["replicas"] == 4


def test_promotion_without_own_settings_takes_those_of_the_grey_stage(driver: Driver) -> None:
    """An official stage after a grey one may have an empty `input_info` and no image."""
    stable = driver.run("deploy", V1)
    gray = driver.run("gray", V2, live=stable.record)
    usual, driver.info = driver.info, {}

    ended = driver.run(
        "promote", live=stable.record, gray={**gray.record, "info": {**usual, "gray": {}}}
    )

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V2: 1}


def test_abort_of_a_canary_leaves_everything_as_before(driver: Driver) -> None:
    """The stable replicas are back, only the old image runs, and nothing grey is left."""
    stable = driver.run("deploy", V1, info={"replicas": 4})
    before = driver.workload()["spec"]
    gray = driver.run("gray", V2, live=stable.record, info=CANARY)

    ended = driver.run("abort", live=stable.record, gray=gray.record, info=CANARY)

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V1: 4}
    assert driver.workload()["spec"] == before
    assert list(driver.fake.cluster.objects["deployments"]) == ["shop"]


def test_abort_after_a_grey_release_that_failed(driver: Driver) -> None:
    """A grey release that never came up, so that the ledger has none, is removed all the same."""
    stable = driver.run("deploy", V1, info={"replicas": 2})
    driver.fake.cluster.outcomes[V2] = Outcome("image")
    failed = driver.run("gray", V2, live=stable.record, info=CANARY)

    ended = driver.run("abort", live=stable.record, info=CANARY)

    assert failed.code == 1
    assert "ImagePullBackOff" in failed.log
    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V1: 2}
    assert list(driver.fake.cluster.objects["deployments"]) == ["shop"]


def test_grey_release_tried_again_remembers_the_first_state(driver: Driver) -> None:
    """A second grey act doesn't take the shrunken stable workload for the original one."""
    stable = driver.run("deploy", V1, info={"replicas": 4})
    driver.run("gray", V2, live=stable.record, info=CANARY)
    again = driver.run("gray", V3, live=stable.record, info=CANARY)

    ended = driver.run("abort", live=stable.record, gray=again.record, info=CANARY)

    assert (again.code, ended.code) == (0, 0), again.log
    assert endpoints(driver) == {V1: 4}


def test_abort_twice_is_the_same_as_once(driver: Driver) -> None:
    """An abort that was cut off after its last change finds nothing to do."""
    stable = driver.run("deploy", V1, info={"replicas": 2})
    gray = driver.run("gray", V2, live=stable.record, info=CANARY)
    driver.run("abort", live=stable.record, gray=gray.record, info=CANARY)

    ended = driver.run("abort", live=stable.record, gray=gray.record, info=CANARY, resume=True)

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V1: 2}


def test_grey_release_needs_a_live_one(driver: Driver) -> None:
    """Without a stable workload there is nothing to stand beside."""
    ended = driver.run("gray", V2, info=CANARY)

    assert ended.code == 1
    assert "needs a live one" in ended.log


def test_workload_of_somebody_else_is_not_taken_for_the_grey_one(driver: Driver) -> None:
    """A workload that happens to be named as the grey one is neither changed nor deleted."""
    stable = driver.run("deploy", V1, info={"replicas": 2})
    foreign = {**driver.workload()["spec"]}
    driver.fake.cluster.create(
        "deployments",
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "shop-gray", "namespace": "prod"},
            "spec": foreign,
        },
    )

    refused = driver.run("gray", V2, live=stable.record, info=CANARY)
    aborted = driver.run("abort", live=stable.record, info=CANARY)

    assert refused.code == 1
    assert "isn't ours" in refused.log
    assert aborted.code == 0, aborted.log
    assert driver.image("shop-gray") == V1


def test_blue_green_switches_the_service(driver: Driver) -> None:
    """The green version runs at full size and gets all traffic; the blue one stays as it is."""
    stable = driver.run("deploy", V1, info={"replicas": 3})
    before = driver.workload()["spec"]

    ended = driver.run("gray", V2, live=stable.record, info=BLUE_GREEN)

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V2: 3}
    assert driver.workload()["spec"] == before


def test_green_pods_get_no_traffic_before_the_switch(driver: Driver) -> None:
    """A green version that doesn't come up never stands behind the service."""
    stable = driver.run("deploy", V1, info={"replicas": 3})
    driver.fake.cluster.outcomes[V2] = Outcome("crash")

    ended = driver.run("gray", V2, live=stable.record, info=BLUE_GREEN)

    assert ended.code == 1
    assert endpoints(driver) == {V1: 3}


def test_blue_green_is_promoted(driver: Driver) -> None:
    """After the promotion the stable workload has the new image and the service is as before."""
    stable = driver.run("deploy", V1, info={"replicas": 3})
    gray = driver.run("gray", V2, live=stable.record, info=BLUE_GREEN)

    ended = driver.run("promote", V2, live=stable.record, gray=gray.record, info=BLUE_GREEN)

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V2: 3}
    assert driver.fake.cluster.objects["services"]["shop"]["spec"]["selector"] == {"app": "shop"}
    assert list(driver.fake.cluster.objects["deployments"]) == ["shop"]


def test_blue_green_is_aborted(driver: Driver) -> None:
    """The service goes back to the blue version, the green one is removed."""
    stable = driver.run("deploy", V1, info={"replicas": 3})
    gray = driver.run("gray", V2, live=stable.record, info=BLUE_GREEN)

    ended = driver.run("abort", live=stable.record, gray=gray.record, info=BLUE_GREEN)

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V1: 3}
    assert list(driver.fake.cluster.objects["deployments"]) == ["shop"]


def test_istio_divides_by_weight_and_is_aborted(driver: Driver) -> None:
    """Routes and subsets are made for the grey release and are gone after the abort."""
    stable = driver.run("deploy", V1, info={"replicas": 2})
    gray = driver.run("gray", V2, live=stable.record, info=ISTIO, gray_mode="istio")
    divided = weights(driver)
    rule = driver.fake.cluster.objects["destinationrules"]["shop-mulligan"]["spec"]

    ended = driver.run("abort", live=stable.record, gray=gray.record, info=ISTIO, gray_mode="istio")

    assert gray.code == 0, gray.log
    assert divided == {"stable": 80, "gray": 20}
    assert [one["labels"] for one in rule["subsets"]] == [
        {"version": "stable"},
        {"version": "gray"},
    ]
    assert ended.code == 0, ended.log
    assert driver.fake.cluster.objects["virtualservices"] == {}
    assert driver.fake.cluster.objects["destinationrules"] == {}
    assert endpoints(driver) == {V1: 2}


def test_cluster_without_istio_changes_nothing(driver: Driver) -> None:
    """The grey stage says that there is no Istio before it touches the stable release."""
    stable = driver.run("deploy", V1)
    before = driver.workload()["spec"]
    driver.fake.faults = [Fault("GET", "/destinationrules", 404)]

    ended = driver.run("gray", V2, live=stable.record, info=ISTIO, gray_mode="istio")

    assert ended.code == 1
    assert "the cluster has no Istio" in ended.log
    assert driver.workload()["spec"] == before


def test_istio_gives_routes_of_other_people_back(driver: Driver) -> None:
    """A VirtualService that was there is divided, and after the promotion as it was before."""
    spec: Document = {
        "hosts": ["shop.prod.svc.cluster.local"],
        "gateways": ["mesh", "front"],
        "http": [{"route": [{"destination": {"host": "shop"}}], "timeout": "3s"}],
    }
    driver.fake.cluster.create(
        "virtualservices",
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "front", "namespace": "prod"},
            "spec": spec,
        },
    )
    stable = driver.run("deploy", V1, info={"replicas": 2})
    gray = driver.run("gray", V2, live=stable.record, info=ISTIO, gray_mode="istio")
    divided = weights(driver, "front")

    ended = driver.run(
        "promote", V2, live=stable.record, gray=gray.record, info=ISTIO, gray_mode="istio"
    )

    assert gray.code == 0, gray.log
    assert divided == {"stable": 80, "gray": 20}
    assert ended.code == 0, ended.log
    assert driver.fake.cluster.objects["virtualservices"]["front"]["spec"] == spec
    assert endpoints(driver) == {V2: 2}
    assert list(driver.fake.cluster.objects["deployments"]) == ["shop"]


@pytest.mark.parametrize("strategy", [CANARY, BLUE_GREEN], ids=["canary", "blue_green"])
def test_official_deployment_closes_a_grey_release_left_open(
    driver: Driver, strategy: Document
) -> None:
    """A release that isn't the grey one gets all traffic and the full size; the grey one goes."""
    stable = driver.run("deploy", V1, info={"replicas": 4})
    driver.run("gray", V2, live=stable.record, info=strategy)

    ended = driver.run("deploy", V3, live=stable.record)

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V3: 4}
    assert list(driver.fake.cluster.objects["deployments"]) == ["shop"]


def test_rollback_of_the_official_stage_closes_a_grey_release(driver: Driver) -> None:
    """Rolling back to a record takes a grey release away that is still beside it."""
    first = driver.run("deploy", V1, info={"replicas": 3})
    second = driver.run("deploy", V2, live=first.record)
    driver.run("gray", V3, live=second.record, info=BLUE_GREEN)

    ended = driver.run("rollback", V1, live=second.record, target=first.result)

    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V1: 3}
    assert list(driver.fake.cluster.objects["deployments"]) == ["shop"]


def test_interrupted_grey_release_goes_on(driver: Driver) -> None:
    """A grey act that was cut off before the switch of the service does it now."""
    stable = driver.run("deploy", V1, info={"replicas": 2})
    driver.fake.faults = [Fault("PATCH", "/services/", 500, times=1000)]
    short = {**BLUE_GREEN, "unreachable_s": 0.2}
    cut = driver.run("gray", V2, live=stable.record, deployment="d-g", info=short)
    driver.fake.faults = []
    between = endpoints(driver)

    ended = driver.run(
        "gray", V2, live=stable.record, deployment="d-g", resume=True, info=BLUE_GREEN
    )

    assert cut.code == 69
    assert between == {V1: 2}
    assert ended.code == 0, ended.log
    assert endpoints(driver) == {V2: 2}


def test_interrupted_promotion_goes_on(driver: Driver) -> None:
    """A promotion that was cut off after its apply only waits and cleans up."""
    stable = driver.run("deploy", V1, info={"replicas": 3})
    gray = driver.run("gray", V2, live=stable.record, info=BLUE_GREEN)
    driver.fake.faults = [Fault("DELETE", "shop-green", 500, times=1000)]
    cut = driver.run(
        "promote",
        V2,
        live=stable.record,
        gray=gray.record,
        deployment="d-p",
        info={**BLUE_GREEN, "unreachable_s": 0.2},
    )
    driver.fake.faults = []

    ended = driver.run(
        "promote",
        V2,
        live=stable.record,
        gray=gray.record,
        deployment="d-p",
        resume=True,
        info=BLUE_GREEN,
    )

    assert cut.code == 69
    assert ended.code == 0, ended.log
    assert "was applied before the interruption" in ended.log
    assert endpoints(driver) == {V2: 3}
    assert list(driver.fake.cluster.objects["deployments"]) == ["shop"]
