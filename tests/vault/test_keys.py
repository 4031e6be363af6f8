"""Keys from outside the database: told apart, missed by name, and changed while the shop goes on."""

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.models import AuditRecord, Outbox
from audit.sealing import seal
from audit.verification import verify_all
from customers.lookups import lookups_renew
from customers.models import Customer, CustomerLookup
from customers.selectors import customer_find
from customers.services import customer_create, customer_erase
from shop_assistant.vault import keys
from shop_assistant.vault.keys import WrongKeys, keys_by_master, keys_check, keys_rewrap
from shop_assistant.vault.models import KeyCheck, SubjectKey
from shop_assistant.vault.services import key_destroy, key_for, sealer, unseal
from tests import ROOT
from tests.conftest import Api
from tests.processes import environment
from tests.settings.conftest import load

__all__ = ["load"]
OLD, NEW, OTHER = b"\x01" * 32, b"\x09" * 32, b"\x0a" * 32


@pytest.fixture(autouse=True)
def _afresh() -> None:
    """As a process that has just started: it has compared no keys yet."""
    keys._seen.clear()


def rotate(*options: str) -> str:
    out = io.StringIO()
    call_command("rotate_keys", *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def people(shop: None) -> list[str]:
    names = [f"CUST-{number}" for number in range(5)]
    for name in names:
        customer_create(public_id=name, name=f"Name of {name}", email=f"{name}@example.com")
    return names


def names_of(people: list[str]) -> list[str | None]:
    return [Customer.objects.get(public_id=name).name for name in people]


@pytest.mark.django_db
def test_rotation_wraps_every_key_anew_and_touches_no_data(people: list[str], settings: Any) -> None:
    key_destroy("CUST-4")
    told = names_of(people)
    data = list(Customer.objects.order_by("pk").values_list("sealed_name", "sealed_email"))
    settings.ENCRYPTION_KEYS = {"new": NEW, "test": OLD}
    assert "would be wrapped with new" in rotate("--dry-run")
    assert set(keys_by_master()) == {"test"}
    rotate("--batch", "2")
    assert set(keys_by_master()) == {"new"}
    settings.ENCRYPTION_KEYS = {"new": NEW}
    keys_check()
    assert names_of(people) == told
    assert list(Customer.objects.order_by("pk").values_list("sealed_name", "sealed_email")) == data
    assert SubjectKey.objects.get(subject="CUST-4").wrapped is None, "a destroyed key stays so"
    assert not KeyCheck.objects.filter(name="ENCRYPTION_KEYS:test").exists(), "the old one may go"
    (event,) = [json.loads(row.payload) for row in Outbox.objects.filter(event="KEY_ROTATED")]
    assert (event["kind"], event["old"], event["new"]) == ("master", ["test"], "new")
    assert event["keys"] == SubjectKey.objects.exclude(wrapped=None).count()
    assert "0 keys are wrapped" in rotate(), "and once is enough"
    assert Outbox.objects.filter(event="KEY_ROTATED").count() == 1
    seal()
    assert list(verify_all()) == []
    assert AuditRecord.objects.filter(event="KEY_ROTATED").count() == 1


@pytest.mark.django_db
def test_stopped_it_goes_on_where_it_was_and_the_shop_works_meanwhile(people: list[str], settings: Any) -> None:
    settings.ENCRYPTION_KEYS = {"new": NEW, "test": OLD}
    begun = keys_rewrap(batch=2)
    next(begun)
    found = keys_by_master()
    assert found["new"] == 2
    assert None not in names_of(people), "both are read"
    customer_create(public_id="CUST-LATE", name="Came Meanwhile")
    assert SubjectKey.objects.get(subject="CUST-LATE").master_key == "new"
    erased = SubjectKey.objects.filter(master_key="test", wrapped__isnull=False).latest("pk").subject
    customer_erase(customer=Customer.objects.get(public_id=erased))
    begun.close()
    rotate()
    assert set(keys_by_master()) == {"new"}
    assert SubjectKey.objects.get(subject=erased).wrapped is None


@pytest.mark.django_db
def test_who_is_erased_while_their_key_is_wrapped_anew_stays_erased(people: list[str], settings: Any) -> None:
    settings.ENCRYPTION_KEYS = {"new": NEW, "test": OLD}
    row = SubjectKey.objects.get(subject="CUST-0")
    key_destroy("CUST-0")
    told = keys.Rewrapped()
    keys._rewrap(row, told)
    assert (told.done, SubjectKey.objects.get(subject="CUST-0").wrapped) == (0, None)


@pytest.mark.django_db
def test_a_key_that_can_not_be_opened_is_told_and_left(people: list[str], settings: Any) -> None:
    SubjectKey.objects.filter(subject="CUST-1").update(wrapped=b"spoiled" * 5)
    settings.ENCRYPTION_KEYS = {"new": NEW, "test": OLD}
    with pytest.raises(CommandError, match="CUST-1") as error:
        rotate()
    assert error.value.returncode == 1
    assert keys_by_master()["test"] == 1
    assert KeyCheck.objects.filter(name="ENCRYPTION_KEYS:test").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ring", "told"),
    [
        ({"new": NEW}, "lacks the key 'test'"),
        ({"test": OTHER}, "'test' in ENCRYPTION_KEYS is another one"),
        ({"new": NEW, "test": OTHER}, "'test' in ENCRYPTION_KEYS is another one"),
    ],
)
@pytest.mark.parametrize("noted", [True, False])
def test_a_missing_or_wrong_master_key_is_named_and_nothing_sealed(
    ring: dict[str, bytes], told: str, noted: bool, people: list[str], settings: Any
) -> None:
    if not noted:  # as a shop that comes from a version without checks
        KeyCheck.objects.all().delete()
    settings.ENCRYPTION_KEYS = ring
    with pytest.raises(WrongKeys, match=told):
        keys_check()
    with pytest.raises(WrongKeys):
        key_for("CUST-NEXT")
    with pytest.raises(ImproperlyConfigured):
        rotate("--dry-run")
    assert not SubjectKey.objects.filter(subject="CUST-NEXT").exists()


