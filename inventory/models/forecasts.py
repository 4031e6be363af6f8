"""Stored forecasts, and the nights' work that makes them."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from . import columns
from .catalog import Product


class Forecast(models.Model):
    """Demand expected for a product, stored so that reading it costs one query. It can be made again at any time."""

    class Kind(models.TextChoices):
        SMOOTH = "smooth"
        ERRATIC = "erratic"
        INTERMITTENT = "intermittent"
        LUMPY = "lumpy"

    product = models.OneToOneField(Product, on_delete=models.PROTECT, related_name="forecast")
    made_on = models.DateField(help_text="the last day of history it rests on")
    method = models.CharField(max_length=40, help_text="the one with the most weight")
    kind = models.CharField(max_length=12, choices=Kind, help_text="of demand, by its gaps and its spread")
    expected = columns.quantity(help_text="units over 28 days")
    low = columns.quantity(help_text="lower end of the 90 % interval of that sum")
    high = columns.quantity(help_text="upper end")
    daily = models.JSONField(help_text="expected units of each of 28 days; the weeks after repeat them")
    quantiles = models.JSONField(help_text="of the sum over any number of days, for forecasting.quantile_of_sum")
    backtest = models.JSONField(help_text="error measures of the backtest, fractions")
    history = models.JSONField(help_text="what it rests on: days, sale_days, units")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(low__gte=0) & Q(low__lte=F("expected")) & Q(expected__lte=F("high")),
                name="forecast_interval_in_order",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["smooth", "erratic", "intermittent", "lumpy"]), name="forecast_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"forecast of {self.product.sku}"


class ForecastRun(models.Model):
    """One night's forecasts of all products. Its chunks are done in parallel; who does the last one ends it."""

    made_on = models.DateField(unique=True, help_text="the last day of history it rests on")
    chunks_left = models.PositiveIntegerField()
    products = models.PositiveIntegerField(help_text="looked at")
    forecasts = models.PositiveIntegerField(default=0, help_text="made")
    reorder_points = models.PositiveIntegerField(default=0, help_text="computed from them at its end")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"forecasts of {self.made_on}"


class ForecastChunk(models.Model):
    """A thousand products of a run: one task of a worker. A lease tells of a worker that died."""

    run = models.ForeignKey(ForecastRun, on_delete=models.CASCADE, related_name="chunks")
    first_product = models.PositiveBigIntegerField(help_text="primary key")
    last_product = models.PositiveBigIntegerField(help_text="primary key")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="empty: nobody works on it")
    lease_token = models.UUIDField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "first_product"], name="forecast_chunk_once_a_run"),
        ]

    def __str__(self) -> str:
        return f"products {self.first_product} to {self.last_product}"
