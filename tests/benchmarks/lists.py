"""`make bench-lists`: how fast lists and pages answer in a shop of 50,000 products, asked over HTTP one at a time.

PostgreSQL is one thrown away afterwards, with its default durability, or TEST_DATABASE_URL's.
"""

import argparse
import http.cookiejar
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError

from tests import ROOT
from tests.torture.places import PASSWORD, Places, places

PROGRAM = str(Path(__file__).parents[1] / "programs" / "large_shop.py")
LIMIT_MS = 300
"""p95 of a list, on PostgreSQL."""
ASKED = {
    "products, a page": {"limit": 50},
    "products found by a part of the name": {"search": "Product 49", "limit": 50},
    "low stock": {"low_stock": True, "limit": 50},
    "low stock, searched": {"low_stock": True, "search": "duct 123", "limit": 50},
}
LISTS = {
    "admin: products": "inventory/product/",
    "admin: products, low": "inventory/product/?stock=low",
    "admin: products, searched": "inventory/product/?q=S0499",
    "admin: stock levels": "inventory/stocklevel/",
    "admin: movements": "inventory/stockmovement/",
    "admin: forecasts": "inventory/forecast/",
}
PAGES = {"admin: dashboard": "", "admin: reorder review": "reorder/", "admin: stock health": "stock-health/"}
"""Told, but under no limit: they are no lists."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-lists", description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=40, help="each is asked so often")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    options = parser.parse_args()
    folder = tempfile.TemporaryDirectory(prefix="shop-bench-lists-")
    with folder, places(options.database, Path(folder.name)) as at:
        environment = at.environment(AUDIT_DB_URL="", ADMIN_SECOND_FACTOR="off")
        command = [sys.executable, PROGRAM, str(options.products)]
        filled = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        with _served(at, environment):
            found = _measured(f"http://127.0.0.1:{at.port}", filled.stdout.split()[-1], options.times)
    print(f"{options.database}, {options.products} products: p50 and p95 in ms of {options.times} requests each")
    slow = []
    for name, (middle, most) in found.items():
        missed = options.database == "postgresql" and name not in PAGES and most > LIMIT_MS
        slow += [name] if missed else []
        print(f"  {name:40}{middle:8.0f}{most:8.0f}{f'  (at most {LIMIT_MS}, MISSED)' if missed else ''}")
    return int(bool(slow))


@contextmanager
def _served(at: Places, environment: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "manage.py", "serve", "--no-demo", "--no-worker"]
    server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and server.poll() is None:
            with suppress(URLError, ConnectionError):
                urllib.request.urlopen(f"http://127.0.0.1:{at.port}/health/live")
                break
            time.sleep(0.2)
        yield
    finally:
        server.terminate()
        server.wait()


def _measured(address: str, token: str, times: int) -> dict[str, tuple[float, float]]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(body: dict[str, object]) -> None:
        told = urllib.request.Request(f"{address}/api/inventory/query", json.dumps(body).encode(), headers)
        urllib.request.urlopen(told).read()

    visit = _admin(address)
    found = {name: _timed(lambda body=body: ask(body), times) for name, body in ASKED.items()}  # type: ignore[misc]
    for name, path in {**LISTS, **PAGES}.items():
        found[name] = _timed(lambda path=path: visit(path), times if name in LISTS else 5)  # type: ignore[misc]
    return found


def _admin(address: str) -> Callable[[str], None]:
    """Looks at the admin's pages as the owner."""
    cookies = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    form = opener.open(f"{address}/admin/login/").read().decode()
    hidden = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert hidden
    fields = {"csrfmiddlewaretoken": hidden[1], "username": "owner", "password": PASSWORD, "next": "/admin/"}
    opener.open(f"{address}/admin/login/", urllib.parse.urlencode(fields).encode()).read()

    def visit(path: str) -> None:
        answer = opener.open(f"{address}/admin/{path}")
        answer.read()
        assert "login" not in answer.url, path

    return visit


def _timed(ask: Callable[[], None], times: int) -> tuple[float, float]:
    """p50 and p95 in ms; two requests before do not count, since each server process has something to load."""
    took = []
    for number in range(times + 2):
        began = time.perf_counter()
        ask()
        took += [(time.perf_counter() - began) * 1000] if number > 1 else []
    took.sort()
    return took[len(took) // 2], took[min(len(took) * 95 // 100, len(took) - 1)]


if __name__ == "__main__":
    sys.exit(main())
