"""An agent for the tests alone, whose operations go wrong in the way that is asked for.

The fixture `laboratory` registers it for a test; a process of its own calls `make()`. Imported from both sides, it
imports nothing of the tests.
"""

import os
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from django.db import OperationalError, connection
from pydantic import Field

from inventory.models import StockLevel, StockMovement
from inventory.selectors import product_get
from inventory.services import stock_adjust
from shop_assistant.agents import Agent, Context, Effect, Input, Output, Role, operation
from shop_assistant.agents.errors import ClarificationNeeded, ExternalServiceError, TransientError
from shop_assistant.agents.fields import PersonalText

SKU = "SKU001"
SECRET = "Zebediah-Canary"
"""In the messages of unexpected exceptions: it must come out nowhere."""

attempts: list[str] = []
"""Calls since the fixture made the agent."""

FAULTS: dict[str, Callable[[], Exception]] = {
    "bug": lambda: ValueError(f"{SECRET} can't be divided by zero"),
    "external": lambda: ExternalServiceError("The payment service refused."),
    "busy": TransientError,
    "timeout": lambda: TimeoutError(f"{SECRET} does not answer"),
    "locked": lambda: OperationalError("database is locked"),
    "full": lambda: OperationalError("database or disk is full"),
    "lost": lambda: ConnectionResetError(SECRET),
    "unclear": lambda: ClarificationNeeded("Which one?", options=["a", "b"]),
}


class Experiment(Input):
    fault: Literal["bug", "external", "busy", "timeout", "locked", "full", "lost", "unclear"] | None = None
    times: int = Field(99, description="so many attempts go wrong, those after them work")
    note: PersonalText | None = None


class Levels(Input):
    order: list[int] = Field(description="primary keys of stock levels, to be locked in this order")


class Nothing(Input):
    pass


class Found(Output):
    on_hand: int


EVERYBODY = frozenset({Role.OWNER})


def make() -> Any:
    """Define the agent, which registers it."""
    attempts.clear()

    class LaboratoryAgent(Agent):
        name = "laboratory"
        pages = ("laboratory",)

        @operation(roles=EVERYBODY, effect=Effect.WRITE, audit="tried {fault}: {on_hand}")
        def experiment(self, context: Context, data: Experiment) -> Found:
            """Add one piece to the stock, and then go wrong as asked."""
            attempts.append("experiment")
            add_one(context)
            if data.fault and len(attempts) <= data.times:
                raise FAULTS[data.fault]()
            return counted()

        @operation(roles=EVERYBODY, effect=Effect.READ, audit="looked: {on_hand}")
        def look(self, context: Context, data: Experiment) -> Found:
            """Look at the stock, and then go wrong as asked."""
            attempts.append("look")
            found = counted()
            if data.fault and len(attempts) <= data.times:
                raise FAULTS[data.fault]()
            return found

        @operation(roles=EVERYBODY, effect=Effect.WRITE, audit="hung: {on_hand}")
        def hang(self, context: Context, data: Nothing) -> Found:
            """Add one piece to the stock, tell that it is so, and hang until told to go on, in a process told where."""
            add_one(context)
            if where := os.environ.get("TELL_HANGING"):
                Path(where).touch()
                _wait_until(Path(f"{where}.go").exists)
            return counted()

        @operation(roles=EVERYBODY, effect=Effect.WRITE, audit="waited: {on_hand}")
        def impatient(self, context: Context, data: Nothing) -> Found:
            """Add one piece to the stock, if that is possible within 0.2 s."""
            attempts.append("impatient")
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '200ms'")
            add_one(context)
            return counted()

        @operation(roles=EVERYBODY, effect=Effect.WRITE, audit="serialized: {on_hand}")
        def serialize(self, context: Context, data: Nothing) -> Found:
            """Sum up the ledger and add to it: no two of these can be serialized when they overlap."""
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            sum(StockMovement.objects.filter(product__sku=SKU).values_list("quantity", flat=True))
            meet()
            add_one(context)
            return counted()

        @operation(roles=EVERYBODY, effect=Effect.WRITE, audit="locked: {on_hand}")
        def deadlock(self, context: Context, data: Levels) -> Found:
            """Lock rows in the order asked for, each pair of these waiting for one another in between."""
            first, second = data.order
            StockLevel.objects.select_for_update().get(pk=first)
            meet()
            StockLevel.objects.select_for_update().get(pk=second)
            add_one(context)
            return counted()

    return LaboratoryAgent


def add_one(context: Context) -> None:
    product = product_get(sku=SKU)
    stock_adjust(product=product, delta=Decimal(1), user_id=context.user_id, task_id=context.task_id)


def counted() -> Found:
    return Found(on_hand=int(StockLevel.objects.get(product__sku=SKU).on_hand))


def meet() -> None:
    """Wait until the other thread's first attempt has come as far; later attempts pass."""
    attempts.append("met")
    _wait_until(lambda: len(attempts) >= 2)


def _wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
