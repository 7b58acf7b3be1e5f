"""Start the packaged shop, wait until it is healthy, and buy something at real prices."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

EXPECTED = {"tea": "4.05", "coffee": "4.80", "pot": "43.00", "filter": "2.15"}
HEALTHY_WITHIN_S = 10.0


def main() -> None:
    """Run the test; exit 69 (EX_UNAVAILABLE) if a service that it needs is missing."""
    parser = argparse.ArgumentParser(description="Test the packaged shop.")
    parser.add_argument("--feed", metavar="URL", required=True)
    options = parser.parse_args()

    package = find_package()
    with running(package, options.feed) as url:
        version = wait_until_healthy(url)
        if version not in package.name:
            sys.exit(f"integration: {package.name} says it is {version}")
        print(f"integration: {package.name} is healthy at {url}", flush=True)
        for sku, price in EXPECTED.items():
            check_price(url, sku, price)
    print(f"integration: {len(EXPECTED)} prices are right")


def find_package() -> Path:
    """Return the one package in dist."""
    packages = list(Path("dist").glob("shop-*.pyz"))
    if len(packages) != 1:
        sys.exit(f"integration: 1 package is needed in dist, there are {len(packages)}")
    return packages[0]


@contextmanager
def running(package: Path, feed: str) -> Iterator[str]:
    """Run the package on a free port and give its URL; end it afterwards."""
    command = [sys.executable, str(package), "--port", "0", "--feed", feed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as shop:
        try:
            first_line = shop.stdout.readline()
            if "listening on " not in first_line:
                sys.exit(f"integration: {package.name} did not start: {first_line.strip()!r}")
            yield first_line.split("listening on ")[1].strip()
        finally:
            shop.kill()


def wait_until_healthy(url: str) -> str:
    """Ask /healthz until it is 200; return the version that runs."""
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            status, document = get(url, "/healthz")
        except OSError:
            status = 0
        if status == 200:
            return document["version"]
        time.sleep(0.05)
    sys.exit(f"integration: {url}/healthz was not 200 within {HEALTHY_WITHIN_S} s")


def check_price(url: str, sku: str, price: str) -> None:
    """Compare one quoted price with the expected one."""
    status, document = get(url, f"/price/{sku}")
    if status == 503:
        print(f"integration: GET /price/{sku} answered 503", flush=True)
        print(f"integration: {document['error']}", flush=True)
        print("integration: start the price feed, then run this step again", flush=True)
        sys.exit(os.EX_UNAVAILABLE)
    if (status, document.get("price")) != (200, price):
        sys.exit(f"integration: /price/{sku} is {status} {document}, expected {price}")
    print(f"integration: {sku} costs {price}", flush=True)


def get(url: str, path: str) -> tuple[int, dict]:
    """Return status and document of a GET."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


if __name__ == "__main__":
    main()
