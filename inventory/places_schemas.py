"""What the operations of places, lots and the ledger take and answer. Quantities are in the product's unit, money in
the shop's currency.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import Code, Cursor, Limit, Money, Number, Quantity, Sku, StockQuantity, Text, UtcTime

from .schemas import Part

Note = Annotated[Text, Field(max_length=200)]
Days = Annotated[int, Field(ge=0, le=3650)]
PlaceKind = Literal["storage", "quarantine", "transit"]
LotState = Literal["for sale", "expired", "blocked"]
MovementKind = Literal["receipt", "sale", "return", "adjustment", "transfer", "count", "write_off", "sent_back"]
EXPECTED = (
    "refuse unless so much of it, of the lot where it is told apart, is on hand where it is taken from; in the "
    "product's own unit"
)
LOT = "lot or serial number, for products that are told apart; left out: the only one there"


class TransferLineInput(Part):
    sku: Sku
    quantity: Quantity = Field(description="in the unit named, else in the product's own")
    lot: Code | None = Field(None, description=LOT)
    unit: Code | None = Field(None, description="a packaging of the product, such as box")


class TransferSendLine(TransferLineInput):
    expected_quantity: StockQuantity | None = Field(None, description=EXPECTED)


Lines = Annotated[list[TransferSendLine], Field(min_length=1, max_length=500)]


class TransferSend(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"from": "A-01-01", "to": "B-02-03", "lines": [{"sku": "SKU001", "quantity": 5}]},
                {
                    "from": "A-01-01",
                    "to": "S2-01",
                    "lines": [{"sku": "SKU001", "quantity": 2, "unit": "box"}],
                    "note": "for the branch",
                    "receive": False,
                },
            ]
        }
    )

    source: Code = Field(alias="from", description="code of the place where the goods lie")
    destination: Code = Field(alias="to", description="code of the place where they go")
    lines: Lines
    note: Note | None = Field(None, description="what for; nothing personal")
    receive: bool | None = Field(
        None,
        description="true: they are there at once; false: in transit until receive_transfer says that they have "
        "arrived; left out: at once within a warehouse, in transit between two",
    )


class TransferReceive(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"transfer": "TR-000001"},
                {"transfer": "TR-000001", "lines": [{"sku": "SKU001", "quantity": 3}]},
                {"transfer": "TR-000001", "lost": [{"sku": "SKU001", "quantity": 1}]},
            ]
        }
    )

    transfer: Code = Field(description="its reference")
    lines: Annotated[list[TransferLineInput], Field(max_length=500)] | None = Field(
        None,
        description="what has arrived; the rest stays in transit. Left out: everything that is still on its way, less "
        "what is lost; an empty list: nothing",
    )
    lost: Annotated[list[TransferLineInput], Field(max_length=500)] | None = Field(
        None, description="what will not arrive any more: written off"
    )


class TransfersQuery(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"transfer": "TR-000001"}, {"open": True}]})

    transfer: Code | None = Field(None, description="one, by its reference; left out: a list, which the others narrow")
    open: bool | None = Field(None, description="true: only what is on its way; false: only what has ended")
    location: Code | None = Field(None, description="from or to this place")
    sku: Sku | None = Field(None, description="with this product")
    limit: Limit = Field(50, description="at most so many transfers")
    cursor: Cursor | None = Field(None, description="next_cursor of the answer before")


class TransferPart(Part):
    sku: str
    product_name: str
    lot: str | None
    unit: str = Field(description="piece, kg, l or m")
    sent: Number
    arrived: Number
    lost: Number
    in_transit: Number = Field(description="still on its way")


class TransferItem(Output):
    transfer: str = Field(description="its reference")
    source: str = Field(description="code of the place it left")
    destination: str = Field(description="code of the place it goes to")
    status: Literal["in transit", "closed"] = Field(description="closed: all of it has arrived or is written off")
    note: str
    lines: list[TransferPart]
    sent_at: UtcTime
    closed_at: UtcTime | None
    sent_by: str = Field(description="public id of the user")


class TransferPage(Output):
    items: list[TransferItem] = Field(description="newest first")
    next_cursor: str | None = Field(description="null on the last page")


class QuarantineMove(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sku": "SKU001", "quantity": 2, "reason": "boxes are wet"}]}
    )

    sku: Sku
    quantity: Quantity = Field(description="in the unit named, else in the product's own")
    unit: Code | None = Field(None, description="a packaging of the product, such as box")
    location: Code | None = Field(None, description="where they lie; left out: the only place where they do")
    lot: Code | None = Field(None, description=LOT)
    expected_quantity: StockQuantity | None = Field(None, description=EXPECTED)
    reason: Note = Field(description="why they are not for sale; nothing personal")


class LotBlock(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"sku": "SKU003", "lot": "L-2024-07", "blocked": True, "reason": "recalled by the maker"}]
        }
    )

    sku: Sku
    lot: Code = Field(description="lot or serial number")
    blocked: bool = Field(description="true: nothing of it may be sold, wherever it lies; false: it may again")
    reason: Note = Field(description="why; nothing personal")


class LotsQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"sku": "SKU003"},
                {"sku": "SKU003", "lot": "L-2024-07"},
                {"expiring_within_days": 14},
            ]
        }
    )

    sku: Sku | None = Field(None, description="of this product")
    lot: Code | None = Field(
        None, description="one lot of that product, and the orders that got units of it; wants sku"
    )
    expiring_within_days: Days | None = Field(None, description="expired, or to expire within so many days")
    blocked: bool | None = Field(None, description="only those that are blocked, or only those that are not")
    in_stock: bool = Field(True, description="false: also those of which nothing is left")
    limit: Limit = Field(50, description="at most so many lots; of one lot, orders")
    cursor: Cursor | None = Field(None, description="next_cursor of the answer before")


class LotPlace(Part):
    location: str
    kind: PlaceKind
    on_hand: Number
    reserved: Number


class LotOrder(Part):
    order: str = Field(description="reference of the order")
    sold_at: UtcTime
    quantity: Number = Field(description="units of this lot, sold with it")
    returned: Number = Field(description="units of this lot that came back")


class LotItem(Part):
    sku: str
    product_name: str
    lot: str
    serial: bool = Field(description="true: a serial number, one unit")
    expires_on: date | None = Field(description="the last day on which it may be sold; null: it keeps")
    days_left: int | None = Field(description="until then; 0: today is the last, below 0: expired")
    state: LotState
    on_hand: Number = Field(description="over all places, in transit included")
    places: list[LotPlace]


class LotPage(Output):
    items: list[LotItem] = Field(description="what expires first leads")
    next_cursor: str | None = Field(description="null on the last page")


class LotDetail(LotItem, Output):
    order_count: int = Field(description="how many orders got units of it")
    orders: list[LotOrder] = Field(description="those, newest first")
    next_cursor: str | None = Field(description="null on the last page of orders")


class MovementsQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"sku": "SKU001"}, {"sku": "SKU001", "kind": "sale", "from": "2024-01-01T00:00:00Z"}]
        }
    )

    sku: Sku
    location: Code | None = Field(None, description="only there; the balance is then that of this place")
    lot: Code | None = Field(None, description="only of this lot; the balance is then that of this lot")
    kind: MovementKind | None = Field(None, description="only of this kind; the balance is still that of all")
    begin: UtcTime | None = Field(None, alias="from", description="from this moment on")
    end: UtcTime | None = Field(None, alias="to", description="before this moment")
    limit: Limit = Field(50, description="at most so many movements")
    cursor: Cursor | None = Field(None, description="next_cursor of the answer before")


class MovementItem(Part):
    movement_id: int
    occurred_at: UtcTime
    kind: MovementKind
    location: str
    lot: str | None
    quantity: Number = Field(description="signed: above 0 it came in, below it went out")
    balance: Number = Field(description="on hand afterwards in all that was asked about, in transit included")
    place_balance: Number = Field(description="on hand there (of that lot) as it was booked")
    unit_price: Money | None = Field(description="charged per unit, for sales and returns")
    unit_cost: Money | None
    reason: str
    reference: str = Field(description="order, transfer, count sheet or delivery")
    user_id: str
    task_id: str | None


class MovementPage(Output):
    sku: str
    items: list[MovementItem] = Field(description="newest first, by when it happened")
    next_cursor: str | None = Field(description="null on the last page")


class PlaceAt(Part):
    location: str
    kind: PlaceKind = Field(description="of the place, as it is today")
    lot: str | None
    on_hand: Number
    reserved: Number


class StockAt(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sku": "SKU001",
                    "product_name": "Widget Pro",
                    "at": "2024-01-22T10:30:00.000Z",
                    "quantity": 150,
                    "quarantined": 0,
                    "in_transit": 0,
                    "reserved": 2,
                    "unit_price": 29.99,
                    "currency": "GBP",
                    "unit": "piece",
                    "locations": [
                        {"location": "A-01-01", "kind": "storage", "lot": None, "on_hand": 150, "reserved": 2}
                    ],
                }
            ]
        }
    )

    sku: str
    product_name: str
    at: UtcTime
    quantity: Number = Field(
        description="on hand then, over all places but what was in transit; by when goods moved, not by when that was "
        "booked: what was booked later for that time counts"
    )
    quarantined: Number = Field(description="of that, in quarantine")
    in_transit: Number = Field(description="sent from one place to another, and on no shelf")
    reserved: Number = Field(description="promised then, and still on the shelf")
    unit_price: Money | None = Field(description="list price of that time; null: none of that time is on record")
    currency: str = Field(description="ISO 4217")
    unit: str = Field(description="piece, kg, l or m")
    locations: list[PlaceAt]
