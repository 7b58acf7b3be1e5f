"""What every store does with projects, pipelines, people, receipts and the audit trail."""

import asyncio

import pytest
from msgspec.structs import replace

from conformance.store_builders import (
    ANN,
    NOW,
    SHOP,
    at,
    build_head,
    build_pipeline,
    build_project,
    build_version,
    create,
    decide,
    pipeline_id,
    put_pipeline,
)
from mulligan.core import events as e
from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.records import (
    App,
    AuditEntry,
    Member,
    PipelineSettings,
    Project,
    Receipt,
    Role,
    Token,
    User,
)
from mulligan.core.status import Status
from mulligan.ports import Acts, Store

pytestmark = pytest.mark.anyio

BOB = UserName("bob")
RECEIPT = Receipt(
    actor=ANN,
    key="k-1",
    fingerprint="f",
    status=201,
    body=bytes(range(256)),
    content_type="application/octet-stream",
    created_at=NOW,
)
ENTRY = AuditEntry(at=NOW, actor=ANN, action="test", project=SHOP, detail={"n": [1, None, "é"]})
ACTS = Acts(receipt=RECEIPT, audit=(ENTRY,))


def build_token(number: int, user: UserName = ANN) -> Token:
    """Give a token whose digest is made of its number."""
    return Token(
        id=f"t-{number}",
        name="laptop",
        user=user,
        digest=f"{number:064x}",
        created_at=at(number),
        projects=(SHOP,),
        role=Role.RUNNER,
        expires_at=at(1_000),
    )


# --- projects -----------------------------------------------------------------------------------


async def test_projects_are_numbered_from_one(store: Store) -> None:
    """A new project gets the next number and is found and listed by it."""
    names = ("shop", "bank", "zoo")

    stored = [await store.put_project(build_project(ProjectId(name))) for name in names]

    assert [project.number for project in stored] == [1, 2, 3]
    assert await store.find_project(ProjectId("bank")) == stored[1]
    assert await store.list_projects() == tuple(stored)
    assert await store.list_projects(limit=1, offset=1) == (stored[1],)
    assert await store.find_project(ProjectId("none")) is None


async def test_a_project_is_replaced_by_its_number(store: Store) -> None:
    """Putting a stored project again changes it."""
    stored = await store.put_project(build_project())
    changed = replace(stored, description="new", disabled=True, extra={"a": [1]})

    await store.put_project(changed)

    assert await store.find_project(SHOP) == changed
    assert await store.list_projects() == (changed,)


@pytest.mark.parametrize(
    "other",
    [
        replace(build_project(ProjectId("bank")), name="The shop"),
        replace(build_project(), name="Another"),
    ],
    ids=["name", "id"],
)
async def test_ids_and_names_of_projects_are_unique(store: Store, other: Project) -> None:
    """A second project with the id or the name of a stored one is a conflict, with all its acts."""
    stored = await store.put_project(build_project())

    with pytest.raises(ConflictError) as caught:
        await store.put_project(other, ACTS)

    assert caught.value.code == "project"
    assert await store.list_projects() == (stored,)
    assert await store.find_receipt(ANN, "k-1") is None
    assert await store.list_audit() == ()


async def test_a_project_cannot_take_the_name_of_another(store: Store) -> None:
    """Renaming is bound by the same rule as inserting."""
    await store.put_project(build_project())
    bank = await store.put_project(build_project(ProjectId("bank")))

    with pytest.raises(ConflictError):
        await store.put_project(replace(bank, name="The shop"))

    assert await store.find_project(ProjectId("bank")) == bank


async def test_replacing_an_unknown_project_is_refused(store: Store) -> None:
    """A number that was never given leads nowhere."""
    with pytest.raises(NotFoundError):
        await store.put_project(build_project(number=5))

    assert await store.list_projects() == ()


async def test_projects_of_a_user_are_those_with_a_membership(store: Store) -> None:
    """The list for a user holds the projects that the user is a member of."""
    for name in ("shop", "bank", "zoo"):
        await store.put_project(build_project(ProjectId(name)))
    for name in ("zoo", "shop"):
        await store.put_member(Member(project=ProjectId(name), user=BOB, role=Role.VIEWER))

    found = await store.list_projects(user=BOB)

    assert [project.id for project in found] == ["shop", "zoo"]
    assert await store.list_projects(user=ANN) == ()


