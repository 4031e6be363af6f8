"""The demo year: what the loader may rely on."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from shop_assistant.demo.reader import FIRST_DAY, LAST_DAY, LONDON, DemoInvoice, products, year_ending

MONDAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def year() -> list[DemoInvoice]:
    return list(year_ending(MONDAY))


def test_products_are_complete_and_distinct() -> None:
    found = products()
    assert len(found) == 300
    assert len({product.sku.lower() for product in found}) == len({product.name for product in found}) == 300
    assert Counter(product.demand for product in found) == {
        "fast": 40,
        "seasonal": 50,
        "regular": 100,
        "intermittent": 110,
    }
    for product in found:
        assert product.category
        assert 0 < product.assumed_cost < product.list_price


@pytest.mark.parametrize("yesterday", [MONDAY + timedelta(days=n) for n in range(7)] + [date(2009, 1, 1), LAST_DAY])
def test_the_year_ends_yesterday_with_weekdays_and_52_weeks_kept(yesterday: date) -> None:
    invoices = list(year_ending(yesterday))
    first, last = invoices[0].time.date(), invoices[-1].time.date()
    closed = yesterday.weekday() == 5
    assert last == yesterday - timedelta(days=closed)
    assert first.weekday() == FIRST_DAY.weekday()
    assert 364 <= (yesterday - first).days + 1 <= 374


def test_unmoved_it_is_the_sources_year() -> None:
    invoices = list(year_ending(LAST_DAY))
    assert f"{invoices[0].time:%Y-%m-%d %H:%M}" == "2009-12-01 07:45"
    assert f"{invoices[-1].time:%Y-%m-%d %H:%M}" == "2010-12-09 20:01"
    assert len({invoice.number for invoice in invoices if invoice.returns is None}) == 15456
    assert sum(len(invoice.lines) for invoice in invoices) == 65515 + 1008


def test_clock_times_stay_in_any_zone_and_season(year: list[DemoInvoice]) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert {invoice.time.tzinfo for invoice in year} == {LONDON}
    for here, there in zip(year, year_ending(MONDAY, tokyo), strict=True):
        assert there.time.tzinfo == tokyo
        assert here.time.replace(tzinfo=None) == there.time.replace(tzinfo=None)
    assert all(6 <= invoice.time.hour <= 20 for invoice in year)


def test_invoices_come_in_order_and_once(year: list[DemoInvoice]) -> None:
    assert [i.time for i in year] == sorted(i.time for i in year)
    assert max(Counter((i.number, i.returns) for i in year).values()) == 1
    for invoice in year:
        assert len({(line.sku, line.unit_price) for line in invoice.lines}) == len(invoice.lines) > 0


def test_lines_are_of_known_products_with_plausible_amounts(year: list[DemoInvoice]) -> None:
    known = {product.sku for product in products()}
    lines = [line for invoice in year for line in invoice.lines]
    assert {line.sku for line in lines} == known
    assert all(1 <= line.quantity <= 500 for line in lines)
    assert all(line.unit_price > 0 and line.unit_price == round(line.unit_price, 2) for line in lines)


def test_returns_fit_into_an_earlier_sale_to_the_same_customer(year: list[DemoInvoice]) -> None:
    left: dict[tuple[str, str, Decimal], int] = {}
    customers: dict[str, int | None] = {}
    returned = 0
    for invoice in year:
        for line in invoice.lines:
            if invoice.returns is None:
                left[invoice.number, line.sku, line.unit_price] = line.quantity
                customers[invoice.number] = invoice.customer
            else:
                left[invoice.returns, line.sku, line.unit_price] -= line.quantity
                assert customers[invoice.returns] == invoice.customer is not None
                returned += 1
    assert min(left.values()) >= 0
    assert returned > 900
