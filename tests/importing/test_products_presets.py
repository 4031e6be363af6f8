"""Exports of Shopify, WooCommerce and Square, as their programs write them."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from inventory.models import Product, StockLevel

from .test_products import run

pytestmark = pytest.mark.django_db

FILES = Path(__file__).parent / "files"


def copied(name: str, folder: Path) -> Path:
    """Rejected rows are written beside the file."""
    return Path(shutil.copy(FILES / name, folder))


def stocks() -> dict[tuple[str, str], Decimal]:
    return {
        (v.product.sku, v.location.code): v.on_hand for v in StockLevel.objects.select_related("product", "location")
    }


def products() -> dict[str, Product]:
    return {p.sku: p for p in Product.objects.select_related("category", "supplier")}


def test_shopify(tmp_path):
    path = copied("shopify_products.csv", tmp_path)
    last, above, code = run(path)
    assert (last, code) == ("read 13, added 8, unchanged 0, skipped 3, rejected 2", 1)
    assert above[0] == "Read as: shopify"
    assert "Rejected line 16: SKU tee-s is that of line 2 already: give each its own" in above
    assert "Rejected line 17: price -5.00 is negative" in above
    told = "\n".join(above)
    assert "3 x rows with only a picture, skipped (line 8; line 9; line 11)" in told
    assert "1 x negative stock, taken as 0 (line 6: -3)" in told
    found = products()
    tee = found["TEE-M"]
    assert (tee.name, tee.barcode) == ("Organic Cotton Tee - M / Navy", "5012345678917")
    assert (tee.category.name, tee.supplier.name, tee.cost) == ("Shirts", "Northwind Textiles", Decimal("7.5"))
    assert (found["00417"].name, found["00417"].barcode) == ("Beeswax Candle, 200 g", "036000291452")
    assert (found["TEE-L"].barcode, found["ceramic-mug-Chalk"].barcode) == (None, None)
    assert (found["gift-wrap"].tax_rate, found["gift-wrap"].category.name) == (0, "Gift Cards")
    assert found["ceramic-mug-Sea-Green"].name == "Ceramic Mug \u2013 “Lúa” - Sea Green"
    assert (found["POSTER-1"].active, found["POSTER-1"].name[0]) == (False, "=")
    assert {sku: on_hand for (sku, _), on_hand in stocks().items()} == {
        "TEE-S": 12, "00417": 40, "ceramic-mug-Sea-Green": 7, "ceramic-mug-Chalk": 5, "POSTER-1": 2,
    }  # fmt: skip
    assert run(path)[0] == "read 13, added 0, unchanged 8, skipped 3, rejected 2"


def test_square(tmp_path):
    path = copied("square_items.csv", tmp_path)
    last, above, code = run(path)
    assert (last, code) == ("read 7, added 7, unchanged 0, rejected 0", 0)
    assert above[0] == "Read as: square"
    found = products()
    assert (found["FW-R"].name, found["FW-L"].name) == ("Flat White", "Flat White - Large")
    assert found["FW-L"].category.name == "Drinks > Hot"
    beans, tea, tip = found["BEANS-250"], found["TEA-KG"], found["8STUVZQ3KXW5P6B4NQ7AJ2MH"]
    assert (beans.barcode, beans.cost, beans.supplier.name) == ("5012345678900", Decimal("4.25"), "Roastery Ltd")
    assert (tea.unit, tea.tax_rate, beans.tax_rate) == ("kg", 5, 20)
    assert (tip.list_price, tip.active, tip.needs_review) == (0, False, True)
    assert (found["CUP"].active, found["CUP-W"].active, beans.active) == (False, False, True)
    assert stocks() == {
        ("BEANS-250", "High Street"): 24,
        ("BEANS-250", "Market Stall"): 6,
        ("TEA-KG", "High Street"): Decimal("1.25"),
        ("CUP", "Market Stall"): 3,
    }
    assert run(path)[0] == "read 7, added 0, unchanged 7, rejected 0"


WOO = (
    "ID,Type,SKU,Name,Published,Description,Tax status,Stock,Sale price,Regular price,Categories,Parent,"
    '"GTIN, UPC, EAN, or ISBN",Attribute 1 name,Attribute 1 value(s)\n'
    '10,variable,hoodie,"Hoodie &amp; Hood",1,"Warm\\n<b>very</b>",taxable,9,,,"Clothing > Hoodies, Sale",,,Color,Red\n'
    "11,variation,hoodie-red,,1,,taxable,4,,45,,hoodie,5012345678900,Color,Red\n"
    "12,variation,,Hoodie - Blue,1,,taxable,,40,45,,id:10,,Color,Blue\n"
    '13,"simple, virtual",gift,Gift card,-1,,none,,,20,Gifts,,,,\n'
    "14,grouped,set,A set,1,,taxable,,,,Gifts,,,,\n"
)


def test_woocommerce(tmp_path):
    path = tmp_path / "wc.csv"
    path.write_text(WOO, encoding="utf-8-sig")
    last, above, code = run(path)
    assert (last, code) == ("read 5, added 3, unchanged 0, skipped 2, rejected 0", 0)
    assert above[0] == "Read as: woocommerce"
    assert "stock kept for all variations together" in "\n".join(above)
    found = products()
    red, blue, gift = found["hoodie-red"], found["id-12"], found["gift"]
    assert (red.name, red.category.name, red.barcode) == ("Hoodie & Hood - Red", "Clothing > Hoodies", "5012345678900")
    assert (blue.name, blue.list_price, blue.category.name) == ("Hoodie - Blue", 45, "Clothing > Hoodies")
    assert (gift.active, gift.tax_rate) == (False, 0)
    assert {sku: on_hand for (sku, _), on_hand in stocks().items()} == {"hoodie-red": 4}
    assert run(path)[0] == "read 5, added 0, unchanged 3, skipped 2, rejected 0"


def test_a_preset_can_be_told(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("Handle,Title,Variant SKU,Variant Price\na,A thing,T-1,2\na,,,\n")
    assert run(path)[0] == "read 2, added 1, unchanged 0, skipped 1, rejected 0"
    assert run(path, "--preset", "generic", "--dry-run")[0] == "read 2, added 0, unchanged 1, rejected 1"


def test_shopify_as_it_is_exported_since_2024(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text(
        "Title,URL handle,Vendor,Product category,Type,Status,SKU,Barcode,Option1 name,Option1 value,Price,"
        "Cost per item,Charge tax,Inventory tracker,Inventory quantity,Product image URL\n"
        "Eco Bag,eco-bag,V,Apparel > Bags,,Active,EB-1,'5012345678900,Size,Small,10.00,4,TRUE,shopify,-2,\n"
        ",eco-bag,,,,,EB-2,,,Large,12.00,,FALSE,,9,\n"
        ",eco-bag,,,,,,,,,,,,,,https://cdn.example/bag.jpg\n"
    )
    assert run(path)[0] == "read 3, added 2, unchanged 0, skipped 1, rejected 0"
    small, large = products()["EB-1"], products()["EB-2"]
    assert (small.name, small.barcode, small.category.name) == ("Eco Bag - Small", "5012345678900", "Apparel > Bags")
    assert (large.name, large.tax_rate, large.active, stocks()) == ("Eco Bag - Large", 0, True, {})


def test_a_rejected_variant_is_mended_by_itself(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text(
        "Handle,Title,Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Price,Status\n"
        "tee,Tee,Acme,Shirts,Size,S,TEE-S,10,draft\n"
        "tee,,,,,M,TEE-S,10,\n"
    )
    assert run(path)[0] == "read 2, added 1, unchanged 0, rejected 1"
    rejects = tmp_path / "products.csv.rejects.csv"
    rejects.write_text(rejects.read_text("utf-8-sig").replace("M,TEE-S", "M,TEE-M"))
    assert run(rejects)[0] == "read 1, added 1, unchanged 0, rejected 0"
    tee = products()["TEE-M"]
    assert (tee.name, tee.category.name, tee.supplier.name, tee.active) == ("Tee - M", "Shirts", "Acme", False)
