"""Customers, found by id, e-mail or phone, and what they did."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html_join
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from audit.admin_base import ReadOnlyAdmin, ShopAdmin, dialog_again, go
from audit.admin_columns import badge, link, list_of, moment, neat
from audit.admin_filters import DayRangeFilter
from customers.lookups import KINDS, customers_with
from customers.models import Customer, CustomerOrder, Interaction
from customers.services import customer_create, customer_update
from shop_assistant.agents.errors import AgentError

from .discreet import Discreet, may_see_people
from .erasure import AskForm, ask

SEE_ALSO = (
    ("Orders", "customers.customerorder", "customer__id__exact"),
    ("Tickets", "customers.ticket", "customer__id__exact"),
    ("Points", "customers.loyaltyentry", "account__customer_id__exact"),
    ("What happened", "customers.interaction", "customer__id__exact"),
    ("Erasures", "customers.erasurerequest", "customer__id__exact"),
)


class CustomerForm(forms.ModelForm):
    """Personal fields in the clear, for the moment of editing; they are stored sealed."""

    public_id = forms.CharField(
        label="Id",
        max_length=64,
        required=False,
        help_text="Left empty, one is made.",
        widget=UnfoldAdminTextInputWidget,
    )
    name = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget)
    email = forms.EmailField(label="E-mail", max_length=254, required=False, widget=UnfoldAdminEmailInputWidget)
    phone = forms.CharField(max_length=40, required=False, widget=UnfoldAdminTextInputWidget)
    address = forms.CharField(max_length=500, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    class Meta:
        model = Customer
        fields = ("public_id", "tier", "member_since")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for field in Customer.sealed_fields:
                self.fields[field].initial = self.instance.plain(field)

    def personal(self) -> dict[str, Any]:
        return {field: self.cleaned_data[field] for field in Customer.sealed_fields}


@admin.register(Customer)
class CustomerAdmin(Discreet, ShopAdmin):
    form = CustomerForm
    personal = Customer.sealed_fields
    export_dataset = "customers"
    list_display = ("public_id", "tier", "member_since", "points", "standing")
    list_filter = ("tier", ("member_since", DayRangeFilter), ("erased_at", admin.EmptyFieldListFilter))
    list_filter_submit = True
    list_select_related = ("loyalty",)
    search_fields = ("public_id",)
    search_help_text = "The exact id, e-mail or phone"
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("public_id", "name", "email", "phone", "address")}),
        ("Standing", {"fields": ("tier", "member_since", "points", "created_at", "erased_at", "see_also")}),
    )
    readonly_fields = ("points", "created_at", "erased_at", "see_also")
    actions_detail = ("erase",)

    @admin.display(description="points", ordering="loyalty__balance")
    def points(self, customer: Customer) -> int | None:
        return customer.loyalty.balance if customer.pk else None

    @admin.display(description="data")
    def standing(self, customer: Customer) -> Any:
        return badge("erased", "danger") if customer.erased_at else "kept"

    @admin.display(description="See also")
    def see_also(self, customer: Customer) -> Any:
        if not customer.pk:
            return "nothing yet"
        return format_html_join(
            " · ", "{}", ((link(list_of(model, **{path: customer.pk}), name),) for name, model, path in SEE_ALSO)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Customer | None = None) -> Any:
        return [*super().get_readonly_fields(request, obj), *(["public_id"] if obj else [])]

    def has_change_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.erased_at)

    def has_delete_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return False

    def has_erase_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        there = object_id is None or Customer.objects.filter(pk=object_id, erased_at=None).exists()
        return request.user.has_perm("agents.customers.request_erasure") and there

    @action(
        description="Erase",
        url_path="erase",
        icon="person_remove",
        permissions=["erase"],
        dialog={
            "title": "Ask for this customer to be erased?",
            "description": "Nothing is erased yet: another person confirms it under Erasures, or you a second time "
            "where nobody else may.",
            "form_class": AskForm,
            "form_submit_text": "Ask for it",
        },
    )
    def erase(self, request: HttpRequest, form: AskForm, object_id: str) -> HttpResponse:
        customer = get_object_or_404(Customer, pk=object_id)
        try:
            messages.success(request, ask(request, customer.public_id, form))
        except AgentError as error:
            return dialog_again(request, self.erase.dialog, form, "reason", error)
        waiting = customer.erasures.latest("pk")
        return go(request, reverse("admin:customers_erasurerequest_change", args=[waiting.pk]))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Customer], search_term: str
    ) -> tuple[QuerySet[Customer], bool]:
        if not search_term.strip():
            return queryset, False
        kinds = KINDS if may_see_people(request) else ()
        found = {c.pk for kind in kinds for c in customers_with(kind=kind, value=search_term)}
        return queryset.filter(pk__in=found) | queryset.filter(public_id__iexact=search_term.strip()), False

    def save_model(self, request: HttpRequest, obj: Customer, form: CustomerForm, change: bool) -> None:
        personal = form.personal()
        if change:
            customer_update(customer=obj, **personal)
            return
        made = customer_create(
            public_id=obj.public_id or None, tier=obj.tier, member_since=obj.member_since, **personal
        )
        obj.pk, obj.public_id, obj._state = made.pk, made.public_id, made._state


@admin.register(CustomerOrder)
class CustomerOrderAdmin(ReadOnlyAdmin):
    list_display = ("order", "customer", "sold_at", "total")
    list_display_links = None
    list_filter = (("order__occurred_at", DayRangeFilter),)
    list_filter_submit = True
    search_fields = ("=customer__public_id", "=order__reference")
    search_help_text = "customer id or order, as a whole"
    ordering = ("-pk",)

    @display(description="Sold", ordering="order__occurred_at")
    def sold_at(self, bought: CustomerOrder) -> str:
        return moment(bought.order.occurred_at)

    @display(description="Total", ordering="order__total")
    def total(self, bought: CustomerOrder) -> str:
        return f"{neat(bought.order.total, 4)} {bought.order.currency}"


@admin.register(Interaction)
class InteractionAdmin(Discreet, ReadOnlyAdmin):
    personal = ("summary",)
    list_display = ("occurred_at", "customer", "kind", "reference")
    list_filter = ("kind", ("occurred_at", DayRangeFilter))
    list_filter_submit = True
    search_fields = ("=customer__public_id", "=reference")
    search_help_text = "customer id or reference, as a whole"
    ordering = ("-pk",)
    fields = ("customer", "kind", "summary", "reference", "occurred_at")
