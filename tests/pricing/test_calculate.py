"""pricing.calculate and pricing.apply_discount, and the quote behind them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Category, Product
from pricing.models import CouponUse, PriceRule
from pricing.services import price_change_schedule, quote
from shop_assistant.agents import registry
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, NotFound, ValidationFailed

pytestmark = pytest.mark.django_db


def rule(code: str, kind: str = "percent", value: object = 10, **options: object) -> PriceRule:
    made: PriceRule = PriceRule.objects.create(code=code, name=code, kind=kind, value=value, **options)
    return made


def test_the_users_example_field_for_field(ask, widget, ten_percent):
    answer = ask("calculate", sku="SKU001", quantity=10)
    example = {
        "sku": "SKU001",
        "base_price": 29.99,
        "quantity": 10,
        "discount_percent": 10,
        "unit_price_after_discount": 26.99,
        "total_cost": 269.90,
        "savings": 30.00,
        "applicable_rules": ["RULE001"],
    }
    assert {name: answer[name] for name in example} == example
    assert answer["product_name"] == "Widget Pro"
    assert (answer["currency"], answer["tax_rate"], answer["tax_included"]) == ("GBP", 20, True)
    assert answer["tax"] == 44.98  # 269.90 / 6
    assert answer["reasons"] == [{"rule": "RULE001", "applied": True, "reason": "10 % off from 10"}]


def test_a_rule_out_of_reach_says_why(ask, widget, ten_percent):
    answer = ask("calculate", sku="sku001", quantity=9)
    assert (answer["discount_percent"], answer["savings"], answer["applicable_rules"]) == (0, 0, [])
    assert answer["reasons"][0]["reason"] == "it begins at a quantity of 10, this is 9"


def test_a_basket(ask, widget, ten_percent):
    Product.objects.create(sku="SKU002", name="Gadget", list_price=Decimal("5.00"), tax_rate=0)
    answer = ask(
        "calculate",
        lines=[
            {"sku": "SKU001", "quantity": 4},
            {"sku": "sku001", "quantity": 6},
            {"sku": "SKU002", "quantity": 9},
        ],
    )
    assert [line["sku"] for line in answer["lines"]] == ["SKU001", "SKU001", "SKU002"]
    assert [line["unit_price_after_discount"] for line in answer["lines"]] == [26.99, 26.99, 5]
    assert (answer["subtotal"], answer["savings"], answer["total_cost"]) == (344.90, 30, 314.90)
    assert answer["tax"] == 44.98  # 17.99 + 26.99 + 0


def test_tax_is_added_where_prices_are_without(ask, widget, ten_percent, settings):
    settings.PRICES_INCLUDE_TAX = False
    answer = ask("calculate", sku="SKU001", quantity=10)
    assert (answer["tax"], answer["total_cost"], answer["savings"]) == (53.98, 323.88, 30)
    made = quote(items=[(widget, Decimal(10))])
    assert (made.subtotal, made.discount, made.tax, made.total) == tuple(
        map(Decimal, ("299.90", "30.00", "53.98", "323.88"))
    )


def test_money_is_rounded_to_the_shops_currency(ask, widget, settings):
    settings.SHOP_CURRENCY = "JPY"
    rule("TEN")
    answer = ask("calculate", sku="SKU001", quantity=2)
    assert (answer["base_price"], answer["unit_price_after_discount"], answer["total_cost"]) == (30, 27, 54)


def test_goods_by_weight(ask):
    Product.objects.create(sku="TEA", name="Tea", unit="kg", list_price=Decimal("12.35"))
    answer = ask("calculate", sku="TEA", quantity=0.125)
    assert (answer["quantity"], answer["total_cost"]) == (0.125, 1.54)  # 1.54375


def test_pieces_are_whole(ask, widget):
    with pytest.raises(ClarificationNeeded):
        ask("calculate", sku="SKU001", quantity=1.5)


def test_what_can_not_be_booked_is_not_quoted(ask, widget):
    with pytest.raises(ClarificationNeeded):
        ask("calculate", sku="SKU001", quantity=999_999_999)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"sku": "SKU001"},
        {"quantity": 1},
        {"sku": "SKU001", "lines": [{"sku": "SKU001", "quantity": 1}]},
        {"sku": "SKU001", "quantity": 1, "lines": [{"sku": "SKU001", "quantity": 1}]},
        {"lines": []},
        {"lines": [{"sku": "SKU001", "quantity": 1}] * 201},
        {"sku": "SKU001", "quantity": 0},
        {"sku": "SKU001", "quantity": 1, "at": "2024-01-01T00:00:00"},
        {"sku": "SKU001", "quantity": 1, "price": 1},
    ],
)
def test_requests_that_are_not_valid(ask, payload):
    with pytest.raises(ValidationFailed):
        ask("calculate", **payload)


def test_null_counts_as_left_out(ask, widget):
    assert ask("calculate", sku="SKU001", quantity=1, lines=None, coupon=None)["total_cost"] == 29.99


def test_an_unknown_sku_names_the_nearest(ask, widget):
    with pytest.raises(NotFound) as error:
        ask("calculate", sku="SKU123", quantity=1)
    assert error.value.details["sku"] == "SKU123"
    assert error.value.details["available_skus"] == ["SKU001"]


def test_an_unknown_customer(ask, widget):
    with pytest.raises(NotFound):
        ask("calculate", sku="SKU001", quantity=1, customer_id="NOBODY")


def test_rules_for_a_product_a_category_a_tier_and_a_channel(ask, widget, customer):
    toys = Category.objects.create(name="Toys")
    other = Product.objects.create(sku="SKU002", name="Gadget", list_price=10, category=toys)
    rule("A-PRODUCT", product=widget)
    rule("B-CATEGORY", category=widget.category)
    rule("C-TIER", customer_tier="gold")
    rule("D-CHANNEL", channel="Web")
    for_widget = ask("calculate", sku="SKU001", quantity=1, customer_id="CUST001", channel="WEB")
    assert for_widget["applicable_rules"] == ["A-PRODUCT", "B-CATEGORY", "C-TIER", "D-CHANNEL"]
    walk_in = ask("calculate", sku=other.sku, quantity=1)
    assert walk_in["applicable_rules"] == []
    assert [reason["rule"] for reason in walk_in["reasons"]] == ["C-TIER", "D-CHANNEL"]


def test_dynamic_pricing_switched_off_leaves_coupons(ask, widget, ten_percent, settings):
    settings.ENABLE_DYNAMIC_PRICING = False
    rule("SAVE20", value=20, coupon="save20")
    assert ask("calculate", sku="SKU001", quantity=10)["applicable_rules"] == []
    assert ask("calculate", sku="SKU001", quantity=10, coupon="Save20")["applicable_rules"] == ["SAVE20"]
    assert ask("apply_discount", sku="SKU001", quantity=10, rule_id="RULE001")["savings"] == 30


def test_a_coupon_joins_the_other_rules(ask, widget, ten_percent):
    rule("SAVE20", value=20, coupon="SAVE20")
    answer = ask("calculate", sku="SKU001", quantity=10, coupon="save20")
    assert answer["applicable_rules"] == ["RULE001", "SAVE20"]
    assert answer["unit_price_after_discount"] == 21.59  # 26.99, then 21.592
    assert answer["discount_percent"] == 28
    without = ask("calculate", sku="SKU001", quantity=10)
    assert without["applicable_rules"] == ["RULE001"]
    assert [reason["rule"] for reason in without["reasons"]] == ["RULE001"]  # coupons are not given away


def test_coupons_that_do_not_apply_say_why(ask, widget):
    now = timezone.now()
    rule("OVER", coupon="OVER", ends_at=now - timedelta(days=1))
    rule("OFF", coupon="OFF", active=False)
    rule("MANY", coupon="MANY", min_quantity=5)
    with pytest.raises(NotFound):
        ask("calculate", sku="SKU001", quantity=1, coupon="NEVER")
    for coupon, reason in (("OVER", "it ended"), ("OFF", "switched off"), ("MANY", "it begins at a quantity of 5")):
        with pytest.raises(ClarificationNeeded, match=reason):
            ask("calculate", sku="SKU001", quantity=1, coupon=coupon)


def test_a_coupon_used_up(ask, widget, customer):
    once = rule("ONCE", coupon="ONCE", coupon_limit=1)
    CouponUse.objects.create(rule=once, used=1)
    with pytest.raises(Conflict):
        ask("calculate", sku="SKU001", quantity=1, coupon="ONCE")
    each = rule("EACH", coupon="EACH", coupon_limit_per_customer=1)
    assert ask("calculate", sku="SKU001", quantity=1, coupon="EACH", customer_id="CUST001")["savings"] == 3
    CouponUse.objects.create(rule=each, customer_id="CUST001", used=1)
    with pytest.raises(Conflict):
        ask("calculate", sku="SKU001", quantity=1, coupon="EACH", customer_id="CUST001")
    with pytest.raises(ClarificationNeeded, match="name the customer"):
        ask("calculate", sku="SKU001", quantity=1, coupon="EACH")


def test_prices_and_rules_of_another_moment(ask):
    with time_machine.travel(datetime(2024, 3, 1, tzinfo=UTC), tick=False):
        product = Product.objects.create(sku="SKU009", name="Gizmo", list_price=Decimal(8))
    with time_machine.travel(datetime(2024, 5, 1, tzinfo=UTC), tick=False):
        product.list_price = Decimal(10)
        product.save()
    rule("SUMMER", starts_at=datetime(2024, 6, 1, tzinfo=UTC), ends_at=datetime(2024, 9, 1, tzinfo=UTC))
    with time_machine.travel(datetime(2024, 5, 15, tzinfo=UTC), tick=False):
        for month, price in ((7, 12), (8, 11)):
            price_change_schedule(
                product=product,
                new_price=Decimal(price),
                effective_at=datetime(2024, month, 1, tzinfo=UTC),
                reason="season",
                user_id="USER123",
            )
        then = {
            moment: ask("calculate", sku="SKU009", quantity=1, at=f"{moment}T12:00:00Z")
            for moment in ("2024-01-01", "2024-04-01", "2024-05-02", "2024-06-02", "2024-07-02", "2024-12-31")
        }
        now = ask("calculate", sku="SKU009", quantity=1)
    assert [answer["base_price"] for answer in then.values()] == [10, 8, 10, 10, 12, 11]
    assert [answer["total_cost"] for answer in then.values()] == [10, 8, 10, 9, 10.8, 11]
    assert now["base_price"] == 10


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_the_ends_of_the_calendar(ask, widget, at):
    assert ask("calculate", sku="SKU001", quantity=1, at=at)["total_cost"] == 29.99


def test_queries_do_not_grow_with_lines_or_rules(ask, widget, customer):
    rule("SAVE", value=5, coupon="SAVE", coupon_limit=5)

    def queries(count: int) -> int:
        lines = [{"sku": f"P{n}", "quantity": 1} for n in range(count)]
        with CaptureQueriesContext(connection) as captured:
            ask("calculate", lines=lines, customer_id="CUST001", coupon="SAVE", at="2024-01-01T00:00:00Z")
        return len(captured)

    for n in range(30):
        category = Category.objects.create(name=f"C{n}")
        made = Product.objects.create(sku=f"P{n}", name="Thing", list_price=10, category=category)
        rule(f"P{n}", product=made)
        rule(f"C{n}", category=category)
    assert queries(30) == queries(1) <= 5


def test_one_rule_only(ask, widget, ten_percent):
    rule("OTHER", value=50)
    answer = ask("apply_discount", sku="SKU001", quantity=10, rule_id="RULE001")
    assert (answer["applicable_rules"], answer["total_cost"]) == (["RULE001"], 269.90)
    rule("SAVE20", value=20, coupon="SAVE20")
    answer = ask("apply_discount", sku="SKU001", quantity=10, coupon="save20")
    assert answer["applicable_rules"] == ["SAVE20"]


def test_one_rule_that_does_not_apply(ask, widget, ten_percent):
    rule("RULE002", value=20, coupon="SECRET")
    with pytest.raises(ClarificationNeeded, match="it begins at a quantity of 10, this is 9") as error:
        ask("apply_discount", sku="SKU001", quantity=9, rule_id="RULE001")
    assert error.value.details["rule_id"] == "RULE001"
    with pytest.raises(ClarificationNeeded, match="it needs its coupon") as error:
        ask("apply_discount", sku="SKU001", quantity=9, rule_id="RULE002")
    assert "SECRET" not in f"{error.value.message} {error.value.details}"
    with pytest.raises(NotFound) as missing:
        ask("apply_discount", sku="SKU001", quantity=9, rule_id="RULE999")
    assert missing.value.details["available_rules"] == ["RULE001"]
    with pytest.raises(NotFound):
        ask("apply_discount", sku="SKU001", quantity=9, coupon="NEVER")
    for payload in ({}, {"rule_id": "RULE001", "coupon": "SECRET"}):
        with pytest.raises(ValidationFailed):
            ask("apply_discount", sku="SKU001", quantity=9, **payload)


def test_schemas_say_which_fields_exclude_each_other():
    calculate = registry.get("pricing", "calculate").input.model_json_schema()
    assert [way["required"] for way in calculate["oneOf"]] == [["sku", "quantity"], ["lines"]]
    apply = registry.get("pricing", "apply_discount").input.model_json_schema()
    assert [way["required"] for way in apply["oneOf"]] == [["rule_id"], ["coupon"]]
