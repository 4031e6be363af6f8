"""Finding a customer by e-mail or phone without keeping either in readable form."""

import re
from collections.abc import Iterator

from django.db import transaction

from shop_assistant.vault.services import lookup_token, lookup_tokens

from .encryption import open_rows
from .models import Customer, CustomerLookup

KINDS = frozenset(CustomerLookup.Kind.values)
MOST = 50
"""So many who share a token are looked at; a family may share a phone."""


def spelled(kind: str, value: str) -> str:
    """One spelling of what people write in many: `+44 (0)20 7946-0958`, `0044 20…`, `John@Example.com`."""
    if kind == CustomerLookup.Kind.EMAIL:
        return value.strip().casefold()
    digits = re.sub(r"\D", "", value.replace("(0)", ""), flags=re.ASCII)
    return digits.removeprefix("00") if value.strip().startswith(("+", "00")) else digits


def tokens_of(customer: Customer, personal: dict[str, str]) -> list[CustomerLookup]:
    """Rows, not yet stored, for those of a customer's fields that can be searched and are not empty."""
    return [
        CustomerLookup(customer=customer, kind=kind, token=lookup_token(kind, spelled(kind, value)))
        for kind, value in personal.items()
        if kind in KINDS and spelled(kind, value)
    ]


def customers_with(*, kind: str, value: str) -> list[Customer]:
    """The customers whose e-mail or phone this is, each match confirmed by decrypting it; two queries."""
    asked = spelled(kind, value)
    if not asked:
        return []
    rows = Customer.objects.filter(lookups__kind=kind, lookups__token__in=lookup_tokens(kind, asked))
    found = list(rows.select_related("loyalty").order_by("public_id")[:MOST])
    open_rows(found)
    return [customer for customer in found if spelled(kind, customer.plain(kind) or "") == asked]


def lookups_renew(*, batch: int = 500) -> Iterator[int]:
    """Make the look-ups of everyone with the newest LOOKUP_KEY, a batch a transaction, while the shop goes on; the
    number of customers looked at after each. What is right already stays, so it can be stopped and called again.
    """
    after, done = 0, 0
    while True:
        with transaction.atomic():
            rows = Customer.objects.select_for_update(of=("self",)).filter(pk__gt=after, erased_at=None).order_by("pk")
            found = list(rows[:batch])
            if not found:
                return
            _renew(found)
        after, done = found[-1].pk, done + len(found)
        yield done


def _renew(customers: list[Customer]) -> None:
    """:raises WrongKey: when a text was tampered with."""
    open_rows(customers)
    wanted = {
        (row.customer_id, row.kind): row
        for customer in customers
        for row in tokens_of(customer, {kind: customer.plain(kind) or "" for kind in KINDS})
    }
    stored = {(row.customer_id, row.kind): row for row in CustomerLookup.objects.filter(customer__in=customers)}
    same = {key for key, row in wanted.items() if key in stored and bytes(stored[key].token) == row.token}
    old = [row.pk for key, row in stored.items() if key not in same]
    CustomerLookup.objects.filter(pk__in=old).delete()
    CustomerLookup.objects.bulk_create([row for key, row in wanted.items() if key not in same])
