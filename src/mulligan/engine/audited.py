"""What is stored together with an act: its line in the audit trail, and its receipt."""

from msgspec.structs import replace

from mulligan.core.records import AuditEntry, Receipt
from mulligan.core.rights import Actor
from mulligan.engine.commands import ReceiptRequest
from mulligan.ports import Acts, Clock


def audited(
    clock: Clock, actor: Actor, action: str, *, project: str = "", target: str = "", **detail: str
) -> Acts:
    """Return acts with one line for the audit trail."""
    entry = AuditEntry(
        at=clock.now(),
        actor=actor.user,
        action=action,
        project=project,
        target=target,
        origin=actor.way,
        detail=dict(detail),
    )
    return Acts(audit=(entry,))


def with_receipt(
    clock: Clock, acts: Acts, actor: Actor, request: ReceiptRequest | None, result: object
) -> Acts:
    """Return the acts with a receipt too, if one was asked for."""
    if request is None:
        return acts
    status, body, content_type = request.render(result)
    receipt = Receipt(
        actor=actor.user,
        key=request.key,
        fingerprint=request.fingerprint,
        status=status,
        body=body,
        content_type=content_type,
        created_at=clock.now(),
    )
    return replace(acts, receipt=receipt)
