"""Users, roles, logins and the vault's keys. Here, above the audit app, because changing a user is an event."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultiple

from audit.admin_base import AuditedAdmin, NeatColumns, ReadOnlyAdmin
from shop_assistant.accounts.models import LoginSession, RateCount, User
from shop_assistant.vault.models import SubjectKey


@admin.register(User)
class ShopUserAdmin(AuditedAdmin, NeatColumns, UserAdmin, ModelAdmin):  # type: ignore[misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "roles", "public_id", "is_active", "is_staff", "last_login")
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

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Roles are few: boxes to tick."""
        options["widget"] = UnfoldAdminCheckboxSelectMultiple()
        field = super().formfield_for_manytomany(db_field, request, **options)
        if field is not None:
            field.label, field.help_text = "Roles", "what this user may do"
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        names = ["superuser"] if user.is_superuser else []
        return ", ".join([*names, *sorted(group.name for group in user.groups.all())]) or "none yet"


admin.site.unregister(Group)


@admin.register(Group)
class ShopGroupAdmin(AuditedAdmin, GroupAdmin, ModelAdmin):
    pass


@admin.register(LoginSession)
class LoginSessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "created_at", "rotated_at", "expires_at", "revoked_at", "revoked_because")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    fields = ("user", "created_at", "rotated_at", "expires_at", "revoked_at", "revoked_because")


@admin.register(RateCount)
class RateCountAdmin(ReadOnlyAdmin):
    list_display = ("caller", "started_at", "count", "seconds")


@admin.register(SubjectKey)
class SubjectKeyAdmin(ReadOnlyAdmin):
    list_display = ("subject", "master_key", "created_at", "destroyed_at")
    list_filter = ("master_key", ("destroyed_at", admin.EmptyFieldListFilter))
    search_fields = ("=subject",)
    fields = ("subject", "master_key", "created_at", "destroyed_at")
