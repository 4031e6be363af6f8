"""Pages of transfers and lots: dialogs that end in the operations."""

from datetime import timedelta
from typing import Any

import pytest
from django.forms import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.admin.places_forms import lines_read
from inventory.models import Location, Lot, Transfer, Warehouse
from inventory.selectors import stock_of
from shop_assistant.agents import Role

from .making import location, lotted, product, stocked

pytestmark = pytest.mark.django_db
SENT = {"_form_submitted": "True"}


@pytest.fixture
def as_role(users: Any) -> Any:
    def client(role: str) -> Client:
        made = Client()
        made.force_login(users[Role(role)])
        return made

    return client


def test_lines_as_people_type_them():
    assert lines_read("SKU001 2\n\n AB 12 x5 \nMILK 1,5 box, L-2024 07\nP 3,SN1") == [
        {"sku": "SKU001", "quantity": 2},
        {"sku": "AB 12", "quantity": 5},
        {"sku": "MILK", "quantity": 1.5, "unit": "box", "lot": "L-2024 07"},
        {"sku": "P", "quantity": 3, "lot": "SN1"},
    ]
    for wrong in ("SKU001", "2", "SKU001 two", "SKU001 -2"):
        with pytest.raises(ValidationError, match="neither"):
            lines_read(wrong)


def test_a_thousand_pieces_are_not_taken_for_one():
    stocked("SKU001", 10)
    product("MILK", unit="kg")
    with pytest.raises(ValidationError, match="Write a thousand as 1000"):
        lines_read("MILK 1,000\nsku001 1,000")
    assert [line["quantity"] for line in lines_read("MILK 1,250\nSKU001 1000\nSKU001 2.0")] == [1.25, 1000, 2]


def test_goods_are_sent_and_received(as_role: Any):
    item = stocked("SKU001", 10)
    Location.objects.create(code="S2-01", warehouse=Warehouse.objects.create(code="S2", name="Second shop"))
    clerk = as_role("clerk")
    page = reverse("admin:inventory_transfer_send")
    assert "S2-01" in clerk.get(page).content.decode()
    asked = {**SENT, "source": "A-01-01", "destination": "S2-01", "lines": "SKU001 20", "receive": "", "note": ""}
    assert "Only 10 of SKU001 can be taken" in clerk.post(page, asked).content.decode()
    assert clerk.post(page, {**asked, "lines": "SKU001 6"}).status_code == 302
    sent = Transfer.objects.get()
    assert (sent.user_id, stock_of(item).in_transit) == ("USER-CLERK", 6)
    page = reverse("admin:inventory_transfer_receive", args=[sent.pk])
    line = sent.lines.get().pk
    assert f'name="arrived_{line}"' in clerk.get(page).content.decode()
    both = clerk.post(page, {**SENT, f"arrived_{line}": "4", f"lost_{line}": "3"}).content.decode()
    assert "Only 3 of SKU001 are still on their way" in both
    assert clerk.post(page, {**SENT, f"arrived_{line}": "4", f"lost_{line}": "1"}).status_code == 302
    assert stock_of(item).in_transit == 1
    assert clerk.post(page, {**SENT, f"arrived_{line}": "1"}).status_code == 302
    assert clerk.get(page).status_code == 403
    assert as_role("auditor").get(reverse("admin:inventory_transfer_send")).status_code == 403


def test_lots_are_blocked_and_let_go(as_role: Any):
    day = timezone.localdate()
    milk = lotted("MILK", ("OLD", 2, day - timedelta(days=1)), ("NEW", 3, day + timedelta(days=9)), ("KEEPS", 1, None))
    clerk, manager = as_role("clerk"), as_role("manager")
    page = reverse("admin:inventory_lot_changelist")
    listed = clerk.get(page).content.decode()
    assert listed.index(">OLD<") < listed.index(">NEW<") < listed.index(">KEEPS<")
    for query, codes in (
        ({"expiry": "expired"}, {"OLD"}),
        ({"expiry": "30"}, {"NEW"}),
        ({"expiry": "never"}, {"KEEPS"}),
        ({"stock": "none"}, set()),
    ):
        found = clerk.get(page, query).context["cl"].result_list
        assert {lot.code for lot in found} == codes, query
    lot = Lot.objects.get(code="NEW")
    block, unblock = (reverse(f"admin:inventory_lot_{what}", args=[lot.pk]) for what in ("block", "unblock"))
    assert clerk.post(block, SENT).status_code == 200  # a reason is wanted
    assert clerk.post(block, {**SENT, "reason": "recalled"}).status_code == 302
    assert stock_of(milk).available == 1
    assert "blocked" in clerk.get(reverse("admin:inventory_lot_change", args=[lot.pk])).content.decode()
    assert clerk.post(unblock, {**SENT, "reason": "fine"}).status_code == 403
    assert manager.post(unblock, {**SENT, "reason": "fine"}).status_code == 302
    assert stock_of(milk).available == 4
    assert manager.get(reverse("admin:inventory_lot_add")).status_code == 403


def test_an_expiry_is_put_right_by_hand(as_role: Any):
    lotted("MILK", ("L1", 2, None))
    lot = Lot.objects.get()
    page = reverse("admin:inventory_lot_change", args=[lot.pk])
    answer = as_role("manager").post(page, {"expires_on": "2031-01-31", "_save": "Save"} | MANAGED)
    assert answer.status_code == 302
    lot.refresh_from_db()
    assert str(lot.expires_on) == "2031-01-31"


MANAGED = {"levels-TOTAL_FORMS": "0", "levels-INITIAL_FORMS": "0"}


def test_a_place_is_shown_with_its_kind(as_role: Any):
    location()
    assert "storage" in as_role("clerk").get(reverse("admin:inventory_location_changelist")).content.decode()
