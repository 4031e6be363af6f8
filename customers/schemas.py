"""What the customers' operations take and answer."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from django.db.models import TextChoices
from pydantic import ConfigDict, Field, PlainSerializer, StringConstraints, model_validator

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import PERSONAL, PRINTABLE, Code, Limit, Money, Number, PersonalText, Sku, UtcTime

from .ids import SEALED_UNLESS_AN_ID
from .models import Customer, LoyaltyEntry

MOST_POINTS = 1_000_000_000


def _without_offset(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


MemberSince = Annotated[
    datetime,
    PlainSerializer(_without_offset, return_type=str, when_used="json"),
    Field(description="in UTC, to the second, without an offset", examples=["2023-01-15T08:00:00"]),
]
CustomerId = Annotated[Code, SEALED_UNLESS_AN_ID, Field(description="such as CUST001")]


_told = Field(json_schema_extra={"pattern": PRINTABLE})
Email = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254), _told, PERSONAL]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40), _told, PERSONAL]
Points = Annotated[int, Field(strict=True, ge=-MOST_POINTS, le=MOST_POINTS)]
EntryCursor = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]


def among(choices: type[TextChoices]) -> Any:
    """One of the values that the database's CHECK lets a column have."""
    return Field(json_schema_extra={"enum": list(choices.values)})


def only(field: str) -> dict[str, Any]:
    """A request with this field, for the JSON schema."""
    return {"required": [field], "properties": {field: {"type": "string"}}}


