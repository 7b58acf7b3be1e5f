"""Command line: `python -m shop` or `python shop-1.0.0.pyz`."""

import argparse
import os

from shop import __version__
from shop.costs import PriceFeed
from shop.server import make_server


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="shop", description="Quote shelf prices over HTTP.")
    parser.add_argument("--port", type=int, default=os.environ.get("SHOP_PORT", "8080"))
    parser.add_argument("--feed", metavar="URL", default=os.environ.get("SHOP_FEED"))
    parser.add_argument("--version", action="version", version=f"shop {__version__}")
    options = parser.parse_args()
    if not options.feed:
        parser.error("no price feed: give --feed URL or set SHOP_FEED")

    server = make_server(options.port, PriceFeed(options.feed))
    print(f"shop {__version__} listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
