"""`make bench`: the shop beside the floor (floor.py), on one PostgreSQL server with its default durability.

Both serve real HTTP with two processes; eight connections ask as fast as they are answered; shop and floor take
turns, and of all rounds the medians count. On a machine shared with others the CPU a request costs, of the server and
of the database, is steadier than the requests a second.

The shop is what production is (granian, sessions, permissions, tasks, outbox, log lines), except for its rate limit,
which would stop this, and for the worker, which is measured on its own: sealing the events that were written.
"""

import argparse
import json
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import psycopg

from tests.benchmarks import floor
from tests.run import DURABLE, ServerError, server_programs, server_version, throw_away_server

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable
PROCESSES = 2
CONNECTIONS = 8
GOAL = 0.5
"""The share of the floor's rate that the shop has to reach."""
PASSWORD = "benchmark-password"
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Service:
    name: str
    port: int
    token: str
    process: "subprocess.Popen[bytes]"


def main() -> int:
    options = _options()
    programs = server_programs()
    if programs is None:
        print("make bench needs PostgreSQL's programs (initdb, postgres): install PostgreSQL.", file=sys.stderr)
        return 2
    with throw_away_server(programs, DURABLE) as url, tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        print(
            f"PostgreSQL {server_version(url)}, default durability; "
            f"{os.cpu_count()} processors; {CONNECTIONS} connections"
        )
        skus, environment = _prepare(url, Path(folder))
        with ExitStack() as stack:
            services = [
                stack.enter_context(_shop(environment)),
                stack.enter_context(_floor(url)),
            ]
            found = _measure(services, skus, _postmaster(url), options)
        sealing = _sealing(environment)
    _show(found, sealing)
    if options.json:
        Path(options.json).write_text(json.dumps({"operations": found, "sealing": sealing}, indent=1))
    missed = [path for path, figures in found.items() if figures["ratio"] < GOAL]
    if missed:
        print(f"\nBelow {GOAL} of the floor: {', '.join(missed)}")
    return int(bool(missed))


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of each operation, round and service")
    parser.add_argument("--only", help="a part of the operation's path")
    parser.add_argument("--json", help="a file for the figures")
    return parser.parse_args()


def _bodies(skus: list[str]) -> dict[str, list[str]]:
    return {
        "/api/inventory/query": [json.dumps({"sku": sku}) for sku in skus],
        "/api/inventory/update": [json.dumps({"sku": sku, "delta": 1, "reason": "delivery"}) for sku in skus],
        "/api/pricing/calculate": [json.dumps({"sku": sku, "quantity": 10}) for sku in skus],
    }


def _measure(services: list[Service], skus: list[str], postmaster: int, options: Any) -> dict[str, Any]:
    bodies = {path: b for path, b in _bodies(skus).items() if not options.only or options.only in path}
    rounds: dict[str, dict[str, list[dict[str, float]]]] = {p: {s.name: [] for s in services} for p in bodies}
    for path in bodies:  # caches, prepared statements, connections
        for service in services:
            _ask(service, path, bodies[path], 2)
    for number in range(options.rounds):
        for path in bodies:
            for service in services if number % 2 == 0 else services[::-1]:
                print(f"  round {number + 1} of {options.rounds}: {path} of the {service.name}", file=sys.stderr)
                before = _cpu(service.process.pid), _cpu(postmaster)
                answer = _ask(service, path, bodies[path], options.seconds)
                spent = _cpu(service.process.pid) - before[0], _cpu(postmaster) - before[1]
                answer |= {
                    "rate": answer["requests"] / answer["seconds"],
                    "server_ms": spent[0] / answer["requests"] * 1000,
                    "database_ms": spent[1] / answer["requests"] * 1000,
                }
                rounds[path][service.name].append(answer)
    return {path: _summary(by_service) for path, by_service in rounds.items()}


