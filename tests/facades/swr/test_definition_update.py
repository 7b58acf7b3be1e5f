"""What an update changes, keeps and refuses."""

from copy import deepcopy
from typing import Any

import pytest
from definition_texts import Json, build, definition, image, rules, shop, source

from mulligan.facades.swr.definition_in import (
    assign_ids,
    is_same_sequence,
    read_changed,
    read_new,
)
from mulligan.facades.swr.errors import SwrError

GROUP = (7, "team-a")
IDENT = 1608
SECRET_URL = "https://ann:s3cret@example.com/acme/shop.git"


def stored(body: Json | None = None) -> Json:
    """Return a stored document: stages 11, 12 …, variables 1, 2 …"""
    return assign_ids(read_new(body or shop(), rules()), 11, 1)


def update(document: Json, **changes: object) -> Any:
    """Return the body that sends a stored document back, with changes."""
    body = {
        "id": IDENT,
        "group_id": GROUP[0],
        "group_name": GROUP[1],
        "name": document["name"],
        "stages": deepcopy(document["stages"]),
    }
    return {**body, **changes}


def change(document: Json, body: Json) -> Json:
    """Return the document after an update."""
    taken = rules()
    for _ in range(50):
        taken.new_id()  # what is made now differs from what was made before
    return read_changed(body, taken, document, IDENT, GROUP)


def refusal(document: Json, body: Json) -> str:
    """Return the code with which an update is refused."""
    with pytest.raises(SwrError) as caught:
        change(document, body)
    return caught.value.code


def hook_ids(document: Json) -> list[str]:
    """Return the ids of the webhooks of the pipeline."""
    triggers = document["pre_operation"]["triggers"]
    return [each["webhook"]["id"] for each in triggers if "webhook" in each]


def webhook(url: str = "") -> Json:
    """Return a webhook as a client sends it."""
    return {"webhook": {"url": url} if url else {}}


def test_nothing_is_lost_by_sending_back_what_is_there() -> None:
    """Absent fields of the pipeline stay, and so do ids and handlers of the stages."""
    document = stored()

    changed = change(document, update(document))

    assert changed == document
    assert is_same_sequence(document, changed)


def test_an_empty_list_of_variables_removes_all_but_the_systems() -> None:
    """`params: []` leaves the two system variables, with their ids."""
    document = stored(definition(params=[{"name": "ENV"}]))

    changed = change(document, update(document, params=[]))

    assert changed["params"] == document["params"][:2]


def test_variables_keep_their_ids_by_name() -> None:
    """A variable that was there has its id; values of SYS_* are ignored."""
    document = stored()
    params = [
        {"name": "NEW"},
        {"name": "ENV", "value": "prod"},
        {"name": "SYS_INCREMENT", "value": "99"},
    ]

    changed = change(document, update(document, params=params))

    found = [(each["name"], each["id"], each["value"]) for each in changed["params"]]
    assert found == [
        ("SYS_INCREMENT", 1, ""),
        ("SYS_TIMESTAMP", 2, ""),
        ("NEW", 0, ""),
        ("ENV", 3, "prod"),
    ]


def test_a_variable_that_a_trigger_sets_cant_go() -> None:
    """The condition that stays must not set a variable that is gone."""
    document = stored()

    assert refusal(document, update(document, params=[])) == "SWR.4001133"


def test_order_new_and_removed_stages() -> None:
    """The order of the array counts; a stage without id is new, one not named is gone."""
    document = stored(definition(build("a"), build("b"), build("c")))
    stages = [document["stages"][2], build("new"), document["stages"][0]]

    changed = change(document, update(document, stages=stages))

    assert [stage["id"] for stage in changed["stages"]] == [13, 0, 11]
    assert not is_same_sequence(document, changed)


@pytest.mark.parametrize("ident", [99, "99", "x", -11, 11.0, True, [11]])
def test_foreign_stage_ids(ident: object) -> None:
    """A stage that is not of this pipeline is refused."""
    document = stored(definition(build("a")))

    assert refusal(document, update(document, stages=[{**build(), "id": ident}])) == "SWR.4000014"


def test_a_stage_stands_once() -> None:
    """The same id twice is refused."""
    document = stored(definition(build("a")))

    assert refusal(document, update(document, stages=document["stages"] * 2)) == "SWR.4000014"


