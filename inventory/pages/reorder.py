"""What to order now and why: tick, change quantities, and make drafts of it."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget

from audit.admin_base import told
from audit.admin_columns import link, list_of, page_of
from inventory.models import Product, Supplier
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError
from shop_assistant.agents.fields import json_number

from .value import money

MAY_LOOK = "agents.inventory.reorder"
MAY_ORDER = "agents.inventory.reorder.create"
SHOWN = 50
"""Lines on one page."""
LEVELS = ("0.8", "0.9", "0.95", "0.975", "0.99")
ALL = ""


class LookForm(forms.Form):
    """What to look at; the fields of inventory.reorder."""

    supplier = forms.ModelChoiceField(
        queryset=Supplier.objects.filter(active=True),
        required=False,
        to_field_name="code",
        empty_label="all",
        widget=UnfoldAdminSelectWidget,
    )
    service_level = forms.ChoiceField(
        choices=[(ALL, "as set"), *((level, f"{float(level):.1%}".replace(".0", "")) for level in LEVELS)],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    budget = forms.DecimalField(
        min_value=Decimal("0.01"),
        max_digits=11,
        decimal_places=2,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"placeholder": "no limit"}),
    )
    objective = forms.ChoiceField(
        label="spent for",
        choices=[("margin", "the most margin"), ("fill_rate", "the most units served")],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    def asked(self) -> dict[str, Any]:
        given = self.cleaned_data
        asked: dict[str, Any] = {}
        if given["supplier"]:
            asked["supplier"] = given["supplier"].code
        if given["service_level"]:
            asked["service_level"] = float(given["service_level"])
        if given["budget"]:
            asked |= {"budget": json_number(given["budget"]), "objective": given["objective"] or "margin"}
        return asked


def reorder_page(request: HttpRequest) -> HttpResponse:
    """GET: the list. POST: drafts of the lines that are ticked, or of all that is suggested."""
    if not request.user.has_perm(MAY_LOOK):
        raise PermissionDenied
    may_order = request.user.has_perm(MAY_ORDER)
    entered: dict[str, str] = {}
    form = LookForm(request.GET)
    if request.method == "POST":
        if not may_order:
            raise PermissionDenied
        if _order(request, form):
            return redirect("reorder")
        entered = {name: value for name, value in request.POST.items() if isinstance(value, str)}
    answer = _asked(request, form.asked()) if form.is_valid() else None
    page = {**admin.site.each_context(request), "title": "Reorder review", "form": form, "may_order": may_order}
    if answer is not None:
        page |= _shown(request, answer, entered, may_order)
    return render(request, "stock/reorder.html", page)


def _asked(request: HttpRequest, payload: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return call("inventory", "reorder", payload, user=request.user, channel="admin")
    except AgentError as error:
        messages.error(request, told(error))
        return None


def _order(request: HttpRequest, form: LookForm) -> bool:
    """Make drafts; whether it was accepted."""
    if "all" in request.POST:
        if not form.is_valid():
            messages.error(request, "Say first what to look at.")
            return False
        wanted = form.asked()
    else:
        try:
            wanted = {"lines": list(_lines(request))}
        except ValueError as error:
            messages.error(request, str(error))
            return False
        if not wanted["lines"]:
            messages.error(request, "Tick what is to be ordered.")
            return False
    made = _asked(request, {**wanted, "create": True})
    if made is None:
        return False
    if not made["purchase_orders"]:
        messages.warning(request, "Nothing had to be ordered any more.")
        return True
    orders = format_html_join(
        ", ", "{}", ((link(list_of("inventory.purchaseorder", q=name), name),) for name in made["purchase_orders"])
    )
    messages.success(request, format_html("Drafted: {}. They are approved and sent from there.", orders))
    return True


def _lines(request: HttpRequest) -> Iterator[dict[str, Any]]:
    """:raises ValueError: for a quantity that is no number."""
    for sku in request.POST.getlist("sku"):
        typed = request.POST.get(f"quantity_{sku}", "")
        try:
            quantity, known = Decimal(typed), Decimal(request.POST.get(f"on_order_{sku}", ""))
        except InvalidOperation:
            raise ValueError(f"{sku}: how many? {typed[:20]!r} is no number.") from None
        if not quantity.is_finite() or not known.is_finite():
            raise ValueError(f"{sku}: how many?")
        yield {"sku": sku, "quantity": json_number(quantity), "expected_on_order": json_number(known)}


def _shown(request: HttpRequest, answer: dict[str, Any], entered: dict[str, str], may_order: bool) -> dict[str, Any]:
    items, plan = answer["items"], answer["cash_plan"]
    page = Paginator(items, SHOWN).get_page(request.GET.get("page"))
    products = dict(Product.objects.filter(sku__in=[item["sku"] for item in page]).values_list("sku", "pk"))
    ticked = set(request.POST.getlist("sku")) if entered else None
    lines = [
        _line(item, page_of(request, "inventory.product", products[item["sku"]]), entered, ticked) for item in page
    ]
    return {
        "lines": lines,
        "page": page,
        "query": urlencode({name: value for name, value in request.GET.items() if name != "page"}),
        "suppliers": _suppliers(items),
        "total": _money(sum((Decimal(str(item["cost"])) for item in items if item["cost"] is not None), Decimal(0))),
        "unpriced": sum(item["cost"] is None for item in items),
        "plan": plan and _plan(plan),
        "skipped": answer["skipped"],
        "complete": answer["complete"],
        "orderable": sum(item["supplier"] is not None for item in items) if may_order else 0,
    }


def _line(
    item: dict[str, Any], address: str | None, entered: dict[str, str], ticked: set[str] | None
) -> dict[str, Any]:
    sku, evidence = item["sku"], item["evidence"]
    runs_out = item["runs_out_on"]
    reason, *more = item["reason"].split(". ")
    return {
        **item,
        "name": _named(item, address),
        "quantity": entered.get(f"quantity_{sku}", item["quantity"]),
        "step": 1 if float(item["pack_size"]).is_integer() else "any",
        "ticked": bool(item["supplier"]) if ticked is None else sku in ticked,
        "runs_out": date_format(date.fromisoformat(runs_out), "j M") if runs_out else "",
        "out_now": item["available"] <= 0,
        "cost_told": None if item["cost"] is None else _money(item["cost"]),
        "unit_told": None if item["unit_cost"] is None else _money(item["unit_cost"]),
        "why": reason,
        "more": more,
        "suggested": evidence["suggested"],
        "expiry": evidence["expected_expiry"] and number_format(evidence["expected_expiry"], 1),
    }


def _named(item: dict[str, Any], address: str | None) -> SafeString | str:
    name = f"{item['sku']} {item['product_name']}"
    return link(address, name) if address else name


def _suppliers(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines and money of each, the most expensive first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        found.setdefault(item["supplier"] or "without a supplier", []).append(item)
    sums = {name: sum(Decimal(str(item["cost"] or 0)) for item in of) for name, of in found.items()}
    return [
        {"name": name, "lines": len(found[name]), "cost": _money(sums[name])}
        for name in sorted(found, key=lambda name: -sums[name])
    ]


def _plan(plan: dict[str, Any]) -> dict[str, Any]:
    brings = (
        f"{_money(plan['expected'])} of margin"
        if plan["objective"] == "margin"
        else f"{plan['expected']:g} units served"
    )
    return {
        "spent": _money(plan["spent"]),
        "budget": _money(plan["budget"]),
        "unspent": _money(plan["unspent"]),
        "whole": _money(plan["whole_cost"]),
        "brings": brings,
        "left_out": plan["left_out"],
    }


def _money(amount: Any) -> str:
    return f"{money(Decimal(str(amount)))} {settings.SHOP_CURRENCY}"
