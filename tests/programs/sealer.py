"""A sealer in a process of its own: seals until it has seen so many records in the log.

    sealer.py RECORDS [no-lock | die-before-commit | die-before-mark]

It prints how many it added itself.
"""

import os
import signal
import sys
import time
from typing import Any

import django
from django.db import DatabaseError

django.setup()

from audit import sealing  # noqa: E402
from audit.verification import log_size  # noqa: E402

sealing.BATCH = 7


def die(*args: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(function: Any) -> Any:
    def dying(*args: Any, **kwargs: Any) -> Any:
        function(*args, **kwargs)
        die()

    return dying


def main(records: int, how: str) -> None:
    if how == "no-lock":
        sealing.lock = lambda: None
    elif how == "die-before-commit":
        sealing.rows_insert = die_after(sealing.rows_insert)
    elif how == "die-before-mark":
        sealing._append = die_after(sealing._append)
    added = 0
    deadline = time.monotonic() + 60
    while log_size() < records and time.monotonic() < deadline:
        try:
            added += sealing.seal(batches=1)
        except DatabaseError:  # another was faster; the next turn starts from where that one has left off
            time.sleep(0.001)
    print(added)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
