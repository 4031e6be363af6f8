"""A shop in which people did this and that, and somebody has to answer for some of it."""

from collections.abc import Callable
from typing import Any

import pytest

from audit.models import Finding
from audit.sealing import seal
from tests.audit.conftest import anchor_file, bending  # noqa: F401  (fixtures)
from tests.compliance.conduct import correction

REPORT = "/api/audit/compliance-report"


@pytest.fixture
def lived(shop: None, api: Callable[[str | None], Any]) -> Callable[[str | None], Any]:
    """Three sales by the clerk, one by the owner, a delivery, and a correction that nobody explained."""
    for role, count in (("clerk", 3), ("owner", 1)):
        for _ in range(count):
            sale = {"lines": [{"sku": "SKU001", "quantity": 1}], "customer_id": "CUST001"}
            assert api(role).post("/api/sales/sell", sale).status_code == 200
    stock = {"sku": "SKU001", "delta": 40, "reason": "delivery"}
    assert api("manager").post("/api/inventory/update", stock).status_code == 200
    correction(-30)
    assert api("owner").post("/api/audit/compliance-check", {}).status_code == 200
    assert Finding.objects.filter(rule_id="stock-without-reason").count() == 1
    seal()
    return api


def report(client: Any, **asked: Any) -> dict[str, Any]:
    answer = client.post(REPORT, asked)
    assert answer.status_code == 200, answer.content
    return dict(answer.json()["data"])
