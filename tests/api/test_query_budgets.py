"""How many queries each operation may cost through the REST door; and lists cost the same however long they are.

Counted are the statements that reach a table; opening and closing transactions and waiting for a lock are not.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.sealing import seal
from customers.loyalty import points_earn
from customers.models import Customer
from inventory.models import Product
from orchestrator.models import TaskState
from orchestrator.services import perform_queued
from pricing.models import PriceRule
from shop_assistant.agents import call
from tests.cases import AGAIN, PAYLOADS, ROUTES, general
from tests.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop", "waiting")]

BOUNDS = re.compile(r"^(BEGIN|COMMIT|SAVEPOINT|RELEASE|ROLLBACK|SET CONSTRAINTS|SELECT pg_advisory)")


BUDGETS = {
    "audit.answer_finding": 9,
    "audit.compliance_report": 72,
    "audit.compliance_check": 54,  # one to three for each rule, and sealing what waits
    "audit.export": 12,
    "audit.findings": 4,
    "audit.log": 9,
    "customers.create_ticket": 20,
    "customers.erase": 12,  # of who is erased already; what erasing costs depends on what there is to look through
    "customers.export_data": 34,
    "customers.get_recommendations": 13,
    "customers.loyalty": 4,
    "customers.query_customer": 9,
    "customers.reply_ticket": 15,
    "customers.request_erasure": 18,
    "inventory.count_approve": 15,
    "inventory.count_cancel": 9,
    "inventory.count_close": 10,
    "inventory.count_enter": 13,
    "inventory.count_open": 13,
    "inventory.count_recount": 11,
    "inventory.counts": 6,
    "inventory.forecast": 11,  # made on demand; a stored one costs 5
    "inventory.query": 4,
    "inventory.release": 16,
    "inventory.reservations": 5,
    "inventory.reserve": 15,
    "inventory.reorder": 14,
    "inventory.transfer": 20,
    "inventory.receive_transfer": 20,
    "inventory.transfers": 7,
    "inventory.quarantine": 20,
    "inventory.block_lot": 16,
    "inventory.lots": 10,
    "inventory.movements": 7,
    "inventory.update": 8,
    "inventory.analysis": 12,
    "inventory.valuation": 12,
    "inventory.purchase_orders": 6,
    "inventory.purchase_order": 17,
    "inventory.purchase_approve": 13,
    "inventory.purchase_send": 11,
    "inventory.purchase_receive": 20,
    "inventory.purchase_return": 20,
    "inventory.purchase_close": 10,
    "inventory.purchase_cancel": 10,
    "pricing.apply_discount": 5,
    "pricing.approve": 10,
    "pricing.approve_discount": 10,
    "pricing.calculate": 5,
    "pricing.decline": 10,
    "pricing.recommend": 7,
    "pricing.rules": 4,
    "sales.return": 29,
    "sales.sell": 20,
}
"""For the second request of its kind; the first one may make a counter. The token with its
permissions and storing the task and its events are three of a read's and five of a write's; on PostgreSQL, where one
statement stores a task and its events, two and three. Where the shop limits rates, counting the request is one more."""


class Count:
    def __init__(self) -> None:
        self.statements: list[str] = []
        self.commits = 0

    def __len__(self) -> int:
        return len(self.statements)


@contextmanager
def counting() -> Iterator[Count]:
    count = Count()
    with CaptureQueriesContext(connection) as captured:
        yield count
    sql = [query["sql"] for query in captured.captured_queries]
    count.statements = [statement for statement in sql if not BOUNDS.match(statement)]
    count.commits = _commits(sql)


def _commits(statements: list[str]) -> int:
    """Transactions that ended well, and statements that wrote as a transaction of their own."""
    found, within = 0, False
    for statement in statements:
        if statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            within = statement.startswith("BEGIN")
        found += statement == "COMMIT" or (not within and statement.startswith(("INSERT", "UPDATE", "WITH")))
    return found


@pytest.fixture(autouse=True)
def _nothing_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at the backlog every thousand events of a process, and at the rules that block every five seconds: one
    more query each, whoever's turn it is then.
    """
    monkeypatch.setattr("audit.services._written_since_check", 0)
    monkeypatch.setattr("audit.blocking._Known.until", monotonic() + 60)


