"""What the admin's pages of logins, roles and people must not give away, and to whom they attribute what was done."""

import json
import logging
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.checks import run_checks
from django.db import connection
from django.test import Client

from audit.models import Outbox
from customers.models import Customer, Ticket
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

TYPED = "another-password-of-mine"
Logged = Callable[[str], Client]


@pytest.fixture
def logged(users: dict[Role, User]) -> Logged:
    def client(role: str) -> Client:
        made = Client()
        made.force_login(users[Role(role)])
        return made

    return client


def looks() -> list[str]:
    payloads = Outbox.objects.filter(event="ACCESS_PERSONAL").order_by("id").values_list("payload", flat=True)
    return [json.loads(payload)["model"] for payload in payloads]


# People.


@pytest.mark.usefixtures("shop")
def test_who_looks_at_an_earlier_name_leaves_a_trace(logged: Logged) -> None:
    john = Customer.objects.get(public_id="CUST001")
    page = f"/admin/customers/customer/{john.pk}/history/{john.history.latest().pk}/"
    assert b"John Smith" in logged("clerk").get(page).content
    assert looks() == ["customers.Customer"]
    assert b"John Smith" not in logged("auditor").get(page).content
    assert looks() == ["customers.Customer"]


@pytest.mark.usefixtures("shop")
def test_a_form_that_is_refused_shows_a_person_no_less(logged: Logged, api: Callable[[str], Any]) -> None:
    asked = {"action": "create_ticket", "customer_id": "CUST001", "subject": "Broken", "message": "very unhappy"}
    assert api("clerk").post("/api/ai/query", {"page": "Customer", "ui_payload": asked}).status_code == 200
    before = len(looks())
    page = f"/admin/customers/ticket/{Ticket.objects.get().pk}/change/"
    answer = logged("clerk").post(page, {"next_status": "no such status"})
    assert b"very unhappy" in answer.content
    assert looks()[before:] == ["customers.Ticket"]


# Passwords.


def test_who_changed_a_password_is_told(logged: Logged, users: dict[Role, User]) -> None:
    clerk = users[Role.CLERK]
    both = {"password1": TYPED, "password2": TYPED, "usable_password": "true"}
    assert logged("owner").post(f"/admin/accounts/user/{clerk.pk}/password/", both).status_code == 302
    own = {"old_password": PASSWORD, "new_password1": TYPED, "new_password2": TYPED}
    assert logged("auditor").post("/admin/password_change/", own).status_code == 302
    assert [(row.public_id, row.history_user_id) for row in User.history.order_by("history_id")] == [
        ("USER-CLERK", "USER-OWNER"),
        ("USER-AUDITOR", "USER-AUDITOR"),
    ]
    assert {event.user_id for event in Outbox.objects.all()} == {"USER-OWNER", "USER-AUDITOR"}


def test_for_the_own_password_the_old_one_is_asked_for(logged: Logged, users: dict[Role, User]) -> None:
    owner = users[Role.OWNER]
    both = {"password1": TYPED, "password2": TYPED, "usable_password": "true"}
    answer = logged("owner").post(f"/admin/accounts/user/{owner.pk}/password/", both)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/password_change/")
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


# Roles.


