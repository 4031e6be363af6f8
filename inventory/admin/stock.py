"""What lies where, and every movement."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import get_text_list
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from audit.admin_base import ReadOnlyAdmin, told
from audit.admin_columns import EMPTY, badge, link, list_of, neat
from audit.admin_filters import DayRangeFilter
from inventory.models import StockLevel, StockMovement
from inventory.selectors import is_sellable, with_free
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .forms import CountForm

MOST = 100
"""So many shelves are counted on one page."""


@admin.register(StockLevel)
class StockLevelAdmin(ReadOnlyAdmin):
    export_dataset = "inventory"
    list_display = ("product", "location", "lot", "on_hand", "reserved", "available", "short")
    list_filter = ("location__warehouse", ("location", RelatedDropdownFilter), "location__kind", "oversold")
    list_filter_submit = True
    list_select_related = ("product", "location", "lot__product")
    search_fields = ("product__sku", "product__name", "location__code", "lot__code")
    search_help_text = "product, location or lot, in part"
    ordering = ("product__sku", "location__code")
    actions = ("count",)
    fields = ("product", "location", "lot", "on_hand", "reserved", "next_expiry", "oversold", "movements")
    readonly_fields = ("movements",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_free(super().get_queryset(request))

    @display(description="Available", ordering="free")
    def available(self, level: Any) -> Any:
        """Of lots and places that are for sale."""
        return neat(level.free, 3) if is_sellable(level) else EMPTY

    @display(description="Oversold", ordering="oversold")
    def short(self, level: StockLevel) -> Any:
        return badge("oversold", "danger") if level.oversold else EMPTY

    @display(description="Movements")
    def movements(self, level: StockLevel) -> Any:
        where = {"product__id__exact": level.product_id, "location__id__exact": level.location_id}
        return link(list_of("inventory.stockmovement", **where), "what came and went here")

    def has_count_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.inventory.update"))

    @admin.action(description="Enter a count", permissions=["count"])
    def count(self, request: HttpRequest, rows: QuerySet[StockLevel]) -> HttpResponse | None:
        """A page with a field for each selected shelf; each count goes through inventory.update."""
        levels = list(rows.select_related("product", "location", "lot__product")[:MOST])
        form = CountForm(levels, request.POST if "counted" in request.POST else None)
        if form.is_valid() and self._count(request, form):
            return None
        title = f"Count {len(levels)} {'shelf' if len(levels) == 1 else 'shelves'}"
        context = {**self.admin_site.each_context(request), "title": title, "form": form, "levels": levels}
        return render(request, "inventory/count.html", context)

    def _count(self, request: HttpRequest, form: CountForm) -> bool:
        """Book what was filled in; whether all of it was accepted."""
        booked = []
        for name, payload in form.payloads():
            try:
                call("inventory", "update", payload, user=request.user, channel="admin")
            except AgentError as error:
                form.add_error(name, told(error))
            else:
                booked.append(payload["sku"])
        if booked:
            messages.success(request, f"Counted: {get_text_list(booked, 'and')}.")
        elif not form.errors:
            form.add_error(None, "Fill in what was counted.")
        return not form.errors


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    export_dataset = "movements"
    list_display = ("occurred_at", "kind", "product", "location", "quantity", "balance", "source", "user_id", "task_id")
    list_filter = ("kind", ("occurred_at", DayRangeFilter), "location__warehouse", "oversold")
    list_filter_submit = True
    search_fields = ("product__sku", "=reference", "=user_id")
    search_help_text = "SKU in part, reference or user id as a whole"
    ordering = ("-pk",)

    @display(description="Reference", ordering="reference")
    def source(self, movement: StockMovement) -> Any:
        """Sales and returns lead to their list."""
        found = movement.reference
        pages = {"sale": "inventory.order", "return": "inventory.orderreturn", "count": "inventory.countsheet"}
        model = pages.get(movement.kind)
        return link(list_of(model, q=found), found) if model and found else found or EMPTY
