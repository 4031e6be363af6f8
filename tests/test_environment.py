"""What the other tests rely on: nothing of the developer's leaks in, and each finds its ledgers empty and guarded."""

from collections.abc import Callable

import pytest
from django.conf import settings

from audit.append_only import missing_triggers
from audit.models import Checkpoint
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role

from . import ROOT, VAR_DIR
from .conftest import Api


def test_nothing_of_the_developers_is_used() -> None:
    assert settings.ENV == "test"
    assert settings.VAR_DIR == VAR_DIR
    assert ROOT not in VAR_DIR.parents
    assert "audit" not in settings.DATABASES


@pytest.mark.parametrize("run", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_ledgers_are_empty_and_guarded_after_a_flush(run: int, users: dict[Role, User]) -> None:
    assert not Checkpoint.objects.exists()
    assert missing_triggers("default") == []
    assert users[Role.SERVICE].groups.get().permissions.exists()
    Checkpoint.objects.create(size=run, root=b"", note="")


def test_clients_carry_their_users_token(api: Callable[[str | None], Api]) -> None:
    clerk = api("clerk")
    assert clerk.user is not None
    assert clerk.user.public_id == "USER-CLERK"
    assert clerk.headers["Authorization"].startswith("Bearer ")
    assert api(None).headers == {}
