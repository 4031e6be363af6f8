"""Reviews as inventory.reorder answers them."""

from decimal import Decimal

from . import reorder_cash
from .reorder_reviews import Review, evidence_of
from .reorder_schemas import MOST_LINES, CashPlan, Evidence, LeftOut, Objective, ReorderItem


def reorder_item(review: Review) -> ReorderItem:
    plan, product, terms = review.planned, review.product, review.terms
    return ReorderItem(
        sku=product.sku,
        product_name=product.name,
        supplier=review.supplier.code if review.supplier else None,
        quantity=plan.quantity,
        unit_cost=review.unit_cost(plan.quantity),
        cost=reorder_cash.cost_of(review, plan.quantity),
        pack_size=terms.pack_size,
        minimum_order=terms.minimum_order,
        available=review.available,
        on_order=review.on_order,
        in_transit=review.in_transit,
        reorder_point=plan.reorder_point,
        order_up_to=plan.order_up_to,
        runs_out_on=review.runs_out_on,
        reason=review.reason,
        evidence=Evidence(**evidence_of(review)),
    )


def cash_plan(spent: reorder_cash.Spent, budget: Decimal, objective: Objective) -> CashPlan:
    return CashPlan(
        budget=budget,
        objective=objective,
        spent=spent.spent,
        unspent=budget - spent.spent,
        whole_cost=spent.whole_cost,
        expected=Decimal(repr(round(spent.expected, 2))),
        left_out=[
            LeftOut(
                sku=left.review.product.sku,
                wanted=left.review.planned.quantity,
                ordered=left.ordered,
                reason=left.reason,
            )
            for left in spent.left[:MOST_LINES]
        ],
    )
