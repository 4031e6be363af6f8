"""What the operations about the stock's worth take and answer. Money is in the shop's currency, without tax."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from audit.reporting.periods import PERIOD
from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import Cursor, Limit, Money, Number, NumberCursor, Sku, Text

Class = Literal["A", "B", "C"]
Swing = Literal["X", "Y", "Z"]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ValuationQuery(Input):
    """A month or a year, or days from and to, or none of them for this month up to today."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"period": "2026-10"}, {"from": "2026-10-01", "to": "2026-10-15", "sku": "SKU001"}]
        }
    )

    period: Annotated[str, StringConstraints(pattern=PERIOD)] | None = Field(
        None, description="a month such as 2026-10, or a year such as 2026"
    )
    first: date | None = Field(None, alias="from", description="first day, in the shop's time zone")
    last: date | None = Field(None, alias="to", description="last day, included; left out: today")
    method: Literal["average", "fifo"] | None = Field(
        None, description="weighted moving average, or first in, first out; left out: VALUATION_METHOD"
    )
    sku: Sku | None = Field(None, description="one product; left out: all of them")
    category: Text | None = Field(None, description="name of a category, in any case")
    limit: Limit = Field(50, description="at most so many products")
    cursor: Cursor | None = Field(None, description="next_cursor of the answer before")


class ValueLines(Part):
    """opening + purchases - cogs - write_offs + counts + adjustments = closing, to the minor unit."""

    opening: Money = Field(description="what the stock was worth before the first day")
    purchases: Money = Field(description="what came in, at its cost, less what went back to suppliers")
    cogs: Money = Field(description="cost of goods sold, less what came back")
    write_offs: Money
    counts: Money = Field(description="differences that counts found, signed")
    adjustments: Money = Field(description="signed")
    closing: Money = Field(description="what it was worth after the last day")
    estimated: Money = Field(description="part of these lines whose cost was not known and taken from the product's")
    corrections: Money = Field(description="part of cogs: sold before it came in, and dearer than was thought")


class MarginTold(Part):
    revenue: Money = Field(description="what customers paid, without tax and what was refunded to them")
    cost: Money = Field(description="of what was sold, less what came back; a kit's is its components'")
    margin: Money = Field(description="revenue - cost")
    margin_percent: Number | None = Field(description="of the revenue; null: there is none")


class ValuedProduct(ValueLines, MarginTold):
    sku: str
    product_name: str
    category: str | None
    opening_quantity: Number
    sold_quantity: Number = Field(description="less what came back; components of kits included")
    closing_quantity: Number = Field(description="over all places, in transit too; below 0: oversold")
    unit_value: Money | None = Field(description="closing / closing quantity, to four places; null: nothing is there")


class ValuedCategory(MarginTold):
    category: str | None = Field(description="null: of products without one")
    closing: Money


class ValuedWhole(ValueLines, MarginTold):
    pass


class Valuation(Output):
    method: str = Field(description="average or fifo")
    first_day: date
    last_day: date
    currency: str = Field(description="ISO 4217")
    totals: ValuedWhole | None = Field(description="of all products asked for; null on later pages")
    categories: list[ValuedCategory] = Field(description="the largest revenue first; empty on later pages")
    items: list[ValuedProduct] = Field(description="in the order of their SKU")
    next_cursor: str | None = Field(description="null on the last page")


class AnalysisQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "dead", "days": 120}, {"abc": "A", "xyz": "Z", "limit": 20}]}
    )

    kind: Literal["all", "dead", "overstock", "stock_out", "expiring"] = Field(
        "all",
        description="all; dead: nothing sold for `days`; overstock: lasts longer than `cover_days`, or above what is "
        "ordered up to; stock_out: what runs out first, of what sells; expiring: lots that have expired or soon will",
    )
    abc: Class | None = Field(None, description="only this class")
    xyz: Swing | None = Field(None, description="only this class")
    category: Text | None = Field(None, description="name of a category, in any case")
    by: Literal["revenue", "cogs"] = Field(
        "revenue", description="what classes A (80 % of it), B (up to 95 %) and C are made by; cogs: at today's costs"
    )
    weeks: int = Field(26, ge=4, le=104, description="so many weeks of demand are looked at, up to today")
    days: int = Field(90, ge=1, le=730, description="after so many days without a sale stock is dead")
    cover_days: int = Field(180, ge=1, le=3650, description="stock for longer than this is too much")
    expiring_days: int = Field(30, ge=0, le=730, description="lots that expire within so many days")
    limit: Limit = Field(50, description="at most so many products")
    cursor: NumberCursor | None = Field(None, description="next_cursor of the answer before")


class AnalysedProduct(Part):
    sku: str
    product_name: str
    category: str | None
    abc: str = Field(description="A, B or C")
    xyz: str = Field(description="X: weekly demand's standard deviation is up to half its mean, Y: up to all, Z: more")
    variation: Number | None = Field(description="that ratio; null: nothing was sold")
    on_hand: Number = Field(description="over all places")
    available: Number = Field(description="what can be sold")
    value: Money = Field(description="of what is on hand, at the product's cost today")
    units_sold: Number = Field(description="in these weeks, less what came back")
    revenue: Money = Field(description="of them, without tax, before discounts on whole orders")
    daily_demand: Number = Field(description="units expected a day: of the forecast, else the mean of the weeks")
    days_of_cover: Number | None = Field(description="how long available lasts; null: no end is in sight")
    stock_out_on: date | None = Field(description="the day on which the last of it should be sold; null: the same")
    last_sale_on: date | None
    dead: bool
    excess: Number = Field(description="units that are too many; 0 of dead stock")
    excess_value: Money
    expiring: Number = Field(description="units whose lot has expired or soon will")


class Cell(Part):
    abc: str = Field(description="A, B or C")
    xyz: str = Field(description="X, Y or Z")
    products: int
    value: Money = Field(description="of what is on hand")
    revenue: Money


class Found(Part):
    products: int
    value: Money


class Analysis(Output):
    items: list[AnalysedProduct] = Field(
        description="dead and overstock: the most money first; stock_out: the soonest first; else by SKU"
    )
    next_cursor: str | None = Field(description="null on the last page")
    found: Found = Field(description="all that was asked for")
    matrix: list[Cell] = Field(description="all nine, of every product for sale or in stock, whatever was asked for")
    dead: Found
    overstock: Found = Field(description="what is too many")
    out_of_stock: int = Field(description="active products of which nothing can be sold")
    currency: str = Field(description="ISO 4217")
