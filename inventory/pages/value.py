"""What the stock is worth over time, and what each category brings in."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format

from audit.admin_columns import moment
from inventory.models import StockValueMonth
from inventory.selectors.statements import Margin, margin_of, value_months
from shop_assistant.money import round_money

from .charts import Bar, Column, columns, shares

MAY_VALUE = "agents.inventory.valuation"
SHOWN, NARROW = 13, 6
"""Months drawn, and on a phone."""
ZERO = Decimal(0)
LINES = ("opening", "purchases", "cogs", "write_offs", "counts", "adjustments", "closing")


def value_page(request: HttpRequest) -> HttpResponse:
    """From the months that the worker has stored; `?month=2026-10` looks at the margins of one of them."""
    if not request.user.has_perm(MAY_VALUE):
        raise PermissionDenied
    months = value_months(most=SHOWN)
    chosen = next((m for m in months if f"{m.month:%Y-%m}" == request.GET.get("month")), None)
    page: dict[str, Any] = {**admin.site.each_context(request), "title": "Stock value", "months": months[::-1]}
    if months:
        page |= _page(months, chosen)
    return render(request, "stock/value.html", page)


def _page(months: Sequence[StockValueMonth], chosen: StockValueMonth | None) -> dict[str, Any]:
    now = months[-1]
    margins = _margins([chosen] if chosen else months[-12:])
    whole = margin_of(margins.values())
    rows = [
        {
            "month": date_format(found.month, "F Y"),
            "key": f"{found.month:%Y-%m}",
            "chosen": found is chosen,
            "amounts": [money(getattr(found, name)) for name in LINES],
        }
        for found in reversed(months)
    ]
    return {
        "rows": rows,
        "now": {"value": money(now.closing), "cogs": money(now.cogs), "estimated": money(now.estimated)},
        "margin": _told(Margin(now.revenue, _cost(now))),
        "month": date_format(now.month, "F"),
        "as_of": moment(now.made_at),
        "old": timezone.localdate(now.made_at) < timezone.localdate(),
        "method": "weighted average" if now.method == "average" else "first in, first out",
        "currency": settings.SHOP_CURRENCY,
        "wide": _value_chart(months, 900),
        "narrow": _value_chart(months[-NARROW:], 340),
        "span": date_format(chosen.month, "F Y") if chosen else f"the last {min(len(months), 12)} months",
        "one_month": chosen is not None,
        "categories": [{"name": name or "without", **_told(margin)} for name, margin in margins.items()],
        "whole": _told(whole),
        "margin_wide": _margin_chart(margins, 480),
        "margin_narrow": _margin_chart(margins, 340),
        "any_period": reverse("operation", args=["inventory", "valuation"]),
    }


def _margins(months: Sequence[StockValueMonth]) -> dict[str, Margin]:
    """By category, the largest revenue first."""
    parts: dict[str, list[Margin]] = {}
    for found in months:
        for name, told in found.categories.items():
            parts.setdefault(name, []).append(Margin(Decimal(told["revenue"]), Decimal(told["cost"])))
    sums = {name: margin_of(each) for name, each in parts.items()}
    some = {name: margin for name, margin in sums.items() if margin.revenue or margin.cost}
    return dict(sorted(some.items(), key=lambda pair: (-pair[1].revenue, pair[0])))


def _cost(found: StockValueMonth) -> Decimal:
    return sum((Decimal(told["cost"]) for told in found.categories.values()), ZERO)


def _told(margin: Margin) -> dict[str, Any]:
    return {
        "revenue": money(margin.revenue),
        "cost": money(margin.cost),
        "margin": money(margin.margin),
        "percent": "-" if margin.percent is None else f"{margin.percent:.1f}",
        "loss": margin.margin < 0,
    }


def _value_chart(months: Sequence[StockValueMonth], width: int) -> Any:
    currency = settings.SHOP_CURRENCY
    found = [
        Column(_short(m.month), m.closing, f"{date_format(m.month, 'F Y')}: {money(m.closing)} {currency}")
        for m in months
    ]
    return columns(found, width=width, label=f"Stock value by month, in {currency}: {found[-1].told} at the end")


def _margin_chart(margins: dict[str, Margin], width: int) -> Any:
    bars = [
        Bar(
            name or "without", margin.revenue, margin.margin,
            f"{name or 'without'}: revenue {money(margin.revenue)}, margin {money(margin.margin)}",
        )
        for name, margin in list(margins.items())[:10]
    ]  # fmt: skip
    return shares(bars, width=width, label="Revenue and margin by category") if bars else ""


def _short(month: date) -> str:
    return date_format(month, "M y" if month.month == 1 else "M")


def money(amount: Decimal) -> str:
    return number_format(round_money(amount, settings.SHOP_CURRENCY), force_grouping=True)
