"""Points, to be looked at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from audit.admin_base import ReadOnlyAdmin
from audit.admin_columns import linked
from audit.admin_filters import DayRangeFilter
from customers.models import LoyaltyAccount, LoyaltyEntry

from .discreet import Discreet


@admin.register(LoyaltyAccount)
class LoyaltyAccountAdmin(ReadOnlyAdmin):
    list_display = ("customer", "balance", "entries")
    search_fields = ("=customer__public_id",)
    search_help_text = "customer id, as a whole"


@admin.register(LoyaltyEntry)
class LoyaltyEntryAdmin(Discreet, ReadOnlyAdmin):
    personal = ("reason",)
    list_display = ("occurred_at", "customer", "kind", "points", "balance", "order", "user_id")
    list_filter = ("kind", ("occurred_at", DayRangeFilter))
    list_filter_submit = True
    list_select_related = ("account__customer",)
    search_fields = ("=account__customer__public_id", "=order__reference")
    search_help_text = "customer id or order, as a whole"
    ordering = ("-pk",)
    fields = ("customer", "number", "kind", "points", "balance", "reason", "order", "user_id", "task_id", "occurred_at")
    readonly_fields = ("customer",)
    per_viewer = ("customer",)

    @admin.display(ordering="account__customer__public_id")
    def customer(self, entry: LoyaltyEntry, request: HttpRequest) -> Any:
        return linked(request, entry.account.customer)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "account__customer_id__exact" or super().lookup_allowed(lookup, value, request)
