"""Fifty requests at once, from several processes with many threads each."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from audit.models import Outbox
from customers.models import Customer, LoyaltyEntry
from inventory.models import Order, StockMovement
from orchestrator.completeness import verify_completeness
from orchestrator.models import IdempotencyKey, TaskState
from tests.conftest import Api
from tests.processes import PROGRAMS, Program

from .conftest import on_hand

PROCESSES = 2
Answer = tuple[int, dict[str, Any], dict[str, str]]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shop")]


def hammer(client: Api, path: str, bodies: list[Any], **headers: str) -> list[Answer]:
    """Post all of these at once; the answers in no order."""
    sent = client.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    shares = [bodies[number::PROCESSES] for number in range(PROCESSES)]
    with ExitStack() as running:
        programs = [
            running.enter_context(
                Program(PROGRAMS / "hammer.py", json.dumps({"path": path, "bodies": share, "headers": sent}))
            )
            for share in shares
        ]
        for program in programs:
            program.wait_for_line("ready")
        for program in programs:
            program.go()
        return [tuple(answer) for program in programs for answer in program.answer()]


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(status for status, _, _ in answers)


def test_fifty_updates_of_one_product(api: Callable[[str], Api]) -> None:
    answers = hammer(api("clerk"), "/api/inventory/update", [{"sku": "SKU001", "delta": -1}] * 50)
    assert statuses(answers) == {200: 50}
    assert on_hand() == 100
    assert sorted(body["data"]["quantity"] for _, body, _ in answers) == list(range(100, 150))
    taken = StockMovement.objects.filter(product__sku="SKU001", quantity=-1)
    assert sorted(taken.values_list("balance", flat=True)) == list(range(100, 150))
    assert Outbox.objects.filter(event="TASK_COMPLETED").count() == 50
    assert list(verify_completeness()) == []


def test_fifty_posts_with_one_key(api: Callable[[str], Api]) -> None:
    body = {"lines": [{"sku": "SKU001", "quantity": 2}], "customer_id": "CUST001"}
    orders = Order.objects.count()
    clerk = api("clerk")
    answers = hammer(clerk, "/api/sales/sell", [body] * 50, Idempotency_Key="till-1-0001")
    assert set(statuses(answers)) <= {200, 409}
    assert on_hand() == 148
    assert Order.objects.count() == orders + 1
    sold = [
        (answer["data"]["order"], headers["X-Audit-Receipt"]) for status, answer, headers in answers if status == 200
    ]
    assert len(sold) >= 1
    assert len(set(sold)) == 1
    for status, answer, headers in answers:
        if status == 409:
            assert answer["error"]["code"] == "IDEMPOTENCY_IN_PROGRESS"
            assert int(headers["Retry-After"]) >= 1
    assert IdempotencyKey.objects.count() == TaskState.objects.count() == 1
    again = clerk.post("/api/sales/sell", body, Idempotency_Key="till-1-0001")
    assert (again.status_code, again.json()["data"]["order"]) == (200, sold[0][0])
    assert on_hand() == 148


def test_the_last_pieces_are_sold_once(api: Callable[[str], Api]) -> None:
    """25 care kits are there; 50 buyers want one each."""
    body = {"lines": [{"sku": "SKU003", "quantity": 1}]}
    answers = hammer(api("clerk"), "/api/sales/sell", [body] * 50)
    assert statuses(answers) == {200: 25, 409: 25}
    assert {answer["error"]["code"] for status, answer, _ in answers if status == 409} == {"INSUFFICIENT_STOCK"}
    references = [answer["data"]["order"] for status, answer, _ in answers if status == 200]
    assert len(set(references)) == 25


def test_points_are_not_spent_twice(api: Callable[[str], Api]) -> None:
    """1,250 points are there; twenty callers want 200 each."""
    body = {"customer_id": "CUST001", "operation": "redeem", "points": 200}
    answers = hammer(api("clerk"), "/api/customer/loyalty", [body] * 20)
    assert statuses(answers) == {200: 6, 409: 14}
    assert {answer["error"]["code"] for status, answer, _ in answers if status == 409} == {"INSUFFICIENT_POINTS"}
    account = Customer.objects.get(public_id="CUST001").loyalty
    assert account.balance == 50
    entries = LoyaltyEntry.objects.filter(account=account)
    assert sum(entries.values_list("points", flat=True)) == 50
