"""Price rules to edit, list prices to plan, recommendations to decide on."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from audit.admin_base import ReadOnlyAdmin, ShopAdmin, dialog_again, go, told
from audit.admin_filters import DayRangeFilter
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .models import CouponRedemption, CouponUse, DiscountApproval, PriceChange, PriceRecommendation, PriceRule
from .services import price_change_schedule


class DiscountForm(BaseDialogForm):
    percent = forms.DecimalField(
        label="Up to so many percent off the list price",
        min_value=Decimal("0.001"),
        max_value=Decimal(100),
        decimal_places=3,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    reason = forms.CharField(max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))
    confirm = forms.BooleanField(
        label="I approve what I made myself; nobody else may", required=False, widget=UnfoldBooleanSwitchWidget
    )


@admin.register(PriceRule)
class PriceRuleAdmin(ShopAdmin):
    actions_detail = ("approve_discount",)
    list_display = ("code", "name", "kind", "value", "min_quantity", "product", "category", "coupon", "active")
    list_filter = ("active", "kind", "exclusive", "customer_tier", "channel")
    search_fields = ("code", "name", "coupon", "product__sku", "product__name")
    search_help_text = "code, name, coupon or product, in part"
    export_dataset = "prices"
    autocomplete_fields = ("product", "category")
    fieldsets = (
        (None, {"fields": ("code", "name", "active", "kind", "value", "min_quantity")}),
        ("Where it applies", {"fields": ("product", "category", "customer_tier", "channel", "starts_at", "ends_at")}),
        ("Beside other rules", {"fields": ("priority", "exclusive")}),
        ("Coupon", {"fields": ("coupon", "coupon_limit", "coupon_limit_per_customer")}),
    )

    def has_approve_discount_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("agents.pricing.approve_discount"))

    @action(
        description="Approve a deep discount",
        url_path="approve-discount",
        icon="check_circle",
        permissions=["approve_discount"],
        dialog={
            "title": "Approve discounts beyond the shop's limit?",
            "description": "The rule may then take part in discounts of up to so much. Your approval is recorded.",
            "form_class": DiscountForm,
            "form_submit_text": "Approve",
        },
    )
    def approve_discount(self, request: HttpRequest, form: DiscountForm, object_id: str) -> HttpResponse:
        rule = get_object_or_404(PriceRule, pk=object_id)
        asked = {"rule_id": rule.code} | {name: form.cleaned_data[name] for name in ("percent", "reason", "confirm")}
        try:
            made = call("pricing", "approve_discount", asked, user=request.user, channel="admin")
        except AgentError as error:
            return dialog_again(request, self.approve_discount.dialog, form, "reason", error)
        self.message_user(request, f"{rule}: approved up to {made['percent']} % ({made['approval']})", messages.SUCCESS)
        return go(request, reverse("admin:pricing_pricerule_change", args=[rule.pk]))


@admin.register(DiscountApproval)
class DiscountApprovalAdmin(ReadOnlyAdmin):
    list_display = ("rule", "percent", "reason", "made_by", "approved_by", "approved_at")
    list_filter = (("approved_at", DayRangeFilter),)
    list_filter_submit = True
    ordering = ("-pk",)
    search_fields = ("rule__code", "=approved_by")


@admin.register(CouponUse)
class CouponUseAdmin(ReadOnlyAdmin):
    list_display = ("rule", "customer_id", "used")
    search_fields = ("rule__code", "rule__coupon", "customer_id")


@admin.register(CouponRedemption)
class CouponRedemptionAdmin(ReadOnlyAdmin):
    list_display = ("rule", "order_reference", "customer_id", "redeemed_at")
    list_filter = (("redeemed_at", DayRangeFilter),)
    list_filter_submit = True
    search_fields = ("rule__code", "rule__coupon", "order_reference", "customer_id")


class ApprovalForm(BaseDialogForm):
    """Whoever approves the own proposal, where nobody else may, confirms it here a second time."""

    confirm = forms.BooleanField(
        label="I approve what I proposed myself; nobody else may",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )


class DecidedAdmin(ShopAdmin):
    """Rows are not edited: they are decided on, through the operations pricing.approve and pricing.decline."""

    key: ClassVar[str]
    """How the operations call a row's id."""
    actions = ("approve", "decline")
    actions_detail = ("approve_one", "decline_one")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_approve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("agents.pricing.approve") and self._is_in(object_id, "proposed")

    def has_decline_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("agents.pricing.decline") and self._is_in(object_id, "proposed", "scheduled")

    def _is_in(self, object_id: str | None, *states: str) -> bool:
        return object_id is None or self.model._default_manager.filter(pk=object_id, status__in=states).exists()

    @admin.action(description="Approve", permissions=["approve"])
    def approve(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self._decide(request, rows, "approve", "approved")

    @admin.action(description="Decline or call off", permissions=["decline"])
    def decline(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self._decide(request, rows, "decline", "declined")

    def _decide(self, request: HttpRequest, rows: QuerySet[Any], operation: str, done: str) -> None:
        """Decide on each row and say how each went."""
        for row in rows.select_related("product"):
            try:
                call("pricing", operation, {self.key: row.pk}, user=request.user, channel="admin")
            except AgentError as error:
                self.message_user(request, f"{row}: {told(error)}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: {done}", messages.SUCCESS)

    @action(
        description="Approve",
        url_path="approve",
        icon="check_circle",
        permissions=["approve"],
        dialog={
            "title": "Approve this price?",
            "description": "The worker puts it into force when its time has come. Your approval is recorded.",
            "form_class": ApprovalForm,
            "form_submit_text": "Approve",
        },
    )
    def approve_one(self, request: HttpRequest, form: ApprovalForm, object_id: str) -> HttpResponse:
        row = get_object_or_404(self.model, pk=object_id)
        asked = {self.key: row.pk, "confirm": form.cleaned_data["confirm"]}
        try:
            made = call("pricing", "approve", asked, user=request.user, channel="admin")
        except AgentError as error:
            return dialog_again(request, self.approve_one.dialog, form, "confirm", error)
        self.message_user(request, f"{row}: approved ({made['approval']})", messages.SUCCESS)
        return self._page(request, row)

    @action(
        description="Decline",
        url_path="decline",
        icon="cancel",
        permissions=["decline"],
        dialog={
            "title": "Decline this price?",
            "description": "The list price stays as it is.",
            "form_submit_text": "Decline",
        },
    )
    def decline_one(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        row = get_object_or_404(self.model, pk=object_id)
        self._decide(request, self.model._default_manager.filter(pk=row.pk), "decline", "declined")
        return self._page(request, row)

    def _page(self, request: HttpRequest, row: Model) -> HttpResponse:
        return go(request, reverse(f"admin:pricing_{row._meta.model_name}_change", args=[row.pk]))


@admin.register(PriceChange)
class PriceChangeAdmin(DecidedAdmin):
    key = "change_id"
    list_display = ("product", "old_price", "new_price", "effective_at", "status", "reason", "user_id", "decided_by")
    list_filter = ("status", ("effective_at", DayRangeFilter))
    list_filter_submit = True
    search_fields = ("product__sku", "product__name", "reason", "=user_id")
    search_help_text = "product or reason in part, user id as a whole"
    autocomplete_fields = ("product",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        planned = ("product", "new_price", "effective_at", "reason")
        decided = ("old_price", "status", "user_id", "created_at", "decided_by", "decided_at", "applied_at")
        return planned if obj is None else (*planned, *decided)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who may approve prices may propose some."""
        return bool(request.user.has_perm("agents.pricing.approve"))

    def save_model(self, request: HttpRequest, obj: PriceChange, form: Any, change: bool) -> None:
        made = price_change_schedule(
            product=obj.product,
            new_price=obj.new_price,
            effective_at=obj.effective_at,
            reason=obj.reason,
            user_id=getattr(request.user, "public_id", ""),
            approved=False,
        )
        obj.pk, obj.old_price, obj.user_id, obj.status = made.pk, made.old_price, made.user_id, made.status
        self.message_user(request, "It waits for approval.", messages.INFO)


@admin.register(PriceRecommendation)
class PriceRecommendationAdmin(DecidedAdmin):
    key = "recommendation_id"
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
    list_filter = ("status", "objective", ("proposed_at", DayRangeFilter))
    list_filter_submit = True
    search_fields = ("product__sku", "product__name", "=proposed_by", "=decided_by")
    search_help_text = "product in part, user id as a whole"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
