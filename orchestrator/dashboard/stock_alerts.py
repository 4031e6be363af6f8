"""What about the stock wants attention, each line leading to where it is dealt with."""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format

from audit.admin_columns import list_of, may_view
from inventory.selectors.alerts import stock_alerts

PRODUCTS = "inventory.product"
LISTS: dict[str, tuple[str, dict[str, str]]] = {
    "out_of_stock": (PRODUCTS, {"stock": "none"}),
    "low": (PRODUCTS, {"stock": "low"}),
    "oversold": (PRODUCTS, {"stock": "oversold"}),
    "purchases": ("inventory.purchaseorder", {}),
    "transfers": ("inventory.transfer", {}),
}
"""The list that an alert is of, and how it is filtered; of the others the page on the stock's health tells."""
URGENT = ("out_of_stock", "oversold")


def alerts_tile(request: HttpRequest, now: datetime) -> dict[str, Any]:
    rows = [
        {
            "count": number_format(alert.count, force_grouping=True),
            "text": alert.text,
            "value": f"{number_format(alert.value, force_grouping=True)} {settings.SHOP_CURRENCY}"
            if alert.value
            else "",
            "urgent": alert.key in URGENT,
            "url": _address(request, alert.key),
        }
        for alert in stock_alerts(now=now)
    ]
    health = reverse("stock-health") if request.user.has_perm("agents.inventory.analysis") else None
    return {"rows": rows, "url": health}


def _address(request: HttpRequest, key: str) -> str | None:
    if key not in LISTS:
        may = request.user.has_perm("agents.inventory.analysis")
        return reverse("stock-health", query={"kind": key}) if may else None
    model, query = LISTS[key]
    seen = admin.site.is_registered(apps.get_model(model)) and may_view(request, model)
    return list_of(model, **query) if seen else None
