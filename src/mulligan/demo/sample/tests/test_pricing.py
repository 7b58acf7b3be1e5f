"""Prices and their rounding."""

import unittest
from decimal import Decimal

from shop.catalogue import ITEMS, find
from shop.pricing import SMALLEST_COIN, exact_price, round_to_coin, shelf_price

ALL_COSTS = [Decimal(cents) / 100 for cents in range(150_00)]


class RoundingTest(unittest.TestCase):
    def test_a_half_coin_goes_up(self) -> None:
        self.assertEqual(round_to_coin(Decimal("1.025")), Decimal("1.05"))

    def test_less_than_half_a_coin_goes_down(self) -> None:
        self.assertEqual(round_to_coin(Decimal("1.0249")), Decimal("1.00"))


class ShelfPriceTest(unittest.TestCase):
    def test_margin_and_tax_are_added(self) -> None:
        self.assertEqual(shelf_price(Decimal("10.00"), find("pot")), Decimal("21.60"))

    def test_nothing_is_free(self) -> None:
        self.assertEqual(shelf_price(Decimal("0"), find("cup")), SMALLEST_COIN)

    def test_a_negative_cost_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "tea"):
            shelf_price(Decimal("-0.01"), find("tea"))

    def test_no_price_is_more_than_half_a_coin_off(self) -> None:
        for item in ITEMS:
            for cost in ALL_COSTS[10:]:
                error = abs(shelf_price(cost, item) - exact_price(cost, item))
                self.assertLessEqual(error, SMALLEST_COIN / 2, (item.sku, cost))

    def test_a_higher_cost_never_gives_a_lower_price(self) -> None:
        for item in ITEMS:
            prices = [shelf_price(cost, item) for cost in ALL_COSTS]
            self.assertEqual(prices, sorted(prices), item.sku)
