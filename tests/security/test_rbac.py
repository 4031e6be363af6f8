"""Everybody at every operation, through both REST doors, for themselves and for another, on their own tasks and on
those of others. The operations come from the registry, what is right from `tests.cases`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from shop_assistant.accounts.models import User
from shop_assistant.agents import Role, registry
from tests.cases import MAY, PAGES, PAYLOADS, ROUTES, general
from tests.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("waiting")]

NOBODY, ANONYMOUS, DISABLED = "nobody", "anonymous", "disabled"
ACTORS = [*(role.value for role in Role), NOBODY, ANONYMOUS, DISABLED]
OVERSEERS = {Role.OWNER, Role.AUDITOR}
OTHER = "USER-OTHER"
tried: Counter[str] = Counter()

Call = Callable[[Api, dict[str, Any]], Any]


@contextmanager
def undone() -> Iterator[None]:
    """What was done within is as if it had not been, so that each case finds the same shop."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def doors(label: str) -> dict[str, Call]:
    def by_page(client: Api, more: dict[str, Any]) -> Any:
        return client.post("/api/ai/query", general(label, PAYLOADS[label], **more))

    def by_route(client: Api, more: dict[str, Any]) -> Any:
        return client.post(ROUTES[label], {**PAYLOADS[label], **more})

    return {"page": by_page, "route": by_route} if label in ROUTES else {"page": by_page}


def expected(label: str, actor: str, *, for_another: bool) -> int:
    if actor in (ANONYMOUS, DISABLED):
        return 401
    if actor == NOBODY or Role(actor) not in MAY[label] or (for_another and actor != Role.SERVICE):
        return 403
    return 200


@pytest.fixture
def actor(request: Any, api: Callable[[str], Api], users: dict[Role, User]) -> tuple[str, Api]:
    name: str = request.param
    User.objects.create_user("other", password="x", public_id=OTHER)
    if name == ANONYMOUS:
        return name, Api(None)
    if name == NOBODY:
        return name, Api(User.objects.create_user("nobody", password="x", public_id="USER-NOBODY"))
    if name == DISABLED:
        client = api(Role.OWNER)
        users[Role.OWNER].is_active = False
        users[Role.OWNER].save()
        return name, client
    return name, api(name)


@pytest.mark.parametrize("actor", ACTORS, indirect=True)
def test_the_matrix(actor: tuple[str, Api], api: Callable[[str], Api], users: dict[Role, User]) -> None:
    name, client = actor
    author = Api(User.objects.create_superuser("author", password="x", public_id="USER-AUTHOR"))
    wrong: list[Any] = []

    def check(case: str, answer: Any, status: int) -> None:
        tried[name] += 1
        if answer.status_code != status:
            wrong.append((case, status, answer.status_code, answer.content[:200]))
        elif status != 200 and answer.json()["success"] is not False:
            wrong.append((case, answer.json()))

    for operation in registry.operations():
        label = operation.label
        for door, call in doors(label).items():
            for user_id, for_another in ((None, False), (OTHER, True)):
                with undone():
                    answer = call(client, {"user_id": user_id} if user_id else {})
                    check(f"{label} by {door} for {user_id}", answer, expected(label, name, for_another=for_another))
                    if answer.status_code == 200:
                        check(f"own task of {label}", client.get(f"/api/ai/task/{answer['X-Task-ID']}"), 200)
        with undone():
            made = doors(label)["page"](author, {})
            assert made.status_code == 200, (label, made.content)
            sees = 401 if name in (ANONYMOUS, DISABLED) else 200 if name in OVERSEERS else 404
            check(f"another's task of {label}", client.get(f"/api/ai/task/{made['X-Task-ID']}"), sees)
    assert wrong == []
    assert tried[name] >= 4 * len(PAYLOADS)


def test_every_operation_has_its_case() -> None:
    labels = {operation.label for operation in registry.operations()}
    assert labels == set(PAYLOADS) == set(MAY)
    assert labels - set(ROUTES) == {operation.label for operation in registry.operations() if not operation.route}
    assert {label.split(".")[0] for label in labels} == set(PAGES)
    cases = sum((2 * len(doors(label)) + 1) * len(ACTORS) for label in labels)
    assert cases >= 400


@pytest.mark.parametrize("role", list(Role))
def test_the_admin_shows_only_what_a_role_may_see(role: Role, users: dict[Role, User], client: Any) -> None:
    """Of pages that every role could name: users, roles, logins and keys are the owner's and the auditor's to see."""
    client.force_login(users[role])
    for page in ("accounts/user", "auth/group", "accounts/loginsession", "accounts/loginattempts", "vault/subjectkey"):
        status = client.get(f"/admin/{page}/").status_code
        may = {Role.OWNER, Role.AUDITOR} | ({Role.MANAGER} if page.startswith("vault") else set())
        assert status == (302 if role is Role.SERVICE else 200 if role in may else 403), page
    other = users[Role.CLERK if role is not Role.CLERK else Role.AUDITOR]
    before = other.password
    typed = {
        "password1": "another-password-of-mine",
        "password2": "another-password-of-mine",
        "usable_password": "true",
    }
    client.post(f"/admin/accounts/user/{other.pk}/password/", typed)
    for action in ("reset_second_factor", "unlock", "log_out"):
        client.post("/admin/accounts/user/", {"action": action, "_selected_action": [other.pk]})
    epoch = other.session_epoch
    other.refresh_from_db()
    assert (other.password != before) is (role is Role.OWNER)
    assert (other.session_epoch != epoch) is (role is Role.OWNER)
