"""What a request carries beside an operation's own fields."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from rest_framework.request import Request

from orchestrator.outcome import Outcome
from shop_assistant.agents import registry
from shop_assistant.agents.errors import ClarificationNeeded, ValidationFailed
from shop_assistant.agents.fields import PRINTABLE, STORABLE, iso_utc
from shop_assistant.agents.operation import field_errors
from shop_assistant.agents.payload import clean_payload

KEY = re.compile(r"[\x21-\x7e]{1,255}")

_storable = Field(json_schema_extra={"pattern": STORABLE})
Name = Annotated[str, StringConstraints(max_length=100), _storable]
UserId = Annotated[str, StringConstraints(max_length=32), _storable]


class AIQuery(BaseModel):
    """The front end's general request."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "user_id": "USER123",
                    "session_id": "SESSION_XYZ",
                    "page": "Inventory",
                    "action_type": "query",
                    "ui_payload": {"action": "query", "sku": "SKU001"},
                }
            ]
        },
    )

    user_id: UserId | None = Field(None, description="the token's user, or left out")
    session_id: Name = ""
    page: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(
        description="Inventory, Pricing, Audit, Customer or Sales", json_schema_extra={"pattern": PRINTABLE}
    )
    action_type: Literal["query", "update", "ask"] = "query"
    ui_payload: dict[str, Any] = Field(description="`action` names the operation; the rest is its input")

    @classmethod
    def read(cls, body: dict[str, Any]) -> "AIQuery":
        """:raises ValidationFailed:"""
        try:
            return cls.model_validate(body, strict=True)
        except ValidationError as error:
            raise ValidationFailed(fields=field_errors(error)) from None

    def target(self) -> tuple[str, Any, dict[str, Any]]:
        """Agent, operation and payload.

        :raises ValidationFailed: for an unknown page.
        :raises ClarificationNeeded: when no operation is named.
        """
        pages = {page: agent for agent in registry.agents.values() for page in agent.pages}
        agent = pages.get(self.page.strip().lower())
        if agent is None:
            raise ValidationFailed(fields={"page": f"must be one of {', '.join(sorted(pages))}"})
        payload = dict(self.ui_payload)
        action = payload.pop("action", None)
        if action is None:
            raise ClarificationNeeded(
                "What should be done? Name the operation as ui_payload.action.", actions=list(agent.operations)
            )
        return agent.name, action, payload

    @staticmethod
    def envelope(outcome: Outcome, answer: Any) -> dict[str, Any]:
        return {
            "success": True,
            "task_id": str(outcome.task_id),
            "data": answer,
            "timestamp": iso_utc(datetime.now(UTC)),
        }


def parse_body(request: Request) -> dict[str, Any]:
    """:raises ValidationFailed: when the body is no JSON object, or has what can't be stored."""
    if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
        raise ValidationFailed("Send the body whole, with its Content-Length; in chunks it can't be read.")
    body: Any = request.data
    return clean_payload(dict(body) if isinstance(body, dict) else body)


def parse_query(request: Request) -> dict[str, Any]:
    """The query string as an operation's payload; numbers as numbers.

    :raises ValidationFailed: for a name given twice.
    """
    if repeated := [name for name, values in request.query_params.lists() if len(values) > 1]:
        raise ValidationFailed(fields=dict.fromkeys(repeated, "is given twice"))
    payload: dict[str, Any] = dict(request.query_params.items())
    if re.fullmatch("[0-9]+", payload.get("limit", "")):
        payload["limit"] = int(payload["limit"][:9])
    return clean_payload(payload)


def idempotency_key(request: Request) -> str | None:
    """:raises ValidationFailed:"""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not KEY.fullmatch(key):
        raise ValidationFailed(fields={"Idempotency-Key": "must be 1 to 255 visible ASCII characters"})
    return key


def wants_async(request: Request) -> bool:
    """`Prefer: respond-async` (RFC 7240), among other preferences perhaps."""
    preferences = request.headers.get("Prefer", "").lower().split(",")
    return any(preference.split(";")[0].strip() == "respond-async" for preference in preferences)
