"""Quality rules of a project."""

from datetime import datetime

from starlette.responses import Response

from mulligan.core.ids import ProjectId, UserName
from mulligan.core.items import QualityRule
from mulligan.core.quality import MetricCondition
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.native import queries
from mulligan.facades.native.bodies import Body
from mulligan.facades.native.endpoints import NOTHING, Call, Endpoint, answer
from mulligan.facades.native.shapes import Shape


class ConditionBody(Body, frozen=True, kw_only=True):
    """What a metric must be like. `operator`: <, <=, >, >=, == or !=; `value`: also true, false."""

    metric: str
    operator: str
    value: str | float | bool


class RuleBody(Body, frozen=True, kw_only=True):
    """A rule: all conditions must hold, unless one of the gatekeepers lets a run pass.

    Args:
        plugin: Code of the plugins around which it is judged; "" = only where stages name it.
        before: Before them, else after them.
    """

    name: str
    conditions: tuple[ConditionBody, ...]
    gatekeepers: tuple[str, ...] = ()
    description: str = ""
    enabled: bool = True
    plugin: str = ""
    before: bool = False


class ConditionView(Shape, frozen=True, kw_only=True):
    """What a metric must be like."""

    metric: str
    operator: str
    value: str


class RuleView(Shape, frozen=True, kw_only=True):
    """A quality rule; stages name it by its `id`."""

    id: str
    name: str
    description: str
    enabled: bool
    conditions: tuple[ConditionView, ...]
    gatekeepers: tuple[str, ...]
    plugin: str
    before: bool
    updated_by: str
    updated_at: datetime


class RuleList(Shape, frozen=True, kw_only=True):
    """A page of rules."""

    items: tuple[RuleView, ...]
    next_cursor: str | None


def _view(rule: QualityRule) -> RuleView:
    return RuleView(
        id=rule.id,
        name=rule.name,
        description=rule.description,
        enabled=rule.enabled,
        conditions=tuple(
            ConditionView(metric=each.metric, operator=each.operator, value=each.value)
            for each in rule.conditions
        ),
        gatekeepers=rule.gatekeepers,
        plugin=rule.plugin,
        before=rule.before,
        updated_by=rule.updated_by,
        updated_at=rule.updated_at,
    )


def _text(value: str | float | bool) -> str:  # noqa: FBT001 - a value of a metric
    return str(value).lower() if isinstance(value, bool) else str(value)


async def put_rule(call: Call) -> Response:
    """Make or replace a rule."""
    given = call.read(RuleBody)
    now = call.services.clock.now()
    rule = QualityRule(
        project=ProjectId(call.project),
        id=call.part("rule"),
        name=given.name,
        created_by=call.actor.user,
        created_at=now,
        updated_by=call.actor.user,
        updated_at=now,
        conditions=tuple(
            MetricCondition(metric=each.metric, operator=each.operator, value=_text(each.value))
            for each in given.conditions
        ),
        gatekeepers=tuple(UserName(user) for user in given.gatekeepers),
        description=given.description,
        enabled=given.enabled,
        plugin=given.plugin,
        before=given.before,
    )

    async def act(receipt: ReceiptRequest | None) -> QualityRule:
        return await call.services.quality.put(call.actor, rule, receipt=receipt)

    return await call.once(act, _view)


async def get_rule(call: Call) -> Response:
    """Show a rule."""
    return answer(_view(await call.services.quality.get(call.project, call.part("rule"))))


async def list_rules(call: Call) -> Response:
    """List rules, oldest first."""
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    found = await call.services.store.list_items(
        QualityRule, ProjectId(call.project), limit=wanted + 1, offset=offset
    )
    page, cursor = queries.page_of(found, offset, wanted)
    return answer(RuleList(items=tuple(map(_view, page)), next_cursor=cursor))


async def delete_rule(call: Call) -> Response:
    """Remove a rule."""
    await call.services.quality.drop(call.actor, call.project, call.part("rule"))
    return Response(status_code=NOTHING)


_ONE = "/projects/{project}/quality-rules/{rule}"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/projects/{project}/quality-rules",
        act=list_rules,
        summary="List the quality rules of a project, oldest first",
        needs=Permission.VIEW,
        answer=RuleList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path=_ONE,
        act=get_rule,
        summary="Show a quality rule",
        needs=Permission.VIEW,
        answer=RuleView,
    ),
    Endpoint(
        method="PUT",
        path=_ONE,
        act=put_rule,
        summary="Make or replace a quality rule; stages name it in `ruleIds`",
        needs=Permission.MANAGE,
        body=RuleBody,
        answer=RuleView,
    ),
    Endpoint(
        method="DELETE",
        path=_ONE,
        act=delete_rule,
        summary="Remove a quality rule; it holds no stage up from then on",
        needs=Permission.MANAGE,
        status=NOTHING,
    ),
)
