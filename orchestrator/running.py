"""Who works on the shop's data on this host: a shared lock on a file in VAR_DIR while a web server or worker runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path

from django.conf import settings


class InUse(Exception):
    """Another process of this host holds what is asked for."""


@contextmanager
def at_work() -> Iterator[None]:
    """:raises InUse: while a backup is being restored."""
    with _locked(LOCK_SH):
        yield


@contextmanager
def alone() -> Iterator[None]:
    """:raises InUse: while a web server or worker of this host runs on the same data."""
    with _locked(LOCK_EX):
        yield


@contextmanager
def _locked(kind: int) -> Iterator[None]:
    path = Path(settings.VAR_DIR) / "running.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            flock(file, kind | LOCK_NB)
        except BlockingIOError:
            raise InUse from None
        yield  # closing the file, or dying, gives the lock back
