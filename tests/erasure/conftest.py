"""A person whose data came in through every door that takes some, and the words by which it would be found."""

import base64
import io
import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, models
from django.test import Client
from django.urls import reverse

from audit.sealing import seal
from customers.models import Customer, Ticket
from customers.services import customer_create
from orchestrator.importing.sales import sales_import
from orchestrator.services import perform_queued
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from shop_assistant.vault.services import unseal
from tests.conftest import Api

ID = "CUST-GONE"
NAME, EMAIL, PHONE, ADDRESS = "Zéphyrine Quillfeather", "zq@quillfeather.example", "+44 7700 900987", "7 Quagga Mews"
OLD_NAME, OLD_EMAIL = "Zéphyrine Oldfeather", "zq@oldfeather.example"
WORDS = [
    NAME, EMAIL, ADDRESS, OLD_NAME, OLD_EMAIL, "7700900987", "7700 900987", "Quillfeather", "Oldfeather", "Quagga Mews",
    "Subject-Wombat", "Message-Wombat", "Reply-Wombat", "Nobody-Wombat", "Reason-Wombat", "Return-Wombat",
    "Access-Wombat", "Erasure-Wombat", "Refused-Wombat", "Details-Wombat", "Async-Wombat", "Proposal-Wombat",
]  # fmt: skip
"""Whatever was told of the person: found after the erasure, in any spelling, it is a leak."""


def spellings(word: str) -> set[bytes]:
    """As the word may lie in a file: in lower case, escaped in JSON, in base64 wherever it begins."""
    found = set()
    for text in {word, word.lower(), word.casefold()}:
        raw = text.encode()
        found |= {raw, json.dumps(text)[1:-1].encode(), text.encode("utf-16-le"), raw.hex().encode()}
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw)
            found.add(encoded[4 if shift else 0 :].rstrip(b"=")[:-1])
    return found


NEEDLES = {spelling: word for word in WORDS for spelling in spellings(word)}


def leaks_in(data: bytes) -> set[str]:
    return {word for spelling, word in NEEDLES.items() if spelling in data}


