"""When to order and how much: pure."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.forecasting import HORIZONS, LEVELS, quantile_of_sum
from inventory.reordering import Demand, Terms, plan, served
from inventory.reordering.grid import GRID, WEIGHTS
from inventory.reordering.outlooks import NODES, Lead, normal_curves, normal_sd, outlooks, quantiles_of

D = Decimal
TERMS = Terms(service_level=0.95, lead_days=7, lead_spread=0.0, review_days=7)
DEMAND = Demand(mean=4.0, sd=3.0, expected=56.0, quantile=74.46, cycle=28.0)
quantities = st.integers(0, 10**6).map(lambda n: n * D("0.001"))


def lead(mean: float, spread: float = 0.0, nodes: "list[float] | None" = None) -> Lead:
    return Lead(
        mean=np.array([mean]), spread=np.array([spread]), nodes=np.array([nodes or [mean] * len(NODES)], dtype=float)
    )


def stored(kind: str = "lumpy", mean: float = 1.0, sd: float = 2.0) -> dict:
    """Sums whose quantiles grow with the square root of the days."""
    return {
        "days": list(HORIZONS),
        "expected": [mean * days for days in HORIZONS],
        "levels": list(LEVELS),
        "sums": [[mean * days + level * 10 * days**0.5 for level in LEVELS] for days in HORIZONS],
        "day_mean": mean,
        "day_sd": sd,
        "kind": kind,
    }


def at_level(forecast: dict, lead_time: Lead, level: float, review: float = 7.0) -> float:
    return float(quantiles_of(outlooks([forecast], lead_time, np.array([review])).curves, level)[0])


def test_the_textbook_case():
    """z(0.95) = 1.6449; over 14 days: 56 expected, sqrt(14 * 9) * z = 18.46 in reserve."""
    sd = normal_sd(np.array([4.0]), np.array([3.0]), lead(7), np.array([7.0]))
    assert quantiles_of(normal_curves(np.array([56.0]), sd), 0.95)[0] - 56 == pytest.approx(18.4634, abs=1e-3)
    made = plan(TERMS, DEMAND, available=D(50), on_order=D(10))
    assert (made.expected_demand, made.safety_stock, made.reorder_point, made.order_up_to) == (56, 19, 75, 103)
    assert (made.quantity, made.days_of_cover) == (43, 15)


def test_a_lead_time_that_varies_needs_more_in_reserve():
    """sqrt(14 * 9 + 16 * 4) * z = 22.67"""
    sd = normal_sd(np.array([4.0]), np.array([3.0]), lead(7, 2.0), np.array([7.0]))
    assert quantiles_of(normal_curves(np.array([56.0]), sd), 0.95)[0] - 56 == pytest.approx(22.673, abs=1e-3)


def test_a_smooth_demand_takes_the_formula_any_other_the_forecast_s_own_quantiles():
    smooth = at_level(stored("smooth"), lead(7, 2.0), 0.95)
    assert smooth == pytest.approx(14 + 1.6449 * (14 * 4 + 1 * 4) ** 0.5, abs=1e-3)
    for level in (0.5, 0.9, 0.95, 0.99):
        assert at_level(stored(), lead(7), level) == pytest.approx(quantile_of_sum(stored(), 14, level), rel=0.01)


def test_every_lead_time_counts_as_often_as_it_occurs():
    """Eight of nine deliveries take a week, one takes eight: the 95 % quantile lies among the late one's."""
    late = [7.0] * 8 + [56.0]
    usual, mixed = at_level(stored(), lead(7), 0.95), at_level(stored(), lead(12.4, 16.0, late), 0.95)
    assert usual < 50 < 63 < mixed < at_level(stored(), lead(56), 0.95)
    assert at_level(stored(), lead(12.4, 16.0, late), 0.5) == pytest.approx(at_level(stored(), lead(7), 0.5), rel=0.1)


def test_the_mixture_s_quantiles_are_those_of_drawn_lead_times_and_demands():
    random, forecast = np.random.default_rng(1), stored("lumpy", mean=0.3)
    nodes = [max(0.0, 10 + 3 * score) for score in np.linspace(-1.6, 1.6, len(NODES))]
    draws = [
        quantile_of_sum(forecast, 7 + nodes[node], level)
        for node, level in zip(random.integers(0, 9, 20000), random.uniform(0.001, 0.999, 20000), strict=True)
    ]
    for level in (0.5, 0.8, 0.95, 0.98):
        assert at_level(forecast, lead(10, 3, nodes), level) == pytest.approx(np.quantile(draws, level), rel=0.04)


def test_enough_is_enough():
    assert plan(TERMS, DEMAND, available=D(76), on_order=D(0)).quantity == 0
    assert plan(TERMS, DEMAND, available=D(75), on_order=D(0)).quantity == 28


