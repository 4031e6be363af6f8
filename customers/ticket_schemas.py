"""What the operations on tickets take and answer."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import PERSONAL, PRINTABLE, Code, Number, PersonalText, UtcTime

from .models import SentimentScore, Ticket
from .models.support import TICKET
from .schemas import CustomerId, among, only

Message = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=5000),
    Field(json_schema_extra={"pattern": PRINTABLE}),
    PERSONAL,
]
Priority = Annotated[str, among(Ticket.Priority)]


class TicketRequest(Input):
    model_config = ConfigDict(
        serialize_by_alias=True,
        json_schema_extra={
            "examples": [
                {
                    "customer_id": "CUST001",
                    "subject": "Widget broken",
                    "message": "It arrived broken and I am very unhappy.",
                    "priority": "high",
                }
            ]
        },
    )
    topic: Annotated[PersonalText, PERSONAL, Field(alias="subject", description="what it is about, in a line")]
    message: Annotated[Message, Field(description="in the customer's words; its mood is scored")]
    customer_id: CustomerId | None = None
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    order: Annotated[Code | None, Field(description="reference of the order it is about, such as S-000001")] = None


class Sentiment(Output):
    label: Annotated[str, among(SentimentScore.Label)]
    score: Annotated[Number, Field(description="-1 (worst) to 1 (best)")]


class TicketReply(Input):
    """A message, a status, a colleague, or several of these."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [only("message"), only("status"), only("assign_to")],
            "examples": [
                {"ticket_id": "T-000001", "message": "A new one is on its way to you.", "status": "pending"},
                {"ticket_id": "T-000001", "status": "closed"},
                {"ticket_id": "T-000001", "assign_to": "USER123"},
            ],
        }
    )

    ticket_id: Annotated[Code, Field(description="such as T-000001")]
    message: Annotated[Message | None, Field(description="what is answered, or what the customer said")] = None
    author: Annotated[
        Literal["staff", "customer"], Field(description="whose words the message is; a customer's mood is scored")
    ] = "staff"
    status: Annotated[
        Literal["open", "pending", "solved", "closed"] | None,
        Field(description="left out: pending after a reply of the staff, open after a customer's. open reopens"),
    ] = None
    assign_to: Annotated[Code | None, Field(description="user_id of the colleague who looks after it")] = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.message is None and self.status is None and self.assign_to is None:
            raise ValueError("give a message, a status or assign_to")
        return self

    @property
    def subject(self) -> str | None:
        """The ticket's own key seals what is said in it."""
        return f"{TICKET}{self.ticket_id.upper()}"


class TicketHandled(Output):
    subject_field: ClassVar = "customer_id"

    ticket_id: str
    customer_id: CustomerId | None
    status: Annotated[str, among(Ticket.Status)]
    priority: Priority
    assigned_to: Annotated[str | None, Field(description="user_id; null: nobody yet")]
    messages: Annotated[int, Field(description="in the ticket by now")]
    sentiment: Annotated[Sentiment | None, Field(description="of a customer's message")]
    updated_at: UtcTime


class TicketOpened(Output):
    subject_field: ClassVar = "customer_id"

    ticket_id: Annotated[str, Field(description="the ticket's reference, such as T-000001")]
    status: Annotated[str, among(Ticket.Status)]
    priority: Priority
    sentiment: Annotated[Sentiment, Field(description="mood of the message's beginning, by an English lexicon")]
    created_at: UtcTime
    customer_id: Annotated[CustomerId | None, Field(description="null where nobody knows whose it is")]
