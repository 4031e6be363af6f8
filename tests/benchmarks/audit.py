"""`make bench-audit`: what the trail costs, and how fast it is read, on SQLite and PostgreSQL.

Sealing in batches; the business transaction with and without its events; queries, exports, verification and proofs
among a million records. PostgreSQL is one thrown away afterwards, with its default durability.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests import ROOT
from tests.torture.places import places

PROGRAM = str(Path(__file__).parents[1] / "programs" / "audit_bench.py")
TARGETS: dict[str, tuple[str, dict[str, float]]] = {
    "sealed_a_second": ("at least", {"sqlite": 10_000, "postgresql": 5_000}),
    "outbox_cost_of_sale_percent": ("at most", {"sqlite": 15, "postgresql": 15}),
    "outbox_cost_of_stock_change_percent": ("at most", {"sqlite": 15, "postgresql": 15}),
    "query_p99_ms": ("at most", {"sqlite": 20, "postgresql": 20}),
    "export_to_copy": ("at least", {"postgresql": 0.3}),
    "verified_a_second": ("at least", {"sqlite": 100_000, "postgresql": 100_000}),
    "proof_p99_ms": ("at most", {"sqlite": 10, "postgresql": 10}),
}


def main() -> int:
    options = _options()
    found = {}
    for database in options.database or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory(prefix="shop-bench-audit-") as folder, places(database, Path(folder)) as where:
            command = [sys.executable, PROGRAM, str(options.records), str(options.rounds), folder]
            environment = where.environment(AUDIT_DB_URL="")
            done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            return 2
        found[database] = json.loads(done.stdout.splitlines()[-1])
        _show(database, found[database])
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))
    return int(any(_missed(database, figures) for database, figures in found.items()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-audit", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="both, if left out")
    parser.add_argument("--json", help="a file for the figures")
    return parser.parse_args()


def _show(database: str, figures: dict[str, Any]) -> None:
    print(f"{database}, {figures['records']} records")
    missed = _missed(database, figures)
    for name, value in figures.items():
        how, targets = TARGETS.get(name, ("", {}))
        target = f"  ({how} {targets[database]:g}{', MISSED' if name in missed else ''})" if database in targets else ""
        print(f"  {name:36} {value}{target}")


def _missed(database: str, figures: dict[str, Any]) -> list[str]:
    return [
        name
        for name, (how, targets) in TARGETS.items()
        if database in targets
        and (figures[name] < targets[database] if how == "at least" else figures[name] > targets[database])
    ]


if __name__ == "__main__":
    sys.exit(main())
