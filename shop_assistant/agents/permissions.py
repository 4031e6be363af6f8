"""Roles and permissions, derived from the operations after each migrate."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import router

from .models import OperationPermission
from .registry import registry
from .roles import Role

ACT_FOR_OTHERS = "act_for_others"
"""To send another user's id as `user_id`."""
EXPORT_PERSONAL = "export.personal"
"""To take people's data out of the shop in an export."""


def sync_permissions(using: str, **kwargs: Any) -> None:
    """Create what is missing. A role gets a permission when it is created, so what an owner took away stays away."""
    if not router.allow_migrate(using, "auth", model_name="permission"):
        return
    groups = {role: Group.objects.using(using).get_or_create(name=role.value)[0] for role in Role}
    kind = ContentType.objects.db_manager(using).get_for_model(OperationPermission)
    wanted = {ACT_FOR_OTHERS: frozenset({Role.SERVICE}), EXPORT_PERSONAL: frozenset({Role.OWNER})}
    titles = {ACT_FOR_OTHERS: "Act for other users", EXPORT_PERSONAL: "Export personal data"}
    for operation in registry.operations():
        wanted |= operation.permissions()
        titles |= {codename: f"Run {codename}" for codename in operation.permissions()}
    existing = set(Permission.objects.using(using).filter(content_type=kind).values_list("codename", flat=True))
    for codename, roles in wanted.items():
        if codename in existing:
            continue
        permission = Permission.objects.using(using).create(content_type=kind, codename=codename, name=titles[codename])
        for role in roles:
            groups[role].permissions.add(permission)