def test_the_type_of_a_stage_stays() -> None:
    """`service_name` of an existing stage can't change."""
    document = stored(definition(build("a")))
    stages = [{**image(), "id": 11}]

    assert refusal(document, update(document, stages=stages)) == "SWR.4000014"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": None}, "SWR.4001014"),
        ({"id": 5}, "SWR.4000014"),
        ({"id": True}, "SWR.4000014"),
        ({"group_id": None}, "SWR.4001150"),
        ({"group_id": 8}, "SWR.4000014"),
        ({"group_name": None}, "SWR.4001014"),
        ({"group_name": "team-b"}, "SWR.4000014"),
        ({"name": None}, "SWR.4001014"),
        ({"name": "other"}, "SWR.4000014"),
        ({"stages": None}, "SWR.4001014"),
        ({"stages": []}, "SWR.4000014"),
        ({"description": "x" * 256}, "SWR.4001093"),
    ],
)
def test_an_update_names_its_pipeline(changes: Json, code: str) -> None:
    """id, group and name must be there and be those of the pipeline."""
    document = stored()

    assert refusal(document, update(document, **changes)) == code


def test_ids_may_be_texts() -> None:
    """Some clients write integers as texts."""
    document = stored()

    changed = change(document, update(document, id=str(IDENT), group_id="7"))

    assert changed == document


def test_webhooks_with_the_same_address_survive() -> None:
    """The id in a known URL is kept, whatever the host; `{}` and foreign URLs get new ones."""
    document = stored(definition(pre_operation={"operator": "and", "triggers": [webhook()] * 2}))
    first, second = hook_ids(document)
    triggers = [
        webhook(f"https://ci.example.com/v2/manage/webhooks/{second}"),
        webhook(),
        webhook("https://ci.example.com/v2/manage/webhooks/00000000-0000-4000-8000-000000000000"),
        webhook(f"https://ci.example.com/v2/manage/webhooks/{second}"),
        webhook(f"https://[bad/webhooks/{first}"),
    ]

    body = update(document, pre_operation={"operator": "or", "triggers": triggers})
    changed = hook_ids(change(document, body))

    assert changed[0] == second
    assert not {first, second} & set(changed[1:])
    assert len(set(changed)) == 5


def test_webhooks_of_a_stage_are_its_own() -> None:
    """An address of the pipeline does not become one of a stage."""
    document = stored(definition(pre_operation={"operator": "or", "triggers": []}))
    url = f"http://127.0.0.1/v2/manage/webhooks/{hook_ids(document)[0]}"
    stages = [
        {**document["stages"][0], "pre_operation": {"operator": "or", "triggers": [webhook(url)]}}
    ]

    changed = change(document, update(document, stages=stages))

    own = changed["stages"][0]["pre_operation"]["triggers"][0]["webhook"]["id"]
    assert own != hook_ids(document)[0]
    assert hook_ids(changed) == hook_ids(document)


def test_channels_keep_their_hooks_by_name() -> None:
    """What a channel has latched belongs to the channel of that name."""
    document = stored()
    before = document["pre_operation"]["triggers"][1]["channel"]
    triggers = [{"channel": {"name": "base-image-ready"}}, {"channel": {"name": "other"}}]

    body = update(document, pre_operation={"operator": "or", "triggers": triggers})
    found = [each["channel"] for each in change(document, body)["pre_operation"]["triggers"]]

    assert found[0] == before
    assert found[1]["id"] != before["id"]


def test_null_takes_an_operation_away() -> None:
    """An operation that is null is gone; one that is absent stays."""
    document = stored()

    kept = change(document, update(document))
    gone = change(document, update(document, pre_operation=None))

    assert kept["pre_operation"] == document["pre_operation"]
    assert "pre_operation" not in gone


def test_a_masked_credential_that_comes_back_stays() -> None:
    """The URL of a repository as it was shown means the one that is stored."""
    document = stored(definition(source(url=SECRET_URL)))
    stages = deepcopy(document["stages"])
    stages[0]["params"]["url"] = "https://ann:******@example.com/acme/shop.git"

    changed = change(document, update(document, stages=stages))

    assert changed["stages"][0]["params"]["url"] == SECRET_URL


def test_the_push_hook_of_a_stage_stays() -> None:
    """Address and secret of a code trigger survive updates, and go with it."""
    trigger = {"trigger_tag_create_event": False, "branchs": ["main"]}
    document = stored(definition(source(code_trigger=trigger)))
    more = deepcopy(document["stages"])
    more[0]["params"]["code_trigger"]["branchs"] = ["main", "dev"]
    less = deepcopy(document["stages"])
    del less[0]["params"]["code_trigger"]

    kept = change(document, update(document, stages=more))
    gone = change(document, update(document, stages=less))

    hook = document["stages"][0]["params"]["code_hook"]
    assert kept["stages"][0]["params"]["code_hook"] == hook
    assert "code_hook" not in gone["stages"][0]["params"]
