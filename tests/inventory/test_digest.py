"""The daily e-mail: once a day, at its time, whoever finds it due; nothing personal in it."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Outbox
from inventory.jobs import digest_when_due
from inventory.models import Digest, Location, PurchaseOrder, ReorderPolicy, StockLevel, Supplier, Transfer
from inventory.selectors.alerts import stock_alerts
from inventory.services.digest import digest_daily
from shop_assistant.agents import Role
from shop_assistant.agents.errors import ExternalServiceError
from tests.inventory.making import USER, line, location, noon, sell, stocked

pytestmark = pytest.mark.django_db
MORNING = noon(2026, 3, 2).replace(hour=7)
ADDRESS = "owner@example.com"


@pytest.fixture(autouse=True)
def _daily(settings: Any, time_machine: Any) -> None:
    settings.DIGEST_TO = ADDRESS
    time_machine.move_to(MORNING, tick=False)


def told() -> list[dict[str, Any]]:
    rows = Outbox.objects.filter(event="DIGEST_SENT").order_by("pk")
    return [json.loads(row.payload) for row in rows]


def test_once_a_day_from_its_time_on(mailoutbox: list[Any], time_machine: Any):
    stocked("EMPTY", 1)
    sell(line(StockLevel.objects.get().product))
    time_machine.move_to(MORNING - timedelta(minutes=1), tick=False)
    assert not digest_when_due(), "it is too early"
    time_machine.move_to(MORNING, tick=False)
    assert digest_when_due()
    assert not digest_when_due()
    (mail,) = mailoutbox
    assert mail.to == [ADDRESS]
    assert mail.subject == "The Little Widget Shop: stock on 2 March 2026"
    assert "1  out of stock" in mail.body
    assert "EMPTY  Product EMPTY: 0 available, sold out" in mail.body
    assert mail.extra_headers["Message-ID"] == "<2026-03-02@digest>"
    (event,) = told()
    assert (event["day"], event["daily"], event["alerts"]) == ("2026-03-02", True, {"out_of_stock": 1})
    assert ADDRESS not in json.dumps(event)
    time_machine.move_to(MORNING + timedelta(days=1), tick=False)
    assert digest_when_due()
    assert len(mailoutbox) == 2


def test_nobody_gets_it_unless_named(settings: Any, mailoutbox: list[Any]):
    settings.DIGEST_TO = ""
    assert not digest_when_due()
    assert mailoutbox == []
    assert not Digest.objects.exists()


def test_a_mail_server_away_is_tried_again_later(settings: Any, mailoutbox: list[Any], time_machine: Any):
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 1,
    )  # fmt: skip
    with pytest.raises(ExternalServiceError, match="EMAIL_HOST"):
        digest_when_due()
    settings.EMAIL_BACKEND = working
    assert not digest_when_due(), "another worker may be sending it"
    time_machine.shift(timedelta(minutes=11))
    assert digest_when_due()
    assert len(mailoutbox) == len(told()) == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_one(mailoutbox: list[Any]):
    def worker(_: int) -> bool:
        try:
            return digest_daily(now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        sent = list(pool.map(worker, range(6)))
    assert sorted(sent) == [False] * 5 + [True]
    assert len(mailoutbox) == len(told()) == Digest.objects.exclude(sent_at=None).count() == 1


def test_the_command(mailoutbox: list[Any], settings: Any):
    out = StringIO()
    call_command("inventory_digest", dry_run=True, stdout=out)
    assert out.getvalue().startswith("Subject: The Little Widget Shop: stock on 2 March 2026\n\nNothing needs doing.")
    assert (mailoutbox, told()) == ([], [])
    call_command("inventory_digest", to="manager@example.com", stdout=StringIO())
    assert mailoutbox[0].to == ["manager@example.com"]
    assert told()[0]["daily"] is False
    assert digest_when_due(), "the daily one is sent all the same"
    with pytest.raises(CommandError, match="no e-mail address"):
        call_command("inventory_digest", "--to=manager")
    settings.DIGEST_TO = ""
    with pytest.raises(CommandError, match="DIGEST_TO") as caught:
        call_command("inventory_digest")
    assert caught.value.returncode == 2


def test_every_alert(users: dict[Role, Any], client: Client):
    made = stocked("A", 5)
    StockLevel.objects.filter(product=made).update(on_hand=-1, oversold=True)
    late = timezone.now() - timedelta(days=8)
    there = Location.objects.get(code="A-01-01")
    Transfer.objects.create(reference="TR-1", source=there, destination=location("B-1"), sent_at=late, user_id=USER)
    supplier = Supplier.objects.create(code="S", name="S")
    PurchaseOrder.objects.create(
        reference="PO-1", supplier=supplier, status="sent", currency="GBP", sent_at=late, approved_at=late,
        expected_on=timezone.localdate() - timedelta(days=1), user_id=USER,
    )  # fmt: skip
    ReorderPolicy.objects.create(product=stocked("LOW", 3), reorder_point=3)
    found = {alert.key: alert.count for alert in stock_alerts(now=timezone.now())}
    assert found == {"out_of_stock": 1, "low": 1, "oversold": 1, "purchases": 1, "transfers": 1}
    client.force_login(users[Role.CLERK])
    page = client.get("/admin/").content.decode()
    assert "Stock to look after" in page
    assert reverse("admin:inventory_product_changelist", query={"stock": "oversold"}) in page
    assert client.get(reverse("admin:inventory_product_changelist"), {"stock": "oversold"}).status_code == 200
