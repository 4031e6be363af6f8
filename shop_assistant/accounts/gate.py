"""Nobody passes with half a login: pages wait for the second factor of who has one, or must set one up."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from shop_assistant.middleware import is_data

from .second_factor import has_device, must_have

PASSED = "passed"
OPEN = ("/static/", "/health/", "/metrics")
FLAG = "second_factor"


class SecondFactorMiddleware:
    """The API is not concerned: its tokens are only given to who brought the code."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        if is_data(request) or request.path.startswith(OPEN) or self._may_pass(request):
            return self.get_response(request)
        page = reverse("second-factor")
        if request.path in (page, reverse("admin:logout")):
            return self.get_response(request)
        asked = {"next": request.get_full_path()} if request.method == "GET" else {}
        answer = HttpResponseRedirect(f"{page}?{urlencode(asked)}" if asked else page)
        add_never_cache_headers(answer)
        return answer

    def _may_pass(self, request: HttpRequest) -> bool:
        mode = settings.ADMIN_SECOND_FACTOR
        if mode == "off" or not request.user.is_authenticated:
            return True
        if request.session.get(FLAG) in (PASSED, mode):
            return True
        if has_device(request.user) or must_have(request.user):
            return False
        request.session[FLAG] = mode  # asked once a login; a device or another role ends the login
        return True


def passed(request: HttpRequest) -> None:
    """The second factor was right. The session gets a new key, so that one known before is worth nothing."""
    request.session.cycle_key()
    request.session[FLAG] = PASSED
