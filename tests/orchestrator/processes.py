"""Other processes at the same database: those of the shop, and programs of the tests."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from tests import ROOT

HERE = Path(__file__).parent


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that works on this test's database."""
    database = connection.settings_dict
    where = {"DATABASE_URL": "", "TEST_DATABASE_URL": ""}
    if connection.vendor == "postgresql":
        login = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        where["TEST_DATABASE_URL"] = f"postgresql://{login}/{database['NAME']}"
    else:
        where["DATABASE_URL"] = f"sqlite:///{database['NAME']}"
    return os.environ | where | {"ENV": "test", "VAR_DIR": str(settings.VAR_DIR), "PYTHONPATH": str(ROOT)} | more


def start(*arguments: str | Path, **more: str) -> "subprocess.Popen[str]":
    """Start a Python program; its standard output and error are to be read."""
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=environment(**more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_worker(**more: str) -> "subprocess.Popen[str]":
    return start("manage.py", "worker", "--interval", "0.1", **more)


def wait_until(condition: Callable[[], Any], *, seconds: float = 30, process: Any = None) -> None:
    """Wait for something another process does; fail at once when that process ends first."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process is not None and process.poll() is not None and not condition():
            raise AssertionError(f"the process ended ({process.returncode}): {process.stderr.read()[-3000:]}")
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.05)


def stop(process: "subprocess.Popen[str]") -> str:
    """End a process as Ctrl-C or a supervisor would; returns its standard error."""
    process.terminate()
    try:
        return process.communicate(timeout=20)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        raise
