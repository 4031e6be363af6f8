"""What matters, what swings, what lies dead, too much or too little of."""

from datetime import date
from decimal import Decimal
from typing import Any, get_args

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from audit.admin_columns import badge, link, neat, page_of
from inventory.selectors.analysis import Look, details
from inventory.selectors.health import ABC, XYZ, Health, Kind, stock_health

from .value import money

MAY_ANALYSE = "agents.inventory.analysis"
PAGE, SHORT = 50, 8
TITLES: dict[Kind, str] = {
    "all": "Products",
    "stock_out": "Runs out first",
    "dead": "Lies dead",
    "overstock": "Too much of it",
    "expiring": "Expires",
}
EMPTY: dict[Kind, str] = {
    "all": "There is none.",
    "stock_out": "Nothing that sells runs out.",
    "dead": "Nothing lies dead.",
    "overstock": "There is not too much of anything.",
    "expiring": "Nothing expires soon.",
}


def health_page(request: HttpRequest) -> HttpResponse:
    """`?kind=`, `?abc=` and `?xyz=` show the products of a list or a cell; `?from=` its later pages."""
    if not request.user.has_perm(MAY_ANALYSE):
        raise PermissionDenied
    today = timezone.localdate()
    health = stock_health(today=today)
    asked = request.GET
    kind = asked.get("kind") if asked.get("kind") in get_args(Kind) else "all"
    abc, xyz = (asked.get(name) if asked.get(name) in known else None for name, known in (("abc", ABC), ("xyz", XYZ)))
    page: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Stock health",
        "currency": settings.SHOP_CURRENCY,
        "terms": health.terms,
        "tiles": _tiles(health),
        "matrix": _matrix(health, abc, xyz),
        "matrix_heads": ("X steady", "Y uneven", "Z erratic"),
        "lists": _lists(request, health, today),
    }
    if kind != "all" or abc or xyz:
        page |= {"lists": [_list(request, health, kind, abc, xyz, today)], "chosen": True}
    return render(request, "stock/health.html", page)


def _tiles(health: Health) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for kind in ("dead", "overstock", "expiring"):
        found = health.asked(kind)
        value = f"{money(health.value_of(kind, found))} {settings.SHOP_CURRENCY}"
        made.append({"title": TITLES[kind], "count": len(found), "told": value, "url": address(kind=kind)})
    out = {"title": "Out of stock", "count": health.out_of_stock, "told": "for sale, and nothing there"}
    return [{**out, "url": reverse("admin:inventory_product_changelist", query={"stock": "none"})}, *made]


def _matrix(health: Health, abc: str | None, xyz: str | None) -> list[dict[str, Any]]:
    cells = health.matrix
    whole = sum((cell.revenue for cell in cells.values()), Decimal(0))
    return [
        {
            "name": row,
            "cells": [
                {
                    "count": cells[row, column].products,
                    "value": money(cells[row, column].value),
                    "share": f"{cells[row, column].revenue / whole * 100:.0f} %" if whole > 0 else "-",
                    "url": address(abc=row, xyz=column),
                    "chosen": (abc, xyz) == (row, column),
                }
                for column in XYZ
            ],
        }
        for row in ABC
    ]


def _lists(request: HttpRequest, health: Health, today: date) -> list[dict[str, Any]]:
    kinds: tuple[Kind, ...] = ("stock_out", "dead", "overstock")
    return [_list(request, health, kind, None, None, today, most=SHORT) for kind in kinds]


def _list(
    request: HttpRequest, health: Health, kind: Any, abc: str | None, xyz: str | None, today: date, *, most: int = PAGE
) -> dict[str, Any]:
    found = health.asked(kind, abc=abc, xyz=xyz)
    given = request.GET.get("from", "")
    start = int(given) if given.isascii() and given.isdigit() and len(given) < 8 and most == PAGE else 0
    shown = found[start : start + most]
    details(shown, today=today)
    words = [TITLES[kind], f"{abc or 'any'}{xyz or ''}" if abc or xyz else ""]
    asked = {name: value for name, value in (("kind", kind), ("abc", abc), ("xyz", xyz)) if value}
    rest = len(found) > start + most
    return {
        "title": ", ".join(filter(None, words)),
        "count": len(found),
        "value": "" if kind == "stock_out" else money(health.value_of(kind, found)),
        "rows": [_row(request, look, kind, today) for look in shown],
        "empty": EMPTY[kind],
        "all": address(**asked) if rest and most == SHORT else None,
        "next": address(**asked, **{"from": start + most}) if rest and most == PAGE else None,
        "wide": most == PAGE,
    }


def _row(request: HttpRequest, look: Look, kind: Any, today: date) -> dict[str, Any]:
    page = page_of(request, "inventory.product", look.key)
    return {
        "product": link(page, look.sku) if page else look.sku,
        "name": look.name,
        "class": f"{look.abc}{look.xyz}",
        "on_hand": neat(look.on_hand, 3),
        "value": money(look.excess_value if kind == "overstock" else look.value),
        "cover": _cover(look, today),
        "last_sale": date_format(look.last_sale, "j M Y") if look.last_sale else "never",
        "note": _note(look),
    }


def _cover(look: Look, today: date) -> Any:
    if look.available <= 0:
        return badge("sold out", "danger")
    if look.stock_out is None:
        return "no end in sight"
    days = (look.stock_out - today).days
    told = f"until {date_format(look.stock_out, 'j M' if days < 300 else 'j M Y')}"
    return badge(told, "warning") if days < 7 else told


def _note(look: Look) -> Any:
    if look.dead:
        return badge("dead")
    if look.expiring > 0:
        return badge(f"{neat(look.expiring, 3)} expire", "warning")
    return f"{neat(look.excess.quantize(Decimal(1)), 3)} too many" if look.excess >= 1 else ""


def address(**query: Any) -> str:
    return reverse("stock-health", query=query or None)
