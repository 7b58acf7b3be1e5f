"""A public Keystone client gets in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mulligan.testing.http_client import HttpClient
from mulligan.testing.server import ServerProcess

pytest.importorskip("keystoneauth1")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Give the URL of a server with dev1 in the account acme."""
    with ServerProcess(tmp_path / "data", dev=False) as server:
        client = HttpClient(server.url, headers={"Authorization": f"Bearer {server.admin_token()}"})
        for method, path, body in (
            ("POST", "/projects", {"name": "acme"}),
            ("POST", "/users", {"name": "dev1", "password": "S3cret!"}),
            ("PUT", "/projects/acme/members/dev1", {"role": "maintainer"}),
        ):
            client.request(method, "/api/v1" + path, body=body)
        client.close()
        yield server.url


@pytest.mark.parametrize("kind", ["v3", "generic"])
def test_keystone_client(url: str, kind: str) -> None:
    """It gets a token for a region, finds this service in the catalog, and ends the token."""
    from keystoneauth1 import exceptions, identity, session

    plugin: Any = identity.V3Password if kind == "v3" else identity.Password
    who = {"auth_url": f"{url}/v3", "username": "dev1", "user_domain_name": "acme"}
    scope = {"project_name": "cn-north-4", "project_domain_name": "acme"}
    auth = plugin(password="S3cret!", **who, **scope)
    client = session.Session(auth=auth)
    token = client.get_token()
    subject = {"X-Subject-Token": token}

    known = auth.get_access(client)
    groups = client.get(f"{url}/v3/manage/pipelinegroups")
    projects = client.get("/projects", endpoint_filter={"service_type": "identity"}).json()
    ended = client.delete(f"{url}/v3/auth/tokens", headers=subject)
    stranger = session.Session(auth=plugin(password="wrong", **who, **scope))

    assert (known.username, known.user_domain_name) == ("dev1", "acme")
    assert known.project_name == "cn-north-4"
    assert groups.status_code == 200
    assert projects["projects"][0]["id"] == known.project_id
    assert str(client.get_endpoint(service_type="swr")).startswith(url)
    assert ended.status_code == 204
    with pytest.raises(exceptions.Unauthorized):
        stranger.get_token()