def cost(client: Api, path: str, body: dict[str, Any], **headers: str) -> Count:
    with counting() as count:
        answer = client.post(path, body, **headers)
    assert answer.status_code in (200, 202), answer.content
    return count


@pytest.mark.parametrize("label", sorted(ROUTES))
def test_budgets(label: str, api: Callable[[str], Api]) -> None:
    owner = api("owner")
    owner.post(ROUTES[label], AGAIN.get(label, PAYLOADS[label]))
    count = cost(owner, ROUTES[label], PAYLOADS[label])
    assert len(count) <= BUDGETS[label], "\n".join(count.statements)


def test_every_operation_has_its_budget() -> None:
    assert set(BUDGETS) == set(ROUTES)


def test_the_general_route_costs_no_more(api: Callable[[str], Api]) -> None:
    count = cost(api("owner"), "/api/ai/query", general("inventory.query", PAYLOADS["inventory.query"]))
    assert len(count) <= BUDGETS["inventory.query"]


def test_other_routes(api: Callable[[str], Api]) -> None:
    owner = api("owner")
    task_id = owner.post("/api/inventory/query", {"sku": "SKU001"})["X-Task-ID"]
    with counting() as count:
        owner.get(f"/api/ai/task/{task_id}")
    assert len(count) <= 4, count.statements
    owner.get("/api/ai/audit")
    with counting() as count:
        owner.get("/api/ai/audit")
    assert len(count) <= 11, count.statements
    with counting() as count:
        owner.get("/health/live")
    assert count.statements == []
    with counting() as count:
        api(None).post("/api/inventory/query", {})
    assert len(count) <= 1, count.statements
    with counting() as count:
        owner.post("/api/inventory/query", {"sku": 5})
    assert len(count) <= 6, count.statements


def test_accepting_and_repeating(api: Callable[[str], Api]) -> None:
    owner, body = api("owner"), PAYLOADS["inventory.update"]
    assert len(cost(owner, "/api/inventory/update", body, Prefer="respond-async")) <= 5
    assert len(cost(owner, "/api/inventory/update", body, Idempotency_Key="k")) <= BUDGETS["inventory.update"] + 2
    assert len(cost(owner, "/api/inventory/update", body, Idempotency_Key="k")) <= 4


# However much there is, it costs the same.


@pytest.fixture
def crowd() -> list[str]:
    """Forty more products in stock, forty more rules; their SKUs."""
    skus = [f"MORE{number:03}" for number in range(40)]
    like = Product.objects.get(sku="SKU001")
    Product.objects.create_all(
        Product(sku=sku, name=f"More of {sku}", list_price=Decimal(5), category=like.category, supplier=like.supplier)
        for sku in skus
    )
    for sku in skus:
        call("inventory", "update", {"sku": sku, "delta": 100, "reason": "delivery"})
        PriceRule.objects.create(code=f"RULE-{sku}", name=sku, kind="percent", value=Decimal(1))
    return skus


LISTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("inventory.query", {"limit": 2}, {"limit": 40}),
    ("inventory.query", {"limit": 2, "search": "e"}, {"limit": 40, "search": "e"}),
    ("pricing.rules", {"limit": 2}, {"limit": 40}),
    ("inventory.valuation", {"limit": 2}, {"limit": 40}),
    ("inventory.valuation", {"limit": 2, "cursor": "A"}, {"limit": 40, "cursor": "A"}),
    ("inventory.analysis", {"limit": 2}, {"limit": 40}),
    ("inventory.query", {"limit": 2, "category": "Widgets"}, {"limit": 40, "category": "Widgets"}),
]


