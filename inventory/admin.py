"""Master data to edit, ledgers to look at, and stock to adjust through the agent."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline, ShopAdmin, StackedInline, TabularInline
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .models import (
    Category,
    Forecast,
    Location,
    Order,
    OrderLine,
    OrderReturn,
    OrderReturnLine,
    Product,
    PurchaseOrder,
    PurchaseOrderLine,
    ReferenceCounter,
    ReorderPolicy,
    ReorderTarget,
    ReturnedQuantity,
    StockLevel,
    StockMovement,
    Supplier,
    Warehouse,
)
from .selectors import with_available
from .services import next_reference


class StockForm(BaseDialogForm):
    way = forms.ChoiceField(
        label="What happened",
        choices=[("delta", "Goods came in (+) or went out (-)"), ("quantity", "The shelf was counted")],
        widget=UnfoldAdminSelectWidget,
    )
    amount = forms.DecimalField(max_digits=12, decimal_places=3, widget=UnfoldAdminDecimalFieldWidget)
    location = forms.ModelChoiceField(
        queryset=Location.objects.all(),
        required=False,
        to_field_name="code",
        empty_label="where it mainly lies",
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        max_length=500, required=False, help_text="such as delivery, damaged, lost", widget=UnfoldAdminTextInputWidget
    )

    def payload(self) -> dict[str, Any]:
        """The fields of inventory.update, without the SKU."""
        given = self.cleaned_data
        place = given["location"]
        return {
            given["way"]: given["amount"],
            "location": place.code if place else None,
            "reason": given["reason"].strip() or None,
        }


class ReorderPolicyInline(StackedInline):
    model = ReorderPolicy
    extra = 0


class StockLevelInline(ReadOnlyInline):
    model = StockLevel
    fields = ("location", "on_hand", "reserved")


@admin.register(Product)
class ProductAdmin(ShopAdmin):
    list_display = ("sku", "name", "category", "available", "unit", "list_price", "cost", "tax_rate", "active")
    list_filter = ("active", "category", "supplier", "unit")
    search_fields = ("sku", "name", "barcode")
    list_select_related = ("category",)
    autocomplete_fields = ("category", "supplier")
    inlines = (StockLevelInline, ReorderPolicyInline)
    actions_detail = ("adjust_stock",)
    actions_row = ("adjust_stock",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_available(super().get_queryset(request))

    @display(description="Available", ordering="available")
    def available(self, product: Any) -> str:
        return f"{product.available:.3f}".rstrip("0").rstrip(".")

    def has_adjust_stock_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("agents.inventory.update"))

    @action(
        description="Adjust stock",
        url_path="adjust-stock",
        icon="inventory_2",
        permissions=["adjust_stock"],
        dialog={
            "title": "Adjust stock",
            "description": "Booked as a movement in your name.",
            "form_class": StockForm,
            "form_submit_text": "Book",
        },
    )
    def adjust_stock(self, request: HttpRequest, form: StockForm, object_id: str) -> HttpResponse:
        product = get_object_or_404(Product, pk=object_id)
        try:
            made = call(
                "inventory", "update", {"sku": product.sku, **form.payload()}, user=request.user, channel="admin"
            )
        except AgentError as error:
            form.add_error("amount", "; ".join([error.message, *error.details.get("fields", {}).values()]))
            return render(request, "unfold/helpers/dialog.html", {"dialog": self.adjust_stock.dialog, "form": form})
        messages.success(request, f"{product.sku}: {made['previous_quantity']} → {made['quantity']} on hand")
        back = reverse("admin:inventory_product_change", args=[product.pk])
        if "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": back})
        return redirect(back)


@admin.register(Category)
class CategoryAdmin(ShopAdmin):
    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Supplier)
class SupplierAdmin(ShopAdmin):
    list_display = ("code", "name", "lead_time_days", "lead_time_spread", "active")
    list_filter = ("active",)
    search_fields = ("code", "name")


@admin.register(Warehouse)
class WarehouseAdmin(ShopAdmin):
    list_display = ("code", "name")
    search_fields = ("code", "name")


@admin.register(Location)
class LocationAdmin(ShopAdmin):
    list_display = ("code", "warehouse")
    list_filter = ("warehouse",)
    search_fields = ("code",)
    list_select_related = ("warehouse",)


@admin.register(ReorderPolicy)
class ReorderPolicyAdmin(ShopAdmin):
    list_display = ("product", "service_level", "review_days", "reorder_point", "pack_size", "minimum_order")
    search_fields = ("product__sku", "product__name")
    list_select_related = ("product",)
    autocomplete_fields = ("product",)


class PurchaseOrderLineInline(TabularInline):
    model = PurchaseOrderLine
    fields = ("product", "quantity", "unit_cost")
    autocomplete_fields = ("product",)
    extra = 0


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ShopAdmin):
    list_display = ("reference", "supplier", "status", "currency", "created_at", "user_id")
    list_filter = ("status", "supplier", "created_at")
    search_fields = ("reference", "supplier__name", "lines__product__sku")
    list_select_related = ("supplier",)
    autocomplete_fields = ("supplier",)
    fields = ("reference", "supplier", "status", "currency", "created_at", "user_id", "task_id")
    readonly_fields = ("reference", "created_at", "user_id", "task_id")
    inlines = (PurchaseOrderLineInline,)

    def save_model(self, request: HttpRequest, obj: PurchaseOrder, form: Any, change: bool) -> None:
        if not change:
            obj.reference = next_reference(prefix="PO")
            obj.user_id = getattr(request.user, "public_id", "")
        super().save_model(request, obj, form, change)


@admin.register(StockLevel)
class StockLevelAdmin(ReadOnlyAdmin):
    list_display = ("product", "location", "on_hand", "reserved", "available")
    list_filter = ("location__warehouse",)
    search_fields = ("product__sku", "product__name", "location__code")
    list_select_related = ("product", "location")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(free=F("on_hand") - F("reserved"))

    @display(description="Available", ordering="free")
    def available(self, level: StockLevel) -> Any:
        return level.on_hand - level.reserved


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    list_display = ("occurred_at", "kind", "product", "location", "quantity", "balance", "reference", "user_id")
    list_filter = ("kind", "location__warehouse", "occurred_at")
    search_fields = ("product__sku", "product__name", "reference", "user_id")
    list_select_related = ("product", "location")
    date_hierarchy = "occurred_at"
    ordering = ("-pk",)


class OrderLineInline(ReadOnlyInline):
    model = OrderLine
    fields = (
        "number",
        "product",
        "location",
        "quantity",
        "base_price",
        "unit_price",
        "tax_rate",
        "tax",
        "total",
        "rules",
    )


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("reference", "occurred_at", "channel", "total", "currency", "discount", "payment", "user_id")
    list_filter = ("channel", "payment", "occurred_at")
    search_fields = ("reference", "coupon", "user_id")
    date_hierarchy = "occurred_at"
    ordering = ("-pk",)
    inlines = (OrderLineInline,)


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnlyAdmin):
    list_display = ("order", "number", "product", "quantity", "unit_price", "total", "rules")
    list_filter = ("order__occurred_at",)
    search_fields = ("order__reference", "product__sku", "product__name", "rules")
    list_select_related = ("order", "product")
    ordering = ("-pk",)


class OrderReturnLineInline(ReadOnlyInline):
    model = OrderReturnLine
    fields = ("line", "quantity", "total", "tax")


@admin.register(OrderReturn)
class OrderReturnAdmin(ReadOnlyAdmin):
    list_display = ("reference", "order", "occurred_at", "total", "restocked", "user_id")
    list_filter = ("restocked", "occurred_at")
    search_fields = ("reference", "order__reference", "user_id")
    list_select_related = ("order",)
    ordering = ("-pk",)
    inlines = (OrderReturnLineInline,)


@admin.register(ReturnedQuantity)
class ReturnedQuantityAdmin(ReadOnlyAdmin):
    list_display = ("line", "sold", "quantity", "refunded")
    search_fields = ("line__order__reference", "line__product__sku")
    list_select_related = ("line__order",)


@admin.register(ReferenceCounter)
class ReferenceCounterAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "last")


@admin.register(Forecast)
class ForecastAdmin(ReadOnlyAdmin):
    list_display = ("product", "horizon_days", "made_on", "expected", "low", "high", "method")
    list_filter = ("method", "horizon_days", "made_on")
    search_fields = ("product__sku", "product__name")
    list_select_related = ("product",)


@admin.register(ReorderTarget)
class ReorderTargetAdmin(ReadOnlyAdmin):
    list_display = ("product", "reorder_point", "order_up_to", "made_on")
    search_fields = ("product__sku", "product__name")
    list_select_related = ("product",)
