"""Points: exact whatever happens at once, every change explained by an entry."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from customers.loyalty import (
    points_adjust,
    points_earn,
    points_for,
    points_redeem,
    points_refund,
    value_of,
)
from customers.models import Interaction, LoyaltyAccount, LoyaltyEntry
from customers.services import customer_create, customer_erase
from shop_assistant.agents import Effect
from shop_assistant.agents.errors import Conflict, InsufficientPoints, NotFound, ValidationFailed

from .conftest import make_john


def balance_of(customer):
    """The balance, which the ledger must explain step by step."""
    account = LoyaltyAccount.objects.get(customer=customer)
    total = 0
    for number, entry in enumerate(LoyaltyEntry.objects.filter(account=account).order_by("number"), 1):
        total += entry.points
        assert (entry.number, entry.balance) == (number, total)
    assert (account.balance, account.entries) == (total, LoyaltyEntry.objects.filter(account=account).count())
    return total


def test_rates(settings):
    settings.LOYALTY_EARN_RATE, settings.LOYALTY_POINT_VALUE = Decimal("1.5"), Decimal("0.005")
    assert points_for(Decimal("9.99")) == 14
    assert value_of(101) == Decimal("0.51")
    settings.SHOP_CURRENCY = "JPY"
    assert value_of(500) == Decimal(3)


@given(st.decimals(min_value=0, max_value=9_999_999_999, places=2))
def test_points_never_exceed_what_was_paid(amount):
    assert 0 <= amount - points_for(amount) < 1


@pytest.mark.django_db
def test_earn_redeem_adjust_and_their_answers(run, john):
    earned = run("loyalty", customer_id="CUST001", operation="earn", points=1000)
    assert (earned.points, earned.balance) == (1000, 1000)
    redeemed = run("loyalty", customer_id="cust001", operation="redeem", points=250)
    assert (redeemed.points, redeemed.balance, redeemed.value) == (-250, 750, Decimal("2.50"))
    adjusted = run("loyalty", customer_id="CUST001", operation="adjust", points=-50, reason="booked twice")
    assert (adjusted.points, adjusted.balance, adjusted.operation) == (-50, 700, "adjust")
    balance = run("loyalty", customer_id="CUST001").model_dump(mode="json")
    assert balance == {
        "customer_id": "CUST001",
        "operation": "balance",
        "balance": 700,
        "value": 7,
        "currency": "GBP",
    }
    assert balance_of(john) == 700
    assert {e.user_id for e in LoyaltyEntry.objects.all()} == {"USER-CLERK"}
    assert Interaction.objects.filter(kind="loyalty").count() == 3


@pytest.mark.django_db
def test_no_more_than_there_is(run, john):
    points_earn(customer=john, points=100, user_id="U")
    for operation, points in (("redeem", 101), ("adjust", -101)):
        with pytest.raises(InsufficientPoints) as error:
            run("loyalty", customer_id="CUST001", operation=operation, points=points, reason="x")
        assert error.value.details == {"customer_id": "CUST001", "balance": 100, "requested": 101}
    assert balance_of(john) == 100
    run("loyalty", customer_id="CUST001", operation="redeem", points=100)
    assert balance_of(john) == 0


@pytest.mark.django_db
def test_an_order_earns_once_and_for_its_customer(run, john, sales):
    order, walk_in = sales.order(customer=john), sales.order()
    run("loyalty", customer_id="CUST001", operation="earn", points=10, order=order.reference)
    with pytest.raises(Conflict) as error:
        run("loyalty", customer_id="CUST001", operation="earn", points=10, order=order.reference)
    assert error.value.details == {"order": order.reference}
    run("loyalty", customer_id="CUST001", operation="earn", points=3, order=walk_in.reference)
    customer_create(public_id="CUST002")
    for reference in (order.reference, walk_in.reference):
        with pytest.raises(Conflict):
            run("loyalty", customer_id="CUST002", operation="earn", points=10, order=reference)
    with pytest.raises(NotFound):
        run("loyalty", customer_id="CUST001", operation="earn", points=10, order="S-999999")
    assert balance_of(john) == 13


@pytest.mark.django_db
def test_a_refund_takes_back_what_is_left(john, sales):
    order = sales.order(customer=john)
    points_earn(customer=john, points=100, order=order, user_id="U")
    points_redeem(customer=john, points=70, user_id="U")
    assert points_refund(customer=john, points=-100, order=order, user_id="U").points == -30
    assert points_refund(customer=john, points=-100, order=order, user_id="U") is None
    assert points_refund(customer=john, points=70, order=order, user_id="U").balance == 70
    assert balance_of(john) == 70
    customer_erase(customer=john)
    assert points_refund(customer=john, points=70, user_id="U") is None


@pytest.mark.django_db
def test_history_turns_its_pages(run, john, sales, django_assert_num_queries):
    order = sales.order(customer=john)
    points_earn(customer=john, points=5, order=order, reason="bought", user_id="U")
    for points in range(1, 7):
        points_adjust(customer=john, points=points, reason=f"reason {points}", user_id="U")
    seen, cursor = [], None
    while True:
        with django_assert_num_queries(3):
            page = run("loyalty", customer_id="CUST001", operation="history", limit=3, cursor=cursor)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [i.points for i in seen] == [6, 5, 4, 3, 2, 1, 5]
    assert (seen[0].reason, seen[-1].reason, seen[-1].order) == ("reason 6", "bought", order.reference)
    assert run("loyalty", customer_id="CUST001", operation="history", cursor="9" * 18).items == seen


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"operation": "earn"},
        {"operation": "earn", "points": 0},
        {"operation": "redeem", "points": -5},
        {"operation": "earn", "points": 1_000_000_001},
        {"operation": "earn", "points": 1.5},
        {"operation": "earn", "points": True},
        {"operation": "adjust", "points": 5},
        {"operation": "adjust", "points": 0, "reason": "x"},
        {"operation": "balance", "points": 5},
        {"operation": "history", "limit": 0},
        {"operation": "history", "cursor": "x"},
        {"operation": "steal", "points": 5},
    ],
)
@pytest.mark.django_db
def test_wrong_requests_are_refused(agent, payload):
    with pytest.raises(ValidationFailed):
        agent.operations["loyalty"].parse({"customer_id": "CUST001"} | payload if payload else payload)


@pytest.mark.django_db
def test_what_each_operation_does_and_who_may(agent):
    operation = agent.operations["loyalty"]
    effects = {
        name: operation.effect(operation.parse({"customer_id": "C"} | more))
        for name, more in {
            "balance": {},
            "history": {"operation": "history"},
            "earn": {"operation": "earn", "points": 1},
            "adjust": {"operation": "adjust", "points": -1, "reason": "x"},
        }.items()
    }
    assert effects == {
        "balance": Effect.READ,
        "history": Effect.READ,
        "earn": Effect.WRITE,
        "adjust": Effect.WRITE,
    }
    (restriction,) = operation.restrictions
    assert {role.value for role in restriction.roles} == {"owner", "manager"}


@pytest.mark.django_db
def test_the_database_holds_the_last_line(john):
    entry = points_earn(customer=john, points=10, user_id="U")
    with pytest.raises(IntegrityError), transaction.atomic():
        LoyaltyAccount.objects.update(balance=-1)
    with pytest.raises(TypeError):
        entry.save()
    for wrong in ({"kind": "earn", "points": -1}, {"kind": "redeem", "points": 1}, {"kind": "adjust", "points": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            LoyaltyEntry.objects.create(account=john.loyalty, number=9, balance=1, user_id="U", **wrong)


def test_services_refuse_nonsense():
    for book, points in ((points_earn, 0), (points_redeem, -1), (points_adjust, 0)):
        with pytest.raises(ValidationFailed):
            book(customer=None, points=points, user_id="U", reason="")


@pytest.mark.django_db(transaction=True)
def test_points_are_exact_when_many_redeem_at_once():
    john = make_john()
    points_earn(customer=john, points=100, user_id="U")

    def redeem(_):
        try:
            with transaction.atomic():
                points_redeem(customer=john, points=9, reason="at once", user_id="U")
            return True
        except InsufficientPoints:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(redeem, range(20))) == 11
    assert balance_of(john) == 1


@pytest.mark.django_db(transaction=True)
def test_an_order_earns_once_when_many_try_at_once(sales):
    john = make_john()
    order = sales.order(customer=john)

    def earn(_):
        try:
            with transaction.atomic():
                points_earn(customer=john, points=7, order=order, user_id="U")
            return True
        except Conflict:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(earn, range(6))) == 1
    assert balance_of(john) == 7