@pytest.mark.parametrize(("label", "few", "many"), LISTS, ids=lambda value: str(value)[:40])
def test_long_lists(
    label: str, few: dict[str, Any], many: dict[str, Any], crowd: list[str], api: Callable[[str], Api]
) -> None:
    owner = api("owner")
    little, much = cost(owner, ROUTES[label], few), cost(owner, ROUTES[label], many)
    assert len(much) == len(little), "\n".join(much.statements)


def test_reordering_and_recommending_over_more_products(api: Callable[[str], Api], request: Any) -> None:
    owner = api("owner")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("inventory.reorder", {}),
        ("customers.get_recommendations", {"limit": 50}),
    ]
    before = [len(cost(owner, ROUTES[label], body)) for label, body in asked]
    request.getfixturevalue("crowd")
    after = [cost(owner, ROUTES[label], body) for label, body in asked]
    for (label, _), little, much in zip(asked, before, after, strict=True):
        assert len(much) <= little + 1, f"{label}: {little}\n" + "\n".join(much.statements)


def test_long_baskets(crowd: list[str], api: Callable[[str], Api]) -> None:
    owner = api("owner")

    def basket(size: int) -> dict[str, Any]:
        return {"lines": [{"sku": sku, "quantity": 1} for sku in crowd[:size]], "customer_id": "CUST001"}

    assert len(cost(owner, "/api/pricing/calculate", basket(40))) == len(
        cost(owner, "/api/pricing/calculate", basket(1))
    )
    sold = [owner.post("/api/sales/sell", basket(size)).json()["data"]["order"] for size in (1, 1, 20)]
    # PostgreSQL stores one movement and its level in one statement, several in two.
    little, much = cost(owner, "/api/sales/sell", basket(1)), cost(owner, "/api/sales/sell", basket(20))
    assert len(much) <= len(little) + 1, "\n".join(much.statements)
    owner.post("/api/sales/return", {"order": sold[0]})
    little, much = (cost(owner, "/api/sales/return", {"order": order}) for order in sold[1:])
    assert len(much) <= len(little) + 1, "\n".join(much.statements)


def test_long_histories(api: Callable[[str], Api]) -> None:
    owner, body = api("owner"), {"customer_id": "CUST001", "operation": "history"}
    little = cost(owner, "/api/customer/loyalty", {**body, "limit": 1})
    customer = Customer.objects.get(public_id="CUST001")
    for number in range(30):
        points_earn(customer=customer, points=1, reason=f"visit {number}", user_id="system")
    much = cost(owner, "/api/customer/loyalty", {**body, "limit": 50})
    assert len(much) <= len(little) + 1, "\n".join(much.statements)  # one key for all the reasons
    assert len(cost(owner, "/api/customer/profile", {"customer_id": "CUST001"})) <= BUDGETS["customers.query_customer"]


def test_a_long_trail(api: Callable[[str], Api]) -> None:
    owner = api("owner")
    for _ in range(30):
        owner.post("/api/inventory/query", {"sku": "SKU001"})
    seal()
    owner.get("/api/ai/audit")
    found = []
    for limit in (1, 50):
        with counting() as count:
            owner.get("/api/ai/audit", {"limit": limit})
        found.append(len(count))
    assert found[0] == found[1]
    assert len(cost(owner, "/api/audit/export", {})) <= BUDGETS["audit.export"]


@pytest.mark.parametrize(
    ("label", "commits"), [("inventory.query", 1), ("customers.query_customer", 1), ("inventory.update", 2)]
)
@pytest.mark.django_db(transaction=True)
def test_one_commit_for_a_read_and_two_for_a_write(label: str, commits: int, api: Callable[[str], Api]) -> None:
    assert cost(api("owner"), ROUTES[label], PAYLOADS[label]).commits == commits


@pytest.mark.django_db(transaction=True)
def test_commits_of_accepted_work(api: Callable[[str], Api]) -> None:
    accepted = api("owner")
    assert cost(accepted, "/api/inventory/update", PAYLOADS["inventory.update"], Prefer="respond-async").commits == 1
    with counting() as count:
        perform_queued(TaskState.objects.get().task_id)
    assert count.commits == 2
