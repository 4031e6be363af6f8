"""Keeping the forecasts, reorder points and values of the day, and telling of them."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shop_assistant.agents.jobs import every

from .models import StockValueMonth
from .services import chunks_waiting, run_plan, runs_finish
from .services.digest import digest_daily
from .services.valuation import value_months_refresh
from .tasks import chunk_enqueue


@every(seconds=600)
def forecast_daily() -> int:
    """Once a day, whenever the first worker finds yesterday's sales not yet in: a task for every thousand products.
    Later, tasks for those that were lost. How many tasks there are.
    """
    with transaction.atomic():
        run_plan(today=timezone.localdate())
        runs_finish()
        waiting = chunks_waiting()
        for chunk_id in waiting:
            chunk_enqueue(chunk_id)
    return len(waiting)


@every(seconds=1800)
def value_months_daily() -> int:
    """Once a day; how many months were computed."""
    now = timezone.now()
    last = StockValueMonth.objects.order_by("-made_at").first()
    if last and last.method == settings.VALUATION_METHOD and _same_day(last.made_at, now):
        return 0
    return value_months_refresh(now=now)


@every(seconds=600)
def digest_when_due() -> bool:
    return digest_daily(now=timezone.now())


def _same_day(one: datetime, other: datetime) -> bool:
    return timezone.localdate(one) == timezone.localdate(other)
