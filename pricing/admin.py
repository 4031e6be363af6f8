"""Price rules to edit, list prices to plan, recommendations to decide on."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from audit.admin_base import ReadOnlyAdmin, ShopAdmin
from audit.history import authored
from shop_assistant.agents.errors import AgentError

from .models import CouponRedemption, CouponUse, PriceChange, PriceRecommendation, PriceRule
from .services import price_change_cancel, price_change_schedule, recommendation_approve, recommendation_reject


@admin.register(PriceRule)
class PriceRuleAdmin(ShopAdmin):
    list_display = ("code", "name", "kind", "value", "min_quantity", "product", "category", "coupon", "active")
    list_filter = ("active", "kind", "exclusive", "customer_tier", "channel")
    search_fields = ("code", "name", "coupon", "product__sku", "product__name")
    list_select_related = ("product", "category")
    autocomplete_fields = ("product", "category")
    fieldsets = (
        (None, {"fields": ("code", "name", "active", "kind", "value", "min_quantity")}),
        ("Where it applies", {"fields": ("product", "category", "customer_tier", "channel", "starts_at", "ends_at")}),
        ("Beside other rules", {"fields": ("priority", "exclusive")}),
        ("Coupon", {"fields": ("coupon", "coupon_limit", "coupon_limit_per_customer")}),
    )


@admin.register(CouponUse)
class CouponUseAdmin(ReadOnlyAdmin):
    list_display = ("rule", "customer_id", "used")
    search_fields = ("rule__code", "rule__coupon", "customer_id")
    list_select_related = ("rule",)


@admin.register(CouponRedemption)
class CouponRedemptionAdmin(ReadOnlyAdmin):
    list_display = ("rule", "order_reference", "customer_id", "redeemed_at")
    list_filter = ("redeemed_at",)
    search_fields = ("rule__code", "rule__coupon", "order_reference", "customer_id")
    list_select_related = ("rule",)


class DecidedAdmin(ShopAdmin):
    """Rows are not edited: their actions are decisions, each in its own transaction with its event."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Those who may ask for recommendations may decide on prices."""
        return bool(request.user.has_perm("agents.pricing.recommend"))

    def decide(
        self, request: HttpRequest, rows: QuerySet[Any], done: str, decision: Callable[[Any, str], object]
    ) -> None:
        """Make a decision on each row and say how each went."""
        user_id: str = getattr(request.user, "public_id", "")
        for row in rows:
            try:
                with transaction.atomic(), authored(user_id, done):
                    decision(row, user_id)
                    self.log_change(request, row, done)
            except AgentError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: {done}", messages.SUCCESS)


@admin.register(PriceChange)
class PriceChangeAdmin(DecidedAdmin):
    list_display = ("product", "old_price", "new_price", "effective_at", "status", "reason", "user_id", "applied_at")
    list_filter = ("status", "effective_at")
    search_fields = ("product__sku", "product__name", "reason", "user_id")
    list_select_related = ("product",)
    autocomplete_fields = ("product",)
    actions = ("cancel",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        planned = ("product", "new_price", "effective_at", "reason")
        return planned if obj is None else (*planned, "old_price", "status", "user_id", "created_at", "applied_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_decide_permission(request)

    def save_model(self, request: HttpRequest, obj: PriceChange, form: Any, change: bool) -> None:
        made = price_change_schedule(
            product=obj.product,
            new_price=obj.new_price,
            effective_at=obj.effective_at,
            reason=obj.reason,
            user_id=getattr(request.user, "public_id", ""),
        )
        obj.pk, obj.old_price, obj.user_id = made.pk, made.old_price, made.user_id

    @admin.action(description="Call off the selected price changes", permissions=["decide"])
    def cancel(self, request: HttpRequest, rows: QuerySet[PriceChange]) -> None:
        self.decide(request, rows, "called off", lambda row, user: price_change_cancel(change=row, user_id=user))


@admin.register(PriceRecommendation)
class PriceRecommendationAdmin(DecidedAdmin):
    list_display = (
        "product",
        "objective",
        "current_price",
        "recommended_price",
        "status",
        "proposed_at",
        "proposed_by",
        "decided_by",
    )
    list_filter = ("status", "objective", "proposed_at")
    search_fields = ("product__sku", "product__name", "proposed_by", "decided_by")
    list_select_related = ("product",)
    actions = ("approve", "reject")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Approve: change the list price now", permissions=["decide"])
    def approve(self, request: HttpRequest, rows: QuerySet[PriceRecommendation]) -> None:
        self.decide(
            request, rows, "approved", lambda row, user: recommendation_approve(recommendation=row, user_id=user)
        )

    @admin.action(description="Reject", permissions=["decide"])
    def reject(self, request: HttpRequest, rows: QuerySet[PriceRecommendation]) -> None:
        self.decide(
            request, rows, "rejected", lambda row, user: recommendation_reject(recommendation=row, user_id=user)
        )
