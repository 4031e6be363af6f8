"""pricing.recommend, and deciding on what it proposes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import IntegrityError, transaction

from inventory.models import Location, Order, OrderLine, Product, ReturnedQuantity, Warehouse
from pricing.models import PriceRecommendation
from pricing.selectors import weekly_sales
from pricing.services import (
    price_change_cancel,
    price_changes_apply_due,
    recommendation_approve,
    recommendation_reject,
)
from shop_assistant.agents.errors import Conflict, NotFound, ValidationFailed

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 6, 5, 12, tzinfo=UTC)  # a Wednesday
MONDAY = datetime(2024, 6, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def shelf(db: None) -> Location:
    return Location.objects.create(code="A-01-01", warehouse=Warehouse.objects.create(code="MAIN", name="Main"))


@pytest.fixture
def sell(widget: Product, shelf: Location):
    """`sell(moment, price, quantity)` puts a sale of the widget into the past."""

    def sale(moment: datetime, price: str, quantity: int, rules: str = "", currency: str = "GBP") -> OrderLine:
        order = Order.objects.create(
            reference=f"S-{Order.objects.count()}",
            occurred_at=moment,
            currency=currency,
            subtotal=0,
            tax=0,
            total=0,
            user_id="USER123",
        )
        return OrderLine.objects.create(
            order=order,
            number=1,
            product=widget,
            location=shelf,
            quantity=quantity,
            base_price=Decimal(price),
            unit_price=Decimal(price),
            tax_rate=20,
            tax=0,
            total=0,
            rules=rules,
        )

    return sale


@pytest.fixture
def year(sell) -> None:
    """40 weeks of demand with an elasticity of -3."""
    for week in range(1, 41):
        price = (24, 27, 30, 33, 36)[week * 7 % 5]
        sell(MONDAY - timedelta(weeks=week, days=-2), str(price), round(4_000_000 * price**-3 * (1 + week % 4 / 50)))


def test_weeks_are_added_up_whole(sell, widget):
    sell(MONDAY, "30", 99)  # this week is not over
    sell(MONDAY - timedelta(seconds=3601), "30", 5)  # Sunday, 23:59:59 in London's summer
    sell(MONDAY - timedelta(days=7, hours=1), "30", 2, rules="RULE001")  # Monday, 0:00
    sell(MONDAY - timedelta(weeks=3), "28", 3)
    sell(MONDAY - timedelta(weeks=3), "29", 4)
    sell(MONDAY - timedelta(weeks=3), "28", 3, currency="EUR")
    returned = sell(MONDAY - timedelta(weeks=2), "30", 6)
    ReturnedQuantity.objects.create(line=returned, sold=6, quantity=4)
    weeks = weekly_sales(product=widget)
    assert [(w.number, w.price, w.units, w.discounted, w.mixed) for w in weeks] == [
        (0, 29.0, 7.0, 0.0, True),
        (1, 30.0, 2.0, 0.0, False),
        (2, 30.0, 7.0, 2.0, False),
    ]


def test_a_recommendation_with_its_evidence(ask, widget, year):
    answer = ask("recommend", sku="SKU001")
    assert answer["abstained"] is False
    assert answer["objective"] == "profit"
    assert answer["current_price"] == 29.99
    assert answer["recommended_price"] == 24  # 12 x 1.2 x 3 / 2 = 21.60: below what was seen
    assert answer["elasticity"]["value"] == pytest.approx(-3, abs=0.1)
    assert answer["elasticity"]["low"] < answer["elasticity"]["value"] < answer["elasticity"]["high"]
    assert answer["interval"] == {"low": 24, "high": 24}
    assert answer["expected"]["units"]["change_percent"] == pytest.approx(95, abs=8)
    assert answer["expected"]["profit"]["then"] > answer["expected"]["profit"]["now"]
    assert answer["evidence"]["weeks"] == 40
    assert (answer["evidence"]["lowest_price"], answer["evidence"]["highest_price"]) == (24, 36)
    stored = PriceRecommendation.objects.get(pk=answer["recommendation_id"])
    assert (stored.status, stored.recommended_price, stored.proposed_by) == ("proposed", 24, "system")
    assert stored.evidence["evidence"]["weeks"] == 40
    assert stored.expected["units"]["then"] == answer["expected"]["units"]["then"]


def test_asked_again_it_takes_the_place_of_the_undecided_one(ask, widget, year):
    first = ask("recommend", sku="SKU001")["recommendation_id"]
    assert ask("recommend", sku="SKU001")["recommendation_id"] == first
    recommendation_reject(recommendation=PriceRecommendation.objects.get(pk=first), user_id="USER123")
    assert ask("recommend", sku="SKU001")["recommendation_id"] != first
    assert ask("recommend", sku="SKU001", objective="revenue")["recommendation_id"] is not None
    assert PriceRecommendation.objects.filter(status="proposed").count() == 2


@pytest.mark.parametrize("objective", ["profit", "revenue", "units"])
def test_it_abstains_rather_than_guess(ask, widget, objective):
    answer = ask("recommend", sku="SKU001", objective=objective)
    assert (answer["abstained"], answer["recommended_price"], answer["recommendation_id"]) == (True, None, None)
    assert answer["reasons"]
    assert not PriceRecommendation.objects.exists()


def test_it_can_be_switched_off(ask, widget, year, settings):
    settings.ENABLE_PRICE_OPTIMIZATION = False
    answer = ask("recommend", sku="SKU001")
    assert answer["abstained"] is True
    assert "ENABLE_PRICE_OPTIMIZATION" in answer["reasons"][0]


def test_requests_that_can_not_be_answered(ask, widget):
    with pytest.raises(NotFound):
        ask("recommend", sku="SKU999")
    with pytest.raises(ValidationFailed):
        ask("recommend", sku="SKU001", objective="fame")


def proposal(widget: Product, **values: object) -> PriceRecommendation:
    made: PriceRecommendation = PriceRecommendation.objects.create(
        **{
            "product": widget,
            "objective": "profit",
            "current_price": widget.list_price,
            "recommended_price": Decimal("24.00"),
            "evidence": {},
            "expected": {},
            "proposed_by": "USER123",
        }
        | values
    )
    return made


def test_an_approved_recommendation_becomes_the_price(widget):
    made = proposal(widget)
    change = recommendation_approve(recommendation=made, user_id="USER456")
    made.refresh_from_db()
    assert (made.status, made.decided_by, made.decided_at, made.change) == ("approved", "USER456", NOW, change)
    price_changes_apply_due()
    made.refresh_from_db()
    widget.refresh_from_db()
    assert (made.status, widget.list_price) == ("applied", 24)


def test_a_decision_is_made_once(widget):
    made = proposal(widget)
    recommendation_reject(recommendation=made, user_id="USER456")
    for decide in (recommendation_approve, recommendation_reject):
        with pytest.raises(Conflict):
            decide(recommendation=made, user_id="USER456")


def test_a_recommendation_for_another_price_is_not_approved(widget):
    made = proposal(widget)
    widget.list_price = Decimal(31)
    widget.save()
    with pytest.raises(Conflict):
        recommendation_approve(recommendation=made, user_id="USER456")


def test_calling_the_change_off_rejects_the_recommendation(widget):
    made = proposal(widget)
    price_change_cancel(change=recommendation_approve(recommendation=made, user_id="A"), user_id="B")
    made.refresh_from_db()
    assert (made.status, made.change, made.decided_by) == ("rejected", None, "B")


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "rejected"},
        {"status": "approved", "decided_by": "A", "decided_at": NOW},
        {"decided_by": "A"},
        {"objective": "fame"},
        {"recommended_price": -1},
        {"status": "odd", "decided_by": "A", "decided_at": NOW},
    ],
)
def test_the_database_refuses_recommendations_that_make_no_sense(widget, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        proposal(widget, **wrong)


def test_one_open_recommendation_a_product_and_objective(widget):
    proposal(widget)
    proposal(widget, objective="units")
    with pytest.raises(IntegrityError), transaction.atomic():
        proposal(widget)
