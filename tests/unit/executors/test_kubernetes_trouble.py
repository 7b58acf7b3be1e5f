"""What the kubernetes driver does when releases fail, streams break and servers are away."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_kubernetes import Document, FakeKubernetes, Fault
from fake_kubernetes_controller import Outcome
from fake_kubernetes_orders import V1, V2, Driver


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    """Give a driver with an empty cluster."""
    with FakeKubernetes().running() as fake:
        yield Driver(fake, tmp_path)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("image", ["ImagePullBackOff", "event of shop-", "manifest unknown"]),
        ("oom", ["OOMKilled", "memory limit"]),
        ("crash", ["CrashLoopBackOff", "exit code 3", "wrote: boom: no such table"]),
        ("unschedulable", ["Unschedulable", "Insufficient cpu", "FailedScheduling"]),
        ("quota", ["FailedCreate", "exceeded quota"]),
        ("deadline", ["ProgressDeadlineExceeded"]),
    ],
)
def test_broken_release_fails_early_and_says_why(
    driver: Driver, how: str, words: list[str]
) -> None:
    """The log names what keeps the new pods down, long before the time is over."""
    driver.fake.cluster.outcomes[V1] = Outcome(how)

    ended = driver.run("deploy", V1, info={"timeout_s": 90})

    assert ended.code == 1, ended.log
    assert "isn't ready after" not in ended.log
    for word in words:
        assert word in ended.log


def test_failure_of_the_old_release_does_not_count(driver: Driver) -> None:
    """Only pods of the new template are judged: a broken release is repaired by the next one."""
    driver.fake.cluster.outcomes[V1] = Outcome("crash")
    broken = driver.run("deploy", V1)

    ended = driver.run("deploy", V2)

    assert broken.code == 1
    assert ended.code == 0, ended.log


def test_broken_pod_of_a_stateful_set_does_not_block_the_next_release(driver: Driver) -> None:
    """A StatefulSet would wait for ever for its broken pod; the driver deletes it."""
    driver.fake.cluster.outcomes[V1] = Outcome("crash")
    info = {"app_type": "statefulsets"}
    broken = driver.run("deploy", V1, info=info)

    ended = driver.run("deploy", V2, info=info)

    assert broken.code == 1
    assert ended.code == 0, ended.log
    assert "blocks the StatefulSet" in ended.log


@pytest.mark.parametrize("how", ["image", "crash", "deadline"])
def test_same_release_tried_again_is_judged_anew(driver: Driver, how: str) -> None:
    """What the first try left broken doesn't fail the second when the reason is gone."""
    driver.fake.cluster.outcomes[V1] = Outcome(how)
    broken = driver.run("deploy", V1)
    driver.fake.cluster.outcomes[V1] = Outcome(ticks=40)

    ended = driver.run("deploy", V1)

    assert broken.code == 1
    assert ended.code == 0, ended.log


def test_release_that_never_comes_up_times_out(driver: Driver) -> None:
    """After `timeout_s` the driver says how far it came; the state is kept for the ledger."""
    driver.fake.cluster.outcomes[V1] = Outcome("never")

    ended = driver.run("deploy", V1, info={"timeout_s": 1})

    assert ended.code == 1
    assert "isn't ready after 1 s: 0 of 1 replicas are new" in ended.log
    assert ended.result["state"]["images"] == {"shop": V1}


def test_dropped_watches_are_opened_again_where_they_were(driver: Driver) -> None:
    """A stream that breaks in the middle of an event goes on from the version it had reached."""
    driver.fake.drop_watches = [0, 1, 0]
    driver.fake.cluster.outcomes[V1] = Outcome(ticks=15)

    ended = driver.run("deploy", V1, info={"replicas": 3})

    assert ended.code == 0, ended.log
    assert ended.log.count("the watch was interrupted") == 3
    assert "going on from version" in ended.log
    assert driver.fake.count("GET", "watch=true") >= 4


def test_watch_that_is_too_old_lists_again(driver: Driver) -> None:
    """410 Gone: the state is read anew, and nothing that happened meanwhile is missed."""
    driver.fake.drop_watches = [1]
    driver.fake.compact_on_drop = True
    driver.fake.cluster.outcomes[V1] = Outcome(ticks=15)

    ended = driver.run("deploy", V1, info={"replicas": 3})

    assert ended.code == 0, ended.log
    assert ended.log.count("too old for the API server (410)") == 1


