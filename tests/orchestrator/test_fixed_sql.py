"""The statements made once store and find what the ORM would."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.db.models.signals import post_init
from django.db.transaction import TransactionManagementError

from audit.events import draft
from audit.models import Outbox
from inventory import selectors
from inventory.fixed_sql import movement_insert
from inventory.models import Product, StockLevel, StockMovement
from orchestrator.fixed_sql import task_insert, task_update_fenced
from orchestrator.models import TaskState
from pricing.models import PriceRule
from pricing.selectors import rules_for
from shop_assistant.accounts.models import LoginSession, User
from shop_assistant.accounts.sessions import session_open, session_user
from shop_assistant.agents import Role
from shop_assistant.agents.errors import NotAuthenticated
from shop_assistant.compiled import Compiled

NOW = datetime(2026, 11, 22, 10, 30, 0, 123000, tzinfo=UTC)


def columns(row: models.Model) -> dict[str, Any]:
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.attname != "id"}


def task(**fields: Any) -> TaskState:
    return TaskState(
        **{
            "task_id": uuid4(),
            "status": "in_progress",
            "agent": "inventory",
            "operation": "update",
            "user_id": "USER123",
            "channel": "rest",
            "inputs": {"sku": "SKU001", "delta": -1.5, "note": 'a "quoted" ünïcode \\ text', "deep": [{"x": None}]},
            "created_at": NOW,
            "updated_at": NOW,
            "started_at": NOW,
            "lease_token": uuid4(),
            "lease_until": NOW + timedelta(seconds=20),
        }
        | fields
    )


def event(of: TaskState, name: str = "TASK_STARTED") -> Any:
    return draft(name, user_id=of.user_id, agent=of.agent, task_id=of.task_id, moment=NOW, text="ünïcode %s")


@pytest.mark.django_db
def test_a_task_and_its_events_are_stored_as_the_orm_stores_them() -> None:
    stored, twin = task(), task()
    events = [event(stored), event(stored, "TASK_COMPLETED")]
    task_insert(stored, events)
    twin.save(force_insert=True)
    found, by_orm = TaskState.objects.get(pk=stored.pk), TaskState.objects.get(pk=twin.pk)
    assert columns(found) == columns(stored)
    mine = {"task_id", "lease_token"}
    assert {n: v for n, v in columns(found).items() if n not in mine} == {
        n: v for n, v in columns(by_orm).items() if n not in mine
    }
    assert [
        (o.event_id, o.event, o.payload, o.timestamp, o.attempt, o.sealed_at) for o in Outbox.objects.order_by("id")
    ] == [(e.event_id, e.event, e.payload, e.timestamp, e.attempt, None) for e in events]
    assert json.loads(Outbox.objects.first().payload)["text"] == "ünïcode %s"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broken", ["task", "event"])
def test_of_a_task_and_its_events_all_or_nothing_is_stored(broken: str) -> None:
    stored = task(status="nonsense" if broken == "task" else "in_progress")
    twice = event(stored)
    with pytest.raises(IntegrityError):
        task_insert(stored, [twice, twice] if broken == "event" else [twice])
    assert not TaskState.objects.exists()
    assert not Outbox.objects.exists()


@pytest.mark.django_db
def test_a_finished_task_is_stored_under_its_lease_only() -> None:
    stored = task()
    task_insert(stored, [event(stored)])
    token = stored.lease_token
    stored.status, stored.outputs, stored.finished_at = "completed", {"quantity": 7.25}, NOW
    stored.lease_token = stored.lease_until = None
    assert not task_update_fenced(stored, uuid4(), event(stored, "TASK_COMPLETED"))
    assert TaskState.objects.get().status == "in_progress"
    assert Outbox.objects.count() == 1
    assert task_update_fenced(stored, token, event(stored, "TASK_COMPLETED"))
    assert columns(TaskState.objects.get()) == columns(stored)
    assert not task_update_fenced(stored, token, event(stored, "TASK_COMPLETED"))
    assert Outbox.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.usefixtures("shop")
def test_a_movement_and_its_level_are_stored_as_the_orm_stores_them() -> None:
    level = StockLevel.objects.get(product__sku="SKU001")
    level.on_hand = Decimal("151.500")
    movement = StockMovement(
        product_id=level.product_id,
        location_id=level.location_id,
        kind="receipt",
        quantity=Decimal("1.5"),
        balance=level.on_hand,
        unit_cost=Decimal("12.3456"),
        reason="delivery, 100 %",
        user_id="USER123",
        occurred_at=NOW,
    )
    movement_insert(movement, level)
    assert columns(StockMovement.objects.get(pk=movement.pk)) == columns(movement)
    assert StockLevel.objects.get(pk=level.pk).on_hand == Decimal("151.500")
    assert StockLevel.objects.exclude(pk=level.pk).filter(on_hand=Decimal("151.500")).count() == 0


# What is found


@pytest.mark.django_db
@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("sku", ["SKU001", " sku002 ", "Sku003"])
def test_products_and_their_stock_are_found_as_the_orm_finds_them(sku: str) -> None:
    expected = Product.objects.alias(folded=Lower("sku")).get(folded=sku.strip().lower())
    levels = list(StockLevel.objects.filter(product=expected).order_by("pk"))
    for _ in range(2):  # compiled, and then run again
        product, stock = selectors.product_with_stock(sku=sku)
        assert columns(product) == columns(expected)
        assert selectors.product_get(sku=sku) == expected
        assert [columns(level) for level in stock.levels] == [columns(level) for level in levels]
        assert [v.location.code for v in stock.levels] == [v.location.code for v in levels]
        assert product.category == expected.category
        assert getattr(product, "reorder_policy", None) == getattr(expected, "reorder_policy", None)
        assert selectors.stock_of(product).levels == tuple(levels)


@pytest.mark.django_db
@pytest.mark.usefixtures("shop")
def test_the_rules_of_one_product_are_found_as_those_of_several() -> None:
    one, other = Product.objects.order_by("sku")[:2]
    PriceRule.objects.create(code="OFF", name="off", kind="percent", value=1, product=one, active=False)
    PriceRule.objects.create(code="OWN", name="own", kind="percent", value=1, product=one)
    PriceRule.objects.create(code="HERS", name="hers", kind="percent", value=1, product=other)
    if one.category:
        PriceRule.objects.create(code="KIND", name="kind", kind="percent", value=1, category=one.category)
    of_two = rules_for(products=[one, one, other], coupon=None)
    wanted = [r for r in of_two if r.product_id in (None, one.pk) and r.category_id in (None, one.category_id)]
    found = rules_for(products=[one], coupon=None)
    assert [columns(rule) for rule in found] == [columns(rule) for rule in wanted]
    assert "OWN" in {rule.code for rule in found}


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(Role))
def test_a_token_brings_its_users_permissions_along(role: Role, users: dict[Role, User]) -> None:
    user = users[role]
    known = session_user(session_open(user=user)["access"])
    assert known == user
    fresh = User.objects.get(pk=user.pk)
    for permission in {*fresh.get_all_permissions(), "agents.sales.sell", "agents.audit.export", "agents.nothing"}:
        assert known.has_perm(permission) == User.objects.get(pk=user.pk).has_perm(permission), permission


@pytest.mark.django_db
def test_of_permissions_given_and_taken_the_next_request_knows(users: dict[Role, User]) -> None:
    from django.contrib.auth.models import Permission

    clerk = users[Role.CLERK]
    access = session_open(user=clerk)["access"]
    export = Permission.objects.get(codename="audit.export")
    assert not session_user(access).has_perm("agents.audit.export")
    clerk.user_permissions.add(export)
    assert session_user(access).has_perm("agents.audit.export")
    clerk.user_permissions.remove(export)
    assert not session_user(access).has_perm("agents.audit.export")
    clerk.groups.clear()
    with pytest.raises(NotAuthenticated):  # another role ends the login
        session_user(access)
    clerk.refresh_from_db()
    assert not session_user(session_open(user=clerk)["access"]).has_perm("agents.sales.sell")


@pytest.mark.django_db
def test_a_compiled_query_finds_what_its_query_set_finds(users: dict[Role, User]) -> None:
    sessions = [LoginSession.objects.create(user=user, expires_at=NOW) for user in users.values()]
    by_id: Compiled[LoginSession] = Compiled(
        lambda which, name: LoginSession.objects.select_related("user").filter(Q(id=which) | Q(user__username=name)),
        which=UUID,
        name=str,
    )
    for session in sessions:
        (found,) = by_id.all(which=session.id, name="nobody")
        assert columns(found) == columns(LoginSession.objects.get(id=session.id))
        assert found.user == session.user
        assert by_id.first(which=uuid4(), name=session.user.username) == session
    assert by_id.first(which=uuid4(), name="nobody") is None


@pytest.mark.django_db
def test_who_listens_to_a_models_rows_hears_of_those_of_a_compiled_query(users: dict[Role, User]) -> None:
    heard: list[int] = []

    def listener(instance: Any, **kwargs: Any) -> None:
        heard.append(instance.pk)

    post_init.connect(listener, sender=User)
    try:
        by_name: Compiled[User] = Compiled(lambda name: User.objects.filter(username=name), name=str)
        clerk = by_name.first(name=users[Role.CLERK].username)
    finally:
        post_init.disconnect(listener, sender=User)
    assert heard == [users[Role.CLERK].pk]
    assert clerk is not None
    assert (clerk._state.adding, clerk._state.db) == (False, "default")


@pytest.mark.django_db
def test_an_instance_of_a_compiled_query_can_be_saved(users: dict[Role, User]) -> None:
    by_name: Compiled[User] = Compiled(lambda name: User.objects.filter(username=name), name=str)
    clerk = by_name.first(name=users[Role.CLERK].username)
    assert clerk is not None
    clerk.first_name = "Ada"
    clerk.save()
    assert User.objects.get(pk=clerk.pk).first_name == "Ada"
    assert User.objects.filter(username=clerk.username).count() == 1


@pytest.mark.django_db
def test_a_place_that_the_query_does_not_use_is_refused() -> None:
    with pytest.raises(ValueError, match="unused"):
        Compiled(lambda unused: User.objects.all(), unused=str).all(unused="x")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite locks no rows")
def test_locking_takes_a_transaction() -> None:
    locking: Compiled[User] = Compiled(lambda pk: User.objects.select_for_update().filter(pk=pk), pk=int)
    with transaction.atomic():
        assert locking.all(pk=1) == []
    with pytest.raises(TransactionManagementError):
        locking.all(pk=1)
    assert connection.get_autocommit()
