"""By what a customer is known again where no key of theirs was used: in tickets and requests of nobody known."""

from typing import Any

from shop_assistant.vault.erasing import Traces

from .encryption import open_readable
from .lookups import spelled
from .models import Customer

SHORTEST, NATIONAL = 7, 9
"""Digits of a phone number: a shorter one may stand in any text; so many at its end are the same with and without the
country's code.
"""


def traces_of(customer: Customer) -> Traces:
    """From the profile as it is and as it ever was, and from what the customer ordered, sent back and asked."""
    states = [customer, *(state for _, state in states_of(customer))]
    open_readable(states)
    names = {name.casefold() for state in states if " " in (name := (state.name or "").strip())}
    emails = {spelled("email", state.email) for state in states if state.email}
    phones = {spelled("phone", state.phone) for state in states if state.phone}
    parts = {part for name in names for part in name.split() if len(part) > 2}
    return Traces(
        codes=frozenset({code.casefold() for code in _codes(customer)} | parts),
        words=tuple(sorted(names | emails)),
        digits=tuple(sorted({phone[-NATIONAL:] for phone in phones if len(phone) >= SHORTEST})),
    )


def states_of(customer: Customer) -> list[tuple[Any, Customer]]:
    """What the history kept of the profile, the oldest first: its rows, and each as a customer, whose texts open at the
    same places.
    """
    rows = list(customer.history.order_by("history_date", "history_id"))
    columns = [field.attname for field in Customer._meta.concrete_fields]
    return [(row, Customer(**{name: getattr(row, name) for name in columns})) for row in rows]


def _codes(customer: Customer) -> set[str]:
    orders = customer.customer_orders
    found = {customer.public_id, *customer.tickets.values_list("reference", flat=True)}
    found |= set(orders.values_list("order__reference", flat=True))
    found |= set(orders.filter(order__returns__isnull=False).values_list("order__returns__reference", flat=True))
    return found
