"""Every page of the admin in a browser, as each role: no errors, nothing the Content-Security-Policy refuses, nothing
asked of other hosts.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import site
from django.urls import reverse

from shop_assistant.agents import Role
from tests.admin.conftest import Visitor, detail_page, list_page, registered

STAFF = [role.value for role in Role if role is not Role.SERVICE]
EMPTY = {"auth.Group", "accounts.LoginSession"}
LedgerOf = Callable[[str], Any]


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("role", STAFF)
def test_every_list_and_a_detail_page(role: str, visitor: Callable[[str], Visitor], users: dict[Role, Any]):
    someone = visitor(role)
    user = users[Role(role)]
    seen = []
    for label, model, admin in registered():
        may = user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        assert someone.visit(list_page(model)) == (200 if may else 403), label
        row = admin.model._default_manager.first()
        if row is None or not may:
            continue
        assert someone.visit(detail_page(row)) == 200, label
        assert someone.page.locator("#content, main, form").count(), label
        seen.append(label)
    refused = [text for text in someone.complaints if "403 (Forbidden)" in text]
    assert [text for text in someone.complaints if text not in refused] == []
    if role == Role.OWNER:
        missing = {label for label, _, _ in registered()} - set(seen)
        assert missing == set(), "no row of these was looked at"
