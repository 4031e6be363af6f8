"""What the dashboard's template shows to whom."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.timesince import timesince

from audit.admin_columns import COLOUR_OF, badge, linked, list_of, may_view, person
from audit.anchors.keeping import late
from audit.completeness import last_run
from audit.standing import refusal
from orchestrator.health import LATE_SECONDS, audit_lag, workers_seen
from shop_assistant.money import round_money

from . import figures
from .chart import bars
from .stock_alerts import alerts_tile

SHORTCUTS = (
    ("Sell", "sales", "sell"),
    ("Price", "pricing", "calculate"),
    ("New ticket", "customers", "create_ticket"),
)
"""What the counter does most: name, agent, operation."""
NARROW_DAYS = 14
"""So many of the days are drawn on a phone."""


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's DASHBOARD_CALLBACK."""
    now = timezone.now()
    tiles = {
        "sales": ("inventory.view_order", _sales),
        "stock": ("inventory.view_product", _stock),
        "alerts": ("inventory.view_product", alerts_tile),
        "tickets": ("customers.view_ticket", _tickets),
        "prices": ("pricing.view_pricechange", _prices),
        "tasks": ("orchestrator.view_taskstate", _tasks),
        "trail": ("audit.view_finding", _trail),
    }
    seen = {name: make(request, now) for name, (needed, make) in tiles.items() if request.user.has_perm(needed)}
    may = [(name, reverse("operation", args=[a, o])) for name, a, o in SHORTCUTS if _may_run(request, a, o)]
    return {**context, "title": settings.SHOP_NAME, "today": timezone.localdate(now), "tiles": seen, "shortcuts": may}


def _may_run(request: HttpRequest, agent: str, operation: str) -> bool:
    return bool(request.user.has_perm(f"agents.{agent}.{operation}"))


def _sales(request: HttpRequest, now: datetime) -> dict[str, Any]:
    today, days = figures.today_sales(now), figures.sales_days(timezone.localdate(now))
    currency = settings.SHOP_CURRENCY
    tile: dict[str, Any] = {
        "today": today,
        "sold": money(today.sold),
        "sold_then": money(today.sold_then),
        "whole_then": money(today.whole_then),
        "change": None if today.change is None else f"{today.change:+.0f} %",
        "sum": money(sum((day.sold for day in days), figures.ZERO)),
        "returned": money(sum((day.returned for day in days), figures.ZERO)),
        "orders": sum(day.orders for day in days),
        "url": list_of("inventory.order"),
        "currency": currency,
    }
    if tile["orders"]:
        tile["wide"] = bars(days, width=900, currency=currency)
        tile["narrow"] = bars(days[-NARROW_DAYS:], width=340, currency=currency)
    elif figures.is_new():
        tile["first_steps"] = _first_steps(request)
    return tile


def _first_steps(request: HttpRequest) -> list[tuple[str, str, str | None]]:
    """The first five things to do in an empty shop: what, why, and where, for those who may."""
    steps = [
        ("Bring your products", "a CSV or XLSX file, or one of Shopify, WooCommerce or Square",
         "inventory.add_product", reverse("import", args=["products"])),
        ("Bring your past sales", "forecasts and recommendations live on them",
         "inventory.add_order", reverse("import", args=["sales"])),
        ("Let your people in", "a user for each, with a role",
         "accounts.add_user", reverse("admin:accounts_user_add")),
        ("Make a price rule", "such as 10 % off from 10 pieces",
         "pricing.add_pricerule", reverse("admin:pricing_pricerule_add")),
        ("Sell something", "at the counter, or through the API",
         "agents.sales.sell", reverse("operation", args=["sales", "sell"])),
    ]  # fmt: skip
    return [(what, why, url if request.user.has_perm(needed) else None) for what, why, needed, url in steps]


def _stock(request: HttpRequest, now: datetime) -> dict[str, Any]:
    count, urgent = figures.low_stock()
    rows = [
        {
            "product": linked(request, product),
            "available": number_format(product.available.normalize()),
            "point": number_format(product.point.normalize()) if product.point else "none set",
            "cover": _cover(product),
        }
        for product in urgent
    ]
    return {"count": count, "rows": rows, "url": list_of("inventory.product", stock="low")}


