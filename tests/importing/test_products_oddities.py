"""Product files as they turn up: joined, German, through other programs, far too long."""

from decimal import Decimal

import pytest

from inventory.models import Product

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
