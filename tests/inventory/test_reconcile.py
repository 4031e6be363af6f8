"""`manage.py inventory_reconcile`: what differs is named and put right, by a movement and never by an edit."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.completeness import gaps_found
from audit.models import Outbox
from inventory.models import KitComponent, Product, Reservation, ReservationLine, StockLevel, StockMovement
from inventory.selectors import stock_of
from inventory.services import stock_adjust
from inventory.services.stock import lot_for
from tests.audit.conftest import lift, sql

from .making import USER, location, product, stocked

pytestmark = pytest.mark.django_db
FIX = ("--fix", "--reason", "restored a backup")


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("inventory_reconcile", *arguments, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def ran(*arguments: str) -> tuple[int, Any]:
    code, told = run(*arguments, "--json")
    return code, json.loads(told)


def bend(item: Product, **values: Any) -> None:
    StockLevel.objects.filter(product=item).update(**values)


def agrees() -> bool:
    return run()[0] == 0 and [gap for gap in gaps_found() if gap.check == "stock"] == []


def test_all_is_well():
    stocked("SKU001", 5, 3)
    assert run() == (0, "2 balances: all agree with the ledger and the reservations.\n")
    assert run(*FIX, "--yes")[0] == 0
    assert ran() == (0, {"balances": 2, "differences": [], "left": 0})


def test_what_differs_is_named_with_its_value():
    item = stocked("SKU001", 5)
    stocked("SKU002", 5)
    bend(item, on_hand=7)
    code, told = run()
    assert code == 1
    assert "SKU001 at A-01-01: the shelf says 7, the ledger 5 (+2, worth 8.00 GBP)" in told
    assert "2 balances: 1 differ, worth 8.00 GBP by cost in all." in told
    code, answer = ran("--sku", "sku001")
    (row,) = answer["differences"]
    assert (row["on_hand"], row["ledger"], row["difference"], row["value"], row["fixed"]) == (7, 5, 2, 8, False)
    assert ran("--sku", "SKU002") == (0, {"balances": 1, "differences": [], "left": 0})


def test_the_shelf_is_right_so_the_ledger_gets_what_it_lacks():
    item = stocked("SKU001", 5)
    before = list(StockMovement.objects.values_list())
    bend(item, on_hand=7)
    code, told = run(*FIX, "--yes")
    assert (code, "1 put right, 0 left" in told) == (0, True)
    booked = StockMovement.objects.order_by("pk").last()
    assert booked is not None
    assert (booked.kind, booked.quantity, booked.balance, booked.reason, booked.reference, booked.user_id) == (
        "count", 2, 7, "restored a backup", "RC-000001", "system",
    )  # fmt: skip
    assert list(StockMovement.objects.order_by("pk").values_list())[:-1] == before
    assert item.levels.get().on_hand == 7
    event = json.loads(Outbox.objects.get(event="STOCK_RECONCILED").payload)
    assert (event["sku"], event["was"]["on_hand"], event["was"]["moved"], event["movement_id"]) == (
        "SKU001", 7, 5, booked.pk,
    )  # fmt: skip
    assert agrees()


def test_the_ledger_is_right_so_the_balance_is_set():
    item = stocked("SKU001", 5)
    bend(item, on_hand=7)
    code, answer = ran(*FIX, "--yes", "--right", "ledger")
    (row,) = answer["differences"]
    assert (code, row["fixed"], row["now"], row["movement_id"]) == (0, True, 5, None)
    assert (item.levels.get().on_hand, item.movements.count()) == (5, 1)
    assert Outbox.objects.filter(event="STOCK_RECONCILED").count() == 1
    assert agrees()


def test_asked_one_by_one(monkeypatch: pytest.MonkeyPatch):
    items = [stocked(f"SKU00{number}", 5) for number in range(1, 5)]
    for item in items:
        bend(item, on_hand=7)
    monkeypatch.setattr("sys.stdin", StringIO("s\nledger\nperhaps\n6\n\n"))
    code, told = run(*FIX)
    assert (code, "3 put right, 1 left" in told, "Write s, l, a number" in told) == (1, True, True)
    assert [item.levels.get().on_hand for item in items] == [7, 5, 6, 7]
    assert [list(item.movements.order_by("pk").values_list("quantity", flat=True))[1:] for item in items] == [
        [2], [], [1], [],
    ]  # fmt: skip
    monkeypatch.setattr("sys.stdin", StringIO(""))
    assert run(*FIX)[0] == 1


def test_a_balance_that_is_gone_and_one_without_movements():
    gone, bare = stocked("SKU001", 5), product("SKU002")
    gone.levels.all().delete()
    StockLevel.objects.create(product=bare, location=location(), on_hand=3)
    code, answer = ran()
    assert (code, [(row["on_hand"], row["ledger"]) for row in answer["differences"]]) == (1, [(0, 5), (3, 0)])
    assert ran("--sku", "SKU001", *FIX, "--yes", "--right", "ledger")[0] == 0
    assert ran("--sku", "SKU002", *FIX, "--yes")[0] == 0
    assert [(level.product.sku, level.on_hand) for level in StockLevel.objects.order_by("product")] == [
        ("SKU001", 5), ("SKU002", 3),
    ]  # fmt: skip
    assert agrees()


def test_by_lot():
    item = product(tracking="lot")
    lots = [lot_for(product=item, code=code) for code in ("L1", "L2")]
    StockLevel.objects.create(product=item, location=location(), lot=lots[0], on_hand=3)
    StockLevel.objects.create(product=item, location=location(), lot=lots[1], on_hand=0)
    code, answer = ran(*FIX, "--yes")
    assert (code, [row["lot"] for row in answer["differences"]]) == (0, ["L1"])
    assert item.movements.get().lot == lots[0]
    assert agrees()


def test_what_counts_as_reserved():
    item = stocked("SKU001", 5)
    made = Reservation.objects.create(reference="V-1", user_id=USER)
    line = ReservationLine.objects.create(reservation=made, product=item, level=item.levels.get(), quantity=2)
    bend(item, reserved=4)
    code, told = run()
    assert (code, "4 count as reserved, reservations 2" in told) == (1, True)
    assert any("has 4 reserved, but its reservations add up to 2" in str(gap) for gap in gaps_found())
    assert run(*FIX, "--yes")[0] == 0
    assert (item.levels.get().reserved, item.movements.count()) == (2, 1)
    assert agrees()
    ReservationLine.objects.filter(pk=line.pk).update(quantity=9)
    code, told = run(*FIX, "--yes")
    assert (code, "9 are reserved, of 5; release some first" in told) == (1, True)


def test_what_is_reserved_again_runs_out_at_its_moment():
    item = stocked("SKU001", 5)
    made = Reservation.objects.create(
        reference="V-1", user_id=USER, expires_at=timezone.now() + timedelta(milliseconds=900)
    )
    ReservationLine.objects.create(reservation=made, product=item, level=item.levels.get(), quantity=2)
    assert run(*FIX, "--yes")[0] == 0
    assert stock_of(item).available == 3
    Reservation.objects.update(expires_at=timezone.now())
    assert stock_of(item).available == 5


@pytest.mark.parametrize("figure", ["nan", "2.5", "99999999999"])
def test_a_figure_that_nobody_can_have_counted_is_refused(monkeypatch: Any, figure: str):
    item = stocked("SKU001", 5)
    bend(item, on_hand=7)
    monkeypatch.setattr("sys.stdin", StringIO(f"{figure}\n"))
    code, told = run(*FIX)
    assert (code, "0 put right, 1 left" in told) == (1, True)
    assert (item.levels.get().on_hand, item.movements.count()) == (7, 1)


def test_a_serial_number_lies_in_one_place():
    item = product(tracking="serial")
    lot = lot_for(product=item, code="S1")
    stock_adjust(product=item, delta=Decimal(1), location=location(), lot=lot, user_id=USER)
    bend(item, on_hand=0)
    StockLevel.objects.create(product=item, location=location("B-01"), lot=lot, serial=True, on_hand=1)
    code, told = run("--sku", "SKU001", *FIX, "--yes", "--right", "ledger")
    assert (code, "SKU001 S1 lies at B-01 already" in told) == (1, True)
    assert run(*FIX, "--yes", "--right", "ledger")[0] == 0
    assert agrees()


def test_less_than_nothing_is_refused():
    item = stocked("SKU001", 5)
    lift("inventory_stockmovement")
    sql("UPDATE inventory_stockmovement SET quantity = -5, kind = 'adjustment'")
    code, told = run(*FIX, "--yes", "--right", "ledger")
    assert (code, "-5 can't lie there" in told) == (1, True)
    assert item.levels.get().on_hand == 5


def test_wrong_usage():
    stocked("SKU001", 5)
    for arguments, says in (
        (("--fix",), "--reason"),
        (("--fix", "--reason", " "), "--reason"),
        (("--yes",), "--fix"),
        (("--sku", "NOSUCH"), "NOSUCH"),
        (("--fix", "--reason", "x", "--json"), "--yes"),
        (("--fix", "--reason", "x" * 501, "--yes"), "500"),
    ):
        code, told = run(*arguments)
        assert (code, says in told) == (2, True), arguments


def test_a_kit_without_stock_is_no_difference():
    kit = product("KIT")
    KitComponent.objects.create(kit=kit, component=stocked("SKU001", 5), quantity=1)
    assert run()[0] == 0
