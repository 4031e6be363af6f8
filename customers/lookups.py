"""Finding a customer by e-mail or phone without keeping either in readable form."""

import re

from shop_assistant.vault.services import lookup_token

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
    rows = Customer.objects.filter(lookups__kind=kind, lookups__token=lookup_token(kind, asked))
    found = list(rows.select_related("loyalty").order_by("public_id")[:MOST])
    open_rows(found)
    return [customer for customer in found if spelled(kind, customer.plain(kind) or "") == asked]
