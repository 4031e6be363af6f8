"""Customers, whose order is whose, and their story."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from inventory.models import Order
from shop_assistant.accounts.models import ALPHABET
from shop_assistant.agents.errors import Conflict, ValidationFailed
from shop_assistant.vault import services as vault
from shop_assistant.vault.models import SubjectKey

from ..lookups import KINDS, tokens_of
from ..models import Customer, CustomerLookup, CustomerOrder, Interaction, LoyaltyAccount

PERSONAL = Customer.sealed_fields
LONGEST = {"name": 200, "email": 254, "phone": 40, "address": 500}
BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomer:
    """What a customer is made of; all personal fields may be left empty."""

    public_id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""
    tier: str = Customer.Tier.STANDARD
    member_since: datetime | None = None


def new_public_id() -> str:
    return "CUST-" + "".join(secrets.choice(ALPHABET) for _ in range(8))


def customer_create(*, public_id: str | None = None, **fields: Any) -> Customer:
    """A new customer with a key and an empty points account; `fields` as in NewCustomer.

    :raises ValidationFailed: naming what is wrong, by field.
    :raises Conflict: when the id is taken, or was an erased customer's.
    """
    return customers_create_all([NewCustomer(public_id=public_id or new_public_id(), **fields)])[0]


def customers_create_all(people: Sequence[NewCustomer]) -> list[Customer]:
    """Many at once, for imports: all or none.

    :raises ValidationFailed: naming what is wrong, by field.
    :raises Conflict: when an id is taken, or was an erased customer's.
    """
    made = []
    with transaction.atomic():
        for start in range(0, len(people), BATCH):
            made += _create(people[start : start + BATCH])
    return made


@transaction.atomic
def customer_update(
    *,
    customer: Customer,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    address: str | None = None,
    tier: str | None = None,
    member_since: datetime | None = None,
) -> Customer:
    """Change what is given; '' removes a personal field.

    :raises ValidationFailed: naming what is wrong, by field.
    :raises Conflict: when the customer was erased.
    """
    customer.erased_at = customer_locked(customer).erased_at
    given = {"name": name, "email": email, "phone": phone, "address": address}
    personal = {field: value.strip() for field, value in given.items() if value is not None}
    customer.tier = tier or customer.tier
    customer.member_since = member_since or customer.member_since
    _validate(customer, personal)
    customer.seal(personal)
    customer.save()
    customer.lookups.filter(kind__in=KINDS & personal.keys()).delete()
    CustomerLookup.objects.bulk_create(tokens_of(customer, personal))
    return customer


def customer_locked(customer: Customer) -> Customer:
    """The customer as they are now, to the transaction's end: nobody erases them meanwhile.

    :raises Conflict: when the customer was erased.
    """
    locked: Customer = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
    if locked.erased_at:
        raise Conflict("This customer was erased.", customer_id=locked.public_id)
    return locked


def order_link(*, customer: Customer, order: Order) -> CustomerOrder:
    """Say whose order it is, once and for all.

    :raises Conflict: when the order is someone's already, or the customer was erased.
    """
    if customer.erased_at:
        raise Conflict("This customer was erased.", customer_id=customer.public_id)
    try:
        with transaction.atomic():
            return CustomerOrder.objects.create(customer=customer, order=order)
    except IntegrityError:
        raise Conflict("This order belongs to a customer already.", order=order.reference) from None


def interaction_record(
    *, customer: Customer, kind: str, summary: str = "", reference: str = "", occurred_at: datetime | None = None
) -> Interaction:
    """Add a line to a customer's story; the summary is sealed.

    :param kind: sale, ticket, return, loyalty or note.
    :raises Conflict: when there is a summary and the customer was erased.
    """
    interaction = Interaction(
        customer=customer, kind=kind, reference=reference, occurred_at=occurred_at or timezone.now()
    )
    interaction.seal({"summary": summary})
    interaction.save()
    return interaction


def _create(people: Sequence[NewCustomer]) -> list[Customer]:
    customers = [_unsealed(person) for person in people]
    keys = _keys_of([person.public_id for person in people])
    for customer, person in zip(customers, people, strict=True):
        customer.seal(_personal(person), key=keys[person.public_id])
    try:
        with transaction.atomic():
            made: list[Customer] = Customer.objects.create_all(customers)
    except IntegrityError:
        raise Conflict("An id is taken, or given twice.", customer_ids=_taken(people)) from None
    LoyaltyAccount.objects.bulk_create([LoyaltyAccount(customer=customer) for customer in made], BATCH)
    rows = zip(made, people, strict=True)
    CustomerLookup.objects.bulk_create([t for c, person in rows for t in tokens_of(c, _personal(person))], BATCH)
    return made


def _unsealed(person: NewCustomer) -> Customer:
    customer = Customer(
        public_id=person.public_id, tier=person.tier, member_since=person.member_since or timezone.now()
    )
    _validate(customer, _personal(person))
    return customer


def _personal(person: NewCustomer) -> dict[str, str]:
    return {field: value.strip() for field, value in asdict(person).items() if field in PERSONAL}


def _validate(customer: Customer, personal: dict[str, str]) -> None:
    """:raises ValidationFailed: never with the value itself, which is personal."""
    problems = {f: f"has more than {LONGEST[f]} characters" for f, value in personal.items() if len(value) > LONGEST[f]}
    if personal.get("email") and "@" not in personal["email"].strip("@"):
        problems["email"] = "is no e-mail address"
    try:
        customer.clean_fields(exclude=["sealed_name", "sealed_email", "sealed_phone", "sealed_address"])
    except ValidationError as error:
        problems |= {field: " ".join(messages) for field, messages in error.message_dict.items()}
    if problems:
        raise ValidationFailed(fields=problems)


def _keys_of(ids: list[str]) -> dict[str, SubjectKey]:
    """A key for each, made where there is none."""
    keys = {key.subject: key for key in SubjectKey.objects.filter(subject__in=ids)}
    if gone := [subject for subject, key in keys.items() if key.wrapped is None]:
        raise Conflict("This id belonged to a customer who was erased; take another.", customer_ids=gone)
    return keys | vault.keys_create(dict.fromkeys(i for i in ids if i not in keys))


def _taken(people: Sequence[NewCustomer]) -> list[str]:
    taken = Customer.objects.filter(public_id__in=[person.public_id for person in people])
    return list(taken.values_list("public_id", flat=True)[:10])
