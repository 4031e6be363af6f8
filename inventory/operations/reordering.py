"""What to order, and drafts of it."""

from dataclasses import replace

from django.db.models import QuerySet
from django.utils import timezone

from inventory import selectors, services
from inventory.models import Product
from inventory.reorder_cash import Spent, budget_spend
from inventory.reorder_presenting import cash_plan, reorder_item
from inventory.reorder_reviews import Review
from inventory.reorder_schemas import MOST_LINES, LineDecided, Reordering, ReorderQuery, Skipped
from shop_assistant.agents import Context, Effect, Restriction, operation
from shop_assistant.agents.errors import Conflict, ValidationFailed
from shop_assistant.agents.fields import json_number
from shop_assistant.agents.roles import MANAGEMENT, STAFF


class ReorderingOperations:
    """What to order, and drafts of it."""

    @operation(
        roles=STAFF,
        effect=lambda data: Effect.WRITE if data.create else Effect.READ,
        route="inventory/reorder",
        restrictions=(Restriction(name="create", when=lambda data: data.create, roles=MANAGEMENT),),
        audit="checked what to reorder, made {created} purchase orders",
    )
    def reorder(self, context: Context, data: ReorderQuery) -> Reordering:
        """Say which products to reorder now, how much of each and why, or the best part of it for a budget; make draft
        purchase orders if told to.
        """
        if data.create:
            services.reordering_lock()
        reviews = selectors.reorder_review(
            products=_products(data), service_level=data.service_level, today=timezone.localdate()
        )
        if data.lines:
            reviews = _decided(reviews, data.lines)
        lines = sorted((r for r in reviews if _shown(r, data)), key=_urgency)
        spent = _spent(lines, data)
        chosen = (spent.reviews if spent else lines)[:MOST_LINES]
        orders = []
        if data.create:
            orders = services.reorder_create(reviews=chosen, user_id=context.user_id, task_id=context.task_id)
        skipped = [Skipped(sku=r.product.sku, reason=reason) for r in reviews if (reason := _skipped(r, data))]
        if data.sku and not reviews:
            skipped = [_never_ordered(data.sku, data.supplier)]
        abstained = bool(skipped) and all(r.plan is None for r in reviews)
        return Reordering(
            items=[reorder_item(review) for review in chosen],
            skipped=skipped[:MOST_LINES],
            complete=max(len(lines), len(skipped)) <= MOST_LINES,
            cash_plan=cash_plan(spent, data.budget, data.objective or "margin") if spent and data.budget else None,
            purchase_orders=[order.reference for order in orders],
            created=len(orders),
            abstained=abstained,
            reasons=sorted({each.reason for each in skipped})[:5] if abstained else [],
        )


def _products(data: ReorderQuery) -> QuerySet[Product]:
    """The products asked for; those that are named also when they are no longer sold."""
    products: QuerySet[Product] = Product.objects.all() if data.sku else Product.objects.filter(active=True)
    if data.lines:
        named = selectors.products_get(skus=[line.sku for line in data.lines])
        return Product.objects.filter(pk__in=[product.pk for product in named.values()])
    if data.sku:
        products = products.filter(pk=selectors.product_get(sku=data.sku).pk)
    if data.supplier:
        products = products.filter(supplier=selectors.supplier_get(code=data.supplier))
    return products


def _decided(reviews: list[Review], lines: list[LineDecided]) -> list[Review]:
    """The reviews with the quantities decided by hand."""
    found = {review.product.sku.casefold(): review for review in reviews}
    made: dict[str, Review] = {}
    for number, line in enumerate(lines):
        key = line.sku.casefold()
        review = found.get(key)
        if key in made:
            raise ValidationFailed(fields={f"lines.{number}.sku": "is named twice"})
        if review is None or review.plan is None or review.supplier is None:
            why = "a kit is not ordered, its components are" if review is None else review.reason
            told = "it has no supplier to order from" if review and review.plan else why
            raise ValidationFailed(fields={f"lines.{number}.sku": told})
        if line.expected_on_order is not None and line.expected_on_order != review.on_order:
            raise Conflict(
                f"{review.product.sku}: {json_number(review.on_order)} is on order by now, not "
                f"{json_number(line.expected_on_order)}. Look at the list again.",
                sku=review.product.sku,
                on_order=json_number(review.on_order),
            )
        made[key] = review.changed(line.quantity)
    return list(made.values())


def _spent(lines: list[Review], data: ReorderQuery) -> Spent | None:
    if data.budget is None:
        return None
    able = [r for r in lines if r.planned.quantity > 0 and (r.supplier or not data.create)]
    margin = data.objective != "fill_rate"
    spent = budget_spend(able, data.budget, margin=margin)
    if len(spent.reviews) <= MOST_LINES:
        return spent
    named = {review.product.pk for review in spent.reviews[:MOST_LINES]}
    fitting = budget_spend([r for r in able if r.product.pk in named], data.budget, margin=margin)
    return replace(fitting, whole_cost=spent.whole_cost)


def _shown(review: Review, data: ReorderQuery) -> bool:
    return review.plan is not None and (review.plan.quantity > 0 or data.sku is not None)


def _urgency(review: Review) -> tuple[float, str]:
    cover = review.plan.days_of_cover if review.plan else None
    return (float("inf") if cover is None else cover), review.product.sku


def _never_ordered(sku: str, supplier: str | None) -> Skipped:
    """Why there is nothing to look at of the one product asked for."""
    product = selectors.product_get(sku=sku)
    own = product.supplier.code.casefold() if product.supplier else None
    if supplier and supplier.strip().casefold() != own:
        return Skipped(sku=product.sku, reason=f"{supplier} is not its supplier")
    return Skipped(sku=product.sku, reason="a kit is not ordered, its components are")


def _skipped(review: Review, data: ReorderQuery) -> str:
    if review.plan is None:
        return review.reason
    if data.create and review.plan.quantity > 0 and review.supplier is None:
        return "has no supplier to order from"
    return ""
