"""Purchase orders: drafts are edited here, all else goes through the operations."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from audit.admin_base import ReadOnlyInline, ShopAdmin, TabularInline, told
from audit.admin_columns import EMPTY, badge, linked, moment, neat, person
from audit.admin_filters import DayRangeFilter
from inventory.models import PurchaseOrder, PurchaseOrderLine, Receipt, SupplierReturn
from inventory.purchasing_presenting import is_late, line_cost, purchase_item
from inventory.selectors import missing_of, purchase_lines, supplier_offers
from inventory.services import next_reference, purchase_lines_check, purchase_lines_price, purchase_lock
from shop_assistant.agents.errors import AgentError

from .purchase_actions import PurchaseActions

Status = PurchaseOrder.Status
COLOURS = {
    Status.DRAFT: "",
    Status.APPROVED: "info",
    Status.SENT: "info",
    Status.PARTLY_RECEIVED: "warning",
    Status.CLOSED: "success",
    Status.CANCELLED: "",
}


class LinesFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        given = [form.cleaned_data for form in self.forms if form.is_valid() and form.cleaned_data.get("product")]
        kept = [(each["product"], each["quantity"]) for each in given if not each.get("DELETE")]
        try:
            purchase_lines_check(items=kept)
        except AgentError as error:
            raise forms.ValidationError(told(error)) from None


class DraftLineInline(TabularInline):
    model = PurchaseOrderLine
    formset = LinesFormSet
    fields = ("product", "quantity", "unit_cost")
    autocomplete_fields = ("product",)
    extra = 0
    verbose_name_plural = "lines; a cost left empty is the supplier's offer"


class LineInline(ReadOnlyInline):
    model = PurchaseOrderLine
    fields = ("product", "supplier_sku", "quantity", "received", "missing", "returned", "unit_cost", "cost")
    readonly_fields = ("missing", "cost")
    verbose_name_plural = "lines"

    @display(description="Missing")
    def missing(self, line: PurchaseOrderLine) -> Any:
        missing = missing_of(line.purchase_order, line)
        return badge(neat(missing, 3), "warning") if missing else "0"

    @display(description="Cost")
    def cost(self, line: PurchaseOrderLine) -> str:
        cost = line_cost(line)
        return EMPTY if cost is None else neat(cost, 4)


class ReceiptInline(ReadOnlyInline):
    model = Receipt
    fields = ("page", "received_at", "delivery_note", "user_id")
    readonly_fields = ("page",)
    per_viewer = ("page",)
    verbose_name_plural = "deliveries"

    @display(description="Reference")
    def page(self, receipt: Receipt, request: HttpRequest) -> Any:
        return linked(request, receipt)


class SupplierReturnInline(ReadOnlyInline):
    model = SupplierReturn
    fields = ("page", "returned_at", "reason", "user_id")
    readonly_fields = ("page",)
    per_viewer = ("page",)
    verbose_name_plural = "what went back"

    @display(description="Reference")
    def page(self, returned: SupplierReturn, request: HttpRequest) -> Any:
        return linked(request, returned)


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(PurchaseActions, ShopAdmin):
    export_dataset = "purchase_orders"
    list_display = ("reference", "supplier", "standing", "total", "lines_count", "expected", "created_at", "user_id")
    list_filter = ("status", ("supplier", RelatedDropdownFilter), ("created_at", DayRangeFilter))
    list_filter_submit = True
    search_fields = ("reference", "supplier__name", "lines__product__sku")
    search_help_text = "purchase order, supplier or SKU, in part"
    autocomplete_fields = ("supplier",)
    ordering = ("-pk",)
    actions_list = ("import_list", "export_list")
    readonly_fields = (
        "reference", "standing", "total", "notes", "currency", "created_at", "user_id", "approval", "sent_at",
        "ended_at", "task_id",
    )  # fmt: skip
    per_viewer = ("approval",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("supplier").prefetch_related("lines")
        return rows.annotate(lines_count=Count("lines"), worth=Sum(F("lines__quantity") * F("lines__unit_cost")))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["supplier", "expected_on"]})]
        return super().get_fieldsets(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        done = ("approval", "sent_at", "ended_at")
        told = [name for name in done if (name == "approval" and obj.approved_at) or getattr(obj, name, None)]
        more = ["notes"] if obj.status == Status.DRAFT else []
        who = ["created_at", "user_id", *told, "task_id"]
        return ["reference", "supplier", "standing", "expected_on", "total", *more, *who]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The supplier stays: the lines have its prices and its numbers."""
        return [*super().get_readonly_fields(request, obj), *(["supplier"] if obj else [])]

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        if obj is None or obj.status == Status.DRAFT:
            return [DraftLineInline]
        more = [(ReceiptInline, obj.receipts), (SupplierReturnInline, obj.returns)]
        return [LineInline, *(inline for inline, rows in more if rows.exists())]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.status == Status.DRAFT) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was drafted is cancelled, so that no reference is missing."""
        return False

    def has_import_list_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("inventory.add_purchaseorder"))

    @action(description="Import", url_path="import", icon="upload", permissions=["import_list"])
    def import_list(self, request: HttpRequest) -> HttpResponse:
        return redirect("import", what="purchase_orders")

    def save_model(self, request: HttpRequest, obj: PurchaseOrder, form: Any, change: bool) -> None:
        """Whoever changes a draft has proposed it from then on."""
        if not change:
            obj.reference = next_reference(prefix="PO")
            obj.currency = settings.SHOP_CURRENCY
        elif purchase_lock(order=obj).status != Status.DRAFT:
            raise PermissionDenied
        obj.user_id = getattr(request.user, "public_id", "")
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        purchase_lines_price(order=form.instance)

    @display(description="Status", ordering="status")
    def standing(self, order: PurchaseOrder) -> Any:
        return badge(order.get_status_display().lower(), COLOURS[Status(order.status)])

    @display(description="Expected", ordering="expected_on")
    def expected(self, order: PurchaseOrder) -> Any:
        if order.expected_on is None:
            return EMPTY
        late = is_late(order, list(order.lines.all()), timezone.localdate())
        return badge(f"{order.expected_on:%-d %b %Y}, late", "danger") if late else f"{order.expected_on:%-d %b %Y}"

    @display(description="Lines", ordering="lines_count")
    def lines_count(self, order: Any) -> int:
        count: int = order.lines_count
        return count

    @display(description="Total without tax", ordering="worth")
    def total(self, order: Any) -> str:
        costs = [cost for line in order.lines.all() if (cost := line_cost(line)) is not None]
        return f"{neat(sum(costs, Decimal(0)), 4)} {order.currency}"

    @display(description="To look at")
    def notes(self, order: PurchaseOrder) -> Any:
        """What its supplier would not take as it stands."""
        lines = purchase_lines(order)
        offers = supplier_offers(order.supplier, [line.product for line in lines])
        found = purchase_item(order, lines, offers).notes
        return "; ".join(found) or "nothing"

    @display(description="Approved")
    def approval(self, order: PurchaseOrder, request: HttpRequest) -> Any:
        if order.approved_at is None:
            return EMPTY
        own = ", who made it" if order.self_approved else ""
        return format_html("{} by {}{}", moment(order.approved_at), person(request, order.approved_by), own)
