"""Statements and analyses as the operations answer them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings

from inventory.selectors.analysis import Look
from inventory.selectors.health import Health, Kind
from inventory.selectors.statements import Margin, Row, Statement
from inventory.valuation import Lines
from shop_assistant.money import round_money

from .valuing_schemas import AnalysedProduct, Analysis, Cell, Found, ValuedCategory, ValuedProduct, ValuedWhole

AMOUNTS = (
    "opening", "purchases", "cogs", "write_offs", "counts", "adjustments", "closing", "estimated", "corrections",
)  # fmt: skip


def valued_whole(found: Statement) -> ValuedWhole:
    return ValuedWhole(**_lines(found.lines), **_margin(found.margin))


def valued_categories(found: Statement) -> list[ValuedCategory]:
    return [
        ValuedCategory(category=name or None, closing=closing, **_margin(margin))
        for name, (closing, margin) in found.categories.items()
    ]


def valued_product(row: Row) -> ValuedProduct:
    lines = row.lines
    there = lines.closing_quantity
    return ValuedProduct(
        sku=row.sku,
        product_name=row.name,
        category=row.category or None,
        opening_quantity=lines.opening_quantity,
        sold_quantity=lines.sold_quantity,
        closing_quantity=there,
        unit_value=round(lines.closing / there, 4) if there else None,
        **_lines(lines),
        **_margin(row.margin),
    )


def _lines(lines: Lines) -> dict[str, Any]:
    return {name: getattr(lines, name) for name in AMOUNTS}


def _margin(margin: Margin) -> dict[str, Any]:
    return {
        "revenue": margin.revenue,
        "cost": margin.cost,
        "margin": margin.margin,
        "margin_percent": margin.percent,
    }


def analysis_told(
    health: Health, kind: Kind, asked: Sequence[Look], page: Sequence[Look], next_cursor: str | None
) -> Analysis:
    return Analysis(
        items=[_analysed(look) for look in page],
        next_cursor=next_cursor,
        found=Found(products=len(asked), value=health.value_of(kind, asked)),
        matrix=[
            Cell(abc=abc, xyz=xyz, products=cell.products, value=cell.value, revenue=_money(cell.revenue))
            for (abc, xyz), cell in health.matrix.items()
        ],
        dead=_found(health, "dead"),
        overstock=_found(health, "overstock"),
        out_of_stock=health.out_of_stock,
        currency=settings.SHOP_CURRENCY,
    )


def _found(health: Health, kind: Kind) -> Found:
    looks = health.asked(kind)
    return Found(products=len(looks), value=health.value_of(kind, looks))


def _analysed(look: Look) -> AnalysedProduct:
    return AnalysedProduct(
        sku=look.sku,
        product_name=look.name,
        category=look.category or None,
        abc=look.abc,
        xyz=look.xyz,
        variation=None if look.swing is None else _figure(look.swing, 2),
        on_hand=look.on_hand,
        available=look.available,
        value=look.value,
        units_sold=look.units,
        revenue=_money(look.revenue),
        daily_demand=round(look.daily, 3),
        days_of_cover=None if look.cover is None else _figure(look.cover, 1),
        stock_out_on=look.stock_out,
        last_sale_on=look.last_sale,
        dead=look.dead,
        excess=round(look.excess, 3),
        excess_value=look.excess_value,
        expiring=look.expiring,
    )


def _money(amount: Decimal) -> Decimal:
    return round_money(amount, settings.SHOP_CURRENCY)


def _figure(value: float, places: int) -> Decimal:
    return Decimal(repr(round(value, places)))
