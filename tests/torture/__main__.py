"""`make torture`: the shop under load, its processes killed at random moments, its audit database taken away.

Web servers, worker and sealer of their own run on two databases while clients send requests with idempotency keys.
Processes are killed outright, sealers also at chosen stages of their work; for a while the audit database is away; for
a while five sealers work without their lock. Afterwards every acknowledged answer is compared with tasks, records and
effects; the trail is verified, bent in every way at random places, compared with an old backup of its database, and
sealed while the clock jumps back.

Exit code 0: nothing was lost, doubled or made up, and whatever was bent was found. 1: something was not so.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .load import Load
from .places import Places, places
from .shop import JUDGE, Shop

CALM_SECONDS = 180


def main() -> int:
    options = _options()
    print(f"seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="shop-torture-", dir="/tmp"))
    with places(options.database, folder) as where:
        report = _torture(where, options)
    if report["passed"]:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"kept: {folder}", file=sys.stderr)
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1))
    _show(report)
    return int(not report["passed"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=840, help="over which kills and tasks are spread")
    parser.add_argument("--outage", type=float, default=600, help="seconds that the audit database is away")
    parser.add_argument("--five", type=float, default=20, help="seconds that five sealers work without a lock")
    parser.add_argument("--web", type=int, default=2, help="processes of the web server")
    parser.add_argument("--bends", type=int, default=3, help="of each kind")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", help="a file for the report")
    return parser.parse_args()


def _torture(where: Places, options: argparse.Namespace) -> dict[str, Any]:
    shop = Shop(where, where.folder / "log")
    report: dict[str, Any] = {
        name: getattr(options, name) for name in ("database", "seed", "tasks", "kills", "outage", "five", "bends")
    }
    try:
        shop.open(web_processes=options.web)
        load = Load(where.port, options.seed, options.tasks, options.seconds)
        began = time.monotonic()
        load.start()
        report["back_after"] = _disturb(shop, options, began)
        load.join(patience=CALM_SECONDS)
        report |= {"loaded_seconds": round(time.monotonic() - began, 1), "met": dict(load.met)}
        report |= {"killed": dict(shop.killed)} | _judge(shop, load, options)
    finally:
        shop.close()
    report["old"] = json.loads(shop.run(JUDGE, "old", AUDIT_DB_URL=where.old))
    report["failures"] = _failures(report)
    report["passed"] = not report["failures"]
    return report


def _disturb(shop: Shop, options: argparse.Namespace, began: float) -> float:
    """Kill at random moments; in between take the audit database away, and let five sealers work without a lock.
    Answers with the moment at which it was back, in seconds since the beginning.
    """
    rnd = random.Random(options.seed)
    away_at = max(0.0, (options.seconds - options.outage - options.five) * 0.4)
    plan = sorted(rnd.uniform(0, options.seconds) for _ in range(options.kills))
    steps: list[tuple[float, str]] = [(moment, "kill") for moment in plan]
    back_at = away_at + options.outage
    steps += [(away_at, "away"), (back_at, "back")]
    if options.five:
        steps += [(back_at + 1, "five"), (back_at + 1 + options.five, "one")]
    back = 0.0
    for moment, step in sorted(steps):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        if step == "kill":
            shop.kill(rnd)
            if sum(shop.killed.values()) % 10 == 0:
                print(f"  {time.monotonic() - began:.0f} s: {sum(shop.killed.values())} killed", file=sys.stderr)
        elif step == "away":
            shop.places.take_away()
            shop.kill_who_seal()
            shop.places.copy()
        elif step == "back":
            shop.places.give_back()
            back = time.monotonic() - began
        elif step == "five":
            for number in range(5):
                shop.add_sealer(f"sealer {number}", TORTURE_NO_LOCK="1", TORTURE_ORDER="/nonexistent")
        else:
            for number in range(5):
                shop.remove(f"sealer {number}")
    return round(back, 1)


def _judge(shop: Shop, load: Load, options: argparse.Namespace) -> dict[str, Any]:
    acknowledged = shop.places.folder / "acknowledged.json"
    acknowledged.write_text(json.dumps(load.acknowledged))
    with shop.program(JUDGE, "all", str(acknowledged), str(options.seed), str(options.bends)) as judge:
        assert judge.stdout is not None
        drained = judge.stdout.readline()
        shop.close()
        rest, errors = judge.communicate("\n")
    if judge.returncode:
        raise RuntimeError(f"judging failed: {errors[-3000:]}")
    found: dict[str, Any] = json.loads(drained) | json.loads(rest)
    return found


def _failures(report: dict[str, Any]) -> list[str]:
    count, whole, old = report["count"], report["whole"], report["old"]
    wrong = [f"{count[name]} {name}" for name in ("lost", "doubled", "phantom") if count[name]]
    wrong += [f"{left} {what}" for what, left in report["left"].items() if left]
    wrong += [] if whole["verified"] else ["the trail does not verify"]
    wrong += [f"{len(whole['gaps'])} gaps"] if whole["gaps"] else []
    wrong += [f"{whole['proofs_wrong']} wrong proofs"] if whole["proofs_wrong"] else []
    wrong += [] if report["clock"]["contiguous"] and not report["clock"]["problems"] else ["the clock's jump was seen"]
    wrong += [f"not found: {way}" for way in report["bent"]["unfound"]]
    noticed = old["found"] and (old["refused"] or old["anchored"] <= old["size"])
    wrong += [] if noticed else ["an old backup of the audit database was taken for whole"]
    return wrong


def _show(report: dict[str, Any]) -> None:
    count, whole = report["count"], report["whole"]
    lines = [
        f"{report['database']}, seed {report['seed']}: {'passed' if report['passed'] else 'FAILED'}",
        f"  {count['acknowledged']} requests acknowledged, tasks {count['tasks']}, {count['records']} records",
        f"  {sum(report['killed'].values())} kills: {report['killed']}",
        f"  lost {count['lost']}, doubled {count['doubled']}, phantom {count['phantom']}",
        f"  audit database away for {report['outage']:.0f} s; drained "
        f"{report['drained_seconds']} s after the load ended",
        f"  verified {whole['verified']} at {whole['records_a_second']} records/s, {len(whole['gaps'])} gaps, "
        f"{whole['checkpoints']} checkpoints, proofs {whole['proof_ms']} ms each, {whole['proofs_wrong']} wrong",
        f"  bent and found: {report['bent']['found']}",
        f"  old backup of {report['old']['size']} records: {report['old']['found']} problems; "
        f"sealer: {report['old']['refused'][:90] or 'went on'}",
        *(f"  {failure}" for failure in report["failures"]),
        *(f"    {shown}" for shown in count["shown"] + whole["problems"] + whole["gaps"]),
    ]
    print("\n".join(str(line) for line in lines))


if __name__ == "__main__":
    sys.exit(main())
