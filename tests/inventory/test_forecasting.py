"""The forecaster: pure, so tried on thousands of made-up histories."""

from datetime import date
from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inventory.forecasting import LEVELS, Peer, by_analogy, mean_of_sum, quantile_of_sum, too_little
from inventory.forecasting.engine import forecast_panel
from inventory.forecasting.methods import BASELINES
from inventory.forecasting.panel import panel_of
from inventory.forecasting.selecting import select

MONDAY = date(2024, 1, 1)
WEEK = [2.0, 4.0, 4.0, 4.0, 8.0, 20.0, 0.0]
sales = st.one_of(st.just(0.0), st.integers(0, 40).map(float), st.floats(0.001, 1e9), st.just(float("nan")))
histories = st.tuples(st.integers(1, 4), st.integers(56, 160)).flatmap(
    lambda shape: arrays(float, shape, elements=sales)
)
stored = {
    "days": [1, 7, 28],
    "expected": [1.0, 7.0, 28.0],
    "levels": [0.05, 0.5, 0.95],
    "sums": [[0, 0, 3], [2, 6, 14], [12, 27, 48]],
}


def one(units, sold=None):
    """The forecast of a single product."""
    return forecast_panel(panel_of(np.array([units], dtype=float), MONDAY, sold))


def ahead(made, days=28):
    return float(made.daily(days)[0].sum())


def ends(made):
    return tuple(quantile_of_sum(made.stored(0), 28, level) for level in (0.05, 0.95))


@settings(max_examples=25)
@given(units=histories, closed=st.sets(st.integers(0, 6), max_size=3))
def test_a_forecast_is_finite_not_negative_and_in_order(units, closed):
    weekdays = np.arange(units.shape[1]) % 7
    units[:, np.isin(weekdays, list(closed))] = 0.0
    made = forecast_panel(panel_of(units, MONDAY))
    daily = made.daily(91)
    assert np.isfinite(daily).all()
    assert (daily >= 0).all()
    for sums in (made.expected, made.quantiles):
        assert np.isfinite(sums).all()
        assert (np.diff(sums, axis=1) >= -1e-6 * (1 + np.abs(sums[:, 1:]))).all(), "more days, fewer units"
    assert (made.quantiles >= 0).all()
    assert (np.diff(made.quantiles, axis=2) >= 0).all()
    shut = [day for day in closed if np.nansum(units) > 0]
    assert (daily[:, np.isin((units.shape[1] + np.arange(91)) % 7, shut)] == 0).all()
    assert np.allclose(daily[:, :28].sum(axis=1), made.expected[:, made.horizons.index(28)])


@settings(max_examples=10)
@given(units=histories, factor=st.sampled_from([0.5, 2.0, 1024.0]))
def test_other_units_of_measure_give_the_same_forecast(units, factor):
    """Powers of two, so that floats scale without rounding."""
    made = forecast_panel(panel_of(units, MONDAY))
    other = forecast_panel(panel_of(units * factor, MONDAY))
    assert np.allclose(made.expected * factor, other.expected, rtol=1e-6)
    assert np.allclose(made.quantiles * factor, other.quantiles, rtol=1e-6)


def test_the_same_every_day_goes_on_the_same():
    made = one([3.0] * 100)
    assert ahead(made) == pytest.approx(84)
    assert ends(made) == pytest.approx((84, 84))
    (figures,) = made.backtest()
    assert (figures["wape"], figures["bias"], figures["rmsse"]) == (0, 0, None)


def test_a_week_s_pattern_is_found():
    made = one(WEEK * 26)
    daily = made.daily(14)[0]
    assert daily[6] == daily[13] == 0
    assert daily[:7] == pytest.approx(WEEK, rel=0.15)


def test_a_step_in_demand_is_followed():
    made = one([2.0, 4.0] * 70 + [10.0, 14.0] * 35)
    assert ahead(made) == pytest.approx(28 * 12, rel=0.1)
    assert ends(made)[1] - ahead(made) > 28, "the backtest saw what a step costs"


def test_days_on_which_the_shop_was_shut_are_no_missing_demand():
    units, sold = np.full(140, 5.0), np.ones(140, dtype=bool)
    units[100:104], sold[100:104] = 0, False
    assert ahead(one(units, sold)) == pytest.approx(140, rel=1e-6)


def test_in_a_shop_that_sells_little_a_day_without_sales_is_demand_of_zero():
    assert ahead(one([1.0 if day % 3 == 0 else 0.0 for day in range(150)]), 30) == pytest.approx(10, rel=0.1)


def test_days_without_stock_are_unknown_not_zero():
    units = np.full(150, 4.0)
    units[110:150] = 0
    assert ahead(one(units, np.ones(150, dtype=bool))) < 80
    units[110:150] = np.nan
    assert ahead(one(units, np.ones(150, dtype=bool))) == pytest.approx(112, rel=0.01)


def test_one_large_order_hardly_moves_the_forecast():
    units = np.full(150, 2.0)
    units[140] = 2000
    assert ahead(one(units)) < 100, "the mean alone would say 430"


def test_a_lasting_rise_is_no_one_off():
    assert ahead(one([1.0] * 120 + [40.0] * 80)) == pytest.approx(28 * 40, rel=0.1)


