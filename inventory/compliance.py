"""What must not happen with stock, and with money that goes back."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Sum, Window
from django.db.models.functions import Abs, Greatest, Round, TruncDate
from pydantic import Field

from audit.rulebook import Case, Parameters, Percent, Period, Proposal, Rule, Units, register
from shop_assistant.agents.errors import AgentError
from shop_assistant.agents.fields import json_number

from .models import CountEntry, CountSheet, OrderLine, OrderReturn, Product, StockMovement
from .schemas import StockUpdate, StockUpdated
from .selectors import product_with_stock

Kind = StockMovement.Kind
HUNDRED = Decimal(100)
MOST_PRODUCTS = 100
EVIDENCE = 500
"""Movements that are looked up as evidence of shrinkage, of all products together."""


class CorrectionParameters(Parameters):
    units: Units = Field(Decimal(20), description="from so many units on a correction or count needs a reason")
    units_alone: Units = Field(
        Decimal(200),
        description="from so many units on another person has to count the product afterwards, or accept the finding",
    )


class ShrinkageParameters(Parameters):
    units: Units = Field(Decimal(25), description="from so many units of a product on, lost or gained in the period")
    percent: Percent = Field(Decimal(2), description="a loss also has to be more than so much of what was sold")


def _corrections(period: Period) -> QuerySet[Any]:
    """As the index has it: SQLite does not recognise its condition in an IN."""
    kinds = Q(kind=Kind.ADJUSTMENT) | Q(kind=Kind.COUNT) | Q(kind=Kind.WRITE_OFF)
    return StockMovement.objects.filter(kinds, occurred_at__gte=period.begin, occurred_at__lt=period.end)


def _large_corrections(period: Period, parameters: CorrectionParameters) -> Iterator[Case]:
    """Without a reason; or large, by itself or with what the same person did to the same stock on that day before, made
    through an operation, and counted by nobody else since. What an import booked was looked at before it was stored.
    """
    rows = _corrections(period).annotate(size=Abs("quantity")).select_related("product").order_by("pk")
    silent = rows.filter(~Q(kind=Kind.WRITE_OFF), reason="", size__gte=parameters.units)
    told = set()
    for movement in silent.iterator(chunk_size=200):
        told.add(movement.pk)
        yield _correction(movement, "without a reason")
    for movement in _alone(rows, parameters.units_alone).iterator(chunk_size=200):
        added = movement.so_far * movement.quantity > 0  # not what takes some of it back
        if movement.pk not in told and (added or movement.size >= parameters.units_alone):
            more = f" ({json_number(movement.so_far)} on that day)" if movement.so_far != movement.quantity else ""
            yield _correction(movement, f"seen by nobody else{more}")


def _alone(rows: QuerySet[Any], limit: Decimal) -> QuerySet[Any]:
    counted = StockMovement.objects.filter(
        ~Q(user_id=OuterRef("user_id")),
        product=OuterRef("product"),
        location=OuterRef("location"),
        kind=Kind.COUNT,
        occurred_at__gt=OuterRef("occurred_at"),
    )
    so_far = Window(
        Sum("quantity"),
        partition_by=[F("product"), F("location"), F("user_id"), TruncDate("occurred_at")],
        order_by=F("pk").asc(),
    )
    seen = ~Exists(counted) & ~Exists(_counted_on_a_sheet()) & ~Exists(_approved_by_another())
    rows = rows.filter(seen, task_id__isnull=False).annotate(so_far=Round(so_far, precision=3))
    return rows.annotate(most=Greatest(Abs(F("so_far")), F("size"))).filter(most__gte=limit)


def _counted_on_a_sheet() -> QuerySet[CountEntry]:
    """What another person counted afterwards on a sheet that was posted, whether or not it differed."""
    return CountEntry.objects.filter(
        ~Q(user_id=OuterRef("user_id")),
        line__product=OuterRef("product"),
        line__location=OuterRef("location"),
        line__sheet__status=CountSheet.Status.POSTED,
        counted_at__gt=OuterRef("occurred_at"),
    )


def _approved_by_another() -> QuerySet[CountSheet]:
    """The movement's own count sheet, where another person approved it than who had counted."""
    return CountSheet.objects.filter(
        reference=OuterRef("reference"), status=CountSheet.Status.POSTED, self_approved=False
    )


def _correction(movement: StockMovement, why: str) -> Case:
    return Case(
        "movement",
        str(movement.pk),
        f"{movement.product.sku} changed by {json_number(movement.quantity)}, {why}",
        at=movement.occurred_at,
        caused_by=movement.user_id,
        tasks=(movement.task_id,) if movement.task_id else (),
        about=(("product", movement.product.sku),),
    )


