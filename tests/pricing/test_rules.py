"""The rule engine: pure."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import permutations
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.rules import Kind, Line, PricedLine, Rule, Situation, price_lines

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
CENT = Decimal("0.01")
SITUATION = Situation(at=NOW, minor_unit=CENT, channel="shop")


def rule(code: str = "R1", kind: Kind = Kind.PERCENT, value: str = "10", **options) -> Rule:
    return Rule(code=code, kind=kind, value=Decimal(value), **options)


def price(rules, base: str = "29.99", quantity: str = "1", **situation) -> PricedLine:
    line = Line(sku="SKU001", quantity=Decimal(quantity), base_price=Decimal(base), category="Widgets")
    where = Situation(**{"at": NOW, "minor_unit": CENT, "channel": "shop"} | situation)
    return price_lines([line], rules, where)[0]


def reason(priced: PricedLine, code: str) -> str:
    (found,) = [e for e in priced.reasons if e.rule == code]
    assert found.applied is (code in priced.applied)
    return found.reason


def test_the_users_example():
    ten = rule("RULE001", Kind.QUANTITY_BREAK, "10", min_quantity=Decimal(10))
    priced = price([ten], quantity="10")
    assert priced.unit_price == Decimal("26.99")
    assert priced.discount_percent == 10
    assert priced.applied == ("RULE001",)
    assert reason(priced, "RULE001") == "10 % off from 10"


def test_without_rules_the_base_price_stands():
    priced = price([], base="1.005")
    assert (priced.base_price, priced.unit_price) == (Decimal("1.01"), Decimal("1.01"))
    assert priced.discount_percent == 0


@pytest.mark.parametrize(
    ("options", "situation", "text"),
    [
        ({"active": False}, {}, "it is switched off"),
        ({"coupon": "SAVE"}, {}, "it needs its coupon"),
        ({"coupon": "SAVE"}, {"coupon": "OTHER"}, "it needs its coupon"),
        ({}, {"automatic": False}, "automatic rules are switched off in this shop"),
        ({"starts_at": NOW + timedelta(hours=1)}, {}, "it begins at 2024-06-01T13:00:00.000Z"),
        ({"ends_at": NOW}, {}, "it ended at 2024-06-01T12:00:00.000Z"),
        ({"tier": "gold"}, {"tier": "silver"}, "it is for gold customers only"),
        ({"tier": "gold"}, {}, "it is for gold customers only"),
        ({"channel": "web"}, {}, "it is for the channel web only"),
        ({"min_quantity": Decimal("2.500")}, {}, "it begins at a quantity of 2.5, this is 1"),
        ({"coupon": "SAVE", "sku": "SKU002"}, {"coupon": "SAVE"}, "it is for SKU002 only"),
        ({"coupon": "SAVE", "category": "Toys"}, {"coupon": "SAVE"}, "it is for the category Toys only"),
    ],
)
def test_a_rule_that_does_not_fit_says_why(options, situation, text):
    priced = price([rule(**options)], **situation)
    assert priced.unit_price == Decimal("29.99")
    assert reason(priced, "R1") == text


@pytest.mark.parametrize(
    ("options", "situation"),
    [
        ({"sku": "SKU001"}, {}),
        ({"category": "Widgets"}, {}),
        ({"tier": "gold"}, {"tier": "gold"}),
        ({"starts_at": NOW, "ends_at": NOW + timedelta(seconds=1)}, {}),
        ({"coupon": "SAVE"}, {"coupon": "SAVE"}),
        ({"coupon": "SAVE"}, {"coupon": "SAVE", "automatic": False}),
        ({}, {"automatic": False, "named": "R1"}),
    ],
)
def test_a_rule_that_fits_applies(options, situation):
    assert price([rule(**options)], **situation).applied == ("R1",)


@pytest.mark.parametrize("options", [{"sku": "SKU002"}, {"category": "Toys"}])
def test_rules_for_other_products_are_not_considered(options):
    assert price([rule(**options)]).reasons == ()


def test_lines_of_one_sku_count_together():
    lines = [Line(sku="A", quantity=Decimal(q), base_price=Decimal(10)) for q in (4, 6)]
    other = Line(sku="B", quantity=Decimal(9), base_price=Decimal(10))
    priced = price_lines([*lines, other], [rule(kind=Kind.QUANTITY_BREAK, min_quantity=Decimal(10))], SITUATION)
    assert [p.unit_price for p in priced] == [9, 9, 10]


def test_only_the_best_break_applies():
    breaks = [rule(f"B{n}", Kind.QUANTITY_BREAK, str(n), min_quantity=Decimal(n)) for n in (5, 10, 20)]
    priced = price(breaks, base="100", quantity="15")
    assert priced.applied == ("B10",)
    assert reason(priced, "B5") == "B10 is the better break"
    assert reason(priced, "B20") == "it begins at a quantity of 20, this is 15"


def test_other_rules_stack_by_priority_then_kind():
    rules = [
        rule("C", Kind.FIXED, "5"),
        rule("B", Kind.PERCENT, "10"),
        rule("A", Kind.FIXED_PRICE, "80"),
        rule("FIRST", Kind.FIXED, "1", priority=1),
    ]
    priced = price(rules, base="100")
    assert priced.applied == ("FIRST", "A", "B", "C")
    assert priced.unit_price == 67  # 100 - 1, then 80, then 72, then 67
    assert priced.discount_percent == 33


def test_stacked_percentages_are_told_together():
    priced = price([rule("A"), rule("B", value="20")], base="100")
    assert (priced.unit_price, priced.discount_percent) == (72, 28)


def test_an_exclusive_rule_stands_alone_even_if_others_would_save_more():
    priced = price([rule("BIG", value="50"), rule("ALONE", value="5", exclusive=True)], base="100")
    assert priced.applied == ("ALONE",)
    assert reason(priced, "BIG") == "ALONE excludes other rules"


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ({"value": "5", "priority": 2}, {"value": "50", "priority": 1}, "A"),
        ({"value": "5"}, {"value": "50"}, "B"),
        ({"value": "50"}, {"value": "50"}, "A"),
    ],
)
def test_of_exclusive_rules_priority_decides_then_price_then_code(first, second, winner):
    rules = [rule("A", exclusive=True, **first), rule("B", exclusive=True, **second)]
    assert price(rules).applied == (winner,)


def test_an_exclusive_rule_that_lowers_nothing_excludes_nothing():
    priced = price([rule("HIGH", Kind.FIXED_PRICE, "40", exclusive=True), rule("TEN")], base="30")
    assert priced.applied == ("TEN",)
    assert reason(priced, "HIGH") == "it would not lower the price of 30.00"


def test_a_discount_that_rounds_to_nothing_is_not_applied():
    priced = price([rule(value="1")], base="0.10")
    assert priced.applied == ()
    assert priced.unit_price == Decimal("0.10")


def test_a_price_never_falls_below_zero():
    priced = price([rule(kind=Kind.FIXED, value="5")], base="3")
    assert (priced.unit_price, priced.discount_percent) == (0, 100)


def test_currencies_without_and_with_three_decimals():
    assert price([rule()], base="1005", minor_unit=Decimal(1)).unit_price == 905  # 904.5
    assert price([rule()], base="1.005", minor_unit=Decimal("0.001")).unit_price == Decimal("0.905")  # 0.9045


money = st.decimals(0, 100_000, places=2)
percents = st.decimals(0, 100, places=3)


@st.composite
def rules(draw, code: str) -> Rule:
    kind = draw(st.sampled_from(Kind))
    return Rule(
        code=code,
        kind=kind,
        value=draw(percents if kind in (Kind.PERCENT, Kind.QUANTITY_BREAK) else money),
        min_quantity=draw(st.sampled_from([Decimal(0), Decimal(1), Decimal(5), Decimal(50)])),
        tier=draw(st.sampled_from(["", "gold"])),
        priority=draw(st.integers(0, 2)),
        exclusive=draw(st.booleans()),
        coupon=draw(st.sampled_from([None, "SAVE"])),
        active=draw(st.booleans()),
    )


rule_sets = st.integers(0, 5).flatmap(lambda n: st.tuples(*(rules(f"R{i}") for i in range(n))))
lines = st.builds(
    Line,
    sku=st.sampled_from(["A", "B"]),
    quantity=st.decimals("0.001", 100, places=3),
    base_price=st.decimals(0, 100_000, places=4),
)
situations = st.builds(
    Situation,
    at=st.just(NOW),
    minor_unit=st.sampled_from([Decimal(1), Decimal("0.01"), Decimal("0.001")]),
    tier=st.sampled_from(["", "gold"]),
    coupon=st.sampled_from([None, "SAVE"]),
    automatic=st.booleans(),
)


@given(st.lists(lines, max_size=4), rule_sets, situations)
def test_a_price_lies_between_zero_and_the_base_price(basket, rule_set, situation):
    for priced in price_lines(basket, rule_set, situation):
        assert 0 <= priced.unit_price <= priced.base_price
        assert priced.unit_price % situation.minor_unit == 0
        assert 0 <= priced.discount_percent <= 100
        assert (priced.unit_price < priced.base_price) is bool(priced.applied)


@given(st.lists(lines, min_size=1, max_size=3), rule_sets, situations)
def test_the_order_in_which_rules_are_listed_is_of_no_matter(basket, rule_set, situation):
    answers = [price_lines(basket, listed, situation) for listed in permutations(rule_set[:4])]
    assert all(answer == answers[0] for answer in answers)


@given(st.lists(lines, min_size=1, max_size=3), rule_sets, situations)
def test_every_rule_of_the_shop_is_explained_once(basket, rule_set, situation):
    for priced in price_lines(basket, rule_set, situation):
        assert sorted(e.rule for e in priced.reasons) == sorted(r.code for r in rule_set)
        assert {e.rule for e in priced.reasons if e.applied} == set(priced.applied)
        assert all(e.reason for e in priced.reasons)


@given(lines, rule_sets, situations, st.integers(2, 60))
def test_buying_more_never_makes_one_unit_dearer(line, rule_set, situation, times):
    """Where no rule excludes others: a weak exclusive rule that begins at a quantity may cost the stronger ones."""
    rule_set = [r for r in rule_set if not r.exclusive and r.kind is not Kind.FIXED]
    more = Line(sku=line.sku, quantity=line.quantity * times, base_price=line.base_price)
    few, many = (price_lines([one], rule_set, situation)[0] for one in (line, more))
    assert many.unit_price <= few.unit_price


@given(st.decimals(0, 100_000, places=4), st.lists(percents, max_size=4), st.sampled_from([1, 100, 1000]))
def test_every_step_is_rounded_half_up_exactly(base, values, parts):
    unit = Decimal(1) / parts
    stacked = [rule(f"R{n}", value=str(value)) for n, value in enumerate(values)]

    def half_up(amount: Fraction) -> Fraction:
        return Fraction(floor(amount * parts + Fraction(1, 2)), parts)

    expected = half_up(Fraction(base))
    for value in values:
        expected = half_up(expected * (100 - Fraction(value)) / 100)
    assert Fraction(price(stacked, base=str(base), minor_unit=unit).unit_price) == expected


@given(money, percents)
def test_one_percentage_agrees_with_decimal(base, percent):
    expected = (base * (100 - percent) / 100).quantize(CENT, ROUND_HALF_UP)
    assert price([rule(value=str(percent))], base=str(base)).unit_price == expected
