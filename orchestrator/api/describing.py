"""The OpenAPI description of each route, made from the operations."""

from typing import Any, Literal
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel, ConfigDict, Field, create_model
from rest_framework.decorators import action

from shop_assistant.agents import Operation, registry
from shop_assistant.agents.fields import PRINTABLE, STORABLE, UtcTime

from .requests import AIQuery, Name, UserId


class ErrorBody(BaseModel):
    code: str
    message: str
    details: dict[str, Any]


class ErrorAnswer(BaseModel):
    """Every error on every route."""

    success: Literal[False]
    task_id: UUID | None
    error: ErrorBody
    timestamp: UtcTime


class Accepted(BaseModel):
    task_id: UUID
    status: Literal["pending"]


class AcceptedAnswer(BaseModel):
    """A worker will do it; GET the Location to see how it stands."""

    status: Literal["success"]
    data: Accepted


class AIAnswerData(BaseModel):
    status: Literal["success"]
    data: Any


class AIAnswer(BaseModel):
    success: Literal[True]
    task_id: UUID
    data: AIAnswerData
    timestamp: UtcTime


class AgentCall(BaseModel):
    agent: str
    operation: str
    started_at: UtcTime
    attempt: int
    status: str
    error: str | None
    duration_ms: float


class Task(BaseModel):
    task_id: UUID
    status: Literal["pending", "in_progress", "completed", "failed"]
    agent: str
    operation: str
    user_id: str
    inputs: Any
    outputs: Any
    error: dict[str, Any] | None
    agent_calls: list[AgentCall]
    attempt: int
    created_at: UtcTime
    updated_at: UtcTime
    finished_at: UtcTime | None


class TaskAnswer(BaseModel):
    status: Literal["success"]
    data: Task


class Credentials(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"username": "owner", "password": "the demo password"}]}
    )

    username: str = Field(min_length=1, max_length=150, json_schema_extra={"pattern": STORABLE})
    password: str = Field(min_length=1, max_length=1000, json_schema_extra={"pattern": STORABLE})
    otp: str | None = Field(
        None, min_length=1, max_length=40, pattern=PRINTABLE, description="of an account with a second factor: its code"
    )


class RefreshToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    refresh: str = Field(min_length=1, max_length=4000, json_schema_extra={"pattern": STORABLE})


class Tokens(BaseModel):
    access: str
    refresh: str


class LoggedOut(BaseModel):
    logged_out: Literal[True]


class LogoutAnswer(BaseModel):
    status: Literal["success"]
    data: LoggedOut


class Health(BaseModel):
    status: Literal["ok", "degraded", "unavailable"]
    checks: dict[str, Any] = Field(default_factory=dict)


class HealthAnswer(BaseModel):
    status: Literal["success"]
    data: Health


ERRORS = {400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429, 500, 502, 503}
OPEN_ERRORS = {400, 401, 405, 406, 413, 415, 429, 500, 503}
READ_ERRORS = {400, 401, 403, 404, 405, 406, 429, 500, 503}

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    OpenApiParameter.HEADER,
    description="The same key with the same body does nothing twice and answers what was answered before.",
)
PREFER = OpenApiParameter(
    "Prefer",
    {"type": "string", "examples": ["respond-async"]},
    OpenApiParameter.HEADER,
    description="`respond-async`: answer 202 at once. Other preferences are passed over (RFC 7240).",
)


def _answers(success: Any, errors: set[int], accepted: bool = False) -> dict[Any, Any]:
    found: dict[Any, Any] = {200: success}
    if accepted:
        found[202] = AcceptedAnswer
    return found | {status: OpenApiResponse(ErrorAnswer) for status in sorted(errors)}


def request_model(operation: Operation) -> type[BaseModel]:
    """The operation's input with what every direct route takes beside it."""
    name = operation.answer.__name__.removesuffix("Answer") + "Request"
    fields: dict[str, Any] = {
        "action": (Literal[operation.name], operation.name),
        "user_id": (UserId | None, Field(None, description="the token's user, or left out")),
        "session_id": (Name | None, None),
    }
    return create_model(name, __base__=operation.input, **fields)


def operation_action(operation: Operation, run: Any) -> Any:
    """The viewset's action for an operation, with its description."""
    described = extend_schema(
        summary=operation.label,
        description=operation.summary,
        request=request_model(operation),
        responses=_answers(operation.answer, ERRORS, accepted=True),
        parameters=[IDEMPOTENCY, PREFER],
    )
    routed = action(
        detail=False,
        methods=["post"],
        url_path=(operation.route or "").split("/", 1)[1],
        url_name=operation.name.replace("_", "-"),
    )
    return described(routed(run))


ai_query = extend_schema(
    summary="Any operation, by page and action",
    request=AIQuery,
    responses=_answers(AIAnswer, ERRORS, accepted=True),
    parameters=[IDEMPOTENCY, PREFER],
)
task = extend_schema(
    summary="A task's state",
    responses=_answers(TaskAnswer, READ_ERRORS),
    parameters=[OpenApiParameter("task_id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH)],
)
token = extend_schema(summary="Log in", auth=[], request=Credentials, responses=_answers(Tokens, OPEN_ERRORS))
refresh = extend_schema(
    summary="Trade a refresh token for the next pair",
    auth=[],
    request=RefreshToken,
    responses=_answers(Tokens, OPEN_ERRORS),
)
logout = extend_schema(summary="Log out", auth=[], request=RefreshToken, responses=_answers(LogoutAnswer, OPEN_ERRORS))
health = extend_schema(
    summary="Health", auth=[], responses={200: HealthAnswer, 405: ErrorAnswer, 406: ErrorAnswer, 503: HealthAnswer}
)


def audit(view: Any) -> Any:
    """Filters of GET /api/ai/audit, from the operation's input."""
    operation = registry.get("audit", "query")
    properties = operation.input.model_json_schema(mode="validation")["properties"]
    parameters = [
        OpenApiParameter(name, _plain_type(schema), description=schema.get("description", ""))
        for name, schema in properties.items()
    ]
    return extend_schema(
        summary="The audit trail", parameters=parameters, responses=_answers(operation.answer, READ_ERRORS)
    )(view)


def _plain_type(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is there or not, never null."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    return {name: value for name, value in kinds[0].items() if name not in ("title", "description", "default")}
