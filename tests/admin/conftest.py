"""A browser on the admin of a shop in which something has happened."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin import site
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import ConsoleMessage, Page, Request, Response

from audit.models import Anchoring, Checkpoint, CompletenessRun, ComplianceDay, ComplianceRule, SigningKey
from audit.sealing import seal
from audit.services import denial_count
from customers.services import customer_create, erasure_request
from inventory.models import Forecast, ForecastChunk, ForecastRun, Product, ReorderTarget, Supplier
from inventory.services import Delivered, GoingBack, purchase_receive, purchase_return
from orchestrator.health import worker_beat
from orchestrator.models import ImportedDocument
from pricing.models import DiscountApproval, PriceRecommendation, PriceRule
from pricing.services import price_change_schedule
from shop_assistant.accounts.limits import limit
from shop_assistant.accounts.lockout import attempt
from tests.conftest import PASSWORD
from tests.inventory.buying import offer, ordered, sent
from tests.inventory.making import lots_on_their_way, promised

UNHAPPY = "I am very unhappy."
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's chromium; the tests run as root in CI, where its sandbox does not work."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (apt-get install chromium): the admin is not tried in a browser")
    # Playwright's loop goes on running in this thread, and Django would refuse to use the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": arguments}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1400, "height": 1000}, "locale": "en-GB"}


class Visitor:
    """Somebody in the admin, and whatever the browser had to complain of."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def log_in(self, username: str) -> "Visitor":
        self.page.goto(f"{self.address}/admin/login/")
        self.page.fill("input[name=username]", username)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(f"{self.address}/admin/")
        return self

    def visit(self, path: str) -> int:
        """Go there; the answer's status."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        return answer.status

    def _console(self, message: ConsoleMessage) -> None:
        resource = message.location.get("url", "")
        if message.type in ("error", "warning") and not resource.endswith("/favicon.ico"):  # of Django's plain 403 page
            self.complaints.append(f"{self.page.url}: {message.type}: {message.text} ({resource})")

    def _request(self, request: Request) -> None:
        host = urlsplit(request.url).netloc
        if host and host != urlsplit(self.address).netloc:
            self.complaints.append(f"{self.page.url}: asked {host} for {request.url}")

    def _response(self, answer: Response) -> None:
        if answer.status >= 500:
            self.complaints.append(f"{answer.url}: {answer.status}")


@pytest.fixture
def visitor(live_server: Any, shop: None, users: Any, page: Page) -> Callable[[str], Visitor]:
    """`visitor("owner")` is logged in, in a browser."""
    return lambda role: Visitor(page, live_server.url).log_in(role)


@pytest.fixture
def busy(shop: None, api: Callable[[str], Any]) -> None:
    """At least one row of nearly every model of the admin."""
    clerk, owner = api("clerk"), api("owner")
    line = {"sku": "SKU001", "quantity": 12}
    PriceRule.objects.create(
        code="WELCOME", name="Welcome", kind="percent", value=Decimal(5), coupon="WELCOME", coupon_limit_per_customer=3
    )
    asked: list[tuple[Any, str, dict[str, Any]]] = [
        (clerk, "inventory/query", {"sku": "SKU001"}),
        (clerk, "inventory/query", {"sku": "NOSUCH"}),
        (clerk, "sales/sell", {"lines": [line], "customer_id": "CUST001", "coupon": "WELCOME"}),
        (clerk, "sales/return", {"order": "S-000021", "lines": [{"sku": "SKU001", "quantity": 1}]}),
        (clerk, "customer/support-ticket", {"customer_id": "CUST001", "subject": "Broken", "message": UNHAPPY}),
        (clerk, "inventory/update", {"sku": "SKU001", "delta": -25}),
        (owner, "inventory/count-open", {"location": "A-01-01"}),
        (clerk, "audit/log", {"event": "TILL_OPENED", "details": {"till": 2}}),
        (owner, "audit/compliance-check", {}),
    ]
    for number, (client, route, body) in enumerate(asked):
        assert client.post(f"/api/{route}", body, Idempotency_Key=f"key-{number}").status_code in (200, 404)
    assert clerk.post("/api/inventory/query", {}, Prefer="respond-async").status_code == 202
    _plan()
    limit("user:USER-CLERK", (600, 60))
    attempt(username="clerk", address="a" * 24)
    denial_count(code="PERMISSION_DENIED", user_id="USER-CLERK", address="a" * 24, route="api/audit/export")
    seal()
    Checkpoint.objects.create(size=1, root=b"\x01" * 32, note="a note")
    Anchoring.objects.create(size=1, root=b"\x01" * 32, kind="file", receipt="anchors.jsonl")
    SigningKey.objects.create(verifier="shop/audit+00000000+AA==", since_size=1)
    CompletenessRun.objects.create(
        began_at=timezone.now(), milliseconds=9, records=1, rows={"tasks": 1}, gaps=1,
        shown=[{"check": "tasks", "what": "task 1", "message": "is failed, but nothing of it was ever told"}],
    )  # fmt: skip


def _plan() -> None:
    """What the nightly jobs and the statistics leave behind."""
    product, today = Product.objects.get(sku="SKU001"), timezone.localdate()
    Forecast.objects.create(
        product=product, method="mean", kind="smooth", made_on=today, expected=40, low=20, high=60, daily=[1.5] * 28,
        quantiles={"days": [28], "expected": [42], "levels": [0.05, 0.95], "sums": [[20, 60]]},
        backtest={"wape": 0.2}, history={"days": 300, "sale_days": 90, "units": 400},
    )  # fmt: skip
    run = ForecastRun.objects.create(
        made_on=today, chunks_left=0, products=3, forecasts=1, reorder_points=1, finished_at=timezone.now()
    )
    ForecastChunk.objects.create(run=run, first_product=1, last_product=product.pk, done_at=timezone.now())
    ReorderTarget.objects.create(product=product, reorder_point=40, order_up_to=90, made_on=today)
    _traded(product)
    soon = timezone.now() + timedelta(days=3)
    price_change_schedule(product=product, new_price=Decimal(31), reason="rise", user_id="U", effective_at=soon)
    worker_beat("host:1", started_at=timezone.now())
    ComplianceDay.objects.create(day=today - timedelta(days=1), score=85, threshold=50, broken={"deep-discount": 2})
    ComplianceRule.objects.get(key="audit-chain").save()  # the first row of its history
    DiscountApproval.objects.create(
        rule=PriceRule.objects.get(code="RULE001"), percent=60, reason="end of the season", made_by="U", approved_by="V"
    )
    leaving = customer_create(public_id="CUST-LEAVING", name="Lea Wing")
    erasure_request(customer=leaving, ground="asked", reason="by letter", user_id="U")
    ImportedDocument.objects.create(number="536365", batch=1, lines=b"\x00" * 8, parts=1)
    PriceRecommendation.objects.create(
        product=product, objective="profit", current_price=Decimal("29.99"), recommended_price=32,
        evidence={"weeks": 30}, expected={"units": {"now": 10, "then": 9}}, proposed_by="U",
    )  # fmt: skip


def _traded(product: Product) -> None:
    """Lots, of which some are in transit, a reservation, and what a supplier offers, brought and got back."""
    lots_on_their_way()
    promised("V-009001", product)
    acme = Supplier.objects.get(code="ACME")
    offer(acme, product, "12.50")
    ordered(acme, (product, 10))
    order = sent(acme, (product, 10))
    with transaction.atomic():
        purchase_receive(order=order, delivered=[Delivered(product=product, quantity=Decimal(4))], user_id="U")
        purchase_return(
            order=order, items=[GoingBack(product=product, quantity=Decimal(1))], reason="broken", user_id="U"
        )


def registered() -> Iterator[tuple[str, Any, Any]]:
    """Each model of the admin: its label, itself and its admin."""
    for model, admin in sorted(site._registry.items(), key=lambda pair: pair[0]._meta.label):
        yield model._meta.label, model, admin


def list_page(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def detail_page(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
