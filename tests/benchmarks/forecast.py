"""`make bench-forecast`: how long a night's forecasts of a large catalogue take two workers, on SQLite and PostgreSQL.

PostgreSQL is one thrown away afterwards, with its default durability, or TEST_DATABASE_URL's.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import ROOT
from tests.torture.places import places

PROGRAM = str(Path(__file__).parents[1] / "programs" / "forecast_bench.py")
SECONDS = 900
"""At most, for 50,000 products."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-forecast", description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=50_000)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="both, if left out")
    parser.add_argument("--json", help="a file for the figures")
    options = parser.parse_args()
    found = {}
    for database in options.database or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory(prefix="shop-bench-forecast-") as folder, places(database, Path(folder)) as at:
            done = subprocess.run(
                [sys.executable, PROGRAM, str(options.products)],
                env=at.environment(AUDIT_DB_URL=""),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        if done.returncode:
            return 2
        found[database] = json.loads(done.stdout.splitlines()[-1])
        print(database, ", ".join(f"{name} {value}" for name, value in found[database].items()))
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))
    limit = SECONDS * options.products / 50_000
    return int(any(figures["seconds"] > limit or figures["read_queries"] > 1 for figures in found.values()))


if __name__ == "__main__":
    sys.exit(main())
