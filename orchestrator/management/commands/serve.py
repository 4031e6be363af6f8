"""`make run`: the whole shop in one terminal."""

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from audit.checkpoints import key_check_if_there
from orchestrator.demo import another_shop
from orchestrator.demo.staff import PUBLIC_IDS, demo_password
from orchestrator.running import InUse, at_work
from orchestrator.upgrading import upgrade
from shop_assistant.commands import ShopCommand
from shop_assistant.measuring import FOLDER, clean_folder

STOP_SECONDS = 15
PR_SET_PDEATHSIG = 1


class Command(ShopCommand):
    help = (
        "Bring the shop up: migrate, load the demo (in development, once, into an empty shop), start web server and "
        "worker, stop both on Ctrl-C. One that dies is started again."
    )
    examples = """\
  manage.py serve
  manage.py serve --no-demo           an empty shop
  API_PORT=8080 manage.py serve
  manage.py serve --no-worker         workers run elsewhere: manage.py worker
"""

    shows_log = logging.NOTSET

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="an empty shop")
        parser.add_argument("--no-worker", action="store_true", help="the web server alone")
        parser.add_argument("--web-workers", type=int, default=2, help="processes of the web server")

    def handle(self, *args: Any, **options: Any) -> None:
        key_check_if_there()
        _check_port()
        try:
            with at_work():
                self._serve(options)
        except InUse:
            raise CommandError("A backup is being restored just now: start the shop when that is done.") from None

    def _serve(self, options: dict[str, Any]) -> None:
        upgrade()
        demo = settings.ENV == "development" and not options["no_demo"] and not another_shop()
        if demo:
            call_command("load_demo", stdout=self.stdout)
        os.environ[FOLDER] = str(settings.METRICS_DIR)
        clean_folder(settings.METRICS_DIR)
        programs = _programs(options["web_workers"])
        if options["no_worker"]:
            del programs["worker"]
        _Family(programs, lambda: self._greet(demo)).run()

    def _greet(self, demo: bool) -> None:
        host = "localhost" if settings.API_HOST in ("0.0.0.0", "127.0.0.1", "::") else settings.API_HOST  # noqa: S104
        address = inside = f"http://{host}:{settings.API_PORT}"
        if settings.ENV == "production":
            address = f"https://{settings.ALLOWED_HOSTS[0].lstrip('.')}"
        self.stdout.write(f"\n{settings.SHOP_NAME} is open.")
        self.stdout.write(f"  Admin     {address}/admin/")
        self.stdout.write(f"  API docs  {address}/docs")
        self.stdout.write(f"  API       {address}/api/")
        if address != inside:
            self.stdout.write(f"  Inside    {inside} for the proxy, /metrics and /health/ready")
        if demo:
            self.stdout.write(f"  Users     {', '.join(role.value for role in PUBLIC_IDS)}")
            self.stdout.write(f"  Password  {demo_password()}")
        self.stdout.write("Stop it with Ctrl-C.\n")
        self.stdout.flush()


def web_command(workers: int) -> list[str]:
    """The production web server, as it is started here and measured by `make bench`."""
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--log-level", "warning"]
    web += ["--host", settings.API_HOST, "--port", str(settings.API_PORT)]
    web += ["--workers", str(workers), "--blocking-threads", "4", "--respawn-failed-workers"]
    return [*web, "shop_assistant.wsgi:application"]


def _check_port() -> None:
    """The web server shares its port with its own processes, and so it would with another shop's.

    :raises CommandError: when somebody listens there.
    """
    family = socket.AF_INET6 if ":" in settings.API_HOST else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was left a moment ago is free
        try:
            probe.bind((settings.API_HOST, settings.API_PORT))
        except OSError as error:
            raise CommandError(
                f"Port {settings.API_PORT} of {settings.API_HOST} can't be had ({error.strerror}): is the shop running "
                "already? Stop what is there, or set API_PORT."
            ) from None


def _programs(web_workers: int) -> dict[str, list[str]]:
    return {
        "web": web_command(web_workers),
        "worker": [sys.executable, "manage.py", "worker"],
    }


class _Family:
    """Child processes that live and die together."""

    def __init__(self, programs: dict[str, list[str]], ready: Any) -> None:
        self._programs, self._ready = programs, ready
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        for name in self._programs:
            self._start(name)
        try:
            self._await_port()
            self._ready()
            self._watch()
        finally:
            self._end()

    def _start(self, name: str) -> None:
        self._children[name] = subprocess.Popen(  # noqa: S603  (our own programs)
            self._programs[name],
            cwd=settings.BASE_DIR,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop them in order
            preexec_fn=_die_with_parent,
        )

    def _await_port(self) -> None:
        """:raises CommandError: when the web server can't start, the port being taken for example."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.API_HOST, settings.API_HOST)  # noqa: S104
        for _ in range(300):
            if self._children["web"].poll() is not None:
                raise CommandError(f"The web server did not start; is port {settings.API_PORT} taken? Set API_PORT.")
            try:
                socket.create_connection((host, settings.API_PORT), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise CommandError("The web server did not answer within 30 s.")

    def _watch(self) -> None:
        while not self._stopping:
            for name, child in list(self._children.items()):
                if child.poll() is not None and not self._stopping:
                    print(f"The {name} process ended ({child.returncode}); starting it again.", file=sys.stderr)
                    _kill_group(child)
                    time.sleep(1)
                    self._start(name)
            time.sleep(0.2)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _end(self) -> None:
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                print(f"A process did not stop within {STOP_SECONDS} s; killed.", file=sys.stderr)
            _kill_group(child)


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    """What a killed child leaves behind: the web server's own workers would go on serving."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _die_with_parent() -> None:
    """Should this process be killed outright, its children go too (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
