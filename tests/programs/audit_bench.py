"""Measures the trail on the database of its environment: `audit_bench.py RECORDS ROUNDS FOLDER`.

tests/benchmarks/audit.py runs it.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402

from audit import events  # noqa: E402
from audit.events import draft  # noqa: E402
from audit.merkle import GENESIS, chain_hash, leaf_hash  # noqa: E402
from audit.models import AuditRecord, Outbox  # noqa: E402
from audit.sealing import seal  # noqa: E402
from audit.tiles import extend, inclusion, log_size  # noqa: E402
from audit.verification import verify_records  # noqa: E402
from audit.verification.reading import two_processes  # noqa: E402
from orchestrator import fixed_sql, records, tasks  # noqa: E402
from orchestrator.models import TaskState  # noqa: E402
from shop_assistant.accounts.models import User  # noqa: E402
from shop_assistant.accounts.sessions import session_open  # noqa: E402
from shop_assistant.agents import call  # noqa: E402
from shop_assistant.agents.fields import iso_utc  # noqa: E402
from shop_assistant.bulk import rows_insert  # noqa: E402
from shop_assistant.statements import execute  # noqa: E402

CHUNK = 20_000
SEALED = 30_000
WRITES = 20
ASKED = 400
OUTBOX = ["event_id", "event", "task_id", "user_id", "agent", "timestamp", "payload", "attempt"]
RECORD = ["event_id", "event", "task_id", "user_id", "agent", "timestamp", "payload", "seq", "leaf", "prev", "chain"]


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def sealing() -> tuple[float, float]:
    """Records a second, and a second of this process's CPU; marks in the outbox included. Events of real writes."""
    call("inventory", "update", {"sku": "SKU001", "delta": 1, "reason": "delivery"})
    typical = json.loads(Outbox.objects.filter(event=events.TASK_COMPLETED).latest("id").payload)
    body = {name: value for name, value in typical.items() if name in ("operation", "channel", "state", "text")}
    seal()
    made = (
        draft("TASK_COMPLETED", user_id="USER123", agent="inventory", task_id=uuid4(), **body) for _ in range(SEALED)
    )
    with transaction.atomic():
        rows_insert(Outbox, OUTBOX, ([getattr(event, name) for name in OUTBOX] for event in made))
    began, cpu = time.perf_counter(), time.process_time()
    assert seal() == SEALED
    return SEALED / (time.perf_counter() - began), SEALED / (time.process_time() - cpu)


@contextmanager
def without_outbox() -> Iterator[None]:
    """Tasks as ever, but no events: none is made, and none is stored."""
    kept = tasks.task_insert, tasks.task_update_fenced, records.started, records.completed
    nothing = draft("NOTHING", user_id="USER123")

    def insert(task: TaskState, drafts: Any) -> None:
        execute(fixed_sql._TASK.of([task]))

    def update(task: TaskState, token: UUID, told: Any) -> bool:
        held = {"task_id": task.task_id, "status": TaskState.Status.IN_PROGRESS, "lease_token": token}
        return bool(execute(fixed_sql._FENCED.of(task, **held)))

    tasks.task_insert, tasks.task_update_fenced = insert, update
    records.started = records.completed = lambda *args: nothing
    try:
        yield
    finally:
        tasks.task_insert, tasks.task_update_fenced, records.started, records.completed = kept


BUSINESS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sale": ("sales", "sell", {"lines": [{"sku": "SKU002", "quantity": 1}, {"sku": "SKU003", "quantity": 1}]}),
    "stock_change": ("inventory", "update", {"sku": "SKU002", "delta": 1, "reason": "delivery"}),
}
"""A shop's usual business transaction, and the smallest there is, of which the same events are a larger share."""


def writes(kind: str = "stock_change") -> float:
    """Seconds that some of them take, through the operation, without a request around it."""
    began = time.perf_counter()
    for _ in range(WRITES):
        call(*BUSINESS[kind])
    return time.perf_counter() - began


def outbox_cost(rounds: int, kind: str) -> dict[str, float]:
    """Of the rate. In short turns, so that what else the machine does meanwhile bears on both alike."""
    writes(kind)
    with_it, without = [], []
    for _ in range(rounds * 15):
        with_it.append(writes(kind))
        with without_outbox():
            without.append(writes(kind))
    told, silent = WRITES / statistics.median(with_it), WRITES / statistics.median(without)
    return {
        f"{kind}s_a_second": round(told),
        f"{kind}s_without_events": round(silent),
        f"outbox_cost_of_{kind}_percent": round((1 - told / silent) * 100, 1),
    }


