"""Every page of the admin in a browser, as each role: no errors, nothing the Content-Security-Policy refuses, nothing
asked of other hosts.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from shop_assistant.agents import Role, registry
from tests.admin.conftest import Visitor, detail_page, list_page, registered

STAFF = [role.value for role in Role if role is not Role.SERVICE]

pytestmark = pytest.mark.usefixtures("busy")


def test_every_list_and_a_detail_page(visitor: Callable[[str], Visitor]):
    if connection.vendor == "postgresql":
        pytest.skip("a browser shows on SQLite what they look like; that they answer is seen below")
    someone = visitor("owner")
    without_rows = []
    for label, model, _ in registered():
        assert someone.visit(list_page(model)) == 200, label
        row = model._default_manager.first()
        if row is None:
            without_rows.append(label)
            continue
        assert someone.visit(detail_page(row)) == 200, label
        assert someone.page.locator("#content").inner_text().strip(), label
    assert someone.complaints == []
    assert without_rows == []


@pytest.mark.parametrize("role", STAFF)
def test_each_role_sees_what_it_may(role: str, users: dict[Role, Any], client: Client):
    user = users[Role(role)]
    client.force_login(user)
    for label, model, _ in registered():
        may = user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        for page in (list_page(model), detail_page(model._default_manager.first())):
            assert client.get(page).status_code == (200 if may else 403), label


@pytest.mark.parametrize("role", STAFF)
def test_the_index_and_the_operations(role: str, visitor: Callable[[str], Visitor], users: dict[Role, Any]):
    someone, user = visitor(role), users[Role(role)]
    assert someone.visit("/admin/") == 200
    assert someone.visit(reverse("operations")) == 200
    for operation in registry.operations():
        if role != Role.OWNER or not user.has_perm(operation.permission):
            continue
        assert someone.visit(reverse("operation", args=[operation.agent, operation.name])) == 200, operation.label
    assert someone.complaints == []


def test_api_docs(visitor: Callable[[str], Visitor]):
    someone = visitor("owner")
    assert someone.visit("/docs") == 200
    someone.page.wait_for_selector("[data-path='/api/inventory/query']")
    someone.page.get_by_role("button", name="Authorize").first.click()
    someone.page.wait_for_selector("text=Available authorizations")
    assert someone.complaints == []


def test_the_service_does_not_get_in(visitor: Callable[[str], Visitor], page: Any, live_server: Any):
    someone = Visitor(page, live_server.url)
    page.goto(f"{live_server.url}/admin/login/")
    page.fill("input[name=username]", "service")
    page.fill("input[name=password]", "a-password-for-tests")
    page.click("button[type=submit]")
    page.wait_for_selector("text=Please enter the correct username and password")
    assert someone.visit("/admin/") == 200
    assert "/admin/login/" in page.url
