"""Other processes at the same database: those of the shop, and programs of the tests."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from tests import ROOT

PROGRAMS = Path(__file__).parent / "programs"


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that works on this test's database."""
    database = connection.settings_dict
    where = {"DATABASE_URL": "", "TEST_DATABASE_URL": ""}
    if connection.vendor == "postgresql":
        login = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        where["TEST_DATABASE_URL"] = f"postgresql://{login}/{database['NAME']}"
    else:
        where["DATABASE_URL"] = f"sqlite:///{database['NAME']}"
    told = {"ENV": "test", "VAR_DIR": str(settings.VAR_DIR), "PYTHONPATH": str(ROOT)}
    return os.environ | where | told | {"DJANGO_SETTINGS_MODULE": "shop_assistant.settings.test"} | more


class Program:
    """A Python process; killed at the end of the `with` block if it still runs."""

    def __init__(self, *arguments: str | Path, **more: str) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (a pipe that nobody reads would block it one day)
        self.process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env=environment(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def logged(self) -> str:
        """Its standard error so far."""
        self.errors.seek(0)
        return self.errors.read()

    def wait_until(self, condition: Callable[[], Any], *, seconds: float = 60) -> None:
        """Wait for something it does; fail at once when it ends first."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None or condition(), f"ended: {self.logged()[-3000:]}"
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.logged()[-3000:]}"
            time.sleep(0.05)

    def wait_for_line(self, expected: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == expected, self.logged()[-3000:]

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """What it prints last, as JSON, when it has ended."""
        out, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, self.logged()[-3000:]
        return json.loads(out)

    def stop(self) -> str:
        """End it as a supervisor would; everything it logged."""
        self.process.terminate()
        self.process.communicate(timeout=30)
        return self.logged()


def worker(**more: str) -> Program:
    return Program("manage.py", "worker", "--interval", "0.1", **more)


def experimenter(operation: str, context: dict[str, Any], **more: str) -> Program:
    """A process that asks the laboratory, or takes up one of its tasks (see experimenter.py)."""
    return Program(PROGRAMS / "experimenter.py", operation, json.dumps(context), **more)
