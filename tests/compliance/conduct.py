"""What staff may and may not do, as the compliance rules see it: each answers the case that it makes."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from audit import events
from audit.models import AuditRecord
from audit.sealing import seal
from audit.services import event_record
from customers.loyalty import points_adjust
from customers.models import Customer, ErasureRequest, LoyaltyEntry
from customers.services import customer_create, ticket_create
from inventory.models import OrderReturn, Product, StockMovement
from inventory.services import order_create, stock_adjust
from orchestrator.models import TaskState
from pricing.models import DiscountApproval, PriceChange, PriceRule
from pricing.services import price_change_approve, price_change_schedule
from shop_assistant.accounts.models import User
from shop_assistant.agents import call
from tests.compliance.conftest import rule_set
from tests.inventory.making import line

NOW = timezone.now
Case = tuple[str, str]


def widget() -> Product:
    return Product.objects.get(sku="SKU001")


def john() -> Customer:
    return Customer.objects.get(public_id="CUST001")


def staff(role: str) -> User:
    return User.objects.get(public_id=f"USER-{role.upper()}")


def ago(days: float) -> Any:
    return NOW() - timedelta(days=days)


def sale(price: str, *, base: str = "29.99", days_ago: int = 0, tax: str = "0", rules: str = "") -> Case:
    sold = line(widget(), 1, price, tax, base_price=Decimal(base), rules=rules)
    order = order_create(lines=[sold], subtotal=Decimal(base), user_id="USER-CLERK", occurred_at=ago(days_ago))
    return "order", order.reference


def rule(code: str, value: str, **fields: Any) -> PriceRule:
    since = fields.pop("since", None)
    made = PriceRule(code=code, name=code, value=Decimal(value), **{"kind": "percent", **fields})
    if since:
        made._history_date = since
    made.save()
    return made


def approved_sale(percent: int, *, days_ago: int) -> Case:
    DiscountApproval(
        rule=rule("CLEAR", "60"), percent=percent, reason="end of season", made_by="USER-MANAGER",
        approved_by="USER-OWNER", approved_at=ago(days_ago),
    ).save()  # fmt: skip
    return sale("14.90", rules="CLEAR", days_ago=1)


def widened_sale(**later: Any) -> Case:
    """Approved for one thing, and then made a rule for another."""
    clear = rule("CLEAR", "60", product=widget(), coupon="CLEAR", since=ago(3))
    DiscountApproval(
        rule=clear, percent=60, reason="end of season", made_by="USER-MANAGER", approved_by="USER-OWNER",
        approved_at=ago(2),
    ).save()  # fmt: skip
    for name, value in later.items():
        setattr(clear, name, value)
    clear._history_date = ago(1)
    clear.save()
    return sale("14.90", rules="CLEAR")


def correction(delta: int, reason: str = "", kind: str = "adjustment") -> Case:
    stock_adjust(
        product=widget(), delta=Decimal(delta), kind=StockMovement.Kind(kind), reason=reason, user_id="USER-CLERK"
    )
    return "movement", str(StockMovement.objects.latest("pk").pk)


def corrected_by_hand(delta: int, *, counted_by: str | None = None) -> Case:
    update = {"sku": "SKU001", "delta": delta, "reason": "found behind the shelf"}
    made = call("inventory", "update", update, user=staff("clerk"))
    if counted_by:
        call("inventory", "update", {"sku": "SKU001", "quantity": 399, "reason": "count"}, user=staff(counted_by))
    return "movement", str(made["movement_id"])


def corrected_in_parts(*deltas: int) -> Case:
    return [corrected_by_hand(delta) for delta in deltas][-1]


def corrections(*deltas: int, reason: str = "") -> Case:
    for delta in deltas:
        correction(delta, reason)
    return "product", "SKU001"


def paid_back() -> Case:
    OrderReturn(reference="R-LOOSE", order=None, total=Decimal(20), user_id="USER-CLERK").save()
    return "return", "R-LOOSE"


def gift(points: int) -> Case:
    entry = points_adjust(customer=john(), points=points, reason="kindness", user_id="USER-MANAGER")
    return "loyalty_entry", str(entry.pk)


def gifts(*points: int) -> Case:
    return [gift(each) for each in points][-1]


def earned(points: int, *, order: bool = False) -> Case:
    """Booked as earned, without the till; the order is worth 29.99."""
    reference = sale("29.99")[1] if order else None
    asked = {"customer_id": "CUST001", "operation": "earn", "points": points, "order": reference}
    call("customers", "loyalty", {name: value for name, value in asked.items() if value}, user=staff("clerk"))
    return "loyalty_entry", str(LoyaltyEntry.objects.latest("pk").pk)


def dear_sale() -> None:
    """It earns more than anybody may grant."""
    asked = {"lines": [{"sku": "SKU001", "quantity": 40}], "customer_id": "CUST001"}
    call("sales", "sell", asked, user=staff("clerk"))
    assert LoyaltyEntry.objects.latest("pk").points > 1000


def without_cost(sku: str, **fields: Any) -> Case:
    Product.objects.create(sku=sku, name=sku, list_price=1, **fields)
    return "product", sku


def failed_task(code: str, status: int, **fields: Any) -> Case:
    now = NOW()
    task = TaskState(
        agent="inventory", operation="forecast", user_id="USER-CLERK", channel="rest", error_code=code,
        error={"code": code, "status": status, "message": ""}, started_at=now, finished_at=now,
        **{"status": "failed", **fields},
    )  # fmt: skip
    task.save(force_insert=True)
    event_record(events.TASK_FAILED, user_id="USER-CLERK", task_id=task.task_id, state={"error": task.error})
    return "task", str(task.task_id)


def failed_logins(count: int, *, minutes_apart: float = 0) -> Case:
    begin = NOW().replace(minute=30, second=0, microsecond=0) - timedelta(hours=4)
    for number in range(count):
        moment = begin + timedelta(minutes=minutes_apart * number)
        event_record(events.LOGIN_FAILED, user_id="USER-CLERK", moment=moment)
    return "user", f"USER-CLERK {begin.astimezone(timezone.get_default_timezone()):%Y-%m-%dT%H}"


def edited_record(bending: Any) -> Case:
    event_record("TILL_OPENED", user_id="USER-CLERK")
    seal()
    last = AuditRecord.objects.latest("seq")
    bending("UPDATE audit_record SET user_id = 'SOMEONE' WHERE seq = %s", [last.seq])
    return "audit_record", str(last.seq)


def price_approved(by: str) -> Case:
    change = price_change_schedule(
        product=widget(), new_price=Decimal(31), reason="spring", user_id="USER-MANAGER", approved=False
    )
    price_change_approve(change=change, user_id=f"USER-{by.upper()}")
    return "price_change", str(change.pk)


def alone_and_approved() -> None:
    owner = staff("owner")
    owner.is_active = False
    owner.save()
    price_approved("manager")


def hours_elsewhere() -> None:
    """The hours for prices are over, whenever this runs."""
    local = timezone.localtime()
    opens, closes = ((local + timedelta(hours=hours)).strftime("%H:%M") for hours in (2, 3))
    rule_set("price-hours", parameters={"opens": opens, "closes": closes})


def round_the_clock() -> bool:
    rule_set("price-hours", parameters={"opens": "00:00", "closes": "00:00"})
    return False


def price_moved(*, outside: bool = True, planned: bool = False) -> Case:
    if outside:
        hours_elsewhere()
    product = widget()
    if planned:
        change = PriceChange(
            product=product, old_price=product.list_price, new_price=Decimal(31), reason="spring", user_id="USER-OWNER",
            status="applied", applied_at=NOW(),
        )  # fmt: skip
        change.save()
    product.list_price = Decimal(31)
    product.save()
    return "product", "SKU001"


def reduced(before: str, now: str, *, raised: int, rule_since: float, **fields: Any) -> Case:
    """A product's list price changed so many days ago; a price rule for everyone began then and then."""
    product = Product(sku="GOWN", name="Gown", list_price=Decimal(before), cost=Decimal(5))
    product._history_date = ago(100)
    product.save()
    if now != before:
        product.list_price, product._history_date = Decimal(now), ago(raised)
        product.save()
    rule("SALE", "20", product=product, since=ago(rule_since), **fields)
    return "reduction", "SALE GOWN"


