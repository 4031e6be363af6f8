"""What may be asked for, by whom, and which filters there are."""

from datetime import UTC, datetime
from typing import Any

import pytest

from audit.models import Denial
from customers.services import customer_create
from orchestrator.exporting.datasets import DATASETS
from orchestrator.exporting.filters import names_of
from orchestrator.exporting.services import export_ask
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import Role
from shop_assistant.agents.errors import NotFound, PermissionDenied, ValidationFailed
from tests.exporting.conftest import lines_of

pytestmark = pytest.mark.django_db

MAY = {
    "inventory": {"owner", "manager", "clerk", "auditor"},
    "movements": {"owner", "manager", "clerk", "auditor"},
    "counts": {"owner", "manager", "clerk", "auditor"},
    "suppliers": {"owner", "manager", "clerk", "auditor"},
    "supplier_products": {"owner", "manager", "clerk", "auditor"},
    "purchase_orders": {"owner", "manager", "clerk", "auditor"},
    "prices": {"owner", "manager", "clerk", "auditor"},
    "sales": {"owner", "manager", "clerk", "auditor"},
    "customers": {"owner", "manager", "clerk", "auditor"},
    "tickets": {"owner", "manager", "clerk", "auditor"},
    "tasks": {"owner", "manager", "auditor"},
    "audit": {"owner", "auditor"},
}


def test_only_the_owner_may_take_people_s_data_out(users):
    for role in set(Role) - {Role.OWNER}:
        with pytest.raises(PermissionDenied):
            export_ask(dataset="customers", user=users[role], personal=True)
        assert Denial.objects.filter(user_id=users[role].public_id, code="PERMISSION_DENIED").exists()
    assert export_ask(dataset="customers", user=users[Role.OWNER], personal=True).personal


def test_who_may_export_what(users):
    for name in DATASETS:
        for role, user in users.items():
            try:
                export_ask(dataset=name, user=user)
            except PermissionDenied:
                assert role.value not in MAY[name]
            else:
                assert role.value in MAY[name]


def test_days_are_the_shops_and_the_last_one_is_included(shop):
    """Somebody joined on 31 March 2024 at 00:30 UTC, in London half an hour before the clocks went forward."""
    customer_create(public_id="CUST-MARCH", member_since=datetime(2024, 3, 31, 0, 30, tzinfo=UTC))
    assert [c["customer_id"] for c in lines_of("customers", from_="2024-03-31", to="2024-03-31")] == ["CUST-MARCH"]
    assert lines_of("customers", from_="2024-04-01", to="2024-04-30") == []
    assert [c["customer_id"] for c in lines_of("customers", from_="2024-03-31T00:30:00Z")] == ["CUST-MARCH"]
    assert [c["customer_id"] for c in lines_of("customers", to="2024-03-31T00:30:00Z")] == ["CUST001"]
    customer_create(public_id="CUST-APRIL", member_since=datetime(2024, 3, 31, 23, 0, tzinfo=UTC))  # there it is April
    assert [c["customer_id"] for c in lines_of("customers", from_="2024-04-01")] == ["CUST-APRIL"]


@pytest.mark.parametrize(
    ("name", "given", "refusal"),
    [
        ("inventory", {"status": "open"}, "takes no filter status"),
        ("inventory", {"from": "2024-01-01"}, "takes no filter from"),
        ("movements", {"from": "01/02/2024"}, "must be a day"),
        ("movements", {"from": "2024-02-30"}, "must be a day"),
        ("movements", {"from": "2024-01-01T00:00:00"}, "must be a day"),
        ("movements", {"to": "9999-12-31"}, "must be a day"),
        ("movements", {"from": "2024-02-01", "to": "2024-01-01"}, "ends before it begins"),
        ("movements", {"kind": "gift"}, "must be one of receipt"),
        ("tickets", {"status": "shut"}, "must be one of open"),
        ("tasks", {"agent": "nobody"}, "must be one of"),
    ],
)
def test_filters_that_cannot_be_understood(name: str, given: dict[str, str], refusal: str):
    with pytest.raises(ValidationFailed, match=refusal):
        export_ask(dataset=name, user=system_user(), given=given)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("movements", {"sku": "SKU9"}),
        ("movements", {"location": "Z-99"}),
        ("movements", {"by": "nobody"}),
        ("inventory", {"category": "Gadgetry"}),
        ("sales", {"customer": "CUST9"}),
        ("audit", {"event": "NEVER_HAPPENED"}),
    ],
)
def test_filters_by_what_there_is_not(name: str, given: dict[str, str], shop):
    with pytest.raises(NotFound):
        export_ask(dataset=name, user=system_user(), given=given)


@pytest.mark.parametrize(
    "asked",
    [
        {"dataset": "everything"},
        {"dataset": "sales", "format": "pdf"},
        {"dataset": "sales", "delimiter": "x"},
        {"dataset": "sales", "personal": True},
    ],
)
def test_other_wishes_are_refused(asked: dict[str, Any]):
    with pytest.raises(ValidationFailed):
        export_ask(user=system_user(), **asked)


@pytest.mark.parametrize("name", list(DATASETS))
def test_columns_are_described_and_every_part_knows_them(name: str):
    dataset = DATASETS[name]
    names = [column.name for column in dataset.columns]
    assert len(set(names)) == len(names)
    for part in dataset.parts:
        assert set(part.sources) <= set(names)
        assert set(part.conditions) <= set(dataset.filters)
    assert names_of(dataset)