# --- pipelines ----------------------------------------------------------------------------------


async def test_a_pipeline_is_stored_with_its_version(store: Store) -> None:
    """Pipeline and version are read back equal, the pipeline with its number."""
    await store.put_project(build_project())
    pipeline = replace(
        build_pipeline(), settings=PipelineSettings(run_lock="SINGLE", extra={"x": {"y": None}})
    )

    stored = await store.put_pipeline(pipeline, build_version(), ACTS)

    assert stored == replace(pipeline, number=1)
    assert await store.find_pipeline(pipeline.id) == stored
    assert await store.find_pipeline_by_name(SHOP, "build 1") == stored
    assert await store.find_version(pipeline.id, 1) == build_version()
    assert await store.find_receipt(ANN, "k-1") == RECEIPT
    assert len(await store.list_audit()) == 1


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    """Looking for unknown pipelines and versions gives None."""
    await put_pipeline(store)

    assert await store.find_pipeline(PipelineId("p-none")) is None
    assert await store.find_pipeline_by_name(SHOP, "none") is None
    assert await store.find_pipeline_by_name(ProjectId("none"), "build 1") is None
    assert await store.find_version(pipeline_id(1), 2) is None
    assert await store.find_version(PipelineId("p-none"), 1) is None


async def test_a_pipeline_needs_its_project(store: Store) -> None:
    """A pipeline of a project that is not stored is refused."""
    with pytest.raises(NotFoundError):
        await store.put_pipeline(build_pipeline(), build_version())

    assert await store.find_pipeline(pipeline_id(1)) is None


async def test_names_of_live_pipelines_are_unique_in_their_project(store: Store) -> None:
    """The name is free again once its pipeline is deleted, and in every other project."""
    await put_pipeline(store)
    await store.put_project(build_project(ProjectId("bank")))
    first = await store.find_pipeline(pipeline_id(1))
    assert first is not None
    second = build_pipeline(2, name=first.name)

    with pytest.raises(ConflictError) as caught:
        await store.put_pipeline(second, build_version(2), ACTS)
    await store.put_pipeline(replace(first, deleted_at=NOW))
    again = await store.put_pipeline(second, build_version(2))
    elsewhere = build_pipeline(3, name=first.name, project=ProjectId("bank"))
    await store.put_pipeline(elsewhere, build_version(3))

    assert caught.value.code == "pipeline-name"
    assert await store.find_receipt(ANN, "k-1") is None
    assert await store.find_pipeline_by_name(SHOP, first.name) == again
    assert await store.find_pipeline(first.id) == replace(first, deleted_at=NOW)


async def test_a_deleted_pipeline_comes_back_only_under_a_free_name(store: Store) -> None:
    """Undeleting is bound by the same rule as inserting."""
    await put_pipeline(store)
    first = await store.find_pipeline(pipeline_id(1))
    assert first is not None
    await store.put_pipeline(replace(first, deleted_at=NOW))
    await store.put_pipeline(build_pipeline(2, name=first.name), build_version(2))

    with pytest.raises(ConflictError):
        await store.put_pipeline(first)

    await store.put_pipeline(replace(first, name="other"))
    assert (await store.list_pipelines(SHOP))[1] == 2


async def test_a_pipeline_id_is_given_only_once(store: Store) -> None:
    """Inserting a pipeline whose id exists is a conflict."""
    await put_pipeline(store)

    with pytest.raises(ConflictError) as caught:
        await store.put_pipeline(build_pipeline(name="other"))

    assert caught.value.code == "pipeline"


async def test_replacing_an_unknown_pipeline_is_refused(store: Store) -> None:
    """A number that was never given leads nowhere."""
    await store.put_project(build_project())

    with pytest.raises(NotFoundError):
        await store.put_pipeline(replace(build_pipeline(), number=4))

    assert await store.list_pipelines(SHOP) == ((), 0)


async def test_a_version_is_never_replaced(store: Store) -> None:
    """A version that exists is a conflict, and the pipeline stays as it was."""
    await put_pipeline(store)
    stored = await store.find_pipeline(pipeline_id(1))
    assert stored is not None

    with pytest.raises(ConflictError) as caught:
        await store.put_pipeline(replace(stored, description="new"), build_version())

    assert caught.value.code == "version"
    assert await store.find_pipeline(pipeline_id(1)) == stored


