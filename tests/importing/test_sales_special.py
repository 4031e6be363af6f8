"""Imported sales of kits, and of products whose units are told apart."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory.models import KitComponent, Order, Product, StockLevel, StockMovement
from inventory.selectors.history import ledger_differences
from inventory.services import lot_for, stock_adjust

from .selling import USER, figures, line, on_hand, run, stock_is_sound

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sales.csv"


def sold(sku: str, date: str = "2010-03-01 10:00", invoice: str = "1001", quantity: int = 3) -> tuple[Any, ...]:
    return line(invoice, sku, quantity, date)


def test_a_kit_is_named_by_what_it_is_made_of(file: Path):
    run(file, [sold("BOX"), sold("BOLT")])
    box, bolt = (Product.objects.get(sku=sku) for sku in ("BOX", "BOLT"))
    KitComponent.objects.create(kit=box, component=bolt, quantity=2)
    again = run(file, [sold("BOX"), sold("BOLT")])
    assert figures(again) == (2, 0, 2, 0), "what was in before it was a kit stays"
    later = [sold("box", invoice="1002"), sold("BOLT", invoice="1002")]
    assert figures(run(file, later, dry_run=True)) == (2, 1, 0, 1)
    result = run(file, later)
    assert figures(result) == (2, 1, 0, 1)
    ((number, why),) = result.first_rejects
    assert (number, "is of BOX, a kit" in why, "what it is made of" in why) == (2, True, True)
    assert result.rejects_path
    assert "is of BOX, a kit" in result.rejects_path.read_text()
    assert StockMovement.objects.filter(product=box).count() == 2, "the opening stock and the first sale"
    assert on_hand("BOX") == 0
    assert stock_is_sound()


def test_of_lots_only_history_comes_in(file: Path):
    milk = Product.objects.create(sku="MILK", name="Milk", list_price=1, tracking="lot")
    lot, first = lot_for(product=milk, code="L1"), datetime(2012, 1, 1, tzinfo=UTC)
    stock_adjust(product=milk, delta=Decimal(5), lot=lot, user_id=USER, occurred_at=first)
    result = run(file, [sold("MILK"), sold("TEA"), sold("MILK", "2013-03-01 10:00", "1002")])
    assert figures(result) == (3, 2, 0, 1)
    ((number, why),) = result.first_rejects
    assert (number, "is of MILK, told apart by lot, and later than its first stock here" in why) == (4, True)
    assert (on_hand("MILK"), Order.objects.count()) == (5, 1)
    assert StockLevel.objects.get(lot=lot).on_hand == 5
    assert not any(ledger_differences())
    assert figures(run(file, [sold("MILK"), sold("MILK", "2013-03-01 10:00", "1002")])) == (2, 0, 1, 1)
