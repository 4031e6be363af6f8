"""Keeping the trail up to date."""

from django.utils import timezone

from shop_assistant.agents.jobs import every

from .sealing import seal
from .services import denials_flush


@every(seconds=1)
def seal_events() -> int:
    return seal()


@every(seconds=15)
def tell_denials() -> int:
    """Those of minutes that are over."""
    return denials_flush(until=timezone.now().replace(second=0, microsecond=0))
