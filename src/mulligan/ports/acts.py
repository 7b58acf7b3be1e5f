"""What every part of the store takes along into a transaction."""

import msgspec

from mulligan.core.deployments import LedgerChange
from mulligan.core.ids import PipelineId
from mulligan.core.items import ItemChange
from mulligan.core.records import AuditEntry, Receipt
from mulligan.core.trigger_records import TriggerChange


class Acts(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored together with an act in its transaction."""

    receipt: Receipt | None = None
    audit: tuple[AuditEntry, ...] = ()
    ledger: LedgerChange | None = None
    items: ItemChange | None = None
    triggers: TriggerChange | None = None
    clear_latches: PipelineId | None = None  # of the pipeline as a whole: its run has started


NO_ACTS = Acts()
