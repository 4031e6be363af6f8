"""The pages of count sheets: opened by a form, counted line by line, reviewed by money."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import CountEntry, CountLine, CountSheet, StockMovement
from shop_assistant.agents import Role, call

from .making import stocked

pytestmark = pytest.mark.django_db

Door = Callable[[str], Client]


@pytest.fixture
def as_role(users: Any) -> Door:
    def client(role: str) -> Client:
        made = Client()
        made.force_login(users[Role(role)])
        return made

    return client


@pytest.fixture
def sheet(users: Any) -> CountSheet:
    stocked("CHEAP", 100, cost=1), stocked("DEAR", 100, cost=50), stocked("RIGHT", 7)
    asked = {"location": "A-01-01", "recount_units": None, "recount_percent": None}
    made = call("inventory", "count_open", asked, user=users[Role.MANAGER])
    return CountSheet.objects.get(reference=made["sheet"])


def page(sheet: CountSheet, what: str, **query: str) -> str:
    return reverse(f"admin:inventory_countsheet_{what}", args=[sheet.pk], query=query or None)


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def sent(html: str, **figures: str) -> dict[str, str]:
    """What a browser would send of the page's fields."""
    fields = dict(re.findall(r'name="((?:was|old|figure|reason)_\d+)"[^>]*? value="([^"]*)"', html))
    fields |= {f"figure_{CountLine.objects.get(product__sku=sku).number}": figure for sku, figure in figures.items()}
    return {"save": "1", **fields}


def test_a_sheet_is_opened(as_role: Door) -> None:
    stocked("A", 3)
    manager, address = as_role("manager"), reverse("admin:inventory_countsheet_open")
    assert as_role("clerk").get(address).status_code == 403
    assert "nothing to count" not in text(manager.get(address))
    assert "say what to count" in text(manager.post(address, {"note": ""}))
    answer = manager.post(address, {"location": "A-01-01", "recount_units": "2", "note": "monthly"})
    made = CountSheet.objects.get()
    assert (answer.url, made.recount_units, made.recount_percent, made.note) == (
        page(made, "enter"),
        2,
        None,
        "monthly",
    )
    assert "No line" not in text(manager.get(answer.url))
    again = manager.post(address, {"skus": "A\n\n"})
    assert "is being counted already, on CS-000001" in text(again)


def test_figures_are_entered_without_knowing_what_is_booked(as_role: Door, sheet: CountSheet) -> None:
    clerk, manager = as_role("clerk"), as_role("manager")
    html = clerk.get(page(sheet, "enter")).content.decode()
    assert "100" not in re.sub(
        r"<script.*?</script>|<style.*?</style>|class=\"[^\"]*\"", "", html.split("count-form")[1]
    )
    answer = clerk.post(page(sheet, "enter"), sent(html, CHEAP="90", DEAR="x"))
    assert answer.status_code == 200
    assert "x is no number" in text(answer)
    assert "1 figure saved, 2 lines to go" in text(answer)
    for figure in ("1,000", "1.000", "1e9", "-1"):  # a thousand to some, one to others
        assert f"{figure} is no number: write it as 1000" in text(
            clerk.post(page(sheet, "enter"), sent(html, DEAR=figure))
        )
    manager_page = manager.get(page(sheet, "enter", show="all")).content.decode()
    clerk.post(page(sheet, "enter"), sent(answer.content.decode(), DEAR="99,0"))
    clash = manager.post(page(sheet, "enter", show="all"), sent(manager_page, DEAR="98"))
    assert "clerk counted 99 meanwhile. Save again to replace it." in text(clash)
    assert manager.post(page(sheet, "enter", show="all"), sent(clash.content.decode())).status_code == 302
    assert list(CountEntry.objects.filter(line__product__sku="DEAR").values_list("quantity", "user_id")) == [
        (99, "USER-CLERK"), (98, "USER-MANAGER"),
    ]  # fmt: skip


def test_what_was_not_touched_is_not_entered_again(as_role: Door, sheet: CountSheet) -> None:
    clerk = as_role("clerk")
    clerk.post(page(sheet, "enter"), sent(clerk.get(page(sheet, "enter")).content.decode(), RIGHT="7"))
    shown = clerk.get(page(sheet, "enter", show="counted")).content.decode()
    again = clerk.post(page(sheet, "enter", show="counted"), sent(shown), follow=True)
    assert "Fill in what was counted" in text(again)
    assert CountEntry.objects.count() == 1


