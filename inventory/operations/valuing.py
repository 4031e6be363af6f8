"""What the stock is worth, what it brings in, and how healthy it is."""

from datetime import date, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from audit.reporting.periods import LATEST, PeriodError, days_of
from inventory.models import Product
from inventory.selectors import category_get, product_get
from inventory.selectors.analysis import Terms, details
from inventory.selectors.health import stock_health
from inventory.selectors.sales import day_start
from inventory.selectors.statements import Statement, statement
from inventory.selectors.valuation import traded
from inventory.valuing_presenting import analysis_told, valued_categories, valued_product, valued_whole
from inventory.valuing_schemas import Analysis, AnalysisQuery, Valuation, ValuationQuery
from shop_assistant.agents import Context, Effect, Role, operation
from shop_assistant.agents.errors import ClarificationNeeded
from shop_assistant.agents.roles import MANAGEMENT

ACCOUNTS = MANAGEMENT | {Role.AUDITOR}
EARLIEST = date(1990, 1, 1)


class ValuingOperations:
    """What the stock is worth, what it brings in, and how healthy it is."""

    @operation(
        roles=ACCOUNTS,
        effect=Effect.READ,
        route="inventory/valuation",
        audit="valued the stock of {first_day} to {last_day} by {method}",
        keeps_output=False,
    )
    def valuation(self, context: Context, data: ValuationQuery) -> Valuation:
        """Value the stock over a period, by weighted average or FIFO: opening, purchases, cost of goods sold,
        write-offs, count differences and closing, and the margin of each product and category.
        """
        first, last = period_of(data.period, data.first, data.last, today=timezone.localdate())
        products = _products(data)
        if data.cursor:
            products = _page(products, data, first, last)
        found = statement(first=first, last=last, method=data.method, products=products)
        return _told(found, data)

    @operation(
        roles=ACCOUNTS,
        effect=Effect.READ,
        route="inventory/analysis",
        audit="analysed the stock ({kind})",
        keeps_output=False,
    )
    def analysis(self, context: Context, data: AnalysisQuery) -> Analysis:
        """Say which products matter (ABC), whose demand swings (XYZ), what lies dead, what is too much, what runs out
        next and what expires.
        """
        today = timezone.localdate()
        terms = Terms(
            by=data.by,
            weeks=data.weeks,
            dead_days=data.days,
            cover_days=data.cover_days,
            expiring_days=data.expiring_days,
        )
        category = category_get(name=data.category).name if data.category else None
        health = stock_health(terms=terms, today=today)
        asked = health.asked(data.kind, abc=data.abc, xyz=data.xyz, category=category)
        start = int(data.cursor or 0)
        page = asked[start : start + data.limit]
        details(page, today=today)
        more = start + data.limit < len(asked)
        return analysis_told(health, data.kind, asked, page, str(start + data.limit) if more else None)


def period_of(period: str | None, first: date | None, last: date | None, *, today: date) -> tuple[date, date]:
    """First and last day, both included: of a month or year, or of two days; this month up to today without any.

    :raises ClarificationNeeded:
    """
    try:
        if period:
            return days_of(period=period, first=first, last=last, today=today)
    except PeriodError as error:
        raise ClarificationNeeded(str(error), field="period") from None
    end = last or today
    begin = first or end.replace(day=1)
    if not EARLIEST <= begin <= end <= LATEST:
        raise ClarificationNeeded(
            f"`from` must not be after `to`, nor before {EARLIEST}, nor `to` after {LATEST}.", field="from"
        )
    return begin, end


def _products(data: ValuationQuery) -> QuerySet[Product] | None:
    """Those asked for; None: all."""
    products: QuerySet[Product] = Product.objects.all()
    if data.sku:
        products = products.filter(pk=product_get(sku=data.sku).pk)
    if data.category:
        products = products.filter(category=category_get(name=data.category))
    return products if data.sku or data.category else None


def _page(products: QuerySet[Product] | None, data: ValuationQuery, first: date, last: date) -> QuerySet[Product]:
    """The products of the page asked for and one more, so that a later page costs no more than its own."""
    since, until = day_start(first), day_start(last + timedelta(days=1))
    some = Product.objects.all() if products is None else products
    rest = traded(since=since, until=until, products=some).filter(sku__gt=data.cursor).order_by("sku")
    page: QuerySet[Product] = Product.objects.filter(pk__in=list(rest.values_list("pk", flat=True)[: data.limit + 1]))
    return page


def _told(found: Statement, data: ValuationQuery) -> Valuation:
    page = found.rows[: data.limit]
    return Valuation(
        method=found.method,
        first_day=found.first,
        last_day=found.last,
        currency=settings.SHOP_CURRENCY,
        totals=None if data.cursor else valued_whole(found),
        categories=[] if data.cursor else valued_categories(found),
        items=[valued_product(row) for row in page],
        next_cursor=page[-1].sku if len(found.rows) > data.limit else None,
    )
