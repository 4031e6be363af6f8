"""Two at once: a kit is not made of what comes in meanwhile, one lot not twice, and none sold once it is blocked."""

from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from inventory.models import KitComponent, Lot, StockLevel
from inventory.services import lot_for, stock_adjust
from inventory.services.levels import levels_locked
from shop_assistant.agents import Role, call
from tests.completeness.forms import filled

from .making import USER, line, lotted, product, sell, stocked
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
                _until_waiting(1)

    def make() -> Any:
        booked.wait(5)
        asked.set()
        return client.post(page, {**form, **row, "_save": "Save"})

    _, answer = at_once(come, make)
    assert "BOX has stock of its own" in answer.content.decode()
    assert not KitComponent.objects.exists()
    assert StockLevel.objects.get(product=item).on_hand == 3


def test_a_lot_that_is_blocked_is_sold_by_nobody_afterwards_not_even_who_waits():
    """One has the level, one waits for it, and the lot is blocked meanwhile."""
    item = lotted("MILK", ("L1", 9, None))
    locked, sold = Event(), []

    def hold() -> None:
        with transaction.atomic():
            levels_locked([item])
            locked.set()
            if connection.vendor == "postgresql":
                _until_waiting(2)

    def buy() -> None:
        locked.wait(5)
        sold.append(sell(line(item)).reference)

    def block() -> list[str]:
        locked.wait(5)
        if connection.vendor == "postgresql":
            _until_waiting(1)
        told = call("inventory", "block_lot", {"sku": "MILK", "lot": "L1", "blocked": True, "reason": "recalled"})
        return [order["order"] for order in told["orders"]]

    *_, told = at_once(hold, buy, block)
    assert told == sold


def _until_waiting(number: int) -> None:
    """Until so many others have come as far as the lock (two seconds at the most)."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute(waiting)
            if cursor.fetchone()[0] >= number:
                return
            cursor.execute("SELECT pg_sleep(0.01), pg_stat_clear_snapshot()")


def test_one_lot_in_many_spellings_is_made_once():
    item = product("MILK", tracking="lot")

    def made(code: str) -> Any:
        def make() -> Lot:
            with transaction.atomic():
                return lot_for(product=item, code=code)

        return make

    lots = at_once(*(made(code) for code in ("l-2024", "L-2024", " L-2024 ", "\uff2c-2024") * 2))
    assert {lot.pk for lot in lots} == {Lot.objects.get().pk}
