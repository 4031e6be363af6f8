"""Every object with a history shows it: when, who, why and what was changed, sealed words never."""

from typing import Any

import pytest
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse

from audit.admin_base import ShopAdmin
from customers.models import Customer, Ticket
from customers.services import customer_update
from shop_assistant.agents import Role
from tests.admin.conftest import detail_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("busy")]


def history(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[row.pk])


@pytest.fixture
def owner(users: dict[Role, Any], client: Client) -> Client:
    client.force_login(users[Role.OWNER])
    return client


def test_every_tracked_model_leads_to_its_history(owner: Client):
    tracked = {
        model: admin
        for model, admin in site._registry.items()
        if hasattr(model._meta, "simple_history_manager_attribute")
    }
    assert len(tracked) > 10
    for model, admin in tracked.items():
        assert isinstance(admin, ShopAdmin), model
        row = model._default_manager.first()
        assert row is not None, model
        if not row.history.exists():
            row.save()  # the tests' users are made without one
        assert f'href="{history(row)}"' in owner.get(detail_page(row)).content.decode(), model
        page = owner.get(history(row)).content.decode()
        for title in ("When", "Who", "What", "Why", "Changes"):
            assert f">{title}</th>" in page, model
        state = row.history.latest("history_id")
        assert owner.get(f"{history(row)}{state.pk}/").status_code == 200, model


def test_it_tells_names_tasks_and_changes_but_no_ciphertext(owner: Client, users: dict[Role, Any], api: Any):
    ticket = Ticket.objects.get()
    body = {"ticket_id": ticket.reference, "message": "Sorry!", "assign_to": "USER-MANAGER"}
    answered = api("clerk").post("/api/customer/ticket-reply", body)
    page = owner.get(history(ticket)).content.decode()
    for told in (">clerk</span>", "nothing → manager", "open → pending", f"…{answered['X-Task-ID'][-8:]}"):
        assert told in page
    customer = Customer.objects.get(public_id="CUST001")
    customer_update(customer=customer, name="Zebediah Canary", email="", phone="", address="")
    page = owner.get(history(customer)).content.decode()
    assert ">Name</strong>" in page
    assert "sealed:" not in page
    assert "Zebediah" not in page
