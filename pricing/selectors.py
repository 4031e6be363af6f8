"""Reading rules, list prices of other times, and what was sold at which price."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Max, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, TruncWeek
from django.utils import timezone

from inventory.models import Product
from inventory.selectors.sales import NET, sold_between
from shop_assistant.agents.errors import NotFound
from shop_assistant.compiled import Compiled

from .elasticity import Week
from .models import CouponUse, PriceChange, PriceRecommendation, PriceRule

HISTORY_WEEKS = 104
NEAREST = 5


def rules_for(*, products: Iterable[Product], coupon: str | None) -> list[PriceRule]:
    """The active rules without a coupon that concern any of these products, and the one with this coupon."""
    wanted = list(products)
    if len(wanted) == 1 and not coupon:
        return _OF_ONE.all(product=wanted[0].pk, category=wanted[0].category_id or NO_CATEGORY)
    concerned = Q(product=None, category=None)
    concerned |= Q(product__in={product.pk for product in wanted})
    concerned |= Q(category__in={product.category_id for product in wanted if product.category_id})
    asked = Q(coupon=coupon) if coupon else Q(pk__in=[])
    rules = PriceRule.objects.select_related("product", "category")
    return list(rules.filter((Q(coupon=None, active=True) & concerned) | asked))


NO_CATEGORY = 0
"""No primary key is that."""
_OF_ONE: Compiled[PriceRule] = Compiled(
    lambda product, category: PriceRule.objects.select_related("product", "category").filter(
        Q(product=None, category=None) | Q(product=product) | Q(category=category), coupon=None, active=True
    ),
    product=int,
    category=int,
)


def rule_get(*, rule_id: str | None = None, coupon: str | None = None) -> PriceRule:
    """The rule with this code, or with this coupon in any case.

    :raises NotFound: for an unknown code, with the next existing ones.
    """
    rules = PriceRule.objects.select_related("product", "category")
    asked = Q(coupon=coupon.upper()) if coupon else Q(code=rule_id)
    found: PriceRule | None = rules.filter(asked).first()
    if found is None and coupon:
        raise NotFound(f"There is no coupon {coupon}.", coupon=coupon)
    if found is None:
        known = PriceRule.objects.filter(coupon=None, active=True).order_by("code").values_list("code", flat=True)
        nearest = list(known.filter(code__gte=rule_id)[:NEAREST]) or list(known[:NEAREST])
        raise NotFound(f"There is no price rule {rule_id}.", rule_id=rule_id, available_rules=nearest)
    return found


def price_change_get(*, pk: int) -> PriceChange:
    """The price change with this number, its product along.

    :raises NotFound:
    """
    found: PriceChange | None = PriceChange.objects.select_related("product").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such price change.", change_id=pk)
    return found


def recommendation_get(*, pk: int) -> PriceRecommendation:
    """The recommendation with this number, its product along.

    :raises NotFound:
    """
    found: PriceRecommendation | None = PriceRecommendation.objects.select_related("product").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such price recommendation.", recommendation_id=pk)
    return found


def coupon_uses(*, rule: PriceRule, customer_id: str) -> dict[str, int]:
    """Uses so far: of everyone under "", of this customer under the customer's id."""
    rows = CouponUse.objects.filter(rule=rule, customer_id__in={"", customer_id})
    return dict(rows.values_list("customer_id", "used"))


def list_prices(*, products: Iterable[Product], at: datetime | None) -> dict[int, Decimal]:
    """Each product's list price at a moment, by primary key: past ones from the history, coming ones as scheduled.

    Before a product's history begins, and without a moment, it is the price of today.
    """
    prices = {product.pk: product.list_price for product in products}
    if at is None:
        return prices
    if at > timezone.now():
        changes = PriceChange.objects.filter(product__in=prices, status=PriceChange.Status.SCHEDULED)
        known = changes.filter(effective_at__lte=at).order_by("effective_at", "pk").values_list("product", "new_price")
    else:
        states = Product.history.filter(id__in=prices, history_date__lte=at).latest_of_each()
        known = states.order_by("history_id").values_list("id", "list_price")
    return prices | dict(known)


def weekly_sales(*, product: Product) -> list[Week]:
    """The complete weeks (Monday to Sunday, the shop's time) with sales, of the last two years; one query.

    The price is the list price, not what was charged: where quantity breaks apply, that is lower *because* much
    was bought. Units are what was sold and not returned.
    """
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    rows = list(
        sold_between(monday - timedelta(weeks=HISTORY_WEEKS), monday - timedelta(days=1))
        .filter(product=product, order__currency=settings.SHOP_CURRENCY)
        .values(week=TruncWeek("order__occurred_at"))
        .annotate(
            lowest=Min("base_price"),
            highest=Max("base_price"),
            units=Sum(NET),
            discounted=Sum(NET, filter=~Q(rules="")),
        )
        .order_by("week")
    )
    return [
        Week(
            number=(row["week"].date() - rows[0]["week"].date()).days // 7,
            price=float(row["highest"]),
            units=float(row["units"]),
            discounted=float(row["discounted"] or 0),
            mixed=row["lowest"] != row["highest"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class RulePage:
    rules: Sequence[PriceRule]
    last_code: str | None
    """of this page, where there is another one"""


def rule_page(*, active: bool | None, product: Product | None, after: str, limit: int) -> RulePage:
    """Rules by code, with `coupon_used`; one query. Only those that
    concern the product and those of one state, where these are given."""
    everyone = CouponUse.objects.filter(rule=OuterRef("pk"), customer_id="").values("used")
    rules: Any = PriceRule.objects.select_related("product", "category").filter(code__gt=after).order_by("code")
    rules = rules.annotate(coupon_used=Coalesce(Subquery(everyone), 0))
    if active is not None:
        rules = rules.filter(active=active)
    if product is not None:
        own_category = Q(category=product.category_id) if product.category_id else Q(pk__in=[])
        rules = rules.filter(Q(product=None, category=None) | Q(product=product) | own_category)
    found = list(rules[: limit + 1])
    return RulePage(found[:limit], found[limit - 1].code if len(found) > limit else None)
