"""Label groups, labels and views, and the list of pipelines that a view shows."""

from typing import Any

import pytest

from bkci.calling import Caller

GROUP = "projects/{p}/pipelineGroups/group"
LABEL = "projects/{p}/pipelineGroups/label"
VIEW = "projects/{p}/pipelineView/"
LIST = "projects/{p}/pipelineView/listViewPipelines"


def labels(alice: Caller) -> dict[str, str]:
    """Make a group with two labels; return their ids by name."""
    alice.call("POST", GROUP, {"projectId": alice.project, "name": "team"})
    (group,) = alice.call("GET", GROUP)
    for name in ("red", "blue"):
        alice.call("POST", LABEL, {"groupId": group["id"], "name": name})
    (group,) = alice.call("GET", GROUP)
    return {label["name"]: label["id"] for label in group["labels"]}


def give(alice: Caller, pipeline: str, *wanted: str) -> None:
    """Set the labels of a pipeline."""
    path = "projects/{p}/pipelines/setting"
    alice.call("PUT", path, {"labels": list(wanted)}, pipelineId=pipeline)


def names(alice: Caller, **query: Any) -> list[str]:
    """Return the names that the list of pipelines shows, in its order."""
    return [row["pipelineName"] for row in alice.call("GET", LIST, **query)["records"]]


def test_label_groups(alice: Caller) -> None:
    """Names are unique: of groups in the project, of labels in the group."""
    ids = labels(alice)
    (group,) = alice.call("GET", GROUP)
    assert (group["name"], group["createUser"], group["projectId"]) == (
        "team",
        "alice",
        alice.project,
    )
    assert alice.refused("POST", GROUP, {"name": "team"}) == (409, 409)
    assert alice.refused("POST", GROUP, {"name": " "}) == (400, 400)
    assert alice.refused("POST", GROUP, {"name": "x" * 65}) == (400, 2100015)
    assert alice.refused("POST", LABEL, {"groupId": group["id"], "name": "red"}) == (409, 409)
    assert alice.refused("POST", LABEL, {"groupId": "none", "name": "x"}) == (404, 404)

    alice.call("PUT", GROUP, {"id": group["id"], "name": "squad"})
    alice.acting_as("bob").call("PUT", LABEL, {"id": ids["red"], "name": "green"})
    alice.call("DELETE", LABEL, labelId=ids["blue"])
    (group,) = alice.call("GET", GROUP)
    assert group["name"] == "squad"
    assert [(label["name"], label["updateUser"]) for label in group["labels"]] == [("green", "bob")]
    alice.call("DELETE", GROUP, groupId=group["id"])
    assert alice.call("GET", GROUP) == []
    assert alice.refused("PUT", LABEL, {"id": ids["red"], "name": "x"}) == (404, 404)
    assert alice.refused("DELETE", GROUP, groupId=group["id"]) == (404, 404)


def test_labels_of_a_pipeline(alice: Caller) -> None:
    """Given by the settings, shown with their group; a deleted label is just gone."""
    ids = labels(alice)
    pipeline = alice.make_pipeline()
    give(alice, pipeline, ids["red"], ids["blue"])

    setting = alice.call("GET", "projects/{p}/pipelines/setting", pipelineId=pipeline)
    assert setting["labelNames"] == ["red", "blue"]
    (row,) = alice.call("GET", "projects/{p}/pipelines/pipeline_list")["records"]
    assert row["groupLabel"] == [{"groupName": "team", "labelName": ["red", "blue"]}]

    path = "projects/{p}/pipelines/setting"
    alice.call("PUT", path, {"maxQueueSize": 3}, pipelineId=pipeline)
    alice.call("DELETE", LABEL, labelId=ids["red"])
    setting = alice.call("GET", path, pipelineId=pipeline)
    assert (setting["labels"], setting["labelNames"]) == ([ids["blue"]], ["blue"])
    assert alice.refused("PUT", path, {"labels": ["none"]}, pipelineId=pipeline) == (404, 404)

    made = alice.make_pipeline("second", labels=[ids["blue"]])
    assert alice.call("GET", path, pipelineId=made)["labelNames"] == ["blue"]


