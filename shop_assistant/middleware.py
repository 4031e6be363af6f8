"""Django's middleware for pages: sessions, the logged-in user, messages. The API has no use for them: its callers
bring a token with each request, and no cookie of theirs is looked at.
"""

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest

DATA = "/api/"


def is_data(request: HttpRequest) -> bool:
    """Whether this is for the API, and not for a page."""
    return request.path.startswith(DATA)


class _ForPages:
    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if is_data(request):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class SessionMiddleware(_ForPages, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(_ForPages, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_ForPages, messages.MessageMiddleware):
    pass
