"""The processes of the torture, each a `manage.py inventory_torture` with its part."""

import json
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from tqdm import tqdm

COMING_UP, GRACE = 600, 120
"""Seconds that processes may take until all are there, and after their time until they have come to their end."""
GO = "go"


def shop_make(environment: dict[str, str]) -> None:
    _run(environment, "migrate", "--verbosity", "0")
    _run(environment, "inventory_torture", "--part", "fill")


def shop_torture(environment: dict[str, str], *, seconds: float, processes: int, seed: int) -> dict[str, Any]:
    """Torture a shop that is filled already: the judge's report."""
    shared = ["inventory_torture", "--seconds", str(seconds), "--seed", str(seed), "--processes", str(processes)]
    started = [_start(environment, *shared, "--part", "load", "--number", str(n)) for n in range(processes)]
    started.append(_start(environment, *shared, "--part", "watch"))
    _wait(Path(environment["TORTURE_FOLDER"]), started, seconds)
    _run(environment, *shared, "--part", "judge")
    report: dict[str, Any] = json.loads((Path(environment["TORTURE_FOLDER"]) / "report.json").read_text())
    return report


def begin(folder: Path, name: str) -> None:
    """Wait for the others: all begin at once, however long it took to come up."""
    (folder / f"{name}.ready").touch()
    until = monotonic() + COMING_UP
    while not (folder / GO).exists() and monotonic() < until:
        sleep(0.05)


def _wait(folder: Path, started: list["subprocess.Popen[bytes]"], seconds: float) -> None:
    """Those that do not come to their end are ended; what they leave is judged all the same."""
    until = monotonic() + COMING_UP
    while len(list(folder.glob("*.ready"))) < len(started) and monotonic() < until:
        if any(process.poll() is not None for process in started):
            break
        sleep(0.1)
    (folder / GO).touch()
    for _ in tqdm(range(int(seconds + GRACE)), unit="s", disable=not sys.stderr.isatty(), leave=False):
        if all(process.poll() is not None for process in started):
            return
        sleep(1)
    for process in started:
        process.kill()
        process.wait()


def _start(environment: dict[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    return subprocess.Popen(command, env=environment)  # noqa: S603  (ourselves)


def _run(environment: dict[str, str], *arguments: str) -> None:
    process = _start(environment, *arguments)
    if process.wait():
        raise CommandError(f"`{' '.join(arguments[:1])}` failed in the throw-away shop.")
