"""Two at once: a kit is not made of what comes in meanwhile, and one lot not twice."""

from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from inventory.models import KitComponent, Lot, StockLevel
from inventory.services import lot_for, stock_adjust
from shop_assistant.agents import Role
from tests.completeness.forms import filled

from .making import USER, product, stocked
from .test_oversell import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("shelf", ["empty", "new"])
def test_what_comes_in_while_a_kit_is_made_of_it(users: Any, shelf: str):
    part, item = product("PART"), stocked("BOX", 1) if shelf == "empty" else product("BOX")
    if shelf == "empty":
        with transaction.atomic():
            stock_adjust(product=item, delta=-1, user_id=USER)
    stocked("ELSEWHERE", 1)
    client = Client()
    client.force_login(users[Role.OWNER])
    page = reverse("admin:inventory_product_change", args=[item.pk])
    form = filled(client.get(page).content.decode(), {})
    row = {"components-TOTAL_FORMS": "1", "components-0-component": str(part.pk), "components-0-quantity": "2"}
    booked, asked = Event(), Event()

    def come() -> None:
        with transaction.atomic():
            stock_adjust(product=item, delta=3, user_id=USER)
            booked.set()
            asked.wait(5)
            if connection.vendor == "postgresql":
                _until_somebody_waits()

    def make() -> Any:
        booked.wait(5)
        asked.set()
        return client.post(page, {**form, **row, "_save": "Save"})

    _, answer = at_once(come, make)
    assert "BOX has stock of its own" in answer.content.decode()
    assert not KitComponent.objects.exists()
    assert StockLevel.objects.get(product=item).on_hand == 3


def _until_somebody_waits() -> None:
    """Until the other has come as far as the lock (two seconds at the most)."""
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")


def test_one_lot_in_many_spellings_is_made_once():
    item = product("MILK", tracking="lot")

    def made(code: str) -> Any:
        def make() -> Lot:
            with transaction.atomic():
                return lot_for(product=item, code=code)

        return make

    lots = at_once(*(made(code) for code in ("l-2024", "L-2024", " L-2024 ", "\uff2c-2024") * 2))
    assert {lot.pk for lot in lots} == {Lot.objects.get().pk}
