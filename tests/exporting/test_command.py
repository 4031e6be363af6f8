"""`manage.py export`: files that are whole or not there, a terminal's manners, and what the trail is told."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections

from audit.events import draft
from audit.models import Denial, Outbox
from audit.services import events_record
from inventory.models import Category
from orchestrator.exporting.files import whole_file
from orchestrator.exporting.reading import snapshot
from tests import ROOT
from tests.exporting.conftest import CANARIES
from tests.processes import environment

pytestmark = pytest.mark.django_db


def export(*arguments: object) -> tuple[int, str]:
    """Run it here; exit code and what it said."""
    said = io.StringIO()
    try:
        call_command("export", *map(str, arguments), stdout=said, stderr=said, no_color=True)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, said.getvalue()


def told(event: str = "DATA_EXPORTED") -> list[dict[str, Any]]:
    rows = Outbox.objects.filter(event=event).order_by("id").values_list("payload", flat=True)
    return [json.loads(payload) for payload in rows]


@pytest.mark.parametrize(
    ("name", "arguments", "begins"),
    [
        ("stock.csv", [], b"sku,name,"),
        ("stock.txt", [], b"sku,name,"),
        ("stock.jsonl", [], b'{"sku":"SKU001",'),
        ("stock.XLSX", [], b"PK"),
        ("stock", ["--format", "jsonl"], b'{"sku":"SKU001",'),
        ("stock.csv", ["--bom", "--delimiter", ";"], b"\xef\xbb\xbfsku;name;"),
    ],
)
def test_a_file_by_its_ending(name: str, arguments: list[str], begins: bytes, shop, tmp_path):
    code, said = export("inventory", "--output", tmp_path / name, *arguments)
    assert (code, said) == (0, f"inventory: 3 rows to {tmp_path / name}\n")
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_standard_output(shop, capfdbinary):
    code, said = export("prices", "--sku", "SKU002")
    assert (code, said) == (0, "prices: 1 rows\n")
    (row,) = csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline=""))
    assert (row["sku"], row["list_price"]) == ("SKU002", "12.5")


def test_what_there_was_is_replaced_and_keeps_nothing(shop, tmp_path):
    file = tmp_path / "stock.csv"
    file.write_text("x" * 100_000)
    assert export("inventory", "--output", file)[0] == 0
    assert file.read_bytes().count(b"\r\n") == 4
    assert b"x" * 100 not in file.read_bytes()


def test_people_s_data_is_the_owner_s_to_read_alone(traded, users, tmp_path):
    asked = ["customers", "--with-personal-data", "--user", "owner", "--output", tmp_path / "people.csv"]
    assert export(*asked)[0] == 0
    assert CANARIES[1] in (tmp_path / "people.csv").read_text()
    assert (tmp_path / "people.csv").stat().st_mode & 0o077 == 0
    (event,) = told()
    assert (event["user_id"], event["personal"], event["rows"]) == ("USER-OWNER", True, 2)


def test_every_export_is_told_in_the_trail(traded, tmp_path):
    file = tmp_path / "sales.jsonl"
    assert export("sales", "--from", "2024-01-01", "--sku", "sku001", "--by", "clerk", "--output", file)[0] == 0
    (begun,), (ended,) = told("DATA_EXPORT_STARTED"), told()
    assert begun["export"] == ended["export"]
    assert (ended["dataset"], ended["format"], ended["personal"]) == ("sales", "jsonl", False)
    assert (ended["user_id"], ended["channel"], ended["outcome"], ended["rows"]) == (
        "system",
        "command",
        "completed",
        2,
    )
    assert ended["filters"] == {"from": "2024-01-01T00:00:00.000Z", "sku": "SKU001", "by": "USER-CLERK"}
    assert not [word for word in CANARIES if word in json.dumps(told() + told("DATA_EXPORT_STARTED"))]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["customers", "--with-personal-data"], 2, "name who wants it"),
        (["customers", "--with-personal-data", "--user", "manager"], 1, "permission 'export.personal'"),
        (["audit", "--user", "clerk"], 1, "permission 'audit.export'"),
        (["audit", "--user", "nobody"], 1, "There is no user nobody."),
        (["inventory", "--with-personal-data", "--user", "owner"], 2, "no personal columns"),
        (["inventory", "--sku", "SKU01"], 1, "SKU01 not found in inventory There is SKU001"),
        (["inventory", "--status", "open"], 2, "takes no filter status; it takes sku, category, location, low_stock."),
        (["movements", "--from", "yesterday"], 2, "must be a day such as 2024-01-22"),
        (["inventory", "--format", "jsonl", "--bom"], 2, "--bom and --delimiter are for CSV."),
        (["stuff"], 2, "invalid choice: 'stuff'"),
        (["inventory", "--format", "pdf"], 2, "invalid choice: 'pdf'"),
        (["inventory", "--delimiter", "x"], 2, "argument --delimiter: take one of"),
    ],
)
def test_refusals(arguments: list[str], code: int, said: str, shop, users, tmp_path):
    refused = export(*arguments, "--output", tmp_path / "file")
    assert refused[0] == code or "take one of" in said or "invalid choice" in said  # argparse's: 2 from a terminal
    assert said in refused[1]
    assert list(tmp_path.iterdir()) == []
    assert told() == told("DATA_EXPORT_STARTED") == []
    assert Denial.objects.exists() is ("permission" in said)


def test_columns_and_filters_are_told(shop):
    code, said = export("tickets", "--columns")
    assert code == 0
    assert "text               text           personal" in said
    assert "--status" in said
    assert told() == []


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("folder", "is a folder"),
        ("none/stock.csv", "No such file or directory"),
        ("file/stock.csv", "Not a directory"),
        ("/dev/full", "is no ordinary file"),
        ("x" * 300, "File name too long"),
    ],
)
def test_places_that_take_no_file(output: str, said: str, shop, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    refused = export("inventory", "--output", tmp_path / output)
    assert refused[0] == 1
    assert said in refused[1]
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["file", "folder"]
    (ended,) = told()
    assert (ended["outcome"], ended["rows"]) == ("failed", 0)


def _fill_the_disk(target: Any) -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), target.fileno())
    target.write(b"x" * 100_000)


def _interrupt(target: Any) -> None:
    target.write(b"half")
    raise KeyboardInterrupt


@pytest.mark.parametrize(("what", "said"), [(_fill_the_disk, "No space left on device"), (_interrupt, None)])
def test_a_file_half_written_is_taken_away_and_the_old_one_stays(what: Any, said: str | None, tmp_path):
    file = tmp_path / "stock.csv"
    file.write_text("old")

    def write() -> None:
        with whole_file(file) as target:
            what(target)

    with pytest.raises((OSError, KeyboardInterrupt), match=said):
        write()
    assert [entry.name for entry in tmp_path.iterdir()] == ["stock.csv"]
    assert file.read_text() == "old"


def test_a_link_keeps_pointing_to_its_file(shop, tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert export("inventory", "--output", tmp_path / "link.csv")[0] == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("sku,")


def test_a_tampered_text_stops_it(traded, users, tmp_path):
    """Somebody moved one person's sealed name to another's row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_customer SET sealed_name = (SELECT sealed_name FROM customers_customer "
            "WHERE public_id = 'CUST001') WHERE public_id = 'CUST-CANARY'"
        )
    asked = ["customers", "--with-personal-data", "--user", "owner", "--output", tmp_path / "people.csv"]
    code, said = export(*asked)
    assert code == 1
    assert "tampered" in said
    assert list(tmp_path.iterdir()) == []
    assert told()[0]["error"] == "WrongKey"


