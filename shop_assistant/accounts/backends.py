"""Permissions of a user in one query, the user's own and the groups' together; Django's backend takes two.

Who comes with a token brings the permissions of the agents along: the query that finds the session finds them too.
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, TextField

from shop_assistant.compiled import Compiled

from .models import User

AGENTS = "agents"


class Joined(Subquery):
    """The one column of a subquery, its texts parted by commas."""

    template = "(SELECT GROUP_CONCAT(codename, ',') FROM (%(subquery)s))"
    template_postgresql = "ARRAY_TO_STRING(ARRAY(%(subquery)s), ',')"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.template_postgresql)  # type: ignore[call-arg]


def with_agent_permissions(users: QuerySet[User]) -> QuerySet[Any]:
    """Annotate what users may let the agents do, by their groups and by themselves."""
    groups = User.groups.through.objects.filter(user=OuterRef(OuterRef("pk"))).values("group")
    return users.annotate(
        by_groups=_names(Group.permissions.through.objects.filter(group__in=groups)),
        by_themselves=_names(User.user_permissions.through.objects.filter(user=OuterRef("pk"))),
    )


def _names(held: QuerySet[Any]) -> Joined:
    of_agents = held.filter(permission__content_type__app_label=AGENTS).order_by()
    return Joined(of_agents.values(codename=F("permission__codename")))


def keep_agent_permissions(user: Any) -> None:
    """Remember what `with_agent_permissions` found."""
    user.agent_permissions = frozenset(f"{user.by_groups or ''},{user.by_themselves or ''}".split(","))


_HELD = Compiled(
    lambda user: (
        Permission.objects.filter(Q(user=user) | Q(group__user=user))
        .order_by()
        .values_list("content_type__app_label", "codename")
        .distinct()
    ),
    user=int,
)


class SingleQueryBackend(ModelBackend):
    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        known: frozenset[str] | None = getattr(user_obj, "agent_permissions", None)
        app, _, codename = perm.partition(".")
        if known is None or app != AGENTS or obj is not None:
            return super().has_perm(user_obj, perm, obj)
        return user_obj.is_active and codename in known

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if user_obj.is_superuser:
            return super().get_all_permissions(user_obj)
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in _HELD.rows(user=user_obj.pk)}
        cached: set[str] = user_obj._perm_cache
        return cached