async def test_pipelines_are_listed_newest_first(store: Store) -> None:
    """Lists hold the live pipelines of the project, a page of them, and count all."""
    await store.put_project(build_project(ProjectId("bank")))
    for number in (1, 2, 3, 4):
        await put_pipeline(store, number)
    foreign = build_pipeline(5, project=ProjectId("bank"))
    await store.put_pipeline(foreign, build_version(5))
    second = await store.find_pipeline(pipeline_id(2))
    assert second is not None
    await store.put_pipeline(replace(second, deleted_at=NOW))

    page, count = await store.list_pipelines(SHOP, limit=2)
    rest, _ = await store.list_pipelines(SHOP, limit=2, offset=2)

    assert count == 3
    assert [pipeline.id for pipeline in (*page, *rest)] == [pipeline_id(n) for n in (4, 3, 1)]
    assert (await store.list_pipelines(SHOP, name_contains="ild 3"))[1] == 1
    assert (await store.list_pipelines(SHOP, name_contains="%"))[1] == 0
    assert await store.list_pipelines(ProjectId("none")) == ((), 0)


async def test_old_versions_are_dropped_unless_a_run_needs_them(store: Store) -> None:
    """The newest `keep` versions stay, and older ones that an unfinished run follows."""
    await put_pipeline(store)
    await store.append(create(build_head(1)))
    finished = create(replace(build_head(2), version=2))
    stored = await store.find_pipeline(pipeline_id(1))
    assert stored is not None
    for version in (2, 3, 4, 5):
        await store.put_pipeline(stored, build_version(version=version))
    await store.append(finished)
    await store.append(decide(finished.run, e.RunFinished(at=at(1), status=Status.CANCELLED)))

    dropped = await store.drop_versions(pipeline_id(1), keep=2)

    kept = [n for n in range(1, 6) if await store.find_version(pipeline_id(1), n) is not None]
    assert (dropped, kept) == (2, [1, 4, 5])
    assert await store.drop_versions(pipeline_id(1), keep=2) == 0
    assert await store.drop_versions(pipeline_id(1), keep=50) == 0
    assert await store.drop_versions(PipelineId("p-none"), keep=0) == 0


async def test_of_many_inserts_of_one_name_one_wins(store: Store) -> None:
    """However many make a pipeline of one name at once, exactly one is stored."""
    await store.put_project(build_project())

    answers = await asyncio.gather(
        *(
            store.put_pipeline(build_pipeline(n, name="same"), build_version(n))
            for n in range(1, 21)
        ),
        return_exceptions=True,
    )

    won = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(won) == 1
    assert await store.list_pipelines(SHOP) == ((won[0],), 1)


# --- people -------------------------------------------------------------------------------------


async def test_users_are_replaced_and_listed_by_name(store: Store) -> None:
    """Putting a user of the same name again changes it."""
    for name in ("zed", "ann", "Émile", "bob"):
        await store.put_user(User(name=UserName(name), created_at=NOW))
    bob = User(name=BOB, created_at=NOW, is_admin=True, password="hash", language="zh")

    await store.put_user(bob, ACTS)

    assert await store.find_user(BOB) == bob
    assert await store.find_user(UserName("none")) is None
    listed = [user.name for user in await store.list_users()]
    assert listed == sorted(["zed", "ann", "Émile", "bob"])
    assert [user.name for user in await store.list_users(limit=1, offset=1)] == ["bob"]
    assert await store.find_receipt(ANN, "k-1") == RECEIPT


async def test_members_are_replaced_listed_and_dropped(store: Store) -> None:
    """A user has one membership per project, which can be changed and removed."""
    await store.put_project(build_project())
    await store.put_member(Member(project=SHOP, user=BOB, role=Role.VIEWER))
    bob = Member(project=SHOP, user=BOB, role=Role.OWNER, permissions=("run.skip",))
    ann = Member(project=SHOP, user=ANN, role=Role.RUNNER)
    await store.put_member(bob)
    await store.put_member(ann)
    listed = await store.list_members(SHOP)

    dropped = [await store.drop_member(SHOP, BOB), await store.drop_member(SHOP, BOB)]

    assert listed == (ann, bob)
    assert dropped == [True, False]
    assert await store.find_member(SHOP, BOB) is None
    assert await store.find_member(SHOP, ANN) == ann
    assert await store.list_members(ProjectId("none")) == ()


