"""All that can be verified, part by part."""

from collections.abc import Callable, Iterator

from django.conf import settings

from .outbox import verify_outbox
from .problem import Problem
from .reading import in_turn, two_processes
from .records import verify_records
from .statements import Statements
from .triggers import verify_triggers


def verify_all(
    *, anchored: bool = True, two: bool = False, progress: Callable[[int], object] = lambda count: None
) -> Iterator[Problem]:
    """Records with their tiles, checkpoints and anchors; the outbox behind them; the triggers that guard them.

    :param anchored: compare with what the anchors hold.
    :param two: let a second process help, which pays from some ten thousand records on.
    :param progress: is told how many records more were read.
    """
    look = two_processes if two else in_turn
    yield from verify_records(look=look, statements=Statements(anchored=anchored), progress=progress)
    yield from verify_outbox(outside=anchored)
    for alias in settings.DATABASES:
        yield from verify_triggers(alias)
