"""The laboratory: an agent that goes wrong when asked."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models import Sum

from inventory.models import StockLevel
from orchestrator.outcome import Outcome
from orchestrator.services import dispatch
from shop_assistant.accounts.roles import system_user
from shop_assistant.agents import Context, registry
from tests.programs import laboratory as lab

Run = Callable[..., Outcome]


@pytest.fixture
def laboratory(shop: None) -> Iterator[Run]:
    """`laboratory("experiment", {"fault": "bug"}, respond_async=True)` as the local user `system`."""
    assert "laboratory" not in registry.agents  # and so the others are there
    lab.make()

    def run(operation: str, payload: dict[str, Any] | None = None, **context: Any) -> Outcome:
        asked = Context(user=system_user(), **context)
        return dispatch(agent="laboratory", operation=operation, payload=payload or {}, context=asked)

    yield run
    del registry._agents["laboratory"]


def on_hand() -> int:
    """Pieces of SKU001 in stock: 150 and one for each effect of the laboratory."""
    return int(StockLevel.objects.filter(product__sku=lab.SKU).aggregate(Sum("on_hand"))["on_hand__sum"])
