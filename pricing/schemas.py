"""What the pricing operations take and answer."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from customers.schemas import CustomerId
from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import (
    PRINTABLE,
    Code,
    Cursor,
    Limit,
    Money,
    Number,
    Percentage,
    Quantity,
    Sku,
    Text,
    UtcTime,
)

Channel = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20),
    Field(json_schema_extra={"pattern": PRINTABLE}),
]
MAX_LINES = 200


def _way(*given: str, without: tuple[str, ...]) -> dict[str, Any]:
    """One of several ways to ask, for the JSON schema; null counts as left out."""
    there, absent = ({name: {"not": {"type": "null"}} for name in given}, {name: {"type": "null"} for name in without})
    return {"required": list(given), "properties": there | absent}


def _check_given(data: Input, *ways: set[str]) -> None:
    """:raises ValueError: unless exactly the fields of one way are given."""
    given = {name for name in set().union(*ways) if getattr(data, name) is not None}
    if given not in ways:
        raise ValueError(f"give exactly one of: {'; '.join(' and '.join(sorted(way)) for way in ways)}")


class BasketLine(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Sku
    quantity: Quantity = Field(description="in the product's unit")


class Calculate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                _way("sku", "quantity", without=("lines",)),
                _way("lines", without=("sku", "quantity")),
            ],
            "examples": [
                {"sku": "SKU001", "quantity": 10},
                {"lines": [{"sku": "SKU001", "quantity": 2}, {"sku": "SKU002", "quantity": 1}], "coupon": "WELCOME"},
            ],
        }
    )
    subject_field: ClassVar = "customer_id"

    sku: Sku | None = Field(None, description="of one product; or give lines")
    quantity: Quantity | None = Field(None, description="in the product's unit")
    lines: list[BasketLine] | None = Field(
        None,
        min_length=1,
        max_length=MAX_LINES,
        description="a basket; lines of one SKU count together for quantity breaks",
    )
    customer_id: CustomerId | None = Field(None, description="whose tier and coupon limits count")
    coupon: Code | None = Field(None, description="in any case; it has to lower a price")
    channel: Channel | None = Field(None, description="where it is sold; shop, when left out")
    at: UtcTime | None = Field(
        None,
        description="prices and rules of that moment; now, when left out. Before a product's history begins, "
        "its list price is that of today.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _check_given(self, {"sku", "quantity"}, {"lines"})
        return self

    @property
    def basket(self) -> list[BasketLine]:
        """The lines, in either form."""
        if self.lines is not None:
            return self.lines
        return [BasketLine.model_construct(sku=self.sku, quantity=self.quantity)]  # both were checked above


class ApplyDiscount(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                _way("rule_id", without=("coupon",)),
                _way("coupon", without=("rule_id",)),
            ],
            "examples": [{"sku": "SKU001", "quantity": 10, "rule_id": "RULE001"}],
        }
    )
    subject_field: ClassVar = "customer_id"

    sku: Sku
    quantity: Quantity = Field(description="in the product's unit")
    rule_id: Code | None = Field(None, description="code of the one price rule to apply; or give coupon")
    coupon: Code | None = Field(None, description="coupon of the one price rule to apply, in any case")
    customer_id: CustomerId | None = Field(None, description="whose tier and coupon limits count")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _check_given(self, {"rule_id"}, {"coupon"})
        return self


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleReason(Part):
    rule: str = Field(description="code of a rule that was considered")
    applied: bool
    reason: str = Field(description="what it does, or why it does not apply")


class LinePrice(Output):
    sku: str
    product_name: str
    base_price: Money = Field(description="list price of one unit")
    quantity: Number
    discount_percent: Number = Field(description="as the rules say, where all are percentages; else what they come to")
    unit_price_after_discount: Money = Field(description="rounded half-up to the currency's minor unit")
    total_cost: Money = Field(description="quantity x unit price; plus tax where tax_included is false")
    savings: Money = Field(description="against the base price")
    applicable_rules: list[str] = Field(description="codes of the rules applied, in order")
    tax: Money = Field(description="contained in total_cost")
    tax_rate: Number = Field(description="percent")
    reasons: list[RuleReason]


class Calculated(LinePrice):
    currency: str = Field(description="ISO 4217")
    tax_included: bool = Field(description="whether base price, unit price and savings contain the tax")


class CalculatedBasket(Output):
    lines: list[LinePrice]
    subtotal: Money = Field(description="before discounts")
    savings: Money
    tax: Money = Field(description="contained in total_cost")
    total_cost: Money = Field(description="what the customer pays")
    currency: str = Field(description="ISO 4217")
    tax_included: bool = Field(description="whether prices, subtotal and savings contain the tax")


class Recommend(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sku": "SKU001", "objective": "profit"}]})

    sku: Sku
    objective: Literal["profit", "revenue", "units"] = Field("profit", description="what to make the most of")


class PriceInterval(Part):
    low: Number
    high: Number


class Elasticity(PriceInterval):
    """Percent more units for a price higher by 1 %; low and high are its 95 % confidence interval."""

    value: Number
    std_error: Number
    r2: Number = Field(description="share of the variation of units that price explains, trend over time taken out")


class PriceEvidence(Part):
    weeks: int = Field(description="complete weeks with sales at one list price: the observations")
    mixed_weeks: int = Field(description="weeks left out because several list prices were in force")
    weeks_spanned: int = Field(description="from the first to the last, weeks without sales included")
    distinct_prices: int
    lowest_price: Money
    highest_price: Money
    discounted_share: Number = Field(description="of the units, sold under price rules; 0 to 1")
    price_basis: str
    caveat: str


class WeeklyEffect(Part):
    now: Number
    then: Number
    change_percent: Number | None


class PriceEffects(Part):
    """A week, at today's price and at the recommended one."""

    units: WeeklyEffect
    revenue: WeeklyEffect = Field(description="without tax")
    profit: WeeklyEffect | None = Field(description="revenue less cost of goods; null where the cost is unknown")


