"""Suppliers, what they offer, and what they delivered."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline, ShopAdmin, TabularInline
from audit.admin_columns import EMPTY, badge, link, list_of
from audit.admin_filters import DayRangeFilter
from inventory.models import (
    LandedCost,
    PriceBreak,
    Receipt,
    ReceiptLine,
    Supplier,
    SupplierProduct,
    SupplierReturn,
    SupplierReturnLine,
)
from inventory.selectors import supplier_lead_time


class OfferInline(ReadOnlyInline):
    model = SupplierProduct
    fields = ("product", "supplier_sku", "unit_cost", "pack_size", "minimum_order", "lead_time_days")
    per_page = 15
    show_change_link = True
    verbose_name_plural = "what it offers"


@admin.register(Supplier)
class SupplierAdmin(ShopAdmin):
    export_dataset = "suppliers"
    list_display = ("code", "name", "offered", "lead_time_days", "lead_time_spread", "over_delivery", "active")
    list_filter = ("active",)
    search_fields = ("code", "name")
    inlines = (OfferInline,)
    actions_list = ("import_list", "export_list")
    fieldsets = (
        (None, {"fields": ("code", "name", "email", "phone", "active")}),
        ("Deliveries", {"fields": ("learned", "lead_time_days", "lead_time_spread", "over_delivery")}),
        ("See also", {"fields": ("see_also",)}),
    )
    readonly_fields = ("learned", "see_also")
    per_viewer = ("see_also",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(offered=Count("offers"))

    @display(description="Offers", ordering="offered")
    def offered(self, supplier: Any) -> int:
        count: int = supplier.offered
        return count

    @display(description="Lead time learned")
    def learned(self, supplier: Supplier) -> str:
        """Where there is none, what is entered below counts."""
        time = supplier_lead_time(supplier) if supplier.pk else None
        if time is None or not time.receipts:
            return "nothing yet: it takes five deliveries; until then what is entered below counts"
        return (
            f"{time.mean_days:.1f} days on average, half of them within {time.quantile(0.5):.1f}, nine of ten within "
            f"{time.quantile(0.9):.1f} (standard deviation {time.sd_days:.1f}); from {time.receipts} deliveries of the "
            "last year"
        )

    @display(description="See also")
    def see_also(self, supplier: Supplier, request: HttpRequest | None = None) -> Any:
        if request is None:  # of one that is still to be added
            return "nothing yet"
        orders = link(list_of("inventory.purchaseorder", supplier__id__exact=supplier.pk), "its purchase orders")
        if not request.user.has_perm("inventory.add_supplierproduct"):
            return orders
        offer = f"{reverse('admin:inventory_supplierproduct_add')}?supplier={supplier.pk}"
        return format_html("{} · {}", orders, link(offer, "add an offer"))

    def has_import_list_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("inventory.add_supplier"))

    @action(description="Import", url_path="import", icon="upload", permissions=["import_list"])
    def import_list(self, request: HttpRequest) -> HttpResponse:
        return redirect("import", what="suppliers")


class PriceBreakInline(TabularInline):
    model = PriceBreak
    fields = ("quantity", "unit_cost")
    extra = 0
    verbose_name_plural = "cheaper from so many on"


@admin.register(SupplierProduct)
class SupplierProductAdmin(ShopAdmin):
    export_dataset = "supplier_products"
    list_display = (
        "product", "supplier", "supplier_sku", "unit_cost", "pack_size", "minimum_order", "lead_time_days",
        "is_preferred",
    )  # fmt: skip
    list_filter = (("supplier", RelatedDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("product", "supplier")
    search_fields = ("product__sku", "product__name", "supplier_sku", "supplier__code")
    search_help_text = "product, supplier's code or SKU, in part"
    autocomplete_fields = ("supplier", "product")
    fields = (
        "supplier", "product", "supplier_sku", "unit_cost", "pack_size", "minimum_order", "lead_time_days",
        "is_preferred",
    )  # fmt: skip
    readonly_fields = ("is_preferred",)
    inlines = (PriceBreakInline,)
    actions_list = ("import_list", "export_list")

    @display(description="Preferred")
    def is_preferred(self, offer: SupplierProduct) -> Any:
        """It is the offer of the product's own supplier, which is set on the product's page."""
        return badge("preferred", "success") if offer.pk and offer.preferred else EMPTY

    def has_import_list_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("inventory.add_supplierproduct"))

    @action(description="Import", url_path="import", icon="upload", permissions=["import_list"])
    def import_list(self, request: HttpRequest) -> HttpResponse:
        return redirect("import", what="supplier_products")


class ReceiptLineInline(ReadOnlyInline):
    model = ReceiptLine
    fields = ("product", "quantity", "lot", "location", "unit_cost", "landed")
    readonly_fields = ("product",)
    verbose_name_plural = "what arrived"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("line__product", "lot__product")

    @display(description="Product")
    def product(self, row: ReceiptLine) -> Any:
        return row.line.product


class LandedCostInline(ReadOnlyInline):
    model = LandedCost
    fields = ("kind", "amount", "by")
    verbose_name_plural = "what it cost beside the goods"


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("reference", "purchase_order", "received_at", "delivery_note", "user_id")
    list_filter = (("received_at", DayRangeFilter),)
    list_filter_submit = True
    search_fields = ("=reference", "=purchase_order__reference", "=delivery_note", "purchase_order__supplier__name")
    search_help_text = "delivery, purchase order or delivery note as a whole, supplier in part"
    ordering = ("-pk",)
    inlines = (ReceiptLineInline, LandedCostInline)
    fields = ("reference", "purchase_order", "received_at", "delivery_note", "user_id", "task_id", "stock")
    readonly_fields = ("stock",)

    @display(description="Stock")
    def stock(self, receipt: Receipt) -> Any:
        return link(list_of("inventory.stockmovement", q=receipt.reference), "its movements")


class SupplierReturnLineInline(ReadOnlyInline):
    model = SupplierReturnLine
    fields = ("product", "quantity", "lot", "location", "unit_cost")
    readonly_fields = ("product",)
    verbose_name_plural = "what went back"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("line__product", "lot__product")

    @display(description="Product")
    def product(self, row: SupplierReturnLine) -> Any:
        return row.line.product


@admin.register(SupplierReturn)
class SupplierReturnAdmin(ReadOnlyAdmin):
    list_display = ("reference", "purchase_order", "returned_at", "reason", "user_id")
    list_filter = (("returned_at", DayRangeFilter),)
    list_filter_submit = True
    search_fields = ("=reference", "=purchase_order__reference")
    search_help_text = "return or purchase order, as a whole"
    ordering = ("-pk",)
    inlines = (SupplierReturnLineInline,)