async def test_a_member_needs_its_project(store: Store) -> None:
    """A membership of a project that is not stored is refused, with all its acts."""
    with pytest.raises(NotFoundError):
        await store.put_member(Member(project=SHOP, user=BOB, role=Role.VIEWER), ACTS)

    assert await store.find_member(SHOP, BOB) is None
    assert await store.find_receipt(ANN, "k-1") is None


async def test_tokens_are_found_by_digest_until_they_are_dropped(store: Store) -> None:
    """A revoked token is gone from the next look-up on."""
    tokens = [build_token(1), build_token(2, BOB), build_token(3)]
    for token in tokens:
        await store.put_token(token)
    before = await store.find_token(tokens[0].digest)

    dropped = [await store.drop_token("t-1"), await store.drop_token("t-1")]

    assert before == tokens[0]
    assert dropped == [True, False]
    assert await store.find_token(tokens[0].digest) is None
    assert await store.list_tokens() == tuple(tokens[1:])
    assert await store.list_tokens(ANN) == (tokens[2],)
    assert await store.list_tokens(UserName("none")) == ()


@pytest.mark.parametrize(
    "other",
    [replace(build_token(1), digest="f" * 64), replace(build_token(1), id="t-2")],
    ids=["id", "digest"],
)
async def test_a_token_is_stored_only_once(store: Store, other: Token) -> None:
    """Neither the id nor the digest of a token can be taken again."""
    await store.put_token(build_token(1))

    with pytest.raises(ConflictError) as caught:
        await store.put_token(other, ACTS)

    assert caught.value.code == "token"
    assert await store.list_tokens() == (build_token(1),)
    assert await store.find_receipt(ANN, "k-1") is None


async def test_applications_are_replaced_by_code(store: Store) -> None:
    """Putting an application of the same code again changes it."""
    app = App(code="ci", digest="0" * 64, projects=(SHOP,), created_by=ANN, created_at=NOW)
    await store.put_app(app)

    await store.put_app(replace(app, digest="1" * 64))

    assert await store.find_app("ci") == replace(app, digest="1" * 64)
    assert await store.find_app("none") is None


# --- receipts and audit -------------------------------------------------------------------------


async def test_a_receipt_is_stored_only_once(store: Store) -> None:
    """The first answer under an actor's key stays; other actors have keys of their own."""
    await store.put_receipt(RECEIPT)
    others = replace(RECEIPT, actor=BOB, status=500)
    await store.put_receipt(others)

    with pytest.raises(ConflictError) as caught:
        await store.put_receipt(replace(RECEIPT, status=500))

    assert caught.value.code == "receipt"
    assert await store.find_receipt(ANN, "k-1") == RECEIPT
    assert await store.find_receipt(BOB, "k-1") == others
    assert await store.find_receipt(ANN, "k-2") is None


async def test_of_many_receipts_under_one_key_one_wins(store: Store) -> None:
    """However many store an answer under one key at once, exactly one is kept."""
    receipts = [replace(RECEIPT, status=200 + number) for number in range(20)]

    answers = await asyncio.gather(
        *(store.put_receipt(receipt) for receipt in receipts), return_exceptions=True
    )

    won = [receipt for receipt, answer in zip(receipts, answers, strict=True) if answer is None]
    assert len(won) == 1
    assert await store.find_receipt(ANN, "k-1") == won[0]


async def test_the_audit_trail_is_read_newest_first(store: Store) -> None:
    """Entries get ascending ids; a page goes on before the last one of the page before it."""
    projects = ("shop", "bank", "shop", "", "shop")
    entries = [
        replace(ENTRY, project=project, target=str(number))
        for number, project in enumerate(projects)
    ]
    await store.add_audit(entries[:2])
    await store.add_audit(entries[2:])

    page = await store.list_audit(limit=2)
    rest = await store.list_audit(before=page[-1].id)
    shop = await store.list_audit(project="shop")

    found = [*page, *rest]
    assert [replace(entry, id=0) for entry in found] == entries[::-1]
    assert [entry.id for entry in found] == sorted((entry.id for entry in found), reverse=True)
    assert [entry.target for entry in shop] == ["4", "2", "0"]
    assert [entry.target for entry in await store.list_audit(project="")] == ["3"]
