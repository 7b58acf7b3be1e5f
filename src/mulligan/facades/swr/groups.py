"""Groups of an account, and the one in which foreign pipelines are listed."""

from weakref import WeakKeyDictionary

from mulligan.core.errors import ConflictError
from mulligan.core.hooks import Group
from mulligan.core.ids import SYSTEM, ProjectId
from mulligan.core.records import Pipeline
from mulligan.facades.common.services import Services
from mulligan.facades.swr.errors import NOT_FOUND, SwrError
from mulligan.ports import Store

DEFAULT_GROUP = "default"
# Groups by number: they do not change, numbers are not given again, and counting is slow.
_KNOWN: WeakKeyDictionary[Store, dict[int, Group]] = WeakKeyDictionary()


async def find_group(services: Services, account: ProjectId, name: str) -> Group:
    """Return a group by its name.

    Raises:
        SwrError: 4040162, there is none.
    """
    group = await services.store.find_group(account, name)
    if group is None:
        raise SwrError(NOT_FOUND, f"there is no group {name!r}")
    return group


async def group_of(services: Services, pipeline: Pipeline) -> Group:
    """Return the group of a pipeline; the default one for what was made in another dialect."""
    if not pipeline.group:
        return await default_group(services, pipeline.project)
    known = _KNOWN.setdefault(services.store, {})
    if pipeline.group not in known:
        listed = await services.store.list_groups(pipeline.project)
        known |= {group.number: group for group, _count in listed}
    # a group with pipelines can't be deleted
    return known.get(pipeline.group) or await default_group(services, pipeline.project)


async def list_groups(services: Services, account: ProjectId) -> list[tuple[Group, int]]:
    """Return the groups of an account by id, each with its count of pipelines.

    The default one is made when there are pipelines for it.
    """
    listed = list(await services.store.list_groups(account))
    if all(group.name != DEFAULT_GROUP for group, _count in listed):
        _, total = await services.store.list_group_pipelines(account, groups=(0,), limit=1)
        if total:
            await default_group(services, account)
            listed = list(await services.store.list_groups(account))
    return listed


async def default_group(services: Services, account: ProjectId) -> Group:
    """Return the group `default` of an account; it is made when missing."""
    found = await services.store.find_group(account, DEFAULT_GROUP)
    if found is not None:
        return found
    made = Group(
        project=account,
        name=DEFAULT_GROUP,
        created_by=SYSTEM,
        created_at=services.clock.now(),
    )
    try:
        return await services.store.put_group(made)
    except ConflictError:  # somebody made it meanwhile
        return await find_group(services, account, DEFAULT_GROUP)
