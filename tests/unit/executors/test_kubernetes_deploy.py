"""Deployments and rollbacks to Kubernetes: the real program against a fake API server over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_kubernetes import Document, FakeKubernetes
from fake_kubernetes_controller import Outcome
from fake_kubernetes_orders import V1, V2, V3, Driver


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    """Give a driver with an empty cluster."""
    with FakeKubernetes().running() as fake:
        yield Driver(fake, tmp_path)


def test_deploy_makes_a_missing_workload(driver: Driver) -> None:
    """Workload and service come into being, run, and the result can restore them."""
    info = {
        "replicas": 2,
        "services": [{"name": "shop", "ports": [{"port": 80, "target_port": 8080}]}],
    }

    ended = driver.run("deploy", V1, info=info)

    assert ended.code == 0, ended.log
    assert driver.workload()["status"]["availableReplicas"] == 2
    assert driver.workload()["metadata"]["annotations"]["mulligan.dev/deployment"] == "d-1"
    service = driver.fake.cluster.objects["services"]["shop"]
    assert service["spec"]["selector"] == {"app": "shop"}
    assert service["spec"]["ports"][0]["targetPort"] == 8080
    assert ended.result["state"]["images"] == {"shop": V1}
    assert ended.result["state"]["replicas"] == 2
    assert f"image: {V1}" in ended.result["manifest"]
    assert "base" not in ended.result


def test_first_deployment_keeps_the_workload_found_as_base(driver: Driver) -> None:
    """A workload of somebody else is adopted: its state is kept, the rest of it left alone."""
    driver.add_existing()

    ended = driver.run("deploy", V1)

    assert ended.code == 0, ended.log
    assert "over from kubectl-create" in ended.log
    assert ended.result["base"]["state"]["images"] == {"web": "nginx:1"}
    container = driver.workload()["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == V1
    assert container["env"] == [{"name": "MODE", "value": "live"}]
    assert driver.workload()["spec"]["replicas"] == 3


def test_base_survives_a_failed_first_deployment(driver: Driver) -> None:
    """When the first try failed, the second still gives the workload that was found as base."""
    driver.add_existing()
    driver.fake.cluster.outcomes[V1] = Outcome("image")

    failed = driver.run("deploy", V1)
    ended = driver.run("deploy", V2)

    assert (failed.code, ended.code) == (1, 0)
    assert failed.result["base"] == ended.result["base"]
    assert ended.result["base"]["state"]["images"] == {"web": "nginx:1"}


def test_update_changes_the_image_and_keeps_the_size(driver: Driver) -> None:
    """A later release without `replicas` doesn't shrink the workload to the default of one."""
    first = driver.run("deploy", V1, info={"replicas": 4})

    ended = driver.run("deploy", V2, live=first.record)

    assert ended.code == 0, ended.log
    assert driver.image() == V2
    assert driver.workload()["spec"]["replicas"] == 4


def test_only_the_named_container_gets_the_image(driver: Driver) -> None:
    """`container` leaves the others alone; an unknown one is an error with the dialect's code."""
    driver.add_existing()

    def add_sidecar(workload: Document) -> None:
        containers = workload["spec"]["template"]["spec"]["containers"]
        containers.append({"name": "proxy", "image": "envoy:1"})

    driver.fake.cluster.change("deployments", "shop", add_sidecar)

    ended = driver.run("deploy", V1, info={"container": "web"})
    unknown = driver.run("deploy", V1, info={"container": "nothing"})

    assert ended.code == 0, ended.log
    assert ended.result["state"]["images"] == {"web": V1, "proxy": "envoy:1"}
    assert unknown.code == 1
    assert "no-container-in-deployment: " in unknown.log