def test_watch_refused_with_410_lists_again(driver: Driver) -> None:
    """The same when the server answers 410 before any stream begins."""
    driver.fake.faults = [Fault("GET", "watch=true", 410, times=2)]
    driver.fake.cluster.outcomes[V1] = Outcome(ticks=15)

    ended = driver.run("deploy", V1, info={"replicas": 2})

    assert ended.code == 0, ended.log
    assert ended.log.count("too old for the API server (410)") == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault("PATCH", "/deployments/", 429, headers={"Retry-After": "1"}),
        Fault("PATCH", "/deployments/", 500, times=2),
        Fault("GET", "/deployments/", 503),
        Fault("PATCH", "/deployments/", 409, message="the object has been modified"),
        Fault("PATCH", "/deployments/", 0),
        Fault("GET", "watch=true", 429, times=2),
    ],
    ids=["429", "500", "503", "409", "hung up", "watch 429"],
)
def test_passing_trouble_is_tried_again(driver: Driver, fault: Fault) -> None:
    """What a moment later works doesn't fail a deployment."""
    driver.fake.faults = [fault]
    driver.fake.cluster.outcomes[V1] = Outcome(ticks=40)

    ended = driver.run("deploy", V1, info={"replicas": 2})

    assert ended.code == 0, ended.log
    assert fault.times == 0
    assert driver.image() == V1


def test_server_that_stays_broken_is_unreachable(driver: Driver) -> None:
    """After `unreachable_s` of errors the driver ends with 69, not with a failed release."""
    driver.fake.faults = [Fault("*", "/", 500, times=1000)]

    ended = driver.run("deploy", V1, info={"unreachable_s": 1})

    assert ended.code == 69
    assert "cluster-unusable: " in ended.log


def test_server_that_is_not_there_is_unreachable(driver: Driver) -> None:
    """Nobody listens: 69."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        ended = driver.run("deploy", V1, info={"server": url, "unreachable_s": 0.5})

    assert ended.code == 69
    assert "can't be reached" in ended.log


def test_server_lost_during_the_rollout_is_unreachable(driver: Driver) -> None:
    """A server that goes away while the driver waits, though its stream stays open: 69."""
    driver.fake.cluster.outcomes[V1] = Outcome("never")
    file = driver.order("deploy", V1, info={"unreachable_s": 1})

    program = driver.start(file)
    _wait_until(lambda: driver.fake.count("GET", "watch=true") > 0)
    driver.fake.faults = [Fault("*", "/", 0, times=1000)]
    ended = driver.end(program, file)

    assert ended.code == 69, ended.log


def test_plain_server_behind_https_is_unreachable(driver: Driver) -> None:
    """A connection that can't be made safe is a broken target, and isn't tried for long."""
    url = driver.fake.url.replace("http:", "https:")

    ended = driver.run("deploy", V1, info={"server": url, "unreachable_s": 60})

    assert ended.code == 69
    assert "TLS" in ended.log


def test_wrong_credential_is_unreachable(driver: Driver) -> None:
    """401 is the target's refusal of us, not a failed release."""
    ended = driver.run("deploy", V1, info={"token": "bad"})

    assert ended.code == 69
    assert "401" in ended.log
    assert "bad" not in ended.log.replace("bad request", "")


def test_token_of_a_file_is_used(driver: Driver, tmp_path: Path) -> None:
    """`token_file` is read when the driver starts, and its line end is left out."""
    (tmp_path / "token").write_text("good\n")

    ended = driver.run("deploy", V1, info={"token": "", "token_file": str(tmp_path / "token")})

    assert ended.code == 0, ended.log


def test_missing_right_is_unreachable(driver: Driver) -> None:
    """403 of the API server's rights ends with 69 and names the right."""
    text = 'deployments.apps "shop" is forbidden: User "ci" cannot patch resource "deployments"'
    driver.fake.faults = [Fault("PATCH", "/deployments/", 403, message=text)]

    ended = driver.run("deploy", V1)

    assert ended.code == 69
    assert 'cannot patch resource "deployments"' in ended.log


