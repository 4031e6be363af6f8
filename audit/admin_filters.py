"""Filters of the admin's lists that cost nothing to offer, however long the list."""

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.timezone import make_aware
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.utils import parse_date_str

from .admin_columns import names_of


class DayRangeFilter(RangeDateFilter):
    """From a day to a day, both whole ones of the shop's time."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        begin = parse_date_str(self.used_parameters.get(f"{self.parameter_name}_from") or "")
        end = parse_date_str(self.used_parameters.get(f"{self.parameter_name}_to") or "")
        wanted = {}
        if begin:
            wanted[f"{self.parameter_name}__gte"] = make_aware(datetime.combine(begin, time.min))
        if end and end.year < 9999:
            wanted[f"{self.parameter_name}__lt"] = make_aware(datetime.combine(end + timedelta(days=1), time.min))
        return queryset.filter(**wanted)


class ExactSearch:
    """Finds whole ids by their indexes, where a search through a long table's text would take long."""

    search_keys: tuple[str, ...] = ()
    """UUID columns"""
    search_names: tuple[str, ...] = ()
    """text columns, looked up in upper case too"""

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            key = UUID(term)
        except ValueError:
            wanted = Q(user_id__in={term, *self._named(request, term)})
            for name in self.search_names:
                wanted |= Q(**{f"{name}__in": {term, term.upper()}})
        else:
            wanted = Q()
            for name in self.search_keys:
                wanted |= Q(**{name: key})
        return queryset.filter(wanted), False

    def _named(self, request: HttpRequest, term: str) -> list[str]:
        """Public ids of the user who logs in with this name."""
        return [public_id for public_id, name in names_of(request).items() if name == term]


def known_values(field: str, values: Callable[[], Iterable[str]], *, title: str = "") -> type[admin.SimpleListFilter]:
    """A filter on a column without choices whose values are known: reading them from a long table would take long."""

    class KnownValuesFilter(admin.SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, value.replace("_", " ").capitalize()) for value in values()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    KnownValuesFilter.title = title or field.replace("_", " ")
    return KnownValuesFilter
