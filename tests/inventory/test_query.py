"""inventory.query: one product, or a list in pages."""

from decimal import Decimal

import pytest
from django.db import connection

from inventory.models import Category, ReorderPolicy, StockLevel
from inventory.selectors import is_low, product_get, products_get, stock_list, stock_of
from shop_assistant.agents import call
from shop_assistant.agents.errors import NotFound

from .making import location, product, receive, stocked

pytestmark = pytest.mark.django_db
D = Decimal


def query(**payload):
    return call("inventory", "query", payload)


def test_a_product_with_all_a_screen_needs():
    widgets = Category.objects.create(name="Widgets")
    item = stocked("SKU001", 100, 50, name="Widget Pro", list_price=D("29.99"), category=widgets)
    StockLevel.objects.filter(location__code="A-01-02").update(reserved=5)
    ReorderPolicy.objects.create(product=item, reorder_point=150)
    plain = {"kind": "storage", "lot": None, "expires_on": None, "blocked": False}
    assert query(sku="sku001 ") == {
        "sku": "SKU001",
        "product_name": "Widget Pro",
        "quantity": 150,
        "unit_price": 29.99,
        "warehouse_location": "A-01-01",
        "available": 145,
        "reserved": 5,
        "currency": "GBP",
        "unit": "piece",
        "category": "Widgets",
        "barcode": None,
        "locations": [
            {"location": "A-01-01", "on_hand": 100, "reserved": 0, **plain},
            {"location": "A-01-02", "on_hand": 50, "reserved": 5, **plain},
        ],
        "quarantined": 0,
        "in_transit": 0,
        "oversold": False,
        "tracking": "none",
        "components": [],
        "low_stock": True,
        "reorder_point": 150,
        "active": True,
    }


def test_a_product_that_lies_nowhere():
    product("SKU001")
    answer = query(sku="SKU001")
    assert (answer["quantity"], answer["warehouse_location"], answer["low_stock"]) == (0, None, True)


def test_an_unknown_sku_names_the_nearest():
    for sku in ("SKU001", "SKU002", "SKU003", "TEA-GREEN", "TEA-BLACK"):
        product(sku)
    with pytest.raises(NotFound) as refused:
        query(sku="SKU123")
    assert refused.value.message == "SKU123 not found in inventory"
    assert refused.value.details == {"sku": "SKU123", "available_skus": ["SKU001", "SKU002", "SKU003"]}
    with pytest.raises(NotFound) as refused:
        query(sku="tea-grene")
    assert refused.value.details["available_skus"][0] == "TEA-GREEN"


def test_several_products_by_whatever_spelling(django_assert_num_queries):
    first, second = product("Sku-1"), product("SKU-2")
    with django_assert_num_queries(1):
        assert products_get(skus=["SKU-1", "sku-1", "SKU-2", "SKU-1"]) == {
            "SKU-1": first,
            "sku-1": first,
            "SKU-2": second,
        }
    with pytest.raises(NotFound) as refused:
        products_get(skus=["SKU-1", "X", "Y"])
    assert refused.value.details["unknown"] == ["X", "Y"]
    assert products_get(skus=[]) == {}


def test_a_product_costs_two_queries(django_assert_num_queries):
    stocked("SKU001", 1, 2)
    with django_assert_num_queries(2):
        item = product_get(sku="SKU001")
        is_low(item, stock_of(item))


def test_finding_a_product_among_many_uses_the_index():
    product("SKU001")
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("EXPLAIN QUERY PLAN SELECT id FROM inventory_product WHERE LOWER(sku) = LOWER('SKU001')")
            assert "product_sku_unique_in_any_case" in str(cursor.fetchall())
        else:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN SELECT id FROM inventory_product WHERE LOWER(sku) = LOWER('SKU001')")
            assert "product_sku_unique_in_any_case" in str(cursor.fetchall())


def test_pages_follow_each_other_without_gap_or_repeat():
    for number in range(7):
        product(f"SKU{number}")
    seen, cursor = [], None
    while True:
        page = query(limit=3, cursor=cursor)
        seen += [item["sku"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        product(f"{cursor}-later")  # what comes before or after the cursor meanwhile does no harm
    assert [sku for sku in seen if "later" not in sku] == [f"SKU{number}" for number in range(7)]
    assert len(seen) == len(set(seen))


def test_a_list_is_narrowed_by_text_category_and_low_stock():
    tea = Category.objects.create(name="Tea")
    green = stocked("TEA-1", 5, name="Green tea", category=tea)
    stocked("TEA-2", 50, name="Black tea", category=tea, barcode="96385074")
    stocked("MUG-1", 5, name="Mug", active=False)
    ReorderPolicy.objects.create(product=green, reorder_point=5)

    def found(**filters):
        return [item["sku"] for item in query(**filters)["items"]]

    assert found() == ["MUG-1", "TEA-1", "TEA-2"]
    assert found(search="TEA") == ["TEA-1", "TEA-2"]
    assert found(search="mug-") == ["MUG-1"]
    assert found(search="638507") == ["TEA-2"]
    assert found(category="tea", search="black") == ["TEA-2"]
    assert found(low_stock=True) == ["TEA-1"]
    receive(green, 1, location())
    assert found(low_stock=True) == []
    with pytest.raises(NotFound) as refused:
        query(category="Coffee")
    assert refused.value.details["available"] == ["Tea"]


def test_low_stock_of_what_is_weighed_is_exact():
    rice = stocked("RICE", "0.100", "0.200", unit="kg")
    ReorderPolicy.objects.create(product=rice, reorder_point=D("0.3"))
    assert [item["sku"] for item in query(low_stock=True)["items"]] == ["RICE"]


def test_a_list_costs_the_same_for_three_products_as_for_thirty(django_assert_max_num_queries):
    for number in range(30):
        stocked(f"SKU{number:02d}", 1, 2)
    for limit in (3, 30):
        with django_assert_max_num_queries(2):
            page = stock_list(limit=limit, low_stock=False, search="SKU")
            assert all(page.stocks[item.pk].on_hand == 3 for item in page.products)
