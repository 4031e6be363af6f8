"""inventory.forecast on real orders: demand as the ledger shows it, and the forecasts that are stored every night."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from inventory.forecast_making import forecasts_make
from inventory.forecasting import quantile_of_sum
from inventory.jobs import forecast_daily
from inventory.models import Category, Forecast, ForecastChunk, ForecastRun, OrderReturn, ReorderTarget, StockMovement
from inventory.selectors import daily_demand, forecast_get, open_days, product_get, sales_by_day, stock_histories
from inventory.services import chunk_forecast, chunks_waiting, forecast_refresh, forecasts, return_create, stock_adjust
from inventory.stock_reasons import OPENING
from inventory.tasks import forecast_chunk
from shop_assistant.agents import call
from shop_assistant.agents.errors import ValidationFailed

from .making import USER, kit, line, noon, product, sell, stocked

pytestmark = pytest.mark.django_db
D = Decimal
NOW = datetime(2024, 6, 3, 9, tzinfo=UTC)
TODAY = date(2024, 6, 3)
SPAN = {"since": date(2024, 5, 1), "until": date(2024, 5, 2)}


@pytest.fixture(autouse=True)
def _a_monday_in_june():
    with time_machine.travel(NOW, tick=False):
        yield


def sold_daily(item, days, quantity=2, until=0):
    """Sales on each of the days before today, up to so many days ago."""
    for back in range(days, until, -1):
        sell(line(item, quantity), occurred_at=NOW - timedelta(days=back))


def forecast(**payload):
    return call("inventory", "forecast", {"sku": "SKU001", **payload})


def moved(item, quantity, back, kind, reason=""):
    """A movement of so many days ago."""
    with transaction.atomic(), time_machine.travel(NOW - timedelta(days=back), tick=False):
        stock_adjust(product=item, delta=D(quantity), kind=kind, user_id=USER, reason=reason)


def returned_unsold(item, quantity, moment):
    """Goods of a sale from before the shop's records."""
    OrderReturn.objects.create(reference="R-1", order=None, occurred_at=moment, total=0, user_id=USER)
    level = item.levels.get()
    StockMovement.objects.create(
        product=item, location=level.location, kind="return", quantity=quantity, balance=level.on_hand + quantity,
        reference="R-1", user_id=USER, occurred_at=moment,
    )  # fmt: skip


@pytest.fixture
def regular():
    """Two a day for 70 days."""
    item = stocked("SKU001", 200)
    sold_daily(item, 70)
    return item


def test_demand_is_what_was_sold_and_kept_on_the_shop_s_days():
    item = stocked("SKU001", 100)
    first = sell(line(item, 5), line(item, 1, "8.00"), occurred_at=noon(2024, 5, 1))
    sell(line(item, 2), occurred_at=datetime(2024, 5, 1, 23, 30, tzinfo=UTC))  # half past midnight in London
    return_create(order=first, items=[(item, D(4))], user_id=USER)
    assert daily_demand(product=item, **SPAN) == {date(2024, 5, 1): 2, date(2024, 5, 2): 2}
    (day, _) = sales_by_day(product=item, **SPAN)
    assert (day.units, day.gross, day.revenue) == (2, 6, D("57.95"))
    assert day.unit_price == D("57.95") / 6
    assert daily_demand(product=item, since=date(2024, 5, 2), until=date(2024, 5, 2)) == {date(2024, 5, 2): 2}
    assert open_days(since=date(2024, 5, 1), until=date(2024, 5, 31)) == {date(2024, 5, 1), date(2024, 5, 2)}


@pytest.mark.parametrize(("back", "left"), [(2, 3), (9, 0)])
def test_what_comes_back_of_an_unknown_sale_is_taken_off_that_day_never_below_zero(back, left):
    item = stocked("SKU001", 100)
    sell(line(item, 5), occurred_at=noon(2024, 5, 1))
    sell(line(item, 1), occurred_at=noon(2024, 5, 2))
    returned_unsold(item, D(back), noon(2024, 5, 1))
    assert daily_demand(product=item, **SPAN) == {date(2024, 5, 1): left, date(2024, 5, 2): 1}


def test_what_is_sold_in_a_kit_is_demand_of_its_parts_too():
    wheel = stocked("WHEEL", 100)
    bike = kit("BIKE", WHEEL=2)
    sold = sell(line(bike, 5), line(wheel, 1), occurred_at=noon(2024, 5, 1))
    return_create(order=sold, items=[(bike, D(2))], user_id=USER)
    sell(line(bike, 1), occurred_at=noon(2024, 5, 2))
    assert daily_demand(product=bike, **SPAN) == {date(2024, 5, 1): 3, date(2024, 5, 2): 1}
    assert daily_demand(product=wheel, **SPAN) == {date(2024, 5, 1): 7, date(2024, 5, 2): 2}


