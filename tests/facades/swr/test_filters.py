"""Pages and filters of lists."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from account_server import AccountServer, assert_error
from definition_client import GROUPS, PIPELINES, DefinitionClient
from definition_texts import definition

from mulligan.facades.swr.errors import SwrError
from mulligan.facades.swr.query import filter_number, read_filter, read_page, read_query

KEYS = ("name", "group_id", "group_name")


@pytest.fixture
def dev1(tmp_path: Path) -> Iterator[DefinitionClient]:
    """Give a maintainer of acme: shop-web, shop-api in team-a, shop-old in team-b."""
    with AccountServer(tmp_path) as server:
        client = DefinitionClient(server.staff())
        for group in ("team-a", "team-b"):
            client.group(group)
        client.create(definition(name="shop-web"))
        client.create(definition(name="shop-api"))
        client.create(definition(name="shop-old"), "team-b")
        yield client


def refusal_of_page(**query: str) -> str:
    """Return the code with which paging values are refused."""
    with pytest.raises(SwrError) as caught:
        read_page(query)
    return caught.value.code


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "", "1.5", "１", " 1", "9" * 30])
def test_wrong_limits(limit: str) -> None:
    """A limit is 1 to 1000."""
    assert refusal_of_page(limit=limit, offset="0") == "SWR.4001070"


@pytest.mark.parametrize("offset", ["-1", "x", "", "1e3"])
def test_wrong_offsets(offset: str) -> None:
    """An offset is not negative."""
    assert refusal_of_page(limit="1", offset=offset) == "SWR.4001072"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, (1000, 0, {})),
        ({"limit": "7"}, (7, 0, {})),
        ({"offset": "3"}, (1000, 3, {})),
        ({"limit": "6", "offset": "12"}, (6, 12, {"Content-Range": "12-6/208"})),
    ],
)
def test_pages(query: dict[str, str], found: tuple[int, int, dict[str, str]]) -> None:
    """Both values are optional; the range is told only when both were sent."""
    page = read_page(query)

    assert (page.limit, page.offset, page.headers(6, 208)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("name::web", {"name": "web"}),
        ("name::web|group_id::7", {"name": "web", "group_id": "7"}),
        ("name::a::b", {"name": "a::b"}),
        ("name::|group_id::7", {"group_id": "7"}),
    ],
)
def test_filters(text: str, found: dict[str, str]) -> None:
    """Pairs are split at the first `::`; empty values are ignored."""
    assert read_filter({"filter": text}, KEYS) == found


@pytest.mark.parametrize(
    "text",
    ["foo::1", "name", "name:web", "::x", "name::a|oops", "name::a|", "|", " ", "Name::a"],
)
def test_wrong_filters(text: str) -> None:
    """An unknown key or a pair without `::` is refused."""
    with pytest.raises(SwrError) as caught:
        read_filter({"filter": text}, KEYS)

    assert caught.value.code == "SWR.4001035"


def test_a_group_id_is_a_number() -> None:
    """A filter by id needs an integer."""
    with pytest.raises(SwrError) as caught:
        filter_number({"group_id": "x"}, "group_id")

    assert caught.value.code == "SWR.4001035"


def test_queries_are_decoded() -> None:
    """Separators may be percent-encoded; of a repeated parameter the last counts."""
    raw = b"filter=name%3A%3Aweb%7Cgroup_id%3A%3A7&limit=1&limit=2&empty="

    assert read_query(raw) == {"filter": "name::web|group_id::7", "limit": "2", "empty": ""}


def test_a_query_that_is_not_utf8() -> None:
    """What can't be decoded is refused."""
    with pytest.raises(SwrError) as caught:
        read_query(b"a=%ff")

    assert caught.value.code == "SWR.4001024"


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("name::HOP", {"shop-web", "shop-api", "shop-old"}),
        ("name::web", {"shop-web"}),
        ("group_name::team-a", {"shop-web", "shop-api"}),
        ("group_name::team", set()),
        ("group_id::99", set()),
        ("name::old|group_name::team-a", set()),
        ("name::%", set()),
        ("group_id::" + "9" * 18, set()),
    ],
)
def test_filters_of_pipelines(dev1: DefinitionClient, wanted: str, names: set[str]) -> None:
    """Keys combine; names match anywhere and in any case, groups exactly."""
    found = dev1.get(PIPELINES, filter=wanted)

    assert {each["name"] for each in found.json()} == names


def test_order_and_pages_of_pipelines(dev1: DefinitionClient) -> None:
    """Last changed first; a page says where it is; past the end it is empty."""
    listed = dev1.get(PIPELINES).json()
    dev1.update(next(each["id"] for each in listed if each["name"] == "shop-web"))

    changed = [each["name"] for each in dev1.get(PIPELINES).json()]
    page = dev1.get(PIPELINES, limit=1, offset=1)
    past = dev1.get(PIPELINES, limit=5, offset=50)
    plain = dev1.get(PIPELINES, limit=1)

    assert changed == ["shop-web", "shop-old", "shop-api"]
    assert ([each["name"] for each in page.json()], page.headers["Content-Range"]) == (
        ["shop-old"],
        "1-1/3",
    )
    assert (past.json(), past.headers["Content-Range"]) == ([], "50-0/3")
    assert (len(plain.json()), "Content-Range" in plain.headers) == (1, False)


def test_entries_of_the_list(dev1: DefinitionClient) -> None:
    """An entry has the documented fields; its status has neither stages nor triggers."""
    entry = dev1.get(PIPELINES, filter="name::web").json()[0]

    assert list(entry) == [
        "id",
        "name",
        "group_id",
        "group_name",
        "description",
        "source",
        "stages",
        "status",
        "bk_pipeline_id",
    ]
    assert entry["status"]["stages"] is None
    assert "pre_operation" not in entry["status"]


def test_pages_of_groups(dev1: DefinitionClient) -> None:
    """Groups come by id, in pages too."""
    page = dev1.get(GROUPS, limit=1, offset=1)

    assert [each["group"] for each in page.json()] == ["team-b"]
    assert page.headers["Content-Range"] == "1-1/2"
    assert_error(dev1.get(GROUPS, limit=0), 400, "SWR.4001070")
