"""What will be sold and what to order."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter

from audit.admin_base import ReadOnlyAdmin, ShopAdmin, TabularInline
from audit.admin_filters import DayRangeFilter
from inventory.models import Forecast, PurchaseOrder, PurchaseOrderLine, ReorderPolicy, ReorderTarget
from inventory.services import next_reference


@admin.register(ReorderPolicy)
class ReorderPolicyAdmin(ShopAdmin):
    list_display = ("product", "service_level", "review_days", "reorder_point", "pack_size", "minimum_order")
    search_fields = ("product__sku", "product__name")
    autocomplete_fields = ("product",)


class PurchaseOrderLineInline(TabularInline):
    model = PurchaseOrderLine
    fields = ("product", "quantity", "unit_cost")
    autocomplete_fields = ("product",)
    extra = 0


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ShopAdmin):
    list_display = ("reference", "supplier", "status", "currency", "created_at", "user_id")
    list_filter = ("status", ("supplier", RelatedDropdownFilter), ("created_at", DayRangeFilter))
    list_filter_submit = True
    search_fields = ("reference", "supplier__name", "lines__product__sku")
    search_help_text = "purchase order, supplier or SKU, in part"
    autocomplete_fields = ("supplier",)
    fields = ("reference", "supplier", "status", "currency", "created_at", "user_id", "task_id")
    readonly_fields = ("reference", "created_at", "user_id", "task_id")
    inlines = (PurchaseOrderLineInline,)

    def save_model(self, request: HttpRequest, obj: PurchaseOrder, form: Any, change: bool) -> None:
        if not change:
            obj.reference = next_reference(prefix="PO")
            obj.user_id = getattr(request.user, "public_id", "")
        super().save_model(request, obj, form, change)


@admin.register(Forecast)
class ForecastAdmin(ReadOnlyAdmin):
    list_display = ("product", "horizon_days", "made_on", "expected", "low", "high", "method")
    list_filter = ("method", "horizon_days")
    search_fields = ("product__sku", "product__name")


@admin.register(ReorderTarget)
class ReorderTargetAdmin(ReadOnlyAdmin):
    list_display = ("product", "reorder_point", "order_up_to", "made_on")
    search_fields = ("product__sku", "product__name")
