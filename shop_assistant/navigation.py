"""The admin's side bar, in the order in which a shop works. Each user sees what they may look at."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

PAGES = {
    "Counter": [
        ("Products", "inventory.product", "sell"),
        ("Stock levels", "inventory.stocklevel", "shelves"),
        ("Orders", "inventory.order", "receipt_long"),
        ("Returns", "inventory.orderreturn", "undo"),
        ("Customers", "customers.customer", "person"),
        ("Tickets", "customers.ticket", "support_agent"),
        ("Erasures", "customers.erasurerequest", "person_remove"),
    ],
    "Prices": [
        ("Price rules", "pricing.pricerule", "percent"),
        ("Planned prices", "pricing.pricechange", "event"),
        ("Recommendations", "pricing.pricerecommendation", "lightbulb"),
        ("Coupons used", "pricing.couponredemption", "confirmation_number"),
        ("Discounts approved", "pricing.discountapproval", "verified"),
    ],
    "Stock room": [
        ("Movements", "inventory.stockmovement", "swap_horiz"),
        ("Reservations", "inventory.reservation", "bookmark"),
        ("Transfers", "inventory.transfer", "move_down"),
        ("Lots", "inventory.lot", "qr_code_2"),
        ("Count sheets", "inventory.countsheet", "fact_check"),
        ("Purchase orders", "inventory.purchaseorder", "local_shipping"),
        ("Deliveries", "inventory.receipt", "inventory"),
        ("Sent back", "inventory.supplierreturn", "assignment_return"),
        ("Forecasts", "inventory.forecast", "trending_up"),
        ("Forecast runs", "inventory.forecastrun", "history_toggle_off"),
        ("Reorder policies", "inventory.reorderpolicy", "rule"),
        ("Suppliers", "inventory.supplier", "factory"),
        ("Suppliers' offers", "inventory.supplierproduct", "request_quote"),
        ("Categories", "inventory.category", "category"),
        ("Locations", "inventory.location", "pin_drop"),
        ("Warehouses", "inventory.warehouse", "warehouse"),
    ],
    "Loyalty": [
        ("Points ledger", "customers.loyaltyentry", "stars"),
        ("Interactions", "customers.interaction", "forum"),
        ("Moods", "customers.sentimentscore", "mood"),
    ],
    "Trail": [
        ("Audit records", "audit.auditrecord", "history"),
        ("Outbox", "audit.outbox", "outbox"),
        ("Checkpoints", "audit.checkpoint", "verified_user"),
        ("Anchorings", "audit.anchoring", "anchor"),
        ("Completeness", "audit.completenessrun", "rule"),
        ("Tasks", "orchestrator.taskstate", "task"),
        ("Workers", "orchestrator.worker", "engineering"),
        ("Refused calls", "audit.denial", "block"),
        ("Findings", "audit.finding", "flag"),
        ("Compliance rules", "audit.compliancerule", "gavel"),
        ("Judged days", "audit.complianceday", "calendar_month"),
    ],
    "Access": [
        ("Users", "accounts.user", "group"),
        ("Roles", "auth.group", "badge"),
        ("Logins", "accounts.loginsession", "login"),
        ("Failed logins", "accounts.loginattempts", "lock_clock"),
        ("Keys", "vault.subjectkey", "key"),
        ("Retention periods", "vault.retentionperiod", "auto_delete"),
    ],
}

OVERVIEWS = (
    ("Reorder review", "add_shopping_cart", "reorder", "agents.inventory.reorder"),
    ("Stock value", "savings", "stock-value", "agents.inventory.valuation"),
    ("Stock health", "monitor_heart", "stock-health", "agents.inventory.analysis"),
    ("Compliance", "fact_check", "compliance", "agents.audit.compliance_report"),
    ("Audit", "policy", "trail", "agents.audit.query"),
)
"""Pages that are no list of a model: title, icon, name of the address, permission."""


def icon(request: HttpRequest) -> str:
    """A violet shop front, within the page, so that browsers need not ask for one."""
    return (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E"
        "%3Cpath fill='%239810fa' d='M1 1h6l1 2H0zM1 4h6v4H5V5H3v3H1z'/%3E%3C/svg%3E"
    )


def styles(request: HttpRequest) -> str:
    """What unfold's own style sheet leaves to be said."""
    return static("orchestrator/admin.css")


def account(request: HttpRequest) -> list[dict[str, str]]:
    """What users may do about their own login."""
    return [
        {"title": "Change password", "link": reverse("admin:password_change")},
        {"title": "Second factor", "link": reverse("second-factor")},
    ]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    operations = {"title": "Operations", "icon": "bolt", "link": reverse("operations")}
    exports = {"title": "Exports", "icon": "download", "link": reverse("exports")}
    overseen = [
        {"title": title, "icon": icon, "link": reverse(name)}
        for title, icon, name, permission in OVERVIEWS
        if request.user.has_perm(permission)
    ]
    groups: list[dict[str, Any]] = [{"items": [operations, exports, *overseen]}]
    for title, pages in PAGES.items():
        items = [
            {"title": name, "icon": icon, "link": reverse(f"admin:{model.replace('.', '_')}_changelist")}
            for name, model, icon in pages
            if request.user.has_perm("{}.view_{}".format(*model.split(".")))
        ]
        if items:
            groups.append({"title": title, "separator": True, "collapsible": False, "items": items})
    return groups
