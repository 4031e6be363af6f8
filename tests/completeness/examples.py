"""A row of each model that keeps a history, and something to change in it."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone
from stdnum import ean

from audit.models import ComplianceRule, Finding
from customers.models import Customer, Ticket
from inventory.models import (
    Barcode,
    Category,
    CountSheet,
    KitComponent,
    Location,
    Lot,
    Packaging,
    PriceBreak,
    Product,
    PurchaseOrder,
    PurchaseOrderLine,
    ReorderPolicy,
    Supplier,
    SupplierProduct,
    Warehouse,
)
from pricing.models import PriceChange, PriceRecommendation, PriceRule
from shop_assistant.accounts.models import User
from shop_assistant.vault.models import RetentionPeriod

_numbers = count(1)


def _new(prefix: str = "N") -> str:
    return f"{prefix}{next(_numbers)}"


def _product() -> Product:
    return Product(sku=_new("SKU"), name="Widget", list_price=Decimal(10))


def _gtin() -> str:
    body = f"{next(_numbers):012}"
    return body + ean.calc_check_digit(body)


def _saved(row: Any) -> Any:
    row.save()
    return row


def _ticket() -> Ticket:
    ticket = Ticket(reference=_new("T"))
    ticket.seal({"subject": "Broken"})
    return ticket


def _line() -> PurchaseOrderLine:
    return PurchaseOrderLine(purchase_order=_saved(_purchase()), product=_saved(_product()), quantity=3)


def _purchase() -> PurchaseOrder:
    supplier = _saved(Supplier(code=_new(), name="Acme"))
    return PurchaseOrder(reference=_new("PO"), supplier=supplier, user_id="U")


def _offer() -> SupplierProduct:
    supplier = _saved(Supplier(code=_new(), name="Acme"))
    return SupplierProduct(supplier=supplier, product=_saved(_product()), unit_cost=Decimal(4))


def _change() -> PriceChange:
    return PriceChange(product=_saved(_product()), old_price=10, new_price=11, reason="rise", user_id="U")


def _recommendation() -> PriceRecommendation:
    return PriceRecommendation(
        product=_saved(_product()), objective="profit", current_price=10, recommended_price=11,
        evidence={"weeks": 30, "r2": 0.5}, expected=[1, 2.5], proposed_by="U",
    )  # fmt: skip


def _rule() -> ComplianceRule:
    return ComplianceRule(key=_new("rule-"), title="Rule", explanation="why", severity="info", weight=5)


def _finding() -> Finding:
    rule = ComplianceRule.objects.first()
    return Finding(rule=rule, entity_type="order", entity_id=_new(), message="too cheap")


def _period() -> RetentionPeriod:
    return RetentionPeriod(kind=_new("kind-"), about="things", days=100)


EXAMPLES: dict[str, tuple[Callable[[], Any], str, Any]] = {
    "accounts.User": (lambda: User(username=_new(), password="x"), "is_staff", True),
    "audit.ComplianceRule": (_rule, "weight", 7),
    "audit.Finding": (_finding, "answer", "well"),
    "customers.Customer": (lambda: Customer(public_id=_new("CUST")), "tier", "gold"),
    "customers.Ticket": (_ticket, "priority", "high"),
    "inventory.Category": (lambda: Category(name=_new()), "name", lambda: _new("Gadgets")),
    "inventory.Barcode": (lambda: Barcode(code=_gtin(), product=_saved(_product())), "code", _gtin),
    "inventory.CountSheet": (lambda: CountSheet(reference=_new("CS"), user_id="U"), "status", "counted"),
    "inventory.Location": (
        lambda: Location(warehouse=_saved(Warehouse(code=_new(), name="W")), code=_new()),
        "code",
        lambda: _new("Z-"),
    ),
    "inventory.KitComponent": (
        lambda: KitComponent(kit=_saved(_product()), component=_saved(_product()), quantity=2),
        "quantity",
        Decimal(3),
    ),
    "inventory.Lot": (lambda: Lot(product=_saved(_product()), code=_new("L")), "blocked", True),
    "inventory.Packaging": (
        lambda: Packaging(product=_saved(_product()), name=_new("box"), quantity=12),
        "quantity",
        Decimal(6),
    ),
    "inventory.PriceBreak": (
        lambda: PriceBreak(offer=_saved(_offer()), quantity=10, unit_cost=3),
        "unit_cost",
        Decimal(2),
    ),
    "inventory.Product": (_product, "list_price", Decimal("12.50")),
    "inventory.PurchaseOrder": (_purchase, "status", "sent"),
    "inventory.PurchaseOrderLine": (_line, "quantity", Decimal(4)),
    "inventory.ReorderPolicy": (lambda: ReorderPolicy(product=_saved(_product())), "review_days", 9),
    "inventory.Supplier": (lambda: Supplier(code=_new(), name="Acme"), "lead_time_days", 3),
    "inventory.SupplierProduct": (_offer, "unit_cost", Decimal(5)),
    "inventory.Warehouse": (lambda: Warehouse(code=_new(), name="Main"), "name", "Other"),
    "pricing.PriceChange": (_change, "reason", "another"),
    "pricing.PriceRecommendation": (_recommendation, "proposed_at", timezone.now().replace(microsecond=123456)),
    "pricing.PriceRule": (
        lambda: PriceRule(code=_new("RULE"), name="Rule", kind="percent", value=Decimal(5)),
        "value",
        Decimal("7.50"),
    ),
    "vault.RetentionPeriod": (_period, "days", 200),
}
"""label: a row not yet saved, a column, and another value of it (or what makes one)"""
