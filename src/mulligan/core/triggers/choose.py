"""Which trigger of a pipeline an event fires: in order, the first that matches."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from mulligan.core.triggers.event import CodeEvent
from mulligan.core.triggers.filters import Rejection, judge
from mulligan.core.triggers.spec import RepositoryBy, RepositoryRef, TriggerKind, TriggerSpec


class PassedOver(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger that an event does not fire, and why."""

    trigger: str
    filter: str
    reason: str


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What an event does to a pipeline: the trigger that fires, if one does, and why others not.

    `asks`: All filters of this trigger accept but the one outside of the server, whose answer is
    needed to go on.
    """

    trigger: TriggerSpec | None = None
    asks: TriggerSpec | None = None
    values: dict[str, str] = {}
    passed_over: tuple[PassedOver, ...] = ()


# Tells whether a trigger's repository is that of the event; None = nobody knows it.
IsItsRepository = Callable[[RepositoryRef], bool | None]


def choose(
    triggers: Iterable[TriggerSpec],
    event: CodeEvent,
    is_its: IsItsRepository,
    answers: Mapping[str, str] | None = None,
) -> Chosen:
    """Try the code triggers in order.

    Switched-off ones, those of other hosts and those whose repository is another one or does not
    exist are passed over.

    Args:
        answers: Of filters outside of the server, by trigger: why it must not fire, "" = it may.
    """
    told = answers or {}
    passed: list[PassedOver] = []
    for trigger in triggers:
        if trigger.kind is not TriggerKind.CODE or trigger.code is None:
            continue
        found = _bar(trigger, event, is_its)
        if found is None:
            judged = judge(trigger.code, event)
            if not isinstance(judged, Rejection):
                if trigger.code.third_url and trigger.id not in told:
                    return Chosen(asks=trigger, passed_over=tuple(passed))
                if not told.get(trigger.id):
                    return Chosen(trigger=trigger, values=judged.values, passed_over=tuple(passed))
                judged = Rejection(filter="third", reason=told[trigger.id])
            found = judged
        passed.append(PassedOver(trigger=trigger.id, filter=found.filter, reason=found.reason))
    return Chosen(passed_over=tuple(passed))


def _bar(trigger: TriggerSpec, event: CodeEvent, is_its: IsItsRepository) -> Rejection | None:
    code = trigger.code
    if not trigger.enabled or code is None:
        return Rejection(filter="enabled", reason="the trigger is switched off")
    if code.hosts and event.host not in code.hosts:
        reason = f"the trigger is for {', '.join(code.hosts)}, this came from {event.host}"
        return Rejection(filter="host", reason=reason)
    known = is_its(code.repository)
    if known is None:
        named = code.repository.value
        reason = f"there is no repository {named!r}" if named else "nobody knows its repository"
        return Rejection(filter="repository", reason=reason)
    if not known:
        reason = f"the trigger is for {code.repository.value!r}, not {event.repository.full_name!r}"
        return Rejection(filter="repository", reason=reason)
    return None


def names_it(ref: RepositoryRef, event: CodeEvent) -> bool | None:
    """Tell whether a reference names the repository of an event by its full name or URL.

    None: it is an alias, which has to be looked up, or names none.
    """
    if ref.by is RepositoryBy.SELF or not ref.value:
        return None
    repository = event.repository
    if "/" not in ref.value and "$" not in ref.value:
        return True if ref.value == repository.full_name else None
    addresses = {repository.full_name, repository.url, repository.ssh_url, repository.page}
    wanted = plain_address(ref.value)
    return any(plain_address(address) == wanted for address in addresses if address)


def plain_address(address: str) -> str:
    """Give the address of a repository without what its writings differ in."""
    text = address.strip().rstrip("/").removesuffix(".git").lower()
    text = text.partition("://")[2] or text
    text = text.rpartition("@")[2] if "@" in text.partition("/")[0] else text
    host, colon, path = text.partition(":")
    return f"{host}/{path}" if colon and "/" not in host and not path[:1].isdigit() else text