def fill(count: int) -> range:
    """A valid log of so many records, three a task, with its tiles; the numbers of the tasks."""
    first = size = log_size()
    chain = bytes(AuditRecord.objects.get(seq=size).chain) if size else GENESIS
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=365)
    while size < count:
        rows = []
        for seq in range(size + 1, min(size + CHUNK, count) + 1):
            task, event_id = UUID(int=(seq // 3) << 64 | 0x8000_0000_0000_0000), UUID(int=seq << 64 | 1)
            at = moment + timedelta(milliseconds=seq * 20)
            payload = _payload(event_id, task, iso_utc(at), seq)
            leaf = leaf_hash(payload.encode())
            prev, chain = chain, chain_hash(chain, leaf)
            rows.append(
                (event_id, "TASK_COMPLETED", task, f"USER{seq % 97}", "inventory", at, payload, seq, leaf, prev, chain)
            )
        with transaction.atomic():
            rows_insert(AuditRecord, RECORD, rows)
            extend()
        size += len(rows)
        if size % 200_000 < CHUNK:
            say(f"{size} records")
    return range(first // 3 + 1, count // 3)


def _payload(event_id: UUID, task: UUID, at: str, seq: int) -> str:
    """Canonical JSON, about as long as that of a real write."""
    return (
        '{"agent":"inventory","attempt":1,"channel":"rest","event":"TASK_COMPLETED",'
        f'"event_id":"{event_id}","operation":"update","state":{{"agent_calls":[{{"agent":"inventory","attempt":1,'
        f'"duration_ms":2,"error":null,"operation":"update","started_at":"{at}","status":"success"}}],"created_at":"{at}",'
        '"error":null,"inputs":{"delta":1,"reason":"delivery","sku":"SKU001"},"outputs":{"available":151,"location":'
        f'"A-01-01","quantity":{seq},"sku":"SKU001"}},"status":"completed","task_id":"{task}","updated_at":"{at}"}},'
        f'"task_id":"{task}","text":"stock of SKU001 at A-01-01: 150 to 151","timestamp":"{at}",'
        f'"user_id":"USER{seq % 97}"}}'
    )


def queries(tasks_there: range) -> dict[str, float]:
    """GET /api/ai/audit of one task, with login, permissions, task and answer, in milliseconds."""
    token = session_open(user=User.objects.get(username="owner"))["access"]
    client, took = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token}"}), []
    for _ in range(ASKED):
        task = UUID(int=random.choice(tasks_there) << 64 | 0x8000_0000_0000_0000)
        began = time.perf_counter()
        answer = client.get("/api/ai/audit", {"task_id": str(task)})
        took.append(time.perf_counter() - began)
        assert len(answer.json()["data"]["items"]) == 3, answer.content[:300]
    return {"query_p50_ms": _at(took, 50), "query_p99_ms": _at(took, 99)}


def proofs() -> dict[str, float]:
    size, took = log_size(), []
    for _ in range(ASKED):
        began = time.perf_counter()
        inclusion(random.randint(1, size), size)
        took.append(time.perf_counter() - began)
    return {"proof_p50_ms": _at(took, 50), "proof_p99_ms": _at(took, 99)}


def _at(took: list[float], percent: int) -> float:
    return round(sorted(took)[min(len(took) * percent // 100, len(took) - 1)] * 1000, 2)


def verification() -> dict[str, float]:
    """With the second process that `audit_verify` takes for a log of this size."""
    began = time.perf_counter()
    wrong = next((problem for problem in verify_records(look=two_processes) if problem.kind == "record"), None)
    assert wrong is None, wrong
    return {"verified_a_second": round(log_size() / (time.perf_counter() - began))}


def exports(folder: Path, rounds: int) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for kind in ("csv", "jsonl"):
        took = []
        for number in range(rounds if kind == "csv" else 1):
            path = folder / f"trail{number}.{kind}"
            began = time.perf_counter()
            call_command("export", "audit", user="owner", format=kind, output=str(path), stdout=StringIO())
            took.append(time.perf_counter() - began)
            told[f"{kind}_megabytes"] = round(path.stat().st_size / 1e6)
            path.unlink()
        told[f"{kind}_rows_a_second"] = round(log_size() / statistics.median(took))
    if connection.vendor == "postgresql":
        copied = statistics.median(_copy(folder / "copy.csv") for _ in range(rounds))
        told["copy_rows_a_second"] = round(log_size() / copied)
        told["export_to_copy"] = round(told["csv_rows_a_second"] / told["copy_rows_a_second"], 2)
    return told


def _copy(path: Path) -> float:
    """PostgreSQL's own, of the whole table, written to a file by the client."""
    began = time.perf_counter()
    statement = "COPY audit_record TO STDOUT WITH (FORMAT csv, HEADER)"
    with connection.cursor() as cursor, path.open("wb") as out, cursor.copy(statement) as rows:
        for block in rows:
            out.write(block)
    path.unlink()
    return time.perf_counter() - began


def main(count: int, rounds: int, folder: Path) -> None:
    call_command("upgrade", stdout=sys.stderr)
    call_command("load_demo", examples_only=True, stdout=sys.stderr)
    seal()
    told: dict[str, Any] = {"records": count}
    sealed = [sealing() for _ in range(rounds)]
    told["sealed_a_second"] = round(statistics.median(rate for rate, _ in sealed))
    told["sealed_a_cpu_second"] = round(statistics.median(rate for _, rate in sealed))
    say(f"{told['sealed_a_second']} sealed a second")
    for sku in ("SKU002", "SKU003"):
        call("inventory", "update", {"sku": sku, "delta": 1_000_000, "reason": "delivery"})
    for kind in BUSINESS:
        told |= outbox_cost(rounds, kind)
        say(f"events cost {told[f'outbox_cost_of_{kind}_percent']} % of the rate of a {kind}")
    seal()
    tasks_there = fill(count)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    told |= queries(tasks_there)
    told |= proofs()
    told |= verification()
    told |= exports(folder, rounds)
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
