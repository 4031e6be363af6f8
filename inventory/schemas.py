"""What the inventory operations take and answer. Quantities are in the product's unit, money in the shop's currency."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import (
    Code,
    Cursor,
    Limit,
    Money,
    Number,
    SignedQuantity,
    Sku,
    StockQuantity,
    Text,
)


def _either(field: str, other: str) -> dict[str, Any]:
    """One of two ways to ask, for the JSON schema; null counts as left out."""
    return {"required": [field], "properties": {field: {"not": {"type": "null"}}, other: {"type": "null"}}}


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StockQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sku": "SKU001"}, {"search": "widget", "low_stock": True, "limit": 20}]}
    )

    sku: Sku | None = Field(None, description="one product, in any case; left out: a list, which the others narrow")
    search: Text | None = Field(None, description="part of the SKU, name or barcode, in any case")
    category: Text | None = Field(None, description="name of a category, in any case")
    low_stock: bool = Field(False, description="true: only active products at or below their reorder point")
    limit: Limit = Field(50, description="at most so many products")
    cursor: Cursor | None = Field(None, description="next_cursor of the answer before")


class Place(Part):
    location: str
    on_hand: Number
    reserved: Number


class StockItem(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sku": "SKU001",
                    "product_name": "Widget Pro",
                    "quantity": 150,
                    "unit_price": 29.99,
                    "warehouse_location": "A-01-01",
                    "available": 150,
                    "reserved": 0,
                    "currency": "GBP",
                    "unit": "piece",
                    "category": "Widgets",
                    "barcode": None,
                    "locations": [{"location": "A-01-01", "on_hand": 150, "reserved": 0}],
                    "low_stock": False,
                    "reorder_point": 40,
                    "active": True,
                }
            ]
        }
    )

    sku: str
    product_name: str
    quantity: Number = Field(description="on hand, over all locations")
    unit_price: Money = Field(description="list price of one unit")
    warehouse_location: str | None = Field(description="where it mainly lies; null: nowhere yet")
    available: Number = Field(description="what can be sold: on hand less reserved")
    reserved: Number = Field(description="promised to orders, still on the shelf")
    currency: str = Field(description="ISO 4217")
    unit: str = Field(description="piece, kg, l or m")
    category: str | None
    barcode: str | None = Field(description="GTIN")
    locations: list[Place]
    low_stock: bool = Field(description="active, and available is not above the reorder point")
    reorder_point: Number | None = Field(description="set by hand, else computed last night; null: neither")
    active: bool = Field(description="false: no longer sold")


class StockPage(Output):
    items: list[StockItem] = Field(description="in the order of their SKU")
    next_cursor: str | None = Field(description="null on the last page")


class StockUpdate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [_either("delta", "quantity"), _either("quantity", "delta")],
            "examples": [
                {"sku": "SKU001", "delta": -2, "reason": "damaged"},
                {"sku": "SKU001", "quantity": 148, "location": "A-01-01", "expected_quantity": 150},
            ],
        }
    )

    sku: Sku
    delta: SignedQuantity | None = Field(
        None,
        description="change by so much, not 0; or give quantity",
        json_schema_extra={"not": {"const": 0}},
    )
    quantity: StockQuantity | None = Field(
        None, description="set what is on hand at the location, after a count; or give delta"
    )
    reason: Text | None = Field(
        None,
        description="why; receipt or delivery (coming in), write-off, damaged or lost (going out) name the kind of a "
        "delta's movement, which is otherwise an adjustment",
    )
    location: Code | None = Field(None, description="where; left out: where the product mainly lies")
    expected_quantity: StockQuantity | None = Field(
        None, description="refuse unless so much is on hand: at the location, or in all when none is named"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.delta is None) == (self.quantity is None):
            raise ValueError("give exactly one of delta and quantity")
        if self.delta == 0:
            raise ValueError("delta must not be 0")
        return self


class StockUpdated(Output):
    sku: str
    product_name: str
    quantity: Number = Field(description="on hand now, over all locations")
    previous_quantity: Number = Field(description="before, over all locations")
    available: Number = Field(description="what can be sold now")
    location: str = Field(description="where it changed")
    movement_id: int | None = Field(description="of the stock ledger; null: a count found what was booked")
    reason: str | None


class ForecastQuery(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sku": "SKU001", "horizon_days": 28}]})

    sku: Sku
    horizon_days: int = Field(28, ge=1, le=365, description="so many days from today on")


class DayExpected(Part):
    day: date
    expected: Number = Field(description="units")


class Backtest(Part):
    """How the chosen method did on the product's own past. Shares: 0.25 is a quarter."""

    origins: int = Field(description="days from which the past was forecast")
    horizon_days: int = Field(description="over so many days each time")
    wape: Number | None = Field(description="sum of the absolute errors of the horizon's units / sum of those sold")
    baseline_wape: Number | None = Field(description="the same of the better of: mean, repeating the week before")
    rmsse: Number | None = Field(description="root mean squared error of a day / that of repeating the day before")
    bias: Number | None = Field(description="sum of (forecast - sold) / sum sold: above 0, it forecast too much")


