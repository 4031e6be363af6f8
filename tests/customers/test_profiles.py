"""Who a customer is: what is stored of them, how they are found, and what the profile says."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from customers.lookups import spelled
from customers.models import Customer, CustomerLookup, CustomerOrder, LoyaltyAccount
from customers.selectors import customer_find, customer_get
from customers.services import (
    NewCustomer,
    customer_create,
    customer_erase,
    customer_update,
    customers_create_all,
    interaction_record,
    order_link,
    points_adjust,
    ticket_create,
)
from inventory.models import OrderReturn
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, NotFound, ValidationFailed
from shop_assistant.vault import services as vault
from shop_assistant.vault.sealing import WrongKey

pytestmark = pytest.mark.django_db
PERSONAL = ("John", "Smith", "john@example.com", "7946", "Baker", "secretly", "broken", "gift")


def everything_stored() -> str:
    """Every column of every table of the app, histories included, as the database has it."""
    tables = [t for t in connection.introspection.table_names() if t.startswith("customers_")]
    assert "customers_historicalcustomer" in tables
    assert "customers_historicalticket" in tables
    texts = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")
            for row in cursor.fetchall():
                texts += [bytes(v).decode("latin-1") if isinstance(v, memoryview | bytes) else str(v) for v in row]
    return "\n".join(texts)


def full_story(john: Customer) -> None:
    customer_update(customer=john, phone="020 7946 0000", tier="gold")
    ticket_create(subject="broken widget", message="secretly sad", user_id="U", customer=john)
    points_adjust(customer=john, points=5, reason="birthday gift", user_id="U")
    interaction_record(customer=john, kind="note", summary="John likes Baker Street")


def test_the_example_holds_field_for_field(run, john, sales):
    sales.order("SKU001", total="3000", customer=john)
    sales.order("SKU001", total="2000", customer=john, days_ago=3)
    sales.order("SKU001", total="99")
    points_adjust(customer=john, points=1250, reason="opening balance", user_id="U")
    answer = run("query_customer", customer_id="CUST001").model_dump(mode="json")
    assert answer["customer_id"] == "CUST001"
    assert answer["name"] == "John Smith"
    assert answer["email"] == "John@Example.com"
    assert answer["loyalty_points"] == 1250
    assert answer["total_purchases"] == 5000
    assert isinstance(answer["total_purchases"], int)
    assert answer["lifetime_value"] == 5000
    assert answer["member_since"] == "2023-01-15T08:00:00"
    assert answer["orders_count"] == 2
    assert answer["last_purchase_at"] == "2024-01-20T15:04:00.000Z"
    assert answer["erased"] is False


def test_lifetime_value_is_what_was_kept(run, john, sales):
    order = sales.order("SKU001", total="100.10", customer=john)
    OrderReturn.objects.create(reference="R-000001", order=order, total=Decimal("40.05"), user_id="U")
    ticket_create(subject="x", message="y", user_id="U", customer=john)
    profile = run("query_customer", customer_id="cust001")
    assert (profile.total_purchases, profile.lifetime_value) == (Decimal("100.10"), Decimal("60.05"))
    assert profile.open_tickets == 1


def test_a_profile_costs_the_same_however_much_there_is(run, john, sales, django_assert_num_queries):
    for _ in range(5):
        sales.order("SKU001", customer=john)
    with django_assert_num_queries(5):
        run("query_customer", customer_id="CUST001")


@pytest.mark.parametrize(
    "payload",
    [
        {"email": "john@example.com"},
        {"email": " JOHN@EXAMPLE.COM "},
        {"phone": "+442079460958"},
        {"phone": "0044 (0)20 7946-0958"},
    ],
)
def test_found_by_what_people_type(run, john, payload):
    assert run("query_customer", **payload).customer_id == "CUST001"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"customer_id": "CUST001", "email": "john@example.com"},
        {"email": None},
        {"customer_id": " "},
        {"name": "John Smith"},
    ],
)
def test_exactly_one_way_to_name_a_customer(agent, payload):
    with pytest.raises(ValidationFailed):
        agent.operations["query_customer"].parse(payload)


def test_unknown_customers_are_not_echoed(run, john):
    with pytest.raises(NotFound) as error:
        run("query_customer", customer_id="CUST999")
    assert error.value.details == {"customer_id": "CUST999"}
    for payload in ({"email": "jane@example.com"}, {"phone": "12345"}, {"phone": "-"}, {"customer_id": "jane@x.org"}):
        with pytest.raises(NotFound) as error:
            run("query_customer", **payload)
        assert "jane" not in f"{error.value.message} {error.value.details}"
        assert "12345" not in f"{error.value.message} {error.value.details}"


def test_a_shared_phone_asks_which_customer(john):
    customer_create(public_id="CUST002", name="Jane Smith", phone="00442079460958")
    with pytest.raises(ClarificationNeeded) as error:
        customer_find(phone="+44 20 7946 0958")
    assert error.value.details == {"customer_ids": ["CUST001", "CUST002"]}


def test_a_colliding_token_is_no_match(john):
    other = customer_create(public_id="CUST002", email="other@example.com")
    token = CustomerLookup.objects.get(customer=john, kind="email").token
    CustomerLookup.objects.filter(customer=other, kind="email").update(token=token)
    assert customer_find(email="john@example.com") == john
    with pytest.raises(NotFound):
        customer_find(email="other@example.com")


def test_phone_spellings():
    assert spelled("phone", "+44 (0)20 7946-0958") == spelled("phone", "0044 20 79460958") == "442079460958"
    assert spelled("phone", "020 7946 0958") == "02079460958"
    assert spelled("phone", "call me") == ""


def test_nothing_personal_is_stored_in_the_clear(john):
    full_story(john)
    stored = everything_stored().lower()
    assert stored.count("sealed:") > 10
    for word in PERSONAL:
        assert word.lower() not in stored


def test_the_database_refuses_plain_text(john):
    john.sealed_name = "John Smith"
    with pytest.raises(IntegrityError), transaction.atomic():
        john.save()


def test_a_sealed_text_opens_nowhere_else(john):
    jane = customer_create(public_id="CUST002", name="Jane")
    jane.sealed_name = john.sealed_name
    jane.save()
    with pytest.raises(WrongKey):
        _ = customer_get(customer_id="CUST002").name


def test_without_the_key_nothing_can_be_read(run, john, sales):
    sales.order("SKU001", total="50", customer=john)
    full_story(john)
    vault.keys_destroy(["CUST001", "ticket:T-000001"])
    profile = run("query_customer", customer_id="CUST001")
    assert (profile.name, profile.email, profile.phone) == (None, None, None)
    assert profile.erased
    assert profile.total_purchases == 50
    kept = customer_get(customer_id="CUST001")
    assert kept.address is None
    assert kept.tickets.get().subject is None
    assert kept.tickets.get().messages.get().body is None
    assert kept.loyalty.ledger.get().reason is None
    assert [i.summary for i in kept.interactions.filter(kind="note")] == [None]
    old = Customer.history.filter(public_id="CUST001").first().instance
    assert old.name is None


def test_an_erased_customer_is_gone_but_the_books_stay(run, john, sales):
    sales.order("SKU001", total="50", customer=john)
    points_adjust(customer=john, points=5, reason="gift", user_id="U")
    customer_erase(customer=john)
    customer_erase(customer=john)
    assert run("query_customer", customer_id="CUST001").erased
    assert not CustomerLookup.objects.exists()
    assert CustomerOrder.objects.count() == 1
    assert run("loyalty", customer_id="CUST001").balance == 5
    assert run("loyalty", customer_id="CUST001", operation="history").items[0].reason is None
    gone = customer_get(customer_id="CUST001")
    for refused in (
        lambda: customer_update(customer=gone, name="John"),
        lambda: order_link(customer=gone, order=sales.order()),
        lambda: interaction_record(customer=gone, kind="note", summary="x"),
        lambda: customer_create(public_id="CUST001", name="John"),
        lambda: run("create_ticket", customer_id="CUST001", subject="x", message="y"),
        lambda: run("get_recommendations", customer_id="CUST001"),
        lambda: run("loyalty", customer_id="CUST001", operation="earn", points=1),
    ):
        with pytest.raises(Conflict):
            refused()


def test_a_change_is_sealed_found_and_kept_in_history(john):
    customer_update(customer=john, email="js@example.org", phone="", tier="silver")
    found = customer_find(email="js@example.org")
    assert (found.email, found.phone, found.name, found.tier) == ("js@example.org", None, "John Smith", "silver")
    with pytest.raises(NotFound):
        customer_find(email="john@example.com")
    assert Customer.history.filter(public_id="CUST001").count() == 2


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"email": "nobody"}, "email"),
        ({"name": "x" * 201}, "name"),
        ({"tier": "platinum"}, "tier"),
        ({"public_id": "has space"}, "public_id"),
    ],
)
def test_wrong_fields_are_named_not_quoted(fields, wrong):
    with pytest.raises(ValidationFailed) as error:
        customer_create(**fields)
    assert list(error.value.details["fields"]) == [wrong]
    assert "nobody" not in str(error.value.details)


def test_ids_are_made_and_unique(john):
    assert customer_create(name="A").public_id != customer_create(name="B").public_id
    with pytest.raises(Conflict) as error:
        customer_create(public_id="CUST001")
    assert error.value.details == {"customer_ids": ["CUST001"]}


def test_many_at_once_all_or_none(john, django_assert_max_num_queries):
    people = [NewCustomer(public_id=f"C{n}", name=f"N{n}", email=f"n{n}@example.com") for n in range(30)]
    with django_assert_max_num_queries(15):
        assert len(customers_create_all(people)) == 30
    assert LoyaltyAccount.objects.count() == 31
    assert customer_find(email="N7@example.com").name == "N7"
    assert Customer.history.count() == 31
    with pytest.raises(Conflict):
        customers_create_all([NewCustomer(public_id="NEW1"), NewCustomer(public_id="CUST001")])
    assert not Customer.objects.filter(public_id="NEW1").exists()


def test_an_order_has_one_customer(john, sales):
    order = sales.order(customer=john)
    jane = customer_create(public_id="CUST002")
    with pytest.raises(Conflict):
        order_link(customer=jane, order=order)
