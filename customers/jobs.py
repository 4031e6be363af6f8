"""Letting go of what has been kept for its time, and telling the journal of erasures."""

from shop_assistant.agents.jobs import every

from .keeping import retention_apply
from .services import erasures_journal


@every(seconds=60)
def tell_journal() -> int:
    return erasures_journal()


@every(seconds=86_400)
def let_go() -> None:
    retention_apply()
