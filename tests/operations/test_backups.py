"""A backup taken while the shop goes on, and restored in another place or in the shop's own."""

import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from audit.models import AuditRecord, Outbox
from audit.sealing import seal
from audit.verification import verify_all
from orchestrator.services import dispatch
from shop_assistant.accounts.models import LoginSession
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import Context
from shop_assistant.vault.models import SubjectKey
from shop_assistant.vault.services import key_destroy
from tests import ROOT
from tests.conftest import Api
from tests.orchestrator.conftest import on_hand
from tests.processes import PROGRAMS, Program, environment, worker

pytestmark = pytest.mark.django_db(transaction=True)
Place = dict[str, str]


def server() -> str:
    told = connection.settings_dict
    return f"postgresql://{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT']}"


@pytest.fixture(autouse=True)
def _nobody_else_here(transactional_db: None) -> None:
    """Connections of other tests' threads may still be open; a restore would take them for a shop at work."""
    if connection.vendor == "postgresql":
        connections.close_all()
        connections["default"].close_pool()
        with psycopg.connect(f"{server()}/{connection.settings_dict['NAME']}", autocommit=True) as alone:
            alone.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """`place()` is the environment of a shop somewhere else, not made yet; `place(audit=True)` on two databases."""
    made: list[str] = []

    def new(*, audit: bool = False) -> Place:
        name = f"shop_{uuid4().hex[:12]}"
        names = {"main": name, "audit": f"{name}_audit"}
        var = {"VAR_DIR": str(tmp_path / name)}
        if connection.vendor == "sqlite":
            urls = {kind: f"sqlite:///{tmp_path / name / n}.sqlite3" for kind, n in names.items()}
            (tmp_path / name).mkdir()
            return {"DATABASE_URL": urls["main"], "AUDIT_DB_URL": urls["audit"] if audit else "", **var}
        made.extend(names.values())
        urls = {kind: f"{server()}/{n}" for kind, n in names.items()}
        return {"TEST_DATABASE_URL": urls["main"], "AUDIT_DB_URL": urls["audit"] if audit else "", **var}

    yield new
    if made:
        with psycopg.connect(f"{server()}/postgres", autocommit=True) as admin:
            found = admin.execute("SELECT datname FROM pg_database").fetchall()
            for (name,) in found:
                if name.startswith(tuple(made)):
                    admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def manage(*arguments: Any, **more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment(**more), capture_output=True, text=True, check=False)