def test_the_total_of_a_whole_shop_is_that_of_its_last_four_weeks():
    chance = np.random.default_rng(3)
    units = chance.poisson(1.0, (60, 200)) * (1 + 12 * (chance.random((60, 200)) < 0.005))
    made = forecast_panel(panel_of(units.astype(float), MONDAY))
    assert made.daily(28).sum() == pytest.approx(units[:, -28:].sum())


def test_products_out_of_stock_take_nothing_from_the_others():
    units = np.random.default_rng(6).poisson(3.0, (40, 200)).astype(float)
    whole = forecast_panel(panel_of(units, MONDAY)).daily(28).sum(axis=1)
    units[20:, -28:] = np.nan
    made = forecast_panel(panel_of(units, MONDAY, np.ones(200, dtype=bool))).daily(28).sum(axis=1)
    assert made[:20].sum() == pytest.approx(whole[:20].sum(), rel=0.03)
    assert made[20:].mean() == pytest.approx(84, rel=0.1)


def test_no_class_of_products_is_forecast_worse_than_by_its_baselines():
    """Each week is as the one before, but every tenth, which is a hundred times as much: no average can follow that."""
    chance = np.random.default_rng(4)
    weeks = np.repeat(np.tile([1.0] * 9 + [100.0] * 9, 2), 7)[:245]
    units = chance.poisson(5, (4, 245)) * weeks
    chosen = select(panel_of(units, MONDAY), np.ones((4, 7)))
    found = {chosen.names[index] for index in chosen.weights.argmax(axis=0)}
    assert found == {"last week"}
    assert (chosen.weights.max(axis=0) == 1).all()
    assert set(BASELINES) <= set(chosen.names)


def test_the_interval_holds_what_it_promises():
    """Of 300 products that were never seen, 90 in 100 sums lie in their 90 % interval, and it is not absurdly wide."""
    chance = np.random.default_rng(5)
    level = np.exp(chance.normal(-1, 1.2, 300))[:, None]
    units = chance.negative_binomial(1, 1 / (1 + level * np.ones((300, 328)))).astype(float)
    made = forecast_panel(panel_of(units[:, :300], MONDAY))
    actual = units[:, 300:].sum(axis=1)
    column = made.quantiles[:, made.horizons.index(28)]
    low, high = column[:, LEVELS.index(0.05)], column[:, LEVELS.index(0.95)]
    assert 0.85 <= ((actual >= low) & (actual <= high)).mean() <= 0.96
    assert (high - low).mean() < 1.6 * made.daily(28).sum(axis=1).mean()


def test_quantiles_between_horizons_and_levels():
    assert quantile_of_sum(stored, 7, 0.5) == 6
    assert quantile_of_sum(stored, 4, 0.95) == pytest.approx(3 + 11 * 3 / 6)
    assert quantile_of_sum(stored, 0.5, 0.95) == 1.5
    assert 14 < quantile_of_sum(stored, 7, 0.99) < 20
    assert 6 < quantile_of_sum(stored, 7, 0.8) < 14
    assert quantile_of_sum(stored, 1, 0.001) == 0
    assert mean_of_sum(stored, 14) == pytest.approx(14)
    assert mean_of_sum(stored, 56) == pytest.approx(56)
    assert quantile_of_sum(stored, 112, 0.95) == pytest.approx(112 + 20 * 2)


@given(days=st.floats(0.1, 400), more=st.floats(0, 100), level=st.floats(0.001, 0.998), higher=st.floats(0, 0.001))
def test_quantiles_never_fall(days, more, level, higher):
    value = quantile_of_sum(stored, days, level)
    assert isfinite(value)
    assert value >= 0
    assert quantile_of_sum(stored, days + more, level) >= value - 1e-9
    assert quantile_of_sum(stored, days, level + higher) >= value - 1e-9


@pytest.mark.parametrize(("days", "level"), [(0, 0.5), (-1, 0.5), (float("nan"), 0.5), (7, 0), (7, 1)])
def test_what_is_no_horizon_or_level_is_refused(days, level):
    with pytest.raises(ValueError, match=r"day|level"):
        quantile_of_sum(stored, days, level)


def test_too_little_history_is_said_not_guessed():
    assert too_little(55, 30) == ("55 days of history; at least 56 are needed",)
    assert too_little(100, 9) == ("9 days with sales; at least 10 are needed",)
    assert len(too_little(0, 0)) == 2
    assert too_little(56, 10) == ()


def test_a_new_product_is_taken_for_one_of_its_category_until_it_tells_otherwise():
    peers = [Peer(mean, 2.0, "lumpy") for mean in (0.5, 1.0, 1.0, 1.5, 2.0)]
    assert by_analogy(1, 1, peers[:4]) is None
    assert by_analogy(1, 1, [Peer(0.0, 0.0, "lumpy")] * 5) is None
    unknown, strong, weak = (by_analogy(units, days, peers)["day_mean"] for units, days in ((0, 0), (200, 40), (0, 40)))
    assert weak < 0.5 < unknown < 2 < strong < 5
    assert unknown == pytest.approx(1.2)
    made = by_analogy(3, 3, peers)
    assert made["kind"] == "lumpy"
    assert quantile_of_sum(made, 28, 0.05) < mean_of_sum(made, 28) < quantile_of_sum(made, 28, 0.95)