def erasure(days: int, *, done_after: int | None = None) -> Case:
    request = ErasureRequest(reference="E-000001", customer=john(), requested_at=ago(days), requested_by="USER-CLERK")
    if done_after is not None:
        done = request.requested_at + timedelta(days=done_after)
        request.decided_at = request.done_at = done
        request.decided_by, request.receipt = "USER-OWNER", "receipt"
    request.save()
    return "erasure", "E-000001"


def stranger(days: int = 90) -> Customer:
    made = customer_create(public_id="CUST777", name="Stranger", email="", phone="", address="")
    made.created_at = made.member_since = ago(days)
    made.save()
    return made


def looked_up(*, user: str = "clerk", ticket: bool = False, sold: bool = False, days: int = 90) -> Case:
    customer = stranger(days)
    if ticket:
        ticket_create(subject="Broken", message="It broke.", user_id="USER-CLERK", customer=customer)
    call("customers", "query_customer", {"customer_id": "CUST777"}, user=staff(user))
    if sold:
        asked = {"lines": [{"sku": "SKU001", "quantity": 1}], "customer_id": "CUST777"}
        call("sales", "sell", asked, user=staff("clerk"))
    return "profile", f"CUST777 by USER-{user.upper()}"


BREACHES: list[tuple[str, Callable[[], Case]]] = [
    ("sale-below-cost", lambda: sale("14.49", base="20")),
    ("sale-below-cost", lambda: sale("17.39", base="29.99", tax="2.90")),
    ("deep-discount", lambda: sale("14.90")),
    ("deep-discount", lambda: approved_sale(45, days_ago=2)),
    ("deep-discount", lambda: approved_sale(60, days_ago=0)),
    ("deep-discount", lambda: widened_sale(coupon="")),
    ("deep-discount", lambda: widened_sale(product=None)),
    ("reduction-announced", lambda: reduced("24", "29.99", raised=10, rule_since=2)),
    ("reduction-announced", lambda: reduced("24", "29.99", raised=28, rule_since=2, kind="fixed_price")),
    ("stock-without-reason", lambda: correction(-20)),
    ("stock-without-reason", lambda: correction(21)),
    ("stock-without-reason", lambda: corrected_by_hand(250)),
    ("stock-without-reason", lambda: corrected_by_hand(250, counted_by="clerk")),
    ("stock-without-reason", lambda: corrected_in_parts(120, 80)),
    ("stock-without-reason", lambda: corrected_in_parts(150, -210)),
    ("shrinkage", lambda: corrections(-13, -12)),
    ("shrinkage", lambda: corrections(15, 15, -5)),
    ("refund-without-sale", paid_back),
    ("own-approval", lambda: price_approved("manager")),
    ("price-hours", price_moved),
    ("cost-known", lambda: without_cost("DEAR")),
    ("points-by-hand", lambda: gift(1001)),
    ("points-by-hand", lambda: gifts(600, 600)),
    ("points-by-hand", lambda: earned(1001)),
    ("points-by-hand", lambda: earned(1001, order=True)),
    ("points-by-hand", lambda: [gift(600), earned(401)][-1]),
    ("erasure-overdue", lambda: erasure(31)),
    ("erasure-overdue", lambda: erasure(40, done_after=31)),
    ("profile-access", looked_up),
    ("failed-tasks", lambda: failed_task("INTERNAL_ERROR", 500)),
    ("failed-tasks", lambda: failed_task("EXTERNAL_SERVICE_ERROR", 502)),
    ("login-bursts", lambda: failed_logins(21)),
    ("login-bursts", lambda: failed_logins(21, minutes_apart=2.9)),
]
KEPT: list[tuple[str, Callable[[], object]]] = [
    ("sale-below-cost", lambda: sale("14.50", base="15")),
    ("sale-below-cost", lambda: sale("17.40", base="29.99", tax="2.90")),
    ("deep-discount", lambda: sale("15.00")),
    ("deep-discount", lambda: approved_sale(51, days_ago=2)),
    ("deep-discount", lambda: widened_sale(name="Clearance", priority=3)),
    ("reduction-announced", lambda: reduced("29.99", "29.99", raised=10, rule_since=2)),
    ("reduction-announced", lambda: reduced("24", "29.99", raised=40, rule_since=2)),
    ("reduction-announced", lambda: reduced("29.99", "24", raised=10, rule_since=2)),
    ("reduction-announced", lambda: reduced("24", "29.99", raised=10, rule_since=2, coupon="PERSONAL")),
    ("reduction-announced", lambda: reduced("24", "29.99", raised=10, rule_since=2, customer_tier="gold")),
    ("reduction-announced", lambda: reduced("24", "29.99", raised=10, rule_since=2, active=False)),
    ("stock-without-reason", lambda: correction(-20, "found under the shelf")),
    ("stock-without-reason", lambda: correction(-19)),
    ("stock-without-reason", lambda: correction(200, kind="receipt")),
    ("stock-without-reason", lambda: corrected_by_hand(250, counted_by="manager")),
    ("stock-without-reason", lambda: corrected_in_parts(120, -110, 79)),
    ("shrinkage", lambda: corrections(-12, -12)),
    ("shrinkage", lambda: corrections(-15, -15, reason="broken in the rain")),
    ("shrinkage", lambda: corrections(15, 15, -15)),
    ("refund-without-sale", lambda: call("sales", "return", {"order": "S-000001"}, user=staff("clerk"))),
    ("own-approval", lambda: price_approved("owner")),
    ("price-hours", lambda: price_moved(outside=round_the_clock())),
    ("price-hours", lambda: price_moved(planned=True)),
    ("cost-known", lambda: without_cost("GONE", active=False)),
    ("cost-known", lambda: without_cost("CHEAP", cost=0)),
    ("points-by-hand", lambda: gift(1000)),
    ("points-by-hand", lambda: gifts(1000, -1200, -500)),
    ("points-by-hand", lambda: earned(1000)),
    ("points-by-hand", dear_sale),
    ("points-by-hand", lambda: [gift(1000), earned(29, order=True)]),
    ("erasure-overdue", lambda: erasure(29)),
    ("erasure-overdue", lambda: erasure(40, done_after=29)),
    ("profile-access", lambda: looked_up(ticket=True)),
    ("profile-access", lambda: looked_up(sold=True)),
    ("profile-access", lambda: looked_up(days=3)),
    ("failed-tasks", lambda: failed_task("CONFLICT", 409)),
    ("failed-tasks", lambda: failed_task("TEMPORARILY_UNAVAILABLE", 503)),
    ("login-bursts", lambda: failed_logins(20)),
    ("login-bursts", lambda: failed_logins(30, minutes_apart=5)),
]  # fmt: skip