def test_static_views(alice: Caller) -> None:
    """They show what was put into them, by hand or at the creation of a pipeline."""
    one, two = alice.make_pipeline("one"), alice.make_pipeline("two")
    form = {"name": "ours", "projected": True, "viewType": 2, "pipelineIds": [one]}
    view = alice.call("POST", VIEW, form)["id"]
    assert names(alice, viewId=view) == ["one"]

    add, remove = "projects/{p}/pipelineView/bulkAdd", "projects/{p}/pipelineView/bulkRemove"
    alice.call("POST", add, {"pipelineIds": [one, two], "viewIds": [view]})
    alice.make_pipeline("three", staticViews=[view])
    assert names(alice, viewId=view, sortType="NAME") == ["one", "three", "two"]
    alice.call("POST", remove, {"pipelineIds": [one], "viewId": view})
    assert names(alice, viewName="ours", isProject=True, sortType="NAME") == ["three", "two"]

    shown = alice.call("GET", VIEW, viewId=view)
    assert (shown["viewType"], shown["projected"], len(shown["pipelineIds"])) == (2, True, 2)
    (row,) = alice.call("GET", "projects/{p}/pipelineView/list")
    assert (row["name"], row["pipelineCount"]) == ("ours", 2)
    assert alice.refused("POST", VIEW, form) == (409, 409)
    assert alice.refused("POST", VIEW, {**form, "name": "x", "pipelineIds": ["p-1"]})[0] == 404
    assert alice.refused("POST", add, {"pipelineIds": ["p-1"], "viewIds": [view]})[0] == 404
    assert alice.refused("POST", add, {"pipelineIds": [], "viewIds": [view]})[0] == 400
    alice.call("PUT", VIEW, {**form, "name": "all of ours"}, viewId=view)
    assert names(alice, viewId=view) == ["one"]
    alice.call("DELETE", VIEW, viewId=view)
    assert alice.refused("GET", VIEW, viewId=view) == (404, 404)
    assert len(names(alice)) == 3


@pytest.mark.parametrize(
    ("filters", "logic", "wanted"),
    [
        ([{"@type": "filterByName", "condition": "LIKE", "pipelineName": "web"}], "AND", "1 2"),
        ([{"@type": "filterByName", "condition": "NOT_LIKE", "pipelineName": "web"}], "AND", "3"),
        ([{"@type": "filterByName", "condition": "EQUAL", "pipelineName": "web 1"}], "AND", "1"),
        ([{"@type": "filterByCreator", "userIds": ["bob"]}], "AND", "2"),
        ([{"@type": "filterByLabel", "labelIds": ["red"]}], "AND", "1 3"),
        (
            [
                {"@type": "filterByName", "pipelineName": "WEB"},
                {"@type": "filterByLabel", "labelIds": ["red"]},
            ],
            "AND",
            "1",
        ),
        (
            [
                {"@type": "filterByCreator", "userIds": ["bob"]},
                {"@type": "filterByLabel", "labelIds": ["red"]},
            ],
            "OR",
            "1 2 3",
        ),
        ([{"@type": "filterByLabel", "condition": "NOT_INCLUDE", "labelIds": ["red"]}], "OR", "2"),
        ([], "AND", "1 2 3"),
        ([], "OR", ""),
    ],
)
def test_dynamic_views(
    alice: Caller, filters: list[dict[str, Any]], logic: str, wanted: str
) -> None:
    """Their filters find the pipelines, joined by AND or OR."""
    ids = labels(alice)
    made = {
        "1": alice.make_pipeline("web 1"),
        "2": alice.acting_as("bob").make_pipeline("web 2"),
        "3": alice.make_pipeline("api 3"),
    }
    give(alice, made["1"], ids["red"])
    give(alice, made["3"], ids["red"], ids["blue"])
    for each in filters:
        if "labelIds" in each:
            each["labelIds"] = [ids.get(label, label) for label in each["labelIds"]]
    form = {"name": "found", "viewType": 1, "logic": logic, "filters": filters}

    view = alice.call("POST", VIEW, form)["id"]

    shown = names(alice, viewId=view, sortType="CREATE_TIME", collation="ASC")
    assert " ".join(name[-1] for name in shown) == wanted
    assert alice.call("GET", VIEW, viewId=view)["filters"] == filters
    add = {"pipelineIds": [made["1"]], "viewIds": [view]}
    assert alice.refused("POST", "projects/{p}/pipelineView/bulkAdd", add) == (400, 2100015)


def test_views_of_one_person(alice: Caller) -> None:
    """Others neither see nor change them, and may have one of the same name."""
    form = {"name": "mine", "viewType": 1, "filters": []}
    view = alice.call("POST", VIEW, form)["id"]
    bob = alice.acting_as("bob")

    assert bob.call("GET", "projects/{p}/pipelineView/list") == []
    assert bob.refused("GET", VIEW, viewId=view) == (404, 404)
    assert bob.refused("PUT", VIEW, form, viewId=view) == (404, 404)
    assert bob.refused("DELETE", VIEW, viewId=view) == (404, 404)
    assert bob.call("POST", VIEW, form)["id"] != view
    assert len(alice.call("GET", "projects/{p}/pipelineView/list", projected=False)) == 1
    assert alice.call("GET", "projects/{p}/pipelineView/list", projected=True) == []
    assert alice.call("GET", "projects/{p}/pipelineView/list", viewType=2) == []
    shown = alice.call("GET", VIEW, viewName="mine", isProject=False)
    assert shown["id"] == view