def test_the_shops_own_roles_keep_their_names(logged: Logged) -> None:
    """Or a manager's login would need no second factor any more."""
    client, manager = logged("owner"), Group.objects.get(name="manager")
    kept = set(manager.permissions.values_list("pk", flat=True))
    client.post(f"/admin/auth/group/{manager.pk}/change/", {"name": "boss", "permissions": kept})
    assert Group.objects.get(pk=manager.pk).name == "manager"
    assert client.post(f"/admin/auth/group/{manager.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [manager.pk], "post": "yes"}
    client.post("/admin/auth/group/", chosen)
    assert Group.objects.filter(name="manager").exists()
    of_the_shop = Group.objects.create(name="saturdays")
    client.post(f"/admin/auth/group/{of_the_shop.pk}/change/", {"name": "sundays"})
    assert Group.objects.get(pk=of_the_shop.pk).name == "sundays"
    assert client.post(f"/admin/auth/group/{of_the_shop.pk}/delete/", {"post": "yes"}).status_code == 302


def test_who_may_not_read_the_trail_finds_it_nowhere_in_the_admin(logged: Logged) -> None:
    client = logged("manager")
    for page in ("audit/auditrecord", "audit/outbox"):
        assert client.get(f"/admin/{page}/").status_code == 403
        assert f"/admin/{page}/".encode() not in client.get("/admin/").content
        assert logged("auditor").get(f"/admin/{page}/").status_code == 200


def test_an_older_shops_managers_lose_it_too() -> None:
    manager = Group.objects.get(name="manager")
    trail = Permission.objects.filter(content_type__app_label="audit", codename__in=["view_auditrecord", "view_outbox"])
    manager.permissions.add(*trail)
    before = manager.permissions.count()
    migration = import_module("shop_assistant.accounts.migrations.0005_trail_for_oversight")
    migration.take(apps, SimpleNamespace(connection=connection))
    assert manager.permissions.count() == before - 2
    assert Group.objects.get(name="auditor").permissions.filter(pk__in=trail).count() == 2


# Addresses and logs.


def test_an_ipv6_network_is_one_caller(settings: Any) -> None:
    """Who rents a server gets 2**64 addresses with it."""
    settings.RATE_LIMIT_ANONYMOUS = (3, 60)

    def ask(address: str) -> int:
        status: int = Client().get("/api/ai/audit", REMOTE_ADDR=address).status_code
        return status

    assert [ask(f"2001:db8:1:2::{number}") for number in range(4)] == [401] * 3 + [429]
    assert ask("2001:db8:1:2:ffff:ffff:ffff:ffff") == 429
    assert ask("2001:db8:1:3::1") == 401
    assert [ask("192.0.2.7"), ask("::ffff:192.0.2.7"), ask("192.0.2.7"), ask("::ffff:192.0.2.7")] == [401] * 3 + [429]
    assert ask("192.0.2.8") == 401


def test_a_wrong_host_name_is_no_error_of_the_shop(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    assert Client().get("/admin/login/", headers={"Host": "evil.example"}).status_code == 400
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("mode", "said"), [("required", []), ("optional", ["accounts.W001"]), ("off", ["accounts.W001"])]
)
def test_a_shop_without_second_factors_is_told_before_it_opens(mode: str, said: list[str], settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = mode
    found = run_checks(tags=["security"], include_deployment_checks=True)
    assert [message.id for message in found if str(message.id).startswith("accounts")] == said


@pytest.mark.parametrize("left_out", ["is_active", "is_staff", "groups"])
def test_the_last_active_owner_stays_one(logged: Logged, users: dict[Role, User], left_out: str) -> None:
    client, owner = logged("owner"), users[Role.OWNER]
    form = {"username": "owner", "is_active": "on", "is_staff": "on", "groups": [owner.groups.get().pk]}
    for prefix in ("second_factor", "recovery_codes"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    del form[left_out]
    page = f"/admin/accounts/user/{owner.pk}/change/"
    assert b"last active owner" in client.post(page, form).content
    owner.refresh_from_db()
    assert (owner.is_active, owner.is_staff, owner.groups.count()) == (True, True, 1)
    users[Role.CLERK].groups.add(owner.groups.get())
    assert client.post(page, form).status_code == 302


def test_owners_are_not_deleted_all_at_once(logged: Logged, users: dict[Role, User]) -> None:
    client, owner, second = logged("owner"), users[Role.OWNER], users[Role.CLERK]
    assert client.post(f"/admin/accounts/user/{owner.pk}/delete/", {"post": "yes"}).status_code == 403
    second.groups.set(owner.groups.all())
    chosen = {"action": "delete_selected", "_selected_action": [owner.pk, second.pk], "post": "yes"}
    assert client.post("/admin/accounts/user/", chosen).status_code == 403
    assert User.objects.filter(groups__name="owner").count() == 2


def test_a_login_lasts_a_working_day(logged: Logged) -> None:
    assert logged("owner").session.get_expiry_age() == 12 * 3600