@pytest.mark.django_db
def test_a_key_that_nothing_is_sealed_with_may_be_another(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = {"test": OTHER}
    keys_check()
    row = key_for("CUST-NEXT")
    assert row is not None
    assert unseal(sealer(row, "here")("Jane"), "here") == "Jane"
    settings.ENCRYPTION_KEYS = {"test": OLD}
    with pytest.raises(WrongKeys):
        keys_check()


@pytest.mark.django_db
def test_the_lookup_key_is_rotated(people: list[str], settings: Any) -> None:
    before = {row.pk: bytes(row.token) for row in CustomerLookup.objects.all()}
    settings.LOOKUP_KEY = OTHER
    with pytest.raises(WrongKeys, match="LOOKUP_KEY is another key"):
        keys_check()
    settings.LOOKUP_KEY, settings.OLDER_LOOKUP_KEYS = NEW, [b"\x02" * 32]
    keys_check()
    assert customer_find(email="cust-0@example.com").public_id == "CUST-0", "found by the older key"
    customer_create(public_id="CUST-LATE", email="late@example.com")
    assert "would be made anew" in rotate("--lookup", "--dry-run")
    next(lookups_renew(batch=2))
    assert {customer_find(email=f"{name}@example.com").public_id for name in people} == set(people)
    rotate("--lookup", "--batch", "2")
    settings.OLDER_LOOKUP_KEYS = []
    keys_check()
    assert {customer_find(email=f"{name}@example.com").public_id for name in people} == set(people)
    assert customer_find(email="late@example.com").public_id == "CUST-LATE"
    assert customer_find(email="john@example.com").public_id == "CUST001"
    now = {row.pk: bytes(row.token) for row in CustomerLookup.objects.all()}
    assert len(now) == len(before) + 1
    assert set(before.values()).isdisjoint(now.values())
    rotate("--lookup")
    assert Outbox.objects.filter(event="KEY_ROTATED").count() == 1


@pytest.mark.django_db
def test_repeated_requests_are_known_again_under_an_older_lookup_key(
    shop: None, api: Callable[[str], Api], settings: Any
) -> None:
    clerk, body = api("clerk"), {"sku": "SKU001", "delta": 1}
    first = clerk.post("/api/inventory/update", body, Idempotency_Key="k")
    settings.LOOKUP_KEY, settings.OLDER_LOOKUP_KEYS = NEW, [b"\x02" * 32]
    assert clerk.post("/api/inventory/update", body, Idempotency_Key="k").json() == first.json()
    other = clerk.post("/api/inventory/update", {**body, "delta": 2}, Idempotency_Key="k")
    assert other.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_keys_from_a_file(load: Any, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# the newest first\nk2:{encoded(NEW)}\n\nk1:{encoded(OLD)},\n")
    settings = load(ENCRYPTION_KEYS_FILE=str(file), LOOKUP_KEY=f"{encoded(NEW)}, {encoded(OTHER)}")
    assert list(settings.ENCRYPTION_KEYS.items()) == [("k2", NEW), ("k1", OLD)]
    assert (settings.LOOKUP_KEY, settings.OLDER_LOOKUP_KEYS) == (NEW, [OTHER])
    assert tmp_path / "erasures.journal" == settings.ERASURE_JOURNAL


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        (None, {}, "can't be read"),
        ("\n# nothing\n", {}, "no key in it"),
        ("k1:short", {}, "ENCRYPTION_KEYS_FILE must be made of base64"),
        (f"k1:{encoded(OLD)}\nk1:{encoded(NEW)}", {}, "k1 is there twice"),
        (f"k1:{encoded(OLD)}", {"ENCRYPTION_KEYS": f"k1:{encoded(OLD)}"}, "both set"),
    ],
)
def test_a_file_that_can_not_be_right_stops_the_start(
    text: str | None, more: dict[str, str], told: str, load: Any, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ImproperlyConfigured, match=told) as caught:
        load(ENCRYPTION_KEYS_FILE=str(file), **more)
    assert encoded(OLD) not in str(caught.value)


@pytest.mark.django_db(transaction=True)
def test_web_worker_and_commands_stop_at_their_start(people: list[str], tmp_path: Path) -> None:
    """With other keys than the shop's: in one sentence that names the id, and exit code 1."""
    where = {
        "ENV": "development",
        "DJANGO_SETTINGS_MODULE": "shop_assistant.settings.base",
        "VAR_DIR": str(tmp_path),
        "LOOKUP_KEY": encoded(b"\x02" * 32),
    }
    told = environment(ENCRYPTION_KEYS=f"k9:{encoded(NEW)}", **where)
    told["DATABASE_URL"] = told["DATABASE_URL"] or told["TEST_DATABASE_URL"]
    for command in (["manage.py", "worker"], ["manage.py", "serve"], ["manage.py", "backup", str(tmp_path / "x.zip")],
                    ["-c", "import shop_assistant.wsgi"]):  # fmt: skip
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=os.environ | told, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == 1, (command, done.stderr)
        assert "ENCRYPTION_KEYS lacks the key 'test'" in done.stderr
    assert SubjectKey.objects.exclude(master_key="test").count() == 0
