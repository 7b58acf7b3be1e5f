"""Pipeline files in YAML over the own API."""

from native_client import NativeApi, two_steps

PIPELINES = "/projects/shop/pipelines"
YAML = {"Content-Type": "application/yaml"}
FILE = b"""\
version: v3.0
name: release
concurrency: {group: one}
jobs:
  a:
    steps:
      - run: make
      - uses: notify@1.*
  b:
    depend-on: [a]
    steps: [{run: echo done}]
"""


def test_pipeline_is_made_and_replaced(api: NativeApi) -> None:
    """A file is stored as a model with its settings; a warning has its place in the file."""
    made = api.post(PIPELINES, content=FILE, headers=YAML, expect=201)

    assert (made["name"], made["stages"], made["jobs"], made["steps"]) == ("release", 1, 2, 3)
    (warning,) = made["warnings"]
    assert (warning["pointer"], warning["line"], warning["column"]) == ("/jobs/a/steps/1", 8, 9)
    assert "notify" in warning["detail"]
    path = f"{PIPELINES}/{made['id']}"
    changed = api.call("PUT", path, content=FILE.replace(b"make", b"ls"), headers=YAML, expect=200)
    assert changed.json()["version"] == 2
    document = api.get(f"{path}/definition")
    step = document["stages"][1]["containers"][0]["elements"][0]
    assert step["data"]["input"]["script"] == "ls"
    assert document["stages"][1]["containers"][1]["jobControlOption"]["dependOnName"] == "a"


def test_errors_have_places(api: NativeApi) -> None:
    """All mistakes of a file are named at once; nothing is stored."""
    broken = FILE.replace(b"- run: make", b"- rum: make").replace(b"[a]", b"[x]")

    problem = api.post(PIPELINES, content=broken, headers=YAML, expect=422)

    assert [(each["line"], each["column"], each["pointer"]) for each in problem["errors"]] == [
        (7, 9, "/jobs/a/steps/0/rum"),
        (7, 9, "/jobs/a/steps/0"),
        (10, 17, "/jobs/b/depend-on"),
    ]
    assert "did you mean 'run'?" in problem["errors"][0]["detail"]
    assert api.get(PIPELINES)["items"] == []


def test_error_of_the_importer_has_its_place(api: NativeApi) -> None:
    """A rule of saving that the model breaks is reported where the file breaks it."""
    circle = FILE.replace(b"  a:\n", b"  a:\n    depend-on: [b]\n")

    problem = api.post(PIPELINES, content=circle, headers=YAML, expect=422)

    assert problem["code"] == "dependency-cycle"
    (error,) = problem["errors"]
    assert (error["line"], error["pointer"]) == (5, "/jobs")


def test_name_of_a_file_without_name(api: NativeApi) -> None:
    """The name may come with the request; else one is made up, and a change keeps it."""
    content = b"version: v2.0\nsteps:\n  - run: make\n"

    named = api.call(
        "POST", f"{PIPELINES}?name=nightly", content=content, expect=201, headers=YAML
    ).json()
    other = api.post(PIPELINES, content=content, headers=YAML, expect=201)

    assert named["name"] == "nightly"
    assert other["name"].startswith("pipeline ")
    again = api.call(
        "PUT", f"{PIPELINES}/{named['id']}", content=content, expect=200, headers=YAML
    ).json()
    assert (again["name"], again["version"]) == ("nightly", 2)


def test_template_alone_is_refused(api: NativeApi) -> None:
    """A file that only others include is none."""
    problem = api.post(PIPELINES, content=b"steps: [{run: make}]\n", headers=YAML, expect=422)

    assert problem["errors"][0]["detail"] == "is a template (steps), not a pipeline"


def test_model_with_its_setting(api: NativeApi) -> None:
    """The pair that BK-CI exports is taken as one document; its pointers count from there."""
    element = {
        "@type": "marketBuild",
        "atomCode": "run",
        "name": "run",
        "version": "1.*",
        "data": {"input": {"script": "make", "shell": "sh"}},
    }
    trigger = {"@type": "trigger", "name": "t", "elements": [{"@type": "manualTrigger"}]}
    job = {"@type": "vmBuild", "name": "j", "elements": [element]}
    model = {"name": "pair", "stages": [{"containers": [trigger]}, {"containers": [job]}]}

    bad = api.post(PIPELINES, {"model": model, "setting": {"maxQueueSize": 999}}, expect=422)
    worse = api.post(PIPELINES, {"model": {**model, "name": ""}}, expect=422)
    made = api.post(PIPELINES, {"model": model, "setting": {"runLockType": "SINGLE"}}, expect=201)

    assert bad["errors"][0]["pointer"] == "/setting/maxQueueSize"
    assert worse["errors"][0]["pointer"] == "/model/name"
    assert made["warnings"] == []


def test_export(api: NativeApi) -> None:
    """A pipeline is given as a file, asked for by `format` or `Accept`; it can be stored again."""
    made = api.post(PIPELINES, content=FILE, headers=YAML, expect=201)
    path = f"{PIPELINES}/{made['id']}"

    text = api.call("GET", f"{path}?format=yaml").text
    same = api.call("GET", path, headers={"Accept": "text/html, application/yaml;q=0.9"})
    first = api.call("GET", f"{path}/definition?version=1&format=yaml").text

    assert same.headers["content-type"].startswith("application/yaml")
    assert text == same.text == first
    assert text == (
        "version: v3.0\n"
        "name: release\n"
        "concurrency:\n"
        "  group: one\n"
        "jobs:\n"
        "  a:\n"
        "    steps:\n"
        "    - run: make\n"
        "    - uses: notify@1.*\n"
        "  b:\n"
        "    depend-on:\n"
        "    - a\n"
        "    steps:\n"
        "    - run: echo done\n"
    )
    stored = api.call("PUT", path, content=text.encode(), headers=YAML).json()
    assert stored["version"] == 2
    assert api.call("GET", f"{path}?format=yaml").text == text
    api.call("GET", f"{path}?format=toml", expect=400)


def test_export_of_a_model(api: NativeApi) -> None:
    """A pipeline that was sent as a model reads its placeholders as before."""
    made = api.post(PIPELINES, two_steps(), expect=201)

    text = api.call("GET", f"{PIPELINES}/{made['id']}?format=yaml").text

    assert "syntax-dialect: CLASSIC\n" in text
    assert "uses: linuxScript@1.*\n" in text


def test_schema(api: NativeApi) -> None:
    """Editors get the JSON Schema of both versions."""
    schema = api.get("/schemas/pipeline-v3.json")
    old = api.get("/schemas/pipeline-v2.json")

    assert schema["properties"]["version"] == {"const": "v3.0"}
    assert "cancel-policy" in schema["properties"]
    assert "cancel-policy" not in old["properties"]
    api.get("/schemas/other.json", expect=404)
