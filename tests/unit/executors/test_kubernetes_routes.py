"""Routes of Istio for a grey release: pure values."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mulligan.executors.deploy.k8s_errors import DeployError
from mulligan.executors.deploy.k8s_routes import divided, host_names

NAMES = host_names("shop", "prod")


def spec(*hosts: str) -> dict[str, Any]:
    """Make a VirtualService's spec with one route to some hosts."""
    share = 100 // len(hosts)
    parts = [{"destination": {"host": host}, "weight": share} for host in hosts]
    return {"hosts": ["shop"], "http": [{"route": parts}]}


def parts(result: dict[str, Any]) -> list[tuple[str, str, int]]:
    """List host, subset and weight of the last route."""
    return [
        (part["destination"]["host"], part["destination"].get("subset", ""), part["weight"])
        for part in result["http"][-1]["route"]
    ]


def test_no_policy_sends_all_to_stable() -> None:
    """Without a policy the grey subset is named with no traffic."""
    assert parts(divided(spec("shop"), NAMES, None)) == [
        ("shop", "stable", 100),
        ("shop", "gray", 0),
    ]


def test_routes_to_other_services_stay() -> None:
    """Only the share of our service is divided; the sum of the weights stays 100."""
    result = divided(spec("shop.prod", "other"), NAMES, {"type": "weight", "weight": 30})

    assert parts(result) == [
        ("shop.prod", "stable", 35),
        ("shop.prod", "gray", 15),
        ("other", "", 50),
    ]


def test_content_goes_to_gray_before_all_other_routes() -> None:
    """What matches goes to the grey release, the rest to stable."""
    policy = {
        "type": "content",
        "cookie": {"match": "exact", "value": "beta=1"},
        "headers": [{"key": "X-Group", "match": "regex", "value": "a.*"}],
        "os": ["iOS"],
        "browser": ["Chrome", "Edge"],
    }

    result = divided(spec("shop"), NAMES, policy)

    first = result["http"][0]
    headers = first["match"][0]["headers"]
    assert first["route"] == [{"destination": {"host": "shop", "subset": "gray"}}]
    assert headers["x-group"] == {"regex": "a.*"}
    assert re.fullmatch(headers["cookie"]["regex"], "session=5; beta=1; x=2")
    assert not re.fullmatch(headers["cookie"]["regex"], "beta=12")
    assert re.fullmatch(headers["user-agent"]["regex"], "Mozilla (iPhone; OS 9) Chrome/90")
    assert not re.fullmatch(headers["user-agent"]["regex"], "Mozilla (Android 9) Chrome/90")
    assert parts(result) == [("shop", "stable", 100), ("shop", "gray", 0)]


@pytest.mark.parametrize(
    "policy",
    [
        {"type": "luck"},
        {"type": "weight", "weight": 101},
        {"type": "weight", "weight": "some"},
        {"type": "content"},
        {"type": "content", "os": ["BeOS"]},
    ],
)
def test_senseless_policies_are_refused(policy: dict[str, Any]) -> None:
    """A policy that can't be carried out is an error, not a guess."""
    with pytest.raises(DeployError):
        divided(spec("shop"), NAMES, policy)
