"""The price feed: what items cost the shop today, at /cost/SKU. A program of its own."""

import argparse
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COSTS = {
    "tea": "2.40",
    "coffee": "3.15",
    "honey": "4.80",
    "pot": "19.90",
    "cup": "3.70",
    "filter": "0.95",
}


class Handler(BaseHTTPRequestHandler):
    """Answer with the cost of one item."""

    def do_GET(self) -> None:
        sku = self.path.removeprefix("/cost/")
        status, document = 404, {"error": f"no cost for {self.path}"}
        if sku in COSTS:
            status, document = 200, {"sku": sku, "cost": COSTS[sku]}
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args) -> None:
        """Keep quiet."""


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="feed", description="Publish today's costs over HTTP.")
    parser.add_argument("--port", type=int, default=9001)
    parser.add_argument(
        "--while-stdin-open",
        action="store_true",
        help="end with standard input, so that the feed never outlives what started it",
    )
    options = parser.parse_args()

    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(f"price feed listening on http://127.0.0.1:{server.server_port}", flush=True)
    if options.while_stdin_open:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
    else:
        server.serve_forever()


if __name__ == "__main__":
    main()