def test_fields_of_another_manager_are_not_overwritten(driver: Driver) -> None:
    """Once a release is live, somebody else's change is told and kept, unless `force` is given."""
    first = driver.run("deploy", V1)

    def pin(workload: Document) -> None:
        workload["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/hotfix:1"

    driver.fake.cluster.change("deployments", "shop", pin, "kubectl-set")

    refused = driver.run("deploy", V2, live=first.record)
    kept = driver.image()
    forced = driver.run("deploy", V2, live=first.record, info={"force": True})

    assert refused.code == 1
    assert 'kubectl-set manages .spec.template.spec.containers[name="shop"].image' in refused.log
    assert kept == "registry.test/hotfix:1"
    assert forced.code == 0, forced.log
    assert driver.image() == V2


def test_rollback_applies_the_recorded_template_again(driver: Driver) -> None:
    """Image, size and environment of the record come back, whatever was deployed since."""
    manifest = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - {name: shop, image: placeholder, env: [{name: MODE, value: old}]}
"""
    yaml_mode = {"create_mode": "yaml", "manifest": manifest}
    first = driver.run("deploy", V1, info=yaml_mode)
    newer = {**yaml_mode, "manifest": manifest.replace("MODE", "OTHER"), "replicas": 5}
    second = driver.run("deploy", V2, live=first.record, info=newer)

    ended = driver.run("rollback", V1, live=second.record, target=first.result)

    assert ended.code == 0, ended.log
    spec = driver.workload()["spec"]
    assert spec["template"] == first.result["state"]["spec"]["template"]
    assert spec["template"]["spec"]["containers"][0]["image"] == V1
    assert spec["template"]["spec"]["containers"][0]["env"] == [{"name": "MODE", "value": "old"}]
    assert spec["replicas"] == 2


def test_rollback_to_the_base_restores_what_a_person_made(driver: Driver) -> None:
    """The base record restores a workload that was there before us, and later releases work."""
    driver.add_existing()
    first = driver.run("deploy", V1, info={"replicas": 1})

    ended = driver.run("rollback", live=first.record, target=first.result["base"])
    image = driver.image()
    later = driver.run("deploy", V3, live=first.record)

    assert ended.code == 0, ended.log
    assert image == "nginx:1"
    assert ended.result["state"]["replicas"] == 3
    assert later.code == 0, later.log
    assert driver.image() == V3


def test_rollback_undoes_changes_of_other_people_too(driver: Driver) -> None:
    """The template is exactly the recorded one, also in fields that we never set."""
    first = driver.run("deploy", V1)

    def meddle(workload: Document) -> None:
        container = workload["spec"]["template"]["spec"]["containers"][0]
        container["env"] = [{"name": "DEBUG", "value": "1"}]

    driver.fake.cluster.change("deployments", "shop", meddle)

    ended = driver.run("rollback", V1, live=first.record, target=first.result)

    assert ended.code == 0, ended.log
    assert "env" not in driver.workload()["spec"]["template"]["spec"]["containers"][0]


def test_rollback_makes_a_deleted_workload_anew(driver: Driver) -> None:
    """A workload that somebody deleted comes back as recorded."""
    first = driver.run("deploy", V1, info={"replicas": 2})
    driver.fake.cluster.drop("deployments", "shop")

    ended = driver.run("rollback", V1, live=first.record, target=first.result)

    assert ended.code == 0, ended.log
    assert driver.image() == V1
    assert driver.workload()["spec"]["replicas"] == 2


def test_rollback_that_does_not_come_up_fails(driver: Driver) -> None:
    """A restored release is healthy by the same rule as a deployment."""
    first = driver.run("deploy", V1)
    second = driver.run("deploy", V2, live=first.record)
    driver.fake.cluster.outcomes[V1] = Outcome("crash")

    ended = driver.run("rollback", V1, live=second.record, target=first.result)

    assert ended.code == 1
    assert "CrashLoopBackOff" in ended.log
    assert "boom: no such table" in ended.log


def test_rollback_leaves_the_size_to_an_autoscaler(driver: Driver) -> None:
    """An autoscaler's number of replicas is not taken back in the middle of its work."""
    first = driver.run("deploy", V1, info={"replicas": 2})
    second = driver.run("deploy", V2, live=first.record)

    def scale(workload: Document) -> None:
        workload["spec"]["replicas"] = 6

    driver.fake.cluster.change("deployments", "shop", scale, "kube-controller-manager", "scale")

    ended = driver.run("rollback", V1, live=second.record, target=first.result)

    assert ended.code == 0, ended.log
    assert driver.image() == V1
    assert driver.workload()["spec"]["replicas"] == 6


def test_resume_does_not_apply_again(driver: Driver) -> None:
    """A driver that was cut off after its apply finds it done and writes the same result."""
    first = driver.run("deploy", V1)
    patches = driver.fake.count("PATCH", "/deployments/")

    ended = driver.run("deploy", V1, deployment="d-1", resume=True)

    assert ended.code == 0, ended.log
    assert driver.fake.count("PATCH", "/deployments/") == patches
    assert ended.result["state"]["images"] == first.result["state"]["images"]


def test_resume_applies_what_was_not_applied(driver: Driver) -> None:
    """A driver that was cut off before its apply does it now."""
    first = driver.run("deploy", V1)

    ended = driver.run("deploy", V2, deployment="d-9", resume=True, live=first.record)

    assert ended.code == 0, ended.log
    assert driver.image() == V2


def test_stateful_set_is_made_updated_and_rolled_back(driver: Driver) -> None:
    """app_type statefulsets takes the same way."""
    info = {"app_type": "statefulsets", "replicas": 2}
    first = driver.run("deploy", V1, info=info)
    second = driver.run("deploy", V2, info=info, live=first.record)
    updated = driver.image(plural="statefulsets")

    ended = driver.run("rollback", V1, info=info, live=second.record, target=first.result)

    assert (first.code, second.code, ended.code) == (0, 0, 0), ended.log
    assert updated == V2
    assert driver.image(plural="statefulsets") == V1


def test_opaque_text_is_a_manifest(driver: Driver, tmp_path: Path) -> None:
    """An `input_info` that is no JSON object is applied as YAML, with the image set in it."""
    config = tmp_path / "config"
    config.write_text(
        f"""
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{driver.fake.url}"}}}}]
users: [{{name: u, user: {{token: good}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
    )
    (tmp_path / ".kube").mkdir()
    config.rename(tmp_path / ".kube" / "config")
    driver.info = {}
    text = """
kind: ConfigMap
apiVersion: v1
metadata: {name: shop-settings}
data: {COLOUR: blue}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: placeholder}]}
"""

    ended = driver.run("deploy", V1, text=text)

    assert ended.code == 0, ended.log
    assert driver.image("web") == V1
    assert driver.fake.cluster.objects["configmaps"]["shop-settings"]["data"] == {"COLOUR": "blue"}


def test_manifest_with_a_secret_is_refused(driver: Driver) -> None:
    """A kind that is not allowed is named, and nothing at all is applied."""
    manifest = "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {}}"

    ended = driver.run("deploy", V1, info={"create_mode": "yaml", "manifest": manifest})

    assert ended.code == 1
    assert "may not hold a Secret" in ended.log
    assert not any(found[0] == "PATCH" for found in driver.fake.requests)