def test_a_forecast_says_what_it_rests_on(regular):
    answer = forecast(horizon_days=14)
    assert (answer["expected"], answer["low"], answer["high"]) == (28, 28, 28)
    assert (answer["first_day"], answer["last_day"]) == ("2024-06-03", "2024-06-16")
    assert answer["daily"][0] == {"day": "2024-06-03", "expected": 2}
    assert answer["history"] == {"days": 70, "sale_days": 70, "units": 140}
    assert (answer["backtest"]["wape"], answer["backtest"]["origins"]) == (0, 3)
    assert (answer["abstained"], answer["reasons"]) == (False, [])
    assert answer["demand_class"] == "smooth"
    assert answer["quantiles"][-1] == {"level": 0.99, "units": 28}


def test_too_little_history_is_an_answer_too():
    item = stocked("SKU001", 100)
    sold_daily(item, 20)
    answer = forecast()
    assert (answer["abstained"], answer["expected"], answer["daily"]) == (True, None, [])
    assert answer["reasons"] == ["20 days of history; at least 56 are needed"]
    assert answer["history"] == {"days": 20, "sale_days": 20, "units": 40}
    product("SKU002")
    assert forecast(sku="SKU002")["abstained"]


def test_a_new_product_is_forecast_by_analogy_with_its_category():
    gifts = Category.objects.create(name="Gifts")
    new = stocked("SKU001", 100, category=gifts)
    sold_daily(new, 5, quantity=1)
    assert "fewer than 5 other products" in forecast()["reasons"][-1]
    for number in range(5):
        other = stocked(f"OLD{number}", 500, category=gifts)
        sold_daily(other, 60, quantity=2 + number % 2)
    call_command("inventory_forecast", stdout=StringIO())
    stored = Forecast.objects.get(product=new)
    assert stored.method == "analogy with its category"
    answer = forecast()
    assert 28 < answer["expected"] < 3 * 28
    assert answer["low"] < answer["expected"] < answer["high"]
    assert answer["backtest"]["origins"] == 0
    Forecast.objects.filter(product=new).delete()
    assert forecast()["expected"] == answer["expected"], "the same when made on demand"


@pytest.mark.parametrize("horizon", [1, 28, 45, 365])
def test_a_stored_forecast_answers_any_horizon_with_one_query(regular, horizon, django_assert_num_queries):
    stored = forecast_refresh(product=regular, today=TODAY)
    with django_assert_num_queries(1):
        assert forecast_get(product=regular, today=TODAY) == stored
    answer = forecast(horizon_days=horizon)
    assert answer["expected"] == 2 * horizon
    assert len(answer["daily"]) == horizon
    assert answer["low"] <= answer["expected"] <= answer["high"]
    assert quantile_of_sum(stored.quantiles, horizon, 0.95) == pytest.approx(answer["high"], abs=0.01)


def test_a_forecast_is_used_for_a_day_and_then_made_again(regular):
    forecast_refresh(product=regular, today=TODAY)
    fresh = forecast_get(product=product_get(sku="SKU001"), today=TODAY + timedelta(days=1))
    assert fresh.pk is None


@pytest.mark.parametrize("horizon", [0, 366, "28", 1.5])
def test_a_horizon_is_a_number_of_days_up_to_a_year(regular, horizon):
    with pytest.raises(ValidationFailed):
        forecast(horizon_days=horizon)


def test_days_on_which_nothing_was_there_are_unknown_demand():
    """Ten a week came in and were sold within five days: it is two a day that are wanted, not ten in seven."""
    item = stocked("SKU001")
    for week in range(12, 0, -1):
        moved(item, 10, 7 * week + 1, StockMovement.Kind.RECEIPT)
        sold_daily(item, 7 * week, until=7 * week - 5)
    other = stocked("SKU002", 900)
    sold_daily(other, 85)
    assert forecast()["expected"] == pytest.approx(56, rel=0.05)
    known = stock_histories([item.pk], since=TODAY - timedelta(days=364))[item.pk]
    assert known.known_from == TODAY - timedelta(days=85)


def test_stock_that_an_import_made_up_tells_nothing_of_demand():
    """After its last imported sale the product lies at zero, though nobody knows what was there: that's no demand."""
    item = stocked("SKU001")
    moved(item, 100, 91, StockMovement.Kind.ADJUSTMENT, OPENING)
    sold_daily(item, 90, until=40)
    other = stocked("SKU002", 900)
    sold_daily(other, 90)
    assert forecast()["expected"] < 20


def test_many_products_cost_as_many_queries_as_one(regular, django_assert_num_queries):
    for number in range(4):
        sold_daily(stocked(f"X{number}", 200), 60)
    items = [regular, *(product_get(sku=f"X{number}") for number in range(4))]
    with django_assert_num_queries(6):
        assert len(forecasts_make(items, today=TODAY)) == 5


def test_the_command_stores_forecasts_and_reorder_points(regular):
    sold_daily(stocked("SKU002", 50), 5)
    product("SKU003")
    out = StringIO()
    call_command("inventory_forecast", stdout=out)
    assert "1 of 2 products forecast, 1 with too little history; 1 reorder points computed" in out.getvalue()
    assert Forecast.objects.get().expected == 56
    assert ReorderTarget.objects.filter(product=regular).exists()
    call_command("inventory_forecast", "--sku", "sku001", stdout=out)
    call_command("inventory_forecast", stdout=out)
    assert Forecast.objects.count() == 1
    with pytest.raises(CommandError, match="SKU001"):
        call_command("inventory_forecast", "--sku", "SKU00", stdout=out)


