"""Who calls the API: `Authorization: Bearer <access token>`."""

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from shop_assistant.agents.errors import NotAuthenticated

from .models import User
from .sessions import session_user


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, None] | None:
        """:raises NotAuthenticated: for a token that is there but not good."""
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token or not token.isascii():
            raise NotAuthenticated("Send the token as `Authorization: Bearer <access>`.")
        return session_user(token.strip()), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
