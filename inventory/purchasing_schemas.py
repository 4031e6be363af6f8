"""What the purchasing operations take and answer. Quantities are in the product's unit, money in the shop's currency,
without tax.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import (
    Code,
    Limit,
    Money,
    Number,
    NumberCursor,
    Price,
    Quantity,
    Sku,
    StockQuantity,
    Text,
    UtcTime,
)

MOST_LINES = 500
MOST_COSTS = 20
Status = Literal["draft", "approved", "sent", "partly_received", "closed", "cancelled"]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Reference = Annotated[Code, Field(description="reference of a purchase order, such as PO-000123")]


class PurchaseLineInput(Part):
    sku: Sku
    quantity: Quantity
    unit_cost: Price | None = Field(
        None, description="of one unit; left out: what its supplier offers it for in this quantity, else its cost"
    )


class PurchaseWrite(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"supplier": "ACME", "lines": [{"sku": "SKU001", "quantity": 50}]},
                {"order": "PO-000123", "lines": [{"sku": "SKU001", "quantity": 60, "unit_cost": 11.5}]},
            ]
        }
    )

    order: Reference | None = Field(None, description="a draft to change; left out: a new one is made")
    supplier: Code | None = Field(
        None, description="code, for a new order; left out: the one that all its products have"
    )
    lines: Annotated[list[PurchaseLineInput], Field(min_length=1, max_length=MOST_LINES)] | None = Field(
        None,
        description="all of them: a draft loses the others; left out: it keeps what it has",
    )
    expected_on: date | None = Field(None, description="when it should arrive; left out: as its supplier usually takes")


class PurchaseApprove(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"order": "PO-000123"}]})

    order: Reference
    confirm: bool = Field(False, description="true: approve the own order, where nobody else may")


class PurchaseNamed(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"order": "PO-000123"}]})

    order: Reference


class PurchaseEnd(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"order": "PO-000123", "reason": "out of production"}]})

    order: Reference
    reason: Text | None = Field(None, description="why; kept in the trail")


class DeliveredLine(Part):
    sku: Sku
    quantity: Quantity
    lot: Code | None = Field(None, description="as printed; needed where the product is tracked by lot")
    expires_on: date | None = Field(
        None, description="the last day on which it may be sold; left out: after its shelf life"
    )
    serials: Annotated[list[Code], Field(max_length=1000)] = Field(
        default_factory=list, description="one a unit; needed where the product is tracked by serial number"
    )
    location: Code | None = Field(
        None, description="where it is put, a quarantine location for instance; left out: where the product mainly lies"
    )
    unit_cost: Price | None = Field(None, description="charged for one unit; left out: as ordered")
    expected_received: StockQuantity | None = Field(
        None, description="refuse unless so much of what was ordered had arrived before this delivery"
    )


class LandedCostInput(Part):
    kind: Literal["freight", "duty", "other"]
    amount: Price = Field(description="of the whole delivery")
    by: Literal["value", "quantity"] = Field("value", description="what each line's share is in proportion to")


class PurchaseReceive(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"order": "PO-000123", "delivery_note": "D-4711"},
                {
                    "order": "PO-000123",
                    "lines": [{"sku": "SKU001", "quantity": 40, "unit_cost": 11.9}],
                    "landed_costs": [{"kind": "freight", "amount": 12.5, "by": "value"}],
                },
            ]
        }
    )

    order: Reference
    delivery_note: Code | None = Field(None, description="the supplier's number; one is booked only once")
    lines: Annotated[list[DeliveredLine], Field(min_length=1, max_length=MOST_LINES)] | None = Field(
        None, description="what arrived; left out: everything that was missing, as it was ordered"
    )
    landed_costs: Annotated[list[LandedCostInput], Field(max_length=MOST_COSTS)] = Field(
        default_factory=list, description="freight, duty and such; part of what the goods cost"
    )
    update_cost: bool = Field(False, description="true: what a unit has cost now becomes its product's cost")


class GoingBackLine(Part):
    sku: Sku
    quantity: Quantity
    lot: Code | None = Field(None, description="lot, left out: of any; or serial number, needed unless all go back")
    location: Code | None = Field(
        None, description="where it is taken from; left out: quarantine first, then where some is free"
    )


class PurchaseReturn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"order": "PO-000123", "lines": [{"sku": "SKU001", "quantity": 2}], "reason": "broken"}]
        }
    )

    order: Reference
    lines: Annotated[list[GoingBackLine], Field(min_length=1, max_length=MOST_LINES)]
    reason: Text = Field(description="why it goes back")


class PurchasesQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"order": "PO-000123"}, {"status": "open", "supplier": "ACME"}]}
    )

    order: Reference | None = Field(None, description="one order; left out: a list, which the others narrow")
    supplier: Code | None = Field(None, description="code of its supplier")
    status: Status | Literal["open"] | None = Field(None, description="open: all but closed and cancelled ones")
    sku: Sku | None = Field(None, description="orders with this product")
    limit: Limit = Field(50, description="at most so many orders")
    cursor: NumberCursor | None = Field(None, description="next_cursor of the answer before")


class PurchaseLineItem(Part):
    sku: str
    product_name: str
    supplier_sku: str | None = Field(description="what the supplier calls it")
    quantity: Number = Field(description="ordered")
    received: Number
    returned: Number = Field(description="of what was received, sent back")
    missing: Number = Field(description="still to arrive; 0 once the order has ended")
    unit_cost: Money | None = Field(description="null: not known yet")
    cost: Money | None = Field(description="of the quantity ordered")


class PurchaseOrderItem(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "order": "PO-000123",
                    "supplier": "ACME",
                    "supplier_name": "Acme Widgets Ltd",
                    "status": "partly_received",
                    "created_at": "2026-11-02T09:00:00.000Z",
                    "approved_at": "2026-11-02T10:00:00.000Z",
                    "approval": "four eyes",
                    "sent_at": "2026-11-02T10:05:00.000Z",
                    "expected_on": "2026-11-09",
                    "late": False,
                    "ended_at": None,
                    "currency": "GBP",
                    "total": 600,
                    "lines": [
                        {
                            "sku": "SKU001",
                            "product_name": "Widget Pro",
                            "supplier_sku": "WP-1",
                            "quantity": 50,
                            "received": 40,
                            "returned": 0,
                            "missing": 10,
                            "unit_cost": 12,
                            "cost": 600,
                        }
                    ],
                    "notes": [],
                }
            ]
        }
    )

    order: str
    supplier: str = Field(description="its code")
    supplier_name: str
    status: Status
    created_at: UtcTime
    approved_at: UtcTime | None
    approval: Literal["four eyes", "self-approved"] | None = Field(description="null: not approved")
    sent_at: UtcTime | None
    expected_on: date | None = Field(description="when it should arrive")
    late: bool = Field(description="it should have arrived, and something is missing")
    ended_at: UtcTime | None = Field(description="when it was closed or cancelled")
    currency: str = Field(description="ISO 4217")
    total: Money = Field(description="of what is ordered; lines without a known cost left out")
    lines: list[PurchaseLineItem]
    notes: list[str] = Field(description="what somebody should look at, such as a quantity below the minimum order")


class PurchaseOrderPage(Output):
    items: list[PurchaseOrderItem] = Field(description="newest first")
    next_cursor: str | None = Field(description="null on the last page")


class ReceivedPart(Part):
    sku: str
    quantity: Number
    lot: str | None = Field(description="or serial number")
    expires_on: date | None
    location: str
    unit_cost: Money = Field(description="charged for one unit")
    landed_cost: Money = Field(description="its share of freight, duty and such")
    value: Money = Field(description="what the part has cost with that share")


class PurchaseReceived(Output):
    order: str
    receipt: str = Field(description="reference of the delivery, such as GR-000123; its movements carry it")
    delivery_note: str | None
    status: Status = Field(description="of the order now; closed when nothing is missing any more")
    parts: list[ReceivedPart] = Field(description="what was booked; a serial number is a part")
    lines: list[PurchaseLineItem] = Field(description="the order's, as they are now")
    goods: Money = Field(description="what was charged for this delivery's goods")
    landed: Money = Field(description="freight, duty and such")
    notes: list[str] = Field(description="what arrived beyond the order, and what is still missing")


class ReturnedPart(Part):
    sku: str
    quantity: Number
    lot: str | None
    location: str
    unit_cost: Money = Field(description="to be credited for one unit")


class PurchaseReturned(Output):
    order: str
    reference: str = Field(description="of what went back, such as SR-000123; its movements carry it")
    parts: list[ReturnedPart]
    credit: Money = Field(description="what the supplier owes for it")
    currency: str = Field(description="ISO 4217")
