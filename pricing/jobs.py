"""Putting planned prices into force."""

from shop_assistant.agents.jobs import every

from .services import price_changes_apply_due


@every(seconds=10)
def apply_prices() -> int:
    return len(price_changes_apply_due())
