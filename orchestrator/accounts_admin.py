"""Users, roles, logins and the vault's keys. Here, above the audit app, because changing a user is an event."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultiple

from audit.admin_base import AuditedAdmin, ReadOnlyAdmin, ReadOnlyInline, ShopAdmin
from audit.history import authored
from shop_assistant.accounts.models import LoginAttempts, LoginSession, RateCount, RecoveryCode, SecondFactor, User
from shop_assistant.accounts.selectors import last_owner
from shop_assistant.agents import Role
from shop_assistant.vault.models import KeyCheck, RetentionPeriod, SubjectKey

from .logins import login_unlock, second_factor_reset, sessions_end

LAST_OWNER = "This is the shop's last active owner: make another user an owner first (role, active and staff)."
ROLES = frozenset(role.value for role in Role)


class SecondFactorInline(ReadOnlyInline):
    model = SecondFactor
    fields = ("created_at", "confirmed_at")


class RecoveryCodeInline(ReadOnlyInline):
    model = RecoveryCode
    fields = ("used_at",)
    verbose_name_plural = "recovery codes"


class ShopUserForm(UserChangeForm):
    """Somebody has to be left who can look after the users."""

    def clean(self) -> Any:
        cleaned = super().clean()
        given = self.cleaned_data
        owner = given.get("is_superuser") or any(group.name == Role.OWNER for group in given.get("groups") or ())
        if not (owner and given.get("is_active") and given.get("is_staff")) and last_owner(self.instance, lock=True):
            raise forms.ValidationError(LAST_OWNER)
        return cleaned


@admin.register(User)
class ShopUserAdmin(ShopAdmin, UserAdmin):  # type: ignore[misc]
    form = ShopUserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "roles", "public_id", "is_active", "is_staff", "second_factor", "last_login")
    list_select_related = ("second_factor",)
    list_filter = ("is_active", "is_staff", "groups")
    search_fields = ("username", "=public_id")
    search_help_text = "name in part, user id as a whole"
    fieldsets = (
        (None, {"fields": ("username", "password", "public_id")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("public_id", "last_login", "date_joined")
    filter_horizontal = ()
    actions = ("unlock", "log_out", "reset_second_factor")
    inlines = (SecondFactorInline, RecoveryCodeInline)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else ()

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Roles are few: boxes to tick."""
        options["widget"] = UnfoldAdminCheckboxSelectMultiple()
        field = super().formfield_for_manytomany(db_field, request, **options)
        if field is not None:
            field.label, field.help_text = "Roles", "what this user may do"
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Another's. For the own one the old one is asked for: a browser left open is no way to take a login over."""
        if id == str(request.user.pk):
            return redirect("admin:password_change")
        with transaction.atomic(), authored(getattr(request.user, "public_id", ""), "admin"):
            answer: HttpResponse = super().user_change_password(request, id, form_url)
        return answer

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Another role ends the user's logins; who changes the own one stays logged in here."""
        super().save_related(request, form, formsets, change)
        if form.instance == request.user:
            update_session_auth_hash(request, form.instance)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and not (obj and last_owner(obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """:raises PermissionDenied: for the last of several owners who are taken away together."""
        with transaction.atomic():
            if last_owner(obj, lock=True):
                raise PermissionDenied(LAST_OWNER)
            super().delete_model(request, obj)

    @admin.action(description="Let them try to log in again", permissions=["change"])
    def unlock(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._each(request, users, login_unlock)

    @admin.action(description="Log out everywhere", permissions=["change"])
    def log_out(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._each(request, users, sessions_end)

    @admin.action(description="Take off the second factor", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Of others: the own one goes with a code of it, on its page."""
        own = request.user.pk or 0
        if users.filter(pk=own).exists():
            messages.warning(request, "Your own is taken off on the page Second factor, with one of its codes.")
        self._each(request, users.exclude(pk=own), second_factor_reset)

    @staticmethod
    def _each(request: HttpRequest, users: QuerySet[User], change: Any) -> None:
        by = getattr(request.user, "public_id", "")
        with transaction.atomic():
            done = [user.get_username() for user in users.order_by("pk") if change(user, by=by, channel="admin")]
        messages.success(request, f"Done for {', '.join(done)}." if done else "There was nothing to do.")

    @admin.display(description="second factor", boolean=True)
    def second_factor(self, user: User) -> bool:
        return hasattr(user, "second_factor") and user.second_factor.confirmed_at is not None

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        names = ["superuser"] if user.is_superuser else []
        return ", ".join([*names, *sorted(group.name for group in user.groups.all())]) or "none yet"


admin.site.unregister(Group)


@admin.register(Group)
class ShopGroupAdmin(AuditedAdmin, GroupAdmin, ModelAdmin):
    """The shop's own roles keep their names: by them it knows whose login needs a second factor."""

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        shown = super().get_readonly_fields(request, obj)
        return [*shown, "name"] if obj and obj.name in ROLES else shown

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and not (obj and obj.name in ROLES)


@admin.register(LoginSession)
class LoginSessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "created_at", "rotated_at", "expires_at", "revoked_at", "revoked_because")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    fields = ("user", "created_at", "rotated_at", "expires_at", "revoked_at", "revoked_because")


@admin.register(LoginAttempts)
class LoginAttemptsAdmin(ReadOnlyAdmin):
    """Under which names; whose they are is not kept readable, as some are passwords typed in the wrong field."""

    list_display = ("login", "address", "failures", "tried_at", "locked_until", "succeeded_at")
    list_filter = (("locked_until", admin.EmptyFieldListFilter),)


@admin.register(RateCount)
class RateCountAdmin(ReadOnlyAdmin):
    list_display = ("caller", "started_at", "count", "seconds")


@admin.register(SubjectKey)
class SubjectKeyAdmin(ReadOnlyAdmin):
    list_display = ("subject", "master_key", "created_at", "destroyed_at")
    list_filter = ("master_key", ("destroyed_at", admin.EmptyFieldListFilter))
    search_fields = ("=subject",)
    fields = ("subject", "master_key", "created_at", "destroyed_at")


@admin.register(KeyCheck)
class KeyCheckAdmin(ReadOnlyAdmin):
    """Which keys the shop's data needs."""

    list_display = ("name",)
    fields = ("name",)


class PeriodForm(forms.ModelForm):
    class Meta:
        model = RetentionPeriod
        fields = ("days", "active")

    def clean_days(self) -> int:
        days: int = self.cleaned_data["days"]
        if days < self.instance.at_least:
            raise forms.ValidationError(f"Keep them for {self.instance.at_least} days at least.")
        return days


@admin.register(RetentionPeriod)
class RetentionPeriodAdmin(ShopAdmin):
    form = PeriodForm
    list_display = ("kind", "days", "active", "about")
    ordering = ("kind",)
    fields = ("kind", "about", "days", "at_least", "active")
    readonly_fields = ("kind", "about", "at_least")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
