"""The demo's users, one a role."""

import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from audit.history import authored
from shop_assistant.accounts.models import SYSTEM_USER_ID, User
from shop_assistant.agents import Role

PUBLIC_IDS = {
    Role.OWNER: "USER123",
    Role.MANAGER: "USER124",
    Role.CLERK: "USER125",
    Role.AUDITOR: "USER126",
}


def demo_password() -> str:
    """DEMO_PASSWORD, or one made once and kept beside the data."""
    if settings.DEMO_PASSWORD:
        given: str = settings.DEMO_PASSWORD
        return given
    kept = Path(settings.VAR_DIR) / "demo-password"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(9))
    return kept.read_text().strip()


@transaction.atomic
def load_staff() -> dict[Role, User]:
    """Make the users that are missing; their password is the demo's of now."""
    with authored(SYSTEM_USER_ID, "demo"):
        return _load_staff()


def _load_staff() -> dict[Role, User]:
    password = demo_password()
    found = {}
    for role, public_id in PUBLIC_IDS.items():
        user, _ = User.objects.get_or_create(
            public_id=public_id, defaults={"username": role.value, "is_staff": True, "first_name": role.title()}
        )
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
        user.groups.add(Group.objects.get(name=role.value))
        found[role] = user
    return found
