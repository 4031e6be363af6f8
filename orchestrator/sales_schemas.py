"""What the operations of sales take and answer. Quantities are in the product's unit, money in the shop's currency."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from customers.schemas import CustomerId
from customers.selectors import owner_of
from inventory.services import Disposition
from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import (
    PERSONAL,
    Code,
    Money,
    Number,
    PersonalText,
    Quantity,
    Sku,
    StockQuantity,
    UtcTime,
)

Payment = Literal["cash", "card", "transfer", "invoice", "other"]


class Line(Input):
    sku: Sku
    quantity: Quantity
    lot: Code | None = Field(None, description="this lot or serial number and no other")


class SellLine(Line):
    expected_available: StockQuantity | None = Field(
        None, description="refuse unless so much of the product can be sold just now"
    )


Lines = Annotated[tuple[Line, ...], Field(min_length=1, max_length=200)]


class Sell(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lines": [{"sku": "SKU001", "quantity": 2}], "customer_id": "CUST001"}]}
    )
    subject_field = "customer_id"

    lines: Annotated[tuple[SellLine, ...], Field(min_length=1, max_length=200)]
    customer_id: CustomerId | None = Field(None, description="left out: a walk-in sale")
    coupon: Code | None = None
    redeem_points: int | None = Field(None, ge=1, le=1_000_000_000, description="pay so many points' worth")
    location: Code | None = Field(None, description="take everything from there; left out: from wherever it lies")
    reservation: Code | None = Field(
        None,
        description="reference of a reservation: what it holds is taken first, and what else it holds is free again",
    )
    payment: Payment = "cash"


class Picked(Output):
    """What to take from where."""

    sku: str = Field(description="the line's, or something its kit is made of")
    location: str
    lot: str | None = Field(description="lot or serial number")
    quantity: Number


class SoldItem(Output):
    sku: str
    product_name: str
    quantity: Number
    base_price: Money
    unit_price: Money = Field(description="after price rules")
    tax_rate: Number = Field(description="percent")
    tax: Money
    total: Money
    applicable_rules: list[str]
    picked: list[Picked]
    oversold: bool = Field(description="more than there was; only where the shop allows it (NEGATIVE_STOCK)")


class Sold(Output):
    subject_field = "customer_id"

    order: str = Field(description="the order's reference")
    occurred_at: UtcTime
    customer_id: str | None
    currency: str
    lines: list[SoldItem]
    subtotal: Money
    discount: Money
    points_redeemed: int
    points_value: Money
    tax: Money
    total: Money = Field(description="what the customer pays")
    payment: str
    reservation: str | None = Field(description="the one that was taken")
    points_earned: int
    loyalty_points: int | None = Field(description="the customer's balance afterwards")


class Return(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"restock": {"const": True}}},
                {"properties": {"disposition": {"enum": [None, "write_off"]}}},
            ],
            "examples": [{"order": "S-000001", "reason": "too small"}],
        }
    )

    order: Code
    lines: Lines | None = Field(None, description="what comes back; left out: everything still out")
    reason: PersonalText | None = None
    restock: bool = Field(True, description="false: the goods can't be sold again, as with disposition write_off")
    disposition: Disposition | None = Field(
        None,
        description="what becomes of the goods: restock (back where they came from; left out), quarantine (not for "
        "sale until somebody has looked at them) or write_off",
    )

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if not self.restock and self.disposition not in (None, "write_off"):
            raise ValueError("restock false is the same as disposition write_off: give one of them")
        return self

    @property
    def subject(self) -> str | None:
        """Whose key seals the reason: that of the order's customer; one query."""
        return owner_of(reference=self.order) if self.reason else None


class ReturnedItem(Output):
    sku: str
    quantity: Number
    refund: Money


class Returned(Output):
    subject_field = "customer_id"

    reference: str
    order: str
    occurred_at: UtcTime
    customer_id: str | None
    currency: str
    lines: list[ReturnedItem]
    refund: Money = Field(description="money back to the customer")
    tax: Money = Field(description="of that")
    restocked: bool
    disposition: str = Field(description="restock, quarantine or write_off")
    points_returned: int = Field(description="redeemed points given back")
    points_taken_back: int = Field(description="earned points taken back")
    reason: Annotated[str, PERSONAL] | None = None
