"""Quality rules of projects: kept, and handed to runs that start."""

import re

from msgspec.structs import replace

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.items import ItemChange, QualityRule
from mulligan.core.posts import GateAround, PostAction
from mulligan.core.quality import OPERATORS, Rule, number_of
from mulligan.core.rights import Actor
from mulligan.core.spec import PipelineSpec
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.commands import ReceiptRequest
from mulligan.ports import Clock, Store

MOST_RULES = 1000  # of a project
MOST_CONDITIONS = 50
MOST_GATEKEEPERS = 50
LONGEST_NAME = 128  # characters
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class QualityRules:
    """The use cases of quality rules. Rights are checked by the callers."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def get(self, project: str, ident: str) -> QualityRule:
        """Return a rule.

        Raises:
            NotFoundError: No such rule in the project.
        """
        found = await self._store.find_item(QualityRule, ProjectId(project), ident)
        if found is None:
            raise NotFoundError("quality-rule", ident)
        return found

    async def put(
        self, actor: Actor, given: QualityRule, *, receipt: ReceiptRequest | None = None
    ) -> QualityRule:
        """Make or replace a rule; runs that have started keep the one that they know.

        Raises:
            InvalidError: It can't be judged.
        """
        _check(given)
        before = await self._store.find_item(QualityRule, given.project, given.id)
        rule = given
        if before is not None:
            rule = replace(
                given,
                number=before.number,
                created_by=before.created_by,
                created_at=before.created_at,
            )
        acts = audited(
            self._clock, actor, "quality-rule.put", project=given.project, target=given.id
        )
        acts = with_receipt(self._clock, acts, actor, receipt, rule)
        await self._store.change_items(ItemChange(put=(rule,)), acts)
        return await self.get(given.project, given.id)

    async def drop(self, actor: Actor, project: str, ident: str) -> None:
        """Remove a rule: stages that name it are not held up by it any more.

        Raises:
            NotFoundError: No such rule in the project.
        """
        rule = await self.get(project, ident)
        acts = audited(self._clock, actor, "quality-rule.drop", project=project, target=ident)
        await self._store.change_items(ItemChange(drop=(rule,)), acts)


def _check(rule: QualityRule) -> None:
    if not _ID.fullmatch(rule.id):
        raise InvalidError("the id of a rule has 1 to 64 letters, digits, - and _", pointer="/id")
    if not 0 < len(rule.name.strip()) <= LONGEST_NAME:
        raise InvalidError(f"a rule's name has 1 to {LONGEST_NAME} characters", pointer="/name")
    if not 0 < len(rule.conditions) <= MOST_CONDITIONS:
        raise InvalidError(f"a rule has 1 to {MOST_CONDITIONS} conditions", pointer="/conditions")
    if len(rule.gatekeepers) > MOST_GATEKEEPERS:
        raise InvalidError(
            f"a rule has at most {MOST_GATEKEEPERS} gatekeepers", pointer="/gatekeepers"
        )
    for position, condition in enumerate(rule.conditions):
        place = f"/conditions/{position}"
        if not condition.metric.strip():
            raise InvalidError("a condition needs a metric", pointer=f"{place}/metric")
        if condition.operator not in OPERATORS:
            raise InvalidError(
                f"{condition.operator[:20]!r} is none of {' '.join(OPERATORS)}",
                pointer=f"{place}/operator",
            )
        if number_of(condition.value) is None:
            raise InvalidError(
                "the value must be a finite number, true or false", pointer=f"{place}/value"
            )


async def rules_for(
    store: Store, project: ProjectId, spec: PipelineSpec | None
) -> tuple[tuple[Rule, ...], tuple[PostAction, ...]]:
    """Return the rules that a definition's stages name or its plugins have, and their gates.

    A rule that is gone or switched off holds nothing up.
    """
    if spec is None:
        return (), ()
    named = {ident for each in spec.stages for ident in (*each.check_in, *each.check_out)}
    steps = [step for stage in spec.stages for job in stage.jobs for step in job.steps]
    codes = {step.code for step in steps}
    items = await store.list_items(QualityRule, project, limit=MOST_RULES)
    wanted = [item for item in items if item.enabled and (item.id in named or item.plugin in codes)]
    gates = tuple(
        PostAction(step=step.id, gate=GateAround(rules=rules, before=before))
        for step in steps
        for before in (True, False)
        if step.enabled and (rules := _around(wanted, step.code, before=before))
    )
    return tuple(map(_rule, wanted)), gates


def _around(rules: list[QualityRule], code: str, *, before: bool) -> tuple[str, ...]:
    found = (rule for rule in rules if rule.plugin and rule.plugin == code)
    return tuple(rule.id for rule in found if rule.before is before)


def _rule(item: QualityRule) -> Rule:
    return Rule(
        id=item.id, name=item.name, conditions=item.conditions, gatekeepers=item.gatekeepers
    )
