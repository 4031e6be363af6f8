"""The pricing agent: what things cost and why, and what they might better cost."""

from typing import Literal

from customers.models import Customer
from customers.selectors import customer_serve
from inventory.selectors import product_get, products_get
from shop_assistant.agents import Agent, Context, Effect, operation
from shop_assistant.agents.roles import MANAGEMENT, STAFF

from . import presenting, selectors
from .elasticity import Objective
from .schemas import (
    ApplyDiscount,
    ApproveDiscount,
    ApprovePrice,
    Calculate,
    Calculated,
    CalculatedBasket,
    DeclinePrice,
    DiscountApproved,
    ListRules,
    PriceDecision,
    Recommend,
    Recommended,
    RulesListed,
)
from .services import (
    DEFAULT_CHANNEL,
    discount_approve,
    price_advise,
    price_change_approve,
    price_change_cancel,
    quote,
    recommendation_approve,
    recommendation_propose,
    recommendation_reject,
    self_approval,
)


class PricingAgent(Agent):
    name = "pricing"
    pages = ("pricing",)

    @operation(
        roles=STAFF,
        effect=Effect.READ,
        route="pricing/calculate",
        audit="priced {quantity} x {sku}: {total_cost} {currency}",
    )
    def calculate(self, context: Context, data: Calculate) -> Calculated | CalculatedBasket:
        """What a quantity of a product, or a basket, costs: price, discounts, tax, and why each price rule did or
        did not apply. Nothing is sold and no coupon is used up.
        """
        products = products_get(skus=[line.sku for line in data.basket])
        made = quote(
            items=[(products[line.sku], line.quantity) for line in data.basket],
            customer=_customer(data.customer_id),
            coupon=data.coupon,
            channel=data.channel or DEFAULT_CHANNEL,
            at=data.at,
        )
        return presenting.single(made) if data.lines is None else presenting.basket(made)

    @operation(
        roles=STAFF,
        effect=Effect.READ,
        route="pricing/apply-discount",
        audit="priced {quantity} x {sku} with {applicable_rules} only",
    )
    def apply_discount(self, context: Context, data: ApplyDiscount) -> Calculated:
        """What a quantity of a product costs with just one price rule, named by its code or coupon. Where the rule
        does not apply, the error says why.
        """
        product = product_get(sku=data.sku)
        rule = selectors.rule_get(rule_id=data.rule_id, coupon=data.coupon)
        made = quote(
            items=[(product, data.quantity)],
            customer=_customer(data.customer_id),
            coupon=data.coupon,
            only=rule,
        )
        return presenting.single(made)

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="pricing/recommend",
        audit="asked which price of {sku} serves {objective} best: {recommended_price}",
    )
    def recommend(self, context: Context, data: Recommend) -> Recommended:
        """Which list price of a product would serve profit, revenue or units best, judging by how its past sales
        answered to its price. A proposal is stored for a person to decide on; where the sales say too little, it
        abstains and says why.
        """
        product = product_get(sku=data.sku)
        advice = price_advise(product=product, objective=Objective(data.objective))
        answer = presenting.recommended(product, data.objective, advice)
        if advice.price is None or advice.price == product.list_price:
            return answer
        stored = recommendation_propose(
            product=product,
            objective=Objective(data.objective),
            price=advice.price,
            evidence=answer.model_dump(mode="json", include={"elasticity", "interval", "evidence", "reasons"}),
            expected=answer.model_dump(mode="json", include={"expected"})["expected"],
            user_id=context.user_id,
        )
        return answer.model_copy(update={"recommendation_id": stored.pk})

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="pricing/approve",
        audit="approved {new_price} {currency} for {sku} ({approval}; proposed by {proposed_by})",
    )
    def approve(self, context: Context, data: ApprovePrice) -> PriceDecision:
        """Approve a proposed list price: it comes into force when its time has come. Another person than its proposer
        has to, where the shop has another who may; a shop of one confirms twice, and the record says self-approved.
        """
        if data.change_id is not None:
            change = price_change_approve(change=selectors.price_change_get(pk=data.change_id), user_id=context.user_id)
            return presenting.decided_change(change, _approval(context, change.user_id, data))
        found = selectors.recommendation_get(pk=data.recommendation_id or 0)
        planned = recommendation_approve(recommendation=found, user_id=context.user_id)
        return presenting.decided_recommendation(
            planned.recommendation, _approval(context, found.proposed_by, data), context.user_id
        )

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="pricing/decline",
        audit="declined {new_price} {currency} for {sku} (proposed by {proposed_by})",
    )
    def decline(self, context: Context, data: DeclinePrice) -> PriceDecision:
        """Decline a recommended or proposed list price, or call a planned one off before it comes into force."""
        if data.change_id is not None:
            change = selectors.price_change_get(pk=data.change_id)
            return presenting.decided_change(price_change_cancel(change=change, user_id=context.user_id), "declined")
        found = selectors.recommendation_get(pk=data.recommendation_id or 0)
        rejected = recommendation_reject(recommendation=found, user_id=context.user_id)
        return presenting.decided_recommendation(rejected, "declined", context.user_id)

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="pricing/approve-discount",
        audit="approved discounts of up to {percent} % by {rule_id} ({approval}; changed last by {made_by})",
    )
    def approve_discount(self, context: Context, data: ApproveDiscount) -> DiscountApproved:
        """Let a price rule take part in discounts beyond the shop's limit. Another person than who changed the rule
        last has to, where the shop has another who may; a shop of one confirms twice, and the record says
        self-approved.
        """
        made = discount_approve(
            rule=selectors.rule_get(rule_id=data.rule_id),
            percent=data.percent,
            reason=data.reason,
            user_id=context.user_id,
            confirm=data.confirm,
            task_id=context.task_id,
        )
        return presenting.approved_discount(made)

    @operation(roles=STAFF, effect=Effect.READ, route="pricing/rules", audit="listed price rules")
    def rules(self, context: Context, data: ListRules) -> RulesListed:
        """The shop's price rules by code, all of them or those that concern one product."""
        page = selectors.rule_page(
            active=data.active,
            product=product_get(sku=data.sku) if data.sku else None,
            after=data.cursor or "",
            limit=data.limit,
        )
        return RulesListed(items=[presenting.rule_item(rule) for rule in page.rules], next_cursor=page.last_code)


def _approval(context: Context, proposer: str, data: ApprovePrice) -> Literal["four eyes", "self-approved"]:
    """Looked at under the row's lock, after the decision, which a refusal rolls back."""
    own = self_approval(proposer=proposer, user_id=context.user_id, confirm=data.confirm)
    return "self-approved" if own else "four eyes"


def _customer(customer_id: str | None) -> Customer | None:
    return customer_serve(customer_id=customer_id) if customer_id else None
