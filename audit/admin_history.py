"""How the history of an object is told: by whom, why, and what was changed."""

from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, JSONField
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from simple_history.template_utils import HistoricalRecordContextHelper

from shop_assistant.vault.services import PREFIX

from .admin_columns import EMPTY, PEOPLE, names_of, neat, pretty, task_link


def why_of(request: HttpRequest, reason: str) -> Any:
    """A change made by an operation names its task."""
    kind, _, key = reason.partition(" ")
    return format_html("task {}", task_link(request, key)) if kind == "task" and key else reason or EMPTY


class Differences(HistoricalRecordContextHelper):
    """Changed fields as people write them; of sealed ones only that they changed."""

    def __init__(self, request: HttpRequest, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.request = request

    def prepare_delta_change_value(self, change: Any, value: Any) -> Any:
        field = self.model._meta.get_field(change.field)
        if isinstance(value, str) and value.startswith(PREFIX):
            return "[personal]"
        if isinstance(field, JSONField):
            return pretty(value)
        if isinstance(field, DecimalField) and isinstance(value, Decimal):
            return neat(value, field.decimal_places or 0)
        if value is None or value == "":
            return "nothing"
        if change.field in PEOPLE:
            return names_of(self.request).get(value, value)
        return super().prepare_delta_change_value(change, value)

    def format_delta_change(self, change: Any) -> Any:
        shown = super().format_delta_change(change)
        return type(shown)(capfirst(shown.field.removeprefix("Sealed ")), shown.old, shown.new)