def _large_correction(proposal: Proposal, parameters: CorrectionParameters) -> Iterator[Case]:
    data = proposal.data
    if isinstance(data, StockUpdate) and not data.reason:
        change = _change(data, proposal.output)
        if abs(change) >= parameters.units:
            told = f"a change of {data.sku} by {json_number(change)} needs a reason"
            yield Case("product", data.sku, told, caused_by=proposal.user_id)


def _change(data: StockUpdate, output: Any) -> Decimal:
    """What the update does, or would do now, to the stock of the product."""
    if isinstance(output, StockUpdated):
        return output.quantity - output.previous_quantity
    if data.delta is not None:
        return data.delta
    try:
        _, stock = product_with_stock(sku=data.sku)
    except AgentError:
        return Decimal(0)
    here = [level.on_hand for level in stock.levels if data.location in (None, level.location.code)]
    return (data.quantity or Decimal(0)) - sum(here, Decimal(0))


def _shrinkage(period: Period, parameters: ShrinkageParameters) -> Iterator[Case]:
    """Products of which more was lost, or found, without a reason than the shop puts up with."""
    unexplained = _corrections(period).filter(reason="")
    rows = (
        unexplained.order_by()
        .values("product", "product__sku")
        .annotate(net=Round(Sum("quantity"), precision=3), last=Max("occurred_at"))
        .annotate(size=Abs("net"))
        .filter(size__gte=parameters.units)
        .order_by("-size", "product")[:MOST_PRODUCTS]
    )
    found = list(rows)
    products = [row["product"] for row in found]
    sold = _sold(period, products) if products else {}
    tasks: dict[int, list[Any]] = {}
    shown = unexplained.filter(product__in=products, task_id__isnull=False).order_by("-pk")
    for product, task_id in shown.values_list("product", "task_id")[:EVIDENCE] if products else ():
        tasks.setdefault(product, []).append(task_id)
    for row in found:
        units, lost = sold.get(row["product"], Decimal(0)), -row["net"]
        if lost > 0 and lost * HUNDRED <= units * parameters.percent:
            continue
        yield Case(
            "product",
            row["product__sku"],
            f"{json_number(lost)} lost without a reason, {json_number(units)} sold"
            if lost > 0
            else f"{json_number(-lost)} more found than booked: a delivery or a return was not booked",
            at=row["last"],
            tasks=tuple(tasks.get(row["product"], ())),
        )


def _sold(period: Period, products: list[int]) -> dict[int, Decimal]:
    lines = OrderLine.objects.filter(
        product__in=products, order__occurred_at__gte=period.begin, order__occurred_at__lt=period.end
    )
    return dict(lines.order_by().values_list("product").annotate(units=Round(Sum("quantity"), precision=3)))


def _refunds(period: Period, parameters: Parameters) -> Iterator[Case]:
    rows = OrderReturn.objects.filter(order=None, occurred_at__gte=period.begin, occurred_at__lt=period.end)
    for made in rows.order_by("pk").iterator(chunk_size=200):
        yield Case(
            "return",
            made.reference,
            f"{json_number(made.total)} went back for goods that no sale of the shop's knows of",
            (made.reference,),
            at=made.occurred_at,
            caused_by=made.user_id,
            tasks=(made.task_id,) if made.task_id else (),
        )


def _without_cost(period: Period, parameters: Parameters) -> Iterator[Case]:
    for sku in Product.objects.filter(active=True, cost=None).order_by("sku").values_list("sku", flat=True).iterator():
        yield Case("product", sku, f"{sku} is sold without a known cost, so nobody knows its margin")


register(
    Rule(
        key="stock-without-reason",
        title="Large stock corrections say why and are seen by a second person",
        explanation="Shrinkage hides in corrections without a reason. Say why when you correct; let another person "
        "count the product after a very large one.",
        severity="warning",
        weight=15,
        parameters=CorrectionParameters,
        past=_large_corrections,
        proposed=_large_correction,
        operations=frozenset({"inventory.update"}),
    ),
    Rule(
        key="shrinkage",
        title="No unexplained shrinkage, and none that is negative",
        explanation="Goods go missing through theft, damage and mistakes; more than was booked means that a "
        "delivery or return was not. Count the product, look at who corrected it, and give the reasons.",
        severity="warning",
        weight=15,
        parameters=ShrinkageParameters,
        past=_shrinkage,
    ),
    Rule(
        key="refund-without-sale",
        title="No refund without a sale",
        explanation="Money that goes back for goods that were never sold is how a till is robbed. Find the receipt, or "
        "ask who paid it out. Returns that an import brought along are explained by its file.",
        severity="critical",
        weight=20,
        past=_refunds,
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
