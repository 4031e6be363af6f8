"""An old backup brings nobody back who was erased since: not in the same shop, nor where only the journal is known."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from audit.models import Outbox
from audit.sealing import seal
from audit.verification import verify_all
from customers.models import Customer, ErasureRequest
from shop_assistant.vault.journal import journal_read
from shop_assistant.vault.models import SubjectKey
from tests.conftest import Api
from tests.operations.test_backups import Place, _nobody_else_here, ask, manage, place

from .conftest import ID, asked_and_confirmed, leaks_behind_keys, leaks_in_tables

__all__ = ["_nobody_else_here", "place"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def backup(person: Customer, tmp_path: Path) -> Path:
    """Of the time before anybody was erased."""
    path = tmp_path / "before.zip"
    call_command("backup", path, stdout=io.StringIO())
    return path


def restore(path: Path) -> str:
    out = io.StringIO()
    call_command("restore", path, "--replace", "--yes", stdout=out)
    return out.getvalue()


def test_in_the_same_shop(backup: Path, api: Callable[[str], Api], journal: Path) -> None:
    destroyed = asked_and_confirmed(api)["erased"]["keys"]
    assert len(journal_read()) == destroyed
    assert f"tells of {destroyed} keys" in restore(backup)
    again = Customer.objects.get(public_id=ID)
    assert again.erased_at is not None
    assert again.lookups.count() == 0
    assert not SubjectKey.objects.filter(subject=ID, destroyed_at=None).exists()
    seal()
    assert leaks_behind_keys() == set()
    assert leaks_in_tables() == set()
    told = json.loads(Outbox.objects.get(event="SUBJECT_ERASED").payload)
    assert (told["again"], told["ground"], told["customer_id"]) == (True, "restored", ID)
    assert json.loads(Outbox.objects.get(event="BACKUP_RESTORED").payload)["erased_again"] == destroyed
    assert ErasureRequest.objects.get().status == "erased"
    assert list(verify_all()) == []
    assert Customer.objects.get(public_id="CUST001").name == "John Smith"
    assert len(journal_read()) == destroyed, "the journal tells of it already"


def test_in_the_same_shop_when_its_own_keys_say_nothing(
    backup: Path, api: Callable[[str], Api], journal: Path, tmp_path: Path
) -> None:
    """Restored a second time: the shop that is replaced then was erased by the journal alone."""
    asked_and_confirmed(api)
    kept = journal.read_bytes()
    journal.unlink()
    restore(backup)
    assert Customer.objects.get(public_id=ID).erased_at is not None, "told by the keys of the shop that was replaced"
    journal.write_bytes(kept)
    restore(backup)
    assert Customer.objects.get(public_id=ID).erased_at is not None


def test_in_a_fresh_place_that_has_the_journal_alone(
    backup: Path, api: Callable[[str], Api], journal: Path, place: Callable[..., Place]
) -> None:
    destroyed = asked_and_confirmed(api)["erased"]["keys"]
    there = place() | {"ERASURE_JOURNAL": str(journal)}
    done = manage("restore", backup, **there)
    assert done.returncode == 0, done.stderr
    assert f"tells of {destroyed} keys" in done.stdout
    gone = f"SELECT count(*) FROM vault_subjectkey WHERE subject = '{ID}' AND wrapped IS NULL"
    assert ask(there, gone) == [(1,)]
    assert ask(there, "SELECT count(*) FROM vault_subjectkey WHERE wrapped IS NULL")[0][0] == destroyed
    lookups = "SELECT count(*) FROM customers_customerlookup l JOIN customers_customer c ON c.id = l.customer_id"
    assert ask(there, f"{lookups} WHERE c.public_id = '{ID}'") == [(0,)]
    assert ask(there, "SELECT count(*) FROM customers_customer WHERE erased_at IS NOT NULL") == [(1,)]
    assert ask(there, "SELECT count(*) FROM audit_outbox WHERE event = 'SUBJECT_ERASED'") == [(1,)]
    verified = manage("audit_verify", **there)
    assert verified.returncode == 0, verified.stdout
    shown = manage("customer_erase", ID, "--reason", "again", **there)
    assert (shown.returncode, "was erased" in shown.stdout) == (0, True), shown.stderr


def test_where_there_is_no_journal_it_is_said(backup: Path, tmp_path: Path, place: Callable[..., Place]) -> None:
    there = place()
    done = manage("restore", backup, "--dry-run", **there)
    assert done.returncode == 0, done.stderr
    assert "There is no journal of erasures" in done.stdout
    unreadable = tmp_path / "folder.journal"
    unreadable.mkdir()
    refused = manage("restore", backup, **there, ERASURE_JOURNAL=str(unreadable))
    assert (refused.returncode, "journal of erasures can't be read" in refused.stderr) == (1, True)
