"""Balances against the ledger."""

import json
import sys
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from tqdm import tqdm

from inventory.models import Product, StockLevel
from inventory.selectors import product_get
from inventory.selectors.history import Difference, ledger_differences
from inventory.services.reconciling import LEDGER, SHELF, Fixed, Right, difference_fix
from shop_assistant.agents.errors import AgentError
from shop_assistant.agents.fields import json_number
from shop_assistant.commands import ShopCommand
from shop_assistant.money import round_money
from shop_assistant.sql import snapshot
from shop_assistant.tracking import SYSTEM

ASKED = "which is right: [s]helf, [l]edger, a number that was counted, or Enter to leave it? "


class Command(ShopCommand):
    help = (
        "Compare every stock balance with the sum of its movements, and what it counts as reserved with its "
        "reservations; with --fix, put right what differs. The ledger is never edited: what it lacks is booked as a "
        "movement of kind count with your reason, and the trail tells of it."
    )
    examples = """\
  manage.py inventory_reconcile                                  look only
  manage.py inventory_reconcile --sku SKU001 --json
  manage.py inventory_reconcile --fix --reason "restored a backup"                       asks for each
  manage.py inventory_reconcile --fix --reason "restored a backup" --yes --right ledger  asks nothing

whose figure is right: `shelf` is the balance, by which the shop sold and counted, and the ledger gets the movement that
it lacks; `ledger` is what the movements add up to, and the balance is set to it. A number that was counted puts both
right. With --yes it is the shelf's, unless --right says otherwise.

exit codes: 0 all agree, or were made to, 1 something differs, 2 wrong usage
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sku", help="only this product")
        parser.add_argument("--fix", action="store_true", help="put right what differs; asks for each")
        parser.add_argument("--reason", default="", help="why it differs, for the ledger; wanted with --fix")
        parser.add_argument("--yes", action="store_true", help="with --fix: ask nothing")
        parser.add_argument("--right", choices=(SHELF, LEDGER), default=SHELF, help="with --yes: whose figure is right")
        parser.add_argument("--json", action="store_true", help="print JSON, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        _check(options)
        try:
            product = product_get(sku=options["sku"]) if options["sku"] else None
        except AgentError as error:
            raise CommandError(error.message, returncode=2) from None
        looked, found = _looked_through(product)
        if not options["json"]:
            self._show(found, looked)
        results = list(self._fixed(found, options)) if options["fix"] else [(each, None, "") for each in found]
        left = sum(1 for _, fixed, _ in results if fixed is None)
        if options["json"]:
            rows = [_row(*result) for result in results]
            self.stdout.write(json.dumps({"balances": looked, "differences": rows, "left": left}, indent=2))
        elif options["fix"] and found:
            self.stdout.write(f"{len(found) - left} put right, {left} left.")
        if left:
            raise SystemExit(1)

    def _show(self, found: list[Difference], looked: int) -> None:
        if not found:
            self.stdout.write(f"{looked} balances: all agree with the ledger and the reservations.")
            return
        for difference in found:
            self.stdout.write(_line(difference))
        value = sum((_value(difference) or Decimal(0) for difference in found), Decimal(0))
        self.stdout.write(
            f"{looked} balances: {len(found)} differ, worth {value} {settings.SHOP_CURRENCY} by cost in all."
        )

    def _fixed(
        self, found: list[Difference], options: dict[str, Any]
    ) -> Iterator[tuple[Difference, Fixed | None, str]]:
        for difference in found:
            right: Right | None = options["right"] if options["yes"] else self._ask(difference)
            if right is None:
                yield difference, None, "left as it is"
                continue
            try:
                fixed = difference_fix(
                    difference=difference, right=right, reason=options["reason"].strip(), user_id=SYSTEM
                )
            except AgentError as error:
                self.stderr.write(error.message)
                yield difference, None, error.message
                continue
            if fixed is not None:
                if not options["json"]:
                    self.stdout.write(_done(fixed))
                yield difference, fixed, ""

    def _ask(self, difference: Difference) -> Right | None:
        self.stdout.write(_line(difference))
        while True:
            self.stdout.write(ASKED, ending="")
            self.stdout.flush()
            answer = sys.stdin.readline().strip().lower()
            if not answer:
                return None
            for name in (SHELF, LEDGER):
                if name.startswith(answer):
                    return name  # type: ignore[return-value]
            try:
                if (counted := Decimal(answer.replace(",", "."))).is_finite():
                    return counted.quantize(Decimal("0.001"))
            except InvalidOperation:
                pass
            self.stdout.write("Write s, l, a number, or nothing.")


def _looked_through(product: Product | None) -> tuple[int, list[Difference]]:
    """How many balances there are, and what differs, within one snapshot: others may go on selling meanwhile."""
    every = StockLevel.objects.filter(product=product) if product else StockLevel.objects.all()
    looked, found = 0, []
    with snapshot(DEFAULT_DB_ALIAS):
        for difference in tqdm(
            ledger_differences(product=product), total=every.count(), unit=" balances", disable=None
        ):
            looked += 1
            if difference is not None:
                found.append(difference)
    return looked, found


def _check(options: dict[str, Any]) -> None:
    if options["fix"] and not options["reason"].strip():
        raise CommandError("Say why it differs: --reason TEXT (the ledger keeps it; nothing personal).", returncode=2)
    if not options["fix"] and (options["yes"] or options["reason"]):
        raise CommandError("--yes and --reason go with --fix.", returncode=2)
    if options["fix"] and options["json"] and not options["yes"]:
        raise CommandError("With --json nothing can be asked: say --yes, too.", returncode=2)
    if len(options["reason"]) > 500:
        raise CommandError("The reason has 500 letters at the most.", returncode=2)


def _line(difference: Difference) -> str:
    parts = []
    if difference.quantity:
        value = _value(difference)
        worth = f", worth {value} {settings.SHOP_CURRENCY}" if value is not None else ""
        parts.append(
            f"the shelf says {_shown(difference.on_hand)}, the ledger {_shown(difference.moved)} "
            f"({difference.quantity:+.3f}".rstrip("0").rstrip(".")
            + f"{worth})"
        )
    if difference.reserved != difference.promised:
        parts.append(f"{_shown(difference.reserved)} count as reserved, reservations {_shown(difference.promised)}")
    lot = f" lot {difference.lot.code}" if difference.lot else ""
    return f"{difference.product.sku} at {difference.location.code}{lot}: {'; '.join(parts)}"


def _done(fixed: Fixed) -> str:
    where = f"{fixed.difference.product.sku} at {fixed.difference.location.code}"
    how = f"booked {fixed.movement.quantity:+f} as {fixed.movement.reference}" if fixed.movement else "balance set"
    return f"{where}: {how}, both say {_shown(fixed.on_hand)}"


def _row(difference: Difference, fixed: Fixed | None, refused: str) -> dict[str, Any]:
    value = _value(difference)
    movement = fixed.movement if fixed else None
    return {
        "sku": difference.product.sku,
        "location": difference.location.code,
        "lot": difference.lot.code if difference.lot else None,
        "on_hand": json_number(difference.on_hand),
        "ledger": json_number(difference.moved),
        "difference": json_number(difference.quantity),
        "value": None if value is None else json_number(value),
        "reserved": json_number(difference.reserved),
        "reservations": json_number(difference.promised),
        "fixed": fixed is not None,
        "now": json_number(fixed.on_hand) if fixed else None,
        "movement_id": movement.pk if movement else None,
        "reference": movement.reference if movement else None,
        "refused": refused or None,
    }


def _value(difference: Difference) -> Decimal | None:
    cost = difference.product.cost
    return None if cost is None else round_money(difference.quantity * cost, settings.SHOP_CURRENCY)


def _shown(quantity: Decimal) -> str:
    return str(json_number(quantity))
