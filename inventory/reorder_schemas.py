"""What inventory.reorder takes and answers. Quantities are in the product's unit, money in the shop's currency without
tax, shares are fractions.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import Code, Money, Number, Price, Quantity, Sku, StockQuantity

from .schemas import way

MOST_LINES = 500
Objective = Literal["margin", "fill_rate"]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LineDecided(Part):
    sku: Sku
    quantity: Quantity
    expected_on_order: StockQuantity | None = Field(
        None, description="refuse unless so much of it is on order: nobody has ordered it since"
    )


_BY_HAND = way("lines", "create", without=("sku", "supplier", "budget", "objective"))
_BY_HAND["properties"]["create"] = {"const": True}


class ReorderQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                way(without=("lines", "objective")),
                way("budget", without=("lines",)),
                _BY_HAND,
            ],
            "examples": [
                {"sku": "SKU001"},
                {"supplier": "ACME", "create": True},
                {"budget": 2000, "objective": "margin"},
                {"lines": [{"sku": "SKU001", "quantity": 24, "expected_on_order": 0}], "create": True},
            ],
        }
    )

    sku: Sku | None = Field(None, description="one product; left out: every active one")
    supplier: Code | None = Field(None, description="code of a supplier: only what it delivers")
    service_level: Annotated[float, Field(ge=0.5, le=0.999)] | None = Field(
        None,
        description="share of order cycles without a stock-out; left out: each product's policy, else 0.95",
    )
    budget: Price | None = Field(
        None,
        description="no more money than this is spent: the best part of the order; left out: all of it",
        json_schema_extra={"not": {"const": 0}},
    )
    objective: Objective | None = Field(
        None,
        description="what a budget is to bring: the most expected margin (as when left out), or the most units served",
    )
    lines: Annotated[list[LineDecided], Field(min_length=1, max_length=MOST_LINES)] | None = Field(
        None, description="with create: order exactly this, as decided by hand"
    )
    create: bool = Field(False, description="true: make draft purchase orders of it, one a supplier")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.budget == 0:
            raise ValueError("a budget of nothing buys nothing: leave it out")
        if self.objective is not None and self.budget is None:
            raise ValueError("objective needs the budget that it is for")
        if self.lines is not None and not self.create:
            raise ValueError("lines are ordered: they need create")
        if self.lines is not None and (self.sku or self.supplier or self.budget is not None):
            raise ValueError("lines say all that is ordered: leave out sku, supplier and budget")
        return self


class Evidence(Part):
    """What a quantity to order rests on."""

    expected_demand: Number | None = Field(description="units over lead time + review; null: not known")
    quantile: Number | None = Field(
        description="demand over that time stays at or below so many units with the probability of the service level"
    )
    daily_demand: Number | None = Field(description="mean units a day")
    daily_spread: Number | None = Field(description="standard deviation of a day's units")
    demand_class: str | None = Field(description="smooth, erratic, intermittent or lumpy; null: not known")
    method: str | None = Field(description="how the mean was found")
    backtest_wape: Number | None = Field(
        description="error of such forecasts on its own past: sum of absolute errors of 28 days / units sold"
    )
    lead_time_days: Number = Field(description="mean")
    lead_time_spread_days: Number = Field(description="standard deviation of the lead time")
    lead_time_source: Literal["product", "supplier", "entered"] = Field(
        description="learned from deliveries of the product, or of anything by its supplier, or entered by hand"
    )
    deliveries: int = Field(description="from which the lead time was learned; 0: entered by hand")
    review_days: int = Field(description="days between two looks at the stock")
    service_level: Number = Field(description="share of order cycles without a stock-out")
    suggested: Number | None = Field(
        description="what was suggested, where the quantity was decided by hand or by the budget"
    )
    safety_stock: Number | None = Field(description="units; null: the reorder point is set by hand")
    available: Number
    on_order: Number
    in_transit: Number
    days_of_cover: Number | None = Field(
        description="how long available, in transit and on order last; null: not known, or no end"
    )
    runs_out_on: date | None = Field(
        description="day on which demand is expected to take the last of what is available now; null: not in sight"
    )
    shelf_life_days: int | None = Field(description="null: it keeps")
    expected_expiry: Number | None = Field(
        description="units of stock and order expected to expire unsold; null: it keeps, or not known"
    )


class ReorderItem(Part):
    sku: str
    product_name: str
    supplier: str | None = Field(description="its code")
    quantity: Number = Field(description="to order now, in whole packs")
    unit_cost: Money | None = Field(description="in this quantity, as the supplier offers it")
    cost: Money | None = Field(description="of the quantity")
    pack_size: Number
    minimum_order: Number
    available: Number
    on_order: Number = Field(description="in purchase orders that are open, drafts included, and not arrived")
    in_transit: Number = Field(description="on the way from one of the shop's places to another")
    reorder_point: Number
    order_up_to: Number
    runs_out_on: date | None
    reason: str
    evidence: Evidence


class LeftOut(Part):
    """What the money did not reach."""

    sku: str
    wanted: Number = Field(description="units that the whole order has of it")
    ordered: Number = Field(description="of these, within the budget")
    reason: str


class CashPlan(Part):
    budget: Money
    objective: Objective
    spent: Money
    unspent: Money = Field(description="too little for any further pack, or nothing more is worth it")
    whole_cost: Money = Field(description="of the order without a limit, as far as costs are known")
    expected: Number = Field(description="margin, or units served, that the order is expected to add")
    left_out: list[LeftOut]


class Skipped(Part):
    sku: str
    reason: str


class Reordering(Output):
    items: list[ReorderItem] = Field(
        description="what to order, the shortest cover first; the one product asked for is here in any case"
    )
    skipped: list[Skipped] = Field(description="products nothing can be said of, or without a supplier to order from")
    complete: bool = Field(description="false: items, skipped or what is left out is cut off at 500")
    cash_plan: CashPlan | None = Field(description="null: asked for without a budget")
    purchase_orders: list[str] = Field(description="references of the drafts made")
    created: int = Field(description="how many drafts were made")
    abstained: bool = Field(description="true: nothing could be said of any product asked for")
    reasons: list[str] = Field(description="of abstaining")
