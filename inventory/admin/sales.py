"""Orders and what came back."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from unfold.decorators import action, display

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline, dialog_again, go
from audit.admin_columns import link, linked, list_of
from audit.admin_filters import DayRangeFilter
from inventory.models import (
    Order,
    OrderLine,
    OrderLineComponent,
    OrderReturn,
    OrderReturnLine,
    ReferenceCounter,
    ReturnedQuantity,
)
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .forms import TakeBackForm

WALK_IN = "walk-in"


class OrderLineInline(ReadOnlyInline):
    model = OrderLine
    fields = ("number", "product", "quantity", "base_price", "unit_price", "tax_rate", "tax", "total", "rules")
    verbose_name_plural = "lines"


class OrderReturnInline(ReadOnlyInline):
    model = OrderReturn
    fields = ("reference", "occurred_at", "total", "restocked", "user_id")
    show_change_link = True
    verbose_name_plural = "what came back"


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    export_dataset = "sales"
    list_display = ("reference", "occurred_at", "buyer", "total", "discount", "payment", "channel", "user_id")
    list_filter = ("channel", "payment", ("occurred_at", DayRangeFilter))
    list_filter_submit = True
    list_select_related = ("customer_order__customer",)
    search_fields = ("=reference", "=coupon", "=user_id", "=customer_order__customer__public_id")
    search_help_text = "order, customer id, coupon or user id, as a whole"
    ordering = ("-pk",)
    inlines = (OrderLineInline, OrderReturnInline)
    actions_list = ("import_list", "export_list")
    actions_detail = ("take_back",)
    fieldsets = (
        (None, {"fields": ("reference", "occurred_at", "buyer", "channel", "payment", "user_id", "task_id", "stock")}),
        ("Amounts", {"fields": ("currency", "subtotal", "discount", "points_value", "total", "tax", "coupon")}),
    )
    readonly_fields = ("buyer", "stock")
    per_viewer = ("buyer",)

    @display(description="Customer")
    def buyer(self, order: Any, request: HttpRequest) -> Any:
        """The customer hangs on from above; walk-in sales have none."""
        found = getattr(order, "customer_order", None)
        return linked(request, found.customer) if found else WALK_IN

    @display(description="Stock")
    def stock(self, order: Order) -> Any:
        return link(list_of("inventory.stockmovement", q=order.reference), "its movements")

    def has_import_list_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("inventory.add_order"))

    def has_take_back_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("agents.sales.return"))

    @action(description="Import", url_path="import", icon="upload", permissions=["import_list"])
    def import_list(self, request: HttpRequest) -> HttpResponse:
        return redirect("import", what="sales")

    @action(
        description="Take back",
        url_path="take-back",
        icon="undo",
        permissions=["take_back"],
        dialog={
            "title": "Take goods back",
            "description": "The money goes back to the customer, points are corrected, the goods return to the shelf.",
            "form_class": TakeBackForm,
            "form_submit_text": "Take back",
        },
    )
    def take_back(self, request: HttpRequest, form: TakeBackForm, object_id: str) -> HttpResponse:
        order = get_object_or_404(Order, pk=object_id)
        asked = {"order": order.reference, **form.payload()}
        try:
            made = call("sales", "return", asked, user=request.user, channel="admin")
        except AgentError as error:
            return dialog_again(request, self.take_back.dialog, form, "reason", error)
        messages.success(request, f"{made['reference']}: refund {made['refund']:.2f} {made['currency']}")
        return go(request, reverse("admin:inventory_order_change", args=[order.pk]))


class OrderLineComponentInline(ReadOnlyInline):
    model = OrderLineComponent
    fields = ("product", "quantity", "location", "unit_cost")
    verbose_name_plural = "what the kit was made of"


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnlyAdmin):
    list_display = ("order", "number", "product", "quantity", "unit_price", "total", "rules")
    list_filter = (("order__occurred_at", DayRangeFilter),)
    list_filter_submit = True
    search_fields = ("=order__reference", "product__sku")
    search_help_text = "order as a whole, SKU in part"
    ordering = ("-pk",)
    inlines = (OrderLineComponentInline,)


class OrderReturnLineInline(ReadOnlyInline):
    model = OrderReturnLine
    fields = ("product", "quantity", "total", "tax")
    readonly_fields = ("product",)
    verbose_name_plural = "lines"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("line__product", "line__order")

    @display(description="Product")
    def product(self, returned: OrderReturnLine) -> Any:
        return returned.line.product


@admin.register(OrderReturn)
class OrderReturnAdmin(ReadOnlyAdmin):
    list_display = ("reference", "order", "occurred_at", "total", "restocked", "user_id")
    list_filter = ("restocked", ("occurred_at", DayRangeFilter))
    list_filter_submit = True
    search_fields = ("=reference", "=order__reference", "=user_id")
    search_help_text = "return, order or user id, as a whole"
    ordering = ("-pk",)
    inlines = (OrderReturnLineInline,)


@admin.register(ReturnedQuantity)
class ReturnedQuantityAdmin(ReadOnlyAdmin):
    list_display = ("line", "sold", "quantity", "refunded")
    search_fields = ("=line__order__reference", "line__product__sku")
    list_select_related = ("line__order",)


@admin.register(ReferenceCounter)
class ReferenceCounterAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "last")