class ProfileQuery(Input):
    """Exactly one of the three."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [only("customer_id"), only("email"), only("phone")],
            "examples": [{"customer_id": "CUST001"}, {"email": "john@example.com"}],
        }
    )
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId | None = None
    email: Annotated[Email | None, Field(description="in any case")] = None
    phone: Annotated[Phone | None, Field(description="however it is spaced; with its country code if kept so")] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.customer_id, self.email, self.phone)) != 1:
            raise ValueError("give exactly one of customer_id, email and phone")
        return self


class Profile(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "customer_id": "CUST001",
                    "name": "John Smith",
                    "email": "john@example.com",
                    "phone": "+44 20 7946 0958",
                    "loyalty_points": 1250,
                    "total_purchases": 5000,
                    "lifetime_value": 5000,
                    "member_since": "2023-01-15T08:00:00",
                    "tier": "gold",
                    "orders_count": 12,
                    "last_purchase_at": "2024-01-20T15:04:00.000Z",
                    "open_tickets": 0,
                    "currency": "GBP",
                    "erased": False,
                }
            ]
        }
    )
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId
    name: Annotated[str | None, PERSONAL]
    email: Annotated[str | None, PERSONAL]
    phone: Annotated[str | None, PERSONAL]
    loyalty_points: int
    total_purchases: Annotated[Money, Field(description="sum of all orders, as paid")]
    lifetime_value: Annotated[Money, Field(description="realised: total_purchases less what was refunded")]
    member_since: MemberSince
    tier: Annotated[str, among(Customer.Tier)]
    orders_count: int
    last_purchase_at: UtcTime | None
    open_tickets: Annotated[int, Field(description="tickets that are open or pending")]
    currency: Annotated[str, Field(description="of the amounts, ISO 4217")]
    erased: Annotated[bool, Field(description="whether the personal data was erased; then its fields are null")]


class RecommendationQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"customer_id": "CUST001", "limit": 5}, {"skus": ["SKU001"]}]}
    )
    subject_field: ClassVar = "customer_id"

    customer_id: Annotated[CustomerId | None, Field(description="start from what this customer bought lately")] = None
    skus: Annotated[list[Sku] | None, Field(min_length=1, max_length=20, description="start from these products")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=50, strict=True, description="at most so many")] = 5


class RecommendedProduct(Output):
    sku: str
    product_name: str
    unit_price: Annotated[Money, Field(description="list price of one unit")]
    score: Annotated[
        Number,
        Field(
            description="0 to 1; bought_together: share of orders above chance, best_seller: share of the recent orders"
        ),
    ]
    basis: Annotated[str, Field(json_schema_extra={"enum": ["bought_together", "best_seller"]})]
    reason: Annotated[str, Field(description="the evidence in words, with its counts")]
    available: Annotated[Number, Field(description="units that can be sold now")]


class Recommendations(Output):
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId | None
    based_on: Annotated[list[str], Field(description="SKUs that were started from; none of them is recommended")]
    items: Annotated[list[RecommendedProduct], Field(description="the best first; what is out of stock last")]
    currency: Annotated[str, Field(description="of the prices, ISO 4217")]
    abstained: Annotated[bool, Field(description="true where there is nothing to go by at all")]
    reasons: Annotated[list[str], Field(description="why it abstained, or fell back on best sellers")]


_EARNS = {"properties": {"operation": {"enum": ["earn", "redeem"]}}, "required": ["operation"]}
_ADJUSTS = {"properties": {"operation": {"const": "adjust"}}, "required": ["operation"]}
_POINTS_RULE: dict[str, Any] = {
    "if": _EARNS,
    "then": {
        "required": ["points"],
        "properties": {"points": {"type": "integer", "minimum": 1, "maximum": MOST_POINTS}},
    },
    "else": {
        "if": _ADJUSTS,
        "then": {
            "required": ["points", "reason"],
            "properties": {"points": {"type": "integer", "not": {"const": 0}}, "reason": {"type": "string"}},
        },
        "else": {"properties": {"points": {"type": "null"}}},
    },
}


class LoyaltyRequest(Input):
    """`points` goes with earn and redeem (positive) and with adjust (signed, not 0, with a reason)."""

    model_config = ConfigDict(
        json_schema_extra={
            **_POINTS_RULE,
            "examples": [
                {"customer_id": "CUST001"},
                {"customer_id": "CUST001", "operation": "redeem", "points": 500},
                {"customer_id": "CUST001", "operation": "adjust", "points": -20, "reason": "booked twice"},
                {"customer_id": "CUST001", "operation": "history", "limit": 20},
            ],
        }
    )
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId
    operation: Literal["balance", "earn", "redeem", "adjust", "history"] = "balance"
    points: Annotated[Points | None, Field(description="whole points")] = None
    reason: Annotated[PersonalText | None, PERSONAL, Field(description="why, in words")] = None
    order: Annotated[Code | None, Field(description="reference of the order it is for; an order earns once")] = None
    limit: Annotated[Limit, Field(strict=True, description="entries of the history")] = 50
    cursor: Annotated[EntryCursor | None, Field(description="`next_cursor` of the answer before")] = None

    @model_validator(mode="after")
    def _points_fit(self) -> Self:
        if self.operation in ("balance", "history"):
            if self.points is not None:
                raise ValueError("points goes with the operations earn, redeem and adjust only")
        elif self.points is None:
            raise ValueError(f"{self.operation} needs points")
        elif self.operation == "adjust" and (self.points == 0 or self.reason is None):
            raise ValueError("adjust needs points other than 0, and a reason")
        elif self.operation != "adjust" and self.points < 1:
            raise ValueError(f"{self.operation} needs points of 1 or more")
        return self

    @property
    def writes(self) -> bool:
        return self.operation not in ("balance", "history")


class LoyaltyBalance(Output):
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId
    operation: Literal["balance"] = "balance"
    balance: Annotated[int, Field(description="points")]
    value: Annotated[Money, Field(description="what the balance is worth")]
    currency: Annotated[str, Field(description="of the value, ISO 4217")]


class LoyaltyBooked(Output):
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId
    operation: Annotated[str, Field(json_schema_extra={"enum": ["earn", "redeem", "adjust"]})]
    points: Annotated[int, Field(description="signed: negative where points were taken")]
    balance: Annotated[int, Field(description="points afterwards")]
    value: Annotated[Money, Field(description="what the points of this entry are worth, without a sign")]
    currency: Annotated[str, Field(description="of the value, ISO 4217")]
    order: str | None


class LoyaltyItem(Output):
    kind: Annotated[str, among(LoyaltyEntry.Kind)]
    points: Annotated[int, Field(description="signed")]
    balance: Annotated[int, Field(description="points afterwards")]
    reason: Annotated[str | None, PERSONAL]
    order: str | None
    user_id: str
    occurred_at: UtcTime


class LoyaltyHistory(Output):
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId
    operation: Literal["history"] = "history"
    balance: Annotated[int, Field(description="points")]
    items: Annotated[list[LoyaltyItem], Field(description="the newest first")]
    next_cursor: str | None
