"""Every failure an agent may report; anything else is a bug and answers 500.

An error is a class: its docstring is the default message, its code and status are data, and the class
it derives from (semantic, conflict, access, transient, permanent) says what happens next.
"""

from typing import Any
from uuid import UUID


class AgentError(Exception):
    """The request could not be carried out."""

    code = "INTERNAL_ERROR"
    status = 500
    retry_after: int | None = None
    """Seconds to wait before the same request may succeed; sent as Retry-After."""

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.details = details
        self.task_id: UUID | None = None
        """The task that tells of this failure, once there is one."""
        self.recorded = False
        """Whether the trail tells of it in another way."""
        super().__init__(self.message)


# Semantic: the caller has to change the request.


class SemanticError(AgentError):
    """The request can't be understood as it stands."""

    code, status = "VALIDATION_ERROR", 400


class ValidationFailed(SemanticError):
    """The request is not valid."""


class PayloadTooLarge(SemanticError):
    """The request's body is too large."""

    status = 413


class NotFound(SemanticError):
    """There is no such thing."""

    code, status = "DATA_NOT_FOUND", 404


class ClarificationNeeded(SemanticError):
    """The request is incomplete or ambiguous."""

    code, status = "CLARIFICATION_NEEDED", 422


class IdempotencyKeyReused(SemanticError):
    """This Idempotency-Key was used with another request; take a new one."""

    code, status = "IDEMPOTENCY_KEY_REUSED", 422


# Conflict: the request is fine, the state of the shop is against it. Nothing changed.


class Conflict(AgentError):
    """The request contradicts the current state; read it again and retry."""

    code, status = "CONFLICT", 409


class InsufficientStock(Conflict):
    """There is not enough stock."""

    code = "INSUFFICIENT_STOCK"


class InsufficientPoints(Conflict):
    """The customer does not have enough points."""

    code = "INSUFFICIENT_POINTS"


class AgainstRules(Conflict):
    """A compliance rule of the shop refuses this; nothing was changed."""

    code = "COMPLIANCE_BLOCKED"


class IdempotencyInProgress(Conflict):
    """A request with this Idempotency-Key is still being worked on."""

    code, retry_after = "IDEMPOTENCY_IN_PROGRESS", 1


# Access: who asks, not what is asked.


class AccessError(AgentError):
    """Access was refused."""


class NotAuthenticated(AccessError):
    """Log in first: POST /api/auth/token with username and password, then send `Authorization: Bearer <access>`."""

    code, status = "NOT_AUTHENTICATED", 401


class SecondFactorRequired(AccessError):
    """Send the code of your second factor as `otp`, beside username and password."""

    code, status = "SECOND_FACTOR_REQUIRED", 401


class SecondFactorMissing(AccessError):
    """Your role needs a second factor: log in to the admin once and set it up there."""

    code, status = "SECOND_FACTOR_MISSING", 403


class PermissionDenied(AccessError):
    """You may not do this."""

    code, status = "PERMISSION_DENIED", 403


class RateLimited(AccessError):
    """Too many requests; wait and try again."""

    code, status = "RATE_LIMITED", 429


# Transient: the same request may succeed in a moment.


class TransientError(AgentError):
    """The shop can't answer just now; try again in a moment."""

    code, status, retry_after = "TEMPORARILY_UNAVAILABLE", 503, 2


# Permanent: somebody has to look at it.


class PermanentError(AgentError):
    """Something went wrong on our side; the staff has been told."""


class ExternalServiceError(PermanentError):
    """A service the shop depends on refused to work."""

    code, status = "EXTERNAL_SERVICE_ERROR", 502


class InternalError(PermanentError):
    """Something went wrong on our side; the staff has been told."""