class HistorySeen(Part):
    days: int = Field(description="from the first sale, at most 364 days back, to yesterday")
    sale_days: int
    units: Number = Field(description="sold, less what came back later")


class DemandForecast(Output):
    sku: str
    method: str | None = Field(description="the one with the least error in the backtest")
    horizon_days: int
    first_day: date = Field(description="today, in the shop's time zone")
    last_day: date
    expected: Number | None = Field(description="units over the horizon: the sum of daily")
    low: Number | None = Field(description="lower end of the 90 % interval of that sum")
    high: Number | None = Field(description="upper end")
    daily: list[DayExpected]
    backtest: Backtest | None
    history: HistorySeen
    abstained: bool = Field(description="true: there is too little to go by, and nothing is forecast")
    reasons: list[str] = Field(description="of abstaining")


class ReorderQuery(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sku": "SKU001"}, {"supplier": "ACME", "create": True}]})

    sku: Sku | None = Field(None, description="one product; left out: every active one")
    supplier: Code | None = Field(None, description="code of a supplier: only what it delivers")
    service_level: Annotated[float, Field(ge=0.5, le=0.999)] | None = Field(
        None,
        description="share of order cycles without a stock-out; left out: each product's policy, else 0.95",
    )
    create: bool = Field(False, description="true: make draft purchase orders of it, one a supplier")


class Evidence(Part):
    """What a quantity to order rests on."""

    expected_demand: Number | None = Field(description="units over lead time + review; null: not known")
    daily_demand: Number | None = Field(description="mean units a day")
    daily_spread: Number | None = Field(description="standard deviation of a day's units")
    method: str | None = Field(description="how the mean was found")
    lead_time_days: int
    lead_time_spread_days: Number = Field(description="standard deviation of the lead time")
    review_days: int = Field(description="days between two looks at the stock")
    service_level: Number
    safety_stock: Number | None = Field(description="units; null: the reorder point is set by hand")
    days_of_cover: Number | None = Field(description="how long available + on order last; null: not known, or no end")


class ReorderItem(Part):
    sku: str
    product_name: str
    supplier: str | None = Field(description="its code")
    quantity: Number = Field(description="to order now, in whole packs")
    unit_cost: Money | None
    cost: Money | None = Field(description="of the quantity")
    available: Number
    on_order: Number = Field(description="in draft and sent purchase orders")
    reorder_point: Number
    order_up_to: Number
    reason: str
    evidence: Evidence


class Skipped(Part):
    sku: str
    reason: str


class Reordering(Output):
    items: list[ReorderItem] = Field(
        description="what to order, the shortest cover first; the one product asked for is here in any case"
    )
    skipped: list[Skipped] = Field(description="products nothing can be said of, or without a supplier to order from")
    complete: bool = Field(description="false: items or skipped is cut off at 500")
    purchase_orders: list[str] = Field(description="references of the drafts made")
    created: int = Field(description="how many drafts were made")
    abstained: bool = Field(description="true: nothing could be said of any product asked for")
    reasons: list[str] = Field(description="of abstaining")
