"""The types that operations' inputs and outputs are made of.

Numbers leave as JSON numbers (computed in Decimal, never in float), times as UTC with milliseconds and `Z`,
and whatever is marked Personal leaves sealed when a task or a record is stored.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    WrapSerializer,
)
from pydantic.functional_serializers import SerializerFunctionWrapHandler
from pydantic_core.core_schema import SerializationInfo


def iso_utc(moment: datetime) -> str:
    """`2024-01-22T10:30:00.000Z`"""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_number(value: Decimal) -> int | float:
    """A Decimal of up to 15 digits as the JSON number that reads back as the same Decimal."""
    return int(value) if value == value.to_integral_value() else float(value)


# Without a return type, so that the JSON schema keeps the type of what is marked.
def _sealed_when_stored(value: Any, handler: SerializerFunctionWrapHandler, info: SerializationInfo):  # type: ignore[no-untyped-def]
    context = info.context or {}
    seal = context.get("seal")
    if not seal:
        return handler(value)
    context["seal"] = None  # what is marked within is sealed with the whole, and not once more by itself
    try:
        plain = handler(value)
    finally:
        context["seal"] = seal
    return plain if plain in (None, "") else seal(plain)


PERSONAL = WrapSerializer(_sealed_when_stored)
"""`Annotated[str, PERSONAL]`: names a person or is free text that may; stored only as ciphertext."""

_number = PlainSerializer(json_number, return_type=int | float, when_used="json")


def _only_numbers(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")
    return Decimal(str(value))


class _NumberSchema:
    """Says `number` where pydantic would say `number or string`, and the bounds of an input."""

    def __init__(self, step: float | None = None, **bounds: float) -> None:
        self._asked: dict[str, Any] = {"type": "number", **bounds}
        if step:
            self._asked["multipleOf"] = step

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return dict(self._asked) if handler.mode == "validation" else {"type": "number"}


LARGEST = Decimal(999_999_999)


def _decimal(places: int, **bounds: Any) -> Any:
    """A Decimal that is a number in JSON, with so many places at the most."""
    names = {"gt": "exclusiveMinimum", "ge": "minimum", "le": "maximum"}
    told = {names[name]: json_number(Decimal(bound)) for name, bound in bounds.items()}
    return Annotated[
        Decimal,
        BeforeValidator(_only_numbers),
        Field(max_digits=9 + places, decimal_places=places, **bounds),
        _number,
        _NumberSchema(10.0**-places, **told),
    ]


Number = Annotated[Decimal, _number, _NumberSchema()]
"""A decimal in an answer."""
Money = Number
"""An amount in the shop's currency, in an answer."""
if TYPE_CHECKING:
    Price: TypeAlias = Decimal
    Quantity: TypeAlias = Decimal
    StockQuantity: TypeAlias = Decimal
    SignedQuantity: TypeAlias = Decimal
    Percentage: TypeAlias = Decimal
else:
    Price = _decimal(4, ge=0, le=LARGEST)
    """An amount in the shop's currency, in a request."""
    Quantity = _decimal(3, gt=0, le=LARGEST)
    """How many of the product's unit; whole where the unit is a piece."""
    StockQuantity = _decimal(3, ge=0, le=LARGEST)
    SignedQuantity = _decimal(3, ge=-LARGEST, le=LARGEST)
    Percentage = _decimal(3, gt=0, le=Decimal(100))
    """More than nothing, up to 100."""

STORABLE = r"^[^\u0000]*$"
"""No NUL, which PostgreSQL can't store."""
PRINTABLE = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
"""That, and some text."""


def _text(length: int) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=length)


_told = Field(json_schema_extra={"pattern": PRINTABLE})
Sku = Annotated[str, _text(64), _told]
Code = Annotated[str, _text(64), _told]
"""Another short key: a customer's id, an order's reference, a coupon."""
Text = Annotated[str, _text(500), _told]
PersonalText = Annotated[str, _text(500), _told, PERSONAL]


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _only_moments(value: Any) -> Any:
    """Refuse what pydantic would take for seconds since 1970, and a time without its offset."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("must be a time with its offset, such as 2024-01-22T10:30:00Z")
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError("is not on the calendar") from None


def _storable(moment: datetime) -> datetime:
    """Refuse moments whose UTC form falls off the calendar."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999") from None


UtcTime = Annotated[
    AwareDatetime,
    BeforeValidator(_only_moments),
    AfterValidator(_storable),
    PlainSerializer(iso_utc, return_type=str, when_used="json"),
    Field(json_schema_extra={"format": "date-time"}),
]
Limit = Annotated[int, Field(ge=1, le=200)]
Cursor = Annotated[str, StringConstraints(max_length=200), Field(json_schema_extra={"pattern": STORABLE})]
"""`next_cursor` of the answer before."""
NumberCursor = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]
"""That, where it is a number."""
