"""What the operations about reservations take and answer. Quantities are in the product's unit."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import Code, Limit, Number, NumberCursor, Quantity, Sku, StockQuantity, Text, UtcTime

from .schemas import Part, way

YEAR = 366 * 24 * 60


class ReserveLine(Input):
    sku: Sku
    quantity: Quantity
    lot: Code | None = Field(None, description="this lot or serial number and no other")
    expected_available: StockQuantity | None = Field(
        None, description="refuse unless so much of the product can be sold just now"
    )


class Reserve(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [way(without=("expires_at",)), way(without=("expires_in_minutes",))],
            "examples": [
                {"lines": [{"sku": "SKU001", "quantity": 2}], "expires_in_minutes": 30},
                {"lines": [{"sku": "SKU001", "quantity": 2}], "expires_in_minutes": None, "note": "pick-up on Friday"},
            ],
        }
    )

    lines: Annotated[tuple[ReserveLine, ...], Field(min_length=1, max_length=200)]
    expires_in_minutes: Annotated[int, Field(ge=1, le=YEAR)] | None = Field(
        30, description="it runs out by itself after so long; null: it never does, unless expires_at says when"
    )
    expires_at: UtcTime | None = Field(None, description="when it runs out, instead of expires_in_minutes")
    location: Code | None = Field(None, description="all of it from there; left out: from wherever it lies")
    note: Annotated[Text, Field(max_length=200)] | None = Field(None, description="what for; nothing personal")

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.expires_at and "expires_in_minutes" in self.model_fields_set and self.expires_in_minutes is not None:
            raise ValueError("give one of expires_in_minutes and expires_at")
        return self


class Promised(Part):
    """So much of one product in one place."""

    sku: str
    location: str
    lot: str | None = Field(description="lot or serial number")
    quantity: Number
    for_kit: str | None = Field(description="SKU of the kit that was asked for; null: the product itself was")


class ReservationItem(Output):
    reservation: str = Field(description="its reference")
    status: str = Field(description="open, run_out, released or taken")
    expires_at: UtcTime | None = Field(description="null: never")
    note: str
    order: str | None = Field(description="that took it")
    created_at: UtcTime
    user_id: str = Field(description="who made it")
    lines: list[Promised]


class Release(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reference": "V-000001"}]})

    reference: Code = Field(description="of the reservation")


class Released(Output):
    reservation: str
    lines: list[Promised] = Field(description="what is free again; none: it had run out")


class ReservationsQuery(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"sku": "SKU001", "open": False, "limit": 20}]})

    sku: Sku | None = Field(None, description="only of this product, or of kits that it is in")
    open: bool = Field(True, description="false: also those that have run out, were released or taken")
    limit: Limit = Field(50, description="at most so many")
    cursor: NumberCursor | None = Field(None, description="next_cursor of the answer before")


class ReservationsPage(Output):
    items: list[ReservationItem] = Field(description="the newest first")
    next_cursor: str | None = Field(description="null on the last page")
