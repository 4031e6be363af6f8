"""A request for every operation that succeeds on the shop of the examples, and who may send it (contract.md)."""

from typing import Any

from shop_assistant.agents import Role

OWNER, MANAGER, CLERK, AUDITOR, SERVICE = Role.OWNER, Role.MANAGER, Role.CLERK, Role.AUDITOR, Role.SERVICE
ANY_STAFF = {OWNER, MANAGER, CLERK, AUDITOR}
COUNTER = {OWNER, MANAGER, CLERK}
MANAGEMENT = {OWNER, MANAGER}

Case = tuple[str, dict[str, Any]]

PAYLOADS: dict[str, dict[str, Any]] = {
    "inventory.query": {"sku": "SKU001"},
    "inventory.update": {"sku": "SKU001", "delta": 1, "reason": "delivery"},
    "inventory.forecast": {"sku": "SKU003"},
    "inventory.reorder": {"sku": "SKU003"},
    "pricing.calculate": {"sku": "SKU001", "quantity": 10},
    "pricing.apply_discount": {"sku": "SKU001", "quantity": 10, "rule_id": "RULE001"},
    "pricing.recommend": {"sku": "SKU003"},
    "pricing.rules": {},
    "pricing.approve": {"change_id": 9001},
    "pricing.decline": {"change_id": 9002},
    "pricing.approve_discount": {"rule_id": "RULE001", "percent": 60, "reason": "end of the season"},
    "audit.log": {"event": "TILL_OPENED", "details": {"till": 2}},
    "audit.query": {"limit": 5},
    "audit.compliance_check": {},
    "audit.compliance_report": {},
    "audit.findings": {},
    "audit.answer_finding": {"finding_id": 9001, "status": "explained", "why": "a wrong price tag"},
    "audit.export": {"format": "jsonl"},
    "customers.query_customer": {"customer_id": "CUST001"},
    "customers.create_ticket": {"customer_id": "CUST001", "subject": "Widget broken", "message": "It is broken."},
    "customers.reply_ticket": {"ticket_id": "T-WAITING", "message": "A new one is on its way."},
    "customers.get_recommendations": {"customer_id": "CUST001"},
    "customers.loyalty": {"customer_id": "CUST001"},
    "customers.export_data": {"customer_id": "CUST001", "reason": "asked for by letter"},
    "customers.request_erasure": {"customer_id": "CUST001", "reason": "asked for by letter"},
    "customers.erase": {"request": "E-000001"},
    "sales.sell": {"lines": [{"sku": "SKU001", "quantity": 2}], "customer_id": "CUST001"},
    "sales.return": {"order": "S-000001"},
}
AGAIN: dict[str, dict[str, Any]] = {
    "pricing.approve": {"change_id": 9003},
    "pricing.decline": {"change_id": 9004},
    "sales.return": {"order": "S-000002"},
}
"""Payloads of what can't be done to the same thing twice."""

MAY: dict[str, set[Role]] = {
    "inventory.query": ANY_STAFF,
    "inventory.update": COUNTER,
    "inventory.forecast": ANY_STAFF,
    "inventory.reorder": ANY_STAFF,
    "pricing.calculate": ANY_STAFF,
    "pricing.apply_discount": ANY_STAFF,
    "pricing.recommend": MANAGEMENT,
    "pricing.rules": ANY_STAFF,
    "pricing.approve": MANAGEMENT,
    "pricing.decline": MANAGEMENT,
    "pricing.approve_discount": MANAGEMENT,
    "audit.log": ANY_STAFF | {SERVICE},
    "audit.query": {OWNER, AUDITOR},
    "audit.compliance_check": {OWNER, MANAGER, AUDITOR},
    "audit.compliance_report": {OWNER, MANAGER, AUDITOR},
    "audit.findings": {OWNER, MANAGER, AUDITOR},
    "audit.answer_finding": {OWNER, MANAGER, AUDITOR},
    "audit.export": {OWNER, AUDITOR},
    "customers.query_customer": COUNTER,
    "customers.create_ticket": COUNTER,
    "customers.reply_ticket": COUNTER,
    "customers.get_recommendations": COUNTER,
    "customers.loyalty": COUNTER,
    "customers.export_data": MANAGEMENT,
    "customers.request_erasure": MANAGEMENT,
    "customers.erase": MANAGEMENT,
    "sales.sell": COUNTER,
    "sales.return": COUNTER,
}

RESTRICTED: dict[str, tuple[str, dict[str, Any], set[Role]]] = {
    "inventory.reorder.create": ("inventory.reorder", {"create": True}, MANAGEMENT),
    "customers.loyalty.adjust": (
        "customers.loyalty",
        {"customer_id": "CUST001", "operation": "adjust", "points": 5, "reason": "goodwill"},
        MANAGEMENT,
    ),
    "audit.answer_finding.decide": (
        "audit.answer_finding",
        {"finding_id": 9001, "status": "accepted", "why": "agreed with the supplier"},
        MANAGEMENT,
    ),
}

ROUTES: dict[str, str] = {
    "inventory.query": "/api/inventory/query",
    "inventory.update": "/api/inventory/update",
    "inventory.forecast": "/api/inventory/forecast",
    "inventory.reorder": "/api/inventory/reorder",
    "pricing.calculate": "/api/pricing/calculate",
    "pricing.apply_discount": "/api/pricing/apply-discount",
    "pricing.recommend": "/api/pricing/recommend",
    "pricing.rules": "/api/pricing/rules",
    "pricing.approve": "/api/pricing/approve",
    "pricing.decline": "/api/pricing/decline",
    "pricing.approve_discount": "/api/pricing/approve-discount",
    "audit.log": "/api/audit/log",
    "audit.compliance_check": "/api/audit/compliance-check",
    "audit.compliance_report": "/api/audit/compliance-report",
    "audit.findings": "/api/audit/findings",
    "audit.answer_finding": "/api/audit/answer-finding",
    "audit.export": "/api/audit/export",
    "customers.query_customer": "/api/customer/profile",
    "customers.create_ticket": "/api/customer/support-ticket",
    "customers.reply_ticket": "/api/customer/ticket-reply",
    "customers.get_recommendations": "/api/customer/recommendations",
    "customers.loyalty": "/api/customer/loyalty",
    "customers.export_data": "/api/customer/export-data",
    "customers.request_erasure": "/api/customer/request-erasure",
    "customers.erase": "/api/customer/erase",
    "sales.sell": "/api/sales/sell",
    "sales.return": "/api/sales/return",
}
"""As the contract writes them; audit.query is GET /api/ai/audit."""

PAGES = {"inventory": "Inventory", "pricing": "Pricing", "audit": "Audit", "customers": "Customer", "sales": "Sales"}


def general(label: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The body of POST /api/ai/query for this operation."""
    agent, name = label.split(".")
    return {"page": PAGES[agent], "action_type": "query", "ui_payload": {"action": name, **payload}, **more}
