"""What every store does with environments and their deployments."""

import pytest
from msgspec.structs import replace

from conformance.store_builders import (
    ANN,
    NOW,
    SHOP,
    at,
    build_head,
    build_project,
    create,
    decide,
    parts,
    put_pipeline,
    run_id,
)
from conformance.store_releases import (
    PROD,
    build_deployment,
    build_environment,
    change,
    stored_deployment,
)
from conformance.test_store_admin import ACTS, ENTRY
from mulligan.core import events as e
from mulligan.core.deployments import Act, LedgerChange, Outcome, Release, begin, settle
from mulligan.core.errors import ConflictError, NotFoundError, StaleRevisionError
from mulligan.core.ids import ProjectId
from mulligan.core.records import User
from mulligan.ports import Acts, Store

pytestmark = pytest.mark.anyio

TEST = "shop/test/web"
BANK = ProjectId("bank")


async def put_environments(store: Store, *keys: str) -> None:
    """Store the project and new environments."""
    await put_pipeline(store)
    await store.put_ledger(change(*map(build_environment, keys)))


async def test_environments_are_listed_by_key(store: Store) -> None:
    """A project's environments come in the order of their keys, page by page, without others'."""
    await put_environments(store, TEST, PROD)
    await store.put_project(build_project(BANK))
    await store.put_ledger(change(build_environment("bank/prod/atm", project=BANK)))

    assert await store.list_environments(SHOP) == (build_environment(PROD), build_environment(TEST))
    assert await store.list_environments(SHOP, limit=1, offset=1) == (build_environment(TEST),)
    assert await store.find_environment(TEST) == build_environment(TEST)
    assert await store.find_environment("nowhere") is None
    assert await store.list_environments(ProjectId("none")) == ()


async def test_a_deployment_keeps_its_number(store: Store) -> None:
    """Numbers ascend over all environments; putting a deployment again changes all but it."""
    await put_environments(store, TEST, PROD)
    first, second = build_deployment(7), build_deployment(3, environment=TEST)
    await store.put_ledger(change(deployments=[first, second]))
    ended = replace(first, outcome=Outcome.FAILED, ended_at=at(9), tries=2, result={"a": [None]})

    await store.put_ledger(change(deployments=[ended, build_deployment(5)]))

    assert await stored_deployment(store, "d-7") == replace(ended, number=1)
    assert await stored_deployment(store, "d-3") == replace(second, number=2)
    assert await stored_deployment(store, "d-5") == replace(build_deployment(5), number=3)
    assert await store.find_deployment("d-1") is None


async def test_a_deployment_is_found_by_what_was_put_last(store: Store) -> None:
    """Putting it again changes also where it is found."""
    await put_environments(store, TEST, PROD)
    await store.put_ledger(change(deployments=[build_deployment(1, run=1)]))
    moved = build_deployment(1, run=2, environment=TEST)

    await store.put_ledger(change(deployments=[moved]))

    stored = replace(moved, number=1)
    assert await store.deployments_of(run_id(1)) == ()
    assert await store.deployments_of(run_id(2)) == (stored,)
    assert await store.list_deployments(PROD) == ()
    assert await store.list_deployments(TEST) == (stored,)


async def test_deployments_are_found_by_environment_run_and_state(store: Store) -> None:
    """An environment lists newest first and page by page; a run and what is open oldest first."""
    await put_environments(store, TEST, PROD)
    made = [
        build_deployment(1, run=1),
        build_deployment(2, run=2, environment=TEST),
        replace(build_deployment(3, run=2), outcome=Outcome.SUCCEEDED),
        build_deployment(4, run=1),
    ]
    await store.put_ledger(change(deployments=made))
    one, two, three, four = (replace(item, number=number) for number, item in enumerate(made, 1))

    assert await store.list_deployments(PROD) == (four, three, one)
    assert await store.list_deployments(PROD, limit=1, before=4) == (three,)
    assert await store.list_deployments("nowhere") == ()
    assert await store.deployments_of(run_id(1)) == (one, four)
    assert await store.deployments_of(run_id(2)) == (two, three)
    assert await store.open_deployments() == (one, two, four)


@pytest.mark.parametrize("revision", [1, 3], ids=["again", "too-far"])
async def test_an_environment_is_stored_over_its_previous_revision_only(
    store: Store, revision: int
) -> None:
    """Another revision is refused, and nothing that came with it is stored."""
    await put_environments(store, PROD)
    wrong = build_environment(PROD, revision=revision, holder="d-1")

    with pytest.raises(StaleRevisionError):
        await store.put_ledger(
            change(build_environment(TEST), wrong, deployments=[build_deployment(1)]), ACTS
        )

    assert await store.list_environments(SHOP) == (build_environment(PROD),)
    assert await store.open_deployments() == ()
    assert await store.list_audit() == ()


async def test_an_environment_that_is_not_stored_has_no_later_revision(store: Store) -> None:
    """The second revision of nothing is stale."""
    await put_pipeline(store)

    with pytest.raises(StaleRevisionError):
        await store.put_ledger(change(build_environment(revision=2)))


