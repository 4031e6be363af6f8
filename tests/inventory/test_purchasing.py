"""Purchase orders from draft to end, by the operations that staff use."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from hypothesis import given
from hypothesis import strategies as st

from inventory.models import KitComponent, PurchaseOrder, PurchaseOrderLine
from inventory.offers import Offer, offer_price, orderable
from inventory.selectors import offers_of, on_order_of
from shop_assistant.agents import Role, call
from shop_assistant.agents.errors import ClarificationNeeded, Conflict, NotFound, PermissionDenied, ValidationFailed

from .buying import offer, ordered, receive, sent, shelf, supplier
from .making import USER, product

pytestmark = pytest.mark.django_db
D = Decimal


def run(operation, user=None, **payload):
    return call("inventory", operation, payload, **({"user": user} if user else {}))


# What an offer costs


def test_the_largest_break_that_is_reached_says_the_price():
    terms = Offer(unit_cost=D(10), breaks=((D(100), D(7)), (D(10), D(9))))
    assert [offer_price(terms, D(n)) for n in (1, 9, 10, 99, 100, 1000)] == [10, 10, 9, 9, 7, 7]


@given(
    st.decimals(min_value=0, max_value=10**6, places=3),
    st.decimals(min_value="0.001", max_value=1000, places=3),
    st.decimals(min_value=0, max_value=1000, places=3),
)
def test_what_can_be_ordered_is_the_least_in_whole_packs(quantity, pack, least):
    found = orderable(Offer(unit_cost=D(1), pack_size=pack, minimum_order=least), quantity)
    assert found % pack == 0
    assert found >= max(quantity, least)
    assert found - pack < max(quantity, least)


# Drafts


def test_a_draft_is_priced_as_its_supplier_offers_for_the_quantity():
    acme = supplier()
    first, second, _third = shelf("A", "B", "C", supplier=acme)
    offer(acme, first, "10", {50: "9"}, supplier_sku="AC-1")
    offer(acme, second, "5")
    made = run(
        "purchase_order",
        lines=[
            {"sku": "A", "quantity": 50},
            {"sku": "B", "quantity": 2, "unit_cost": 4.5},
            {"sku": "C", "quantity": 1},
        ],
    )
    assert (made["order"], made["supplier"], made["status"]) == ("PO-000001", "ACME", "draft")
    assert [(line["unit_cost"], line["cost"]) for line in made["lines"]] == [(9, 450), (4.5, 9), (4, 4)]
    assert (made["total"], made["lines"][0]["supplier_sku"]) == (463, "AC-1")


def test_a_draft_says_what_its_supplier_would_not_take():
    acme = supplier()
    (item,) = shelf("A", supplier=acme)
    offer(acme, item, "10", pack_size=6, minimum_order=12)
    made = run("purchase_order", lines=[{"sku": "A", "quantity": 7}])
    assert made["notes"] == ["A: sold in packs of 6, at least 12: order 12"]


def test_a_changed_draft_keeps_the_reasons_of_its_lines_and_takes_the_name_of_who_changed_it(users):
    acme = supplier()
    first, second, _third = shelf("A", "B", "C", supplier=acme)
    order = ordered(acme, (first, 1), (second, 2))
    PurchaseOrderLine.objects.get(product=first).delete()
    kept = PurchaseOrderLine.objects.get(product=second)
    kept.reason = {"method": "by hand"}
    kept.save()
    made = run(
        "purchase_order",
        users[Role.MANAGER],
        order="po-000001",
        lines=[{"sku": "B", "quantity": 5}, {"sku": "C", "quantity": 3}],
        expected_on="2026-12-24",
    )
    assert [(line["sku"], line["quantity"]) for line in made["lines"]] == [("B", 5), ("C", 3)]
    kept.refresh_from_db()
    order.refresh_from_db()
    assert (kept.reason, order.user_id, order.expected_on) == (
        {"method": "by hand"},
        "USER-MANAGER",
        date(2026, 12, 24),
    )


def test_wrong_drafts_are_refused_whole():
    acme, zeta = supplier(), supplier("ZETA")
    a, b = product("A", supplier=acme), product("B", supplier=zeta)
    KitComponent.objects.create(kit=product("KIT", supplier=acme), component=a, quantity=2)
    refused = [
        ({"lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1}]}, ClarificationNeeded, "From whom"),
        ({"supplier": "ACME"}, ClarificationNeeded, "what to order"),
        ({"supplier": "NOBODY", "lines": [{"sku": "A", "quantity": 1}]}, NotFound, "no supplier NOBODY"),
        ({"lines": [{"sku": "A", "quantity": 1}, {"sku": "a", "quantity": 1}]}, ValidationFailed, "not valid"),
        ({"lines": [{"sku": "A", "quantity": 1.5}]}, ValidationFailed, "counted in pieces"),
        ({"lines": [{"sku": "KIT", "quantity": 1}]}, ValidationFailed, "is a kit"),
        ({"lines": [{"sku": "A", "quantity": 999999, "unit_cost": 999999}]}, ValidationFailed, "not valid"),
        ({"order": "PO-9", "lines": [{"sku": "A", "quantity": 1}]}, NotFound, "PO-9 not found"),
    ]
    for payload, error, told in refused:
        with pytest.raises(error, match=told):
            run("purchase_order", **payload)
    assert not PurchaseOrder.objects.exists()
    order = ordered(acme, (a, 1))
    with pytest.raises(ClarificationNeeded, match="can't be changed"):
        run("purchase_order", order=order.reference, supplier="ZETA")
    assert b.purchase_lines.count() == 0


# Approval


def test_another_person_approves_than_the_one_who_made_it(users):
    (_item,) = shelf("A", supplier=supplier())
    run("purchase_order", users[Role.MANAGER], lines=[{"sku": "A", "quantity": 5}])
    with pytest.raises(PermissionDenied, match="Another person"):
        run("purchase_approve", users[Role.MANAGER], order="PO-000001")
    made = run("purchase_approve", users[Role.OWNER], order="PO-000001")
    assert (made["status"], made["approval"]) == ("approved", "four eyes")
    stored = PurchaseOrder.objects.get()
    assert (stored.approved_by, stored.self_approved) == ("USER-OWNER", False)


def test_who_is_alone_confirms_twice(users):
    users[Role.MANAGER].is_active = False
    users[Role.MANAGER].save()
    shelf("A", supplier=supplier())
    run("purchase_order", users[Role.OWNER], lines=[{"sku": "A", "quantity": 5}])
    with pytest.raises(ClarificationNeeded, match="Confirm"):
        run("purchase_approve", users[Role.OWNER], order="PO-000001")
    assert run("purchase_approve", users[Role.OWNER], order="PO-000001", confirm=True)["approval"] == "self-approved"


def test_up_to_the_limit_the_own_order_may_be_approved(users, settings):
    settings.PURCHASE_APPROVAL_LIMIT = D(20)
    shelf("A", supplier=supplier())
    run("purchase_order", users[Role.MANAGER], lines=[{"sku": "A", "quantity": 5}])
    run("purchase_order", users[Role.MANAGER], lines=[{"sku": "A", "quantity": 6}])
    assert run("purchase_approve", users[Role.MANAGER], order="PO-000001")["approval"] == "self-approved"
    with pytest.raises(PermissionDenied):
        run("purchase_approve", users[Role.MANAGER], order="PO-000002")


def test_what_has_no_cost_or_no_lines_is_not_approved():
    acme = supplier()
    order = ordered(acme, (product("A", cost=None), 5))
    with pytest.raises(ClarificationNeeded, match="What does A cost"):
        run("purchase_approve", order=order.reference)
    order.lines.get().delete()
    with pytest.raises(Conflict, match="no lines"):
        run("purchase_approve", order=order.reference)


def test_of_who_is_no_longer_a_supplier_nothing_is_ordered():
    order = ordered(supplier(active=False), (product("A"), 5))
    with pytest.raises(Conflict, match="ACME Ltd is no longer ordered from"):
        run("purchase_approve", order=order.reference)


def test_who_changes_nothing_has_not_proposed_it(users):
    order = ordered(supplier(), (product("A"), 5))
    with pytest.raises(ClarificationNeeded, match="Say what to change"):
        call("inventory", "purchase_order", {"order": order.reference}, user=users["manager"])
    order.refresh_from_db()
    assert order.user_id == USER


# From state to state


def test_each_state_allows_what_it_allows_and_says_what_to_do_instead():
    acme = supplier()
    (item,) = shelf("A")
    line = {"sku": "A", "quantity": 1}

    def refused(order, *operations):
        for operation in operations:
            extra = {"lines": [line]} if operation == "purchase_order" else {}
            with pytest.raises(Conflict, match=order.reference):
                run(operation, order=order.reference, **extra)

    order = ordered(acme, (item, 5))
    refused(order, "purchase_send", "purchase_receive", "purchase_close")
    run("purchase_approve", order=order.reference)
    refused(order, "purchase_order", "purchase_approve", "purchase_receive", "purchase_close")
    run("purchase_send", order=order.reference)
    refused(order, "purchase_order", "purchase_approve", "purchase_send", "purchase_close")
    receive(order, line)
    refused(order, "purchase_cancel", "purchase_send", "purchase_order")
    done = run("purchase_close", order=order.reference, reason="out of production")
    assert (done["status"], done["lines"][0]["missing"]) == ("closed", 0)
    refused(order, "purchase_cancel", "purchase_receive", "purchase_close", "purchase_approve")

    other = ordered(acme, (item, 5))
    assert run("purchase_cancel", order=other.reference)["status"] == "cancelled"
    refused(other, "purchase_approve", "purchase_cancel", "purchase_receive")


def test_a_sent_order_is_expected_as_its_supplier_takes_and_late_after_that():
    acme = supplier(lead_time_days=5)
    (item,) = shelf("A")
    with time_machine.travel(datetime(2024, 6, 3, 9, tzinfo=UTC), tick=False) as clock:
        order = sent(acme, (item, 5))
        made = run("purchase_orders", order=order.reference)
        assert (made["expected_on"], made["late"]) == ("2024-06-08", False)
        clock.move_to(datetime(2024, 6, 8, 9, tzinfo=UTC))
        assert run("purchase_orders", order=order.reference)["late"] is False
        clock.move_to(datetime(2024, 6, 9, 9, tzinfo=UTC))
        assert run("purchase_orders", order=order.reference)["late"] is True
        receive(order)
        assert run("purchase_orders", order=order.reference)["late"] is False


def test_orders_are_listed_newest_first_and_narrowed():
    acme, zeta = supplier(), supplier("ZETA")
    a, b = shelf("A", "B")
    ordered(acme, (a, 1))
    ordered(zeta, (a, 1), (b, 1))
    sent(acme, (b, 2))

    def listed(**payload):
        return [item["order"] for item in run("purchase_orders", **payload)["items"]]

    assert listed() == ["PO-000003", "PO-000002", "PO-000001"]
    assert listed(supplier="acme") == ["PO-000003", "PO-000001"]
    assert listed(sku="a") == ["PO-000002", "PO-000001"]
    assert listed(status="sent") == ["PO-000003"]
    run("purchase_cancel", order="PO-000002")
    assert listed(status="open") == ["PO-000003", "PO-000001"]
    page = run("purchase_orders", limit=2)
    assert [item["order"] for item in page["items"]] == ["PO-000003", "PO-000002"]
    assert listed(limit=2, cursor=page["next_cursor"]) == ["PO-000001"]


def test_on_order_is_what_has_not_arrived_of_what_has_not_ended():
    acme = supplier(over_delivery=50)
    a, b = shelf("A", "B")
    ordered(acme, (a, 3))
    order = sent(acme, (a, 10), (b, 4))
    assert on_order_of([a, b]) == {a.pk: 13, b.pk: 4}
    receive(order, {"sku": "A", "quantity": 4}, {"sku": "B", "quantity": 6})
    assert on_order_of([a, b]) == {a.pk: 9}
    run("purchase_close", order=order.reference)
    assert on_order_of([a, b]) == {a.pk: 3}


def test_the_preferred_offer_is_the_one_of_the_products_own_supplier():
    acme, zeta = supplier(), supplier("ZETA")
    (item,) = shelf("A", supplier=zeta)
    assert not offer(acme, item, "3").preferred
    best = offer(zeta, item, "4")
    assert best.preferred
    assert offers_of([item]) == {item.pk: best}


# The database's own word


def test_the_database_refuses_more_than_is_accepted_and_states_that_can_not_be():
    order = sent(supplier(), (product("A"), 5))
    wrong = [
        (order.lines, {"received": 6}),
        (order.lines, {"received": 2, "returned": 3}),
        (PurchaseOrder.objects, {"status": "lost"}),
        (PurchaseOrder.objects, {"status": "draft"}),
        (PurchaseOrder.objects, {"status": "partly_received", "sent_at": None}),
        (PurchaseOrder.objects, {"ended_at": datetime(2024, 1, 1, tzinfo=UTC)}),
    ]
    for rows, fields in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            QuerySet.update(rows.all(), **fields)