class Recommended(Output):
    sku: str
    product_name: str
    objective: str
    currency: str
    current_price: Money
    abstained: bool
    recommended_price: Money | None = Field(description="null when abstained")
    interval: PriceInterval | None = Field(description="the price if demand is as elastic as its interval allows")
    elasticity: Elasticity | None
    expected: PriceEffects | None
    evidence: PriceEvidence | None
    reasons: list[str]
    recommendation_id: int | None = Field(description="of the stored proposal; null when there is nothing to change")


RowId = Annotated[int, Field(strict=True, ge=1, le=2**53)]


class DeclinePrice(Input):
    """One of the two ids."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                _way("change_id", without=("recommendation_id",)),
                _way("recommendation_id", without=("change_id",)),
            ],
            "examples": [{"change_id": 7}, {"recommendation_id": 12}],
        }
    )

    change_id: RowId | None = Field(None, description="of a price change that somebody proposed or planned")
    recommendation_id: RowId | None = Field(None, description="of a price that pricing.recommend proposed")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _check_given(self, {"change_id"}, {"recommendation_id"})
        return self


class ApprovePrice(DeclinePrice):
    confirm: bool = Field(
        False, description="to approve one's own proposal a second time, where nobody else in the shop may"
    )


class PriceDecision(Output):
    change_id: int | None = Field(description="of the planned change that came of it")
    recommendation_id: int | None
    sku: str
    product_name: str
    current_price: Money
    new_price: Money
    currency: str
    status: str = Field(description="scheduled, or approved, cancelled, rejected")
    effective_at: UtcTime | None = Field(description="when it comes into force; null when declined")
    proposed_by: str
    decided_by: str
    approval: Literal["four eyes", "self-approved", "declined"]


class ApproveDiscount(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rule_id": "CLEARANCE", "percent": 60, "reason": "end of the season"}]}
    )

    rule_id: Code = Field(description="code of the price rule")
    percent: Percentage = Field(
        description="off the list price: so large may a discount be that the rule takes part in"
    )
    reason: Text
    confirm: bool = Field(False, description="to approve one's own rule a second time, where nobody else may")


class DiscountApproved(Output):
    rule_id: str
    percent: Number
    made_by: str = Field(description="who had changed its discount, or for what it is, last")
    approved_by: str
    approved_at: UtcTime
    approval: Literal["four eyes", "self-approved"]


class ListRules(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"active": True}, {"sku": "SKU001"}]})

    active: bool | None = Field(None, description="only those switched on, or off")
    sku: Sku | None = Field(None, description="only those that concern this product")
    limit: Limit = 50
    cursor: Cursor | None = Field(None, description="next_cursor of the page before")


class RuleItem(Part):
    rule_id: str
    name: str
    kind: str = Field(description="quantity_break, percent, fixed (amount off each unit) or fixed_price")
    value: Number = Field(description="percent for quantity_break and percent, else money for one unit")
    summary: str
    min_quantity: Number
    sku: str | None = Field(description="null: not bound to a product")
    category: str | None
    customer_tier: str | None
    channel: str | None
    starts_at: UtcTime | None
    ends_at: UtcTime | None = Field(description="the first moment at which it no longer applies")
    priority: int = Field(description="the higher one applies first")
    exclusive: bool = Field(description="where it applies, no other rule does")
    coupon: str | None
    coupon_limit: int | None
    coupon_limit_per_customer: int | None
    coupon_used: int = Field(description="sales so far")
    active: bool


class RulesListed(Output):
    items: list[RuleItem]
    next_cursor: str | None


def statistic(value: float) -> Decimal:
    return Decimal(f"{value:.4f}")
