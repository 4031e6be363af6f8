"""The local user `system`, and what each role may do in the admin beside its operations."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import router

from shop_assistant.agents import Role

from .models import SYSTEM_USER_ID, User

TRAIL = ("auditrecord", "outbox")
"""Read by who may ask `audit.query`, and by nobody else."""


def system_user() -> User:
    """Trusted code of this machine: Python's door and the commands. Not in the database, so nobody logs in as it."""
    return User(username=SYSTEM_USER_ID, public_id=SYSTEM_USER_ID, is_superuser=True)


def sync_admin_permissions(using: str, **kwargs: Any) -> None:
    """Give the roles the permissions that none of them has yet: all of them at first, later those of new models. What
    an owner gives and takes between the roles stays as it is.
    """
    if not router.allow_migrate(using, "auth", model_name="permission"):
        return
    everything = Permission.objects.exclude(content_type__app_label__in=["agents", "sessions", "contenttypes"])
    views = everything.filter(codename__startswith="view_")
    shop = everything.filter(content_type__app_label__in=["inventory", "pricing", "customers"])
    trail = views.filter(content_type__app_label="audit", content_type__model__in=TRAIL)
    wanted = {
        Role.OWNER: everything,
        Role.MANAGER: views.exclude(content_type__app_label__in=["auth", "accounts"]).exclude(pk__in=trail) | shop,
        Role.CLERK: views & shop,
        Role.AUDITOR: views,
    }
    groups = {role: Group.objects.get(name=role.value) for role in wanted}
    given = set(Permission.objects.filter(group__in=groups.values()).values_list("pk", flat=True))
    for role, permissions in wanted.items():
        groups[role].permissions.add(*permissions.exclude(pk__in=given))
