"""What `manage.py check --deploy` says of logins."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def second_factor(**kwargs: Any) -> list[CheckMessage]:
    """Production requires one unless somebody has said otherwise; that should not go unnoticed."""
    if settings.ADMIN_SECOND_FACTOR == "required":
        return []
    return [
        Warning(
            f"ADMIN_SECOND_FACTOR is {settings.ADMIN_SECOND_FACTOR}: a password alone opens the logins of owners.",
            hint="Leave it out in production, or set it to required.",
            id="accounts.W001",
        )
    ]
