"""What the operations of counting take and answer: quantities in the product's unit, money in the shop's currency."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import (
    Code,
    Limit,
    Money,
    Number,
    NumberCursor,
    Percentage,
    Price,
    Sku,
    StockQuantity,
    Text,
    UtcTime,
)

from .schemas import Part, way

Note = Annotated[Text, Field(max_length=200)]
Status = Literal["open", "recount", "counted", "posted", "cancelled"]
LineNumber = Annotated[int, Field(ge=1, le=1_000_000)]


class CountOpen(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [way(name) for name in ("location", "warehouse", "abc_class", "skus")],
            "examples": [
                {"location": "A-01-01"},
                {"abc_class": "A", "warehouse": "MAIN", "recount_units": 2, "recount_percent": None},
                {"skus": ["SKU001", "SKU002"], "note": "shelf looks wrong"},
            ],
        }
    )

    location: Code | None = Field(None, description="code of a bin: what lies there; one of these four is needed")
    warehouse: Code | None = Field(None, description="code of a warehouse: all of its bins")
    abc_class: Literal["A", "B", "C"] | None = Field(
        None,
        description="products of this class by the turnover of the last 26 weeks, as inventory.analysis tells it: A is "
        "the first 80 % of it",
    )
    skus: Annotated[list[Sku], Field(min_length=1, max_length=500)] | None = Field(
        None, description="these products, also where the books have none of them"
    )
    recount_units: StockQuantity | None = Field(
        Decimal(5), description="a difference of more units is to be counted again; null: no such limit"
    )
    recount_percent: Percentage | None = Field(
        Decimal(10), description="or of more percent of what is booked, up to 100; null: no such limit"
    )
    recount_money: Price | None = Field(None, description="or of more money, by cost; null: no such limit")
    note: Note | None = Field(None, description="what for; nothing personal")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.location or self.warehouse or self.abc_class or self.skus):
            raise ValueError("say what to count: location, warehouse, abc_class or skus")
        return self


class CountSheetItem(Part):
    sheet: str = Field(description="its reference")
    status: Status = Field(
        description="open, recount (some lines are counted again), counted (waits for approval), posted, cancelled"
    )
    scope: str = Field(description="what it covers, in words")
    location: str | None
    warehouse: str | None
    abc_class: Literal["A", "B", "C"] | None
    round: int = Field(description="1; 2 and above: of a recount")
    recount_units: Number | None
    recount_percent: Number | None
    recount_money: Money | None
    note: str
    lines: int
    counted: int = Field(description="lines with a figure")
    different: int | None = Field(description="lines that differ from the books; null: not to be known yet")
    value: Money | None = Field(description="of the differences together, by cost; null: not to be known yet")
    currency: str
    opened_at: UtcTime
    opened_by: str
    decided_at: UtcTime | None = Field(description="when it was posted or cancelled")
    decided_by: str | None
    approval: Literal["four eyes", "self-approved"] | None


class CountOpened(Output):
    sheet: str = Field(description="its reference, which the other operations take")
    lines: int
    scope: str
    left_out: dict[str, int] = Field(description="lines that are on another sheet already, how many by sheet")


class CountFigure(Part):
    model_config = ConfigDict(
        json_schema_extra={"oneOf": [way("quantity", without=("serials",)), way("serials", without=("quantity",))]}
    )

    sku: Sku
    quantity: StockQuantity | None = Field(None, description="how many lie there; or serials")
    serials: Annotated[list[Code], Field(max_length=2000)] | None = Field(
        None, description="every serial number that lies there, for products that have them; an empty list: none"
    )
    location: Code | None = Field(None, description="where; may be left out where the sheet has one line of it")
    lot: Code | None = Field(None, description="of which lot, for products that are told apart by lot")
    replaces: StockQuantity | None = Field(
        None, description="the figure that is there already: needed to replace it, refused when it is another one"
    )
    reason: Text | None = Field(None, description="why it differs, if known, such as damaged; nothing personal")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.quantity is None) == (self.serials is None):
            raise ValueError("give exactly one of quantity and serials")
        return self


class CountEnter(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"sheet": "CS-000001", "lines": [{"sku": "SKU001", "quantity": 148, "location": "A-01-01"}]},
                {"sheet": "CS-000001", "lines": [{"sku": "SKU001", "quantity": 149, "replaces": 148}]},
            ]
        }
    )

    sheet: Code
    lines: Annotated[list[CountFigure], Field(min_length=1, max_length=1000)]
    counted_at: UtcTime | None = Field(
        None, description="when it was counted, if earlier: what moved since is taken into account"
    )
    partial: bool = Field(False, description="true: enter what can be, tell the rest in refused; false: all or nothing")
    same_is_well: bool = Field(False, description="true: pass over figures that are there already")


class LineRefused(Part):
    index: int = Field(description="of the line in the request, from 0")
    sku: str
    reason: str
    counted: Number | None = Field(description="the figure that is there already, where that is why")
    counted_by: str | None


class CountEntered(Output):
    sheet: str
    entered: int
    unchanged: int
    left: int = Field(description="lines still to count")
    refused: list[LineRefused]


class CountClose(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sheet": "CS-000001", "leave_uncounted": True}]})

    sheet: Code
    leave_uncounted: bool = Field(False, description="true: lines without a figure stay as they are booked")


class LineToCount(Part):
    line: int = Field(description="its number on the sheet")
    sku: str
    product_name: str
    location: str
    lot: str | None


class CountClosed(Output):
    sheet: str
    status: Status = Field(description="counted: it waits for approval; recount: lines are to be counted again")
    recount: list[LineToCount] = Field(description="lines to count again; the first 500")
    recounting: int = Field(description="how many lines are to be counted again")


class CountRecount(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sheet": "CS-000001", "lines": [3, 7]}]})

    sheet: Code
    lines: Annotated[list[LineNumber], Field(min_length=1, max_length=5000)] | None = Field(
        None, description="their numbers; left out: every line that differs"
    )


class LineReason(Part):
    line: LineNumber
    reason: Text


class CountApprove(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sheet": "CS-000001", "reasons": [{"line": 3, "reason": "broken"}]}]}
    )

    sheet: Code
    reasons: Annotated[list[LineReason], Field(max_length=5000)] = Field(
        [], description="why lines differ; what has no reason counts as unexplained"
    )
    confirm: bool = Field(
        False, description="to approve what one has counted oneself a second time, where nobody else in the shop may"
    )


class CountApproved(Output):
    sheet: str
    movements: int = Field(description="booked, of kind count, with the sheet's reference")
    missing: Number = Field(description="units booked off")
    surplus: Number = Field(description="units booked on")
    value: Money = Field(description="of the difference, by cost; below 0: lost")
    currency: str
    approved_by: str
    approval: Literal["four eyes", "self-approved"]


class CountCancel(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sheet": "CS-000001"}]})

    sheet: Code


class CountCancelled(Output):
    sheet: str
    status: Status


class CountsQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sheet": "CS-000001", "only": "to_count"}, {"status": "counted"}]}
    )

    sheet: Code | None = Field(None, description="one sheet with its lines; left out: a list of sheets")
    only: Literal["to_count", "counted", "different"] | None = Field(
        None, description="of one sheet, only these lines; different: once it may be known"
    )
    status: Status | None = Field(None, description="of a list, only sheets in this state")
    location: Code | None = Field(None, description="of a list, only sheets with lines at this place")
    limit: Limit = 50
    cursor: NumberCursor | None = Field(None, description="next_cursor of the answer before")


class CountLineItem(LineToCount):
    barcode: str | None
    unit: str = Field(description="piece, kg, l or m")
    tracking: str = Field(description="none, lot or serial")
    recount: bool = Field(description="it is, or was, to be counted again")
    counted: Number | None = Field(description="null: to count")
    serials: list[str] | None = Field(description="found, for products with serial numbers")
    counted_at: UtcTime | None
    counted_by: str | None
    reason: str
    booked: Number | None = Field(
        description="on hand by the books when it was counted; null: not to be known while it is counted, nor before "
        "it is posted by those who may not approve or have counted"
    )
    difference: Number | None = Field(description="counted less booked; null as booked is")
    value: Money | None = Field(description="of the difference, by cost; null as booked is, or without a cost")


class CountPage(Output):
    items: list[CountSheetItem] = Field(description="the latest first")
    next_cursor: str | None


class CountDetail(Output):
    sheet: str
    summary: CountSheetItem
    lines: list[CountLineItem] = Field(description="in the order of place and SKU")
    next_cursor: str | None
