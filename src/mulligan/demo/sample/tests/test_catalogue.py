"""The catalogue."""

import unittest

from shop.catalogue import ITEMS, UnknownItemError, find


class CatalogueTest(unittest.TestCase):
    def test_every_item_is_found_by_its_stock_number(self) -> None:
        self.assertEqual([find(item.sku) for item in ITEMS], list(ITEMS))

    def test_stock_numbers_are_unique(self) -> None:
        self.assertEqual(len({item.sku for item in ITEMS}), len(ITEMS))

    def test_an_unknown_item_is_named_in_the_error(self) -> None:
        with self.assertRaisesRegex(UnknownItemError, "'gold'"):
            find("gold")