async def test_projects_and_environments_must_be_there(store: Store) -> None:
    """A ledger of an unknown project, and a deployment to an unknown environment, are refused."""
    await put_pipeline(store)

    with pytest.raises(NotFoundError):
        await store.put_ledger(change(build_environment(project=BANK)))
    with pytest.raises(NotFoundError):
        await store.put_ledger(change(deployments=[build_deployment(1)]))

    assert await store.open_deployments() == ()


async def test_a_decision_and_its_ledger_are_stored_together(store: Store) -> None:
    """The ledger of an act changes with the run: a release begins, succeeds and is rolled back."""
    await put_environments(store, PROD)
    created = create(build_head())
    first = build_deployment(1)
    held = begin(build_environment(), first, at(1))

    await store.append(created, Acts(ledger=change(held, deployments=[first])))
    assert await store.find_environment(PROD) == held
    moved = decide(created.run, e.RemarkWritten(at=at(2), actor=ANN, text="out"))
    settled = settle(held, replace(first, number=1), Outcome.SUCCEEDED, at(2), {"state": {}})
    await store.append(moved, Acts(ledger=settled))

    (environment,), (ended,) = settled.environments, settled.deployments
    assert await store.find_environment(PROD) == environment
    assert (environment.live, environment.holder, environment.revision) == ("d-1", "", 3)
    assert await stored_deployment(store, "d-1") == ended
    assert await store.open_deployments() == ()


async def test_a_stale_ledger_refuses_the_whole_decision(store: Store) -> None:
    """When an environment has moved on, neither the run nor the acts with it are stored."""
    await put_environments(store, PROD)
    created = create(build_head())
    await store.append(created)
    stale = change(build_environment(PROD), deployments=[build_deployment(1)])
    acts = Acts(receipt=ACTS.receipt, audit=ACTS.audit, ledger=stale)
    moved = decide(created.run, e.RemarkWritten(at=at(1), actor=ANN, text="x"))

    with pytest.raises(StaleRevisionError):
        await store.append(moved, acts)
    with pytest.raises(StaleRevisionError):
        await store.append(create(build_head(2)), acts)

    assert parts(await store.get_run(run_id(1))) == parts(created.run)
    assert await store.find_head(run_id(2)) is None
    assert await store.find_deployment("d-1") is None
    assert await store.find_receipt(ANN, "k-1") is None
    assert await store.list_audit() == ()
    await store.append(moved)
    assert parts(await store.get_run(run_id(1))) == parts(moved.run)


async def test_a_stale_decision_leaves_the_ledger_alone(store: Store) -> None:
    """A run that has moved on refuses what should be stored with the decision too."""
    await put_environments(store, PROD)
    created = create(build_head())
    await store.append(created)
    moved = decide(created.run, e.RemarkWritten(at=at(1), actor=ANN, text="x"))
    await store.append(moved)
    following = change(build_environment(revision=2), deployments=[build_deployment(1)])

    with pytest.raises(StaleRevisionError):
        await store.append(moved, Acts(ledger=following))

    assert await store.find_environment(PROD) == build_environment()
    assert await store.open_deployments() == ()


async def test_a_receipt_that_exists_leaves_the_ledger_alone(store: Store) -> None:
    """The acts of a change are all or nothing with it."""
    await put_environments(store, PROD)
    assert ACTS.receipt is not None
    await store.put_receipt(ACTS.receipt)

    with pytest.raises(ConflictError) as caught:
        await store.put_ledger(change(build_environment(revision=2)), ACTS)

    assert caught.value.code == "receipt"
    assert await store.find_environment(PROD) == build_environment()


async def test_any_act_may_change_the_ledger(store: Store) -> None:
    """Also a change of something else takes rows of the ledger along."""
    await put_environments(store, PROD)
    following = change(build_environment(revision=2), deployments=[build_deployment(1)])

    await store.put_user(User(name=ANN, created_at=NOW), Acts(ledger=following, audit=(ENTRY,)))

    assert await store.find_environment(PROD) == build_environment(revision=2)
    assert [found.id for found in await store.open_deployments()] == ["d-1"]


async def test_a_change_and_the_ledger_of_its_acts_follow_one_another(store: Store) -> None:
    """`put_ledger` stores its own change first, then that of the acts."""
    await put_pipeline(store)
    later = LedgerChange(environments=(build_environment(revision=2),))

    await store.put_ledger(change(build_environment()), Acts(ledger=later))

    assert await store.find_environment(PROD) == build_environment(revision=2)


async def test_a_release_is_read_back_with_all_its_parts(store: Store) -> None:
    """What a record needs to be restored is kept as it was."""
    await put_environments(store, PROD)
    release = Release(info='{"a": "é"}', image="ns/repo:1", files={"app.zip": "0" * 64})
    rollback = replace(
        build_deployment(1, act=Act.ROLLBACK), release=release, target="d-0", previous="d-2"
    )

    await store.put_ledger(change(deployments=[rollback]))

    assert await stored_deployment(store, "d-1") == replace(rollback, number=1)
