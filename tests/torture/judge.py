"""Makes the shop, and judges what its two databases hold in the end. In the shop's environment; prints JSON, by line.

open: databases and the demo shop; the web server's command. all FILE SEED N: waits until all is done and sealed, tells
what is left, waits for a line (the shop is closed meanwhile), and then: FILE's acknowledged answers against tasks,
records and effects; the trail verified, its gaps, its proofs; sealed while the clock jumps back; bent in every way,
N times each. old: the trail's database of an old backup.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import django

django.setup()

import time_machine  # noqa: E402
from bending import WAYS, bent  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db.models import Count  # noqa: E402
from django.utils import timezone  # noqa: E402

from audit import events  # noqa: E402
from audit.anchors import latest  # noqa: E402
from audit.completeness import gaps_found  # noqa: E402
from audit.merkle import root_from_inclusion  # noqa: E402
from audit.models import AuditRecord, Checkpoint, Outbox  # noqa: E402
from audit.sealing import LogRefused, seal  # noqa: E402
from audit.services import event_record  # noqa: E402
from audit.tiles import consistency, inclusion, log_size, root_at  # noqa: E402
from inventory.models import Order, StockMovement  # noqa: E402
from orchestrator.management.commands.serve import web_command  # noqa: E402
from orchestrator.models import TaskState  # noqa: E402
from shop_assistant.agents import call  # noqa: E402

ENDS = {"completed": events.TASK_COMPLETED, "failed": events.TASK_FAILED}


def open_shop() -> dict[str, Any]:
    call_command("upgrade", stdout=sys.stderr)
    call_command("load_demo", examples_only=True, stdout=sys.stderr)
    return {"web": web_command(int(os.environ["TORTURE_WEB"]))}


def drain(patience: float = 120) -> dict[str, Any]:
    """What is left when everything has ended and is sealed, or for so many seconds nothing did."""
    began = moved = time.monotonic()
    least: float = float("inf")
    while True:
        unfinished = TaskState.objects.filter(status__in=["pending", "in_progress"]).count()
        waiting = Outbox.objects.filter(sealed_at=None).count()
        now = time.monotonic()
        if unfinished + waiting < least:
            least, moved = unfinished + waiting, now
        if not least or now - moved > patience:
            left = {"unfinished": unfinished, "unsealed": waiting}
            return {"drained_seconds": round(now - began, 1), "left": left}
        time.sleep(0.2)


def count(path: str) -> dict[str, Any]:
    """Lost: acknowledged, but without its task, its end in the log, or its effect. Doubled: any of these twice.
    Phantom: in the log or among the effects without a committed task.
    """
    told = json.loads(Path(path).read_text())
    tasks = {str(pk): status for pk, status in TaskState.objects.values_list("pk", "status").iterator()}
    ended = AuditRecord.objects.filter(event__in=ENDS.values()).values_list("task_id", "event")
    ends = Counter((str(task), event) for task, event in ended.iterator())
    moved = _by_task(StockMovement.objects.exclude(task_id=None))
    sold = _by_task(Order.objects.exclude(task_id=None))
    lost, doubled = [], []
    for wish in told:
        task, wanted = wish["task"], "failed" if wish["status"] == 409 else "completed"
        if tasks.get(task) != wanted or not ends[task, ENDS[wanted]]:
            lost.append(f"{wish['kind']} {task}: {tasks.get(task)}")
        if wanted == "completed" and wish["kind"] in ("add", "add later") and moved[task] != 1:
            (lost if moved[task] < 1 else doubled).append(f"{wish['kind']} {task}: moved {moved[task]} times")
        if wish["kind"] == "sell" and sold[task] != (wanted == "completed"):
            (lost if sold[task] < 1 else doubled).append(f"sell {task}: {sold[task]} orders")
    doubled += [f"task {task}: {n} ends" for (task, event), n in ends.items() if event == ENDS["completed"] and n > 1]
    repeated = Counter(wish["task"] for wish in told)
    doubled += [f"task {task} answered {n} wishes" for task, n in repeated.items() if n > 1]
    ghosts = {task for task, event in ends if tasks.get(task) is None}
    early = {task for task, event in ends if event == ENDS["completed"] and tasks.get(task) != "completed"}
    effects = {task for task in {*moved, *sold} if tasks.get(task) != "completed"}
    phantom = [f"task {task} is {tasks.get(task)}" for task in ghosts | early | effects]
    known = set(Outbox.objects.values_list("event_id", flat=True))
    strangers = sum(1 for pk in AuditRecord.objects.values_list("event_id", flat=True).iterator() if pk not in known)
    unsealed = Outbox.objects.count() + strangers - AuditRecord.objects.count()
    return {
        "acknowledged": len(told),
        "tasks": dict(Counter(tasks.values())),
        "records": log_size(),
        "lost": len(lost) + max(unsealed, 0),
        "doubled": len(doubled) + max(-unsealed, 0),
        "phantom": len(phantom) + strangers,
        "shown": [*lost, *doubled, *phantom][:20],
    }


def _by_task(rows: Any) -> Counter[str]:
    return Counter({str(task): n for task, n in rows.values_list("task_id").annotate(n=Count("pk")).order_by()})


def whole() -> dict[str, Any]:
    began = time.perf_counter()
    verified = _verified()
    seconds = time.perf_counter() - began
    gaps = [str(gap) for gap in gaps_found()]
    return {
        "verified": not verified["problems"],
        "problems": verified["problems"][:20],
        "records_a_second": round(log_size() / seconds),
        "gaps": gaps[:20],
        "checkpoints": Checkpoint.objects.count(),
        **_proofs(random.Random(1)),
    }


def _verified() -> dict[str, Any]:
    printed = StringIO()
    with suppress(SystemExit):
        call_command("audit_verify", "--json", stdout=printed)
    told = json.loads(printed.getvalue())
    parts = [told, *(part for part in told.values() if isinstance(part, dict))]
    return {"problems": [problem for part in parts for problem in part.get("problems", [])]}


def _proofs(rnd: random.Random) -> dict[str, Any]:
    size, wrong, began = log_size(), 0, time.perf_counter()
    root = root_at(size)
    for _ in range(200):
        shown = inclusion(rnd.randint(1, size), size)
        wrong += root_from_inclusion(shown.index, shown.size, shown.leaf, shown.path) != root
        first = rnd.randint(1, size)
        wrong += consistency(first, size).second_root != root
    return {"proofs_wrong": wrong, "proof_ms": round((time.perf_counter() - began) / 400 * 1000, 2)}


def clock() -> dict[str, Any]:
    """The trail's order is the sealer's; a clock that jumps changes none of it."""
    before = log_size()
    for hours in (-2, 5, -30):
        with time_machine.travel(timezone.now() + timedelta(hours=hours), tick=True):
            call("inventory", "update", {"sku": "SKU001", "delta": 1, "reason": "clock"})
            event_record("TILL_OPENED", user_id="USER123")
            seal()
    seqs = list(AuditRecord.objects.filter(seq__gt=before).order_by("seq").values_list("seq", flat=True))
    return {"sealed": len(seqs), "contiguous": seqs == list(range(before + 1, before + 1 + len(seqs))), **_told()}


def _told() -> dict[str, Any]:
    return {"problems": [problem["message"] for problem in _verified()["problems"]][:5]}


def bend(seed: str, times: int) -> dict[str, Any]:
    rnd, unfound, found = random.Random(seed), [], Counter[str]()
    for way, function in WAYS.items():
        for _ in range(times):
            problem = bent(function, rnd)
            found[way] += problem is None
            unfound += [] if problem is None else [f"{way}: {problem}"]
    return {"found": dict(found), "unfound": unfound}


def old() -> dict[str, Any]:
    """Runs with AUDIT_DB_URL at the copy that was made in the middle."""
    problems = _verified()["problems"]
    event_record("TILL_OPENED", user_id="USER123")
    try:
        seal()
        refused = ""
    except LogRefused as error:
        refused = str(error)
    held = latest()
    anchored = held.size if held else 0
    return {"size": log_size(), "anchored": anchored, "found": len(problems), "refused": refused}


def tell(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


def main(step: str, *given: str) -> None:
    if step == "open":
        tell(open_shop())
    elif step == "old":
        tell(old())
    else:
        path, seed, times = given
        tell(drain())
        sys.stdin.readline()
        tell({"count": count(path), "clock": clock(), "whole": whole(), "bent": bend(seed, int(times))})


if __name__ == "__main__":
    main(*sys.argv[1:])