# What only a process of its own can show.


def program(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "export", *arguments],
        cwd=ROOT,
        env=environment(),
        stderr=subprocess.PIPE,
        **options,
    )


@pytest.fixture
def long_trail(transactional_db: None) -> None:
    """So many records that no pipe holds them all."""
    events_record(draft("TILL_OPENED", user_id="USER-CLERK", text="x" * 2000) for _ in range(3000))


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_has_had_enough(long_trail: None):
    process = program("audit", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"seq,event_id,")
    for _ in range(2500):
        process.stdout.readline()
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")
    (ended,) = told()
    assert (ended["outcome"], ended["error"]) == ("broken off", "BrokenPipeError")
    assert 0 < ended["rows"] < 3000


@pytest.mark.django_db(transaction=True)
def test_one_that_is_stopped(long_trail: None):
    process = program("audit", "--format", "jsonl", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(1) == b"{"  # it is in the midst of writing, to a pipe that is full by then
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == b"Stopped; nothing was kept.\n"
    assert told()[0]["outcome"] == "broken off"


@pytest.mark.django_db(transaction=True)
def test_no_room_for_what_goes_to_standard_output(long_trail: None):
    with Path("/dev/full").open("wb") as full:
        process = program("audit", "--format", "xlsx", stdout=full)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"No space left on device" in said
    assert b"Traceback" not in said
    assert told()[0]["outcome"] == "failed"


@pytest.mark.django_db(transaction=True)
def test_an_export_is_of_one_moment_and_holds_nobody_up():
    def sell_meanwhile() -> None:
        try:
            Category.objects.create(name="new")
        finally:
            connections.close_all()

    Category.objects.create(name="old")
    with snapshot("default"):
        before = Category.objects.count()
        with ThreadPoolExecutor() as threads:
            threads.submit(sell_meanwhile).result(timeout=5)
        assert Category.objects.count() == before == 1
    assert Category.objects.count() == 2
