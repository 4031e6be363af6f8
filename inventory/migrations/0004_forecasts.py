from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Stored forecasts lack what they have from now on, so they go; the next night makes them again."""

    dependencies: ClassVar = [("inventory", "0003_compliance")]

    operations: ClassVar = [
        migrations.DeleteModel("Forecast"),
        migrations.CreateModel(
            name="Forecast",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_on", models.DateField(help_text="the last day of history it rests on")),
                ("method", models.CharField(help_text="the one with the most weight", max_length=40)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("smooth", "Smooth"),
                            ("erratic", "Erratic"),
                            ("intermittent", "Intermittent"),
                            ("lumpy", "Lumpy"),
                        ],
                        help_text="of demand, by its gaps and its spread",
                        max_length=12,
                    ),
                ),
                ("expected", models.DecimalField(decimal_places=3, help_text="units over 28 days", max_digits=13)),
                (
                    "low",
                    models.DecimalField(
                        decimal_places=3, help_text="lower end of the 90 % interval of that sum", max_digits=13
                    ),
                ),
                ("high", models.DecimalField(decimal_places=3, help_text="upper end", max_digits=13)),
                (
                    "daily",
                    models.JSONField(help_text="expected units of each of 28 days; the weeks after repeat them"),
                ),
                (
                    "quantiles",
                    models.JSONField(help_text="of the sum over any number of days, for forecasting.quantile_of_sum"),
                ),
                ("backtest", models.JSONField(help_text="error measures of the backtest, fractions")),
                ("history", models.JSONField(help_text="what it rests on: days, sale_days, units")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "product",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="forecast", to="inventory.product"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("low__gte", 0), ("low__lte", models.F("expected")), ("expected__lte", models.F("high"))
                        ),
                        name="forecast_interval_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["smooth", "erratic", "intermittent", "lumpy"])),
                        name="forecast_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ForecastRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_on", models.DateField(help_text="the last day of history it rests on", unique=True)),
                ("chunks_left", models.PositiveIntegerField()),
                ("products", models.PositiveIntegerField(help_text="looked at")),
                ("forecasts", models.PositiveIntegerField(default=0, help_text="made")),
                (
                    "reorder_points",
                    models.PositiveIntegerField(default=0, help_text="computed from them at its end"),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="ForecastChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_product", models.PositiveBigIntegerField(help_text="primary key")),
                ("last_product", models.PositiveBigIntegerField(help_text="primary key")),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, help_text="empty: nobody works on it", null=True),
                ),
                ("lease_token", models.UUIDField(blank=True, null=True)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="chunks", to="inventory.forecastrun"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("run", "first_product"), name="forecast_chunk_once_a_run"),
                ],
            },
        ),
    ]
