"""Counting while the shop goes on: sales, other counters, other approvers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from inventory.models import CountEntry, CountSheet, Product, StockMovement
from inventory.selectors import stock_of
from shop_assistant.agents import Role, call
from shop_assistant.agents.errors import AgentError, Conflict

from .making import line, sell, stocked

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs in threads of their own; what each gave or was refused with."""

    def run(job: Callable[[], Any]) -> Any:
        try:
            return job()
        except AgentError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, jobs))


@pytest.fixture
def ask(users: Any) -> Callable[..., Any]:
    def asked(role: Role, what: str, **payload: Any) -> Any:
        return call("inventory", f"count_{what}", payload, user=users[role])

    return asked


def opened(ask: Callable[..., Any]) -> str:
    made = ask(Role.MANAGER, "open", location="A-01-01", recount_units=None, recount_percent=None)
    return str(made["sheet"])


def figure(quantity: int) -> dict[str, Any]:
    return {"sku": "SKU001", "quantity": quantity}


def in_ledger(item: Product) -> Decimal:
    return sum((m.quantity for m in StockMovement.objects.filter(product=item)), Decimal(0))


def test_sales_while_it_is_counted_and_posted(ask: Callable[..., Any]) -> None:
    """Nothing of what is sold meanwhile is lost or doubled, and the figure stands beside what was booked right then."""
    item = stocked("SKU001", 100)
    sheet = opened(ask)

    def sale() -> Any:
        return sell(line(item, 2))

    def post() -> Any:
        ask(Role.CLERK, "close", sheet=sheet)
        return ask(Role.OWNER, "approve", sheet=sheet)

    at_once(*[sale] * 5, lambda: ask(Role.CLERK, "enter", sheet=sheet, lines=[figure(89)]), *[sale] * 5)
    entry = CountEntry.objects.get()
    assert entry.booked in {Decimal(100 - 2 * sold) for sold in range(11)}
    results = at_once(*[sale] * 5, post, *[sale] * 5)
    assert [result for result in results if isinstance(result, AgentError)] == []
    assert stock_of(item).on_hand == 100 - 2 * 20 + entry.difference == in_ledger(item)


def test_of_two_who_enter_the_same_line_one_has_to_say_what_it_replaces(ask: Callable[..., Any]) -> None:
    stocked("SKU001", 10)
    sheet = opened(ask)
    enter = [lambda n=n: ask(Role.CLERK, "enter", sheet=sheet, lines=[figure(n)]) for n in range(6)]
    results = at_once(*enter)
    assert sum(isinstance(result, dict) for result in results) == 1
    assert {refused.code for refused in results if isinstance(refused, Conflict)} == {"CONFLICT"}
    first = CountEntry.objects.get().quantity
    again = {"replaces": int(first)}
    results = at_once(
        *[lambda n=n: ask(Role.CLERK, "enter", sheet=sheet, lines=[figure(n) | again]) for n in range(20, 26)]
    )
    assert sum(isinstance(result, dict) for result in results) == 1
    assert CountEntry.objects.count() == 2


def test_of_two_approvals_one_books(ask: Callable[..., Any]) -> None:
    item = stocked("SKU001", 10)
    sheet = opened(ask)
    ask(Role.CLERK, "enter", sheet=sheet, lines=[figure(7)])
    ask(Role.CLERK, "close", sheet=sheet)
    roles = [Role.OWNER, Role.MANAGER] * 3
    results = at_once(*[lambda role=role: ask(role, "approve", sheet=sheet) for role in roles])
    assert sum(isinstance(result, dict) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 5
    assert (stock_of(item).on_hand, in_ledger(item)) == (7, 7)
    assert StockMovement.objects.filter(reference=sheet).count() == 1


def test_a_shelf_is_put_on_one_sheet_and_counted_one_way(ask: Callable[..., Any], users: Any) -> None:
    item = stocked("SKU001", 10)
    results = at_once(*[lambda: opened(ask)] * 4)
    (sheet,) = [result for result in results if isinstance(result, str)]
    assert CountSheet.objects.count() == 1
    ask(Role.CLERK, "enter", sheet=sheet, lines=[figure(9)])
    ask(Role.CLERK, "close", sheet=sheet)
    at_once(
        lambda: ask(Role.OWNER, "approve", sheet=sheet),
        lambda: call("inventory", "update", {"sku": "SKU001", "quantity": 9}, user=users[Role.CLERK]),
    )
    assert (stock_of(item).on_hand, in_ledger(item)) == (9, 9), "the same piece is not missed twice"
