"""The admin's pages around logging in: password, second factor, recovery codes, and out again."""

from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from audit import events
from audit.history import authored
from audit.services import event_record
from shop_assistant.accounts import second_factor
from shop_assistant.accounts.gate import FLAG, PASSED, passed
from shop_assistant.accounts.limits import address_token, limit
from shop_assistant.agents.errors import AgentError, RateLimited

from .logins import check_code, check_password, logged_in, login_changed, login_failed

CHANNEL = "admin"
BEGUN = "second_factor_begun"


class LoginForm(AuthenticationForm):
    refused: AgentError | None = None

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        username, password = given.get("username"), given.get("password")
        if not username or not password:
            return given
        try:
            limit(f"address:{address_token(self.request)}", settings.RATE_LIMIT_ANONYMOUS)
            user = check_password(self.request, username=username, password=password, channel=CHANNEL)
        except RateLimited as error:
            self.refused = error
            raise forms.ValidationError(error.message) from None
        except AgentError:
            raise self.get_invalid_login_error() from None
        if not user.is_staff:
            login_failed(self.request, username=username, channel=CHANNEL)
        self.confirm_login_allowed(user)
        self.user_cache = user
        return given


@method_decorator([login_not_required, never_cache, sensitive_post_parameters()], name="dispatch")
class LoginPage(LoginView):
    authentication_form = LoginForm
    template_name = "admin/login.html"
    next_page = "admin:index"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if admin.site.has_permission(request):
            return redirect("admin:index")
        answer: HttpResponse = super().get(request, *args, **kwargs)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        page = {"title": "Log in", "app_path": self.request.get_full_path()}
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs), **page}

    def form_valid(self, form: Any) -> HttpResponse:
        """The first half of a login, and all of it for who has no device."""
        user = form.get_user()
        with transaction.atomic():
            login(self.request, user)
            self.request.session.pop(FLAG, None)
            if settings.ADMIN_SECOND_FACTOR == "off" or not second_factor.has_device(user):
                logged_in(self.request, user=user, channel=CHANNEL)
        return redirect(self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)
        return _told_to_wait(answer, form.refused)


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=40,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autofocus": True, "autocomplete": "one-time-code", "autocapitalize": "characters"}
        ),
    )
    refused: AgentError | None = None


@never_cache
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """Ask for the code of who has a device, set one up for who hasn't, and look after it once the code was given."""
    if not request.user.is_authenticated:
        return redirect("admin:login")
    if settings.ADMIN_SECOND_FACTOR == "off":
        messages.info(request, "The second factor is switched off (ADMIN_SECOND_FACTOR).")
        return redirect("admin:index")
    if not second_factor.has_device(request.user):
        return _set_up(request)
    if request.session.get(FLAG) != PASSED:
        return _ask(request)
    return _look_after(request)


def _set_up(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = CodeForm(request.POST or None)
    begun, secret = second_factor.device_begin(user, request.session.get(BEGUN))
    request.session[BEGUN] = begun
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            codes = second_factor.device_confirm(user, form.cleaned_data["code"])
            if codes:
                update_session_auth_hash(request, user)
                passed(request)
                _changed(request, "second factor set up")
        if codes:
            return _codes(request, codes)
        form.add_error("code", "This code is not the one that belongs to this secret now. Is the device's clock right?")
    uri = second_factor.setup_uri(user, secret)
    drawn = segno.make(uri, error="m").svg_inline(scale=5, border=3, light="#fff", title="QR code of the secret")
    grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    page = {"form": form, "qr": mark_safe(drawn), "secret": grouped, "must": second_factor.must_have(user)}  # noqa: S308
    return _page(request, "set_up", "Set up your second factor", **page)


def _ask(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _is_right(request, form):
        with transaction.atomic():
            passed(request)
            logged_in(request, user=user, channel=CHANNEL)
        return redirect(_onwards(request))
    return _told_to_wait(_page(request, "ask", "Second factor", form=form), form.refused)


def _look_after(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _is_right(request, form):
        if "remove" in request.POST:
            with transaction.atomic():
                second_factor.device_remove(user, "second factor removed")
                update_session_auth_hash(request, user)
                request.session.pop(FLAG, None)
                _changed(request, "second factor removed")
            return redirect("second-factor" if second_factor.must_have(user) else "admin:index")
        with transaction.atomic():
            codes = second_factor.recovery_codes_make(user)
            _changed(request, "recovery codes made")
        return _codes(request, codes)
    page = {"form": form, "left": second_factor.recovery_codes_left(user), "must": second_factor.must_have(user)}
    return _told_to_wait(_page(request, "look_after", "Second factor", **page), form.refused)


def _is_right(request: HttpRequest, form: CodeForm) -> bool:
    user: Any = request.user
    try:
        check_code(request, user=user, code=form.cleaned_data["code"], channel=CHANNEL)
    except AgentError as error:
        form.refused = error if isinstance(error, RateLimited) else None
        form.add_error("code", error.message)
        return False
    return True


def _codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return _page(request, "codes", "Your recovery codes", codes=codes, onwards=_onwards(request))


def _page(request: HttpRequest, name: str, title: str, **more: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "next": request.GET.get("next", ""), **more}
    return render(request, f"second_factor/{name}.html", context)


def _onwards(request: HttpRequest) -> str:
    """Where the user wanted to go, if that is a page of ours."""
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else resolve_url("admin:index")


def _told_to_wait(answer: HttpResponse, refused: AgentError | None) -> HttpResponse:
    if refused is not None:
        answer.status_code = refused.status
        answer["Retry-After"] = str(refused.retry_after)
    return answer


def _changed(request: HttpRequest, change: str) -> None:
    user: Any = request.user
    login_changed(user, change, by=user.public_id, channel=CHANNEL)


def password_page(request: HttpRequest) -> HttpResponse:
    """Django's own page; whoever is logged in elsewhere is logged out there."""
    with transaction.atomic(), authored(getattr(request.user, "public_id", ""), CHANNEL):
        answer: HttpResponse = admin.site.password_change(request)
        if request.method == "POST" and answer.status_code == 302:
            _changed(request, "password")
    return answer


def logout_page(request: HttpRequest) -> HttpResponse:
    user_id = getattr(request.user, "public_id", "")
    with transaction.atomic():
        answer: HttpResponse = admin.site.logout(request)
        if user_id and not request.user.is_authenticated:
            event_record(events.LOGGED_OUT, user_id=user_id, channel=CHANNEL)
    return answer


urlpatterns = [
    path("login/", LoginPage.as_view()),
    path("logout/", logout_page),
    path("password_change/", admin.site.admin_view(password_page)),
    path("second-factor/", second_factor_page, name="second-factor"),
]
