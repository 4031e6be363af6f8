"""What a chain of records can't show: that nothing was left out of it, or changed past it.

Each app defines its checks in a `completeness` module with `@check`; `completeness_run` makes them all, from one
snapshot of the database.
"""

from . import histories, roles  # noqa: F401  (they define checks)
from .checks import Gap, Look, check, checks, entries_merged
from .running import completeness_run, gaps_found, last_run

__all__ = ["Gap", "Look", "check", "checks", "completeness_run", "entries_merged", "gaps_found", "last_run"]
