"""The staff's pages: names on a customer's own page only, everything through the services."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Outbox
from customers.models import Customer, LoyaltyEntry, SentimentScore, Ticket
from customers.selectors import customer_find, customer_get
from customers.services import (
    customer_create,
    customer_erase,
    interaction_record,
    points_earn,
    ticket_create,
    ticket_reply,
)
from shop_assistant.accounts.models import User

pytestmark = pytest.mark.django_db


def browser(*permissions, **fields):
    user = User.objects.create_user("ann", public_id="USER-ANN", is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner():
    return browser(is_superuser=True)


def page(client, model, view="changelist", *args, **query):
    answer = client.get(reverse(f"admin:customers_{model}_{view}", args=args), query)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def found_by(client, term):
    answer = client.get(reverse("admin:customers_customer_changelist"), {"q": term})
    return [customer.public_id for customer in answer.context["cl"].result_list]


NO_INLINES = {"messages-TOTAL_FORMS": 0, "messages-INITIAL_FORMS": 0}
FORM = {
    "public_id": "CUST002",
    "name": "Jane Doe",
    "email": "jane@example.com",
    "phone": "020 1234",
    "address": "2 Elm Street",
    "tier": "gold",
    "member_since_0": "2024-01-01",
    "member_since_1": "09:00:00",
}


def test_the_list_names_nobody_and_searches_exactly(owner, john):
    points_earn(customer=john, points=77, user_id="U")
    customer_create(public_id="CUST0012", name="Jane")
    shown = page(owner, "customer")
    assert "CUST001" in shown
    assert "77" in shown
    assert "John" not in shown
    for term in ("cust001", "john@example.com", "+44 20 7946 0958"):
        assert found_by(owner, term) == ["CUST001"]
    assert found_by(owner, "John") == []
    assert sorted(found_by(owner, " ")) == ["CUST001", "CUST0012"]


def test_a_customer_is_added_and_changed_through_the_services(owner):
    answer = owner.post(reverse("admin:customers_customer_add"), FORM)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    jane = customer_find(email="jane@example.com")
    assert (jane.public_id, jane.name, jane.tier, jane.loyalty.balance) == ("CUST002", "Jane Doe", "gold", 0)
    assert "Jane Doe" in page(owner, "customer", "change", jane.pk)
    changed = FORM | {"email": "jd@example.org", "phone": ""}
    assert owner.post(reverse("admin:customers_customer_change", args=[jane.pk]), changed).status_code == 302
    assert customer_find(email="jd@example.org").phone is None
    assert [h.history_user_id for h in Customer.history.all()] == ["USER-ANN", "USER-ANN"]
    assert Outbox.objects.filter(event="OBJECT_CHANGED", user_id="USER-ANN").count() == 2
    told = " ".join(f"{e.object_repr} {e.change_message}" for e in LogEntry.objects.all())
    told += " ".join(Outbox.objects.values_list("payload", flat=True))
    for word in ("Jane", "jane@example.com", "jd@example.org", "Elm"):
        assert word not in told


def test_an_id_is_made_and_wrong_input_is_told(owner, john):
    assert owner.post(reverse("admin:customers_customer_add"), FORM | {"public_id": ""}).status_code == 302
    assert customer_find(email="jane@example.com").public_id.startswith("CUST-")
    for wrong in ({"public_id": "CUST001"}, {"email": "nobody"}, {"tier": "platinum"}, {"public_id": "a b"}):
        answer = owner.post(reverse("admin:customers_customer_add"), FORM | wrong)
        assert list(answer.context["adminform"].form.errors) == list(wrong)


def test_looking_needs_the_permission_and_changes_nothing(john):
    viewer = browser("view_customer", "customers.query_customer")
    shown = page(viewer, "customer", "change", john.pk)
    assert "John Smith" in shown
    assert "_save" not in shown
    assert viewer.post(reverse("admin:customers_customer_change", args=[john.pk]), FORM).status_code == 403
    assert viewer.get(reverse("admin:customers_ticket_changelist")).status_code == 403


def test_an_erased_customer_is_read_only(owner, john):
    customer_erase(customer=john)
    shown = page(owner, "customer", "change", john.pk)
    assert "John" not in shown
    assert "_save" not in shown
    assert owner.post(reverse("admin:customers_customer_delete", args=[john.pk]), {"post": "yes"}).status_code == 403


def test_a_ticket_is_answered_on_its_page(owner, john):
    ticket = ticket_create(subject="Broken widget", message="It is awful", user_id="U", customer=john)
    for body in ("one", "two", "three"):
        ticket_reply(ticket=ticket, author_kind="staff", body=f"answer {body}", user_id="U")
    shown = page(owner, "ticket", "change", ticket.pk)
    for text in ("Broken widget", "It is awful", "negative", "answer three"):
        assert text in shown
    assert "Broken widget" not in page(owner, "ticket")
    address = reverse("admin:customers_ticket_change", args=[ticket.pk])
    answer = owner.post(address, {"reply": "A new one is on its way.", "next_status": ""} | NO_INLINES)
    assert answer.status_code == 302, answer.context["errors"]
    last = ticket.messages.last()
    assert (last.body, last.author_kind, last.user_id, last.number) == (
        "A new one is on its way.", "staff", "USER-ANN", 5
    )  # fmt: skip
    assert Ticket.objects.get().status == "pending"
    assert owner.post(address, {"reply": "", "next_status": "closed"} | NO_INLINES).status_code == 302
    assert Ticket.objects.get().status == "closed"
    assert "next_status" not in page(owner, "ticket", "change", ticket.pk)
    assert "A new one" not in " ".join(Outbox.objects.values_list("payload", flat=True))


def test_the_number_of_queries_of_a_ticket_does_not_grow(owner, john, django_assert_num_queries):
    ticket = ticket_create(subject="x", message="y", user_id="U", customer=john)
    page(owner, "ticket", "change", ticket.pk)
    with CaptureQueriesContext(connection) as few:
        page(owner, "ticket", "change", ticket.pk)
    for _ in range(5):
        ticket_reply(ticket=ticket, author_kind="customer", body="more", user_id="U")
    with django_assert_num_queries(len(few)):
        page(owner, "ticket", "change", ticket.pk)


def test_ledgers_are_to_be_looked_at(owner, john, sales):
    order = sales.order(customer=john)
    entry = points_earn(customer=john, points=5, reason="birthday gift", order=order, user_id="U")
    line = interaction_record(customer=john, kind="note", summary="likes tea")
    ticket = ticket_create(subject="x", message="awful", user_id="U", customer=john)
    score = SentimentScore.objects.get(message__ticket=ticket)
    assert "birthday gift" in page(owner, "loyaltyentry", "change", entry.pk)
    assert "likes tea" in page(owner, "interaction", "change", line.pk)
    assert "negative" in page(owner, "sentimentscore", "change", score.pk)
    for model in ("loyaltyentry", "loyaltyaccount", "interaction", "sentimentscore", "customerorder"):
        shown = page(owner, model)
        assert "birthday" not in shown
        assert "likes tea" not in shown
        assert owner.get(reverse(f"admin:customers_{model}_add")).status_code == 403
    assert owner.post(reverse("admin:customers_loyaltyentry_change", args=[entry.pk]), {}).status_code == 403
    assert LoyaltyEntry.objects.get().points == 5
    assert "CUST001" in page(owner, "loyaltyentry", q="CUST001")


def test_history_shows_no_ciphertext_as_a_name(owner, john):
    assert customer_get(customer_id="CUST001").name == "John Smith"
    answer = owner.get(reverse("admin:customers_customer_history", args=[john.pk]))
    assert answer.status_code == 200
    assert "John" not in answer.content.decode()
