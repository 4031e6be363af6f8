"""inventory.update: a delta, or what was counted."""

import pytest

from inventory.models import StockMovement
from shop_assistant.agents import call
from shop_assistant.agents.errors import (
    ClarificationNeeded,
    Conflict,
    InsufficientStock,
    NotFound,
    PermissionDenied,
    ValidationFailed,
)

from .making import stocked

pytestmark = pytest.mark.django_db


def update(**payload):
    return call("inventory", "update", {"sku": "SKU001", **payload})


def test_a_delta_answers_what_is_there_now():
    stocked("SKU001", 10, 5)
    answer = update(delta=-2, reason="damaged")
    movement = StockMovement.objects.order_by("pk").last()
    assert answer == {
        "sku": "SKU001",
        "product_name": "Product SKU001",
        "quantity": 13,
        "previous_quantity": 15,
        "available": 13,
        "location": "A-01-01",
        "lot": None,
        "movement_id": movement.pk,
        "reason": "damaged",
    }
    assert (movement.kind, movement.user_id) == ("write_off", "system")
    assert movement.task_id is not None


@pytest.mark.parametrize(
    ("reason", "delta", "kind"),
    [
        ("receipt", 1, "receipt"),
        ("Delivery", 1, "receipt"),
        ("delivery", -1, "adjustment"),
        ("write-off", -1, "write_off"),
        ("LOST", -1, "write_off"),
        ("damaged", 1, "adjustment"),
        ("adjustment", 1, "adjustment"),
        ("fell from the lorry", 1, "adjustment"),
        (None, -1, "adjustment"),
    ],
)
def test_the_reason_names_the_kind_where_the_sign_allows_it(reason, delta, kind):
    stocked("SKU001", 10)
    update(delta=delta, reason=reason)
    movement = StockMovement.objects.order_by("pk").last()
    assert (movement.kind, movement.reason) == (kind, reason or "")


def test_a_count_sets_the_quantity_and_books_nothing_when_it_was_right():
    stocked("SKU001", 10)
    assert update(quantity=8, location="a-01-01")["quantity"] == 8
    assert update(quantity=8)["movement_id"] is None
    assert update(quantity=0)["quantity"] == 0


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "request"),
        ({"delta": 1, "quantity": 1}, "request"),
        ({"delta": 0}, "request"),
        ({"delta": 0.5}, "delta"),
        ({"quantity": 0.5}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"delta": "1"}, "delta"),
        ({"delta": 1, "surprise": 1}, "surprise"),
        ({"delta": 1, "reason": ""}, "reason"),
        ({"delta": 10**12}, "delta"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(payload, field):
    stocked("SKU001", 10)
    with pytest.raises(ValidationFailed) as refused:
        update(**payload)
    assert field in refused.value.details["fields"]
    assert StockMovement.objects.count() == 1


@pytest.mark.parametrize(
    ("payload", "error", "details"),
    [
        ({"delta": 1, "location": "A-01-09"}, NotFound, {"available": ["A-01-01", "A-01-02"]}),
        ({"delta": 1, "sku": "SKU404"}, NotFound, {"available_skus": ["SKU001"]}),
        ({"delta": -11}, InsufficientStock, {"available": 10, "requested": 11, "location": "A-01-01"}),
        ({"delta": 1, "expected_quantity": 10}, Conflict, {"quantity": 15}),
        ({"quantity": 1}, ClarificationNeeded, {"options": ["A-01-01", "A-01-02"]}),
    ],
)
def test_what_the_shop_s_state_does_not_allow_is_said_with_what_it_does(payload, error, details):
    stocked("SKU001", 10, 5)
    with pytest.raises(error) as refused:
        update(**payload)
    assert details.items() <= refused.value.details.items()


def test_who_may(users):
    stocked("SKU001", 10)
    for role in ("clerk", "manager", "owner"):
        call("inventory", "update", {"sku": "SKU001", "delta": 1}, user=users[role])
    for role in ("auditor", "service"):
        with pytest.raises(PermissionDenied):
            call("inventory", "update", {"sku": "SKU001", "delta": 1}, user=users[role])


def test_the_route(api):
    stocked("SKU001", 10)
    answer = api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": 5, "reason": "delivery"})
    assert (answer.status_code, answer.json()["data"]["quantity"]) == (200, 15)
    answer = api("clerk").post("/api/inventory/query", {"sku": "SKU009"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "DATA_NOT_FOUND")
