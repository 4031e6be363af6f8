"""Finding what was bent: reads everything in order, in constant memory, and changes nothing."""

from audit.tiles import log_size

from .everything import verify_all
from .outbox import verify_outbox
from .problem import Problem
from .records import verify_records
from .triggers import verify_triggers

__all__ = ["Problem", "log_size", "verify_all", "verify_outbox", "verify_records", "verify_triggers"]
