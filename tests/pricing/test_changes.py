"""Planned prices: scheduled, put into force, called off."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import Outbox
from inventory.models import Product
from pricing.models import PriceChange
from pricing.services import price_change_cancel, price_change_schedule, price_changes_apply_due
from shop_assistant.agents.errors import Conflict, ValidationFailed

pytestmark = pytest.mark.django_db


def plan(product: Product, price: str, days: int = 0) -> PriceChange:
    return price_change_schedule(
        product=product,
        new_price=Decimal(price),
        effective_at=timezone.now() + timedelta(days=days),
        reason="spring",
        user_id="USER123",
    )


def test_a_price_comes_into_force_when_its_time_has_come(widget):
    with time_machine.travel(datetime(2024, 3, 1, tzinfo=UTC), tick=False) as clock:
        change = plan(widget, "31.50", days=2)
        assert price_changes_apply_due() == []
        clock.shift(timedelta(days=2))
        assert [c.pk for c in price_changes_apply_due()] == [change.pk]
        assert price_changes_apply_due() == []
    widget.refresh_from_db()
    change.refresh_from_db()
    assert widget.list_price == Decimal("31.50")
    assert (change.status, change.old_price) == ("applied", Decimal("29.99"))
    assert change.applied_at == datetime(2024, 3, 3, tzinfo=UTC)


def test_who_and_why_is_in_the_history_and_in_the_trail(widget):
    plan(widget, "31.50")
    price_changes_apply_due()
    row = Product.history.filter(id=widget.pk).latest("history_id")
    assert (row.list_price, row.history_user_id) == (Decimal("31.50"), "USER123")
    event = json.loads(Outbox.objects.get(event="OBJECT_CHANGED", user_id="USER123").payload)
    assert (event["user_id"], event["model"], event["key"]) == ("USER123", "inventory.Product", str(widget.pk))
    assert {noted["model"] for noted in event["history"]} == {"inventory.Product", "pricing.PriceChange"}


def test_several_changes_apply_in_their_order(widget):
    plan(widget, "33", days=-1)
    plan(widget, "32", days=-2)
    applied = price_changes_apply_due()
    assert [(c.old_price, c.new_price) for c in applied] == [(Decimal("29.99"), 32), (32, 33)]
    widget.refresh_from_db()
    assert widget.list_price == 33


def test_a_change_called_off_is_not_made(widget):
    change = plan(widget, "33")
    price_change_cancel(change=change, user_id="USER123")
    assert price_changes_apply_due() == []
    with pytest.raises(Conflict):
        price_change_cancel(change=change, user_id="USER123")


@pytest.mark.parametrize("price", ["-1", "9.999", "10000000000"])
def test_a_price_is_an_amount_of_the_currency(widget, price):
    with pytest.raises(ValidationFailed):
        plan(widget, price)


@pytest.mark.parametrize(
    "wrong",
    [
        {"new_price": -1},
        {"user_id": ""},
        {"status": "applied"},
        {"status": "unknown"},
        {"applied_at": datetime(2024, 1, 1, tzinfo=UTC)},
    ],
)
def test_the_database_refuses_changes_that_make_no_sense(widget, wrong):
    values = {"product": widget, "old_price": 1, "new_price": 2, "user_id": "USER123"}
    with pytest.raises(IntegrityError), transaction.atomic():
        PriceChange.objects.create(**values | wrong)
