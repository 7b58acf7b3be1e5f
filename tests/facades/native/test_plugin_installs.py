"""Plugins over the own API: installed by admins, listed for all, refused when they are no good."""

import json
import zipfile
from itertools import count

import pytest
from native_client import Answer, NativeApi

from mulligan.testing import models
from plugin_zips import manifest, plugin_zip, with_entry, zip_of

ZIP = {"Content-Type": "application/zip"}


def install(
    api: NativeApi, content: bytes, version: str = "1.0.0", *, expect: int = 201, key: str = ""
) -> Answer:
    """Install a zip."""
    query = f"?version={version}" if version else ""
    headers = ZIP | ({"Idempotency-Key": key} if key else {})
    return api.call("POST", f"/plugins{query}", content=content, expect=expect, headers=headers)


def test_install_list_show_remove(api: NativeApi) -> None:
    """A version is listed with what its task.json says, until it is removed."""
    made = install(api, plugin_zip()).json()
    install(api, plugin_zip(run_sh="#!/bin/sh\n"), "1.10.0")
    install(api, plugin_zip(run_sh="#!/bin/sh\n\n"), "1.9.0")

    assert made == {"atomCode": "echo", "version": "1.0.0"}
    listed = api.get("/plugins?limit=2")
    assert [each["version"] for each in listed["items"]] == ["1.0.0", "1.10.0"]
    assert len(api.get(f"/plugins?cursor={listed['next_cursor']}")["items"]) == 1
    shown = api.get("/plugins/echo")
    assert [each["version"] for each in shown["versions"]] == ["1.10.0", "1.9.0", "1.0.0"]
    assert shown["manifest"]["input"] == manifest()["input"]
    api.call("DELETE", "/plugins/echo/1.0.0", expect=204)
    api.call("DELETE", "/plugins/echo/1.0.0", expect=404)
    api.get("/plugins/other", expect=404)
    acts = [each["action"] for each in api.get("/projects/shop/audit")["items"]]
    assert "plugin.install" not in acts  # of the server, not of a project


def test_the_same_again_and_other_content(api: NativeApi) -> None:
    """The same zip again is no error; other content needs a version of its own."""
    install(api, plugin_zip())
    install(api, plugin_zip())

    refused = install(api, plugin_zip(run_sh="#!/bin/sh\n"), expect=409).json()

    assert "new version" in refused["detail"]
    assert len(api.get("/plugins")["items"]) == 1


def test_repeat_with_a_key(api: NativeApi) -> None:
    """The first answer comes again; the key is not taken for another zip."""
    install(api, plugin_zip(), key="k")

    again = install(api, plugin_zip(), key="k")

    assert again.headers["idempotency-replayed"] == "true"
    install(api, plugin_zip(run_sh="x"), key="k", expect=422)


def test_version_of_the_task_json(api: NativeApi) -> None:
    """It counts where none is given; one of both must be there and be three numbers."""
    task = manifest() | {"releaseInfo": {"versionInfo": {"version": "3.1.4"}}}

    assert install(api, plugin_zip(task), "").json()["version"] == "3.1.4"
    assert "no version" in install(api, plugin_zip(), "", expect=422).json()["detail"]
    assert "three numbers" in install(api, plugin_zip(), "1.x", expect=422).json()["detail"]


def test_only_server_admins(api: NativeApi) -> None:
    """An owner of a project may look, but neither install nor remove."""
    install(api, plugin_zip())
    owner = api.make_user("olga", "owner")

    install(owner, plugin_zip(), expect=403)
    owner.call("DELETE", "/plugins/echo/1.0.0", expect=403)
    assert owner.get("/plugins/echo")["name"] == "echo"
    install(api.acting_as(""), plugin_zip(), expect=401)


BAD = (
    (b"", "no readable zip"),
    (b"PK\x03\x04 and then nothing", "no readable zip"),
    (plugin_zip()[:-40], "no readable zip"),
    (zip_of({"inner/task.json": "{}"}), "no task.json at its top"),
    (zip_of({"task.json": "{"}), "no valid JSON"),
    (zip_of({"task.json": "[]"}), "not a JSON object"),
    (zip_of({"task.json": json.dumps(manifest())}), "no file 'run.sh'"),
    (with_entry(plugin_zip(), "../../evil"), "not a path below the top"),
    (with_entry(plugin_zip(), "/etc/cron.d/evil"), "not a path below the top"),
    (with_entry(plugin_zip(), "link", b"/etc", mode=0o120777), "link or a special file"),
    (with_entry(plugin_zip(), "bomb", bytes(5_000_000)), "200 times its size"),
    (with_entry(plugin_zip(), "task.json", b"{}"), "two entries of one name"),
)


