"""Users' roles against the newest of their history, which keeps them beside the user's own columns."""

from collections.abc import Iterator

from django.db.models import OuterRef, Subquery

from shop_assistant.accounts.models import User, roles_of
from shop_assistant.tracking import history_of

from .checks import Gap, Look, check


@check("roles", "users' roles against the newest of their history")
def roles_as_in_history(look: Look) -> Iterator[Gap]:
    newest = history_of(User).objects.filter(id=OuterRef("pk")).order_by("-history_id")
    users = User.objects.annotate(told=Subquery(newest.values("roles")[:1])).prefetch_related("groups")
    for user in users.order_by("pk").iterator(chunk_size=500):
        look.rows["roles"] += 1
        if user.told is not None and user.told != roles_of(user):
            yield Gap(
                "roles", f"accounts.User {user.pk}", f"has other roles than its history says: {user.told or 'none'}"
            )
