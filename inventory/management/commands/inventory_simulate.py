"""How the shop would have fared with the reorder policy, and with what shops do otherwise."""

import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from numpy.typing import NDArray
from tqdm import tqdm

from inventory.demand_files import demand_read
from inventory.demand_ledger import demand_of_ledger
from inventory.management.outputs import place_check, text_write
from inventory.simulation import Outcome, Result, Settings, TooShort, simulate
from inventory.simulation.drawing import svg_chart, text_chart
from shop_assistant.commands import ShopCommand
from shop_assistant.tables.reading import TableError, file_check

LEAST_POLICY = 0.5
"""the least share of order cycles that a policy can be given"""
HEADS = ("fill rate", "cycle service", "avg stock", "value", "orders", "stock-outs", "factor")
Array = NDArray[np.float64]


class Command(ShopCommand):
    help = (
        "Replay the second half of past demand day by day: the reorder policy with forecasts made anew every week from "
        "the days before, a fixed minimum and maximum (two and six weeks of the first half's mean) and the average "
        "usage of 90 days times lead time, at the same reviews and lead times; what is not there is lost. The rivals "
        "are shown as they are, and with the factor on their levels that gives them the policy's fill rate on these "
        "very days. Demand is the shop's own, or that of a file (CSV, .csv.gz or Parquet with sku, date and units). "
        "Nothing is stored."
    )
    examples = """\
  manage.py inventory_simulate                                    the shop's own orders
  manage.py inventory_simulate --data demand.parquet --service-level 0.95
  manage.py inventory_simulate --lead-time 14 --lead-time-spread 4 --json result.json --chart result.svg

fill rate: units served / units asked for. The service level is aimed at as a fill rate: the share of order cycles that
  it takes is found every week by replaying the 12 weeks before. Policies take that share (ReorderPolicy.service_level).
one-off orders: what is sold on a day beyond ten times a product's usual sale day is left out, for all rules alike,
  unless --one-offs says otherwise
exit codes: 0 within one point of the target and with less stock than the rivals at that fill rate, 1 not so, or the
  data was refused, 2 wrong usage
"""
    checks_keys = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, metavar="FILE", help="left out: the shop's own orders")
        parser.add_argument(
            "--service-level", type=_number(0.5, 0.999), default=0.95, help="fill rate to aim at (0.95)"
        )
        parser.add_argument("--lead-time", type=_number(1, 120), default=7.0, metavar="DAYS", help="mean (7)")
        parser.add_argument(
            "--lead-time-spread", type=_number(0, 60), default=2.0, metavar="DAYS", help="standard deviation (2)"
        )
        parser.add_argument("--review", type=_whole(1, 56), default=7, metavar="DAYS", help="between two reviews (7)")
        parser.add_argument("--one-offs", action="store_true", help="count single orders far beyond the usual, too")
        parser.add_argument("--seed", type=_whole(0, 2**31), default=1, help="of the lead times (1)")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
        parser.add_argument("--chart", type=Path, metavar="FILE", help="draw a chart: .svg or .html")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        _check_files(options)
        try:
            start, units, costs = _demand(options["data"])
            with tqdm(unit=" steps", disable=not sys.stderr.isatty(), leave=False) as bar:
                result = simulate(
                    units, start, _settings(options), progress=lambda done, whole: _advance(bar, done, whole)
                )
        except TableError as error:
            raise CommandError(str(error), returncode=1) from None
        except TooShort as error:
            raise CommandError(f"Too little data: {error}.", returncode=1) from None
        values = None if costs is None else _values(result, costs[result.rows])
        self._tell(result, values)
        seconds = round(time.monotonic() - began, 1)
        if options["json"] is not None:
            told = _document(result, values) | {"seconds": seconds}
            text_write(options["json"], json.dumps(told, indent=2) + "\n")
        if options["chart"] is not None:
            _draw(options["chart"], result)
        if not (result.on_target and result.least_stock):
            sys.exit(1)

    def _tell(self, result: Result, values: list[float] | None) -> None:
        asked, write = result.settings, self.stdout.write
        write(
            f"{len(result.rows):,} products ({result.left_out:,} with too little history left out), {result.days} days "
            f"from {result.first_day}; lead time {asked.lead_days:g} ± {asked.lead_spread:g} days, review every "
            f"{asked.review} days, seed {asked.seed}"
        )
        counted = "counted" if asked.one_offs else "left out, for all rules alike"
        write(f"One-off orders beyond ten times a usual sale day: {result.one_off_share:.1%} of the units, {counted}\n")
        write(f"{'':34}" + "".join(f"{head:>14}" for head in HEADS))
        for row, outcome in enumerate(result.outcomes):
            write(_row(outcome, None if values is None else values[row]))
        write(f"\n{text_chart(result)}\n")
        write(_verdict(result))