def test_bad_zips(api: NativeApi) -> None:
    """Each is refused with the reason, and nothing is installed."""
    for content, problem in BAD:
        refused = install(api, content, expect=422).json()

        assert problem in refused["errors"][0]["detail"]
    assert api.get("/plugins")["items"] == []


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_zips(api: NativeApi, packed: int) -> None:
    """Bytes that can't be unpacked are refused at once, wherever in the zip they are."""
    words = bytes(range(256)) * 8
    whole = with_entry(plugin_zip(), "data", words, packed=packed)
    begin = whole.index(b"data") + len(b"data")
    damaged = whole[: begin + 12] + b"\xff" * 24 + whole[begin + 36 :]

    install(api, whole)
    assert "zip" in install(api, damaged, "1.0.1", expect=422).json()["detail"]


def test_zip_with_a_directory_before_its_beginning(api: NativeApi) -> None:
    """A number in the zip is no failure of the server's disk."""
    content = bytearray(plugin_zip())
    end = content.rindex(b"PK\x05\x06")
    content[end + 16 : end + 20] = b"\0\0\0\x80"

    install(api, bytes(content), expect=422)


def test_large_zip(api: NativeApi) -> None:
    """A zip may be larger than a body of JSON."""
    large = with_entry(plugin_zip(), "data", bytes(range(256)) * 70_000, packed=0)

    assert install(api, large).status == 201


def test_plugins_of_a_project(api: NativeApi) -> None:
    """Admins release a plugin for some projects; a project switches it off; saving warns."""
    install(api, plugin_zip())
    step = {"@type": "marketBuild", "name": "a", "atomCode": "echo", "version": "1.*", "data": {}}
    numbers = count()

    def seen() -> tuple[bool, int]:
        (found,) = api.get("/projects/shop/plugins")["items"]
        model = models.one_job(f"p{next(numbers)}", [step])
        made = api.post("/projects/shop/pipelines", model, expect=201)
        return found["enabled"], len(made["warnings"])

    assert seen() == (True, 0)
    off = api.put("/projects/shop/plugins/echo", {"enabled": False})
    assert (off["enabled"], "switched off" in off["reason"]) == (False, True)
    assert seen() == (False, 1)
    api.put("/projects/shop/plugins/echo", {"enabled": True})
    policy = api.put("/plugins/echo/projects", {"projects": []})
    assert policy == {"atomCode": "echo", "projects": [], "off_in": [], "settings": []}
    assert seen() == (False, 1)
    assert api.put("/plugins/echo/projects", {"projects": None})["projects"] is None
    assert seen() == (True, 0)
    api.put("/plugins/other/projects", {"projects": None}, expect=404)
    acts = [each["action"] for each in api.get("/projects/shop/audit")["items"]]
    assert {"plugin.switch-off", "plugin.switch-on"} <= set(acts)


def test_private_settings_are_shown_to_nobody(api: NativeApi) -> None:
    """Their names are, to admins; names and values have bounds."""
    install(api, plugin_zip())
    path = "/plugins/echo/settings"

    api.call("PUT", f"{path}/key", {"value": "hunter-22"}, expect=204)
    for name, value in (("9", "hunter"), ("k", ""), ("k", "hunter" * 9_000)):
        assert "hunter" not in api.call("PUT", f"{path}/{name}", {"value": value}, expect=422).text

    assert api.get("/plugins/echo/policy")["settings"] == ["key"]
    api.call("DELETE", f"{path}/key", expect=204)
    api.call("DELETE", f"{path}/key", expect=404)
    assert api.get("/plugins/echo/policy")["settings"] == []


def test_policies_need_rights(api: NativeApi) -> None:
    """The server's are laid down by its admins; a project is switched by who manages it."""
    install(api, plugin_zip())
    developer, owner = api.make_user("dave", "developer"), api.make_user("olga", "owner")

    developer.get("/projects/shop/plugins")
    developer.put("/projects/shop/plugins/echo", {"enabled": False}, expect=403)
    owner.put("/projects/shop/plugins/echo", {"enabled": False})
    owner.put("/plugins/echo/projects", {"projects": None}, expect=403)
    owner.call("PUT", "/plugins/echo/settings/key", {"value": "x"}, expect=403)
    owner.call("DELETE", "/plugins/echo/settings/key", expect=403)
    owner.get("/plugins/echo/policy", expect=403)
