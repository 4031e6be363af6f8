"""Who the buyers of a sales file are: customers that the shop knows, or will."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from customers.encryption import open_rows
from customers.lookups import spelled
from customers.models import Customer, CustomerLookup
from customers.services import NewCustomer
from shop_assistant.vault.services import lookup_token

from .sales_model import Buyer

AT_ONCE = 900
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CODE = re.compile(r".*\d.*|[A-Z]{2,12}")
"""What has a figure or is all capitals is a code; another word may be somebody's name, and no id."""


@dataclass(slots=True, eq=False)
class Person:
    public_id: str
    buyer: Buyer
    pk: int | None = None
    erased: bool = False
    """Nothing can be linked to them any more: their purchases are booked as walk-in sales."""

    def as_new(self, since: datetime) -> NewCustomer:
        """What is too long or no address is left out: a sale isn't lost for it."""
        buyer = self.buyer
        return NewCustomer(
            public_id=self.public_id,
            name=_name(buyer)[:200],
            email=_email(buyer),
            phone=buyer.phone if len(buyer.phone) <= 40 else "",
            address=buyer.country[:500],
            member_since=since,
        )


def people_of(buyers: Sequence[Buyer]) -> tuple[list[Person], list[int]]:
    """The people behind the buyers, and for each buyer the place of theirs in that list."""
    stored = _stored(public_id for buyer in buyers for public_id in _ids(buyer))
    by_email = _by_email({_email(buyer) for buyer in buyers} - {""})
    people: dict[str, Person] = {}
    places: dict[str, int] = {}
    found = []
    for buyer in buyers:
        person = _person(buyer, stored, by_email)
        places.setdefault(person.public_id, len(places))
        people.setdefault(person.public_id, person)
        found.append(places[person.public_id])
    return list(people.values()), found


def identity_of(text: str) -> str:
    """A keyed hash: the same for the same person, and tells nobody who it is."""
    return lookup_token("buyer", " ".join(text.split())).hex()[:16]


def _person(buyer: Buyer, stored: dict[str, Customer], by_email: dict[str, Customer]) -> Person:
    ids = _ids(buyer)
    own, derived = ids[:-1], ids[-1]
    known = next((stored[public_id] for public_id in own if public_id in stored), None)
    known = known or by_email.get(spelled("email", _email(buyer))) or stored.get(derived)
    if known is None:
        return Person(own[-1] if own else derived, buyer)
    return Person(known.public_id, buyer, known.pk, known.erased_at is not None)


def _ids(buyer: Buyer) -> list[str]:
    """The public ids that this buyer may have: as the file has it, with CUST before a number; last one made of e-mail
    or name."""
    code = buyer.code
    own = [code] if _ID.fullmatch(code) and _CODE.fullmatch(code) else []
    if code.isascii() and code.isdigit() and len(code) <= 60:
        own.append(f"CUST{code}")
    return [*own, f"CUST-{identity_of(_email(buyer).casefold() or _name(buyer).casefold() or code)}"]


def _email(buyer: Buyer) -> str:
    for text in (buyer.email, buyer.code):
        if "@" in text.strip("@") and len(text) <= 254:
            return text
    return ""


def _name(buyer: Buyer) -> str:
    if buyer.name or "@" in buyer.code:
        return buyer.name
    return "" if _ID.fullmatch(buyer.code) and _CODE.fullmatch(buyer.code) else buyer.code


def _stored(ids: Iterable[str]) -> dict[str, Customer]:
    found: dict[str, Customer] = {}
    asked = list(dict.fromkeys(ids))
    for start in range(0, len(asked), AT_ONCE):
        rows = Customer.objects.filter(public_id__in=asked[start : start + AT_ONCE])
        found |= {customer.public_id: customer for customer in rows}
    return found


def _by_email(emails: Iterable[str]) -> dict[str, Customer]:
    """Known customers by their e-mail's one spelling; each match is confirmed by opening what is sealed."""
    tokens = [lookup_token("email", spelled("email", email)) for email in emails]
    found: dict[str, Customer] = {}
    for start in range(0, len(tokens), AT_ONCE):
        lookups = CustomerLookup.objects.filter(kind="email", token__in=tokens[start : start + AT_ONCE])
        customers = [lookup.customer for lookup in lookups.select_related("customer").order_by("-customer__public_id")]
        open_rows(customers)
        found |= {spelled("email", customer.plain("email") or ""): customer for customer in customers}
    return found
