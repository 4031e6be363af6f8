"""The REST door: a viewset for each agent, made from the registry, and the orchestrator's own routes."""

from typing import Any, Never
from uuid import UUID

from django.conf import settings
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from audit import events
from audit.services import event_record
from orchestrator.outcome import Outcome
from orchestrator.selectors import task_get
from orchestrator.services import dispatch
from shop_assistant.accounts.limits import address_token, limit
from shop_assistant.accounts.models import User
from shop_assistant.agents import Agent, Context, Operation, registry
from shop_assistant.agents.errors import NotAuthenticated, NotFound, PermissionDenied, ValidationFailed
from shop_assistant.agents.permissions import ACT_FOR_OTHERS

from . import describing
from .requests import AIQuery, idempotency_key, parse_body, parse_query, wants_async


class ShopView(APIView):
    """Who asks is settled first, then whether they ask too often, then whether they may."""

    permission_classes: Any = (IsAuthenticated,)

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except NotAuthenticated:
            self._limit_address(request)
            raise
        user_id = getattr(request.user, "public_id", None)
        if user_id:
            limit(f"user:{user_id}", settings.RATE_LIMIT_USER)

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> Never:
        """Anonymous callers are counted by address before they are told to log in."""
        self._limit_address(request)
        super().permission_denied(request, message, code)

    @staticmethod
    def _limit_address(request: Request) -> None:
        limit(f"address:{address_token(request)}", settings.RATE_LIMIT_ANONYMOUS)


class OpenView(ShopView):
    """Needs no login; counted by address."""

    permission_classes = (AllowAny,)
    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self._limit_address(request)
        super().initial(request, *args, **kwargs)


def context_of(request: Request, *, user_id: str | None, **fields: Any) -> Context:
    """:raises PermissionDenied: for another's user_id without the permission to act for others.
    :raises NotFound: when that other is nobody, or may not log in any more.
    """
    user: Any = request.user
    other = user_id if user_id and user_id != user.public_id else None
    if other and not user.has_perm(f"agents.{ACT_FOR_OTHERS}"):
        raise PermissionDenied("user_id is another's; leave it out or send your own.", permission=ACT_FOR_OTHERS)
    if other and not User.objects.filter(public_id=other, is_active=True).exists():
        raise NotFound("There is no such user to act for.", user_id=other)
    return Context(
        user=user,
        channel="rest",
        on_behalf_of=other,
        address=address_token(request),
        idempotency_key=idempotency_key(request),
        respond_async=wants_async(request),
        **fields,
    )


def answer(outcome: Outcome) -> Response:
    headers = {"X-Task-ID": str(outcome.task_id)}
    if outcome.accepted:
        headers["Location"] = f"/api/ai/task/{outcome.task_id}"
        data = {"task_id": str(outcome.task_id), "status": "pending"}
        return Response({"status": "success", "data": data}, status=202, headers=headers)
    if outcome.receipt:
        headers["X-Audit-Receipt"] = outcome.receipt
    return Response({"status": "success", "data": outcome.data}, headers=headers)


def _runner(operation: Operation) -> Any:
    def run(self: ShopView, request: Request) -> Response:
        body = parse_body(request)
        if body.pop("action", operation.name) != operation.name:
            raise ValidationFailed(fields={"action": f"this address does {operation.name}; leave it out"})
        context = context_of(
            request, user_id=_text(body, "user_id", 32), session_id=_text(body, "session_id", 100) or ""
        )
        return answer(dispatch(agent=operation.agent, operation=operation.name, payload=body, context=context))

    run.__name__ = f"run_{operation.name}"
    run.__doc__ = operation.summary
    return describing.operation_action(operation, run)


def _text(body: dict[str, Any], name: str, length: int) -> str | None:
    value = body.pop(name, None)
    if value is not None and (not isinstance(value, str) or len(value) > length):
        raise ValidationFailed(fields={name: f"must be text of at most {length} characters"})
    return value


def viewset_for(agent: Agent) -> type[ViewSet]:
    """A viewset with an action for each operation that has a route."""
    routed = [operation for operation in agent.operations.values() if operation.route]
    actions = {f"run_{operation.name}": _runner(operation) for operation in routed}
    return type(f"{agent.title}ViewSet", (ShopView, ViewSet), actions)


class AIQueryView(ShopView):
    @describing.ai_query
    def post(self, request: Request) -> Response:
        """Route a front end's request by its page and action to the agent it is for."""
        asked = AIQuery.read(parse_body(request))
        context = context_of(request, user_id=asked.user_id, session_id=asked.session_id, page=asked.page)
        agent, operation, payload = asked.target()
        outcome = dispatch(agent=agent, operation=operation, payload=payload, context=context)
        direct = answer(outcome)
        if not outcome.accepted:
            direct.data = asked.envelope(outcome, direct.data)
        return direct


class TaskView(ShopView):
    @describing.task
    def get(self, request: Request, task_id: str) -> Response:
        """Say how a task stands: its own user, owners and auditors may know."""
        user: Any = request.user
        task = task_get(task_id=task_id, user=user)
        event_record(events.TASK_VIEWED, user_id=user.public_id, task_id=UUID(task["task_id"]))
        return Response({"status": "success", "data": task}, headers={"X-Task-ID": task["task_id"]})


class AuditView(ShopView):
    @describing.audit
    def get(self, request: Request) -> Response:
        """Read the audit trail, newest record first."""
        user: Any = request.user
        operation = registry.get("audit", "query")
        context = Context(user=user, channel="rest", address=address_token(request))
        operation.authorize(context)
        data = operation.parse(parse_query(request))
        output = operation.func(registry.agents["audit"], context, data)
        event_record(events.RECORDS_VIEWED, user_id=user.public_id, filters=data.model_dump(mode="json"))
        return Response({"status": "success", "data": output.model_dump(mode="json")})