def test_what_is_owed_is_ordered_too():
    assert plan(TERMS, DEMAND, available=D(-10), on_order=D(0)).quantity == 113


def test_whole_packs_and_at_least_the_minimum():
    packs = replace(TERMS, pack_size=D(12))
    assert plan(packs, DEMAND, available=D(50), on_order=D(10)).quantity == 48
    assert plan(replace(packs, minimum_order=D(100)), DEMAND, available=D(75), on_order=D(0)).quantity == 108


def test_no_more_than_sells_before_it_expires():
    """4 a day sell within 7 days of lead time and 10 of shelf life: 68 in all."""
    fresh, perishable = replace(DEMAND, fresh=68.0), replace(TERMS, shelf_life_days=10)
    made = plan(perishable, fresh, available=D(20), on_order=D(10))
    assert (made.quantity, made.capped) == (38, True)
    assert plan(replace(perishable, pack_size=D(12)), fresh, available=D(20), on_order=D(10)).quantity == 36
    least = plan(replace(perishable, minimum_order=D(50)), fresh, available=D(20), on_order=D(10))
    assert (least.quantity, least.capped) == (0, True)
    assert plan(perishable, replace(DEMAND, fresh=200.0), available=D(20), on_order=D(10)).capped is False


def test_a_point_set_by_hand_needs_no_history():
    by_hand = replace(TERMS, fixed_point=D(20), pack_size=D(6))
    assert plan(TERMS, None, available=D(0), on_order=D(0)) is None
    made = plan(by_hand, None, available=D(5), on_order=D(0))
    assert (made.quantity, made.reorder_point, made.safety_stock, made.days_of_cover) == (18, 20, None, None)
    assert plan(by_hand, DEMAND, available=D(20), on_order=D(0)).order_up_to == 48
    assert plan(replace(TERMS, fixed_point=D(0)), None, available=D(0), on_order=D(0)).quantity == 1


@pytest.mark.parametrize("demand", [None, Demand(mean=0.0, sd=0.0, expected=0.0, quantile=0.0, cycle=0.0), DEMAND])
def test_what_was_ordered_is_not_ordered_again(demand):
    by_hand = replace(TERMS, fixed_point=D(20))
    first = plan(by_hand, demand, available=D(5), on_order=D(0))
    assert first.quantity > 0
    assert plan(by_hand, demand, available=D(5), on_order=first.quantity).quantity == 0


def test_what_nobody_buys_is_not_ordered():
    nothing = Demand(mean=0.0, sd=0.0, expected=0.0, quantile=0.0, cycle=0.0)
    assert plan(TERMS, nothing, available=D(0), on_order=D(0)).quantity == 0


def test_units_served_are_the_lesser_of_demand_and_stock():
    assert sum(WEIGHTS) == pytest.approx(1)
    curve = normal_curves(np.array([100.0]), np.array([10.0]))[0]
    assert served(curve, 1000) == pytest.approx(100, abs=0.1)
    assert served(curve, 100) == pytest.approx(100 - 10 * 0.39894, abs=0.1)  # the normal loss function at 0
    assert served(curve, 10) == 10
    assert len(curve) == len(GRID)


@given(
    mean=st.floats(0, 1e7),
    over=st.floats(0, 1e7),
    pack=quantities.filter(bool),
    minimum=quantities,
    available=quantities,
    on_order=quantities,
    fixed=st.none() | quantities,
    fresh=st.none() | st.floats(0, 1e8),
)
def test_an_order_is_in_whole_packs_and_fills_up(mean, over, pack, minimum, available, on_order, fixed, fresh):
    terms = replace(TERMS, pack_size=pack, minimum_order=minimum, fixed_point=fixed, step=D("0.001"))
    demand = Demand(mean=mean, sd=1.0, expected=14 * mean, quantile=14 * mean + over, cycle=7 * mean, fresh=fresh)
    made = plan(terms, demand, available=available, on_order=on_order)
    assert 0 <= made.reorder_point <= made.order_up_to
    assert made.quantity % pack == 0
    if made.capped:
        assert float(available + on_order + made.quantity) <= fresh + 1e-3 or not made.quantity
    if made.quantity:
        assert available + on_order <= made.reorder_point
        assert made.quantity >= minimum or made.quantity + pack > D(10) ** 10 - 1
        if made.order_up_to < D(10) ** 9 and not made.capped:
            assert available + on_order + made.quantity >= made.order_up_to
    elif mean and not made.capped:
        assert available + on_order > made.reorder_point


@given(level=st.floats(0.5, 0.99), more=st.floats(0.0, 0.009))
def test_more_service_never_costs_less(level, more):
    assert at_level(stored(), lead(7, 2.0), level + more) >= at_level(stored(), lead(7, 2.0), level) >= 0
