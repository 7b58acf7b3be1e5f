"""What the shop sells."""

from dataclasses import dataclass
from decimal import Decimal

FOOD_TAX = Decimal("0.05")
STANDARD_TAX = Decimal("0.20")


class UnknownItemError(LookupError):
    """The catalogue has no such item."""


@dataclass(frozen=True)
class Item:
    """One thing on the shelf; margin and tax are fractions (0.40 = 40 %)."""

    sku: str
    name: str
    margin: Decimal
    tax: Decimal


ITEMS = (
    Item("tea", "Green tea, 100 g", Decimal("0.60"), FOOD_TAX),
    Item("coffee", "Coffee beans, 250 g", Decimal("0.45"), FOOD_TAX),
    Item("honey", "Forest honey, 500 g", Decimal("0.50"), FOOD_TAX),
    Item("pot", "Tea pot, cast iron", Decimal("0.80"), STANDARD_TAX),
    Item("cup", "Cup, porcelain", Decimal("0.75"), STANDARD_TAX),
    Item("filter", "Paper filters, 40", Decimal("0.90"), STANDARD_TAX),
)


def find(sku: str) -> Item:
    """Return the item with this stock number."""
    for item in ITEMS:
        if item.sku == sku:
            return item
    raise UnknownItemError(f"no item {sku!r} in the catalogue")
