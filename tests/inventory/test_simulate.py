"""Replaying past demand: the rules of a day, the policy against its rivals, and the command."""

import json
from datetime import date, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from inventory.simulation import Settings, TooShort, simulate
from inventory.simulation.one_offs import without_one_offs
from inventory.simulation.replaying import lead_times, replay

START = date(2024, 1, 1)
DAYS = 280


@pytest.fixture(scope="module")
def demand():
    """Sixty products, from steady to lumpy, that sell a little more on Fridays; one single order of five thousand."""
    random = np.random.default_rng(11)
    rates = np.geomspace(0.3, 8, 60)[:, None] * np.where(np.arange(DAYS) % 7 == 4, 1.6, 0.9)
    bought = random.poisson(rates) * random.integers(1, 5, size=(60, DAYS))
    bought[3, 250] = 5000
    return bought.astype(float)


@pytest.fixture(scope="module")
def result(demand):
    return simulate(demand, START, Settings(seed=3))


def fixed(point, up_to):
    return lambda day: (np.array([float(point)]), np.array([float(up_to)]))


def course(units, point, up_to, *, lead=2, review=1, warm_up=0):
    leads = np.full((len(units), 1), lead)
    return replay(
        np.array([units], dtype=float),
        0,
        len(units),
        fixed(point, up_to),
        leads,
        review=review,
        step=1,
        warm_up=warm_up,
    )


def test_a_day_by_hand():
    """It begins with 10. Day 0 sells 4; on the morning of day 1, 6 are not above 6: 4 are ordered, there on day 3."""
    made = course([4, 4, 4, 4, 0], 6, 10)
    assert made.days_stock.tolist() == [6, 2, 0, 0, 4]  # on day 2 two are lost; what is ordered then comes on day 4
    assert (made.served[0], made.asked[0], made.stock_outs, made.orders) == (14, 16, 1, 3)


def test_what_is_not_there_is_lost_and_ends_an_order_cycle_badly():
    made = course([12, 0, 0, 0, 3, 0, 0, 0], 10, 10, lead=2)
    assert (made.served[0], made.asked[0], made.stock_outs) == (13, 15, 1)
    assert (made.cycles, made.cycles_short) == (2, 1)
    assert made.fill_rate == pytest.approx(13 / 15)
    assert made.orders == 2


def test_days_of_warming_up_count_nothing():
    made = course([12, 0, 0, 0, 3, 0, 0], 10, 10, warm_up=3)
    assert (made.served[0], made.stock_outs, len(made.days_stock)) == (3, 0, 4)


def test_lead_times_are_the_seed_s():
    one = lead_times(50, 40, mean=7, spread=2, seed=5)
    assert (one == lead_times(50, 40, mean=7, spread=2, seed=5)).all()
    assert (one != lead_times(50, 40, mean=7, spread=2, seed=6)).any()
    assert (one.min() >= 1, one.mean()) == (True, pytest.approx(7, abs=0.2))


def test_a_one_off_is_cut_off_at_ten_usual_days_known_before_it():
    units = np.array([[2.0, 0, 2, 2, 2, 2, 500, 2]])
    assert without_one_offs(units).tolist() == [[2, 0, 2, 2, 2, 2, 20, 2]]
    early = np.array([[500.0, 2, 2]])
    assert (without_one_offs(early) == early).all()


def test_the_target_is_met_with_less_stock_than_the_rivals_need(result):
    ours, _, _, min_max, usage = result.outcomes
    assert abs(ours.fill_rate - 0.95) <= 0.01
    assert result.on_target
    for rival in (min_max, usage):
        assert rival.fill_rate == pytest.approx(ours.fill_rate, abs=0.005)
        assert ours.stock_units < rival.stock_units
    assert result.least_stock
    assert 0 < result.one_off_share < 0.2


def test_no_rule_knows_the_future(demand, result):
    """Other sales in the last four weeks change nothing before them."""
    later = demand.copy()
    later[:, -28:] *= 3
    again = simulate(later, START, Settings(seed=3))
    for one, other in zip(result.outcomes[:3], again.outcomes[:3], strict=True):
        assert one.course.days_stock[:-28] == pytest.approx(other.course.days_stock[:-28])
    assert result.outcomes[0].course.days_stock[-1] != again.outcomes[0].course.days_stock[-1]


def test_too_little_is_refused(demand):
    with pytest.raises(TooShort, match="150 days of demand; at least 196 are needed"):
        simulate(demand[:, :150], START, Settings())
    with pytest.raises(TooShort, match="no product has enough sales"):
        simulate(np.zeros((3, 300)), START, Settings())


@pytest.mark.parametrize("quiet", [0, 70])
def test_half_a_year_is_enough(demand, quiet):
    """Also where it begins with days without any sale."""
    units = demand[40:, :210].copy()
    units[:, :quiet] = 0
    assert 0.5 < simulate(units, START, Settings(seed=3)).policy.fill_rate <= 1


def test_the_figures_never_take_the_place_of_the_data(tmp_path, demand):
    path = tmp_path / "demand.csv"
    write(path, demand)
    before = path.read_text()
    with pytest.raises(CommandError, match="is the data itself"):
        call_command("inventory_simulate", "--data", path, "--json", path, stdout=StringIO())
    assert path.read_text() == before


def write(path, demand, rows=12):
    days = [START + timedelta(days=index) for index in range(demand.shape[1])]
    lines = [f"S{row},{day},{units:g}" for row in range(rows) for day, units in zip(days, demand[row], strict=True)]
    path.write_text("sku,date,units\n" + "\n".join(lines) + "\n", encoding="utf-8")


def test_the_command_tells_and_draws(tmp_path, demand):
    write(tmp_path / "demand.csv", demand[30:])
    out, told, chart = StringIO(), tmp_path / "out.json", tmp_path / "chart.html"
    try:
        call_command(
            "inventory_simulate",
            *("--data", tmp_path / "demand.csv", "--json", told, "--chart", chart, "--lead-time", "5", "--seed", "4"),
            stdout=out,
        )
        code = 0
    except SystemExit as ended:
        code = ended.code
    figures = json.loads(told.read_text())
    assert code == (0 if figures["on_target"] and figures["least_stock"] else 1)
    assert (figures["products"], figures["lead_time_days"], figures["review_days"]) == (12, 5, 7)
    assert [outcome["name"] for outcome in figures["outcomes"]] == [
        "forecast policy",
        "fixed min/max",
        "average usage x lead time",
        "fixed min/max, tuned",
        "average usage x lead time, tuned",
    ]
    ours = figures["outcomes"][0]
    assert f"{ours['fill_rate']:.2%}" in out.getvalue()
    assert f"{ours['average_stock_units']:,.0f}" in out.getvalue()
    assert chart.read_text().count("<polyline") == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--data", "/nowhere/demand.csv"], 2),
        (["--json", "/nowhere/out.json"], 2),
        (["--chart", "chart.png"], 2),
        ([], 1),
    ],
)
def test_the_command_s_exit_codes(arguments, code):
    with pytest.raises((CommandError, SystemExit)) as refused:
        call_command("inventory_simulate", *arguments, stdout=StringIO())
    assert getattr(refused.value, "returncode", getattr(refused.value, "code", None)) == code


@pytest.mark.parametrize("option", ["--service-level=1.5", "--lead-time=soon", "--review=0", "--lead-time-spread=-1"])
def test_numbers_out_of_range_are_wrong_usage(option):
    with pytest.raises(CommandError, match=r"takes a (whole )?number from"):
        call_command("inventory_simulate", option, stdout=StringIO())
