"""The demo shop, as `make run` loads it."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Max, Min, Sum
from django.utils import timezone

from audit.models import AuditRecord
from audit.sealing import seal
from audit.verification import verify_all
from customers.models import Customer, LoyaltyEntry
from inventory.models import Order, OrderLine, Product, ReturnedQuantity, StockLevel, StockMovement
from orchestrator.demo import load_examples, load_staff, load_year
from shop_assistant.accounts.models import User

pytestmark = pytest.mark.django_db


def test_the_examples_are_real_orders_and_ledger_entries(shop):
    customer = Customer.objects.get(public_id="CUST001")
    assert Order.objects.filter(customer_order__customer=customer).aggregate(sum=Sum("total"))["sum"] == 5000
    entries = LoyaltyEntry.objects.filter(account__customer=customer)
    assert entries.aggregate(sum=Sum("points"))["sum"] == customer.loyalty.balance == 1250
    assert all_levels_are_their_ledgers()


def test_loading_again_changes_nothing(shop):
    before = (Product.objects.count(), StockMovement.objects.count(), Customer.objects.count())
    assert load_examples() is False
    assert (Product.objects.count(), StockMovement.objects.count(), Customer.objects.count()) == before


def test_a_shop_of_ones_own_is_left_alone():
    Product.objects.create(sku="MINE", name="Mine", list_price=1)
    with pytest.raises(CommandError, match="only goes into an empty one"):
        call_command("load_demo")
    assert (Product.objects.count(), User.objects.filter(username="owner").exists()) == (1, False)


def test_a_shop_with_only_its_first_user_is_somebodys_own():
    User.objects.create_superuser(username="anna", password="a long one of hers")
    with pytest.raises(CommandError, match="only goes into an empty one"):
        call_command("load_demo")
    assert (Product.objects.count(), User.objects.count()) == (0, 1)


def test_the_staff_have_their_roles_and_the_password(settings, client):
    settings.DEMO_PASSWORD = "first-password"
    load_staff()
    settings.DEMO_PASSWORD = "another-password"
    staff = load_staff()
    assert User.objects.get(public_id="USER123").username == "owner"
    assert {str(role): [g.name for g in user.groups.all()] for role, user in staff.items()} == {
        role: [role] for role in ("owner", "manager", "clerk", "auditor")
    }
    assert client.login(username="clerk", password="another-password")


def test_a_whole_year_of_trade(settings):
    out = StringIO()
    call_command("load_demo", stdout=out)
    assert "300 products" in out.getvalue()
    assert load_year() is False
    zone = ZoneInfo(settings.SHOP_TIMEZONE)
    yesterday = timezone.now().astimezone(zone).date() - timedelta(days=1)
    ends = Order.objects.exclude(reference__startswith="S-").aggregate(
        first=Min("occurred_at"), last=Max("occurred_at")
    )
    last_day = ends["last"].astimezone(zone).date()
    assert last_day in (yesterday, yesterday - timedelta(days=1))  # the source was closed on Saturdays
    assert yesterday - ends["first"].astimezone(zone).date() > timedelta(days=350)
    assert all_levels_are_their_ledgers()
    assert StockMovement.objects.aggregate(lowest=Min("balance"))["lowest"] >= 0
    assert totals_are_the_sums_of_their_lines()
    assert refunds_are_within_what_was_paid()
    seal()
    assert list(verify_all()) == []
    assert AuditRecord.objects.filter(event="DEMO_LOADED").exists()


def all_levels_are_their_ledgers() -> bool:
    moved = {
        (row["product"], row["location"]): row["sum"]
        for row in StockMovement.objects.values("product", "location").annotate(sum=Sum("quantity"))
    }
    levels = {(level.product_id, level.location_id): level.on_hand for level in StockLevel.objects.all()}
    return {place: Decimal(sum) for place, sum in moved.items()} == levels


def totals_are_the_sums_of_their_lines() -> bool:
    sums = dict(OrderLine.objects.values_list("order").annotate(sum=Sum("total")))
    totals = {order.pk: order.total + order.points_value for order in Order.objects.all()}
    return totals == sums


def refunds_are_within_what_was_paid() -> bool:
    return all(row.refunded <= row.line.total for row in ReturnedQuantity.objects.select_related("line"))
