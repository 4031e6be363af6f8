"""The shop's processes: started, killed at any moment, started again."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests import ROOT

from .places import Places

PYTHON = sys.executable
SEALER, JUDGE = (str(Path(__file__).parent / name) for name in ("sealer.py", "judge.py"))
STAGES = (
    "before the audit commit",
    "before the mark",
    "after the mark",
    "before a checkpoint's commit",
    "before its anchor",
    "after its anchor",
)
VICTIMS = {"web process": 5, "web server": 2, "worker": 5, "sealer": 3, **dict.fromkeys(STAGES, 2)}
"""What is killed, and how often beside the others; a sealer also by its own hand at the stages of its work."""


class Shop:
    def __init__(self, places: Places, log: Path) -> None:
        self.places, self.killed = places, Counter[str]()
        self._log, self._order = log.open("ab"), places.folder / "order"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, tuple[list[str], dict[str, str]]] = {}
        self._open, self._lock = False, threading.Lock()

    def open(self, *, web_processes: int) -> None:
        web = json.loads(self.run(JUDGE, "open", TORTURE_WEB=str(web_processes)))["web"]
        worker = [PYTHON, "manage.py", "worker", "--interval", "0.2"]
        self._commands = {"web": (web, {}), "worker": (worker, {})}
        self.add_sealer("sealer")
        self._open = True
        threading.Thread(target=self._look_after, daemon=True).start()
        self.wait_until_ready()

    def add_sealer(self, name: str, **more: str) -> None:
        self._commands[name] = ([PYTHON, SEALER], {"TORTURE_ORDER": str(self._order), **more})

    def remove(self, name: str) -> None:
        with self._lock:
            del self._commands[name]
            self._kill(name)

    def run(self, *command: str, **more: str) -> str:
        """What a program of the shop's prints last."""
        with self.program(*command, **more) as program:
            out, errors = program.communicate()
        if program.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {errors[-3000:]}")
        return str(out).splitlines()[-1]

    def program(self, *command: str, **more: str) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        environment = self.places.environment(**more)
        return subprocess.Popen(
            [PYTHON, *command], env=environment, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    def close(self) -> None:
        self._open = False
        with self._lock:
            for name in list(self._running):
                self._kill(name)
        self._log.close()

    def kill(self, rnd: random.Random) -> str:
        """Kill one of the processes; which."""
        victim = rnd.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        if victim in STAGES:
            self._order.write_text(victim)
            until = time.monotonic() + 6
            while self._order.exists() and time.monotonic() < until:
                time.sleep(0.05)
            if self._order.exists():  # the sealer never comes so far just now
                self._order.unlink(missing_ok=True)
                victim = "sealer"
        with self._lock:
            if victim == "web process":
                self._kill_one_of_web(rnd)
            elif victim in ("web server", "worker", "sealer"):
                self._kill(victim.removesuffix(" server"))
        self.killed[victim] += 1
        return victim

    def kill_who_seal(self) -> None:
        """Those that hold the audit database's file open."""
        with self._lock:
            for name in ("worker", "sealer"):
                self._kill(name)
                self.killed[name] += 1

    def wait_until_ready(self) -> None:
        for _ in range(600):
            with (
                suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{self.places.port}/health/ready") as answer,
            ):
                if answer.status == 200:
                    return
            time.sleep(0.2)
        raise RuntimeError(f"the shop did not open: see {self._log.name}")

    def _look_after(self) -> None:
        while self._open:
            with self._lock:
                for name, (command, more) in list(self._commands.items()):
                    running = self._running.get(name)
                    if self._open and (running is None or running.poll() is not None):
                        self._kill(name)
                        self._running[name] = subprocess.Popen(
                            command, env=self.places.environment(**more), cwd=ROOT, stdin=subprocess.DEVNULL,
                            stdout=self._log, stderr=self._log, start_new_session=True,
                        )  # fmt: skip
            time.sleep(0.1)

    def _kill(self, name: str) -> None:
        """Outright, and what it has started with it."""
        if process := self._running.pop(name, None):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _kill_one_of_web(self, rnd: random.Random) -> None:
        web = self._running.get("web")
        if web and (children := _children(web.pid)):
            with suppress(ProcessLookupError):
                os.kill(rnd.choice(children), signal.SIGKILL)


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return sorted(found)
