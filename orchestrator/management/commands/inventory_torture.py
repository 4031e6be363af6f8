"""Does the stock stay right when everybody wants the same goods at once?"""

import json
import os
from argparse import SUPPRESS
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from orchestrator.stock_torture.judge import judge
from orchestrator.stock_torture.load import load
from orchestrator.stock_torture.places import throw_away_shop
from orchestrator.stock_torture.running import begin, shop_make, shop_torture
from orchestrator.stock_torture.shop import shop_fill
from orchestrator.stock_torture.watch import watch
from shop_assistant.commands import ShopCommand


class Command(ShopCommand):
    help = (
        "Torture the stock in a database of its own, made for it and removed afterwards: on the server of "
        "DATABASE_URL, or a temporary SQLite file. The shop itself is not touched. Many processes sell, reserve, "
        "return, move, count and receive the same fifty SKUs, kits included; another one watches; then the books are "
        "compared with what every caller was told."
    )
    examples = (
        "  manage.py inventory_torture\n"
        "  manage.py inventory_torture --seconds 10 --processes 8 --seed 7 --json torture.json\n"
        "exit codes: 0 all is well, 1 something is wrong, 2 wrong usage"
    )
    requires_system_checks = ()
    checks_keys = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=60, help="so long (default 60)")
        parser.add_argument("--processes", type=int, help="so many at once (default 16; 4 on SQLite)")
        parser.add_argument("--seed", type=int, default=1, help="of what the processes choose to do (default 1)")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the whole report to this file")
        parser.add_argument("--part", choices=("fill", "load", "watch", "judge"), help=SUPPRESS)
        parser.add_argument("--number", type=int, default=0, help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        sqlite = "sqlite" in settings.DATABASES["default"]["ENGINE"]
        processes = (4 if sqlite else 16) if options["processes"] is None else options["processes"]
        if not 1 <= processes <= 200 or not 0 < options["seconds"] <= 86_400:
            raise CommandError("--processes is 1 to 200, --seconds up to a day.", returncode=2)
        if options["part"]:
            self._part(options, processes)
            return
        with throw_away_shop() as environment:
            shop_make(environment)
            how = {"seconds": options["seconds"], "processes": processes, "seed": options["seed"]}
            report = shop_torture(environment, **how)
        told = {"database": "sqlite" if sqlite else "postgresql", **how, **report}
        if options["json"]:
            options["json"].write_text(json.dumps(told, indent=2) + "\n")
        self._tell(told)
        if not told["ok"]:
            raise CommandError("The stock did not stay right: see above.")

    def _part(self, options: dict[str, Any], processes: int) -> None:
        """What the processes in the throw-away shop do."""
        folder, number = Path(os.environ["TORTURE_FOLDER"]), options["number"]
        if options["part"] in ("load", "watch"):
            begin(folder, f"{options['part']}-{number}")
        if options["part"] == "fill":
            (folder / "opening.json").write_text(json.dumps({sku: str(n) for sku, n in shop_fill().items()}))
        elif options["part"] == "load":
            seed = f"{options['seed']}-{number}"
            load(seconds=options["seconds"], seed=seed, path=folder / f"load-{number}.json")
        elif options["part"] == "watch":
            watch(seconds=options["seconds"], path=folder / "watch.json")
        else:
            opening = json.loads((folder / "opening.json").read_text())
            report = judge(folder=folder, opening=opening, processes=processes)
            (folder / "report.json").write_text(json.dumps(report))

    def _tell(self, told: dict[str, Any]) -> None:
        done = sum(row["done"] for row in told["operations"].values())
        deadlocks = "" if told["deadlocks"] is None else f"{told['deadlocks']} deadlocks, "
        self.stdout.write(
            f"{told['database']}, {told['processes']} processes, {told['seconds']:g} s, seed {told['seed']}: "
            f"{done} calls ({done / told['seconds']:.0f}/s), {told['movements']} movements, {told['retried']} retried, "
            f"{deadlocks}{told['looks']} looks, lowest available {told['lowest_available']}"
        )
        for name, row in told["operations"].items():
            self.stdout.write(f"  {name:28} {row['done']:7} {row['median_ms']:8} ms {row['p95_ms']:8} ms (p95)")
        for way, codes in told["refused"].items():
            self.stdout.write(f"  {way:28} refused: {', '.join(f'{n} x {code}' for code, n in sorted(codes.items()))}")
        for name, found in told["checks"].items():
            self.stdout.write(f"{'ok   ' if found == 'ok' else 'WRONG'} {name}")
            for line in found if found != "ok" else ():
                self.stdout.write(f"      {line}")
