"""The shop over HTTP, with a real socket."""

import json
import threading
import unittest
from decimal import Decimal
from http.client import HTTPConnection

from shop import __version__
from shop.costs import FeedError
from shop.server import make_server


class SwitchableFeed:
    """A price feed that can be down."""

    def __init__(self) -> None:
        self.up = True

    def cost(self, sku: str) -> Decimal:
        if not self.up:
            raise FeedError("price feed does not answer: Connection refused")
        return Decimal("2.40")


class ServerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.feed = SwitchableFeed()
        self.server = make_server(0, self.feed)
        self.addCleanup(self.server.server_close)
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()
        self.addCleanup(self.server.shutdown)

    def get(self, path: str) -> tuple[int, dict]:
        connection = HTTPConnection("127.0.0.1", self.server.server_port, timeout=5)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def test_health_tells_the_version(self) -> None:
        self.assertEqual(self.get("/healthz"), (200, {"status": "ok", "version": __version__}))

    def test_a_price_is_quoted(self) -> None:
        status, document = self.get("/price/tea")

        self.assertEqual((status, document["price"]), (200, "4.05"))

    def test_an_unknown_item_is_not_found(self) -> None:
        status, document = self.get("/price/gold")

        self.assertEqual(status, 404)
        self.assertIn("gold", document["error"])

    def test_without_the_feed_there_is_no_price_but_a_reason(self) -> None:
        self.feed.up = False

        status, document = self.get("/price/tea")

        self.assertEqual(status, 503)
        self.assertIn("Connection refused", document["error"])