def _summary(by_service: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    names = ("rate", "p50_ms", "p99_ms", "server_ms", "database_ms")
    middle = {
        service: {name: round(statistics.median(answer[name] for answer in answers), 2) for name in names}
        for service, answers in by_service.items()
    }
    ratio = middle["shop"]["rate"] / middle["floor"]["rate"]
    cpu = sum(middle["floor"][n] for n in names[3:]) / sum(middle["shop"][n] for n in names[3:])
    return {**middle, "ratio": round(ratio, 2), "cpu_ratio": round(cpu, 2)}


def _ask(service: Service, path: str, bodies: list[str], seconds: float) -> dict[str, float]:
    job = {"host": "127.0.0.1", "port": service.port, "path": path, "token": service.token, "bodies": bodies}
    told = json.dumps(job | {"connections": CONNECTIONS, "seconds": seconds})
    program = [PYTHON, "-m", "tests.benchmarks.load"]
    done = subprocess.run(program, input=told, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"The clients of {service.name} failed: {done.stderr}")
    answer: dict[str, float] = json.loads(done.stdout)
    if answer["failed"]:
        raise SystemExit(f"{path} of the {service.name}: {answer['failed']} requests failed, the first: {done.stderr}")
    return answer


def _show(found: dict[str, Any], sealing: dict[str, float]) -> None:
    head = ("", "requests/s", "p50 ms", "p99 ms", "CPU server", "CPU database")
    print("\n{:32}{:>12}{:>9}{:>9}{:>12}{:>14}".format(*head))
    for path, figures in found.items():
        for name in ("shop", "floor"):
            row = figures[name]
            print(
                f"{path + ' ' + name:32}{row['rate']:>12.0f}{row['p50_ms']:>9.1f}{row['p99_ms']:>9.1f}"
                f"{row['server_ms']:>10.2f}ms{row['database_ms']:>12.2f}ms"
            )
        print(f"{'':32}the shop's rate is {figures['ratio']} of the floor's; by CPU a request {figures['cpu_ratio']}")
    print(f"\nSealing afterwards, by the worker: {sealing['events']:.0f} events in {sealing['seconds']:.1f} s")


# The two services


def _prepare(url: str, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Two databases with the same products; the SKUs, and the shop's environment."""
    with psycopg.connect(url, dbname="postgres", autocommit=True) as connection:
        for name in ("shop", "floor"):
            connection.execute(f"CREATE DATABASE {name}")
    environment = os.environ | {
        "ENV": "development",
        "DATABASE_URL": url,
        "VAR_DIR": str(folder),
        "DEMO_PASSWORD": PASSWORD,
        "RATE_LIMIT_USER": "off",
        "RATE_LIMIT_ANONYMOUS": "off",
        "ACCESS_TOKEN_MINUTES": "600",
        "API_PORT": str(_free_port()),
        "SHOP_TIMEZONE": "Europe/London",
        "AUDIT_DB_URL": "",
        "TASKS_BACKEND": "database",
        "CACHE_URL": "",
        "ADMIN_SECOND_FACTOR": "off",
    }
    keys = _run([PYTHON, "manage.py", "make_keys"], environment)
    environment |= dict(line.split("=", 1) for line in keys.splitlines())
    for command in ("migrate", "load_demo"):
        _run([PYTHON, "manage.py", command, "-v", "0"], environment)
    production = {
        "ENV": "production",
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL_REDIRECT": "false",
        "CORS_ALLOWED_ORIGINS": "https://shop.example",
        "AUDIT_LOG_PATH": str(folder / "logs" / "audit.log"),
    }
    with psycopg.connect(url, dbname="shop") as shop:
        rows = shop.execute(
            "SELECT p.sku, p.name, p.list_price, p.tax_rate, l.on_hand FROM inventory_product p"
            " JOIN inventory_stocklevel l ON l.product_id = p.id ORDER BY p.sku"
        ).fetchall()
    with psycopg.connect(url, dbname="floor") as connection:
        connection.execute(floor.SCHEMA)  # type: ignore[arg-type]
        for sku, name, price, tax, on_hand in rows:
            added = "INSERT INTO product (sku, name, price, tax) VALUES (%s, %s, %s, %s) RETURNING id"
            (product,) = connection.execute(added, [sku, name, price, tax]).fetchone() or (0,)
            connection.execute(
                "INSERT INTO level (product_id, location, on_hand) VALUES (%s, 'A-01-01', %s)", [product, on_hand]
            )
        connection.execute("INSERT INTO rule (min_quantity, percent) VALUES (10, 10)")
    return [row[0] for row in rows], environment | production


@contextmanager
def _shop(environment: dict[str, str]) -> Iterator[Service]:
    port = int(environment["API_PORT"])
    code = (
        "from orchestrator.management.commands.serve import web_command\n"
        f"import json; print(json.dumps(web_command({PROCESSES})))"
    )
    command = json.loads(_shell(code, environment))
    with _serving("shop", command, port, environment) as process:
        login = json.dumps({"username": "owner", "password": PASSWORD}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/auth/token", login, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            token = json.load(answer)["access"]
        yield Service("shop", port, token, process)


@contextmanager
def _floor(url: str) -> Iterator[Service]:
    secret, port = secrets.token_hex(32), _free_port()
    dsn = psycopg.conninfo.make_conninfo(url, dbname="floor")
    command = [PYTHON, "-m", "uvicorn", "tests.benchmarks.floor:app", "--port", str(port)]
    command += ["--workers", str(PROCESSES), "--no-access-log", "--log-level", "warning"]
    with _serving("floor", command, port, os.environ | {"FLOOR_DSN": dsn, "FLOOR_SECRET": secret}) as process:
        token = jwt.encode({"sub": "USER123", "exp": datetime.now(UTC) + timedelta(hours=9)}, secret, "HS256")
        yield Service("floor", port, token, process)


@contextmanager
def _serving(
    name: str, command: list[str], port: int, environment: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(300):
            if process.poll() is not None:
                raise SystemExit(f"The {name} did not start: {' '.join(command)}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        time.sleep(2)  # all its processes
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _sealing(environment: dict[str, str]) -> dict[str, float]:
    """What the worker does with the events afterwards."""
    code = (
        "import time\n"
        "from audit.sealing import seal\n"
        "began = time.perf_counter(); sealed = 0\n"
        "while made := seal():\n    sealed += made\n"
        "print(sealed, time.perf_counter() - began)"
    )
    events, seconds = _shell(code, environment).split()
    return {"events": float(events), "seconds": float(seconds)}


def _shell(code: str, environment: dict[str, str]) -> str:
    return _run([PYTHON, "manage.py", "shell", "-v", "0", "-c", code], environment)


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# CPU


def _postmaster(url: str) -> int:
    with psycopg.connect(url, dbname="postgres") as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    return int((Path(folder) / "postmaster.pid").read_text().split()[0])


def _cpu(root: int) -> float:
    """Seconds of CPU of a process, its descendants, and those of them that have ended."""
    parents: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(rest[1]), []).append(pid)
        used[pid] = sum(map(int, rest[11:15])) / TICK
    family, total = [root], 0.0
    while family:
        member = family.pop()
        total += used.get(member, 0)
        family += parents.get(member, [])
    return total


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ServerError as problem:
        sys.exit(str(problem))
