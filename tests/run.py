"""Runs the tests on SQLite and then, those that use the database, on PostgreSQL; says at the end what they ran on.

`make test` calls it.

PostgreSQL is the server that TEST_DATABASE_URL names (its user must be allowed to create databases), or else a
throw-away one made for this run, where the server's programs are installed. Arguments are passed on to pytest.

Exit code 0: every run passed. 1: one failed, or a server that is there could not be used.
"""

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg

OLDEST = 14
"""PostgreSQL 14 is the oldest that Django 5.2 and CREATE OR REPLACE TRIGGER work on."""

NOT_FOUND = (
    f"not tested: no PostgreSQL {OLDEST} or newer found (with pg_config, in /usr/lib/postgresql, in PATH); "
    "install it, or set TEST_DATABASE_URL"
)
SERVER_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "fsync": "off",  # it doesn't outlive this run
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "lock_timeout": "60s",  # a test that waits for ever fails instead
}
DURABLE = {name: SERVER_OPTIONS[name] for name in ("listen_addresses", "unix_socket_directories", "max_connections")}
"""Everything else as PostgreSQL has it: commits are flushed to disk."""


PLAIN = {"PATH": os.environ["PATH"], "LC_ALL": "C"}


class ServerError(Exception):
    """The server can't be used; the message says why."""


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    database = f"SQLite {sqlite3.sqlite_version}"
    outcome = {database: run_pytest(database, "", arguments)}
    try:
        with postgresql() as found:
            if found is None:
                outcome["PostgreSQL"] = NOT_FOUND
            else:
                url, where = found
                database = f"PostgreSQL {server_version(url)} ({where})"
                outcome[database] = run_pytest(database, url, ["--with-database", *arguments])
    except ServerError as problem:
        outcome["PostgreSQL"] = f"FAILED: {problem}"
    print("\nDatabases")
    for name, result in outcome.items():
        print(f"  {name}: {result}")
    return int(any(result.startswith("FAILED") for result in outcome.values()))


def run_pytest(name: str, url: str, arguments: list[str]) -> str:
    print(f"\nTests on {name}", flush=True)
    # Three for two cores: much of the time they wait, for other processes and for one another's locks.
    processes = str(min((os.cpu_count() or 1) * 3 // 2, 4))
    command = [sys.executable, "-m", "pytest", "-n", processes, "--dist", "worksteal", *arguments]
    process = subprocess.Popen(command, env=os.environ | {"TEST_DATABASE_URL": url})
    try:
        code = process.wait()
    except KeyboardInterrupt:  # the terminal has sent it to pytest too
        _wait_or_kill(process, seconds=30)
        raise
    except SystemExit:
        process.send_signal(signal.SIGINT)
        _wait_or_kill(process, seconds=30)
        raise
    return "passed" if code == 0 else f"FAILED (pytest ended with {code})"


@contextmanager
def postgresql() -> Iterator[tuple[str, str] | None]:
    """The URL of a server, and in words which one it is; None where there is none."""
    if url := os.environ.get("TEST_DATABASE_URL", "").strip():
        yield url, "TEST_DATABASE_URL"
    elif programs := server_programs():
        with throw_away_server(programs) as url:
            yield url, f"a throw-away server from {programs}"
    else:
        yield None


def server_programs() -> Path | None:
    """The folder of the newest initdb and postgres here."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin")]
    if shutil.which("pg_config"):
        asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        folders.append(Path(asked.stdout.strip()))
    if in_path := shutil.which("initdb"):
        folders.append(Path(in_path).resolve().parent)
    usable = [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]
    newest = max(usable, key=_major, default=None)
    return newest if newest and _major(newest) >= OLDEST else None


def _major(programs: Path) -> int:
    answer = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)", answer)
    return int(found[1]) if found else 0


@contextmanager
def throw_away_server(programs: Path, options: dict[str, str] = SERVER_OPTIONS) -> Iterator[str]:
    """A server of its own, on a free port of the loopback address, in a temporary folder. Both are gone afterwards."""
    owner = _server_owner()
    folder = Path(tempfile.mkdtemp(prefix="shop-postgres-", dir="/tmp" if owner else None))
    password = secrets.token_hex(16)
    identity: dict[str, Any] = {}
    try:
        (folder / "password").write_text(password)
        if owner:
            identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            for path in (folder, folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        _make_cluster(programs, folder, identity)
        with _serving(programs, folder, identity, options) as address:
            yield f"postgresql://shop:{password}@{address}/shop"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_cluster(programs: Path, folder: Path, identity: dict[str, Any]) -> None:
    access: list[str | Path] = ["-U", "shop", "--pwfile", folder / "password", "-A", "scram-sha-256"]
    made = subprocess.run(
        [programs / "initdb", "-D", folder / "data", *access, "-E", "UTF8", "--no-locale", "--no-sync"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=PLAIN,
        **identity,
    )
    if made.returncode:
        raise ServerError(f"initdb failed: {made.stderr.strip()}")


@contextmanager
def _serving(programs: Path, folder: Path, identity: dict[str, Any], options: dict[str, str]) -> Iterator[str]:
    port = _free_port()
    settings = [f"-c{name}={value}" for name, value in options.items()]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", "-p", str(port), *settings],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=PLAIN,
            start_new_session=True,  # Ctrl-C ends the tests first, then this
            **identity,
        )
    try:
        _wait_until_ready(process, port, folder / "log")
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)  # a "fast" shutdown
        _wait_or_kill(process, seconds=15)


def _server_owner() -> pwd.struct_passwd | None:
    """Whom to run it as: initdb refuses to work for root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerError("root may not run PostgreSQL, and there is neither a user postgres nor nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise ServerError(f"the throw-away server did not start: {log.read_text().strip()}")
        if "ready to accept connections" in log.read_text():
            return
        time.sleep(0.1)
    raise ServerError(f"the throw-away server on port {port} was not ready within 30 s: {log.read_text().strip()}")


def server_version(url: str) -> str:
    """:raises ServerError: when it can't be reached."""
    try:
        with psycopg.connect(url, dbname="postgres", connect_timeout=10) as connection:
            return f"{connection.info.server_version // 10000}.{connection.info.server_version % 10000}"
    except psycopg.Error as problem:
        raise ServerError(f"no connection: {problem}") from None


def _wait_or_kill(process: "subprocess.Popen[bytes]", *, seconds: int) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
