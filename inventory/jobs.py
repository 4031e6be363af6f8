"""Keeping the forecasts and reorder points of the day."""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.utils import timezone

from shop_assistant.agents.jobs import every

from .models import Forecast


@every(seconds=1800)
def forecast_daily() -> bool:
    """Once a day, whenever the first worker finds yesterday's sales not yet in."""
    yesterday = timezone.localdate() - timedelta(days=1)
    if Forecast.objects.filter(made_on=yesterday).exists():
        return False
    call_command("inventory_forecast", stdout=StringIO())
    return True
