"""Elasticity and the price that follows from it: pure."""

import math
import random
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pricing.elasticity import Objective, Terms, Week, advise, estimate, optimum, student_t

TERMS = Terms(price=Decimal("10.00"), cost=Decimal("4.00"), tax_factor=Decimal(1), minor_unit=Decimal("0.01"))
PRICES = (8.0, 9.0, 10.0, 11.0, 12.0)


def weeks(
    elasticity: float = -2.0, count: int = 40, noise: float = 0.1, growth: float = 0.0, seed: int = 1
) -> list[Week]:
    """Demand of known elasticity: units = k * price^e * e^(growth * week) * noise."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        price = chance.choice(PRICES)
        units = 5000 * price**elasticity * math.exp(growth * number + chance.gauss(0, noise))
        made.append(Week(number=number, price=price, units=units))
    return made


@pytest.mark.parametrize(("freedom", "exact"), [(5, 2.5706), (9, 2.2622), (20, 2.0860), (50, 2.0086), (101, 1.9837)])
def test_students_quantiles_are_those_of_the_tables(freedom, exact):
    assert student_t(0.975, freedom) == pytest.approx(exact, abs=0.001)


@pytest.mark.parametrize("true", [-0.5, -1.5, -3.0])
def test_the_interval_holds_the_truth_about_95_times_in_100(true):
    held = 0
    for seed in range(200):
        fit = estimate(weeks(true, noise=0.2, seed=seed))
        held += fit.low <= true <= fit.high
    assert 180 <= held <= 199


def test_a_trend_over_time_is_not_taken_for_an_effect_of_the_price():
    """Sales grow while the price creeps up: the naive fit would say that people like high prices."""
    chance = random.Random(3)
    growing = [
        Week(n, price := 8 + n / 20 + chance.uniform(-1, 1), 100 * price**-2 * math.exp(0.05 * n)) for n in range(60)
    ]
    fit = estimate(growing)
    assert fit.elasticity == pytest.approx(-2, abs=0.2)


def test_a_perfect_line_is_found_exactly():
    fit = estimate(weeks(-1.7, noise=0, growth=0.01))
    assert fit.elasticity == pytest.approx(-1.7)
    assert fit.r2 == pytest.approx(1)
    assert fit.std_error == pytest.approx(0, abs=1e-9)


def test_the_most_profitable_price_follows_the_markup_rule():
    advice = advise(weeks(-2.0, noise=0.05), replace(TERMS, cost=Decimal("5.00")), Objective.PROFIT)
    assert advice.price is not None
    assert float(advice.price) == pytest.approx(10, abs=0.8)  # c * e / (1 + e) = 2c
    assert advice.low <= advice.price <= advice.high


def test_tax_contained_in_the_price_is_not_profit():
    advice = advise(
        weeks(-3.0, noise=0.02), replace(TERMS, cost=Decimal("5.00"), tax_factor=Decimal("1.2")), Objective.PROFIT
    )
    assert float(advice.price) == pytest.approx(9, abs=0.3)  # 5 x 1.2 x 3 / 2
    assert advice.profit.then == pytest.approx(advice.units.then * (float(advice.price) / 1.2 - 5))


def test_it_stays_within_the_prices_seen():
    cheap = advise(weeks(-4.0, noise=0.05), replace(TERMS, cost=Decimal("1.00")), Objective.PROFIT)
    assert cheap.price == Decimal("8.00")  # 1.33 by the rule
    dear = advise(weeks(-1.05, noise=0.02), replace(TERMS, cost=Decimal("6.00")), Objective.PROFIT)
    assert dear.price == Decimal("12.00")  # 126 by the rule
    assert any("as far as" in reason for reason in dear.reasons)


def test_it_never_goes_below_cost():
    advice = advise(weeks(-3.0), replace(TERMS, cost=Decimal("9.50")), Objective.UNITS)
    assert advice.price == Decimal("9.50")
    given_away = advise(weeks(-3.0), replace(TERMS, price=Decimal("9.00"), cost=Decimal("9.50")), Objective.UNITS)
    assert given_away.price == Decimal("9.50")
    assert "The current price is below cost." in given_away.reasons


@pytest.mark.parametrize(("elasticity", "price"), [(-2.5, "8.00"), (-0.6, "12.00")])
def test_revenue_rises_with_the_price_or_falls(elasticity, price):
    assert advise(weeks(elasticity, noise=0.03), TERMS, Objective.REVENUE).price == Decimal(price)


def test_expected_effects_follow_the_elasticity():
    advice = advise(weeks(-2.0, noise=0), TERMS, Objective.UNITS)
    assert advice.units.now == pytest.approx(50)
    assert advice.units.then == pytest.approx(5000 * 8**-2)
    assert advice.revenue.then == pytest.approx(advice.units.then * 8)
    assert advice.profit.then == pytest.approx(advice.units.then * 4)


def test_the_current_price_stays_when_nothing_is_gained():
    advice = advise(weeks(-2.0, noise=0.02), replace(TERMS, price=Decimal("8.00")), Objective.UNITS)
    assert advice.price == Decimal("8.00")
    assert advice.units.now == advice.units.then
    assert any("current price" in reason for reason in advice.reasons)


def refusal(history, terms=TERMS, objective=Objective.PROFIT) -> str:
    advice = advise(history, terms, objective)
    assert advice.price is None
    assert advice.units is None
    return " ".join(advice.reasons)


def test_it_abstains_without_enough_to_go_by():
    steady = [Week(n, 10.0, 20.0 + n % 3) for n in range(30)]
    two = [Week(n, 10.0 + n % 2, 20.0) for n in range(30)]
    close = [Week(n, 10.0 + n % 3 / 10, 20.0) for n in range(30)]
    assert "no complete weeks" in refusal([])
    assert "no complete weeks" in refusal([replace(week, mixed=True) for week in weeks()])
    assert "Only 11 complete weeks" in refusal(weeks(count=11))
    assert "Only 1 different prices" in refusal(steady)
    assert "Only 2 different prices" in refusal(two)
    assert "differ by less than 5%" in refusal(close)
    assert "gaps" in refusal(weeks()[::2])
    assert "price rules" in refusal([replace(week, discounted=week.units) for week in weeks()])
    assert "cost is not known" in refusal(weeks(), replace(TERMS, cost=None))
    assert "covers the cost" in refusal(weeks(), replace(TERMS, cost=Decimal(13)))
    assert "far from every price" in refusal(weeks(), replace(TERMS, price=Decimal(0)))
    assert "far from every price" in refusal(weeks(), replace(TERMS, price=Decimal(100)))


def test_it_abstains_where_the_statistics_say_nothing():
    assert "don't show" in refusal(weeks(0.0))
    assert "don't show" in refusal(weeks(1.0))
    assert "not plausible" in refusal(weeks(-30.0))
    assert "contains -1" in refusal(weeks(-1.0), objective=Objective.REVENUE)
    creeping = [Week(n, 10 * 1.02**n, 100.0 - n) for n in range(30)]
    assert "along with time" in refusal(creeping, replace(TERMS, price=Decimal(15)))


def test_weeks_with_several_list_prices_are_left_out():
    clean = weeks(-2.0)
    spoiled = [replace(week, units=1e6, mixed=True) if week.number % 4 == 0 else week for week in clean]
    advice = advise(spoiled, TERMS, Objective.PROFIT)
    assert advice.history.mixed_weeks == 10
    assert advice.fit.elasticity == pytest.approx(-2, abs=0.5)


def test_a_whole_price_is_not_moved_by_float_dust():
    """0.07 is a little more than 0.07 as a float; rounding bounds up must not make 0.08 of it."""
    prices = (0.07, 0.08, 0.09, 0.1)
    history = [Week(n, prices[n % 4], 100 * prices[n % 4] ** -3) for n in range(20)]
    advice = advise(history, replace(TERMS, price=Decimal("0.08"), cost=None), Objective.UNITS)
    assert advice.price == Decimal("0.07")


@given(st.floats(-10, -1.01), st.decimals("0.01", 1000, places=2))
def test_no_price_near_the_optimum_earns_more(elasticity, cost):
    best = optimum(elasticity, cost, Objective.PROFIT)
    assume(math.isfinite(best))

    def profit(price: float) -> float:
        return (price - float(cost)) * price**elasticity

    assert profit(best) >= profit(best * 1.01)
    assert profit(best) >= profit(best * 0.99)


@given(
    st.lists(
        st.builds(
            Week,
            number=st.integers(0, 60),
            price=st.floats(0.01, 1000),
            units=st.floats(0, 1e6),
            mixed=st.booleans(),
        ),
        max_size=60,
        unique_by=lambda week: week.number,
    ),
    st.sampled_from(Objective),
)
def test_any_history_gets_an_answer_within_its_bounds(history, objective):
    advice = advise(history, TERMS, objective)
    assert advice.reasons
    if advice.price is not None and advice.price != TERMS.price:
        assert advice.history.lowest - 1e-6 <= float(advice.price) <= advice.history.highest + 1e-6
        assert advice.price >= TERMS.break_even
        assert advice.price == round(advice.price, 2)
