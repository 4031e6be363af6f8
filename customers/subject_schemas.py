"""Everything that is kept about a customer, as its operation answers it (GDPR, articles 15 and 20)."""

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import PERSONAL, Money, Number, PersonalText, UtcTime

from .schemas import CustomerId, LoyaltyItem


class SubjectQuery(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"customer_id": "CUST001", "reason": "asked for by letter of 3 March"}]}
    )
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId
    reason: Annotated[PersonalText, PERSONAL, Field(description="why it is asked for; kept sealed")]


class SubjectState(Output):
    """The profile as it was from this moment on, and who made it so."""

    at: UtcTime
    user_id: str
    change: Annotated[str, Field(description="added, changed or removed")]
    name: str | None
    email: str | None
    phone: str | None
    address: str | None
    tier: str
    member_since: UtcTime


class SubjectProfile(Output):
    name: str | None
    email: str | None
    phone: str | None
    address: str | None
    tier: str
    member_since: UtcTime
    created_at: UtcTime
    erased_at: UtcTime | None
    loyalty_points: int


class SubjectLine(Output):
    sku: str
    product_name: str
    quantity: Number
    unit_price: Money
    tax: Money
    total: Money


class SubjectOrder(Output):
    order: str
    occurred_at: UtcTime
    channel: str
    payment: str
    coupon: str | None
    currency: str
    subtotal: Money
    discount: Money
    points_value: Annotated[Money, Field(description="paid with points")]
    tax: Money
    total: Money
    lines: list[SubjectLine]


class SubjectReturnLine(Output):
    sku: str
    quantity: Number
    total: Money


class SubjectReturn(Output):
    reference: str
    order: str
    occurred_at: UtcTime
    reason: str | None
    total: Annotated[Money, Field(description="refunded")]
    lines: list[SubjectReturnLine]


class SubjectMessage(Output):
    author: Annotated[str, Field(description="customer or staff")]
    user_id: str
    text: str | None
    written_at: UtcTime
    mood: str | None


class SubjectTicket(Output):
    ticket_id: str
    topic: str | None
    status: str
    priority: str
    order: str | None
    created_at: UtcTime
    messages: list[SubjectMessage]


class SubjectInteraction(Output):
    kind: str
    reference: str | None
    summary: str | None
    occurred_at: UtcTime


class SubjectTask(Output):
    task_id: str
    operation: str
    status: str
    user_id: str
    at: UtcTime
    inputs: Annotated[dict[str, Any], Field(description="what was asked")]


class SubjectLook(Output):
    at: UtcTime
    user_id: str
    how: Annotated[str, Field(description="the operation, a page of the admin, or an export")]


class SubjectErasure(Output):
    request: str
    status: str
    ground: str
    reason: str | None
    requested_at: UtcTime
    requested_by: str
    decided_at: UtcTime | None
    decided_by: str | None
    receipt: str | None


class SubjectRecord(Output):
    """Of the audit trail, where the whole of it can be verified."""

    seq: int
    event: str
    at: UtcTime
    user_id: str
    task_id: str | None


class SubjectData(Output):
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId
    produced_at: UtcTime
    profile: Annotated[SubjectProfile, PERSONAL]
    profile_history: Annotated[list[SubjectState], PERSONAL, Field(description="the oldest first")]
    orders: Annotated[list[SubjectOrder], PERSONAL]
    returns: Annotated[list[SubjectReturn], PERSONAL]
    points: Annotated[list[LoyaltyItem], PERSONAL, Field(description="the points ledger, the oldest entry first")]
    tickets: Annotated[list[SubjectTicket], PERSONAL]
    interactions: Annotated[list[SubjectInteraction], PERSONAL]
    tasks: Annotated[list[SubjectTask], PERSONAL, Field(description="requests to the shop's agents about this person")]
    erasures: Annotated[list[SubjectErasure], PERSONAL, Field(description="requests to erase the person")]
    records: Annotated[list[SubjectRecord], PERSONAL, Field(description="of the audit trail that name the person")]
    looked_at: Annotated[
        list[SubjectLook], PERSONAL, Field(description="when, and by whom, personal data was seen before this time")
    ]
