"""What will be sold and what to order."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline, ShopAdmin
from audit.admin_columns import EMPTY, badge, neat
from inventory.models import Forecast, ForecastChunk, ForecastRun, ReorderPolicy, ReorderTarget


@admin.register(ReorderPolicy)
class ReorderPolicyAdmin(ShopAdmin):
    list_display = ("product", "service_level", "review_days", "reorder_point", "pack_size", "minimum_order")
    search_fields = ("product__sku", "product__name")
    autocomplete_fields = ("product",)


@admin.register(Forecast)
class ForecastAdmin(ReadOnlyAdmin):
    list_display = ("product", "made_on", "units", "between", "kind", "method")
    list_filter = ("kind", "method")
    search_fields = ("product__sku", "product__name")

    @display(description="Units in 28 days", ordering="expected")
    def units(self, forecast: Forecast) -> str:
        return _tenths(forecast.expected)

    @display(description="In nine of ten cases", ordering="high")
    def between(self, forecast: Forecast) -> str:
        return f"{_tenths(forecast.low)} to {_tenths(forecast.high)}"


class ForecastChunkInline(ReadOnlyInline):
    model = ForecastChunk
    fields = ("first_product", "last_product", "lease_until", "done_at")
    verbose_name_plural = "parts, each a task of a worker"


@admin.register(ForecastRun)
class ForecastRunAdmin(ReadOnlyAdmin):
    list_display = ("made_on", "state", "products", "forecasts", "reorder_points", "created_at", "took")
    ordering = ("-made_on",)
    fields = (
        "made_on", "state", "products", "forecasts", "reorder_points", "created_at", "finished_at", "took", "methods",
    )  # fmt: skip
    readonly_fields = ("state", "took", "methods")
    inlines = (ForecastChunkInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(chunks_made=Count("chunks"))

    @display(description="State")
    def state(self, run: Any) -> Any:
        if run.finished_at:
            return badge("finished", "success")
        return badge(f"{run.chunks_made - run.chunks_left} of {run.chunks_made} parts", "info")

    @display(description="Took")
    def took(self, run: ForecastRun) -> str:
        if run.finished_at is None:
            return EMPTY
        minutes, seconds = divmod(round((run.finished_at - run.created_at).total_seconds()), 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

    @display(description="Methods")
    def methods(self, run: ForecastRun) -> str:
        """Of the forecasts it made that are still the latest of their product."""
        found = Forecast.objects.filter(made_on=run.made_on).order_by().values_list("method")
        counts = found.annotate(count=Count("pk")).order_by("-count", "method")
        return ", ".join(f"{method} {count:,}" for method, count in counts) or EMPTY


@admin.register(ReorderTarget)
class ReorderTargetAdmin(ReadOnlyAdmin):
    list_display = ("product", "reorder_point", "order_up_to", "made_on")
    search_fields = ("product__sku", "product__name")


def _tenths(units: Decimal) -> str:
    return neat(round(units, 1), 1)
