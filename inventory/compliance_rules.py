"""What must not happen with stock and sales."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.db.models.functions import Abs

from audit.compliance import Case, Period, Proposal, Rule, register
from shop_assistant.agents.fields import json_number

from .models import OrderLine, Product, StockMovement


def _below_cost(period: Period, parameters: dict[str, Any]) -> Iterator[Case]:
    lines = OrderLine.objects.filter(
        order__occurred_at__gte=period.begin, order__occurred_at__lt=period.end, unit_price__lt=F("unit_cost")
    ).select_related("order", "product")
    for line in lines.order_by("pk").iterator(chunk_size=500):
        yield Case(
            "order",
            line.order.reference,
            f"{line.product.sku} sold at {json_number(line.unit_price)}, below its cost of "
            f"{json_number(line.unit_cost or Decimal(0))}",
            [line.order.reference],
        )


def _unexplained(period: Period, parameters: dict[str, Any]) -> Iterator[Case]:
    limit = Decimal(str(parameters["units"]))
    movements = (
        StockMovement.objects.filter(
            kind__in=[StockMovement.Kind.ADJUSTMENT, StockMovement.Kind.COUNT],
            reason="",
            occurred_at__gte=period.begin,
            occurred_at__lt=period.end,
        )
        .annotate(size=Abs("quantity"))
        .filter(size__gte=limit)
        .select_related("product")
    )
    for movement in movements.order_by("pk").iterator(chunk_size=500):
        yield Case(
            "movement",
            str(movement.pk),
            f"{movement.product.sku} changed by {json_number(movement.quantity)} without a reason",
            [str(movement.task_id)],
        )


def _unexplained_proposal(proposal: Proposal, parameters: dict[str, Any]) -> Iterator[Case]:
    payload = proposal.payload
    delta = payload.get("delta")
    if proposal.operation != "inventory.update" or payload.get("reason") or not isinstance(delta, int | float):
        return
    if abs(delta) >= parameters["units"]:
        yield Case("product", str(payload.get("sku")), f"a change by {delta} needs a reason")


def _without_cost(period: Period, parameters: dict[str, Any]) -> Iterator[Case]:
    for product in Product.objects.filter(active=True, cost=None).order_by("sku").iterator(chunk_size=500):
        yield Case("product", product.sku, "is sold without a known cost, so nobody knows its margin")


register(
    Rule(
        key="sale-below-cost",
        title="Nothing sold below cost",
        explanation="Each such sale loses money. Check the cost, the list price and the price rules of the product.",
        severity="warning",
        weight=15,
        past=_below_cost,
    ),
    Rule(
        key="stock-without-reason",
        title="Large stock corrections say why",
        explanation="Shrinkage hides in corrections without a reason. Ask who made them; give a reason next time.",
        severity="warning",
        weight=15,
        parameters={"units": 20},
        past=_unexplained,
        proposed=_unexplained_proposal,
    ),
    Rule(
        key="cost-known",
        title="Every product has a cost",
        explanation="Without a cost neither margin nor a sale below cost can be seen. Enter what the supplier charges.",
        severity="info",
        weight=5,
        past=_without_cost,
    ),
)
