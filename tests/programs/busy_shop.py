"""A shop on two databases, at work while backups are taken: writers, a sealer, and backups to the files it is told.

Prints what was finished before each backup began: those effects must be in it.
"""

import json
import sys
import threading
import time

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from audit.sealing import seal  # noqa: E402
from orchestrator.demo import load_examples  # noqa: E402
from orchestrator.upgrading import upgrade  # noqa: E402
from shop_assistant.agents import call  # noqa: E402
from shop_assistant.agents.errors import TransientError  # noqa: E402

upgrade()
load_examples()
stop = threading.Event()
done: list[str] = []


def write() -> None:
    while not stop.is_set():
        try:
            call("inventory", "update", {"sku": "SKU001", "delta": 1})
            done.append("one more")
        except TransientError:
            continue  # SQLite has one writer at a time
    connections.close_all()


def keep_sealing() -> None:
    while not stop.is_set():
        seal(batches=1)
        time.sleep(0.01)
    connections.close_all()


threads = [threading.Thread(target=job) for job in (write, write, keep_sealing)]
for thread in threads:
    thread.start()
told = []
for path in sys.argv[1:]:
    time.sleep(0.7)
    before = len(done)
    call_command("backup", path, stdout=sys.stderr)
    told.append([before, len(done) + len(threads)])
stop.set()
for thread in threads:
    thread.join()
print(json.dumps(told))
