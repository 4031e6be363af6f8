"""The admin's pages of exports: forms filled in by their address, and files to download."""

import csv
import io
import json

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from audit.models import Denial, Outbox
from orchestrator.exporting.datasets import DATASETS
from shop_assistant.agents import Role
from tests.exporting.conftest import CANARIES, NAME
from tests.exporting.test_filters import MAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("traded")]


@pytest.fixture
def owner(client, users) -> Client:
    client.force_login(users[Role.OWNER])
    return client


def page(name: str) -> str:
    return reverse("export", args=[name])


@pytest.mark.parametrize("role", [Role.CLERK, Role.AUDITOR])
def test_each_role_sees_what_it_may_export(role: Role, client, users):
    client.force_login(users[role])
    listed = client.get(reverse("exports")).content.decode()
    for name in DATASETS:
        allowed = role.value in MAY[name]
        assert (f'href="{page(name)}"' in listed) is allowed
        assert client.get(page(name)).status_code == (200 if allowed else 404)
        assert client.post(page(name), {"format": "csv"}).status_code == (200 if allowed else 404)


def test_nobody_gets_in_without_a_login(client):
    for address in (reverse("exports"), page("inventory")):
        assert client.get(address).url.startswith("/admin/login/")
        assert client.post(address, {"format": "csv"}).status_code == 302
    assert not Outbox.objects.filter(event__startswith="DATA_").exists()


def test_a_form_is_filled_in_by_its_address_and_takes_nothing_out(owner):
    shown = owner.get(
        page("movements") + "?format=xlsx&from=2024-01-01&kind=sale&sku=SKU001&nonsense=1"
    ).content.decode()
    assert '<option value="xlsx" selected' in shown
    assert '<option value="sale" selected' in shown
    assert 'value="2024-01-01"' in shown
    assert 'value="SKU001"' in shown
    assert not Outbox.objects.filter(event__startswith="DATA_").exists()


def test_a_download(owner):
    answer = owner.post(page("inventory"), {"format": "csv", "sku": "sku003", "delimiter": ";", "bom": "on"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="inventory-')
    assert "no-store" in answer["Cache-Control"]
    content = answer.getvalue()
    assert len(content) == int(answer["Content-Length"])
    (row,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    assert (row["sku"], row["name"]) == ("SKU003", f"'{NAME}")
    told = json.loads(Outbox.objects.get(event="DATA_EXPORTED").payload)
    assert (told["user_id"], told["channel"], told["rows"], told["outcome"]) == ("USER-OWNER", "admin", 1, "completed")


def test_workbooks_and_json_lines(owner):
    book = load_workbook(io.BytesIO(owner.post(page("sales"), {"format": "xlsx"}).getvalue())).worksheets[0]
    lines = owner.post(page("sales"), {"format": "jsonl"}).getvalue().splitlines()
    assert book.title == "sales"
    assert book.max_row == len(lines) + 1 == 25
    assert json.loads(lines[-1])["quantity"] == -2


def test_people_s_data_is_for_whom_the_owner_trusts(client, users):
    client.force_login(users[Role.OWNER])
    assert 'name="personal"' in client.get(page("customers")).content.decode()
    assert 'name="personal"' not in client.get(page("inventory")).content.decode()
    assert CANARIES[1].encode() in client.post(page("customers"), {"format": "csv", "personal": "on"}).getvalue()
    assert CANARIES[1].encode() not in client.post(page("customers"), {"format": "csv"}).getvalue()
    client.force_login(users[Role.MANAGER])
    assert 'name="personal"' not in client.get(page("customers")).content.decode()
    assert CANARIES[1].encode() not in client.post(page("customers"), {"format": "csv", "personal": "on"}).getvalue()
    assert not Denial.objects.exists()


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("movements", {"from": "1/2/2024"}, "must be a day such as"),
        ("movements", {"sku": "SKU9"}, "SKU9 not found"),
        ("movements", {"format": "pdf"}, "Select a valid choice"),
        ("movements", {"kind": "gift"}, "Select a valid choice"),
        ("audit", {"event": "NEVER_HAPPENED"}, "The trail has no such event"),
    ],
)
def test_what_is_wrong_is_told_on_the_form(name: str, asked: dict[str, str], said: str, owner):
    answer = owner.post(page(name), {"format": "csv", **asked})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    assert said in answer.content.decode()
    assert not Outbox.objects.filter(event="DATA_EXPORTED").exists()


def test_a_text_that_no_workbook_holds(owner, api):
    assert api("owner").post("/api/audit/log", {"event": "NOTE", "details": {"text": "x" * 40_000}}).status_code == 200
    cells = load_workbook(io.BytesIO(owner.post(page("audit"), {"format": "xlsx"}).getvalue())).worksheets[0].values
    shown = [str(text) for row in cells for text in row]
    assert len([text for text in shown if "[cut here, of " in text]) == 3  # the request begun and ended, and the note
    told = json.loads(Outbox.objects.get(event="DATA_EXPORTED").payload)
    assert (told["outcome"], told["cut"]) == ("completed", 3)
    assert b"[cut here" not in owner.post(page("audit"), {"format": "jsonl"}).getvalue()


def test_forms_are_guarded_against_other_sites(users):
    client = Client(enforce_csrf_checks=True)
    client.force_login(users[Role.OWNER])
    assert client.post(page("inventory"), {"format": "csv"}).status_code == 403
