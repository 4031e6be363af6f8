"""When to order and how much: pure."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.reordering import Demand, Terms, plan, safety_stock

D = Decimal
TERMS = Terms(service_level=0.95, lead_days=7, lead_spread=0.0, review_days=7)
DEMAND = Demand(mean=4.0, sd=3.0)
quantities = st.integers(0, 10**6).map(lambda n: n * D("0.001"))


def test_the_textbook_case():
    """z(0.95) = 1.6449; over 14 days: 56 expected, sqrt(14 * 9) * z = 18.46 in reserve."""
    made = plan(TERMS, DEMAND, available=D(50), on_order=D(10))
    assert safety_stock(TERMS, DEMAND) == pytest.approx(18.4634, abs=1e-3)
    assert (made.expected_demand, made.safety_stock, made.reorder_point, made.order_up_to) == (56, 19, 75, 103)
    assert (made.quantity, made.days_of_cover) == (43, 15)


def test_a_lead_time_that_varies_needs_more_in_reserve():
    """sqrt(14 * 9 + 16 * 4) * z = 22.67"""
    assert safety_stock(replace(TERMS, lead_spread=2.0), DEMAND) == pytest.approx(22.673, abs=1e-3)


def test_enough_is_enough():
    assert plan(TERMS, DEMAND, available=D(76), on_order=D(0)).quantity == 0
    assert plan(TERMS, DEMAND, available=D(75), on_order=D(0)).quantity == 28


def test_whole_packs_and_at_least_the_minimum():
    packs = replace(TERMS, pack_size=D(12))
    assert plan(packs, DEMAND, available=D(50), on_order=D(10)).quantity == 48
    assert plan(replace(packs, minimum_order=D(100)), DEMAND, available=D(75), on_order=D(0)).quantity == 108


def test_a_point_set_by_hand_needs_no_history():
    by_hand = replace(TERMS, fixed_point=D(20), pack_size=D(6))
    assert plan(TERMS, None, available=D(0), on_order=D(0)) is None
    made = plan(by_hand, None, available=D(5), on_order=D(0))
    assert (made.quantity, made.reorder_point, made.safety_stock, made.days_of_cover) == (18, 20, None, None)
    assert plan(by_hand, DEMAND, available=D(20), on_order=D(0)).order_up_to == 48
    assert plan(replace(TERMS, fixed_point=D(0)), None, available=D(0), on_order=D(0)).quantity == 1


def test_what_nobody_buys_is_not_ordered():
    assert plan(TERMS, Demand(mean=0.0, sd=0.0), available=D(0), on_order=D(0)).quantity == 0


@given(
    mean=st.floats(0, 1e7),
    sd=st.floats(0, 1e7),
    level=st.floats(0.5, 0.999),
    days=st.tuples(st.integers(0, 365), st.integers(0, 365)),
    spread=st.floats(0, 100),
    pack=quantities.filter(bool),
    minimum=quantities,
    available=quantities,
    on_order=quantities,
    fixed=st.none() | quantities,
)
def test_an_order_is_in_whole_packs_and_fills_up(
    mean, sd, level, days, spread, pack, minimum, available, on_order, fixed
):
    terms = Terms(
        service_level=level,
        lead_days=days[0],
        lead_spread=spread,
        review_days=days[1],
        pack_size=pack,
        minimum_order=minimum,
        fixed_point=fixed,
        step=D("0.001"),
    )
    made = plan(terms, Demand(mean=mean, sd=sd), available=available, on_order=on_order)
    assert 0 <= made.reorder_point <= made.order_up_to
    assert made.quantity % pack == 0
    if made.quantity:
        assert available + on_order <= made.reorder_point
        assert made.quantity >= minimum or made.quantity + pack > D(10) ** 10 - 1
        if made.order_up_to < D(10) ** 9:
            assert available + on_order + made.quantity >= made.order_up_to
    elif mean:
        assert available + on_order > made.reorder_point


@given(level=st.floats(0.5, 0.99), sd=st.floats(0, 1e4))
def test_more_service_never_costs_less(level, sd):
    some = safety_stock(replace(TERMS, service_level=level), replace(DEMAND, sd=sd))
    more = safety_stock(replace(TERMS, service_level=level + 0.009), replace(DEMAND, sd=sd))
    assert more >= some >= 0
