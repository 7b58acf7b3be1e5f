"""The shop over HTTP: /healthz, /items, /price/SKU."""

import json
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from shop import __version__
from shop.catalogue import ITEMS, UnknownItemError, find
from shop.costs import FeedError, PriceFeed
from shop.pricing import shelf_price


def answer(path: str, feed: PriceFeed) -> tuple[int, dict]:
    """Return status and document for a path."""
    if path == "/healthz":
        return 200, {"status": "ok", "version": __version__}
    if path == "/items":
        return 200, {"items": [{"sku": item.sku, "name": item.name} for item in ITEMS]}
    if path.startswith("/price/"):
        return quote_price(unquote(path.removeprefix("/price/")), feed)
    return 404, {"error": f"no page {path}"}


def quote_price(sku: str, feed: PriceFeed) -> tuple[int, dict]:
    """Price one item; without the feed there is no price, and the answer says why."""
    try:
        item = find(sku)
        price = shelf_price(feed.cost(sku), item)
    except UnknownItemError as error:
        return 404, {"error": str(error)}
    except FeedError as error:
        return 503, {"error": str(error)}
    return 200, {"sku": sku, "name": item.name, "price": f"{price:.2f}"}


class Handler(BaseHTTPRequestHandler):
    """Turn requests into calls of `answer`."""

    def __init__(self, feed: PriceFeed, *args) -> None:
        self.feed = feed
        super().__init__(*args)

    def do_GET(self) -> None:
        status, document = answer(self.path, self.feed)
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args) -> None:
        """Keep quiet: the pipeline's log is for results."""


def make_server(port: int, feed: PriceFeed) -> ThreadingHTTPServer:
    """Listen on the loopback address; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, feed))
