"""Orders of run lists, and the cursors that continue them. All orders are newest first."""

import base64
import binascii
from enum import StrEnum
from typing import NamedTuple

import msgspec

from mulligan.core.errors import InvalidError
from mulligan.ports import RunFilter


class Order(StrEnum):
    """What a list is sorted by, descending; runs that are equal in it by age."""

    NUMBER = "number"
    QUEUED = "queued_at"
    UPDATED = "updated_at"


class Position(NamedTuple):
    """Where a run stands in an order: what it is sorted by, then a number ascending with age."""

    value: int
    key: int


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    order: Order
    value: int
    key: int


_decode = msgspec.json.Decoder(_Cursor).decode


def order_of(where: RunFilter, *, by_update: bool) -> Order:
    """Give the order of a list: by number where numbers are unique."""
    if by_update:
        return Order.UPDATED
    return Order.QUEUED if where.pipeline is None else Order.NUMBER


def write_cursor(order: Order, last: Position) -> str:
    """Give the opaque text that stands for "after that run"."""
    data = msgspec.json.encode(_Cursor(order, *last))
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_cursor(order: Order, text: str) -> Position:
    """Give the position that a cursor stands for.

    Raises:
        InvalidError: It is none of ours, or of a list in another order (code "cursor").
    """
    try:
        cursor = _decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        message = "the cursor is damaged; begin the list again without it"
        raise InvalidError(message, pointer="cursor", code="cursor") from error
    if cursor.order is not order:
        message = "the cursor belongs to a list in another order"
        raise InvalidError(message, pointer="cursor", code="cursor")
    return Position(cursor.value, cursor.key)
