"""How good the forecaster is on a file of past demand."""

import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from inventory.demand_files import SHOWN, Demand, demand_read
from inventory.forecasting.scoring import OURS, Figures, Score, TooShort, average, rolling
from inventory.management.outputs import place_check, text_write
from shop_assistant.commands import ShopCommand
from shop_assistant.tables.reading import TableError, file_check

COLUMNS = ("rmsse", "wape", "bias", "pinball", "coverage90", "width90")


class Command(ShopCommand):
    help = (
        "Forecast windows of a file of past demand from the days before them, and say how far the forecasts were off, "
        "beside simple baselines. The file (CSV, .csv.gz or Parquet) has the columns sku, date (2026-12-31) and units; "
        "others are ignored, missing days count as zero. The last windows end with the file. Nothing is stored."
    )
    examples = """\
  manage.py inventory_backtest --data demand.parquet
  manage.py inventory_backtest --data demand.csv.gz --horizon 28 --origins 4 --json result.json

figures are fractions, means over the origins: RMSSE of days, WAPE and bias of the window's sums, pinball loss of
  their quantiles, coverage and mean width (over the mean forecast) of their 90 % interval
exit codes: 0 well, 1 rows were rejected or the file was refused, 2 wrong usage
"""
    checks_keys = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="CSV, .csv.gz or Parquet")
        parser.add_argument("--horizon", type=_count(1, 182), default=28, help="days of a window, 1 to 182 (28)")
        parser.add_argument("--origins", type=_count(1, 52), default=4, help="windows, 1 to 52 (4)")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            file_check(options["data"])
        except TableError as error:
            raise CommandError(str(error), returncode=2) from None
        place_check(options["json"], data=options["data"])
        try:
            demand = _read(options["data"])
            with tqdm(total=options["origins"], unit=" origins", disable=not sys.stderr.isatty(), leave=False) as bar:
                scores = rolling(
                    demand.units,
                    demand.start,
                    horizon=options["horizon"],
                    origins=options["origins"],
                    progress=bar.update,
                )
        except TableError as error:
            raise CommandError(str(error), returncode=1) from None
        except TooShort as error:
            raise CommandError(f"Too little data: {error}.", returncode=1) from None
        mean = average(scores)
        self._tell(demand, scores, mean, options["horizon"])
        if options["json"] is not None:
            seconds = round(time.monotonic() - began, 1)
            told = _document(demand, scores, mean, options["horizon"]) | {"seconds": seconds}
            text_write(options["json"], json.dumps(told, indent=2) + "\n")
        if demand.rejected:
            sys.exit(1)

    def _tell(self, demand: Demand, scores: list[Score], mean: Score, horizon: int) -> None:
        for line, reason in demand.first_rejects:
            self.stdout.write(f"Rejected row {line}: {reason}")
        if demand.rejected > SHOWN:
            self.stdout.write(f"… and {demand.rejected - SHOWN:,} more")
        products, days = demand.units.shape
        self.stdout.write(
            f"{demand.rows:,} rows, {demand.rejected:,} rejected; {products:,} series over {days} days from "
            f"{demand.start}; {len(scores)} origins, {horizon} days ahead"
        )
        self._table("all origins", mean.overall, horizon)
        for kind, figures in mean.kinds.items():
            self._table(kind, figures, horizon)
        for score in scores:
            self._table(f"from {score.first_day}", score.overall, horizon)

    def _table(self, title: str, figures: dict[str, Figures], horizon: int) -> None:
        heads = [
            f"{'WAPE' + str(horizon) if name == 'wape' else name.upper() if name == 'rmsse' else name:>11}"
            for name in COLUMNS
        ]
        self.stdout.write(f"\n{title + f' ({figures[OURS].series:,.0f} series)':30}" + "".join(heads))
        for name, values in figures.items():
            cells = (getattr(values, column) for column in COLUMNS)
            shown = "".join(f"{'-' if cell is None else format(cell, '.3f'):>11}" for cell in cells)
            self.stdout.write(f"  {name:28}{shown}")


def _read(path: Path) -> Demand:
    with tqdm(unit=" rows", disable=not sys.stderr.isatty(), leave=False) as bar:
        return demand_read(path, progress=lambda rows: bar.update(rows - bar.n))


def _document(demand: Demand, scores: list[Score], mean: Score, horizon: int) -> dict[str, Any]:
    products, days = demand.units.shape
    return {
        "data": {
            "rows": demand.rows,
            "rejected": demand.rejected,
            "series": products,
            "days": days,
            "first_day": str(demand.start),
        },
        "horizon": horizon,
        **_told(mean, horizon),
        "origins": [{"first_day": str(score.first_day), **_told(score, horizon)} for score in scores],
    }


def _told(score: Score, horizon: int) -> dict[str, Any]:
    return {
        "overall": _values(score.overall[OURS], horizon),
        "baselines": _by_name(score.overall, horizon),
        "classes": {
            kind: {**_values(figures[OURS], horizon), "baselines": _by_name(figures, horizon)}
            for kind, figures in score.kinds.items()
        },
    }


def _by_name(figures: dict[str, Figures], horizon: int) -> dict[str, Any]:
    return {
        name: {
            key: value for key, value in _values(each, horizon).items() if key in ("rmsse", f"wape{horizon}", "bias")
        }
        for name, each in figures.items()
        if name != OURS
    }


def _values(figures: Figures, horizon: int) -> dict[str, float | None]:
    """Rounded, so that what is equal up to the order of a sum is equal."""
    return {
        f"wape{horizon}" if name == "wape" else name: value if value is None else round(value, 6)
        for name, value in asdict(figures).items()
    }


def _count(least: int, most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"takes a whole number from {least} to {most}")
        return int(text)

    return count
