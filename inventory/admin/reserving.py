"""What is promised to whom. It ends through the operations."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline, told
from audit.admin_columns import EMPTY, link, list_of
from audit.admin_filters import DayRangeFilter
from inventory.models import Reservation, ReservationLine
from inventory.selectors.reserving import reservation_status, reservations_open
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

STATUS = {"open": "info", "run out": "warning", "released": "default", "taken": "success"}


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name.replace(" ", "_"), name) for name in STATUS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now, asked = timezone.now(), self.value()
        if asked == "open":
            return queryset.filter(pk__in=reservations_open(now).values("pk"))
        if asked == "run_out":
            return queryset.filter(outcome="", expires_at__lte=now)
        return queryset.filter(outcome=asked) if asked else queryset


class ReservationLineInline(ReadOnlyInline):
    model = ReservationLine
    fields = ("product", "level", "lot", "quantity")
    readonly_fields = ("lot",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.select_related("product", "level__product", "level__location", "level__lot")

    @display(description="Lot or serial number")
    def lot(self, line: ReservationLine) -> Any:
        return line.level.lot.code if line.level.lot else EMPTY


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("reference", "status", "expires_at", "note", "sold", "created_at", "user_id")
    list_filter = (StatusFilter, ("created_at", DayRangeFilter))
    list_filter_submit = True
    list_select_related = ("order",)
    search_fields = ("=reference", "lines__level__product__sku", "lines__product__sku", "note", "=user_id")
    search_help_text = "reservation or user id as a whole; SKU or note in part"
    ordering = ("-pk",)
    fields = ("reference", "status", "expires_at", "note", "sold", "created_at", "ended_at", "user_id", "task_id")
    readonly_fields = ("status", "sold")
    inlines = (ReservationLineInline,)
    actions = ("release",)

    @display(description="Status", label=STATUS)
    def status(self, reservation: Reservation) -> str:
        return reservation_status(reservation, timezone.now()).replace("_", " ")

    @display(description="Taken by", ordering="order__reference")
    def sold(self, reservation: Reservation) -> Any:
        found = reservation.order
        return link(list_of("inventory.order", q=found.reference), found.reference) if found else EMPTY

    def has_release_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.inventory.release"))

    @admin.action(description="Release", permissions=["release"])
    def release(self, request: HttpRequest, rows: QuerySet[Reservation]) -> None:
        """Each goes through inventory.release."""
        for reference in list(rows.filter(Q(outcome="")).values_list("reference", flat=True)[:100]):
            try:
                call("inventory", "release", {"reference": reference}, user=request.user, channel="admin")
            except AgentError as error:
                messages.error(request, f"{reference}: {told(error)}")
            else:
                messages.success(request, f"{reference} is released.")
