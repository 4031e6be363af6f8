"""What every admin page of the shop has: unfold's look, history, exports, and an event for each change."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import BinaryField, DecimalField, Field, ForeignKey, Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from simple_history.admin import SimpleHistoryAdmin
from simple_history.template_utils import HistoricalRecordContextHelper
from unfold.admin import ModelAdmin
from unfold.admin import StackedInline as UnfoldStackedInline
from unfold.admin import TabularInline as UnfoldTabularInline
from unfold.decorators import action
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from shop_assistant.agents.errors import AgentError

from . import events
from .admin_columns import columns, decimals_of, person
from .admin_history import Differences, why_of
from .history import authored, noted_rows
from .services import event_record

_LOOKUPS = frozenset(Field.get_lookups())


class NeatColumns:
    """Pages show 0.42 and 6, not 0.4200 and 6.000; states as badges; what a row points to as a link."""

    model: type[Model]

    per_viewer: tuple[str, ...] = ()
    """Methods of the admin that show a row in a way that depends on who looks: they take the request, too."""

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        names = super().get_list_display(request)  # type: ignore[misc]
        return self._better(request, names, first_plain=self.list_display_links is not None)  # type: ignore[attr-defined]

    def get_list_select_related(self, request: HttpRequest) -> Any:
        """Whatever a column leads to is read along."""
        declared = super().get_list_select_related(request)  # type: ignore[misc]
        keys = {field.name for field in self.model._meta.concrete_fields if isinstance(field, ForeignKey)}
        listed = [name for name in self.list_display if name in keys]  # type: ignore[attr-defined]
        return [*(declared or ()), *listed] or False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of what is only shown; in a form's fields the widget sees to it."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        if obj is None:
            return fieldsets
        readonly = self._plain_readonly(request, obj)
        return [
            (title, {**options, "fields": self._better(request, options["fields"], only=readonly)})
            for title, options in fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        if obj is None:
            return shown
        better = self._better(request, sorted(self._plain_readonly(request, obj)))
        return [*shown, *(column for column in better if callable(column))]

    def _plain_readonly(self, request: HttpRequest, obj: Any) -> set[str]:
        """Names of what nobody edits on this page."""
        declared = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        if self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            return set(declared)
        return {*declared, *(field.name for field in self.model._meta.concrete_fields)}

    def _better(
        self, request: HttpRequest, names: Any, *, first_plain: bool = False, only: set[str] | None = None
    ) -> list[Any]:
        own = {name: getattr(self, name) for name in self.per_viewer}
        if only is None:
            return columns(self.model, request, names, own=own, first_plain=first_plain)
        return [
            columns(self.model, request, [name], own=own, first_plain=False)[0] if name in only else name
            for name in names
        ]

    def formfield_for_dbfield(self, column: Any, request: HttpRequest, **options: Any) -> Any:
        if isinstance(column, DecimalField):
            options["widget"] = _NeatInput(column.decimal_places or 0)
        return super().formfield_for_dbfield(column, request, **options)  # type: ignore[misc]


class _NeatInput(UnfoldAdminDecimalFieldWidget):
    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def format_value(self, value: Any) -> Any:
        """What was typed and refused stays as it was typed."""
        if isinstance(value, Decimal):
            return f"{value:.{decimals_of(value, self.places)}f}"
        return super().format_value(value)


class _List(ChangeList):
    full_result_count: int | None

    def get_results(self, request: HttpRequest) -> None:
        """Where nothing is searched for, what was counted is all there is, and need not be counted again."""
        super().get_results(request)
        if self.full_result_count is None and not (self.query or self.get_filters_params()):
            self.full_result_count = self.result_count


class Exported(ModelAdmin):
    """A list that can be taken out as a file, by those who may."""

    list_per_page = 30
    show_full_result_count = False

    export_dataset = ""
    """as `manage.py export` names it; empty: there is none of this list"""
    actions_list: Any = ("export_list",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _List

    @action(description="Export", url_path="export", icon="download", permissions=["export_list"])
    def export_list(self, request: HttpRequest) -> HttpResponse:
        return redirect(self._export_page() or "..")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """What a column is, by an address: not what it begins with or looks like, which would read out what is hidden
        letter by letter, and on SQLite lets a regular expression run for ever.
        """
        name, *_, kind = lookup.split("__") if "__" in lookup else (lookup, "exact")
        asked = {field.name: field for field in self.model._meta.concrete_fields}.get(name)
        if isinstance(asked, BinaryField) or (kind in _LOOKUPS and kind not in ("exact", "in", "isnull")):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def has_export_list_permission(self, request: HttpRequest) -> bool:
        return bool(self._export_page()) and self.has_view_permission(request)

    def _export_page(self) -> str | None:
        if not self.export_dataset:
            return None
        try:
            return reverse("export", args=[self.export_dataset])
        except NoReverseMatch:
            return None


class ReadOnlyAdmin(NeatColumns, Exported):
    """Ledgers, records and tasks: to be looked at."""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> Any:
        """Without a way to a history, as nothing of this ever changes by hand."""
        return super().render_change_form(request, {**context, "show_history": False}, *args, **options)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StackedInline(NeatColumns, UnfoldStackedInline):
    pass


class TabularInline(NeatColumns, UnfoldTabularInline):
    hide_title = True


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what its columns lead to."""
        rows = super().get_queryset(request)
        keys = {field.name for field in self.model._meta.concrete_fields if isinstance(field, ForeignKey)}
        listed = [name for name in self.fields or () if name in keys]
        return rows.select_related(*listed) if listed else rows

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

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Only afterwards is there a history to tell of: Django's log_deletions comes before."""
        key = str(obj.pk)
        with transaction.atomic():
            super().delete_model(request, obj)  # type: ignore[misc]
            _record(request, obj, "deleted", key=key)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        with transaction.atomic():
            for obj in queryset:
                self.delete_model(request, obj)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        request.changed_fields = sorted(form.changed_data)  # type: ignore[attr-defined]
        return super().construct_change_message(request, form, formsets, add)  # type: ignore[misc]


