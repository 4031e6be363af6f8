"""What staff may and may not do, as the compliance rules see it: each answers the case that it makes."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.utils import timezone

from audit import events
from audit.models import AuditRecord
from audit.sealing import seal
from audit.services import event_record
from customers.loyalty import points_adjust
from customers.models import Customer
from inventory.models import Product, StockMovement
from inventory.services import order_create, stock_adjust
from tests.inventory.making import line


def widget() -> Product:
    return Product.objects.get(sku="SKU001")


def john() -> Customer:
    return Customer.objects.get(public_id="CUST001")


def sale(price: str, *, base: str = "29.99", days_ago: int = 0) -> tuple[str, str]:
    moment = timezone.now() - timedelta(days=days_ago)
    sold = line(widget(), 1, price, base_price=Decimal(base))
    order = order_create(lines=[sold], subtotal=Decimal(base), user_id="USER-CLERK", occurred_at=moment)
    return "order", order.reference


def correction(delta: int, reason: str = "", kind: str = "adjustment") -> tuple[str, str]:
    stock_adjust(
        product=widget(), delta=Decimal(delta), kind=StockMovement.Kind(kind), reason=reason, user_id="USER-CLERK"
    )
    return "movement", str(StockMovement.objects.latest("pk").pk)


def gift(points: int) -> tuple[str, str]:
    entry = points_adjust(customer=john(), points=points, reason="kindness", user_id="USER-MANAGER")
    return "loyalty_entry", str(entry.pk)


def without_cost(sku: str, **fields: Any) -> tuple[str, str]:
    Product.objects.create(sku=sku, name=sku, list_price=1, **fields)
    return "product", sku


def failed_task(status: int) -> tuple[str, str]:
    task_id = uuid4()
    error = {"code": "X", "status": status, "message": "", "details": {}}
    event_record(events.TASK_FAILED, user_id="USER-CLERK", task_id=task_id, state={"error": error})
    return "task", str(task_id)


def failed_logins(count: int, *, minutes_apart: int = 0) -> tuple[str, str]:
    begin = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    for number in range(count):
        moment = begin + timedelta(minutes=minutes_apart * number)
        event_record(events.LOGIN_FAILED, user_id="USER-CLERK", moment=moment)
    return "user", f"USER-CLERK {begin.astimezone(timezone.get_default_timezone()):%Y-%m-%dT%H}"


def edited_record(bending: Any) -> tuple[str, str]:
    event_record("TILL_OPENED", user_id="USER-CLERK")
    seal()
    last = AuditRecord.objects.latest("seq")
    bending("UPDATE audit_record SET user_id = 'SOMEONE' WHERE seq = %s", [last.seq])
    return "audit_record", str(last.seq)


BREACHES: list[tuple[str, Callable[[], tuple[str, str]]]] = [
    ("sale-below-cost", lambda: sale("14.49", base="20")),
    ("deep-discount", lambda: sale("14.90")),
    ("stock-without-reason", lambda: correction(-20)),
    ("stock-without-reason", lambda: correction(21)),
    ("cost-known", lambda: without_cost("DEAR")),
    ("points-by-hand", lambda: gift(1001)),
    ("failed-tasks", lambda: failed_task(500)),
    ("failed-tasks", lambda: failed_task(502)),
    ("login-bursts", lambda: failed_logins(21)),
]
KEPT: list[tuple[str, Callable[[], object]]] = [
    ("sale-below-cost", lambda: sale("14.50", base="15")),
    ("deep-discount", lambda: sale("15.00")),
    ("stock-without-reason", lambda: correction(-20, "found under the shelf")),
    ("stock-without-reason", lambda: correction(-19)),
    ("stock-without-reason", lambda: correction(200, kind="receipt")),
    ("cost-known", lambda: without_cost("GONE", active=False)),
    ("cost-known", lambda: without_cost("CHEAP", cost=0)),
    ("points-by-hand", lambda: gift(1000)),
    ("points-by-hand", lambda: gift(-1200)),
    ("failed-tasks", lambda: failed_task(409)),
    ("failed-tasks", lambda: failed_task(503)),
    ("login-bursts", lambda: failed_logins(20)),
    ("login-bursts", lambda: failed_logins(30, minutes_apart=5)),
]
