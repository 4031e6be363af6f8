"""What every admin page of the shop has: unfold's look, history, and an event for each change."""

from decimal import Decimal
from functools import cache
from typing import Any

from django.contrib import admin
from django.db.models import DecimalField, Model
from django.http import HttpRequest
from django.utils.formats import number_format
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.admin import StackedInline as UnfoldStackedInline
from unfold.admin import TabularInline as UnfoldTabularInline
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from . import events
from .history import authored, noted_rows
from .services import event_record

MONEY_PLACES = 4


class NeatNumbers:
    """Pages show 0.42 and 6, not 0.4200 and 6.000: money with two decimals at least, all else without idle zeros."""

    model: type[Model]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._neat(super().get_list_display(request))  # type: ignore[misc]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of what is only shown; in a form's fields the widget sees to it."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        if obj is None or self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            return fieldsets
        return [(title, {**options, "fields": self._neat(options["fields"])}) for title, options in fieldsets]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        if obj is None or self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            return shown
        return [*shown, *self._neat(f.name for f in self.model._meta.concrete_fields if isinstance(f, DecimalField))]

    def formfield_for_dbfield(self, column: Any, request: HttpRequest, **options: Any) -> Any:
        if isinstance(column, DecimalField):
            options["widget"] = _NeatInput(column.decimal_places or 0)
        return super().formfield_for_dbfield(column, request, **options)  # type: ignore[misc]

    def _neat(self, names: Any) -> list[Any]:
        decimals = {f.name: f for f in self.model._meta.concrete_fields if isinstance(f, DecimalField)}
        neat_names = (_neat_column(decimals[name]) if name in decimals else name for name in names)
        return list(dict.fromkeys(neat_names))


class _NeatInput(UnfoldAdminDecimalFieldWidget):
    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def format_value(self, value: Any) -> Any:
        """What was typed and refused stays as it was typed."""
        if isinstance(value, Decimal):
            return f"{value:.{_decimals(value, self.places)}f}"
        return super().format_value(value)


@cache
def _neat_column(column: "DecimalField[Any, Any]") -> Any:
    @admin.display(description=column.verbose_name, ordering=column.name, empty_value="-")
    def show(row: Any) -> str | None:
        value = getattr(row, column.attname)
        return None if value is None else neat(value, column.decimal_places or 0)

    show.__name__ = column.name
    return show


def neat(value: Decimal, places: int) -> str:
    """A number of a column with so many places, as people write it."""
    return number_format(value, _decimals(value, places))


def _decimals(value: Decimal, places: int) -> int:
    least = 2 if places == MONEY_PLACES else 0
    return max(least, -int(value.normalize().as_tuple().exponent))


class ReadOnlyAdmin(NeatNumbers, ModelAdmin):
    """Ledgers, records and tasks: to be looked at."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StackedInline(NeatNumbers, UnfoldStackedInline):
    pass


class TabularInline(NeatNumbers, UnfoldTabularInline):
    hide_title = True


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
