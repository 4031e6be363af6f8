"""Packagings as units, and codes that are scanned: each belongs to one thing, however it is spelt."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from stdnum import ean

from inventory.gtin import spellings
from inventory.models import Barcode, KitComponent, Location, Packaging, Product
from inventory.selectors import stock_of
from inventory.services.transfers import location_transit
from inventory.services.units import in_base_units, product_by_code
from shop_assistant.agents import Role
from shop_assistant.agents.errors import ClarificationNeeded, NotFound, ValidationFailed
from tests.completeness.forms import filled

from .making import location, product, stocked

OWN = "4006381333931"
FURTHER = "96385074"
CASE = "1" + OWN[:12] + ean.calc_check_digit("1" + OWN[:12])


def test_one_number_has_several_spellings():
    assert spellings("036000291452") == ["00036000291452", "0036000291452", "036000291452"]
    assert spellings("0036000291452") == spellings("036000291452") == spellings("00036000291452")
    assert spellings(FURTHER) == ["00000096385074", "0000096385074", "000096385074", FURTHER]
    assert spellings(CASE) == [CASE]


@pytest.mark.django_db
class TestUnits:
    def test_packs_are_counted_in_the_products_own_unit(self):
        item = product()
        Packaging.objects.create(product=item, name="Box", quantity=12)
        for unit, whole in (("box", 36), ("BOX", 36), ("piece", 3), (None, 3)):
            assert in_base_units(item, Decimal(3), unit) == whole
        assert in_base_units(item, Decimal("0.5"), "box") == 6
        with pytest.raises(ValidationFailed) as refused:
            in_base_units(item, Decimal("0.1"), "box")
        assert "pieces" in refused.value.message
        with pytest.raises(ValidationFailed) as refused:
            in_base_units(item, Decimal(3), "pallet")
        assert "piece, Box (of 12)" in refused.value.details["fields"]["unit"]

    def test_by_weight(self):
        flour = product("FLOUR", unit="kg")
        Packaging.objects.create(product=flour, name="pound", quantity=Decimal("0.454"))
        assert in_base_units(flour, Decimal(3), "pound") == Decimal("1.362")
        assert in_base_units(flour, Decimal(3), "kilogram") == 3

    def test_goods_are_moved_by_the_box(self, api: Any):
        item = stocked("SKU001", 30)
        Packaging.objects.create(product=item, name="box", quantity=12)
        location("B-01")
        lines = [{"sku": "SKU001", "quantity": 2, "unit": "box"}]
        answer = api("clerk").post("/api/inventory/transfer", {"from": "A-01-01", "to": "B-01", "lines": lines})
        assert answer.json()["data"]["lines"][0]["sent"] == 24
        body = {"sku": "SKU001", "quantity": 0.5, "unit": "box", "location": "B-01", "reason": "wet"}
        api("clerk").post("/api/inventory/quarantine", body)
        assert stock_of(item).quarantined == 6

    def test_stock_is_booked_by_the_box(self, api: Any):
        item = stocked("SKU001", 30)
        Packaging.objects.create(product=item, name="box", quantity=12)
        body = {"sku": "SKU001", "delta": 2, "unit": "Box", "reason": "delivery"}
        answer = api("clerk").post("/api/inventory/update", body).json()["data"]
        assert (answer["previous_quantity"], answer["quantity"]) == (30, 54)
        body = {"sku": "SKU001", "quantity": 4, "unit": "box", "expected_quantity": 4.5}
        assert api("clerk").post("/api/inventory/update", body).json()["data"]["quantity"] == 48
        wrong = api("clerk").post("/api/inventory/update", {"sku": "SKU001", "delta": 1, "unit": "crate"})
        assert (wrong.status_code, "box (of 12)" in wrong.json()["error"]["details"]["fields"]["unit"]) == (400, True)


@pytest.mark.django_db
class TestScanning:
    @pytest.fixture
    def item(self) -> Product:
        made = stocked("SKU001", 30, barcode=OWN)
        box = Packaging.objects.create(product=made, name="box", quantity=12)
        Barcode.objects.create(code=CASE, product=made, packaging=box)
        Barcode.objects.create(code=FURTHER, product=made)
        return made

    def test_a_code_leads_to_the_product_and_the_pack(self, item: Product):
        assert product_by_code(OWN) == (item, None)
        assert product_by_code(f"0{OWN}") == (item, None)
        assert product_by_code(FURTHER) == (item, None)
        assert product_by_code(CASE) == (item, item.packagings.get())

    def test_twelve_digits_are_thirteen_with_a_nought(self):
        item = product(barcode="0036000291452")
        for code in ("036000291452", "0036000291452", "00036000291452"):
            assert product_by_code(code)[0] == item

    def test_a_case_nobody_has_told_of(self, item: Product):
        other = "2" + OWN[:12] + ean.calc_check_digit("2" + OWN[:12])
        with pytest.raises(NotFound) as refused:
            product_by_code(other)
        assert refused.value.details["sku"] == "SKU001"
        assert "add it to a packaging of SKU001" in refused.value.message

    def test_what_is_no_code(self, item: Product):
        for wrong in ("4006381333930", "400638133393", "abc", "٤٠٠٦٣٨١٣٣٣٩٣١", ""):
            with pytest.raises(ClarificationNeeded):
                product_by_code(wrong)
        with pytest.raises(NotFound):
            product_by_code("73513537")

    def test_through_the_api(self, item: Product, api: Any):
        answer = api("auditor").post("/api/inventory/query", {"barcode": CASE}).json()["data"]
        assert (answer["sku"], answer["quantity"], answer["packaging"], answer["pack_quantity"]) == (
            "SKU001",
            30,
            "box",
            12,
        )
        answer = api("auditor").post("/api/inventory/query", {"barcode": OWN}).json()["data"]
        assert (answer["packaging"], answer["pack_quantity"]) == (None, 1)
        both = api("auditor").post("/api/inventory/query", {"barcode": OWN, "sku": "SKU001"})
        assert both.status_code == 422

    def test_what_several_have_all_the_same_leads_to_none(self, item: Product, api: Any):
        other = product("OTHER")
        Barcode.objects.create(code=f"0{OWN}", product=item)
        assert product_by_code(OWN) == (item, None), "twice the same"
        box = Packaging.objects.create(product=other, name="box", quantity=2)
        clash = Barcode.objects.create(code=f"00000{FURTHER}", product=other, packaging=box)
        told = api("auditor").post("/api/inventory/query", {"barcode": FURTHER})
        assert (told.status_code, told.json()["error"]["details"]["skus"]) == (409, ["SKU001", "OTHER"])
        assert "barcode of SKU001 and box of OTHER: name the sku" in told.json()["error"]["message"]
        clash.delete()
        other.barcode = CASE
        other.save()
        told = api("auditor").post("/api/inventory/query", {"barcode": CASE})
        assert "barcode of OTHER and box of SKU001" in told.json()["error"]["message"]


@pytest.mark.django_db
class TestOneOwner:
    def test_a_further_code_is_no_other_products_own(self):
        one, two = product("ONE", barcode="0036000291452"), product("TWO")
        for code in ("0036000291452", "036000291452"):
            with pytest.raises(ValidationError, match="a barcode of ONE already"):
                Barcode(code=code, product=two).full_clean()
        with pytest.raises(ValidationError, match="of this product already"):
            Barcode(code="036000291452", product=one).full_clean()

    def test_an_own_code_is_no_other_products_further_one(self):
        one, two = product("ONE"), product("TWO")
        Barcode.objects.create(code="0036000291452", product=one)
        two.barcode = "036000291452"
        with pytest.raises(ValidationError, match="a barcode of ONE already"):
            two.full_clean()

    def test_a_packaging_is_the_same_products(self):
        one, two = product("ONE"), product("TWO")
        box = Packaging.objects.create(product=one, name="box", quantity=2)
        with pytest.raises(ValidationError, match="a packaging of ONE"):
            Barcode(code=OWN, product=two, packaging=box).full_clean()


@pytest.mark.django_db
class TestKits:
    def test_kits_are_not_nested(self):
        kit, part, whole = product("KIT"), product("PART"), product("WHOLE")
        KitComponent.objects.create(kit=kit, component=part, quantity=2)
        with pytest.raises(ValidationError, match="KIT is a kit"):
            KitComponent(kit=whole, component=kit, quantity=1).full_clean()
        with pytest.raises(ValidationError, match="PART is part of the kit KIT"):
            KitComponent(kit=part, component=whole, quantity=1).full_clean()
        with pytest.raises(ValidationError, match="not made of itself"):
            KitComponent(kit=whole, component=whole, quantity=1).full_clean()

    def test_a_kit_has_no_stock_and_is_not_told_apart(self):
        part = product("PART")
        with pytest.raises(ValidationError, match="has stock of its own"):
            KitComponent(kit=stocked("KIT", 3), component=part, quantity=1).full_clean()
        with pytest.raises(ValidationError, match="told apart"):
            KitComponent(kit=product("LOTS", tracking="lot"), component=part, quantity=1).full_clean()
        kit = product("KIT2")
        KitComponent.objects.create(kit=kit, component=part, quantity=1)
        kit.tracking = "lot"
        with pytest.raises(ValidationError, match="This is a kit"):
            kit.full_clean()


@pytest.mark.django_db
class TestWhatMayNotChangeWhileSomethingLiesThere:
    def test_how_units_are_told_apart(self):
        item = stocked("SKU001", 3)
        item.tracking = "lot"
        with pytest.raises(ValidationError, match="in stock"):
            item.full_clean()
        empty = product("SKU002")
        empty.tracking = "lot"
        empty.full_clean()

    def test_what_a_place_is(self):
        stocked("SKU001", 3)
        place = Location.objects.get()
        place.kind = "quarantine"
        with pytest.raises(ValidationError, match="Something lies there"):
            place.full_clean()
        free = location("B-01")
        free.kind = "quarantine"
        free.full_clean()

    def test_goods_in_transit_lie_in_one_place(self):
        free = location("B-01")
        location_transit()
        free.kind = "transit"
        with pytest.raises(ValidationError, match="Goods in transit lie at IN-TRANSIT"):
            free.full_clean()
        location_transit().full_clean()


@pytest.mark.django_db
class TestTheProductsPage:
    @pytest.fixture
    def send(self, users: Any) -> Any:
        client = Client()
        client.force_login(users[Role.OWNER])

        def sent(item: Product, **values: Any) -> Any:
            page = reverse("admin:inventory_product_change", args=[item.pk])
            form = filled(client.get(page).content.decode(), {})
            return client.post(page, {**form, **values, "_save": "Save"})

        return sent

    def test_packs_and_codes_are_added(self, send: Any):
        item = product("SKU001", barcode=OWN)
        added = {"packagings-TOTAL_FORMS": "1", "packagings-0-name": "box", "packagings-0-quantity": "12"}
        assert send(item, **added).status_code == 302
        box = item.packagings.get()
        more = {"barcodes-TOTAL_FORMS": "1", "barcodes-0-code": CASE, "barcodes-0-packaging": str(box.pk)}
        assert send(item, **more).status_code == 302
        assert product_by_code(CASE) == (item, box)

    def test_a_code_twice_in_one_go_is_refused(self, send: Any):
        item = product("SKU001")
        codes = {"barcodes-TOTAL_FORMS": "1", "barcodes-0-code": "0036000291452", "barcode": "036000291452"}
        answer = send(item, **codes)
        assert answer.status_code == 200
        assert "is given twice" in answer.content.decode()
        two = {"barcodes-TOTAL_FORMS": "2", "barcodes-0-code": "0036000291452", "barcodes-1-code": "036000291452"}
        assert "is given twice" in send(item, **two).content.decode()
        assert not Barcode.objects.exists()

    def test_kits_are_made_and_refused(self, send: Any):
        kit, part, stock = product("KIT"), product("PART"), stocked("STOCK", 3)
        made = {"components-TOTAL_FORMS": "1", "components-0-component": str(part.pk), "components-0-quantity": "2"}
        assert send(kit, **made).status_code == 302
        assert kit.components.get().quantity == 2
        refused = send(stock, **made)
        assert "has stock of its own" in refused.content.decode()
