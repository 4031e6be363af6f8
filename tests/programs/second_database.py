"""A shop with its trail in a database of its own, in a process of its own (tests/audit/test_second_database.py).

DATABASE_URL or TEST_DATABASE_URL and AUDIT_DB_URL name two empty databases. It prints what it saw as JSON.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import django

django.setup()

import psycopg  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import DatabaseError, connections  # noqa: E402
from django.test import Client  # noqa: E402

from audit.append_only import missing_triggers  # noqa: E402
from audit.models import AuditRecord, Outbox  # noqa: E402
from audit.sealing import LogRefused, seal  # noqa: E402
from inventory.models import StockLevel  # noqa: E402
from orchestrator.demo import load_examples, load_staff  # noqa: E402
from orchestrator.demo.staff import demo_password  # noqa: E402

saw: dict[str, Any] = {}


def main() -> None:
    for alias in settings.DATABASES:
        call_command("migrate", database=alias, interactive=False, verbosity=0)
    saw["tables"] = {alias: _tables(alias) for alias in settings.DATABASES}
    saw["missing_triggers"] = [name for alias in settings.DATABASES for name in missing_triggers(alias)]
    load_staff()
    load_examples()
    client = Client(raise_request_exception=False)
    login = {"username": "owner", "password": demo_password()}
    access = client.post("/api/auth/token", login, content_type="application/json").json()["access"]
    ask = _asker(client, {"Authorization": f"Bearer {access}"})

    saw["before"] = ask("update") | {"sealed": seal() > 0, "verified": _verify(), "ready": _ready(client)}
    saw["refused"] = _refused("UPDATE audit_record SET user_id = 'SOMEONE'") and _refused("DELETE FROM audit_record")
    saw["records_in_the_shops_database"] = "audit_record" in saw["tables"]["default"]
    kept = AuditRecord.objects.count()
    with _away():
        saw["away"] = ask("update") | {
            "query": ask("query")["status"],
            **ask("trail"),
            "ready": _ready(client),
            "metrics": client.get("/metrics").status_code,
            "sealer": _sealer(),
            "waiting": Outbox.objects.filter(sealed_at=None).count() > 0,
        }
    saw["back"] = {"sealed": seal() > 0, "verified": _verify(), "ready": _ready(client)}
    saw["drained"] = AuditRecord.objects.count() > kept and not Outbox.objects.filter(sealed_at=None).exists()
    saw["back"] |= ask("trail")
    saw["restored"] = _restore_old_backup(ask)
    saw["anchored"] = _restore_old_backup_anchored(ask, client)


def _tables(alias: str) -> list[str]:
    return sorted(connections[alias].introspection.table_names())


def _asker(client: Client, headers: dict[str, str]) -> Callable[[str], dict[str, Any]]:
    def ask(what: str) -> dict[str, Any]:
        if what == "trail":
            answer = client.get("/api/ai/audit", headers=headers)
            return {"trail": answer.status_code}
        body = {"sku": "SKU001", "delta": 1} if what == "update" else {"sku": "SKU001"}
        answer = client.post(f"/api/inventory/{what}", body, content_type="application/json", headers=headers)
        on_hand = int(StockLevel.objects.get(product__sku="SKU001").on_hand)
        return {
            "status": answer.status_code,
            "on_hand": on_hand,
            "receipt": bool(answer.headers.get("X-Audit-Receipt")),
        }

    return ask


def _ready(client: Client) -> list[Any]:
    answer = client.get("/health/ready")
    return [answer.status_code, answer.json()["data"]["status"]]


def _verify() -> int:
    try:
        call_command("audit_verify", stdout=StringIO())
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _refused(statement: str) -> bool:
    try:
        with connections["audit"].cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return "append-only" in str(error)
    return False


def _sealer() -> str:
    try:
        return str(seal())
    except DatabaseError:
        return "refused"
    except LogRefused as error:
        return "anchored" if "were anchored" in str(error) else str(error)


@contextmanager
def _away() -> Iterator[None]:
    """The audit database can't be reached meanwhile."""
    audit = connections["audit"]
    audit.close()
    if audit.vendor == "sqlite":
        folder = Path(str(audit.settings_dict["NAME"])).parent
        hidden = folder.rename(folder.with_name("away"))
        yield
        hidden.rename(folder)
        return
    audit.close_pool()
    name = audit.settings_dict["NAME"]
    with _server() as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    audit.settings_dict["OPTIONS"]["pool"]["timeout"] = 1  # a test need not wait as long as a shop does
    yield
    audit.close()
    audit.close_pool()
    with _server() as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def _server() -> "psycopg.Connection[Any]":
    told = connections["default"].settings_dict
    return psycopg.connect(
        host=told["HOST"], port=told["PORT"], user=told["USER"], password=told["PASSWORD"], dbname="postgres",
        autocommit=True,
    )  # fmt: skip


def _restore_old_backup(ask: Callable[[str], dict[str, Any]]) -> list[Any] | None:
    """Sealed records that an old copy of the audit database does not have: nothing is added to it until they are sealed
    again. Where the database is a file.
    """
    audit = connections["audit"]
    if audit.vendor != "sqlite":
        return None
    path = Path(str(audit.settings_dict["NAME"]))
    audit.close()  # the last connection's end writes the WAL into the file
    backup = shutil.copy(path, path.with_name("backup"))
    ask("update")
    seal()
    audit.close()
    shutil.copy(backup, path)
    found = _verify()
    ask("update")
    return [found, "cut off" in _sealer(), _reseal(), _verify()]


def _restore_old_backup_anchored(ask: Callable[[str], dict[str, Any]], client: Client) -> dict[str, Any] | None:
    """The same where an anchor knows better: nothing is sealed into the old copy, and the shop sells on."""
    audit = connections["audit"]
    if audit.vendor != "sqlite":
        return None
    path = Path(str(audit.settings_dict["NAME"]))
    audit.close()
    for spoilt in path.parent.glob(f"{path.name}*"):
        spoilt.unlink()  # the trail of before is bent: this one begins anew
    call_command("migrate", database="audit", interactive=False, verbosity=0)
    Outbox.objects.update(sealed_at=None)
    settings.AUDIT_ANCHOR_FILE = path.with_name("anchors.jsonl")
    seal()
    audit.close()
    backup = shutil.copy(path, path.with_name("backup"))
    ask("update")
    call_command("audit_checkpoint", stdout=StringIO())
    audit.close()
    newest = shutil.copy(path, path.with_name("newest"))
    shutil.copy(backup, path)
    old = {"sold": ask("update")["status"], "sealer": _sealer(), "ready": _ready(client), "reseal": _reseal()}
    audit.close()
    shutil.copy(newest, path)  # a backup that covers the anchor
    return {"old": old, "sealed": seal() > 0, "verified": _verify(), "ready": _ready(client)}


def _reseal() -> str:
    try:
        call_command("audit_reseal", stdout=StringIO())
    except CommandError as error:
        return "refused" if "Restore the audit database" in str(error) else str(error)
    return "done"


if __name__ == "__main__":
    main()
    print(json.dumps(saw))