def test_lists_in_every_order(alice: Caller) -> None:
    """Sorted as asked; what never ran comes last."""
    clock = alice.server.clock
    made = {}
    for name in ("b", "a", "c"):
        made[name] = alice.make_pipeline(name)
        clock.advance(60)
    give(alice, made["a"])
    for name in ("c", "b"):
        clock.advance(60)
        build = alice.call("POST", "projects/{p}/build_start", pipelineId=made[name])["id"]
        alice.call("POST", "projects/{p}/build_stop", buildId=build)

    def order(sort: str, collation: str = "DEFAULT") -> str:
        return "".join(names(alice, sortType=sort, collation=collation))

    assert order("NAME") == "abc"
    assert order("NAME", "DESC") == "cba"
    assert order("CREATE_TIME") == "cab"
    assert order("CREATE_TIME", "ASC") == "bac"
    assert order("UPDATE_TIME") == "acb"
    assert order("LAST_EXEC_TIME") == "bca"
    assert alice.refused("GET", LIST, sortType="COLOUR") == (400, 400)
    page = alice.call("GET", LIST, sortType="NAME", page=2, pageSize=2)
    assert (page["count"], page["totalPages"], len(page["records"])) == (3, 2, 1)


def test_special_views_and_filters_of_the_list(alice: Caller) -> None:
    """All, mine, recently used; filters narrow whatever is shown; deleted ones only on request."""
    one = alice.make_pipeline("one")
    two = alice.acting_as("bob").make_pipeline("two")
    gone = alice.make_pipeline("gone")
    alice.call("DELETE", "projects/{p}/pipelines/pipeline", pipelineId=gone)
    build = alice.call("POST", "projects/{p}/build_start", pipelineId=two)["id"]
    alice.call("POST", "projects/{p}/build_stop", buildId=build)

    assert names(alice, viewId="allPipeline", sortType="NAME") == ["one", "two"]
    assert names(alice, viewId="myPipeline") == ["one"]
    assert names(alice, viewId="recentUse") == ["two"]
    assert names(alice, viewId="collect") == []
    assert names(alice, showDelete=True, sortType="NAME") == ["gone", "one", "two"]
    assert names(alice, filterByPipelineName="W") == ["two"]
    assert names(alice, filterByCreator="bob, carl") == ["two"]
    ids = labels(alice)
    give(alice, one, ids["red"])
    assert names(alice, filterByLabels=ids["red"]) == ["one"]
    view = alice.call("POST", VIEW, {"name": "v", "viewType": 2, "pipelineIds": [two]})["id"]
    assert names(alice, filterByViewIds=view, viewId="allPipeline") == ["two"]
    assert alice.refused("GET", LIST, viewId="none") == (404, 404)


def test_forms_that_are_refused(alice: Caller) -> None:
    """Filters on what this server does not keep, and forms without a name."""
    repo = {"@type": "filterByPipelineRepo", "repoIds": ["x"]}
    assert alice.refused("POST", VIEW, {"name": "x", "filters": [repo]}) == (400, 2100015)
    assert alice.refused("POST", VIEW, {"viewType": 2}) == (400, 400)
    assert alice.refused("POST", VIEW, {"name": "x", "viewType": 3}) == (400, 400)
    assert alice.refused("POST", VIEW, {"name": "x", "logic": "XOR"}) == (400, 400)
    assert alice.refused("GET", VIEW) == (400, 400)


def test_labels_that_are_gone_are_in_nobodys_way(alice: Caller) -> None:
    """What keeps its labels while they are deleted can be saved, drafted and copied."""
    ids = labels(alice)
    pipeline = alice.make_pipeline()
    give(alice, pipeline, ids["red"], ids["blue"])
    alice.call("DELETE", LABEL, labelId=ids["red"])

    model = alice.call("GET", "projects/{p}/pipelines/pipeline", pipelineId=pipeline)
    both = {"model": model, "setting": {"maxQueueSize": 4}}
    path = "projects/{p}/pipelines/pipeline_with_setting"
    alice.call("PUT", path, both, pipelineId=pipeline)
    body = {"pipelineId": pipeline, "modelAndSetting": both}
    alice.call("POST", "projects/{p}/version/save_draft", body)
    path = "projects/{p}/pipelines/pipeline_copying"
    copy = alice.call("POST", path, {"name": "copy"}, pipelineId=pipeline)["id"]
    for each in (pipeline, copy):
        setting = alice.call("GET", "projects/{p}/pipelines/setting", pipelineId=each)
        assert setting["labelNames"] == ["blue"]


def test_labels_in_the_own_api(alice: Caller) -> None:
    """Shown with their group; a filter of the list of pipelines, with or without it."""
    ids = labels(alice)
    give(alice, alice.make_pipeline("one"), ids["red"])
    give(alice, alice.make_pipeline("two"), ids["red"], ids["blue"])
    alice.make_pipeline("three")
    place = f"/api/v1/projects/{alice.project}/pipelines"

    def page(**query: str) -> Any:
        return alice.http.get(place, params=query, headers={"X-DEVOPS-UID": "alice"}).json()

    def found(**query: str) -> list[tuple[str, list[str]]]:
        return [(item["name"], item["labels"]) for item in page(**query)["items"]]

    two = ("two", ["team/red", "team/blue"])
    assert found(label="red") == [two, ("one", ["team/red"])]
    assert found(label="team/blue") == [two]
    cursor = page(label="red", limit="1")["next_cursor"]
    assert found(label="red", limit="1", cursor=cursor) == [("one", ["team/red"])]
    assert found(label="green") == []
    assert found(label="red", search="tw") == [two]
    assert len(found()) == 3
