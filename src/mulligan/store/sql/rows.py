"""Rows <-> values of the core, as JSON by msgspec."""

from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core.decision import Effect
from mulligan.core.deployments import Deployment, Environment
from mulligan.core.events import Event
from mulligan.core.hooks import AccessKey, Group, GroupGrant, Hook, Note, Template
from mulligan.core.packages import Package, PackageFile, PackageVersion
from mulligan.core.plugins import Plugin, PluginPolicy
from mulligan.core.postings import Posting
from mulligan.core.quality_checks import QualityCheck
from mulligan.core.records import (
    App,
    Artifact,
    AuditEntry,
    Member,
    Pipeline,
    PipelineVersion,
    Project,
    Receipt,
    StepRecord,
    Token,
    User,
)
from mulligan.core.run import Gate, Job, RunHead, Stage, Step, Write
from mulligan.core.secrets import StoredSecret
from mulligan.core.spec import PipelineSpec
from mulligan.core.trigger_records import Delivery, Outcome, RemoteToken, TimerState
from mulligan.ports.items import VersionHead
from mulligan.store.instants import instant, micros

_encoder = msgspec.json.Encoder()


class OnlySpec(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a `PipelineVersion` that a run needs; the rest is passed over undecoded."""

    spec: PipelineSpec


access_key = msgspec.json.Decoder(AccessKey).decode
app = msgspec.json.Decoder(App).decode
artifact = msgspec.json.Decoder(Artifact).decode
audit_entry = msgspec.json.Decoder(AuditEntry).decode
delivery = msgspec.json.Decoder(Delivery).decode
posting = msgspec.json.Decoder(Posting).decode
deployment = msgspec.json.Decoder(Deployment).decode
effect = msgspec.json.Decoder(Effect).decode
environment = msgspec.json.Decoder(Environment).decode
event = msgspec.json.Decoder(Event).decode
gate = msgspec.json.Decoder(Gate).decode
grant = msgspec.json.Decoder(GroupGrant).decode
group = msgspec.json.Decoder(Group).decode
head = msgspec.json.Decoder(RunHead).decode
hook = msgspec.json.Decoder(Hook).decode
job = msgspec.json.Decoder(Job).decode
member = msgspec.json.Decoder(Member).decode
note = msgspec.json.Decoder(Note).decode
only_spec = msgspec.json.Decoder(OnlySpec).decode
outcome = msgspec.json.Decoder(Outcome).decode
package = msgspec.json.Decoder(Package).decode
package_file = msgspec.json.Decoder(PackageFile).decode
package_version = msgspec.json.Decoder(PackageVersion).decode
plugin = msgspec.json.Decoder(Plugin).decode
plugin_policy = msgspec.json.Decoder(PluginPolicy).decode
pipeline = msgspec.json.Decoder(Pipeline).decode
project = msgspec.json.Decoder(Project).decode
quality_check = msgspec.json.Decoder(QualityCheck).decode
secret = msgspec.json.Decoder(StoredSecret).decode
remote_token = msgspec.json.Decoder(RemoteToken).decode
stage = msgspec.json.Decoder(Stage).decode
step = msgspec.json.Decoder(Step).decode
step_record = msgspec.json.Decoder(StepRecord).decode
template = msgspec.json.Decoder(Template).decode
texts = msgspec.json.Decoder(dict[str, str]).decode
timer_state = msgspec.json.Decoder(TimerState).decode
token = msgspec.json.Decoder(Token).decode
user = msgspec.json.Decoder(User).decode
version = msgspec.json.Decoder(PipelineVersion).decode
version_head = msgspec.json.Decoder(VersionHead).decode
write = msgspec.json.Decoder(Write).decode


def text(value: Any) -> str:
    """Give the JSON of a value."""
    return _encoder.encode(value).decode()


# What of a head has a place of its own, because it moves more often than the rest.
_LIVE = frozenset({"revision", "stage", "failed_steps"})
_KEPT = tuple(name for name in RunHead.__struct_fields__ if name not in _LIVE)


def head_doc(value: RunHead) -> str:
    """Give the JSON of what seldom changes in a head."""
    return text(replace(value, revision=1, stage=-1, failed_steps=()))


def same_doc(one: RunHead, other: RunHead) -> bool:
    """Tell whether two heads certainly have equal documents, without comparing contents.

    Pure changes of a snapshot carry unchanged fields along as the same objects.
    """
    return all(getattr(one, name) is getattr(other, name) for name in _KEPT)


RECEIPT_COLUMNS = "actor, key, fingerprint, status, body, content_type, created_at"


def receipt_row(receipt: Receipt) -> tuple[Any, ...]:
    """Give the values of RECEIPT_COLUMNS."""
    return (
        receipt.actor,
        receipt.key,
        receipt.fingerprint,
        receipt.status,
        receipt.body,
        receipt.content_type,
        micros(receipt.created_at),
    )


def receipt(row: tuple[Any, ...]) -> Receipt:
    """Give the receipt of a row of RECEIPT_COLUMNS."""
    actor, key, fingerprint, status, body, content_type, created_at = row
    return Receipt(
        actor=actor,
        key=key,
        fingerprint=fingerprint,
        status=status,
        body=bytes(body),
        content_type=content_type,
        created_at=instant(created_at),
    )