def test_a_stored_forecast_is_replaced_and_goes_when_there_is_too_little_left(regular):
    first = forecast_refresh(product=regular, today=TODAY)
    second = forecast_refresh(product=regular, today=TODAY + timedelta(days=1))
    assert Forecast.objects.get().made_on == TODAY
    assert second.made_on > first.made_on
    assert forecast_refresh(product=regular, today=TODAY + timedelta(days=363)) is None
    assert not Forecast.objects.exists()


@pytest.fixture
def night(monkeypatch):
    """Five products in three chunks, whose tasks wait in the queue."""
    monkeypatch.setattr(forecasts, "CHUNK", 2)
    items = [stocked(f"N{number}", 200) for number in range(5)]
    for item in items:
        sold_daily(item, 60)
    forecast_daily()
    return items


def queued():
    return [result.args_kwargs["args"][0] for result in DBTaskResult.objects.order_by("enqueued_at")]


def test_the_night_s_forecasts_are_a_task_for_each_chunk_and_the_last_one_ends_it(night):
    assert len(queued()) == 3
    *some, last = queued()
    for chunk_id in some:
        forecast_chunk.func(chunk_id)
    run = ForecastRun.objects.get()
    assert (run.chunks_left, run.finished_at, ReorderTarget.objects.count()) == (1, None, 0)
    forecast_chunk.func(last)
    run.refresh_from_db()
    assert (run.chunks_left, run.products, run.forecasts) == (0, 5, 5)
    assert run.finished_at is not None
    assert Forecast.objects.filter(made_on=TODAY - timedelta(days=1)).count() == 5
    assert ReorderTarget.objects.count() == 5
    assert forecast_daily() == 0, "once a day"


def test_a_chunk_that_comes_twice_counts_once(night):
    (chunk_id, *_) = queued()
    assert chunk_forecast(chunk_id=chunk_id)
    assert not chunk_forecast(chunk_id=chunk_id)
    assert ForecastRun.objects.get().chunks_left == 2


def test_a_chunk_whose_worker_died_is_taken_up_by_another(night):
    (chunk_id, *_) = queued()
    ForecastChunk.objects.filter(pk=chunk_id).update(lease_until=NOW + timedelta(minutes=1))
    assert not chunk_forecast(chunk_id=chunk_id), "somebody is at it"
    assert chunk_id not in chunks_waiting()
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        assert chunk_id in chunks_waiting()
        before = len(queued())
        forecast_daily()
        assert len(queued()) == before + 3, "lost messages are sent again"
        assert chunk_forecast(chunk_id=chunk_id)


def test_a_worker_that_lost_its_chunk_stores_nothing(night, monkeypatch):
    (chunk_id, *_) = queued()
    made = forecasts._made

    def slow(*args):
        ForecastChunk.objects.filter(pk=chunk_id).update(lease_token=None)
        return made(*args)

    monkeypatch.setattr(forecasts, "_made", slow)
    assert not chunk_forecast(chunk_id=chunk_id)
    assert not Forecast.objects.exists()
    assert ForecastRun.objects.get().chunks_left == 3


def test_a_run_whose_last_worker_died_at_its_end_is_ended_later(night):
    for chunk_id in queued():
        chunk_forecast(chunk_id=chunk_id)
    ForecastRun.objects.update(finished_at=None)
    ReorderTarget.objects.all().delete()
    forecast_daily()
    assert ForecastRun.objects.get().finished_at is not None
    assert ReorderTarget.objects.count() == 5


def test_the_command_waits_for_chunks_that_workers_have(night, monkeypatch):
    made = forecasts._made

    def taken(*args):
        ForecastChunk.objects.filter(pk=ForecastChunk.objects.latest("pk").pk).update(
            lease_until=NOW + timedelta(minutes=1)
        )
        return made(*args)

    def dies(seconds):
        monkeypatch.setattr(forecasts, "_made", made)
        ForecastChunk.objects.filter(done_at=None).update(lease_until=NOW - timedelta(minutes=1))

    monkeypatch.setattr(forecasts, "_made", taken)
    monkeypatch.setattr("time.sleep", dies)
    out = StringIO()
    call_command("inventory_forecast", stdout=out)
    assert "5 of 5 products forecast" in out.getvalue()
    assert ForecastRun.objects.get().finished_at is not None


def test_what_was_left_of_a_night_is_not_done_on_the_next_one(night):
    (left, *_) = queued()
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        forecast_daily()
        for chunk_id in reversed(chunks_waiting()):
            chunk_forecast(chunk_id=chunk_id)
        assert not chunk_forecast(chunk_id=left)
    assert {forecast.made_on for forecast in Forecast.objects.all()} == {TODAY}
    assert ReorderTarget.objects.filter(made_on=TODAY).count() == 5


def test_a_day_without_any_sales_is_a_run_without_chunks():
    assert forecast_daily() == 0
    assert ForecastRun.objects.get().finished_at is not None
