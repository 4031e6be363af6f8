"""Whatever happens in whatever order: a level is the sum of its movements, and never negative."""

from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from inventory.models import Order, OrderReturn, Product, Reservation, ReservationLine, StockLevel, StockMovement
from inventory.selectors import returnable, with_available
from inventory.services import Item, reservation_create, reservation_release, return_create, stock_adjust, stock_set
from shop_assistant.agents.errors import AgentError

from .making import USER, kit, line, location, product, sell

SKUS, PLACES = ("A", "B"), ("A-01", "A-02")
SOLD = (*SKUS, "SET")
amounts = st.integers(1, 30).map(Decimal)
places = st.sampled_from([None, *PLACES])


class Shop(RuleBasedStateMachine):
    """Every rule may be refused, and then changes nothing."""

    @initialize()
    def open(self):
        self.block = transaction.atomic()
        self.block.__enter__()
        self.products = {sku: product(sku) for sku in SKUS}
        self.products["SET"] = kit("SET", A=2, B=1)
        self.places = {None: None} | {code: location(code) for code in PLACES}

    def teardown(self):
        if hasattr(self, "block"):
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def attempt(self, service, **fields):
        before = list(StockLevel.objects.order_by("pk").values_list("pk", "on_hand"))
        try:
            with transaction.atomic():
                service(user_id=USER, **fields)
        except AgentError:
            assert list(StockLevel.objects.order_by("pk").values_list("pk", "on_hand")) == before

    @rule(sku=st.sampled_from(SKUS), delta=st.integers(-20, 40).filter(bool).map(Decimal), place=places)
    def adjust(self, sku, delta, place):
        self.attempt(stock_adjust, product=self.products[sku], delta=delta, location=self.places[place])

    @rule(sku=st.sampled_from(SKUS), quantity=st.integers(0, 40).map(Decimal), place=places)
    def count(self, sku, quantity, place):
        self.attempt(stock_set, product=self.products[sku], quantity=quantity, location=self.places[place])

    @rule(items=st.lists(st.tuples(st.sampled_from(SOLD), amounts), min_size=1, max_size=3), place=places)
    def sell(self, items, place):
        lines = [line(self.products[sku], quantity) for sku, quantity in items]
        self.attempt(lambda **fields: sell(*lines, **fields), location=self.places[place])

    @rule(items=st.lists(st.tuples(st.sampled_from(SOLD), amounts), min_size=1, max_size=3), place=places)
    def reserve(self, items, place):
        wanted = [Item(self.products[sku], quantity) for sku, quantity in items]
        self.attempt(reservation_create, items=wanted, location=self.places[place])

    @rule(number=st.integers(0, 5))
    def release(self, number):
        made = list(Reservation.objects.order_by("pk"))
        if made:
            chosen = made[number % len(made)]
            self.attempt(lambda user_id: reservation_release(reservation=chosen))

    @rule(number=st.integers(0, 5), sku=st.sampled_from(SOLD), quantity=amounts, whole=st.booleans())
    def bring_back(self, number, sku, quantity, whole):
        orders = list(Order.objects.order_by("pk"))
        if orders:
            items = None if whole else [(self.products[sku], quantity)]
            self.attempt(return_create, order=orders[number % len(orders)], items=items)

    @invariant()
    def levels_are_the_sums_of_their_movements(self):
        sums = StockMovement.objects.values_list("product", "location").annotate(sum=Sum("quantity"))
        levels = StockLevel.objects.values_list("product", "location", "on_hand")
        assert sorted(sums) == sorted(level for level in levels if any(level[:2] == found[:2] for found in sums))
        assert all(level[2] >= 0 for level in levels)
        last = {(m.product_id, m.location_id): m.balance for m in StockMovement.objects.order_by("pk")}
        assert last == {(p, at): sum for p, at, sum in sums}

    @invariant()
    def what_is_reserved_is_what_reservations_hold(self):
        held = ReservationLine.objects.filter(counted=True).values_list("level").annotate(sum=Sum("quantity"))
        reserved = StockLevel.objects.exclude(reserved=0).values_list("pk", "reserved")
        assert sorted(held) == sorted(reserved)
        assert all(found.available >= 0 for found in with_available(Product.objects.all()))

    @invariant()
    def nobody_gets_back_more_than_was_paid(self):
        for order in Order.objects.all():
            refunded = OrderReturn.objects.filter(order=order).aggregate(sum=Sum("total"))["sum"] or 0
            left = returnable(order)
            assert refunded <= order.total
            assert (refunded == order.total) == (not any(left.values()))
            assert min(left.values()) >= 0


class LedgerTest(Shop.TestCase, TestCase):  # type: ignore[misc, valid-type]
    settings = settings(max_examples=20, stateful_step_count=15, suppress_health_check=list(HealthCheck))  # type: ignore[assignment]
