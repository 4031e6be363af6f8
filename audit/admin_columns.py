"""How columns look in the admin: numbers without idle zeros, states as badges, and links to what a row points to."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import CharField, DateTimeField, DecimalField, ForeignKey, JSONField, Model, UUIDField
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from shop_assistant.accounts.models import User

MONEY_PLACES = 4
EMPTY = "-"
LONG_WORD = 24
"""characters: a time is not broken, a hash is"""
TASKS = "orchestrator.taskstate"
LINK = "text-primary-600 hover:underline dark:text-primary-500"
PEOPLE = frozenset(
    {
        "acted_by",
        "answered_by",
        "approved_by",
        "assigned_to",
        "caused_by",
        "decided_by",
        "made_by",
        "proposed_by",
        "requested_by",
        "user_id",
    }
)
"""Columns that hold a user's public id."""
TITLES = {"user_id": "who", "occurred_at": "when"}
"""Where a column's own name says too little."""
BADGED = frozenset({"status", "priority", "severity", "kind", "tier", "label"})
"""Columns with choices that are states."""
_COLOURS = {
    "success": ("completed", "applied", "approved", "solved", "fixed", "positive", "receipt", "return", "earn", "sent"),
    "danger": ("failed", "urgent", "critical", "negative", "rejected", "write_off"),
    "warning": ("proposed", "high", "warning", "pending", "gold", "redeem", "count", "counted", "recount"),
    "info": ("open", "in_progress", "scheduled", "info", "sale", "silver"),
}
COLOUR_OF = {value: colour for colour, values in _COLOURS.items() for value in values}
_CLASSES = {
    "success": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    "danger": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    "warning": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    "info": "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
    "": "bg-base-500/8 text-base-700 dark:bg-base-500/20 dark:text-base-200",
}

_BLOCK = "white-space: pre-wrap; overflow-wrap: anywhere; max-height: 40rem; overflow: auto"
"""What an import changed is thousands of lines: they scroll by themselves."""

Show = Callable[[Any], Any]


def badge(text: str, colour: str = "") -> SafeString:
    """A state as unfold draws labels.

    :param colour: success, danger, warning, info, or none.
    """
    return format_html(
        '<span class="inline-block font-semibold h-6 leading-6 px-2 rounded-default text-[11px] uppercase '
        'whitespace-nowrap {}">{}</span>',
        _CLASSES[colour],
        text,
    )


def link(address: str, text: Any) -> SafeString:
    return format_html('<a class="{}" href="{}">{}</a>', LINK, address, text)


def pretty(document: Any) -> str:
    """JSON as an indented block."""
    if document is None:
        return EMPTY
    shown = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    return format_html('<pre tabindex="0" style="{}">{}</pre>', _BLOCK, shown)


def whole(text: str) -> SafeString:
    """A long word, broken where the page ends."""
    return format_html('<code style="overflow-wrap: anywhere">{}</code>', text)


def table(rows: list[dict[str, Any]]) -> SafeString:
    """Rows of equal fields."""
    heads = list(dict.fromkeys(name for row in rows for name in row))
    return format_html(
        '<div class="scrolling"><table class="text-left text-sm w-full"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>",
        format_html_join("", '<th scope="col" class="font-semibold pr-3 py-1">{}</th>', ((_name(h),) for h in heads)),
        format_html_join(
            "",
            '<tr class="border-t border-base-200 dark:border-base-800">{}</tr>',
            (
                (format_html_join("", '<td class="pr-3 py-1">{}</td>', ((laid_out(row.get(h)),) for h in heads)),)
                for row in rows
            ),
        ),
    )


