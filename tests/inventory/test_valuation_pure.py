"""Weighted average and FIFO against plain reference implementations, and the ledger they are made of."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.valuation import METHODS, Lines, Movement, largest_remainder, periods, sold_costs, summed

START = datetime(2026, 1, 1, tzinfo=UTC)
CENT = Decimal("0.01")
D = Decimal
FLOWS = {"purchases": 1, "cogs": -1, "write_offs": -1, "counts": 1, "adjustments": 1}


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def one(method: Any, *movements: tuple[Any, ...], bounds: tuple[int, int] = (0, 100)) -> Lines:
    """(day, kind, quantity, unit cost, standing cost, order) …"""
    made = [
        Movement(day(d), kind, D(str(n)), *(c if c is None else D(str(c)) for c in [*more[:2]]), *more[2:])
        for d, kind, n, *more in movements
    ]
    (lines,) = periods(made, method=method, bounds=[day(bounds[0]), day(bounds[1])])
    return lines


BOUGHT_TWICE = ((1, "receipt", 10, 2), (2, "receipt", 10, 4), (3, "sale", -15))


def test_average_and_fifo_part_ways():
    average, fifo = (one(method, *BOUGHT_TWICE) for method in METHODS)
    assert (average.purchases, average.cogs, average.closing) == (60, 45, 15)
    assert (fifo.purchases, fifo.cogs, fifo.closing) == (60, 40, 20)
    assert average.closing_quantity == fifo.closing_quantity == 5
    assert average.sold_quantity == 15


def test_periods_follow_each_other():
    movements = [Movement(day(d), kind, D(n), D(c) if c else None) for d, kind, n, c in [
        (1, "receipt", 10, 2), (5, "sale", -4, None), (10, "receipt", 5, 3), (20, "write_off", -1, None),
    ]]  # fmt: skip
    first, second, last = periods(movements, method="fifo", bounds=[day(2), day(10), day(20), day(20)])
    assert (first.opening, first.cogs, first.closing) == (20, 8, 12)
    assert (second.opening, second.purchases, second.write_offs, second.closing) == (12, 15, 0, 27)
    assert (last.opening, last.closing) == (27, 27), "a moment alone tells the worth just before it"


@pytest.mark.parametrize("method", METHODS)
def test_a_return_comes_back_at_the_cost_it_went_out_with(method: Any):
    lines = one(
        method, (1, "receipt", 10, 2), (2, "sale", -10, None, None, "S-1"), (3, "receipt", 10, 8),
        (4, "return", 3, 5, 5, "S-1"),
    )  # fmt: skip
    assert (lines.cogs, lines.closing, lines.estimated) == (14, 86, 0)


def test_a_return_of_a_sale_nobody_knows_is_estimated():
    lines = one("average", (1, "receipt", 10, 2), (4, "return", 3, 5, None, "S-9"))
    assert (lines.cogs, lines.closing, lines.estimated) == (-15, 35, 15)


@pytest.mark.parametrize("method", METHODS)
def test_receipts_without_a_cost_take_the_products(method: Any):
    lines = one(method, (1, "receipt", 10, None, 3), (2, "receipt", 1), (3, "receipt", 5, 4, 9))
    assert (lines.purchases, lines.estimated, lines.closing) == (53, 33, 53), "the second one: what it last cost"
    assert one(method, (1, "receipt", 10)).estimated == 0, "nothing is known at all"


@pytest.mark.parametrize("method", METHODS)
def test_what_a_count_finds_is_worth_what_its_like_is(method: Any):
    lines = one(method, (1, "receipt", 4, 2), (2, "receipt", 4, 4), (3, "count", 2, None, 99), (4, "count", -1))
    assert lines.counts == (3 if method == "average" else 4)
    assert lines.estimated == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("misplaced", [4, 10])
def test_goods_counted_in_the_wrong_place_are_worth_what_they_were(method: Any, misplaced: int):
    lines = one(method, (1, "receipt", 10, 2), (2, "count", -misplaced, 9), (2, "count", misplaced, 9))
    assert (lines.counts, lines.closing, lines.estimated) == (0, 20, 0)


@pytest.mark.parametrize("method", METHODS)
def test_sold_before_it_came_in(method: Any):
    """Ten at 2; twelve sold: two at the last cost. They turn out to cost 5."""
    sold = ((1, "receipt", 10, 2), (2, "sale", -12, None, None, "S-1"))
    before = one(method, *sold)
    assert (before.cogs, before.closing, before.closing_quantity) == (24, -4, -2)
    after = one(method, *sold, (3, "receipt", 6, 5))
    assert (after.cogs, after.corrections, after.closing, after.closing_quantity) == (30, 6, 20, 4)
    back = one(method, *sold, (3, "receipt", 6, 5), (4, "return", 2, None, None, "S-1"))
    assert (back.closing_quantity, back.closing + back.cogs) == (6, 50)
    if method == "fifo":
        assert back.closing == 30, "those two came back at what they turned out to cost"


def test_transfers_change_nothing():
    plain, moved = one("fifo", *BOUGHT_TWICE), one("fifo", *BOUGHT_TWICE, (4, "transfer", -3), (4, "transfer", 3))
    assert plain == moved


def test_parts_of_a_kit_cost_the_kit():
    part = [Movement(day(1), "receipt", D(10), D(3)), Movement(day(2), "sale", D(-4), kits=[(77, D("0.5"))])]
    rows = {1: periods(part, method="average", bounds=[day(0), day(9)])[0], 77: Lines()}
    assert sold_costs(rows, D("0.01")) == {1: 6, 77: 6}


def test_costs_by_what_was_sold_are_the_ledgers_to_the_cent():
    third = D(1) / 3
    parts = [Movement(day(1), "receipt", D(1), D(10)), Movement(day(2), "sale", D(-1), kits=[(7, third), (8, third)])]
    rows = {1: periods(parts, method="average", bounds=[day(0), day(9)])[0]}
    assert sum(sold_costs(rows, D("0.01")).values()) == rows[1].told(D("0.01")).cogs == 10


# Whatever happens

KINDS = ("receipt", "sale", "return", "write_off", "count", "adjustment", "transfer")
amounts = st.decimals(D("0.001"), D(500), places=3)
costs = st.none() | st.decimals(0, D(999), places=4)


@st.composite
def histories(draw: Any, *, oversold: bool = True, found: bool = True) -> list[Movement]:
    """Movements that can happen. `oversold`: also more than there is; `found`: also counts and the like."""
    made, here, out = [], D(0), dict.fromkeys(("", "A", "B"), D(0))
    kinds = KINDS if found else KINDS[:4]
    for number in range(draw(st.integers(0, 25))):
        kind, n, origin = draw(st.sampled_from(kinds)), draw(amounts), draw(st.sampled_from(("", "A", "B")))
        if kind in ("sale", "write_off") or (kind in ("count", "adjustment") and draw(st.booleans())):
            n = -n if oversold and kind == "sale" else -min(n, max(here, D(0)))
        if kind == "return":
            n = min(n, out[origin]) if origin else D(0)
        if not n:
            continue
        if kind == "transfer":
            made += [Movement(day(number), kind, -n), Movement(day(number), kind, n)]
            continue
        out[origin] += -n if kind in ("sale", "return") else D(0)
        here += n
        cost = draw(costs) if kind != "receipt" or found else draw(st.decimals(0, D(999), places=4))
        made.append(Movement(day(number), kind, n, cost, draw(costs), origin))
    return made


@given(histories(), st.sampled_from(METHODS), st.lists(st.integers(-1, 30), min_size=2, max_size=6))
def test_the_lines_add_up_and_tie_to_the_ledger(movements: list[Movement], method: Any, days: list[int]):
    bounds = sorted(day(d) for d in days)
    made = periods(movements, method=method, bounds=bounds)
    for (begin, end), lines in zip(pairwise(bounds), made, strict=True):
        flows = sum(getattr(lines, name) * sign for name, sign in FLOWS.items())
        assert lines.opening + flows == lines.closing
        assert lines.opening_quantity == sum(m.quantity for m in movements if m.moment < begin)
        assert lines.closing_quantity == sum(m.quantity for m in movements if m.moment < end)
        sold = [m for m in movements if m.kind in ("sale", "return") and begin <= m.moment < end]
        assert lines.sold_quantity == -sum(m.quantity for m in sold)
        if not lines.closing_quantity:
            assert lines.closing == 0, "nothing is worth nothing"
        if lines.closing_quantity > 0:
            assert lines.closing >= 0
    assert all(before.closing == after.opening for before, after in pairwise(made))
    whole = periods(movements, method=method, bounds=[bounds[0], bounds[-1]])[0]
    assert [whole.cogs, whole.purchases] == [sum(m.cogs for m in made), sum(m.purchases for m in made)]
    told = whole.told(CENT)
    assert told.opening + sum(getattr(told, name) * sign for name, sign in FLOWS.items()) == told.closing
    for name in ("opening", "closing", *FLOWS):
        assert abs(getattr(told, name) - getattr(whole, name)) <= 2 * CENT
        assert getattr(told, name) % CENT == 0


@given(histories(oversold=False, found=False))
def test_fifo_is_the_layers_one_by_one(movements: list[Movement]):
    """Thousandths of a unit in a queue, each with its cost; what comes back joins the end of the queue."""
    queue: list[Fraction] = []
    gone: dict[str, list[Fraction]] = {}
    cogs = written = Fraction(0)
    # few pieces, so that the queue stays short
    small = [
        m._replace(quantity=(m.quantity * 1000 % 30).copy_sign(m.quantity) / 1000) for m in movements
    ]  # few pieces
    kept = []
    for m in small:
        pieces = int(abs(m.quantity) * 1000)
        if m.kind in ("sale", "write_off"):
            pieces = min(pieces, len(queue))
        if m.kind == "return":
            pieces = min(pieces, len(gone.get(m.origin, [])))
        if not pieces:
            continue
        kept.append(m._replace(quantity=D(pieces) / 1000 * (1 if m.quantity > 0 else -1)))
        if m.kind == "receipt":
            queue += [Fraction(m.unit_cost) / 1000] * pieces
        elif m.kind == "return":
            back = [gone[m.origin].pop() for _ in range(pieces)]
            queue, cogs = queue + back, cogs - sum(back)
        else:
            taken, queue = queue[:pieces], queue[pieces:]
            if m.kind == "sale":
                cogs += sum(taken)
                if m.origin:
                    gone.setdefault(m.origin, []).extend(taken)
            else:
                written += sum(taken)
    (lines,) = periods(kept, method="fifo", bounds=[day(-1), day(99)])
    assert (Fraction(lines.cogs), Fraction(lines.write_offs)) == (cogs, written)
    assert Fraction(lines.closing) == sum(queue)


@given(histories(oversold=False, found=False))
def test_the_average_is_the_average(movements: list[Movement]):
    quantity = value = cogs = written = Fraction(0)
    gone: dict[str, list[tuple[Fraction, Fraction]]] = {}
    for m in movements:
        n = Fraction(m.quantity)
        if m.kind == "receipt":
            worth = n * Fraction(m.unit_cost)
        elif m.kind == "return":
            worth, left = Fraction(0), n
            while left:
                units, unit = gone[m.origin].pop()
                part = min(units, left)
                worth, left = worth + part * unit, left - part
                if units > part:
                    gone[m.origin].append((units - part, unit))
            cogs -= worth
        else:
            worth = n * value / quantity
            if m.kind == "sale":
                cogs -= worth
                gone.setdefault(m.origin, []).append((-n, value / quantity))
            else:
                written -= worth
        quantity, value = quantity + n, value + worth
    (lines,) = periods(movements, method="average", bounds=[day(-1), day(99)])
    for ours, theirs in ((lines.cogs, cogs), (lines.write_offs, written), (lines.closing, value)):
        assert abs(Fraction(ours) - theirs) < Fraction(1, 10**7)


@given(st.lists(st.decimals(-99, 99, places=4), min_size=1, max_size=6), st.sampled_from([D(-1), D(0), D(1)]))
def test_the_largest_remainder(exact: list[Decimal], more: Decimal):
    total = sum(exact, D(0)).quantize(CENT) + more * CENT * any(exact)
    parts = largest_remainder(exact, total, CENT)
    assert sum(parts) == total
    assert all(part == 0 for part, amount in zip(parts, exact, strict=True) if not amount)


def test_totals_are_the_sums_of_what_is_told():
    rows = [one("average", (1, "receipt", 3, "0.3333"), (2, "sale", -1)).told(CENT) for _ in range(3)]
    whole = summed(rows)
    assert (whole.purchases, whole.cogs, whole.closing) == (D("3.00"), D("0.99"), D("2.01"))
