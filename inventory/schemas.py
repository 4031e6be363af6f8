"""What the inventory operations take and answer. Quantities are in the product's unit, money in the shop's currency."""

from datetime import date
from typing import Any, Self

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
    UtcTime,
)


def way(*given: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """One of several ways to ask, for the JSON schema; null counts as left out."""
    there, absent = ({name: {"not": {"type": "null"}} for name in given}, {name: {"type": "null"} for name in without})
    return {"required": list(given), "properties": there | absent}


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StockQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"sku": "SKU001"},
                {"search": "widget", "low_stock": True, "limit": 20},
                {"sku": "SKU001", "at": "2024-01-22T10:30:00Z"},
            ]
        }
    )

    sku: Sku | None = Field(None, description="one product, in any case; left out: a list, which the others narrow")
    barcode: Code | None = Field(
        None, description="or one product by a GTIN that was scanned, its own or that of a packaging of it"
    )
    at: UtcTime | None = Field(
        None, description="of one product: its stock, what was reserved and its list price at this past moment"
    )
    search: Text | None = Field(None, description="part of the SKU, name or barcode, in any case")
    category: Text | None = Field(None, description="name of a category, in any case")
    low_stock: bool = Field(False, description="true: only active products at or below their reorder point")
    oversold: bool = Field(False, description="true: only products of which more was sold than there was")
    limit: Limit = Field(50, description="at most so many products")
    cursor: Cursor | None = Field(None, description="next_cursor of the answer before")


class Place(Part):
    location: str
    on_hand: Number
    reserved: Number
    kind: str = Field(description="storage, quarantine or transit; only what lies in storage can be sold")
    lot: str | None = Field(description="lot or serial number; null: its units are not told apart")
    expires_on: date | None = Field(description="the last day on which this lot may be sold; null: it keeps")
    blocked: bool = Field(description="this lot is not for sale")


class Component(Part):
    sku: str
    quantity: Number = Field(description="in one kit")


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
                    "locations": [
                        {
                            "location": "A-01-01",
                            "on_hand": 150,
                            "reserved": 0,
                            "kind": "storage",
                            "lot": None,
                            "expires_on": None,
                            "blocked": False,
                        }
                    ],
                    "quarantined": 0,
                    "in_transit": 0,
                    "oversold": False,
                    "tracking": "none",
                    "components": [],
                    "low_stock": False,
                    "reorder_point": 40,
                    "active": True,
                }
            ]
        }
    )

    sku: str
    product_name: str
    quantity: Number = Field(description="on hand, over all locations but what is in transit; of a kit, what they make")
    unit_price: Money = Field(description="list price of one unit")
    warehouse_location: str | None = Field(description="where it mainly lies; null: nowhere yet")
    available: Number = Field(
        description="what can be sold: on hand in storage, of lots neither expired nor blocked, less reserved"
    )
    reserved: Number = Field(description="promised, still on the shelf")
    currency: str = Field(description="ISO 4217")
    unit: str = Field(description="piece, kg, l or m")
    category: str | None
    barcode: str | None = Field(description="GTIN")
    locations: list[Place]
    quarantined: Number = Field(description="of the quantity, what is not for sale")
    in_transit: Number = Field(description="on its way between places, beside the quantity")
    oversold: bool = Field(description="more was sold than there was: count it")
    tracking: str = Field(description="none, lot or serial: whether its units are told apart")
    components: list[Component] = Field(description="what a kit is made of; none: it is no kit")
    low_stock: bool = Field(description="active, and available is not above the reorder point")
    reorder_point: Number | None = Field(description="set by hand, else computed last night; null: neither")
    active: bool = Field(description="false: no longer sold")


class ScannedItem(StockItem):
    """A product found by a barcode."""

    packaging: str | None = Field(description="name of the packaging that the code is printed on; null: the product")
    pack_quantity: Number = Field(description="of the product's unit in what was scanned")


class StockPage(Output):
    items: list[StockItem] = Field(description="in the order of their SKU")
    next_cursor: str | None = Field(description="null on the last page")


class StockUpdate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [way("delta", without=("quantity",)), way("quantity", without=("delta",))],
            "anyOf": [way("lot"), way(without=("expires_on",))],
            "examples": [
                {"sku": "SKU001", "delta": -2, "reason": "damaged"},
                {"sku": "SKU001", "quantity": 148, "location": "A-01-01", "expected_quantity": 150},
                {"sku": "MILK-1L", "delta": 24, "reason": "delivery", "lot": "L2407", "expires_on": "2030-01-31"},
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
        None,
        description="refuse unless so much is on hand: at the location and of the lot, or in all when none is named",
    )
    lot: Code | None = Field(
        None,
        description="lot or serial number, for products told apart by it: needed for what comes in; left out: the only "
        "one there",
    )
    expires_on: date | None = Field(
        None, description="the last day on which a new lot may be sold; left out: after the product's shelf life"
    )
    unit: Code | None = Field(
        None, description="a packaging of the product, such as box, that the quantities are in; left out: its own unit"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.delta is None) == (self.quantity is None):
            raise ValueError("give exactly one of delta and quantity")
        if self.delta == 0:
            raise ValueError("delta must not be 0")
        if self.expires_on and not self.lot:
            raise ValueError("expires_on needs the lot that it is of")
        return self


class StockUpdated(Output):
    sku: str
    product_name: str
    quantity: Number = Field(description="on hand now, over all locations")
    previous_quantity: Number = Field(description="before, over all locations")
    available: Number = Field(description="what can be sold now")
    location: str = Field(description="where it changed")
    lot: str | None = Field(description="lot or serial number; null: its units are not told apart")
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
    """How such forecasts did on the product's own past. Shares: 0.25 is a quarter."""

    origins: int = Field(description="days from which the past was forecast")
    horizon_days: int = Field(description="over so many days each time")
    wape: Number | None = Field(description="sum of the absolute errors of the horizon's units / sum of those sold")
    baseline_wape: Number | None = Field(description="the same of the better of: mean, repeating the week before")
    rmsse: Number | None = Field(description="root mean squared error of a day / that of repeating the day before")
    bias: Number | None = Field(description="sum of (forecast - sold) / sum sold: above 0, it forecast too much")


class QuantileExpected(Part):
    level: Number = Field(description="0.95: with a probability of 95 %")
    units: Number = Field(description="no more than so many are sold over the horizon")


class HistorySeen(Part):
    days: int = Field(description="from the first sale, at most 364 days back, to yesterday")
    sale_days: int
    units: Number = Field(description="sold, less what came back later")


class DemandForecast(Output):
    sku: str
    method: str | None = Field(
        description="the one with the most weight in the blend; a new product's: analogy with its category"
    )
    horizon_days: int
    first_day: date = Field(description="today, in the shop's time zone")
    last_day: date
    expected: Number | None = Field(description="units over the horizon: the sum of daily")
    low: Number | None = Field(description="lower end of the 90 % interval of that sum")
    high: Number | None = Field(description="upper end")
    daily: list[DayExpected]
    backtest: Backtest | None
    demand_class: str | None = Field(
        description="smooth, erratic, intermittent or lumpy (Syntetos & Boylan), by its gaps and its spread"
    )
    quantiles: list[QuantileExpected] = Field(description="of the units over the horizon, the higher level later")
    history: HistorySeen
    abstained: bool = Field(description="true: there is too little to go by, and nothing is forecast")
    reasons: list[str] = Field(description="of abstaining")
