"""Rounding and tax: pure."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_assistant.money import is_price, minor_unit, round_money, tax_of


@pytest.mark.parametrize(("currency", "unit"), [("GBP", "0.01"), ("JPY", "1"), ("KWD", "0.001")])
def test_the_minor_unit_is_the_currencys(currency, unit):
    assert minor_unit(currency) == Decimal(unit)


@pytest.mark.parametrize(("amount", "rounded"), [("26.991", "26.99"), ("0.005", "0.01"), ("1.015", "1.02")])
def test_halves_go_up(amount, rounded):
    assert round_money(Decimal(amount), "EUR") == Decimal(rounded)


@given(st.decimals(0, 10**10, places=7))
def test_rounding_is_exact(amount):
    assert round_money(amount, "GBP") * 100 == floor(Fraction(amount) * 100 + Fraction(1, 2))


@given(st.decimals(0, 10**9, places=2), st.decimals(0, 100, places=3))
def test_contained_and_added_tax_agree(net, rate):
    added = tax_of(net, rate, included=False)
    assert abs(tax_of(net + added, rate, included=True) - added) < Decimal("1e-12")


def test_tax_of_a_price():
    assert tax_of(Decimal("269.90"), Decimal(20), included=True) == Decimal("269.90") / 6
    assert tax_of(Decimal(100), Decimal(20), included=False) == 20
    assert tax_of(Decimal(100), Decimal(0), included=True) == 0


@pytest.mark.parametrize(("amount", "good"), [("0", True), ("9.99", True), ("9.999", False), ("-1", False)])
def test_a_price_is_in_whole_minor_units(amount, good):
    assert is_price(Decimal(amount), "GBP") is good
    assert not is_price(Decimal(10) ** 10, "GBP")
