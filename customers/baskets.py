"""What was bought together, counted in the database; the arithmetic is `recommending`'s.

Everything is bounded: a few seeds, the latest orders, the most frequent pairs. The number of queries is constant.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Max

from inventory.models import Order, OrderLine, Product
from inventory.selectors import stocks_of

from .models import Customer, CustomerOrder
from .recommending import MIN_TOGETHER, Pair, Suggestion, suggest

WINDOW = 5000
"""So many of the latest orders are looked at."""
RECENT = timedelta(weeks=4)
"""Best sellers are those of the four weeks before the latest sale."""
SEEDS = 20
"""So many products, and of so many orders, of a customer's latest are what recommendations start from."""
PAIRS = 2000
POOL = 100
"""So many candidates of each sort are looked up, to prefer those on stock."""
PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Window:
    """So many orders from then until the latest."""

    since: datetime
    latest: datetime
    orders: int


@dataclass(frozen=True, slots=True)
class Candidate:
    product_id: int
    score: float
    basis: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    product: Product
    available: Decimal
    score: Decimal
    """0 to 1."""
    basis: str
    """bought_together or best_seller."""
    reason: str


def recommend(
    *, customer: Customer | None, products: Sequence[Product], limit: int
) -> tuple[list[Recommendation], list[str]]:
    """What to suggest beside these products and what the customer bought lately; and the SKUs it starts from.

    What goes with them by the evidence comes first, then best sellers; what is out of stock comes last. Nothing
    where nothing was ever sold. At most eleven queries.
    """
    seeds = {product.pk: product.sku for product in products} | (_bought_lately(customer) if customer else {})
    window = _window()
    if window is None:
        return [], sorted(seeds.values())
    candidates = _bought_together(seeds, window) if seeds else []
    candidates += _best_sellers(window, excluded={*seeds, *(c.product_id for c in candidates)})
    return _choose(candidates, limit), sorted(seeds.values())


def _choose(candidates: list[Candidate], limit: int) -> list[Recommendation]:
    products = Product.objects.in_bulk([c.product_id for c in candidates])
    stocks = stocks_of(products.values())
    found = [
        Recommendation(
            product=products[c.product_id],
            available=stocks[c.product_id].available,
            score=Decimal(c.score).quantize(PLACES),
            basis=c.basis,
            reason=c.reason,
        )
        for c in candidates
    ]
    return sorted(found, key=lambda r: r.available <= 0)[:limit]


def _bought_lately(customer: Customer) -> dict[int, str]:
    """Key and SKU of what the customer's latest orders contain, the most recent first."""
    latest = CustomerOrder.objects.filter(customer=customer).order_by("-order__occurred_at").values("order")[:SEEDS]
    lines = OrderLine.objects.filter(order__in=latest).values("product_id", "product__sku")
    rows = lines.annotate(last=Max("order__occurred_at")).order_by("-last", "product_id")[:SEEDS]
    return {row["product_id"]: row["product__sku"] for row in rows}


def _window() -> Window | None:
    times = Order.objects.order_by("-occurred_at").values_list("occurred_at", flat=True)
    latest = times.first()
    if latest is None:
        return None
    since = next(iter(times[WINDOW - 1 : WINDOW]), None) or times.reverse()[0]
    return Window(since, latest, Order.objects.filter(occurred_at__gte=since).count())


def _bought_together(seeds: dict[int, str], window: Window) -> list[Candidate]:
    with_seed = OrderLine.objects.filter(product__in=seeds, order__occurred_at__gte=window.since)
    counted = with_seed.filter(order__lines__product__active=True).values("product_id", "order__lines__product_id")
    rows = counted.annotate(orders=Count("order_id", distinct=True)).filter(orders__gte=MIN_TOGETHER)
    pairs = [
        Pair(row["product_id"], row["order__lines__product_id"], row["orders"])
        for row in rows.order_by("-orders", "product_id", "order__lines__product_id")[:PAIRS]
    ]
    orders_with = _orders_with({*seeds, *(pair.item for pair in pairs)}, window.since)
    found = suggest(pairs, orders_with=orders_with, orders=window.orders, excluded=frozenset(seeds))
    return [Candidate(s.item, s.score, "bought_together", _together(s, seeds)) for s in found[:POOL]]


def _orders_with(products: Collection[int], since: datetime) -> dict[int, int]:
    rows = OrderLine.objects.filter(product__in=products, order__occurred_at__gte=since).values("product_id")
    return dict(rows.annotate(orders=Count("order_id", distinct=True)).values_list("product_id", "orders"))


def _best_sellers(window: Window, *, excluded: Collection[int]) -> list[Candidate]:
    since = max(window.since, window.latest - RECENT)
    orders = Order.objects.filter(occurred_at__gte=since).count()
    lines = OrderLine.objects.filter(order__occurred_at__gte=since, product__active=True).exclude(product__in=excluded)
    rows = lines.values("product_id").annotate(sold=Count("order_id", distinct=True)).order_by("-sold", "product_id")
    return [
        Candidate(row["product_id"], row["sold"] / orders, "best_seller", _best(row["sold"], orders, window.latest))
        for row in rows[:POOL]
    ]


def _together(suggestion: Suggestion[int], skus: dict[int, str]) -> str:
    best, *others = suggestion.evidence
    more = f"; also goes with {', '.join(skus[e.seed] for e in others[:3])}" if others else ""
    return (
        f"Bought together with {skus[best.seed]} in {best.together} of {best.seed_orders} orders, "
        f"{best.lift:.1f} times as often as by chance{more}."
    )


def _best(sold: int, orders: int, latest: datetime) -> str:
    return f"Best seller: in {sold} of {orders} orders of the four weeks to {latest:%Y-%m-%d}."
