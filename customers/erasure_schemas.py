"""What asking for an erasure, and deciding on it, take and answer."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from shop_assistant.agents import Input, Output
from shop_assistant.agents.fields import PERSONAL, Code, PersonalText, UtcTime

from .models import ErasureRequest
from .schemas import CustomerId, among


class ErasureAsked(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"customer_id": "CUST001", "reason": "asked for by letter of 3 March"}]}
    )
    subject_field: ClassVar = "customer_id"

    customer_id: CustomerId
    reason: Annotated[PersonalText, PERSONAL, Field(description="why, in words; sealed, and erased with the person")]
    ground: Annotated[
        Literal["asked", "consent_withdrawn", "not_needed", "unlawful"],
        Field(description="of GDPR article 17 (1); stays in the trail"),
    ] = "asked"


class ErasureDecided(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"request": "E-000001"}, {"request": "E-000001", "decision": "decline"}],
        }
    )

    request: Annotated[Code, Field(description="reference of the request, such as E-000001")]
    customer_id: Annotated[CustomerId | None, Field(description="whom it is about, to be sure; left out: whoever")] = (
        None
    )
    decision: Literal["erase", "decline"] = "erase"
    confirm: Annotated[
        bool, Field(strict=True, description="your own request, where nobody else may: confirmed a second time")
    ] = False


class ErasureKept(Output):
    what: str
    count: int
    why: str


class ErasureCounts(Output):
    """How much was made unreadable, or removed."""

    keys: Annotated[int, Field(description="destroyed: what they sealed can't be read anywhere any more")] = 0
    lookups: Annotated[int, Field(description="entries for finding the person by e-mail or phone")] = 0
    tickets: Annotated[int, Field(description="whose words are gone")] = 0
    tickets_closed: int = 0
    requests: Annotated[int, Field(description="that told of the person under a key of their own")] = 0


class Erasure(Output):
    request: Annotated[str | None, Field(description="reference; null: erased without one, before there were any")]
    customer_id: CustomerId
    status: Annotated[str, Field(json_schema_extra={"enum": ["requested", "erased", "declined"]})]
    ground: Annotated[str | None, among(ErasureRequest.Ground)]
    requested_by: str | None
    requested_at: UtcTime | None
    due_at: Annotated[UtcTime | None, Field(description="30 days after it was asked for")]
    decided_by: str | None
    approval: Annotated[Literal["four eyes", "self-approved"] | None, Field(description="null: not erased by request")]
    erased_at: UtcTime | None
    receipt: Annotated[str | None, Field(description="event id and leaf of SUBJECT_ERASED in the trail")]
    erased: ErasureCounts
    kept: Annotated[list[ErasureKept], Field(description="what stays, without the person, and why")]
    notes: Annotated[list[str], Field(description="what to see to before it is confirmed, or who has to confirm")]
