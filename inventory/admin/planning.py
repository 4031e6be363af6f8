"""What will be sold and what to order."""

from django.contrib import admin

from audit.admin_base import ReadOnlyAdmin, ShopAdmin
from inventory.models import Forecast, ReorderPolicy, ReorderTarget


@admin.register(ReorderPolicy)
class ReorderPolicyAdmin(ShopAdmin):
    list_display = ("product", "service_level", "review_days", "reorder_point", "pack_size", "minimum_order")
    search_fields = ("product__sku", "product__name")
    autocomplete_fields = ("product",)


@admin.register(Forecast)
class ForecastAdmin(ReadOnlyAdmin):
    list_display = ("product", "made_on", "expected", "low", "high", "kind", "method")
    list_filter = ("kind", "method")
    search_fields = ("product__sku", "product__name")


@admin.register(ReorderTarget)
class ReorderTargetAdmin(ReadOnlyAdmin):
    list_display = ("product", "reorder_point", "order_up_to", "made_on")
    search_fields = ("product__sku", "product__name")
