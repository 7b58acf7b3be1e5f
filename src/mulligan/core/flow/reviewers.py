"""Who may answer what a run asks: one rule, for every answer and for every list of what waits."""

from mulligan.core.ids import UserName
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Gate


def may_answer(gate: Gate, user: UserName) -> Refusal | None:
    """Say why somebody can't answer an open gate now; rights in the project are not looked at.

    Whoever is asked answers once for each group. A pause asks nobody by name.
    """
    if gate.kind == "pause":
        return None
    if user not in gate.reviewers:
        code, message = RefusalCode.NOT_A_REVIEWER, f"{user} is not among those who are asked"
    elif any(vote.user == user and vote.group == gate.group for vote in gate.votes):
        code, message = RefusalCode.ALREADY_VOTED, f"{user} has answered already: that is final"
    else:
        return None
    return Refusal(code=code, message=message, node=gate.node, rule="R10", values=(user,))
