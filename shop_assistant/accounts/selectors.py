"""Who may do something."""

from django.db.models import Q, QuerySet

from shop_assistant.agents.roles import Role

from .models import User

PLACES = ("user_permissions", "groups__permissions")


def users_who_may(operation: str) -> QuerySet[User]:
    """Active users with the permission of an operation, such as pricing.approve; one query when it is read."""
    held = {"content_type__app_label": "agents", "codename": operation}
    own, of_groups = ({f"{path}__{name}": value for name, value in held.items()} for path in PLACES)
    able = User.objects.filter(Q(is_superuser=True) | Q(**own) | Q(**of_groups), is_active=True)
    return able.distinct()


def last_owner(user: User, *, lock: bool = False) -> bool:
    """Whether nobody else could look after the users; one query.

    :param lock: keep the owners' rows to the transaction's end, so that two can't take the right from each other.
    """
    owners = User.objects.filter(Q(is_superuser=True) | Q(groups__name=Role.OWNER.value))
    if lock:
        keys = owners.values("pk")
        list(User.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk", flat=True))
    able = owners.filter(is_active=True, is_staff=True)
    return set(able.values_list("pk", flat=True)) == {user.pk}