def ask(place: Place, query: str) -> list[Any]:
    """Rows of a shop somewhere else."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(place["DATABASE_URL"].removeprefix("sqlite:///"))) as file:
            return file.execute(query).fetchall()
    with psycopg.connect(place["TEST_DATABASE_URL"]) as database:
        return database.execute(query).fetchall()  # type: ignore[arg-type]


def sell(count: int = 1) -> None:
    for _ in range(count):
        context = Context(user=system_user(), channel="python")
        dispatch(agent="inventory", operation="update", payload={"sku": "SKU001", "delta": 1}, context=context)


@pytest.fixture
def backup(shop: None, tmp_path: Path) -> Path:
    sell(3)
    seal()
    path = tmp_path / "shop.zip"
    call_command("backup", path, stdout=sys.stderr)
    return path


QUANTITY = (
    "SELECT on_hand FROM inventory_stocklevel l JOIN inventory_product p ON p.id = l.product_id WHERE sku = 'SKU001'"
)


def test_a_shop_is_restored_in_another_place(backup: Path, tmp_path: Path, place: Callable[..., Place]) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "shop.zip" in path.name] == ["shop.zip"]
    assert Outbox.objects.filter(event="BACKUP_TAKEN").count() == 1
    text = zipfile.ZipFile(backup).read("manifest.json").decode()
    assert json.loads(text)["log_size"] == AuditRecord.objects.count() > 0
    assert "John" not in text

    there = place()
    done = manage("restore", backup, **there)
    assert done.returncode == 0, done.stderr
    verified = manage("audit_verify", **there)
    assert verified.returncode == 0, verified.stdout
    assert ask(there, QUANTITY)[0][0] == 153
    assert ask(there, "SELECT count(*) FROM audit_outbox WHERE event = 'BACKUP_RESTORED'") == [(1,)]


def test_a_shop_that_is_there_is_only_replaced_when_somebody_says_so(
    backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sell()
    assert "--replace" in refused(backup, "--yes")
    assert "--yes" in refused(backup, "--replace")
    assert "--replace" in refused(backup, "--dry-run")
    call_command("restore", backup, "--replace", "--dry-run")
    assert "nothing was changed" in capsys.readouterr().out
    assert on_hand() == 154
    call_command("restore", backup, "--replace", "--yes")
    assert on_hand() == 153
    assert list(verify_all()) == []


def test_who_was_erased_stays_erased_and_logins_end(api: Callable[[str], Api], shop: None, tmp_path: Path) -> None:
    path = tmp_path / "shop.zip"
    owner = api("owner")
    assert owner.post("/api/inventory/query", {"sku": "SKU001"}).status_code == 200
    call_command("backup", path, stdout=sys.stderr)
    key_destroy("CUST001")
    call_command("restore", path, "--replace", "--yes", stdout=sys.stderr)
    assert SubjectKey.objects.get(subject="CUST001").wrapped is None
    assert not LoginSession.objects.filter(revoked_at=None).exists()
    assert owner.post("/api/inventory/query", {"sku": "SKU001"}).status_code == 401
    told = json.loads(Outbox.objects.get(event="BACKUP_RESTORED").payload)
    assert (told["erased_again"], told["replaced_log_size"]) == (1, 0)


def refused(path: Path, *options: str) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("restore", path, *(options or ("--replace", "--yes")), stdout=sys.stderr)
    return str(caught.value)


def rewrite(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, change(name, data))


def test_a_file_that_is_no_whole_backup_is_refused(backup: Path, tmp_path: Path, settings: Any) -> None:
    whole = backup.read_bytes()
    bad = tmp_path / "bad.zip"
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        bad.write_bytes(whole[:size])
        assert "cut short" in refused(bad)
    with zipfile.ZipFile(bad, "w") as foreign:
        foreign.writestr("letter.txt", "Dear shop")
    assert "without its manifest" in refused(bad)
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe" in refused(tmp_path / "pipe")

    bad.write_bytes(whole)
    rewrite(bad, lambda name, data: data if "manifest" in name else data[:-1] + bytes([data[-1] ^ 1]))
    assert "damaged" in refused(bad)
    bad.write_bytes(whole)
    rewrite(bad, lambda name, data: data.replace(b'"log_size": ', b'"log_size": 1'))
    assert "changed after it was made" in refused(bad)
    bad.write_bytes(whole)
    rewrite(bad, lambda name, data: data.replace(b'"format": 1', b'"format": 2'))
    assert "newer version" in refused(bad)
    bad.write_bytes(whole)
    rewrite(bad, lambda name, data: data if "manifest" in name else data + b"more")
    assert "what its manifest says" in refused(bad)

    bad.write_bytes(whole)
    settings.ENCRYPTION_KEYS = {"new": b"\x05" * 32}
    assert "'test'" in refused(bad)
    settings.ENCRYPTION_KEYS = {"test": b"\x05" * 32}
    assert "another key" in refused(bad)
    settings.LOOKUP_KEY = b"\x06" * 32
    assert "LOOKUP_KEY" in refused(bad)
    assert AuditRecord.objects.count() > 0


def test_a_backup_of_a_newer_version_or_another_currency_is_refused(shop: None, tmp_path: Path, settings: Any) -> None:
    path, other = tmp_path / "shop.zip", tmp_path / "yen.zip"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('audit', '9999_of_tomorrow', '2030-01-01')"
        )
        call_command("backup", path, stdout=sys.stderr)
        cursor.execute("DELETE FROM django_migrations WHERE name = '9999_of_tomorrow'")
    told = refused(path)
    assert "9999_of_tomorrow" in told
    assert "update the shop first" in told
    settings.SHOP_CURRENCY = "JPY"
    call_command("backup", other, stdout=sys.stderr)
    settings.SHOP_CURRENCY = "GBP"
    assert "SHOP_CURRENCY=JPY" in refused(other)


def test_a_backup_of_an_older_version_is_brought_forward(
    shop: None, tmp_path: Path, place: Callable[..., Place]
) -> None:
    there, old = place(), tmp_path / "old.zip"
    call_command("migrate", "orchestrator", "0002", verbosity=0)
    try:
        call_command("backup", old, stdout=sys.stderr)
    finally:
        call_command("migrate", "orchestrator", verbosity=0)
    done = manage("restore", old, **there)
    assert done.returncode == 0, done.stderr
    assert "orchestrator.0003_worker" in done.stdout
    assert ask(there, "SELECT count(*) FROM orchestrator_worker") == [(0,)]


def test_other_databases_than_the_backups_are_named(backup: Path, place: Callable[..., Place]) -> None:
    told = manage("restore", backup, **place(audit=True))
    assert told.returncode == 1
    assert "AUDIT_DB_URL must be empty" in told.stderr


def test_a_trail_that_was_bent_is_not_restored(backup: Path, tmp_path: Path) -> None:
    bent = tmp_path / "bent.zip"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER audit_record_no_update")
        else:
            cursor.execute("ALTER TABLE audit_record DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_record SET user_id = 'MALLORY' WHERE seq = 2")
    call_command("backup", bent, stdout=sys.stderr)
    call_command("restore", backup, "--replace", "--yes", stdout=sys.stderr)
    before = Outbox.objects.count()
    assert "record 2: its columns differ" in refused(bent)
    assert Outbox.objects.count() == before
    assert list(verify_all()) == []


def test_a_shop_at_work_is_not_replaced(backup: Path, place: Callable[..., Place]) -> None:
    with worker() as busy:
        busy.wait_until(lambda: "WORKER_STARTED" in busy.logged())
        assert "stop it first" in refused(backup)
        if connection.vendor == "postgresql":
            elsewhere = manage("restore", backup, "--replace", "--yes", VAR_DIR=place()["VAR_DIR"])
            assert "in use" in elsewhere.stderr


def test_a_restore_that_is_killed_leaves_the_old_shop_or_the_new(backup: Path, place: Callable[..., Place]) -> None:
    there = place()
    command = (ROOT / "manage.py", "restore", backup, "--replace", "--yes")
    began = time.monotonic()
    assert manage(*command[1:], **there).returncode == 0
    took = time.monotonic() - began
    sound = ask(there, "SELECT count(*) FROM audit_outbox")
    for share in (0.6, 0.9):
        with Program(*command, **there) as dying:
            time.sleep(took * share)
            dying.process.kill()
            dying.process.wait()
        assert ask(there, "SELECT count(*) FROM audit_outbox") == sound
        assert ask(there, QUANTITY)[0][0] == 153
    done = manage(*command[1:], **there)
    assert done.returncode == 0, done.stderr
    if connection.vendor == "sqlite":
        assert not list(Path(there["VAR_DIR"]).glob("*__restoring*"))


def test_a_backup_that_can_not_be_written_leaves_nothing(shop: None, tmp_path: Path) -> None:
    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    folder = tmp_path / "full"
    folder.mkdir()
    if connection.vendor == "postgresql":  # nothing else of the process may write as much
        command = [sys.executable, "manage.py", "backup", str(folder / "shop.zip")]
        ended = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, preexec_fn=small_disk, check=False
        )
        assert ended.returncode == 1
        assert re.search("can't be written: File too large|pg_dump failed", ended.stderr)
        assert list(folder.iterdir()) == []
    (folder / "there.zip").touch()
    for path, told in ((folder / "there.zip", "exists already"), (tmp_path / "no" / "shop.zip", "make it first")):
        with pytest.raises(CommandError, match=told):
            call_command("backup", path, stdout=sys.stderr)
    assert not Outbox.objects.filter(event="BACKUP_TAKEN").exists()


def test_two_databases_at_work_are_backed_up_as_they_fit_together(tmp_path: Path, place: Callable[..., Place]) -> None:
    busy = place(audit=True)
    if connection.vendor == "postgresql":
        with psycopg.connect(f"{server()}/postgres", autocommit=True) as admin:
            for url in (busy["TEST_DATABASE_URL"], busy["AUDIT_DB_URL"]):
                admin.execute(f'CREATE DATABASE "{url.rpartition("/")[2]}"')  # type: ignore[arg-type]
    paths = [tmp_path / f"{number}.zip" for number in range(2)]
    with Program(PROGRAMS / "busy_shop.py", *paths, **busy) as program:
        told = program.answer()
    there = place(audit=True)
    for path, (least, most) in zip(paths, told, strict=True):
        done = manage("restore", path, "--replace", "--yes", **there)
        assert done.returncode == 0, done.stderr
        assert 150 + least <= ask(there, QUANTITY)[0][0] <= 150 + most
    for command in (
        ("customer_erase", "CUST001", "--reason", "by letter"),
        ("customer_erase", "CUST001", "--confirm", "E-000001", "--twice"),
        ("restore", paths[1], "--replace", "--yes"),
        ("audit_verify",),
    ):
        done = manage(*command, **there)
        assert done.returncode == 0, (command, done.stderr)
    erased = "SELECT count(*) FROM customers_customer WHERE erased_at IS NOT NULL AND public_id = 'CUST001'"
    assert ask(there, erased) == [(1,)], "who was erased since stays erased, with the trail in a database of its own"
    assert ask(there, "SELECT count(*) FROM customers_customerlookup") == [(0,)]
