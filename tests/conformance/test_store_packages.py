"""What every store does with packages, their versions and files."""

import pytest
from msgspec.structs import replace

from conformance.store_builders import ANN, SHOP, at, build_project
from conformance.store_releases import build_file, place
from conformance.test_store_admin import ACTS, BOB
from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.packages import PackagePlace
from mulligan.ports import Store

pytestmark = pytest.mark.anyio

BANK = ProjectId("bank")


async def test_the_first_file_makes_its_package_and_version(store: Store) -> None:
    """All three are there, owned by who put the file, and refer to each other by number."""
    await store.put_project(build_project())

    stored = await store.put_package_file(place(), build_file(7, second=3))

    package = await store.find_package(SHOP, "team", "main", "app")
    assert package is not None
    version = await store.find_package_version(package.number, "1.0")
    assert version is not None
    assert (package.creator, package.created_at, package.updated_at) == (ANN, at(3), at(3))
    assert (version.creator, version.created_at, version.package) == (ANN, at(3), package.number)
    assert stored == replace(
        build_file(7, second=3), filename="app.tar.gz", version=version.number, number=stored.number
    )
    assert stored.number > 0
    assert await store.find_package_file(place()) == stored
    assert await store.list_package_files(version.number) == ((stored,), 1)


async def test_a_file_at_the_same_place_is_replaced(store: Store) -> None:
    """It keeps its number and when it was made; package and version know of the change."""
    await store.put_project(build_project())
    first = await store.put_package_file(place(), build_file(7, second=1))

    second = await store.put_package_file(place(), build_file(9, second=5, creator=BOB))

    assert second == replace(
        build_file(9, second=5, creator=BOB),
        filename="app.tar.gz",
        version=first.version,
        number=first.number,
        created_at=at(1),
    )
    assert await store.find_package_file(place()) == second
    (summary,), total = await store.list_packages(SHOP)
    assert (summary.count, summary.size, total) == (1, 9, 1)
    assert (summary.package.creator, summary.package.updated_at) == (ANN, at(5))
    (of_version,), _ = await store.list_package_versions(summary.package.number)
    assert of_version.version is not None
    assert (of_version.version.created_at, of_version.version.updated_at) == (at(1), at(5))


async def test_packages_are_counted_and_filtered(store: Store) -> None:
    """Summaries come by number with versions and bytes; each name narrows; the total is of all."""
    await store.put_project(build_project())
    await store.put_project(build_project(BANK))
    await store.put_package_file(place("a"), build_file(1))
    await store.put_package_file(place("b"), build_file(10))
    await store.put_package_file(place("a", version="2.0"), build_file(100))
    await store.put_package_file(place("a", package="lib"), build_file(1_000))
    await store.put_package_file(place("a", namespace="other"), build_file(5))
    await store.put_package_file(place("a", repository="side"), build_file(6))
    await store.put_package_file(place("a", project=BANK), build_file(7))

    items, total = await store.list_packages(SHOP)

    assert [(item.package.name, item.count, item.size, item.version) for item in items] == [
        ("app", 2, 111, None),
        ("lib", 1, 1_000, None),
        ("app", 1, 5, None),
        ("app", 1, 6, None),
    ]
    assert total == 4
    assert await store.list_packages(SHOP, limit=1, offset=1) == (items[1:2], 4)
    assert await store.list_packages(SHOP, name="lib") == (items[1:2], 1)
    assert await store.list_packages(SHOP, namespace="other") == (items[2:3], 1)
    assert await store.list_packages(SHOP, repository="side", name="app") == (items[3:4], 1)
    assert await store.list_packages(SHOP, name="LIB") == ((), 0)
    assert (await store.list_packages(BANK))[1] == 1
    assert await store.list_packages(ProjectId("none")) == ((), 0)


async def test_versions_are_counted(store: Store) -> None:
    """The versions of a package come by number with their files and bytes."""
    await store.put_project(build_project())
    await store.put_package_file(place("a", version="2.0"), build_file(1))
    await store.put_package_file(place("b", version="2.0"), build_file(10))
    await store.put_package_file(place("a", version="1.0"), build_file(100))
    package = await store.find_package(SHOP, "team", "main", "app")
    assert package is not None

    items, total = await store.list_package_versions(package.number)

    found = [
        (item.version.version if item.version else "", item.count, item.size) for item in items
    ]
    assert found == [("2.0", 2, 11), ("1.0", 1, 100)]
    assert {item.package for item in items} == {package}
    assert total == 2
    assert await store.list_package_versions(package.number, limit=1, offset=1) == (items[1:], 2)
    assert await store.list_package_versions(99) == ((), 0)
    assert await store.find_package_version(package.number, "3.0") is None


async def test_files_are_paged(store: Store) -> None:
    """The files of a version come by number; folders tell files of one name apart."""
    await store.put_project(build_project())
    first = await store.put_package_file(place("b"), build_file())
    second = await store.put_package_file(replace(place("b"), folder="x/y"), build_file())
    third = await store.put_package_file(place("a"), build_file())

    assert await store.list_package_files(first.version) == ((first, second, third), 3)
    assert await store.list_package_files(first.version, limit=1, offset=1) == ((second,), 3)
    assert await store.list_package_files(99) == ((), 0)
    assert second.folder == "x/y"


@pytest.mark.parametrize(
    "missing",
    [
        place("z"),
        place(version="9"),
        place(package="z"),
        place(repository="z"),
        place(namespace="z"),
        place(project=ProjectId("z")),
    ],
)
async def test_what_is_not_there_is_not_found(store: Store, missing: PackagePlace) -> None:
    """A place that differs in one name holds nothing."""
    await store.put_project(build_project())
    await store.put_package_file(place(), build_file())

    assert await store.find_package_file(missing) is None


async def test_a_refused_file_leaves_nothing(store: Store) -> None:
    """Neither an unknown project nor a used receipt lets a package appear."""
    await store.put_project(build_project())
    assert ACTS.receipt is not None
    await store.put_receipt(ACTS.receipt)

    with pytest.raises(NotFoundError):
        await store.put_package_file(place(project=BANK), build_file())
    with pytest.raises(ConflictError):
        await store.put_package_file(place(), build_file(), ACTS)

    assert await store.list_packages(SHOP) == ((), 0)
    assert await store.find_package(SHOP, "team", "main", "app") is None
