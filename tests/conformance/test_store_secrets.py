"""What every store does with secrets of projects."""

import pytest
from msgspec.structs import replace

from conformance.store_builders import ANN, NOW, SHOP, at, build_project
from conformance.test_store_admin import ACTS
from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.secrets import StoredSecret
from mulligan.ports import Store

pytestmark = pytest.mark.anyio

BANK = ProjectId("bank")


def secret(ident: str, *, project: ProjectId = SHOP, kind: str = "PASSWORD") -> StoredSecret:
    """Give a secret."""
    return StoredSecret(
        project=project,
        id=ident,
        kind=kind,
        fields=("password",),
        sealed=bytes(range(256)),
        created_by=ANN,
        created_at=NOW,
        updated_by=ANN,
        updated_at=NOW,
        name="Name",
        remark="é",
    )


async def test_secrets_are_found_in_their_project(store: Store) -> None:
    """A secret is read back equal, replaced under its id, and is of one project only."""
    await store.put_project(build_project())
    await store.put_project(build_project(BANK))
    changed = replace(secret("db"), sealed=b"other", updated_at=at(9))

    await store.put_secret(secret("db"), ACTS)
    await store.put_secret(changed)
    await store.put_secret(secret("db", project=BANK), is_new=True)

    assert await store.find_secret(SHOP, "db") == changed
    assert await store.find_secret(BANK, "db") == secret("db", project=BANK)
    assert await store.find_secret(SHOP, "DB") is None
    assert len(await store.list_audit()) == 1


async def test_a_secret_is_new_or_there_as_wanted(store: Store) -> None:
    """Inserting an id that is taken, replacing one that is not there and unknown projects fail."""
    await store.put_project(build_project())
    await store.put_secret(secret("db"))

    with pytest.raises(ConflictError) as caught:
        await store.put_secret(secret("db"), ACTS, is_new=True)
    with pytest.raises(NotFoundError):
        await store.put_secret(secret("key"), ACTS, is_new=False)
    with pytest.raises(NotFoundError):
        await store.put_secret(secret("db", project=BANK), ACTS)

    assert caught.value.code == "secret"
    assert await store.list_audit() == ()


async def test_secrets_are_listed_by_id(store: Store) -> None:
    """A list is cut into pages, narrowed by kind and by a part of the id, and counted."""
    await store.put_project(build_project())
    await store.put_project(build_project(BANK))
    for ident, kind in (("b", "PASSWORD"), ("a_Key", "SECRETKEY"), ("c_key", "PASSWORD")):
        await store.put_secret(secret(ident, kind=kind))
    await store.put_secret(secret("x", project=BANK))

    async def listed(**wanted: object) -> tuple[list[str], int]:
        found, count = await store.list_secrets(SHOP, **wanted)  # type: ignore[arg-type]  # as the case says
        return [each.id for each in found], count

    assert await listed() == (["a_Key", "b", "c_key"], 3)
    assert await listed(limit=1, offset=1) == (["b"], 3)
    assert await listed(kinds=("PASSWORD", "OAUTHTOKEN")) == (["b", "c_key"], 2)
    assert await listed(kinds=("PASSWORD",), keyword="KEY") == (["c_key"], 1)


async def test_a_dropped_secret_is_gone(store: Store) -> None:
    """Only the first drop finds it."""
    await store.put_project(build_project())
    await store.put_secret(secret("db"))

    dropped = [await store.drop_secret(SHOP, "db", ACTS), await store.drop_secret(SHOP, "db")]

    assert dropped == [True, False]
    assert await store.find_secret(SHOP, "db") is None
    assert len(await store.list_audit()) == 1
