"""Product files as they turn up: joined, German, through other programs, far too long."""

from decimal import Decimal

import pytest

from inventory.models import Barcode, KitComponent, Product, StockLevel

from .test_products import put, refused, run

__all__ = ["put"]

pytestmark = pytest.mark.django_db


def test_two_tables_in_one_file_are_not_mixed_up(put):
    message, code = refused(put("SKU,Name,Cost,Price\nA,Apple,1,2\nB,Fig,1,2\nSKU,Name,Price,Cost\nC,Pear,2,1\n"))
    assert (message[:27], code) == ("Line 4 is a second header w", 1)


def test_a_barcode_written_as_a_fraction(put):
    run(put("SKU,Name,Barcode,Price\nA,Apple,5012345678900.0,1\n"))
    assert Product.objects.get().barcode == "5012345678900"


def test_a_german_price_list(put):
    path = put("Preisliste 2026\n\nArtikelnr.;Bezeichnung;VK brutto;EK netto;MwSt.\n0001;Käse;1.234,50 €;0,99;19 %\n")
    assert run(path)[0] == "read 1, added 1, unchanged 0, rejected 0"
    cheese = Product.objects.get()
    assert (cheese.sku, cheese.list_price, cheese.cost, cheese.tax_rate) == (
        "0001", Decimal("1234.50"), Decimal("0.99"), 19,
    )  # fmt: skip


def test_more_products_than_memory_should_hold_are_refused(put):
    message, code = refused(put("SKU\n" + "A\n" * 500_001))
    assert (message, code) == (
        "The file has more than 500,000 rows: cut it into several, each with the header. Nothing was changed.", 1,
    )  # fmt: skip


def test_a_barcode_that_is_a_further_one_of_another_product(put):
    put_first = put("SKU,Name,Price\nA-1,Apple,1\n")
    run(put_first)
    Barcode.objects.create(code="0036000291452", product=Product.objects.get())
    _, above, _ = run(put("SKU,Name,Price,Barcode\nB-1,Pear,1,036000291452\n"))
    assert any("036000291452 is that of A-1, beside its own one" in line for line in above)
    assert Product.objects.get(sku="B-1").barcode is None


def test_stock_that_a_file_can_not_tell(put):
    run(put("SKU,Name,Price,Stock\nBOLT,Bolt,1,8\nBOX,Box,1,\nMILK,Milk,1,\n"))
    bolt, box, milk = (Product.objects.get(sku=sku) for sku in ("BOLT", "BOX", "MILK"))
    KitComponent.objects.create(kit=box, component=bolt, quantity=2)
    milk.tracking = "lot"
    milk.save()
    for options in ((), ("--set-stock",)):
        _, above, _ = run(put("SKU,Price,Stock\nBOX,2,7\nMILK,2,7\n"), *options)
        told = "\n".join(above)
        assert "a kit has none of its own" in told
        assert "its units are told apart" in told
    assert StockLevel.objects.get().product == bolt
    assert Product.objects.get(sku="BOX").list_price == 2