def _row(outcome: Outcome, value: float | None) -> str:
    cycles = outcome.cycle_service
    cells = (
        f"{outcome.fill_rate:.2%}",
        "-" if cycles is None else f"{cycles:.2%}",
        f"{outcome.stock_units:,.0f}",
        "-" if value is None else f"{value:,.0f}",
        f"{outcome.course.orders:,}",
        f"{outcome.course.stock_outs:,}",
        f"{outcome.factor:.2f}",
    )
    return f"{outcome.name:34}" + "".join(f"{cell:>14}" for cell in cells)


def _verdict(result: Result) -> str:
    target, ours = result.settings.target, result.policy
    near = "within" if result.on_target else "not within"
    told = [f"The policy serves {ours.fill_rate:.2%} of the units, {near} one point of the target of {target:.1%}."]
    for other in result.outcomes[3:]:
        share = ours.stock_units / other.stock_units - 1 if other.stock_units else 0.0
        told.append(
            f"Its average stock is {abs(share):.0%} {'less' if share < 0 else 'more'} than that of {other.name}."
        )
    low, high = min(result.levels), max(result.levels)
    told.append(
        f"It took order cycles of {low:.3f} to {high:.3f} without a stock-out; {result.levels[-1]:.3f} at the end."
    )
    if result.levels[-1] < LEAST_POLICY:
        told.append(f"A policy takes no less than {LEAST_POLICY:g}, and serves more than the target with it.")
    return "\n".join(told)


def _document(result: Result, values: list[float] | None) -> dict[str, Any]:
    asked = result.settings
    return {
        "target_fill_rate": asked.target,
        "lead_time_days": asked.lead_days,
        "lead_time_spread_days": asked.lead_spread,
        "review_days": asked.review,
        "seed": asked.seed,
        "one_offs_counted": asked.one_offs,
        "one_off_share": round(result.one_off_share, 4),
        "products": len(result.rows),
        "left_out": result.left_out,
        "first_day": str(result.first_day),
        "days": result.days,
        "on_target": result.on_target,
        "least_stock": result.least_stock,
        "order_cycle_levels": list(result.levels),
        "currency": None if values is None else settings.SHOP_CURRENCY,
        "outcomes": [
            {
                "name": outcome.name,
                "factor": round(outcome.factor, 4),
                "fill_rate": round(outcome.fill_rate, 5),
                "cycle_service": None if outcome.cycle_service is None else round(outcome.cycle_service, 5),
                "average_stock_units": round(outcome.stock_units, 1),
                "average_stock_value": None if values is None else round(values[row], 2),
                "orders": outcome.course.orders,
                "stock_outs": outcome.course.stock_outs,
            }
            for row, outcome in enumerate(result.outcomes)
        ],
    }


def _values(result: Result, costs: Array) -> list[float]:
    """Average stock at cost, of the products whose cost is known."""
    return [float(np.nansum(outcome.course.stock * costs)) for outcome in result.outcomes]


def _demand(path: Path | None) -> tuple[date, Array, Array | None]:
    if path is None:
        return demand_of_ledger(today=timezone.localdate())
    with tqdm(unit=" rows", disable=not sys.stderr.isatty(), leave=False) as bar:
        demand = demand_read(path, progress=lambda rows: bar.update(rows - bar.n))
    return demand.start, demand.units, None


def _settings(options: dict[str, Any]) -> Settings:
    return Settings(
        target=options["service_level"],
        lead_days=options["lead_time"],
        lead_spread=options["lead_time_spread"],
        review=options["review"],
        seed=options["seed"],
        one_offs=options["one_offs"],
    )


def _check_files(options: dict[str, Any]) -> None:
    try:
        if options["data"] is not None:
            file_check(options["data"])
    except TableError as error:
        raise CommandError(str(error), returncode=2) from None
    for path in (options["json"], options["chart"]):
        place_check(path, data=options["data"])
    if options["chart"] is not None and options["chart"].suffix not in (".svg", ".html"):
        raise CommandError("A chart's name ends with .svg or .html.", returncode=2)


def _draw(path: Path, result: Result) -> None:
    drawn = svg_chart(result)
    if path.suffix == ".html":
        verdict = "".join(f"<p>{escape(line)}</p>" for line in _verdict(result).splitlines())
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Reorder simulation</title>'
        drawn = (
            f'{head}<body style="font-family: system-ui, sans-serif; max-width: 60rem">{drawn}{verdict}</body></html>\n'
        )
    text_write(path, drawn)


def _advance(bar: "tqdm[Any]", done: int, whole: int) -> None:
    bar.total = whole
    bar.update(done - bar.n)


def _number(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise ArgumentTypeError(f"takes a number from {least:g} to {most:g}")
        return value

    return number


def _whole(least: int, most: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"takes a whole number from {least} to {most}")
        return int(text)

    return whole
