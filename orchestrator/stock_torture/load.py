"""One process of the load: a till, a stock room and a counter in one, doing something at random until time is up. It
remembers what it was told, so that afterwards what was told can be compared with what is.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from time import monotonic, perf_counter
from typing import Any

from django.utils import timezone

from inventory.models import Order
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError, ValidationFailed
from shop_assistant.agents.fields import iso_utc

from .shop import KITS, LOTS, LOTTED, PLAIN, SHELVES, SUPPLIER

Told = dict[str, Any]
LEAST = 25
"""So many things each process does in any case."""
LONGEST = 3000
"""After so many milliseconds at the most a reservation runs out, if it does: often while others reach for it."""


@dataclass
class Memory:
    """What the callers of one process were told."""

    moved: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """units by SKU, signed"""
    references: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    done: Counter[str] = field(default_factory=Counter)
    refused: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    crashes: list[str] = field(default_factory=list)

    def move(self, sku: str, quantity: Any) -> None:
        """A kit is what it is made of."""
        for part, each in KITS.get(sku, {sku: 1}).items():
            self.moved[part] += Decimal(str(quantity)) * each

    def write(self, path: Path) -> None:
        told = vars(self) | {"moved": {sku: str(quantity) for sku, quantity in self.moved.items()}}
        path.write_text(json.dumps(told))


def load(*, seconds: float, seed: str, path: Path) -> None:
    """Run for so many seconds, or longer where that was not enough for anything, then write to `path` what was told."""
    customer = Customer(Random(seed))  # noqa: S311  (a load that can be repeated, no secret)
    until, acts = monotonic() + seconds, 0
    while monotonic() < until or acts < LEAST:
        customer.act()
        acts += 1
    customer.memory.write(path)


class Customer:
    """Does one thing after the other."""

    def __init__(self, random: Random) -> None:
        self.random, self.memory = random, Memory()
        self._ways: list[tuple[Callable[[], object], int]] = [
            (self.sell, 30),
            (self.reserve, 16),
            (self.take, 10),
            (self.release, 6),
            (self.bring_back, 12),
            (self.receive, 8),
            (self.correct, 6),
            (self.transfer, 6),
            (self.arrive, 4),
            (self.set_apart, 2),
            (self.count, 4),
            (self.order, 3),
        ]

    def act(self) -> None:
        """:raises nothing: what goes wrong is remembered."""
        ways, weights = zip(*self._ways, strict=True)
        (way,) = self.random.choices(ways, weights)
        try:
            way()
        except AgentError as error:
            self.memory.refused[way.__name__][error.code] += 1
        except Exception as error:  # whatever it is, it is a finding
            self.memory.crashes.append(f"{way.__name__}: {type(error).__name__}: {error}"[:300])

    def sell(self, **fields: Any) -> Told:
        location = {"location": self.random.choice(SHELVES)} if self.random.random() < 0.2 else {}
        told = self._do("sales", "sell", {"lines": self._lines(), **location, **fields})
        self.memory.references["order"].append(told["order"])
        for line in told["lines"]:
            for piece in line["picked"]:
                self.memory.move(piece["sku"], -piece["quantity"])
        return told

    def reserve(self) -> None:
        moment = timezone.now() + timedelta(milliseconds=self.random.randint(200, LONGEST))
        runs_out: Told = self.random.choice([{"expires_in_minutes": None}, {"expires_at": iso_utc(moment)}])
        try:
            told = self._do("inventory", "reserve", {"lines": self._lines(), **runs_out})
        except ValidationFailed:
            if timezone.now() < moment:
                raise
            return  # its moment came before its turn
        self.memory.references["reservation"].append(told["reservation"])

    def take(self) -> None:
        """A reservation, anybody's, by a sale of the same or of something else."""
        found = self._reservation()
        if found is None:
            return
        if self.random.random() < 0.3:
            self.sell(reservation=found["reservation"])
            return
        units: dict[str, Any] = defaultdict(Decimal)
        for line in found["lines"]:
            units[line["sku"]] += Decimal(str(line["quantity"]))
        lines = [{"sku": sku, "quantity": int(quantity)} for sku, quantity in units.items()]
        self.sell(reservation=found["reservation"], lines=lines)

    def release(self) -> None:
        if found := self._reservation():
            self._do("inventory", "release", {"reference": found["reservation"]})

    def bring_back(self) -> None:
        latest = list(Order.objects.order_by("-pk").values_list("reference", flat=True)[:40])
        if not latest:
            return
        what = self.random.choice([{}, {}, {"disposition": "quarantine"}, {"disposition": "write_off"}])
        told = self._do("sales", "return", {"order": self.random.choice(latest), **what})
        self.memory.references["return"].append(told["reference"])
        if told["disposition"] != "write_off":
            for line in told["lines"]:
                self.memory.move(line["sku"], line["quantity"])

    def receive(self) -> None:
        sku, units = self.random.choice((*PLAIN, *LOTTED)), self.random.randint(4, 12)
        self._do("inventory", "update", {"sku": sku, "delta": units, "reason": "delivery", **self._place(sku)})
        self.memory.move(sku, units)

    def correct(self) -> None:
        """Set what was counted, as it is expected to be, or not."""
        sku = self.random.choice(PLAIN)
        found = self._do("inventory", "query", {"sku": sku})["locations"]
        place = self.random.choice([here for here in found if here["kind"] != "transit"])
        wanted = max(0, int(place["on_hand"]) + self.random.randint(-2, 2))
        count = {"quantity": wanted, "location": place["location"], "expected_quantity": place["on_hand"]}
        told = self._do("inventory", "update", {"sku": sku, **count})
        self.memory.move(sku, Decimal(str(told["quantity"])) - Decimal(str(told["previous_quantity"])))

    def transfer(self) -> None:
        source, destination = self.random.sample(SHELVES, 2)
        lines = [{**line, **self._lot(line["sku"])} for line in self._lines(kits=False)]
        told = self._do("inventory", "transfer", {"from": source, "to": destination, "lines": lines})
        self.memory.references["transfer"].append(told["transfer"])

    def arrive(self) -> None:
        """Of a transfer, anybody's, all arrives; now and then a piece gets lost."""
        found = self._do("inventory", "transfers", {"open": True, "limit": 20})["items"]
        if not found:
            return
        transfer = self.random.choice(found)
        lost = []
        if self.random.random() < 0.2:
            line = transfer["lines"][0]
            lost = [{"sku": line["sku"], "quantity": 1, **({"lot": line["lot"]} if line["lot"] else {})}]
        self._do("inventory", "receive_transfer", {"transfer": transfer["transfer"], "lost": lost})
        for line in lost:
            self.memory.move(line["sku"], -1)

    def set_apart(self) -> None:
        sku = self.random.choice(PLAIN)
        place = {"location": self.random.choice(SHELVES)}
        told = self._do("inventory", "quarantine", {"sku": sku, "quantity": 1, "reason": "looks odd", **place})
        self.memory.references["transfer"].append(told["transfer"])

    def count(self) -> None:
        """A sheet of one product, counted a little wrong, approved by who counted."""
        sku = self.random.choice(PLAIN)
        sheet = self._do("inventory", "count_open", {"skus": [sku]})["sheet"]
        (place, *_) = self._do("inventory", "query", {"sku": sku})["locations"]
        found = max(0, int(place["on_hand"]) + self.random.choice([-1, 0, 0, 1]))
        figure = {"sku": sku, "location": place["location"], "quantity": found}
        self._do("inventory", "count_enter", {"sheet": sheet, "lines": [figure]})
        self._do("inventory", "count_close", {"sheet": sheet, "leave_uncounted": True})
        told = self._do("inventory", "count_approve", {"sheet": sheet, "confirm": True})
        self.memory.move(sku, Decimal(str(told["surplus"])) - Decimal(str(told["missing"])))

    def order(self) -> None:
        """A purchase order from its draft to the shelf."""
        lines = self._lines(kits=False)
        draft = {"supplier": SUPPLIER, "lines": [{"sku": line["sku"], "quantity": 6} for line in lines]}
        order = self._do("inventory", "purchase_order", draft)["order"]
        self._do("inventory", "purchase_approve", {"order": order, "confirm": True})
        self._do("inventory", "purchase_send", {"order": order})
        delivered = [{"sku": line["sku"], "quantity": 6, **self._place(line["sku"])} for line in lines]
        told = self._do("inventory", "purchase_receive", {"order": order, "lines": delivered})
        for part in told["parts"]:
            self.memory.move(part["sku"], part["quantity"])

    def _do(self, agent: str, operation: str, payload: Told) -> Told:
        began = perf_counter()
        told = call(agent, operation, payload)
        name = f"{agent}.{operation}"
        self.memory.done[name] += 1
        self.memory.milliseconds[name].append(round((perf_counter() - began) * 1000, 1))
        return told

    def _lines(self, *, kits: bool = True) -> list[Told]:
        skus = self.random.sample((*PLAIN, *LOTTED, *(KITS if kits else ())), self.random.randint(1, 3))
        return [{"sku": sku, "quantity": self.random.randint(1, 4)} for sku in skus]

    def _lot(self, sku: str) -> Told:
        return {"lot": self.random.choice(LOTS)} if sku in LOTTED else {}

    def _place(self, sku: str) -> Told:
        return {"location": self.random.choice(SHELVES), **self._lot(sku)}

    def _reservation(self) -> Told | None:
        found = self._do("inventory", "reservations", {"limit": 20})["items"]
        return self.random.choice(found) if found else None
