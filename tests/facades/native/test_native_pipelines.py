"""Pipelines over the own API: formats, errors with their place, versions."""

import json

from native_client import NativeApi, two_steps

YAML = {"Content-Type": "application/yaml"}
PIPELINES = "/projects/shop/pipelines"
DOCUMENT = """\
name: from yaml
stages:
- containers:
  - {'@type': trigger, name: trigger, elements: [{'@type': manualTrigger, name: manual}]}
- containers:
  - '@type': normal
    name: build
    elements:
    - '@type': linuxScript
      name: on
      script: |
        echo yes
"""


def test_pipeline_from_json(api: NativeApi) -> None:
    """A stored pipeline says what is in it, and is shown, listed and found by name."""
    made = api.post(PIPELINES, two_steps(), expect=201)

    assert made["version"] == 1
    assert (made["stages"], made["jobs"], made["steps"]) == (1, 1, 2)
    assert made["warnings"] == []
    shown = api.get(f"{PIPELINES}/{made['id']}")
    assert (shown["name"], shown["created_by"], shown["locked"]) == ("two", "admin", False)
    (listed,) = api.get(PIPELINES)["items"]
    assert {name: listed[name] for name in shown} == shown
    assert api.get(f"{PIPELINES}?name=two")["items"] == [listed]
    assert api.get(f"{PIPELINES}?name=tw")["items"] == []
    assert api.get(f"{PIPELINES}?search=tw")["items"] == [listed]


def test_pipeline_from_yaml(api: NativeApi) -> None:
    """The same model may come as YAML; a plain `on` stays a text."""
    made = api.post(PIPELINES, content=DOCUMENT.encode(), headers=YAML, expect=201)

    definition = api.get(f"{PIPELINES}/{made['id']}/definition")

    assert definition["name"] == "from yaml"
    element = definition["stages"][1]["containers"][0]["elements"][0]
    assert (element["name"], element["script"]) == ("on", "echo yes\n")


def test_definition_round_trip(api: NativeApi) -> None:
    """What `definition` gives can be stored again and means the same."""
    first = api.make_pipeline()
    given = api.get(f"{PIPELINES}/{first}/definition")

    second = api.make_pipeline({**given, "name": "copy"})

    assert api.get(f"{PIPELINES}/{second}/definition") == {**given, "name": "copy"}


def test_edit_makes_a_version(api: NativeApi) -> None:
    """An edit is a new version; earlier ones stay readable; runs keep theirs."""
    pipeline = api.make_pipeline()
    run = api.start(pipeline)
    changed = two_steps()
    changed["stages"][1]["containers"][0]["elements"].pop()

    saved = api.put(f"{PIPELINES}/{pipeline}", changed)

    assert (saved["id"], saved["version"], saved["steps"]) == (pipeline, 2, 1)
    assert api.run(run)["version"] == 1
    first = api.get(f"{PIPELINES}/{pipeline}/definition?version=1")
    assert len(first["stages"][1]["containers"][0]["elements"]) == 2
    api.get(f"{PIPELINES}/{pipeline}/definition?version=9", expect=404)


def test_deleted_pipeline(api: NativeApi) -> None:
    """A deleted pipeline is gone from lists, its name is free, its versions can be read."""
    pipeline = api.make_pipeline()

    api.call("DELETE", f"{PIPELINES}/{pipeline}", expect=204)

    api.get(f"{PIPELINES}/{pipeline}", expect=404)
    assert api.get(PIPELINES)["items"] == []
    assert api.get(f"{PIPELINES}/{pipeline}/definition?version=1")["name"] == "two"
    api.make_pipeline()


def test_name_is_taken_once(api: NativeApi) -> None:
    """A second pipeline of the same name is a conflict."""
    api.make_pipeline()

    assert api.post(PIPELINES, two_steps(), expect=409)["code"] == "pipeline-name"


def test_list_is_paged(api: NativeApi) -> None:
    """Pages of pipelines follow one another."""
    for name in ("a", "b", "c"):
        api.make_pipeline(two_steps(name))

    first = api.get(f"{PIPELINES}?limit=2")
    second = api.get(f"{PIPELINES}?limit=2&cursor={first['next_cursor']}")

    names = [item["name"] for page in (first, second) for item in page["items"]]
    assert names == ["c", "b", "a"]
    assert second["next_cursor"] is None


def test_error_has_its_place_in_json(api: NativeApi) -> None:
    """A broken rule is answered with pointer, line and column of the document."""
    model = two_steps()
    model["stages"][1]["containers"][0]["@type"] = "nonsense"
    text = json.dumps(model, indent=1)

    problem = api.post(PIPELINES, content=text.encode(), expect=422)

    (item,) = problem["errors"]
    assert item["pointer"] == "/stages/1/containers/0/@type"
    line = text.splitlines()[item["line"] - 1]
    assert line[item["column"] - 1 :].startswith('"nonsense"')


def test_error_has_its_place_in_yaml(api: NativeApi) -> None:
    """The same for YAML, also when it can't be parsed at all."""
    text = DOCUMENT.replace("normal", "nonsense")

    problem = api.post(PIPELINES, content=text.encode(), headers=YAML, expect=422)
    torn = api.post(PIPELINES, content=b"name: [a\n", headers=YAML, expect=422)

    assert problem["errors"][0]["pointer"] == "/stages/1/containers/0/@type"
    assert (problem["errors"][0]["line"], problem["errors"][0]["column"]) == (6, 14)
    assert torn["code"] == "document"
    assert torn["errors"][0]["line"] == 2


def test_bombs_of_yaml(api: NativeApi) -> None:
    """Aliases that would become gigabytes, and deep nesting, are refused, quickly and alive."""
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 10):
        lines.append(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]")

    laughs = api.post(PIPELINES, content="\n".join(lines).encode(), headers=YAML, expect=422)
    deep = api.post(PIPELINES, content=b"a: " + b"[" * 100_000, headers=YAML, expect=422)

    assert "aliases" in laughs["detail"]
    assert "nested" in deep["detail"]


def test_unknown_plugin_is_a_warning(api: NativeApi) -> None:
    """A step that nothing here can run is taken in, and named with its place."""
    model = two_steps()
    plugin = {"@type": "marketBuild", "name": "scan", "atomCode": "scanner", "data": {"input": {}}}
    model["stages"][1]["containers"][0]["elements"].append(plugin)

    made = api.post(PIPELINES, model, expect=201)

    (warning,) = made["warnings"]
    assert warning["pointer"] == "/stages/1/containers/0/elements/2"
    assert "scanner" in warning["detail"]


def test_pipeline_of_another_project(api: NativeApi) -> None:
    """A pipeline can't be reached through the path of another project."""
    pipeline = api.make_pipeline()
    api.post("/projects", {"name": "other"}, expect=201)

    for tail in ("", "/definition", "/definition?version=1"):
        api.get(f"/projects/other/pipelines/{pipeline}{tail}", expect=404)
    api.call("DELETE", f"/projects/other/pipelines/{pipeline}", expect=404)
