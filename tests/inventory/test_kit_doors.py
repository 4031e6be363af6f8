"""What a kit is not, whichever way it is tried: it has no stock of its own, and nothing that has some becomes one."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import KitComponent, Product, PurchaseOrder, StockLevel, StockMovement
from inventory.selectors import stock_of
from inventory.services import stock_adjust
from shop_assistant.agents import Role, call
from tests.completeness.forms import filled

from .buying import ordered, sent, supplier
from .making import USER, kit, line, location, lotted, product, promised, sell, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(users: Any) -> Callable[..., str]:
    """Make a product a kit of two of another on its admin page; what the page says to it, nothing when it is well."""
    client = Client()
    client.force_login(users[Role.OWNER])

    def made(item: Product, part: Product | None, **values: Any) -> str:
        page = reverse("admin:inventory_product_change", args=[item.pk])
        form = filled(client.get(page).content.decode(), {})
        row = {"components-TOTAL_FORMS": "1", "components-0-component": str(part.pk) if part else ""}
        answer = client.post(page, {**form, **row, "components-0-quantity": "2", **values, "_save": "Save"})
        return "" if answer.status_code == 302 else answer.content.decode()

    return made


def test_what_has_stock_or_waits_for_some_is_not_made_a_kit(make: Callable[..., str]):
    part, waiting = product("PART"), product("WAITING")
    order = ordered(supplier(), (waiting, 3), costs={"WAITING": "1"})
    held = stocked("HELD", 2)
    promised("V-1", held, 2)
    for item, why in (
        (stocked("STOCK", 3), "STOCK has stock of its own: book it out"),
        (held, "what is reserved of it is sold or released before"),
        (lotted("LOTS", ("L1", 1, None)), "LOTS is told apart by lot or serial number"),
        (waiting, f"WAITING is still to come with {order.reference}"),
    ):
        assert why in make(item, part), item.sku
    assert "told apart" in make(product("PLAIN"), part, tracking="serial"), "both in one go"
    assert not KitComponent.objects.exists()
    call("inventory", "purchase_cancel", {"order": order.reference})
    assert make(waiting, part) == ""


def test_kits_are_not_nested_nor_made_of_themselves_nor_of_nothing(make: Callable[..., str]):
    part, other = product("PART"), product("OTHER")
    whole = kit("WHOLE", PART=1)
    assert "WHOLE is a kit: name what that is made of" in make(other, whole)
    assert "not made of itself" in make(other, other)
    assert "PART is part of the kit WHOLE" in make(part, other)
    assert "This field is required" in make(other, None)
    assert KitComponent.objects.count() == 1


@pytest.fixture
def made_kit() -> Product:
    """BOX was in stock, is on its way with PO-000001, and is two of BOLT by now."""
    stocked("BOLT", 9)
    box = stocked("BOX", 1)
    sell(line(box))
    order = sent(supplier(), (box, 3), costs={"BOX": "1"})
    assert order.reference == "PO-000001"
    KitComponent.objects.create(kit=box, component=Product.objects.get(sku="BOLT"), quantity=2)
    return box


@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        ("update", {"sku": "{sku}", "delta": 2}),
        ("update", {"sku": "{sku}", "quantity": 2, "location": "A-01-01"}),
        ("update", {"sku": "{sku}", "delta": 2, "location": "B-01"}),
        ("transfer", {"from": "A-01-01", "to": "B-01", "lines": [{"sku": "{sku}", "quantity": 1}]}),
        ("quarantine", {"sku": "{sku}", "quantity": 1, "location": "A-01-01", "reason": "wet"}),
        ("quarantine", {"sku": "{sku}", "quantity": 1, "reason": "wet"}),
        ("count_open", {"skus": ["{sku}"]}),
        ("purchase_order", {"supplier": "ACME", "lines": [{"sku": "{sku}", "quantity": 1}]}),
        ("purchase_receive", {"order": "PO-000001"}),
    ],
)
def test_nothing_comes_in_of_a_kit(made_kit: Product, api: Any, operation: str, payload: dict[str, Any]):
    location("B-01")
    kit("NEW", BOLT=1)
    before = StockMovement.objects.count(), PurchaseOrder.objects.count()
    for sku in ("BOX", "NEW") if operation != "purchase_receive" else ("BOX",):
        told = api("owner").post(f"/api/inventory/{operation.replace('_', '-')}", _named(payload, sku))
        assert (told.status_code, f"{sku} is a kit" in told.json()["error"]["message"]) == (400, True), told.content
    assert (StockMovement.objects.count(), PurchaseOrder.objects.count()) == before
    assert not StockLevel.objects.filter(product__sku__in=["BOX", "NEW"]).exclude(on_hand=0).exists()


def _named(payload: Any, sku: str) -> Any:
    if isinstance(payload, dict):
        return {name: _named(value, sku) for name, value in payload.items()}
    if isinstance(payload, list):
        return [_named(value, sku) for value in payload]
    return sku if payload == "{sku}" else payload


def test_what_was_sold_before_it_was_a_kit_comes_back_as_written_off(made_kit: Product, api: Any):
    back = {"order": "S-000001"}
    told = api("clerk").post("/api/sales/return", back)
    assert told.status_code == 409
    assert "BOX was no kit when it was sold" in told.json()["error"]["message"]
    assert api("clerk").post("/api/sales/return", {**back, "disposition": "write_off"}).status_code == 200
    assert stock_of(made_kit).available == 4


def test_what_a_kit_has_all_the_same_is_booked_out(made_kit: Product):
    StockLevel.objects.filter(product=made_kit).update(on_hand=2)
    stock_adjust(product=made_kit, delta=Decimal(-2), user_id=USER)
    assert StockLevel.objects.get(product=made_kit).on_hand == 0
