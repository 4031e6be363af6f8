"""Transfers and lots. Everything that changes them goes through the operations."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import DecimalField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline, ShopAdmin, dialog_again, go
from audit.admin_columns import EMPTY, badge, link, list_of, neat
from audit.admin_filters import DayRangeFilter
from inventory.models import Lot, StockLevel, Transfer, TransferLine
from inventory.places_presenting import lot_state
from inventory.selectors.places import lot_order_count, lot_orders
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .places_forms import ReasonForm, ReceiveForm, SendForm

COLOURS = {"for sale": "success", "expired": "danger", "blocked": "danger"}
SOON = 30
"""days: what expires by then is coloured"""
SHOWN = 50


class TransferLineInline(ReadOnlyInline):
    model = TransferLine
    fields = ("product", "lot", "sent", "arrived", "lost")
    verbose_name_plural = "goods"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("lot__product")


class OpenFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "In transit"), ("closed", "Closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        return queryset if wanted is None else queryset.filter(closed_at__isnull=wanted == "open")


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ("reference", "source", "destination", "state", "sent_at", "closed_at", "user_id", "note")
    list_filter = (OpenFilter, ("sent_at", DayRangeFilter))
    list_filter_submit = True
    search_fields = ("=reference", "source__code", "destination__code", "lines__product__sku")
    search_help_text = "transfer as a whole; place or SKU in part"
    ordering = ("-pk",)
    fields = ("reference", "source", "destination", "state", "note", "sent_at", "closed_at", "user_id", "task_id")
    readonly_fields = ("state",)
    inlines = (TransferLineInline,)
    actions_list = ("send",)
    actions_detail = ("receive",)
    actions_row = ("receive",)

    @display(description="State")
    def state(self, transfer: Transfer) -> Any:
        return badge("closed") if transfer.closed_at else badge("in transit", "info")

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.inventory.transfer"))

    def has_receive_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        if not request.user.has_perm("agents.inventory.receive_transfer"):
            return False
        return object_id is None or Transfer.objects.filter(pk=object_id, closed_at=None).exists()

    @action(
        description="Move goods",
        url_path="send",
        icon="local_shipping",
        permissions=["send"],
        dialog={
            "title": "Move goods",
            "description": "What is on its way lies on no shelf and can't be sold until it is received.",
            "form_class": SendForm,
            "form_submit_text": "Move",
        },
    )
    def send(self, request: HttpRequest, form: SendForm) -> HttpResponse:
        try:
            made = call("inventory", "transfer", form.payload(), user=request.user, channel="admin")
        except AgentError as error:
            return dialog_again(request, self.send.dialog, form, "lines", error)
        messages.success(request, f"{made['transfer']}: {made['source']} → {made['destination']}, {made['status']}")
        return go(request, reverse("admin:inventory_transfer_changelist"))

    @action(
        description="Receive",
        url_path="receive",
        icon="move_to_inbox",
        permissions=["receive"],
        dialog={
            "title": "What has arrived?",
            "description": "What is neither entered as arrived nor as lost stays on its way.",
            "form_class": ReceiveForm,
            "form_submit_text": "Receive",
        },
    )
    def receive(self, request: HttpRequest, form: ReceiveForm, object_id: str) -> HttpResponse:
        transfer = get_object_or_404(Transfer, pk=object_id)
        asked = {"transfer": transfer.reference, **form.payload()}
        try:
            made = call("inventory", "receive_transfer", asked, user=request.user, channel="admin")
        except AgentError as error:
            return dialog_again(request, self.receive.dialog, form, next(reversed(form.fields)), error)
        left = "closed" if made["status"] == "closed" else "booked; the rest is still on its way"
        messages.success(request, f"{made['transfer']}: {left}")
        return go(request, reverse("admin:inventory_transfer_change", args=[transfer.pk]))


class ExpiryFilter(admin.SimpleListFilter):
    title, parameter_name = "expiry", "expiry"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("expired", "Expired"),
            ("7", "Within 7 days"),
            (str(SOON), f"Within {SOON} days"),
            ("never", "It keeps"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today, wanted = timezone.localdate(), self.value()
        if wanted == "expired":
            return queryset.filter(expires_on__lt=today)
        if wanted == "never":
            return queryset.filter(expires_on=None)
        if wanted in ("7", str(SOON)):
            return queryset.filter(expires_on__range=(today, today + timedelta(days=int(wanted))))
        return queryset


class InStockFilter(admin.SimpleListFilter):
    title, parameter_name = "stock", "stock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("some", "In stock"), ("none", "Nothing left")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {"some": {"lying__gt": 0}, "none": {"lying__lte": 0}}.get(self.value() or "", {})
        return queryset.filter(**wanted)


class LotLevelInline(ReadOnlyInline):
    model = StockLevel
    fields = ("location", "on_hand", "reserved")
    verbose_name_plural = "where it lies"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).exclude(on_hand=0)


@admin.register(Lot)
class LotAdmin(ShopAdmin):
    """Made by what comes in; only its expiry is edited here."""

    list_display = ("code", "product", "expiry", "state", "on_hand", "told_apart")
    list_filter = (ExpiryFilter, InStockFilter, "blocked", "serial", ("product", RelatedDropdownFilter))
    list_filter_submit = True
    search_fields = ("code", "product__sku", "product__name")
    search_help_text = "lot, serial number or product, in part"
    ordering = (F("expires_on").asc(nulls_last=True), "pk")
    fieldsets = (
        (None, {"fields": ("product", "code", "told_apart", "state", "expires_on", "on_hand", "created_at")}),
        ("Who got it", {"fields": ("buyers", "see_also")}),
    )
    readonly_fields = ("product", "code", "told_apart", "state", "on_hand", "created_at", "buyers", "see_also")
    inlines = (LotLevelInline,)
    actions_detail = ("block", "unblock")
    actions_row = ("block",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        levels = StockLevel.objects.filter(lot=OuterRef("pk")).order_by().values("lot")
        lying = Subquery(levels.annotate(sum=Sum("on_hand")).values("sum"), output_field=QUANTITY)
        return super().get_queryset(request).annotate(lying=Coalesce(lying, 0, output_field=QUANTITY))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="Expires", ordering="expires_on")
    def expiry(self, lot: Lot) -> Any:
        if lot.expires_on is None:
            return EMPTY
        left = (lot.expires_on - timezone.localdate()).days
        colour = "danger" if left < 0 else "warning" if left <= SOON else ""
        told = "today" if left == 0 else f"{abs(left)} days ago" if left < 0 else f"in {left} days"
        return format_html("{} {}", lot.expires_on.isoformat(), badge(told, colour))

    @display(description="State", ordering="blocked")
    def state(self, lot: Lot) -> Any:
        found = lot_state(lot)
        return badge(found, COLOURS[found])

    @display(description="Is a", ordering="serial")
    def told_apart(self, lot: Lot) -> str:
        return "serial number" if lot.serial else "lot"

    @display(description="On hand", ordering="lying")
    def on_hand(self, lot: Any) -> Any:
        return neat(lot.lying, 3)

    @display(description="Orders")
    def buyers(self, lot: Lot) -> Any:
        sold, _ = lot_orders(lot=lot, limit=SHOWN)
        if not sold:
            return "nobody yet"
        rows = format_html_join(
            ", ",
            "{} ({}{})",
            (
                (
                    link(list_of("inventory.order", q=each.order.reference), each.order.reference),
                    neat(each.sold, 3),
                    f", {neat(each.returned, 3)} came back" if each.returned else "",
                )
                for each in sold
            ),
        )
        count = lot_order_count(lot)
        more = f" and {count - len(sold)} more (inventory.lots lists them all)" if count > len(sold) else ""
        return format_html("{}{}", rows, more)

    @display(description="See also")
    def see_also(self, lot: Lot) -> Any:
        return link(list_of("inventory.stockmovement", lot__id__exact=lot.pk), "its movements")

    def has_block_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return _may(request, "agents.inventory.block_lot", object_id, blocked=False)

    def has_unblock_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return _may(request, "agents.inventory.block_lot.unblock", object_id, blocked=True)

    @action(
        description="Block",
        url_path="block",
        icon="block",
        permissions=["block"],
        dialog={
            "title": "Block this lot?",
            "description": "Nothing of it can be sold from now on, wherever it lies.",
            "form_class": ReasonForm,
            "form_submit_text": "Block",
        },
    )
    def block(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._set(request, form, object_id, blocked=True)

    @action(
        description="Let it be sold",
        url_path="unblock",
        icon="lock_open",
        permissions=["unblock"],
        dialog={
            "title": "Let this lot be sold again?",
            "form_class": ReasonForm,
            "form_submit_text": "Let it be sold",
        },
    )
    def unblock(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._set(request, form, object_id, blocked=False)

    def _set(self, request: HttpRequest, form: ReasonForm, object_id: str, *, blocked: bool) -> HttpResponse:
        lot = get_object_or_404(Lot.objects.select_related("product"), pk=object_id)
        reason = form.cleaned_data["reason"].strip()
        asked = {"sku": lot.product.sku, "lot": lot.code, "blocked": blocked, "reason": reason}
        try:
            made = call("inventory", "block_lot", asked, user=request.user, channel="admin")
        except AgentError as error:
            return dialog_again(request, (self.block if blocked else self.unblock).dialog, form, "reason", error)
        messages.success(request, f"{lot}: {made['state']}; {made['order_count']} orders got units of it")
        return go(request, reverse("admin:inventory_lot_change", args=[lot.pk]))


QUANTITY: Any = DecimalField(max_digits=13, decimal_places=3)


def _may(request: HttpRequest, permission: str, key: str | None, *, blocked: bool) -> bool:
    if not request.user.has_perm(permission):
        return False
    return key is None or Lot.objects.filter(pk=key, blocked=blocked).exists()
