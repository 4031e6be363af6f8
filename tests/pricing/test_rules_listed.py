"""pricing.rules, and what the database lets a rule be."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from inventory.models import Category, Product
from pricing.models import CouponUse, PriceRule
from shop_assistant.agents.errors import NotFound

pytestmark = pytest.mark.django_db


def test_a_rule_in_full(ask, ten_percent):
    assert ask("rules") == {
        "items": [
            {
                "rule_id": "RULE001",
                "name": "10 % from 10 pieces",
                "kind": "quantity_break",
                "value": 10,
                "summary": "10 % off from 10",
                "min_quantity": 10,
                "sku": None,
                "category": None,
                "customer_tier": None,
                "channel": None,
                "starts_at": None,
                "ends_at": None,
                "priority": 0,
                "exclusive": False,
                "coupon": None,
                "coupon_limit": None,
                "coupon_limit_per_customer": None,
                "coupon_used": 0,
                "active": True,
            }
        ],
        "next_cursor": None,
    }


def test_only_those_that_concern_a_product_or_are_active(ask, widget, ten_percent):
    toys = Category.objects.create(name="Toys")
    other = Product.objects.create(sku="SKU002", name="Gadget", list_price=1)
    PriceRule.objects.create(code="A", kind="percent", value=1, product=widget)
    PriceRule.objects.create(code="B", kind="percent", value=1, category=widget.category, active=False)
    PriceRule.objects.create(code="C", kind="percent", value=1, category=toys)
    PriceRule.objects.create(code="D", kind="percent", value=1, product=other)
    codes = lambda **filters: [item["rule_id"] for item in ask("rules", **filters)["items"]]  # noqa: E731
    assert codes() == ["A", "B", "C", "D", "RULE001"]
    assert codes(sku="SKU001") == ["A", "B", "RULE001"]
    assert codes(sku="SKU002") == ["D", "RULE001"]
    assert codes(active=False) == ["B"]
    assert codes(active=True, sku="sku001") == ["A", "RULE001"]
    with pytest.raises(NotFound):
        codes(sku="SKU999")


def test_pages_hold_together_and_cost_a_flat_number_of_queries(ask, widget):
    for n in range(5):
        rule = PriceRule.objects.create(code=f"R{n}", kind="percent", value=1, product=widget, coupon=f"C{n}")
        CouponUse.objects.create(rule=rule, used=n)
        CouponUse.objects.create(rule=rule, customer_id="CUST001", used=1)
    seen, cursor = [], None
    for _ in range(3):
        with CaptureQueriesContext(connection) as captured:
            page = ask("rules", limit=2, cursor=cursor)
        assert len(captured) == 1
        seen += [(item["rule_id"], item["coupon_used"]) for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == [(f"R{n}", n) for n in range(5)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": ""},
        {"kind": "gift"},
        {"kind": "percent", "value": Decimal("100.0001")},
        {"kind": "percent", "value": -1},
        {"kind": "fixed", "value": -1},
        {"kind": "quantity_break", "min_quantity": 0},
        {"min_quantity": -1},
        {"customer_tier": "platinum"},
        {"starts_at": datetime(2024, 2, 1, tzinfo=UTC), "ends_at": datetime(2024, 2, 1, tzinfo=UTC)},
        {"coupon_limit": 1},
        {"coupon_limit_per_customer": 1},
        {"coupon": "X", "coupon_limit": 0},
        {"coupon": "X", "coupon_limit_per_customer": 0},
    ],
)
def test_the_database_refuses_rules_that_make_no_sense(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        PriceRule.objects.create(**{"code": "R", "kind": "percent", "value": 10} | wrong)


def test_a_rule_is_for_a_product_or_a_category_and_a_coupon_is_unique(widget):
    with pytest.raises(IntegrityError), transaction.atomic():
        PriceRule.objects.create(code="R", kind="percent", value=1, product=widget, category=widget.category)
    PriceRule.objects.create(code="A", kind="percent", value=1, coupon=" save ")
    assert PriceRule.objects.get(code="A").coupon == "SAVE"
    with pytest.raises(IntegrityError), transaction.atomic():
        PriceRule.objects.create(code="B", kind="percent", value=1, coupon="Save")
    with pytest.raises(IntegrityError), transaction.atomic():
        PriceRule.objects.create_all([PriceRule(code="C", kind="percent", value=1, coupon="lower")])


def test_a_form_hears_what_is_wrong():
    rule = PriceRule(code="R", name="R", kind="percent", value=101)
    with pytest.raises(ValidationError, match="percentage of 0 to 100"):
        rule.full_clean()


def test_changes_of_a_rule_leave_a_history(ten_percent):
    ten_percent.value = 15
    ten_percent.save()
    assert [row.value for row in PriceRule.history.filter(code="RULE001").order_by("history_id")] == [10, 15]
