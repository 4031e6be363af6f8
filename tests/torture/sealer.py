"""A sealer and checkpointer in a process of its own, which dies by its own hand where it is told to.

Environment: TORTURE_ORDER names a file; when a stage stands in it, the process removes it and kills itself at that
stage. TORTURE_NO_LOCK=1 takes the lock between sealers away.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import DatabaseError, connections  # noqa: E402

from audit import checkpoints, sealing  # noqa: E402
from audit.anchors.keeping import anchor_due  # noqa: E402

STAGES = (
    "before the audit commit",
    "before the mark",
    "after the mark",
    "before a checkpoint's commit",
    "before its anchor",
    "after its anchor",
)
ORDER = Path(os.environ.get("TORTURE_ORDER", "/nonexistent"))


def reached(stage: str) -> None:
    """Die here, if that was ordered."""
    try:
        if ORDER.read_text() == stage:
            ORDER.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
    except FileNotFoundError:
        return


class Stages:
    """Where the process is, told by the commits on the audit database."""

    working_on = ""

    def watch(self) -> None:
        connection: Any = connections[settings.AUDIT_DATABASE]
        commit: Callable[[], None] = connection._commit

        def watched() -> None:
            reached({"seal": STAGES[0], "checkpoint": STAGES[3]}.get(self.working_on, ""))
            commit()
            reached({"seal": STAGES[1], "checkpoint": STAGES[4]}.get(self.working_on, ""))

        connection._commit = watched


def unlock() -> None:
    """Two sealers may work at once: what keeps them from making a fork then are the log's own constraints."""
    sealing.lock = checkpoints.lock = lambda: None
    connection: Any = connections[settings.AUDIT_DATABASE]
    if connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["transaction_mode"] = "DEFERRED"


def main() -> None:
    if os.environ.get("TORTURE_NO_LOCK"):
        unlock()
    stages = Stages()
    stages.watch()
    while True:
        try:
            stages.working_on = "seal"
            if sealing.seal(batches=1):
                reached(STAGES[2])
            stages.working_on = "checkpoint"
            if ORDER.exists() or checkpoints.checkpoint_due():
                checkpoints.checkpoint_write()
                stages.working_on = ""
                anchor_due(quick=True)
                reached(STAGES[5])
        except (DatabaseError, sealing.LogRefused, OSError):
            connections.close_all()
            time.sleep(0.2)
        except Exception as error:  # a pool that can't connect raises its own kind
            if "Pool" not in type(error).__name__:
                raise
            time.sleep(0.2)
        stages.working_on = ""
        time.sleep(0.05)


if __name__ == "__main__":
    main()