def rows_of(alias: str) -> Iterator[tuple[str, bytes]]:
    """Every column of every table of a database, table by table."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            yield table, b"\n".join(_bytes(value) for row in cursor.fetchall() for value in row)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return (value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)).encode()


def leaks_in_tables() -> set[tuple[str, str]]:
    aliases = {"default", settings.AUDIT_DATABASE}
    return {(table, word) for alias in aliases for table, data in rows_of(alias) for word in leaks_in(data)}


def leaks_behind_keys() -> set[tuple[str, str]]:
    """What can be found with all keys that are left: every sealed text opened, at every place that there is."""
    found = set()
    for model in apps.get_models():
        text = [f for f in model._meta.concrete_fields if isinstance(f, models.TextField | models.JSONField)]
        if not text or model._meta.proxy or not model._meta.managed:
            continue
        for row in model._base_manager.all():
            for column in text:
                value = getattr(row, column.attname)
                value = json.loads(value) if column.name == "payload" else value
                for place in _places(row, column, value):
                    opened = json.dumps(unseal(value, place), ensure_ascii=False, default=str).encode()
                    found |= {(f"{model._meta.label}.{column.name}", word) for word in leaks_in(opened)}
    return found


def _places(row: Any, column: Any, value: Any) -> list[str]:
    places = []
    kind = getattr(row, "instance_type", type(row))
    if hasattr(kind, "sealed_fields"):
        columns = [field.attname for field in kind._meta.concrete_fields]
        told = row if isinstance(row, kind) else kind(**{name: getattr(row, name) for name in columns})
        places.append(told.place(column.name.removeprefix("sealed_")))
    ids = {getattr(row, "task_id", None)}
    if isinstance(value, dict):
        ids |= {value.get("task_id"), value.get("sealed_for")}
    return places + [f"task|{task_id}" for task_id in ids if task_id]


def leaks_in_files(folder: Path) -> set[tuple[str, str]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {(path.name, word) for path in files for word in leaks_in(content(path))}


def content(path: Path) -> bytes:
    """Read by a process of its own: who opens and closes a file of SQLite's lets go of all locks that the process has
    on it (https://sqlite.org/howtocorrupt.html, 2.2), and the next process to end takes the write-ahead log away.
    """
    return subprocess.run(["cat", path], stdout=subprocess.PIPE, check=True).stdout


def database_files() -> list[Path]:
    """Of SQLite: the file, its write-ahead log and index."""
    found = []
    for alias in {"default", settings.AUDIT_DATABASE}:
        if connections[alias].vendor == "sqlite":
            name = str(connections[alias].settings_dict["NAME"])
            found += [path for suffix in ("", "-wal", "-shm", "-journal") if (path := Path(name + suffix)).exists()]
    return found


def vacuumed(path: Path, folder: Path) -> bytes:
    """A copy without the pages that are free."""
    copy = folder / f"{path.name}.vacuumed"
    with closing(sqlite3.connect(path)) as file:
        file.execute("VACUUM INTO ?", [str(copy)])
    return copy.read_bytes()


@pytest.fixture
def person(shop: None, api: Callable[[str], Api], users: dict[Role, User], tmp_path: Path) -> Customer:
    """In every door; then nothing of it may be told in the clear."""
    customer = customer_create(public_id=ID, name=OLD_NAME, email=OLD_EMAIL, phone=PHONE, address=ADDRESS)
    admin = Client()
    admin.force_login(users[Role.OWNER], backend=settings.AUTHENTICATION_BACKENDS[0])
    _in_the_admin(admin, customer)
    clerk, manager = api("clerk"), api("manager")
    sold = clerk.post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 3}], "customer_id": ID})
    order = sold.json()["data"]["order"]
    ticket = _tickets(clerk, order)
    _elsewhere(clerk, manager, order, ticket)
    _by_mistake(clerk)
    _files(admin, users[Role.OWNER], tmp_path)
    seal()
    return Customer.objects.get(pk=customer.pk)


def _in_the_admin(admin: Client, customer: Customer) -> None:
    page = reverse("admin:customers_customer_change", args=[customer.pk])
    form = {"name": NAME, "email": EMAIL, "phone": PHONE, "address": ADDRESS, "tier": "gold"}
    form |= {"member_since_0": "2024-05-01", "member_since_1": "08:00:00"}
    assert admin.post(page, form).status_code == 302
    assert EMAIL.encode() in admin.get(page).content
    assert admin.get(reverse("admin:customers_customer_changelist"), {"q": EMAIL}).status_code == 200
    assert admin.get(reverse("admin:customers_customer_history", args=[customer.pk])).status_code == 200


def _tickets(clerk: Api, order: str) -> str:
    about = {"subject": f"Subject-Wombat of {NAME}", "message": f"Message-Wombat: write to {EMAIL}"}
    made = clerk.post("/api/customer/support-ticket", {**about, "customer_id": ID}, Idempotency_Key="t-1")
    assert made.status_code == 200, made.content
    assert clerk.post("/api/customer/support-ticket", {**about, "customer_id": ID}, Idempotency_Key="t-1").json()
    ticket: str = made.json()["data"]["ticket_id"]
    reply = {"ticket_id": ticket, "message": f"Reply-Wombat, dear {NAME}"}
    assert clerk.post("/api/customer/ticket-reply", reply).status_code == 200
    nobodys = {"subject": "Hello", "message": f"Nobody-Wombat, call {PHONE.replace(' ', '')}"}
    assert clerk.post("/api/customer/support-ticket", nobodys).status_code == 200
    assert clerk.post("/api/customer/support-ticket", {**about, "order": order}).status_code == 200
    queued = clerk.post("/api/customer/support-ticket", {**about, "customer_id": ID}, Prefer="respond-async")
    perform_queued(queued.json()["data"]["task_id"])
    assert Ticket.objects.filter(customer=None).count() == 1
    return ticket


def _elsewhere(clerk: Api, manager: Api, order: str, ticket: str) -> None:
    points = {"customer_id": ID, "operation": "adjust", "points": 7, "reason": f"Reason-Wombat {NAME}"}
    asked: list[tuple[Api, str, dict[str, Any]]] = [
        (clerk, "customer/profile", {"customer_id": ID}),
        (clerk, "customer/profile", {"email": EMAIL.upper()}),
        (clerk, "customer/profile", {"phone": PHONE}),
        (manager, "customer/loyalty", points),
        (clerk, "customer/loyalty", {"customer_id": ID, "operation": "history"}),
        (clerk, "sales/return", {"order": order, "reason": f"Return-Wombat by {NAME}",
                                 "lines": [{"sku": "SKU001", "quantity": 1}]}),
        (manager, "customer/export-data", {"customer_id": ID, "reason": f"Access-Wombat of {NAME}"}),
        (clerk, "audit/log", {"event": "CALLED", "details": {"whom": NAME, "more": ["Details-Wombat"]}}),
        (manager, "audit/compliance-check",
         {"transaction": {"operation": "customers.create_ticket",
                          "payload": {"subject": "Proposal-Wombat", "message": NAME}}}),
    ]  # fmt: skip
    for who, route, body in asked:
        answer = who.post(f"/api/{route}", body)
        assert answer.status_code == 200, (route, answer.content)


def _by_mistake(clerk: Api) -> None:
    """What is refused is stored, too, with what was typed: also where something else should have been."""
    sale = {"lines": [{"sku": "SKU001", "quantity": 1}]}
    for route, body, status in (
        ("customer/profile", {"customer_id": EMAIL}, 404),
        ("customer/profile", {"customer_id": "07700900987"}, 404),
        ("customer/profile", {"customer_id": PHONE}, 404),
        ("customer/profile", {"customer_id": NAME}, 404),
        ("customer/profile", {"customer_id": "Quillfeather"}, 404),
        ("customer/profile", {"email": EMAIL, "name": f"Refused-Wombat {NAME}"}, 400),
        ("customer/profile", {"email": f"x{EMAIL}"}, 404),
        ("customer/loyalty", {"customer_id": EMAIL}, 404),
        ("customer/recommendations", {"customer_id": EMAIL}, 404),
        ("customer/support-ticket", {"customer_id": EMAIL, "subject": "x", "message": NAME}, 404),
        ("customer/support-ticket", {EMAIL: "x", "subject": f"Refused-Wombat {NAME}", "message": 5}, 400),
        ("sales/sell", {**sale, "customer_id": EMAIL}, 404),
        ("pricing/calculate", {"sku": "SKU001", "quantity": 1, "customer_id": EMAIL}, 404),
        ("sales/return", {"order": "S-999999", "reason": f"Return-Wombat by {NAME}"}, 404),
    ):
        answer = clerk.post(f"/api/{route}", body)
        assert answer.status_code == status, (route, body, answer.content)
        queued = clerk.post(f"/api/{route}", body, Prefer="respond-async")
        if queued.status_code == 202:
            perform_queued(queued.json()["data"]["task_id"])


def _files(admin: Client, owner: User, tmp_path: Path) -> None:
    """A sales file that names the buyer: imported from the command line, and uploaded and left waiting."""
    head = "Invoice,SKU,Quantity,Price,Date,Customer ID,Customer Name,Email\n"
    line = f"900{{0}},SKU002,{{1}},12.50,2026-01-0{{0}} 10:00,{ID},{NAME},{EMAIL}\n"
    text = head + line.format(1, 2) + line.format(2, "many")
    file = tmp_path / "sales.csv"
    file.write_text(text)
    sales_import(path=file, user_id=owner.public_id, rejects=tmp_path / "rejects.csv")
    sent = SimpleUploadedFile("sales.csv", text.encode(), content_type="text/csv")
    answer = admin.post("/admin/import/sales/", {"file": sent, "columns": ""})
    assert answer.status_code == 302, answer.content
    assert admin.get(answer["Location"]).status_code == 200
    assert leaks_in_files(Path(settings.VAR_DIR) / "uploads")


def asked_and_confirmed(api: Callable[[str], Api], customer_id: str = ID) -> dict[str, Any]:
    """Asked for by the manager, confirmed by the owner."""
    asked = api("manager").post(
        "/api/customer/request-erasure", {"customer_id": customer_id, "reason": f"Erasure-Wombat of {NAME}"}
    )
    assert asked.status_code == 200, asked.content
    done = api("owner").post("/api/customer/erase", {"request": asked.json()["data"]["request"]})
    assert done.status_code == 200, done.content
    told: dict[str, Any] = done.json()["data"]
    return told


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, settings: Any) -> Path:
    """A journal of the test's own."""
    settings.ERASURE_JOURNAL = tmp_path / "elsewhere" / "erasures.journal"
    return Path(settings.ERASURE_JOURNAL)


def quiet() -> io.StringIO:
    return io.StringIO()
