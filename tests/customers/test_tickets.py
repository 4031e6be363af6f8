"""Tickets: opening, answering, moods, and whose key seals them."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from customers.models import Interaction, SentimentScore, Ticket, TicketMessage
from customers.sentiment import mood_of
from customers.services import customer_create, customer_erase, ticket_create, ticket_reply, ticket_set_status
from shop_assistant.agents.errors import Conflict, NotFound, ValidationFailed
from shop_assistant.vault import services as vault
from shop_assistant.vault.models import SubjectKey

ANGRY = "This is terrible. It arrived broken and nobody helps me, I hate it!"


def opened(**fields):
    return ticket_create(**{"subject": "Broken", "message": ANGRY, "user_id": "USER-CLERK"} | fields)


@pytest.mark.django_db
def test_a_ticket_is_opened_and_its_mood_scored(run, john):
    answer = run("create_ticket", customer_id="CUST001", subject="Broken", message=ANGRY, priority="high")
    assert (answer.ticket_id, answer.status, answer.priority) == ("T-000001", "open", "high")
    assert answer.customer_id == answer.subject == "CUST001"
    assert answer.sentiment.label == "negative"
    assert -1 <= answer.sentiment.score < 0
    ticket = Ticket.objects.get(reference="T-000001")
    assert (ticket.subject, ticket.messages.get().body) == ("Broken", ANGRY)
    stored = SentimentScore.objects.get()
    assert (stored.message.ticket, stored.score) == (ticket, answer.sentiment.score)
    assert Interaction.objects.get().reference == "T-000001"


@pytest.mark.django_db
def test_the_input_keeps_its_names(agent):
    request = agent.operations["create_ticket"].parse({"customer_id": "C1", "subject": "s", "message": "m"})
    assert request.subject is None  # the ticket will have a key of its own
    assert request.model_dump(exclude_none=True) == {
        "customer_id": "C1", "subject": "s", "message": "m", "priority": "normal"
    }  # fmt: skip
    assert agent.operations["create_ticket"].parse(request.model_dump()) == request


@pytest.mark.django_db
def test_without_a_customer_the_ticket_has_a_key_of_its_own(run):
    answer = run("create_ticket", subject="Hello", message="Do you open on Sunday?")
    assert answer.customer_id is None
    assert answer.sentiment.label == "neutral"
    assert SubjectKey.objects.get().subject == "ticket:T-000001"
    vault.key_destroy("ticket:T-000001")
    assert Ticket.objects.get(reference="T-000001").subject is None


@pytest.mark.django_db
def test_an_order_must_be_there_and_theirs(run, john, sales):
    jane = customer_create(public_id="CUST002")
    his, hers, nobodys = sales.order(customer=john), sales.order(customer=jane), sales.order()
    about = {"subject": "x", "message": "y"}
    assert run("create_ticket", **about, customer_id="CUST001", order=his.reference).customer_id == "CUST001"
    assert run("create_ticket", **about, order=hers.reference).customer_id == "CUST002"
    assert run("create_ticket", **about, order=nobodys.reference).customer_id is None
    for order in (hers, nobodys):
        with pytest.raises(Conflict) as error:
            run("create_ticket", **about, customer_id="CUST001", order=order.reference)
        assert "CUST002" not in str(error.value.details)
    with pytest.raises(NotFound):
        run("create_ticket", **about, order="S-999999")
    with pytest.raises(NotFound):
        run("create_ticket", **about, customer_id="CUST999")
    customer_erase(customer=jane)
    assert run("create_ticket", **about, order=hers.reference).customer_id is None


@pytest.mark.parametrize(
    "payload",
    [{}, {"subject": "x"}, {"subject": "", "message": "y"}, {"subject": "x", "message": "y", "priority": "asap"}],
)
@pytest.mark.django_db
def test_incomplete_tickets_are_refused(agent, payload):
    with pytest.raises(ValidationFailed) as error:
        agent.operations["create_ticket"].parse(payload)
    assert "topic" not in error.value.details["fields"]


@pytest.mark.django_db
def test_replies_move_the_ticket_on(john):
    ticket = opened(customer=john)
    reply = ticket_reply(ticket=ticket, author_kind="staff", body="We send a new one.", user_id="USER-CLERK")
    assert (reply.number, reply.body) == (2, "We send a new one.")
    assert Ticket.objects.get(reference=ticket.reference).status == "pending"
    assert not SentimentScore.objects.filter(message=reply).exists()
    thanks = ticket_reply(ticket=ticket, author_kind="customer", body="Great, thank you!", user_id="USER-CLERK")
    assert thanks.sentiment.label == "positive"
    assert Ticket.objects.get(reference=ticket.reference).status == "open"
    ticket_reply(ticket=ticket, author_kind="staff", body="Welcome.", user_id="USER-CLERK", status="solved")
    assert ticket_set_status(ticket=ticket, status="closed").status == "closed"
    assert [h.status for h in Ticket.history.order_by("history_id")] == ["open", "pending", "open", "solved", "closed"]
    for refused in (
        lambda: ticket_reply(ticket=ticket, author_kind="staff", body="x", user_id="U"),
        lambda: ticket_set_status(ticket=ticket, status="solved"),
        lambda: ticket_set_status(ticket=ticket, status="closed"),
    ):
        with pytest.raises(Conflict):
            refused()


@pytest.mark.django_db
def test_messages_are_never_changed(john):
    message = opened(customer=john).messages.get()
    with pytest.raises(TypeError):
        message.save()
    with pytest.raises(TypeError):
        TicketMessage.objects.all().delete()


@pytest.mark.django_db
def test_a_score_outside_the_scale_is_refused(john):
    reply = ticket_reply(ticket=opened(customer=john), author_kind="staff", body="x", user_id="U")
    with pytest.raises(IntegrityError), transaction.atomic():
        SentimentScore.objects.create(message=reply, score=Decimal("1.1"), label="positive", method="m")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love it, excellent service!", "positive"),
        ("I do not like this at all, awful.", "negative"),
        ("The parcel has three widgets.", "neutral"),
        ("", "neutral"),
    ],
)
def test_moods(text, label):
    mood = mood_of(text)
    assert mood.label == label
    assert mood.method.startswith("vader ")


@given(st.text(max_size=300))
def test_any_text_has_a_mood_on_the_scale(text):
    assert -1 <= mood_of(text).score <= 1


def test_a_flood_of_emojis_is_scored_in_bounded_time():
    assert mood_of("😀" * 5000).label == "positive"