def _cover(product: Any) -> Any:
    if product.available <= 0:
        return badge("sold out", "danger")
    if product.cover is None:
        return "sells too seldom to say"
    days = int(product.cover)
    text = "less than a day" if days < 1 else f"{days} day{'' if days == 1 else 's'}"
    return badge(text, "warning") if days < 7 else text


def _tickets(request: HttpRequest, now: datetime) -> dict[str, Any]:
    by_priority, oldest = figures.tickets_waiting()
    counts = [
        {"badge": badge(f"{count} {priority}", COLOUR_OF.get(priority, "")), "oldest": age(began, now)}
        for priority, (count, began) in by_priority.items()
    ]
    rows = [
        {
            "ticket": linked(request, ticket),
            "priority": badge(ticket.priority, COLOUR_OF.get(ticket.priority, "")),
            "customer": linked(request, ticket.customer) if ticket.customer else "unknown",
            "who": person(request, ticket.assigned_to) if ticket.assigned_to else "nobody yet",
            "age": age(ticket.created_at, now),
        }
        for ticket in oldest
    ]
    total = sum(count for count, _ in by_priority.values())
    return {"count": total, "counts": counts, "rows": rows, "url": list_of("customers.ticket", waiting="yes")}


def _prices(request: HttpRequest, now: datetime) -> dict[str, Any]:
    advised, coming = figures.prices_coming()
    rows = [
        {
            "change": linked(request, change, change.product.sku),
            "prices": f"{money(change.old_price)} → {money(change.new_price)}",
            "status": badge(change.get_status_display().split(":")[0], COLOUR_OF.get(change.status, "")),
            "when": "at once" if change.effective_at <= now else f"in {timesince(now, change.effective_at, depth=1)}",
        }
        for change in coming
    ]
    return {
        "rows": rows,
        "url": list_of("pricing.pricechange"),
        "advised": advised,
        "advised_url": list_of("pricing.pricerecommendation", status__exact="proposed"),
    }


def _tasks(request: HttpRequest, now: datetime) -> dict[str, Any]:
    failed, refused, newest = figures.tasks_failed(now)
    alive, silent = workers_seen()
    rows = [
        {
            "task": linked(request, task, f"{task.agent}: {task.operation}"),
            "error": badge(task.error_code.replace("_", " "), "danger" if task.ours else ""),
            "who": person(request, task.user_id),
            "age": age(task.finished_at or task.updated_at, now),
        }
        for task in newest
    ]
    return {
        "failed": failed,
        "refused": refused,
        "rows": rows,
        "url": list_of("orchestrator.taskstate", status__exact="failed"),
        "worker_alive": alive,
        "worker_seen": None if silent is None else age(now - timedelta(seconds=silent), now),
    }


def _trail(request: HttpRequest, now: datetime) -> dict[str, Any]:
    waiting, lag = audit_lag()
    by_severity = figures.findings_open()
    return {
        "waiting": waiting,
        "lag": "none" if not waiting else f"{lag} s" if lag < LATE_SECONDS else f"{lag // 60} min",
        "late": lag > LATE_SECONDS,
        "findings": sum(by_severity.values()),
        "counts": [badge(f"{count} {name}", COLOUR_OF.get(name, "")) for name, count in sorted(by_severity.items())],
        "url": list_of("audit.finding", status__exact="open"),
        "records_url": list_of("audit.auditrecord") if may_view(request, "audit.auditrecord") else None,
        "alerts": _trail_alerts(),
    }


def _trail_alerts() -> list[str]:
    last = last_run()
    gaps = [f"{last.gaps} gaps in the trail: manage.py audit_completeness names them."] if last and last.gaps else []
    try:
        refused, waiting = refusal(), late()
    except DatabaseError:
        return ["The audit database is away; events wait in the outbox.", *gaps]
    unanchored = [f"The anchor {kind} has not taken the newest checkpoint for long: see the log." for kind in waiting]
    return [*([refused] if refused else []), *gaps, *unanchored]


def age(moment: datetime, now: datetime) -> str:
    """In its largest unit, such as 3 days."""
    return timesince(moment, now, depth=1)


def money(amount: Any) -> str:
    return number_format(round_money(amount, settings.SHOP_CURRENCY), force_grouping=True)
