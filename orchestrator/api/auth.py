"""Logging in and out."""

from typing import TypeVar

from django.db import transaction
from pydantic import BaseModel, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from audit import events
from audit.services import event_record
from orchestrator.logins import logged_in, user_of
from shop_assistant.accounts.sessions import session_close, session_open, session_rotate
from shop_assistant.agents.errors import ValidationFailed
from shop_assistant.agents.operation import field_errors

from . import describing
from .requests import parse_body
from .views import OpenView

M = TypeVar("M", bound=BaseModel)


def _read(model: type[M], request: Request) -> M:
    try:
        return model.model_validate(parse_body(request), strict=True)
    except ValidationError as error:
        raise ValidationFailed(fields=field_errors(error)) from None


class TokenView(OpenView):
    @describing.token
    def post(self, request: Request) -> Response:
        """Trade a user name and password (and, with a second factor, its code) for an access and a refresh token."""
        asked = _read(describing.Credentials, request)
        user = user_of(request._request, username=asked.username, password=asked.password, otp=asked.otp)
        with transaction.atomic():
            tokens = session_open(user=user)
            logged_in(request._request, user=user, channel="rest")
        return Response(tokens)


class RefreshView(OpenView):
    @describing.refresh
    def post(self, request: Request) -> Response:
        """The refresh token is used up by this; take the new one."""
        return Response(session_rotate(refresh=_read(describing.RefreshToken, request).refresh))


class LogoutView(OpenView):
    @describing.logout
    def post(self, request: Request) -> Response:
        """End the session: its access and refresh tokens are refused from now on."""
        with transaction.atomic():
            user_id = session_close(refresh=_read(describing.RefreshToken, request).refresh)
            event_record(events.LOGGED_OUT, user_id=user_id, channel="rest")
        return Response({"status": "success", "data": {"logged_out": True}})
