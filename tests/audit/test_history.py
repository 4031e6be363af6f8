"""Every state of the master data, sealed with the event that made it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from audit import events
from audit.history import authored, noted_rows, row_digest
from audit.models import AuditRecord, Outbox
from audit.sealing import seal
from inventory.models import Category, Product, PurchaseOrder, Supplier
from pricing.models import PriceRecommendation
from pricing.services import price_change_schedule, price_changes_apply_due, recommendation_approve
from shop_assistant.agents import call
from shop_assistant.tracking import SYSTEM


def listed() -> Iterator[dict[str, Any]]:
    """The rows of history that sealed events list."""
    seal()
    for record in AuditRecord.objects.order_by("seq"):
        yield from json.loads(record.payload).get("history", [])


def stored(row: dict[str, Any]) -> Any:
    """The row of history that an event means, as the database gives it back."""
    model = apps.get_model(row["model"])
    found = model.history.model.objects.get(history_id=row["history_id"])
    assert str(found.instance.pk) == row["key"]
    return found


def check_listed() -> dict[str, int]:
    """Each listed row is in the database as it was when it was sealed; how many there are of each model."""
    counted: dict[str, int] = {}
    for row in listed():
        assert row_digest(stored(row)) == row["digest"], row
        counted[row["model"]] = counted.get(row["model"], 0) + 1
    return counted


def test_the_histories_of_the_examples_are_sealed(shop):
    assert check_listed() == {
        "inventory.Category": 1,
        "inventory.Supplier": 1,
        "inventory.Warehouse": 1,
        "inventory.Location": 3,
        "inventory.Product": 3,
        "inventory.ReorderPolicy": 3,
        "pricing.PriceRule": 1,
        "customers.Customer": 1,
    }


def test_the_event_of_a_task_lists_the_history_it_made(shop, api):
    ticket = {"subject": "Broken", "message": "It is broken.", "customer_id": "CUST001"}
    answer = api("clerk").post("/api/customer/support-ticket", ticket)
    seal()
    record = AuditRecord.objects.get(task_id=answer.headers["X-Task-ID"], event=events.TASK_COMPLETED)
    rows = json.loads(record.payload)["history"]
    assert [row["model"] for row in rows] == ["customers.Ticket"]
    kept = stored(rows[0])
    assert kept.history_user_id == "USER-CLERK"
    assert kept.history_change_reason == f"task {record.task_id}"
    assert row_digest(kept) == rows[0]["digest"]


def test_draft_purchase_orders_are_sealed_line_by_line(shop, api):
    Product.objects.get(sku="SKU001").levels.update(on_hand=0)
    policy = Product.objects.get(sku="SKU001").reorder_policy
    policy.reorder_point = Decimal(40)
    policy.save()
    answer = api("manager").post("/api/inventory/reorder", {"sku": "SKU001", "create": True})
    if not answer.json()["data"]["created"]:
        pytest.skip("nothing to order without sales")
    assert PurchaseOrder.objects.exists()
    counted = check_listed()
    assert counted["inventory.PurchaseOrder"] == counted["inventory.PurchaseOrderLine"] == 1


def test_decided_recommendations_and_planned_prices_are_sealed(shop):
    """Their rows hold JSON, fractions of a second, and moments of another zone."""
    product = Product.objects.get(sku="SKU001")
    with transaction.atomic(), authored("USER-OWNER") as authorship:
        price_change_schedule(
            product=product,
            new_price=Decimal("31.50"),
            effective_at=datetime(2035, 7, 1, 9, 30, 0, 123456, tzinfo=ZoneInfo("America/New_York")),
            reason="rise",
            user_id="USER-OWNER",
        )
        recommendation = PriceRecommendation.objects.create(
            product=product,
            objective="profit",
            current_price=Decimal("29.99"),
            recommended_price=Decimal("32"),
            evidence={"weeks": 30, "elasticity": {"value": -1.50, "low": -2.0, "r2": 1e-7}, "caveat": "ü"},
            expected={"units": {"now": 1, "then": 0.1 + 0.2}, "none": None, "list": [1.0, 2.5]},
            proposed_by="USER-OWNER",
        )
        recommendation_approve(recommendation=recommendation, user_id="USER-OWNER")
        rows = noted_rows()
    assert {row["model"] for row in rows} == {"pricing.PriceChange", "pricing.PriceRecommendation"}
    assert authorship.rows == []
    for row in rows:
        assert row_digest(stored(row)) == row["digest"], row
    assert price_changes_apply_due()
    assert check_listed()["inventory.Product"] == 4  # of the examples three, and the approved price


def test_an_edited_history_row_no_longer_fits_its_event(shop):
    row = next(row for row in listed() if row["model"] == "inventory.Product")
    kept = stored(row)
    for name, other in {"name": "Other", "list_price": Decimal("0.01"), "history_user_id": "SOMEONE"}.items():
        before = getattr(kept, name)
        setattr(kept, name, other)
        assert row_digest(kept) != row["digest"]
        setattr(kept, name, before)
    kept.history_date += timedelta(microseconds=1)
    assert row_digest(kept) != row["digest"]


@pytest.mark.django_db
def test_history_names_its_author_and_why():
    with authored("USER-OWNER", "because"):
        category = Category.objects.create(name="Widgets")
    category.name = "Gadgets"
    category.save()
    first, second = category.history.order_by("history_id")
    assert (first.history_user_id, first.history_type, first.name) == ("USER-OWNER", "+", "Widgets")
    assert (second.history_user_id, second.history_type, second.name) == (SYSTEM, "~", "Gadgets")
    assert (first.history_change_reason, second.history_change_reason) == ("because", None)


@pytest.mark.django_db
def test_rows_made_together_have_their_histories_too():
    with authored("USER-OWNER", "import"):
        made = Category.objects.create_all([Category(name=f"Category {n}") for n in range(5)], batch_size=2)
        rows = noted_rows()
    assert [row["key"] for row in rows] == [str(category.pk) for category in made]
    for row in rows:
        assert (stored(row).history_user_id, stored(row).history_change_reason) == ("USER-OWNER", "import")
        assert row_digest(stored(row)) == row["digest"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.update(name="Gadgets"),
        lambda rows: rows.bulk_update(list(rows), ["name"]),
        lambda rows: rows.bulk_create([Category(name="More")]),
    ],
    ids=["update", "bulk_update", "bulk_create"],
)
def test_changes_that_would_leave_no_history_are_refused(change: Any):
    Category.objects.create(name="Widgets")
    with pytest.raises(TypeError, match="keeps a history"):
        change(Category.objects.all())


def test_a_failed_operation_leaves_no_history(shop, api):
    before = Product.history.count()
    assert api("clerk").post("/api/customer/support-ticket", {"subject": "x"}).status_code == 400
    assert api("clerk").post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 9999}]}).status_code == 409
    assert Product.history.count() == before


def test_the_python_door_names_the_system(shop):
    call("customers", "create_ticket", {"subject": "Broken", "message": "It is broken."})
    last = Outbox.objects.filter(event=events.TASK_COMPLETED).latest("id")
    (row,) = json.loads(last.payload)["history"]
    assert stored(row).history_user_id == SYSTEM


moments = st.datetimes(
    min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1), timezones=st.just(UTC) | st.timezones()
)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)


class AnyValue(TestCase):
    """Digests of whatever the columns can hold, before and after the database."""

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(
        words,
        st.decimals(0, 9_999_999, places=2),
        st.none() | st.decimals(0, 9_999_999, places=4),
        st.decimals(0, 100, places=2),
        st.booleans(),
    )
    def test_products(self, name: str, price: Decimal, cost: Decimal | None, rate: Decimal, active: bool) -> None:
        with authored("USER-OWNER", name):
            product = Product(sku=f"S{Product.objects.count()}", name=name, list_price=price, tax_rate=rate)
            product.cost, product.active = cost, active
            product.save()
            product.list_price += 1
            product.save()
            for row in noted_rows():
                assert row_digest(stored(row)) == row["digest"]

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers(1, 365), st.decimals(0, 99, places=2), words)
    def test_suppliers(self, days: int, spread: Decimal, name: str) -> None:
        with authored("USER-OWNER"):
            code = f"S{Supplier.objects.count()}"
            Supplier.objects.create(code=code, name=name, lead_time_days=days, lead_time_spread=spread)
            for row in noted_rows():
                assert row_digest(stored(row)) == row["digest"]

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(
        moments,
        st.dictionaries(
            words, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words | st.floats(-1e9, 1e9), max_size=5
        ),
    )
    def test_recommendations(self, moment: datetime, document: dict[str, Any]) -> None:
        product, _ = Product.objects.get_or_create(sku="S", defaults={"name": "S", "list_price": 1})
        with authored("USER-OWNER"):
            PriceRecommendation.objects.create(
                product=product,
                objective="profit",
                current_price=1,
                recommended_price=2,
                evidence=document,
                expected=[document],
                proposed_at=moment,
                proposed_by="USER-OWNER",
                status="rejected",
                decided_by="USER-OWNER",
                decided_at=moment.astimezone(timezone(timedelta(hours=-7))),
            )
            for row in noted_rows():
                assert row_digest(stored(row)) == row["digest"]
