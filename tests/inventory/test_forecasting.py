"""The forecaster: pure, so tried on thousands of made-up histories."""

from datetime import date, timedelta
from math import isclose, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.forecasting import MIN_DAYS, MIN_SALE_DAYS, forecast

MONDAY = date(2024, 1, 1)
sales = st.one_of(st.just(0.0), st.integers(0, 40).map(float), st.floats(0, 1e9))
histories = st.lists(sales, min_size=MIN_DAYS, max_size=200).filter(
    lambda units: sum(u > 0 for u in units) >= MIN_SALE_DAYS
)


def days(count, start=MONDAY):
    return {start + timedelta(days=number) for number in range(count)}


@given(units=histories, horizon=st.integers(1, 90), closed=st.sets(st.integers(0, 6), max_size=3))
def test_a_forecast_is_in_order_and_never_worse_than_the_baselines(units, horizon, closed):
    open_days = {day for day in days(len(units)) if day.weekday() not in closed}
    units = [value if MONDAY + timedelta(days=number) in open_days else 0.0 for number, value in enumerate(units)]
    made = forecast(units, start=MONDAY, horizon=horizon, shop_days=open_days)
    if made.reasons:
        return
    assert len(made.daily) == horizon
    assert all(isfinite(value) and value >= 0 for value in made.daily)
    assert 0 <= made.low <= made.expected <= made.high
    assert made.backtest.origins > 0
    if made.backtest.wape is not None:
        assert made.backtest.wape <= made.backtest.baseline_wape
    for number, value in enumerate(made.daily):
        if (MONDAY + timedelta(days=len(units) + number)).weekday() in closed:
            assert value == 0


@given(units=histories, factor=st.sampled_from([0.5, 2.0, 1024.0]))
def test_other_units_of_measure_give_the_same_forecast(units, factor):
    """Powers of two, so that floats scale without rounding."""
    one = forecast(units, start=MONDAY, horizon=28)
    other = forecast([value * factor for value in units], start=MONDAY, horizon=28)
    assert one.method == other.method
    assert isclose(one.expected * factor, other.expected, rel_tol=1e-9)
    assert isclose(one.high * factor, other.high, rel_tol=1e-9)


def test_too_little_history_is_said_not_guessed():
    assert forecast([1.0] * 55, start=MONDAY, horizon=7).reasons == ("55 days of history; at least 56 are needed",)
    sparse = [1.0] * 9 + [0.0] * 91
    assert forecast(sparse, start=MONDAY, horizon=7).reasons == ("9 days with sales; at least 10 are needed",)
    assert len(forecast([], start=MONDAY, horizon=7).reasons) == 2


def test_the_same_every_day_goes_on_the_same():
    made = forecast([3.0] * 100, start=MONDAY, horizon=28)
    assert (made.expected, made.low, made.high) == (84, 84, 84)
    assert (made.method, made.backtest.wape, made.backtest.bias) == ("mean", 0, 0)
    assert made.backtest.rmsse is None


def test_a_week_s_pattern_is_found():
    week = [2.0, 4.0, 4.0, 4.0, 8.0, 20.0, 0.0]
    made = forecast(week * 26, start=MONDAY, horizon=14, shop_days=days(7 * 26) - _sundays(26))
    assert made.daily[6] == made.daily[13] == 0
    assert sum(made.daily[:7]) == pytest.approx(42, rel=0.02)


def test_a_pattern_of_the_week_wins_where_single_days_are_forecast():
    week = [2.0, 4.0, 4.0, 4.0, 8.0, 20.0, 1.0]
    made = forecast(week * 26, start=MONDAY, horizon=1)
    assert made.method == "last week"
    assert made.daily == (2.0,)
    assert made.backtest.wape == 0


def test_a_step_in_demand_is_followed():
    made = forecast([2.0, 4.0] * 70 + [10.0, 14.0] * 35, start=MONDAY, horizon=28)
    assert made.expected == pytest.approx(28 * 12, rel=0.1)
    assert made.high - made.expected > 28  # the backtest saw what a step costs


def test_days_on_which_the_shop_was_shut_are_no_missing_demand():
    units = [5.0] * 140
    shut = {MONDAY + timedelta(days=number) for number in range(100, 104)}
    for number in range(100, 104):
        units[number] = 0.0
    made = forecast(units, start=MONDAY, horizon=28, shop_days=days(140) - shut)
    assert made.expected == pytest.approx(140, rel=1e-6)


def test_in_a_shop_that_sells_little_a_day_without_sales_is_demand_of_zero():
    units = [1.0 if number % 3 == 0 else 0.0 for number in range(150)]
    sold = {MONDAY + timedelta(days=number) for number in range(0, 150, 3)}
    made = forecast(units, start=MONDAY, horizon=30, shop_days=sold)
    assert made.expected == pytest.approx(10, rel=0.1)


def _sundays(weeks):
    return {MONDAY + timedelta(days=6 + 7 * number) for number in range(weeks)}