class PlainAdmin(AuditedAdmin, NeatColumns, Exported):
    """Settings without a history of their own; their changes are events."""


class ShopAdmin(AuditedAdmin, NeatColumns, SimpleHistoryAdmin, Exported):
    """Master data."""

    history_list_per_page = 50

    def set_history_delta_changes(self, request: HttpRequest, historical_records: Any, **options: Any) -> None:
        super().set_history_delta_changes(request, historical_records, **options)
        for record in historical_records:
            record.who = person(request, record.history_user_id)
            record.why = why_of(request, record.history_change_reason or "")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        titles = {"history_titles": ("When", "Who", "What", "Why", "Changes")}
        return super().history_view(request, object_id, titles | (extra_context or {}))

    def get_historical_record_context_helper(
        self, request: HttpRequest, historical_record: Any
    ) -> HistoricalRecordContextHelper:
        return Differences(request, self.model, historical_record)


def go(request: HttpRequest, address: str) -> HttpResponse:
    """Lead on after a dialog, which may have been sent by htmx."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def told(error: AgentError) -> str:
    """What an operation refused, in one text."""
    return "; ".join([error.message, *map(str, error.details.get("fields", {}).values())])


def dialog_again(request: HttpRequest, dialog: Any, form: Any, field: str, error: AgentError) -> HttpResponse:
    """An action's dialog with what its operation refused, beside the field that can put it right: this one, or the
    box by which a shop of one confirms.
    """
    unconfirmed = error.details.get("missing") == "confirm" and "confirm" in form.fields
    form.add_error("confirm" if unconfirmed else field, told(error))
    return render(request, "unfold/helpers/dialog.html", {"dialog": dialog, "form": form})


def _record(request: HttpRequest, obj: Model, change: str, *, key: str = "") -> None:
    event_record(
        events.OBJECT_CHANGED,
        user_id=_user_id(request),
        change=change,
        model=obj._meta.label,
        key=key or str(obj.pk),
        fields=getattr(request, "changed_fields", []),
        history=noted_rows(),
    )


def _user_id(request: HttpRequest) -> str:
    return getattr(request.user, "public_id", "")


__all__ = [
    "AuditedAdmin",
    "NeatColumns",
    "PlainAdmin",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "ShopAdmin",
    "StackedInline",
    "TabularInline",
    "go",
    "told",
]
