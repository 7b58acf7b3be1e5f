"""Quality gates that stand in the model itself: our own, for those of pipeline files."""

from mulligan.core.errors import InvalidError
from mulligan.core.flow.quality import Side, gate_node
from mulligan.core.ids import StageId, UserName
from mulligan.core.quality import MetricCondition, Rule, RuleNotice, read_condition
from mulligan.facades.bkci.document import Part

MOST_GATES = 10  # of one side of a stage
MOST_RULES = 100  # of a gate
MOST_PEOPLE = 50  # gatekeepers of a gate, and receivers of a notice
CHECKS = {Side.IN: "checkIn", Side.OUT: "checkOut"}
_CHAT = "WEWORK_GROUP"
# There is a mail server for these, and none for SMS and VOICE.
_BY_MAIL = frozenset({"EMAIL", "RTX", "WECHAT", "WEWORK"})


def read_gates(stage: Part, member: str, side: Side) -> tuple[Rule, ...]:
    """Read the gates of one side of a stage, each as a rule with an id that no other rule has.

    Raises:
        InvalidError: A rule can't be judged, or there are too many.
    """
    check = stage.part(member)
    if check is None:
        return ()
    gates = tuple(check.parts("gates"))
    _count(check, "gates", len(gates), 0, MOST_GATES)
    node = gate_node(StageId(stage.text("id")), side)
    return tuple(_gate(part, f"{node}:{number}") for number, part in enumerate(gates, 1))


def _gate(part: Part, ident: str) -> Rule:
    texts = part.texts("rules")
    _count(part, "rules", len(texts), 1, MOST_RULES)
    people = part.texts("gatekeepers")
    _count(part, "gatekeepers", len(people), 0, MOST_PEOPLE)
    return Rule(
        id=ident,
        name=part.text("name").strip() or ident,
        conditions=tuple(_condition(part, number, text) for number, text in enumerate(texts)),
        gatekeepers=tuple(UserName(name) for name in people),
        notices=tuple(_notice(each) for each in part.parts("notices")),
    )


def _condition(part: Part, number: int, text: str) -> MetricCondition:
    found = read_condition(text)
    if found is None:
        raise InvalidError(
            f"{text[:100]!r} is not of the form: plugin.metric > number",
            pointer=f"{part.at('rules')}/{number}",
            code="gate-rule",
            values=(text[:100],),
        )
    return found


def _notice(part: Part) -> RuleNotice:
    kinds, receivers = set(part.texts("types")), part.texts("receivers")
    _count(part, "receivers", len(receivers), 1, MOST_PEOPLE)
    return RuleNotice(
        people=receivers if kinds & _BY_MAIL else (),
        chats=receivers if _CHAT in kinds else (),
    )


def _count(part: Part, key: str, number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        raise InvalidError(
            f"{least} to {most} items are allowed",
            pointer=part.at(key),
            code="item-count",
            values=(str(least), str(most)),
        )
