"""Setting up the second factor, in a browser: what it shows, and that it asks nobody else."""

from base64 import b32decode
from typing import Any

import pytest
from django_otp.oath import totp
from playwright.sync_api import Page, expect

from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests.admin.conftest import Visitor
from tests.conftest import PASSWORD


@pytest.mark.parametrize("width", [1400, 390])
def test_an_owner_sets_it_up(width: int, page: Page, live_server: Any, users: dict[Role, User], settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = "required"
    page.set_viewport_size({"width": width, "height": 844})
    someone = Visitor(page, live_server.url)
    page.goto(f"{live_server.url}/admin/login/?next=/admin/accounts/user/")
    page.fill("input[name=username]", "owner")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("text=Set up your second factor")
    drawn = page.locator("svg.segno").bounding_box()
    assert drawn
    assert 150 < drawn["width"] <= width
    assert drawn["height"] == pytest.approx(drawn["width"], abs=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("summary")
    secret = page.locator("p.font-mono").inner_text().replace(" ", "")
    page.fill("input[name=code]", f"{totp(b32decode(secret)):06}")
    page.get_by_role("button", name="Set up").click()
    expect(page.locator("ol li")).to_have_count(10)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url(f"{live_server.url}/admin/accounts/user/")
    assert someone.complaints == []