def test_refusal_by_a_policy_fails_the_release(driver: Driver) -> None:
    """403 of an admission rule or a quota is about the release: 1."""
    text = "admission webhook denied the request: images must be signed"
    driver.fake.faults = [Fault("PATCH", "/deployments/", 403, message=text)]

    ended = driver.run("deploy", V1)

    assert ended.code == 1
    assert "deployment-not-changed: " in ended.log
    assert "images must be signed" in ended.log


def test_rights_on_pods_are_not_needed(driver: Driver) -> None:
    """Without a right to see pods a release is still deployed and judged by its workload."""
    text = 'pods is forbidden: User "ci" cannot list resource "pods"'
    driver.fake.faults = [Fault("GET", "/pods", 403, times=1000, message=text)]
    driver.fake.cluster.outcomes[V1] = Outcome(ticks=60)

    ended = driver.run("deploy", V1, info={"replicas": 2})

    assert ended.code == 0, ended.log
    assert "the pods can't be looked at" in ended.log


def test_private_server_needs_permission(driver: Driver) -> None:
    """A pipeline can't reach loopback addresses unless the operator allows it."""
    ended = driver.run("deploy", V1, private_ok=False)

    assert ended.code == 1
    assert "net.private_targets" in ended.log
    assert driver.fake.requests == []


def test_no_configuration_at_all_is_unreachable(driver: Driver) -> None:
    """Neither server nor kubeconfig nor pod: 69 with the dialect's code."""
    ended = driver.run("deploy", V1, info={"server": ""})

    assert ended.code == 69
    assert "cluster-unusable: " in ended.log


def test_missing_client_package_is_told(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the optional extra the log says what to install."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "kubernetes.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))

    ended = driver.run("deploy", V1)

    assert ended.code == 69
    assert "pip install 'mulligan[kubernetes]'" in ended.log


def test_term_ends_the_wait_and_undoes_nothing(driver: Driver) -> None:
    """TERM ends the driver with 143; what was applied stays."""
    driver.fake.cluster.outcomes[V1] = Outcome("never")
    file = driver.order("deploy", V1)

    program = driver.start(file)
    _wait_until(lambda: driver.fake.count("GET", "watch=true") > 0)
    program.send_signal(signal.SIGTERM)
    ended = driver.end(program, file)

    assert ended.code == 143
    assert driver.image() == V1


def test_deleted_workload_ends_the_wait(driver: Driver) -> None:
    """Somebody deletes the workload while the driver waits: it says so."""
    driver.fake.cluster.outcomes[V1] = Outcome("never")
    file = driver.order("deploy", V1)

    program = driver.start(file)
    _wait_until(lambda: driver.fake.count("GET", "watch=true") > 0)
    driver.fake.cluster.drop("deployments", "shop")
    ended = driver.end(program, file)

    assert ended.code == 1
    assert "was deleted during its rollout" in ended.log


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"replicas": 301}, "replicas is 301"),
        ({"application": "Not_A_Name"}, "is no name of Kubernetes"),
        ({"application": ""}, "`application`"),
        ({"app_type": "daemonsets"}, "possible: deployments, statefulsets"),
        ({"create_mode": "yaml"}, "there is no manifest"),
        ({"create_mode": "yaml", "manifest": "a: [b"}, "no YAML"),
        ({"services": [{"name": "s", "access_type": "tunnel"}]}, "access_type"),
        ({"context": "nowhere", "server": "", "kubeconfig": "CONFIG"}, "no context 'nowhere'"),
    ],
)
def test_senseless_settings_are_refused(
    driver: Driver, tmp_path: Path, info: Document, words: str
) -> None:
    """A value that makes no sense is named, and nothing is sent."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": driver.fake.url}}],
        "users": [{"name": "u", "user": {"token": "good"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    info = {
        key: str(tmp_path / "config") if value == "CONFIG" else value for key, value in info.items()
    }

    ended = driver.run("deploy", V1, info=info)

    assert ended.code == 1, ended.log
    assert words in ended.log
    assert not any(found[0] == "PATCH" for found in driver.fake.requests)


def _wait_until(condition: Callable[[], bool]) -> None:
    """Wait at most 30 s for a condition that the fake server's threads bring about."""
    pause = threading.Event()
    for _ in range(1500):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it never happened")
