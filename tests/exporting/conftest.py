"""A shop with something in every dataset, and with words in it that no default export may show."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from audit.history import authored
from customers.services import customer_create
from inventory.models import Product, Supplier
from orchestrator.exporting.services import Export, Written, export_ask, export_write
from pricing.services import price_change_schedule, price_changes_apply_due
from shop_assistant.accounts.roles import system_user
from tests.inventory.buying import offer, orders_waiting
from tests.inventory.making import count_sheet

CANARIES = ("Zebediah", "zebediah@canary.example", "+44 20 7946 0999", "1 Canary Wharf", "Wobblegong", "Quokkaesque")
NAME = '=1+1 Käse, "alt"'


@pytest.fixture
def traded(shop: None, api: Callable[[str], Any]) -> None:
    """Two sales (one to Zebediah), a return, a ticket, a correction, a price change, orders and two count sheets."""
    customer_create(
        public_id="CUST-CANARY",
        name=CANARIES[0],
        email=CANARIES[1],
        phone=CANARIES[2],
        address=CANARIES[3],
        member_since=datetime(2024, 3, 31, 0, 30, tzinfo=UTC),
    )
    product = Product.objects.get(sku="SKU003")
    product.name = NAME
    product.save()
    clerk = api("clerk")
    lines = [{"sku": "SKU001", "quantity": 12}, {"sku": "SKU002", "quantity": 1}]
    told = {"customer_id": "CUST-CANARY", "subject": CANARIES[4], "message": f"{CANARIES[5]}, I am very unhappy."}
    for route, body in (
        ("sales/sell", {"lines": lines, "customer_id": "CUST-CANARY"}),
        ("sales/sell", {"lines": [{"sku": "SKU003", "quantity": 1}]}),
        ("sales/return", {"order": "S-000021", "lines": [{"sku": "SKU001", "quantity": 2}], "reason": CANARIES[5]}),
        ("customer/support-ticket", told),
        ("customer/profile", {"email": CANARIES[1]}),
        ("inventory/update", {"sku": "SKU002", "delta": -5, "reason": "-5 broke"}),
        ("audit/log", {"event": "TILL_OPENED", "details": {"who": CANARIES[0]}}),
    ):
        assert clerk.post(f"/api/{route}", body).status_code == 200
    price_change_schedule(product=product, new_price=Decimal("51.50"), reason="@rise", user_id="USER-OWNER")
    price_changes_apply_due()
    with authored("USER-OWNER"):
        offer(Supplier.objects.get(code="ACME"), product, "20", {100: "19"}, supplier_sku="=AC-3")
    orders_waiting()
    count_sheet(9001, "open")
    count_sheet(9002, "counted", product, off=1)


def exported(dataset: str, format: str = "csv", user: Any = None, **options: Any) -> bytes:
    """What the services write; `given` has the filters."""
    export = export_ask(dataset=dataset, user=user or system_user(), format=format, **options)
    return written(export)


def written(export: Export) -> bytes:
    target = io.BytesIO()
    export_write(export, target, Written())
    return target.getvalue()


def lines_of(dataset: str, user: Any = None, personal: bool = False, **given: str) -> list[dict[str, Any]]:
    """The rows, from JSON lines."""
    given = {name.removesuffix("_"): value for name, value in given.items()}
    content = exported(dataset, "jsonl", user, personal=personal, given=given)
    return [json.loads(line) for line in content.splitlines()]
