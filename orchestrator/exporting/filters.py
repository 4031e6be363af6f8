"""Which rows an export takes: filters as people type them, checked before anything is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from pydantic import TypeAdapter, ValidationError

from audit.models import AuditRecord, Outbox
from customers.selectors import customer_get
from inventory.selectors import category_get, day_start, location_get, product_get, supplier_get
from inventory.selectors.counting import count_get
from shop_assistant.accounts.models import SYSTEM_USER_ID, User
from shop_assistant.agents import registry
from shop_assistant.agents.errors import NotFound, ValidationFailed
from shop_assistant.agents.fields import UtcTime, iso_utc

from .definitions import Dataset, Part

ABOUT = {
    "from": "from this day (YYYY-MM-DD, of the shop's time zone) or time (2024-01-22T10:30:00Z) on",
    "to": "up to this day, included, or before this time",
    "sku": "one product",
    "category": "products of this category",
    "location": "what lies, or moved, at this place (its code)",
    "count": "one count sheet, by its reference",
    "low_stock": "only products at or below their reorder point",
    "supplier": "one supplier's, by its code",
    "customer": "one customer's, by id",
    "tier": "customers of this tier",
    "status": "in this state",
    "priority": "tickets of this priority",
    "kind": "movements of this kind",
    "event": "records of this event, such as TASK_FAILED",
    "agent": "work of this agent",
    "by": "what this user did (username or public id)",
}
_BOUNDS = {"from": "__gte", "to": "__lt"}
_moment = TypeAdapter(UtcTime)


@dataclass(frozen=True, slots=True)
class Filter:
    value: Any
    """What is compared with."""
    told: str
    """As the trail tells it: keys of what exists, never what somebody typed."""


Filters = Mapping[str, Filter]


def names_of(dataset: Dataset) -> list[str]:
    """The filters a dataset takes, as people call them."""
    return [name for key in dataset.filters for name in (("from", "to") if key == "time" else (key,))]


def filters_read(dataset: Dataset, given: Mapping[str, str]) -> Filters:
    """The filters that are given (not empty), looked up.

    :raises ValidationFailed: for one that the dataset does not have, or that can't be understood.
    :raises NotFound: for a product, category, location, customer, user or event that there is not.
    """
    asked = {name: text.strip() for name, text in given.items() if text.strip()}
    known = names_of(dataset)
    if unknown := [name for name in asked if name not in known]:
        raise ValidationFailed(
            f"{dataset.name} takes no filter {', '.join(unknown)}; it takes {', '.join(known)}.",
            fields=dict.fromkeys(unknown, "is no filter of this"),
        )
    read = {name: _read(dataset, name, text) for name, text in asked.items()}
    if "from" in read and "to" in read and read["from"].value >= read["to"].value:
        raise ValidationFailed("The period ends before it begins.", fields={"to": "lies before from"})
    return read


def narrowed(part: Part, filters: Filters) -> QuerySet[Any] | None:
    """The part's rows that pass; None where it can't have any."""
    rows, together = part.rows(), Q()
    for name, wanted in filters.items():
        condition = part.conditions.get("time" if name in _BOUNDS else name)
        if condition is None:
            return None
        if callable(condition):
            rows = condition(rows, wanted.value)
        else:
            together &= Q(**{condition + _BOUNDS.get(name, ""): wanted.value})
    return rows.filter(together)  # at once, so that conditions on a joined table mean the same row of it


def _read(dataset: Dataset, name: str, text: str) -> Filter:
    if name in _BOUNDS:
        moment = _moment_of(name, text)
        return Filter(moment, iso_utc(moment))
    if name in dataset.choices:
        return _one_of(name, text, dataset.choices[name])
    return _READERS[name](text)


def _moment_of(name: str, text: str) -> datetime:
    """A day begins at midnight in the shop's time zone; as the end of a period it is included."""
    try:
        day = date.fromisoformat(text) if len(text) == len("2024-01-22") else None
        if day is not None:
            return day_start(day + timedelta(days=1) if name == "to" else day)
        return _moment.validate_python(text)
    except (ValueError, OverflowError, ValidationError):
        said = "must be a day such as 2024-01-22, or a time with its offset such as 2024-01-22T10:30:00Z"
        raise ValidationFailed(f"{name} {said}.", fields={name: said}) from None


def _one_of(name: str, text: str, choices: tuple[str, ...]) -> Filter:
    if text.lower() not in choices:
        said = f"must be one of {', '.join(choices)}"
        raise ValidationFailed(f"{name} {said}.", fields={name: said})
    return Filter(text.lower(), text.lower())


def _product(text: str) -> Filter:
    found = product_get(sku=text)
    return Filter(found.pk, found.sku)


def _category(text: str) -> Filter:
    found = category_get(name=text)
    return Filter(found.pk, found.name)


def _location(text: str) -> Filter:
    found = location_get(code=text)
    return Filter(found.pk, found.code)


def _count(text: str) -> Filter:
    found = count_get(reference=text)
    return Filter(found.pk, found.reference)


def _supplier(text: str) -> Filter:
    found = supplier_get(code=text)
    return Filter(found.pk, found.code)


def _customer(text: str) -> Filter:
    found = customer_get(customer_id=text)
    return Filter(found.pk, found.public_id)


def _user(text: str) -> Filter:
    if text == SYSTEM_USER_ID:
        return Filter(text, text)
    found = User.objects.filter(Q(username=text) | Q(public_id=text)).first()
    if found is None:
        raise NotFound("There is no such user: name a username or a public id.", fields={"by": "is no user"})
    return Filter(found.public_id, found.public_id)


def _event(text: str) -> Filter:
    name = text.upper()
    if not any(events.filter(event=name).exists() for events in (AuditRecord.objects, Outbox.objects)):
        raise NotFound("The trail has no such event.", fields={"event": "is no event of the trail"})
    return Filter(name, name)


def _flag(text: str) -> Filter:
    on = text.lower() not in ("false", "0", "no", "off")
    return Filter(on, str(on).lower())


_READERS: dict[str, Callable[[str], Filter]] = {
    "sku": _product,
    "category": _category,
    "location": _location,
    "count": _count,
    "supplier": _supplier,
    "customer": _customer,
    "by": _user,
    "event": _event,
    "agent": lambda text: _one_of("agent", text, tuple(registry.agents)),
    "low_stock": _flag,
}
