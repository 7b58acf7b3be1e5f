"""Ask the price feed what an item costs us today."""

import json
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote, urlsplit

ANSWER_WITHIN_S = 2.0


class FeedError(Exception):
    """The price feed gave no usable answer."""


class PriceFeed:
    """A client of the price feed at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def cost(self, sku: str) -> Decimal:
        """Return today's cost of an item."""
        try:
            status, body = self._get(f"/cost/{quote(sku)}")
        except (OSError, HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise FeedError(f"price feed {self.url} does not answer: {reason}") from error
        if status != 200:
            raise FeedError(f"price feed {self.url} answered {status} for {sku}")
        return Decimal(json.loads(body)["cost"])

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=ANSWER_WITHIN_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
