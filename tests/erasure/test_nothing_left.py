"""Nothing of who was erased can be found: in no table, file, log, export or backup, and behind no key that is left."""

import io
import json
import logging
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from audit.models import AuditRecord
from audit.sealing import seal
from audit.verification import verify_all
from customers.models import Customer
from customers.services import customer_erase
from orchestrator.completeness import verify_completeness
from orchestrator.exporting.datasets import DATASETS
from shop_assistant.vault.models import SubjectKey
from tests.conftest import Api
from tests.exporting.conftest import exported

from .conftest import (
    EMAIL,
    ID,
    NAME,
    asked_and_confirmed,
    content,
    database_files,
    leaks_behind_keys,
    leaks_in,
    leaks_in_files,
    leaks_in_tables,
    vacuumed,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def logged(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], bytes]:
    """All that went to the console and into log records."""
    caplog.set_level(logging.DEBUG, logger="shop")
    said: list[str] = []

    def read() -> bytes:
        out, error = capfd.readouterr()
        said.extend([out, error, caplog.text])
        return "".join(said).encode()

    return read


def exports() -> Iterator[tuple[str, bytes]]:
    for name, dataset in DATASETS.items():
        for personal in {False, dataset.has_personal}:
            yield name, exported(name, "jsonl", personal=personal)


def test_the_words_are_found_before(person: Customer) -> None:
    """Else the search below would prove nothing: sealed they open, and in the clear they lie nowhere."""
    assert leaks_in_tables() == set()
    words = {word for _, word in leaks_behind_keys()}
    assert {
        NAME,
        EMAIL,
        "Subject-Wombat",
        "Message-Wombat",
        "Nobody-Wombat",
        "Return-Wombat",
        "Refused-Wombat",
    } <= words
    assert {"Details-Wombat", "Reason-Wombat", "Access-Wombat", "Proposal-Wombat", "Oldfeather"} <= words


def test_nothing_is_left(
    person: Customer, api: Callable[[str], Api], tmp_path: Path, logged: Callable[[], bytes], journal: Path
) -> None:
    keys = [bytes(key) for key in SubjectKey.objects.filter(subject__in=[ID]).values_list("wrapped", flat=True) if key]
    told = asked_and_confirmed(api)
    assert (told["status"], told["approval"]) == ("erased", "four eyes")
    assert told["erased"]["lookups"] == 2
    seal()
    assert leaks_in_tables() == set()
    assert leaks_behind_keys() == set()
    assert {name for name, data in exports() if leaks_in(data)} == set()
    assert leaks_in(logged()) == set()
    assert leaks_in_files(Path(settings.VAR_DIR)) == set(), "uploads, logs and the database's own files"
    assert leaks_in(journal.read_bytes()) == set()
    assert ID.encode() not in journal.read_bytes()
    for file in database_files():
        data = content(file)
        assert leaks_in(data) == set(), file.name
        assert not any(key in data for key in keys), "the destroyed key itself is overwritten"
    assert list(verify_all()) == []
    assert list(verify_completeness()) == []

    backup = tmp_path / "backup" / "shop.zip"
    backup.parent.mkdir()
    call_command("backup", backup, stdout=io.StringIO())
    with zipfile.ZipFile(backup) as file:
        assert {name for name in file.namelist() if leaks_in(file.read(name))} == set()
    if connection.vendor == "sqlite":
        assert leaks_in(vacuumed(database_files()[0], tmp_path)) == set()


def test_the_books_and_the_trail_stay(person: Customer, api: Callable[[str], Api]) -> None:
    before = AuditRecord.objects.count()
    balance = person.loyalty.balance
    told = asked_and_confirmed(api)
    seal()
    assert list(verify_all()) == []
    assert AuditRecord.objects.count() > before
    event = json.loads(AuditRecord.objects.get(event="SUBJECT_ERASED").payload)
    assert told["receipt"] == f"{event['event_id']}:{bytes(AuditRecord.objects.get(event='SUBJECT_ERASED').leaf).hex()}"
    assert (event["customer_id"], event["requested_by"], event["user_id"]) == (ID, "USER-MANAGER", "USER-OWNER")
    kept = {row["what"]: row["count"] for row in told["kept"]}
    assert (kept["orders"], kept["returns"]) == (2, 1)
    gone = Customer.objects.get(public_id=ID)
    assert gone.loyalty.balance == balance
    assert (gone.name, gone.erased_at is not None, gone.lookups.count()) == (None, True, 0)
    data = api("owner").post("/api/customer/export-data", {"customer_id": ID, "reason": "to see"}).json()["data"]
    assert leaks_in(json.dumps(data, ensure_ascii=False).encode()) == set()
    assert len(data["orders"]) == 2


def test_what_is_of_others_stays(person: Customer, api: Callable[[str], Api]) -> None:
    clerk = api("clerk")
    other = {"subject": "Hello", "message": "Do you open on Sunday?"}
    mine = clerk.post("/api/customer/support-ticket", {**other, "customer_id": "CUST001"})
    nobodys = clerk.post("/api/customer/support-ticket", other)
    lost = clerk.post("/api/customer/profile", {"email": "somebody.else@example.com"})
    customer_erase(customer=person)
    for task in (mine, nobodys, lost):
        read = clerk.get(f"/api/ai/task/{task['X-Task-ID']}").json()["data"]
        assert "[erased]" not in json.dumps(read)
    assert Customer.objects.get(public_id="CUST001").name == "John Smith"


def no_longer(answer: Any) -> bool:
    return bool(answer.status_code == 404)


def test_nobody_finds_the_person_any_more(person: Customer, api: Callable[[str], Api]) -> None:
    clerk = api("clerk")
    asked_and_confirmed(api)
    assert no_longer(clerk.post("/api/customer/profile", {"email": EMAIL}))
    assert no_longer(clerk.post("/api/customer/profile", {"phone": "07700 900987"}))
    found = clerk.post("/api/customer/profile", {"customer_id": ID}).json()["data"]
    assert (found["erased"], found["name"], found["email"]) == (True, None, None)
