"""What every admin page of the shop has: unfold's look, history, and an event for each change."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import DecimalField, Model
from django.http import HttpRequest
from django.utils.formats import number_format
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from . import events
from .history import authored, noted_rows
from .services import event_record

MONEY_PLACES = 4


class NeatNumbers:
    """Lists show 0.42 and 6, not 0.4200 and 6.000: money with two decimals at least, all else without idle zeros."""

    model: type[Model]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown = super().get_list_display(request)  # type: ignore[misc]
        decimals = {f.name: f for f in self.model._meta.concrete_fields if isinstance(f, DecimalField)}
        return [_neat_column(decimals[name]) if name in decimals else name for name in shown]


def _neat_column(column: "DecimalField[Any, Any]") -> Any:
    @admin.display(description=column.verbose_name, ordering=column.name, empty_value="-")
    def show(row: Any) -> str | None:
        value = getattr(row, column.attname)
        return None if value is None else neat(value, column.decimal_places or 0)

    show.__name__ = column.name
    return show


def neat(value: Decimal, places: int) -> str:
    """A number of a column with so many places, as people write it."""
    least = 2 if places == MONEY_PLACES else 0
    kept = max(least, -int(value.normalize().as_tuple().exponent))
    return number_format(value, kept)


class ReadOnlyAdmin(NeatNumbers, ModelAdmin):
    """Ledgers, records and tasks: to be looked at."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AuditedAdmin:
    """Names who changes what in the history, and makes each change an event of the trail.

    The admin's views run in a transaction, in which log_addition and its like are called: so the change and
    its event commit together.
    """

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with authored(_user_id(request), "admin"):
            return super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with authored(_user_id(request), "admin"):
            return super().delete_view(request, *args, **kwargs)  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with authored(_user_id(request), "admin"):
            return super().changelist_view(request, *args, **kwargs)  # type: ignore[misc]

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, obj, "added")
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, obj, "changed")
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            _record(request, obj, "deleted")
        return super().log_deletions(request, queryset)  # type: ignore[misc]


class PlainAdmin(AuditedAdmin, NeatNumbers, ModelAdmin):
    """Settings without a history of their own; their changes are events."""


class ShopAdmin(AuditedAdmin, NeatNumbers, SimpleHistoryAdmin, ModelAdmin):
    """Master data."""


def _record(request: HttpRequest, obj: Model, change: str) -> None:
    event_record(
        events.OBJECT_CHANGED,
        user_id=_user_id(request),
        change=change,
        model=obj._meta.label,
        key=str(obj.pk),
        history=noted_rows(),
    )


def _user_id(request: HttpRequest) -> str:
    return getattr(request.user, "public_id", "")


__all__ = [
    "AuditedAdmin",
    "PlainAdmin",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "ShopAdmin",
    "StackedInline",
    "TabularInline",
]
