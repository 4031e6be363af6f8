"""An agent for the tests alone, whose one operation goes wrong in the way that is asked for.

Within the test process the fixture `laboratory` registers it; in processes of their own, importing this module does.
"""

import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from django.db import connection
from pydantic import Field

from inventory.models import StockLevel, StockMovement
from inventory.selectors import product_get
from inventory.services import stock_adjust
from shop_assistant.agents import Agent, Context, Effect, Input, Output, Role, operation
from shop_assistant.agents.errors import ClarificationNeeded, ExternalServiceError, TransientError
from shop_assistant.agents.fields import PersonalText

SKU = "SKU001"
SECRET = "Zebediah-Canary"
"""In every exception's message: it must come out nowhere."""
Way = Literal["work", "bug", "external", "busy", "timeout", "unclear", "lock", "serialize", "hang", "deadlock"]


class Experiment(Input):
    way: Way = "work"
    fail_first: int = Field(0, description="so many attempts go wrong, those after them work")
    note: PersonalText | None = None
    writes: bool = True
    order: list[int] = Field(default_factory=list)


class Found(Output):
    way: str
    on_hand: int


attempts: list[str] = []
"""Of the test process, for `fail_first`."""


def make() -> Any:
    """Define, and so register, the agent."""

    class LaboratoryAgent(Agent):
        name = "laboratory"
        pages = ("laboratory",)

        @operation(
            roles=frozenset({Role.OWNER}),
            effect=lambda data: Effect.WRITE if data.writes else Effect.READ,
            audit="tried {way}: {on_hand}",
        )
        def experiment(self, context: Context, data: Experiment) -> Found:
            """Add one piece to the stock, and then go wrong in the way that is asked for."""
            attempts.append(data.way)
            if data.way == "serialize":
                return _serialized(data, context)
            product = product_get(sku=SKU)
            if data.writes:
                _act(data, context)
            if len(attempts) <= data.fail_first or not data.fail_first:
                _go_wrong(data)
            on_hand = StockLevel.objects.get(product=product).on_hand
            return Found(way=data.way, on_hand=int(on_hand))

    return LaboratoryAgent


def _act(data: Experiment, context: Context) -> None:
    if data.way == "lock":
        _give_up_quickly()
    stock_adjust(product=product_get(sku=SKU), delta=Decimal(1), user_id=context.user_id, task_id=context.task_id)


def _give_up_quickly() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '200ms'")


def _serialized(data: Experiment, context: Context) -> Found:
    """Two of these at once can't both be serialized: each adds up what is there and then adds to it."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    before = int(sum(StockMovement.objects.filter(product__sku=SKU).values_list("quantity", flat=True)))
    if len(attempts) <= 2:
        _wait_for(lambda: len(attempts) >= 2)
    stock_adjust(product=product_get(sku=SKU), delta=Decimal(1), user_id=context.user_id, task_id=context.task_id)
    return Found(way=data.way, on_hand=before + 1)


def _go_wrong(data: Experiment) -> None:
    match data.way:
        case "bug":
            raise ValueError(f"{SECRET} can't be divided by zero")
        case "external":
            raise ExternalServiceError("The payment service refused.")
        case "busy":
            raise TransientError()
        case "timeout":
            raise TimeoutError(f"{SECRET} does not answer")
        case "unclear":
            raise ClarificationNeeded("Which one?", options=["a", "b"])
        case "hang":
            if signal := os.environ.get("HANG_SIGNAL"):
                Path(signal).touch()
                time.sleep(60)
        case "deadlock":
            for number in data.order:
                StockLevel.objects.select_for_update().get(pk=number)
                if len(attempts) <= 2:
                    _wait_for(lambda: len(attempts) >= 2)


def _wait_for(condition: Any) -> None:
    for _ in range(100):
        if condition():
            time.sleep(0.1)
            return
        time.sleep(0.05)
