"""From what an item costs us to what it costs on the shelf."""

from decimal import ROUND_HALF_UP, Decimal

from shop.catalogue import Item

SMALLEST_COIN = Decimal("0.05")


def round_to_coin(amount: Decimal) -> Decimal:
    """Round to a whole number of the smallest coin; a half goes up."""
    coins = (amount / SMALLEST_COIN).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return coins * SMALLEST_COIN


def exact_price(cost: Decimal, item: Item) -> Decimal:
    """Add margin and tax."""
    return cost * (1 + item.margin) * (1 + item.tax)


def shelf_price(cost: Decimal, item: Item) -> Decimal:
    """Return the price on the shelf: it can be paid in coins and is never zero."""
    if cost < 0:
        raise ValueError(f"{item.sku} can't cost {cost}")
    return max(SMALLEST_COIN, round_to_coin(exact_price(cost, item)))
