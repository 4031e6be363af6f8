"""Who may do something."""

from django.db.models import Q, QuerySet

from .models import User

PLACES = ("user_permissions", "groups__permissions")


def users_who_may(operation: str) -> QuerySet[User]:
    """Active users with the permission of an operation, such as pricing.approve; one query when it is read."""
    held = {"content_type__app_label": "agents", "codename": operation}
    own, of_groups = ({f"{path}__{name}": value for name, value in held.items()} for path in PLACES)
    able = User.objects.filter(Q(is_superuser=True) | Q(**own) | Q(**of_groups), is_active=True)
    return able.distinct()