def laid_out(value: Any) -> Any:
    """JSON as people read it: fields as a table of two columns, lists of objects as tables."""
    if isinstance(value, dict):
        rows = ((_name(name), laid_out(item)) for name, item in value.items())
        cells = '<tr><th scope="row" class="align-top font-semibold pr-3 py-1">{}</th><td class="py-1">{}</td></tr>'
        return format_html('<table class="text-left text-sm">{}</table>', format_html_join("", cells, rows))
    if isinstance(value, list):
        if value and all(isinstance(item, dict) for item in value):
            return table(value)
        return format_html_join(", ", "{}", ((laid_out(item),) for item in value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and round(value, 2) == value:
        return f"{value:.2f}"
    return EMPTY if value in (None, "") else _worded(value)


def _worded(value: Any) -> SafeString:
    """Only hashes and the like break anywhere: a column is as wide as its longest word."""
    long = any(len(word) > LONG_WORD for word in str(value).split())
    return format_html('<span style="overflow-wrap: {}">{}</span>', "anywhere" if long else "break-word", value)


def _name(name: str) -> str:
    return name.replace("_", " ").capitalize()


def neat(value: Decimal, places: int) -> str:
    """A number of a column with so many places, as people write it."""
    return number_format(value, decimals_of(value, places))


def decimals_of(value: Decimal, places: int) -> int:
    """How many decimals to show: money has two at least, all else no idle zeros."""
    least = 2 if places == MONEY_PLACES else 0
    return max(least, -int(value.normalize().as_tuple().exponent))


def moment(value: datetime) -> str:
    return date_format(localtime(value), "j M Y, H:i")


def may_view(request: HttpRequest, model: str) -> bool:
    """:param model: such as inventory.product"""
    app, name = model.split(".")
    return bool(request.user.has_perm(f"{app}.view_{name}"))


def page_of(request: HttpRequest, model: str, key: Any) -> str | None:
    """Address of a row's page, where there is one that this user may look at."""
    if not may_view(request, model):
        return None
    return reverse(f"admin:{model.replace('.', '_')}_change", args=[key])


def list_of(model: str, **query: Any) -> str:
    """Address of a model's list, filtered."""
    return reverse(f"admin:{model.replace('.', '_')}_changelist", query=query or None)


def linked(request: HttpRequest, row: Model | None, text: Any = None) -> Any:
    """A row's name, leading to its page where there is one that this user may look at."""
    if row is None:
        return EMPTY
    shown = str(row) if text is None else text
    registered = admin.site.is_registered(type(row))
    address = page_of(request, row._meta.label_lower, row.pk) if registered else None
    return link(address, shown) if address else shown


def names_of(request: HttpRequest) -> dict[str, str]:
    """Users' names by their public id; read once a request."""
    cached: dict[str, str] | None = getattr(request, "_names_of_users", None)
    if cached is None:
        cached = dict(User.objects.values_list("public_id", "username"))
        request._names_of_users = cached  # type: ignore[attr-defined]
    return cached


def person(request: HttpRequest, public_id: str) -> Any:
    """Who that is, by the name people log in with."""
    if not public_id:
        return EMPTY
    name = names_of(request).get(public_id)
    return format_html('<span title="{}">{}</span>', public_id, name) if name else public_id


def columns(
    model: type[Model], request: HttpRequest, names: Iterable[Any], *, own: Mapping[str, Any], first_plain: bool
) -> list[Any]:
    """Names of a model's columns, those replaced by functions that are better shown otherwise; once a request each.

    :param own: an admin's methods that take a row and the request.
    :param first_plain: the first one has the list's own link around it, so it can't have one itself.
    """
    made: dict[Any, Any] = request.__dict__.setdefault("_admin_columns", {})
    fields = {field.name: field for field in model._meta.concrete_fields}
    shown = []
    for place, name in enumerate(names):
        key = (model, name, first_plain and place == 0)
        if key not in made and name in own:
            made[key] = _viewed(own[name], request)
        elif key not in made and name in fields:
            made[key] = _column(fields[name], request, key[2])
        shown.append(made.get(key) or name)
    return list(dict.fromkeys(shown))


def _viewed(method: Any, request: HttpRequest) -> Any:
    def show(row: Any) -> Any:
        return method(row, request)

    show.__dict__.update(method.__dict__)
    show.__name__ = method.__name__
    return show


def _column(field: Any, request: HttpRequest, plain: bool) -> Any:
    """:param plain: the list's own link is around it, so it can't have one itself."""
    inner = _show(field, request, plain)
    if inner is None:
        return None

    @admin.display(description=TITLES.get(field.name, field.verbose_name), ordering=field.name, empty_value=EMPTY)
    def show(row: Any) -> Any:
        value = getattr(row, field.attname)
        return None if value in (None, "") else inner(row)

    show.__name__ = field.name
    return show


def _show(field: Any, request: HttpRequest, plain: bool) -> Show | None:
    name, places = field.name, getattr(field, "decimal_places", None) or 0
    if isinstance(field, DecimalField):
        return lambda row: neat(getattr(row, name), places)
    if isinstance(field, DateTimeField):
        return lambda row: moment(getattr(row, name))
    if isinstance(field, JSONField):
        return lambda row: pretty(getattr(row, name))
    if isinstance(field, CharField) and field.choices and name in BADGED:
        return lambda row: _state(row, name)
    if plain:
        return None
    if isinstance(field, ForeignKey):
        return lambda row: linked(request, getattr(row, name))
    if name in PEOPLE:
        return lambda row: person(request, getattr(row, name))
    if isinstance(field, UUIDField) and name == "task_id" and not field.primary_key:
        return lambda row: task_link(request, getattr(row, name))
    return None


def _state(row: Any, name: str) -> SafeString:
    said = getattr(row, f"get_{name}_display")()
    short = said.split(":")[0].split(" (")[0]  # what follows explains the state to who chooses it
    return badge(short, COLOUR_OF.get(getattr(row, name), ""))


def task_link(request: HttpRequest, task_id: Any) -> Any:
    """The task that did it."""
    if not task_id:
        return EMPTY
    address = page_of(request, TASKS, task_id)
    short = f"…{str(task_id)[-8:]}"
    return link(address, short) if address else short


__all__ = ["badge", "columns", "link", "linked", "list_of", "moment", "neat", "page_of", "person", "pretty"]
