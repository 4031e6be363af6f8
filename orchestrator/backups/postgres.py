"""PostgreSQL's own programs, and connections beside Django's."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import psycopg
from django.db import connections
from psycopg import pq
from psycopg.conninfo import make_conninfo

from .errors import BackupError

CHUNK = 1 << 20
Progress = Callable[[int], object]
"""Called with the bytes done since it was last called."""


def parameters(alias: str, *, database: str | None = None) -> dict[str, Any]:
    """What libpq needs to connect as the shop does, perhaps to another database of that server."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    told = connections[alias].get_connection_params()
    own = {name: value for name, value in told.items() if name in known}
    return own | ({"dbname": database} if database else {})


def connect(alias: str, *, database: str | None = None, autocommit: bool = False) -> psycopg.Connection[Any]:
    """:raises BackupError:"""
    told = parameters(alias, database=database)
    try:
        return psycopg.connect(**told, autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise BackupError(f"Can't connect to the database {told['dbname']}: {_first_line(error)}") from None


def dump(alias: str, snapshot: str, sink: Callable[[bytes], object], progress: Progress, *, server: int) -> None:
    """Run pg_dump on a snapshot that another connection holds open; what it writes goes to `sink`.

    :raises BackupError:
    """
    options = ["--format=custom", "--no-owner", "--no-privileges", "--no-unlogged-table-data"]
    with TemporaryFile() as said:
        process = _start(
            "pg_dump", server, alias, [*options, f"--snapshot={snapshot}"], stdout=subprocess.PIPE, said=said
        )
        try:
            assert process.stdout is not None  # noqa: S101  (it is a pipe)
            while block := process.stdout.read(CHUNK):
                sink(block)
                progress(len(block))
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
        _check("pg_dump", code, said)


def load(alias: str, database: str, source: IO[bytes], progress: Progress, *, server: int) -> None:
    """Run pg_restore into an empty database.

    :raises BackupError:
    """
    options = ["--no-owner", "--no-privileges", "--exit-on-error"]
    with TemporaryFile() as said:
        process = _start("pg_restore", server, alias, options, stdin=subprocess.PIPE, said=said, database=database)
        try:
            assert process.stdin is not None  # noqa: S101  (it is a pipe)
            while block := source.read(CHUNK):
                process.stdin.write(block)
                progress(len(block))
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended early, and has said why
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
        _check("pg_restore", code, said)


def _start(
    name: str,
    server: int,
    alias: str,
    options: list[str],
    *,
    said: IO[bytes],
    database: str | None = None,
    **pipes: Any,
) -> "subprocess.Popen[bytes]":
    told = parameters(alias, database=database)
    secret = {"PGPASSWORD": str(told.pop("password"))} if told.get("password") else {}
    command = [str(program(name, server)), *options, f"--dbname={make_conninfo(**told)}"]
    return subprocess.Popen(command, stderr=said, env=os.environ | secret, **pipes)  # noqa: S603  (PostgreSQL's own)


def _check(name: str, code: int, said: IO[bytes]) -> None:
    if code:
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
        raise BackupError(f"{name} failed: {lines[0] if lines else f'exit code {code}'}")


def program(name: str, server: int) -> Path:
    """The installed one that fits this server: of its own major version, or else the next newer.

    :raises BackupError:
    """
    found = {_major(path): path for path in _candidates(name)}
    fitting = [major for major in found if major >= server]
    if not fitting:
        have = f"the newest here is {max(found)}" if found else "there is none here"
        raise BackupError(
            f"The server is PostgreSQL {server}, and {have}: install postgresql-client-{server} ({name})."
        )
    return found[min(fitting)]


def _candidates(name: str) -> list[Path]:
    in_path = shutil.which(name)
    return [*Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), *([Path(in_path)] if in_path else [])]


@cache
def _major(path: Path) -> int:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"\) (\d+)", told)
    return int(found[1]) if found else 0


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