def test_something_else_lies_there(as_role: Door, sheet: CountSheet) -> None:
    stocked("ELSE", 0)
    clerk = as_role("clerk")
    for sku, figure, told in (("ELSE", "", "Say how many lie there"), ("NOPE", "3", "There is no product NOPE")):
        answer = clerk.post(page(sheet, "enter"), {"save": "1", "found_sku": sku, "found_figure": figure})
        assert told in text(answer)
    answer = clerk.post(page(sheet, "enter"), {"save": "1", "found_sku": "else", "found_figure": "3"})
    assert answer.status_code == 302
    assert CountLine.objects.get(product__sku="ELSE").entry.quantity == 3


def test_from_closing_to_booking(as_role: Door, sheet: CountSheet) -> None:
    clerk, owner = as_role("clerk"), as_role("owner")
    assert "Nothing has been counted" in text(clerk.post(page(sheet, "enter"), {"close": "1"}))
    html = clerk.get(page(sheet, "enter")).content.decode()
    clerk.post(page(sheet, "enter"), sent(html, CHEAP="90", DEAR="99"))
    assert "1 lines of CS-000001 are not counted" in text(clerk.post(page(sheet, "enter"), {"close": "1"}))
    done = clerk.post(page(sheet, "enter"), {"close": "1", "leave_uncounted": "on"})
    assert done.url == page(sheet, "review")
    assert "for another person who may approve it" in text(clerk.get(done.url))
    review = text(owner.get(page(sheet, "review")))
    assert review.index("DEAR") < review.index("CHEAP"), "the larger amount first"
    for told in ("-60.00 GBP", "Missing: 11 units", "1 line without a figure stays as booked"):
        assert told in review
    dear = CountLine.objects.get(product__sku="DEAR").number
    again = owner.post(page(sheet, "review"), {"recount": "1", "line": str(dear)}, follow=True)
    assert "1 lines are counted again" in text(again)
    clerk.post(page(sheet, "enter"), sent(clerk.get(page(sheet, "enter")).content.decode(), DEAR="100"))
    clerk.post(page(sheet, "enter"), {"close": "1"})
    cheap = CountLine.objects.get(product__sku="CHEAP").number
    asked = {"approve": "1", f"reason_{cheap}": "given away"}
    assert as_role("auditor").post(page(sheet, "review"), asked).status_code == 200
    assert not StockMovement.objects.filter(kind="count").exists()
    posted = owner.post(page(sheet, "review"), asked, follow=True)
    assert "Booked 1 differences (four eyes)." in text(posted)
    assert list(StockMovement.objects.filter(kind="count").values_list("product__sku", "quantity", "reason")) == [
        ("CHEAP", -10, "given away")
    ]


def test_a_shop_of_one_confirms(as_role: Door, users: Any, sheet: CountSheet) -> None:
    for role in (Role.OWNER, Role.CLERK):
        users[role].is_active = False
        users[role].save()
    manager = as_role("manager")
    manager.post(page(sheet, "enter"), sent(manager.get(page(sheet, "enter")).content.decode(), CHEAP="99"))
    manager.post(page(sheet, "enter"), {"close": "1", "leave_uncounted": "on"})
    asked = manager.post(page(sheet, "review"), {"approve": "1"})
    assert "I approve what I counted myself" in text(asked)
    done = manager.post(page(sheet, "review"), {"approve": "1", "confirm": "on"}, follow=True)
    assert "(self-approved)" in text(done)


def test_the_list_tells_how_far_it_is_and_no_more(
    as_role: Door, sheet: CountSheet, django_assert_max_num_queries
) -> None:
    clerk, owner = as_role("clerk"), as_role("owner")
    clerk.post(page(sheet, "enter"), sent(clerk.get(page(sheet, "enter")).content.decode(), DEAR="99"))
    listed = reverse("admin:inventory_countsheet_changelist")
    assert "1 of 3" in text(owner.get(listed))
    clerk.post(page(sheet, "enter"), {"close": "1", "leave_uncounted": "on"})
    assert "-50.00" not in text(clerk.get(listed))
    assert "-50.00" in text(owner.get(listed))
    change = reverse("admin:inventory_countsheet_change", args=[sheet.pk])
    assert "Missing: 1 units" in text(owner.get(change))
    owner.post(page(sheet, "review"), {"cancel": "1"})
    assert CountSheet.objects.get().status == "cancelled"
