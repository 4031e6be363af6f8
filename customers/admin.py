"""The staff's pages of customers, tickets and points. Names are shown on a customer's own page only, never in lists."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from audit import events
from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline, ShopAdmin
from audit.services import event_record

from .encryption import open_rows
from .lookups import KINDS, customers_with
from .models import (
    Customer,
    CustomerOrder,
    Interaction,
    LoyaltyAccount,
    LoyaltyEntry,
    SentimentScore,
    Ticket,
    TicketMessage,
)
from .services import customer_create, customer_update, ticket_reply, ticket_set_status


class Discreet:
    """Who may not ask for a customer's profile sees no person's data here either; who sees some leaves a trace."""

    model: type[Model]
    personal: tuple[str, ...]
    """Fields that are left out."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.discreet(request, super().get_fieldsets(request, obj))  # type: ignore[misc]

    def discreet(self, request: HttpRequest, fieldsets: Any) -> Any:
        if may_see_people(request):
            return fieldsets
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in self.personal]})
            for title, options in fieldsets
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_people(request) and bool(super().has_change_permission(request, obj))  # type: ignore[misc]

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        answer = super().changeform_view(request, object_id, *args, **kwargs)  # type: ignore[misc]
        if object_id and request.method == "GET" and answer.status_code == 200 and may_see_people(request):
            event_record(
                events.PERSONAL_VIEWED,
                user_id=getattr(request.user, "public_id", ""),
                model=self.model._meta.label,
                key=object_id,
            )
        return answer


def may_see_people(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("agents.customers.query_customer"))


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
    address = forms.CharField(max_length=500, required=False, widget=UnfoldAdminTextareaWidget)

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
    list_display = ("public_id", "tier", "member_since", "points", "erased_at")
    list_filter = ("tier", ("erased_at", admin.EmptyFieldListFilter))
    list_select_related = ("loyalty",)
    search_fields = ("public_id",)
    search_help_text = "The exact id, e-mail or phone"
    date_hierarchy = "member_since"
    fieldsets = (
        (None, {"fields": ("public_id", "name", "email", "phone", "address")}),
        ("Standing", {"fields": ("tier", "member_since", "points", "created_at", "erased_at")}),
    )

    @admin.display(description="points", ordering="loyalty__balance")
    def points(self, customer: Customer) -> int | None:
        return customer.loyalty.balance if customer.pk else None

    def get_readonly_fields(self, request: HttpRequest, obj: Customer | None = None) -> tuple[str, ...]:
        return ("points", "created_at", "erased_at", *(["public_id"] if obj else []))

    def has_change_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.erased_at)

    def has_delete_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return False

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


class OpenedFormSet(BaseInlineFormSet):
    """Opens all messages with one query."""

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        if rows and "opened" not in rows[0].__dict__:
            open_rows(rows)
        return rows


class TicketMessageInline(ReadOnlyInline):
    model = TicketMessage
    formset = OpenedFormSet
    fields = ("number", "author_kind", "user_id", "body", "mood", "created_at")
    readonly_fields = fields

    @admin.display(description="mood")
    def mood(self, message: TicketMessage) -> Any:
        return getattr(message, "sentiment", None)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TicketMessage]:
        rows: QuerySet[TicketMessage] = super().get_queryset(request)
        return rows.select_related("ticket__customer", "sentiment")


class TicketForm(forms.ModelForm):
    reply = forms.CharField(max_length=5000, required=False, widget=UnfoldAdminTextareaWidget)
    next_status = forms.ChoiceField(
        label="Status",
        choices=[("", "as it follows from the reply"), *Ticket.Status.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = Ticket
        fields = ()


@admin.register(Ticket)
class TicketAdmin(Discreet, ShopAdmin):
    form = TicketForm
    personal = ("subject",)
    inlines = (TicketMessageInline,)
    list_display = ("reference", "status", "priority", "customer", "order", "created_at", "updated_at")
    list_filter = ("status", "priority", "messages__sentiment__label")
    list_select_related = ("customer", "order")
    search_fields = ("=reference", "=customer__public_id", "=order__reference")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    readonly_fields = ("reference", "customer", "order", "subject", "priority", "status", "created_at", "updated_at")

    def get_fieldsets(self, request: HttpRequest, obj: Ticket | None = None) -> Any:
        about = (None, {"fields": self.readonly_fields})
        answer = ("Answer", {"fields": ("reply", "next_status")})
        shown = (about, answer) if self.has_change_permission(request, obj) else (about,)
        return self.discreet(request, shown)

    def get_inlines(self, request: HttpRequest, obj: Ticket | None) -> Any:
        return self.inlines if may_see_people(request) else ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.status == Ticket.Status.CLOSED)

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Ticket, form: TicketForm, change: bool) -> None:
        reply, status = form.cleaned_data["reply"], form.cleaned_data["next_status"] or None
        if reply:
            ticket_reply(
                ticket=obj,
                author_kind=TicketMessage.Author.STAFF,
                body=reply,
                user_id=getattr(request.user, "public_id", ""),
                status=status,
            )
        elif status:
            ticket_set_status(ticket=obj, status=status)


@admin.register(LoyaltyAccount)
class LoyaltyAccountAdmin(ReadOnlyAdmin):
    list_display = ("customer", "balance", "entries")
    list_select_related = ("customer",)
    search_fields = ("=customer__public_id",)


@admin.register(LoyaltyEntry)
class LoyaltyEntryAdmin(Discreet, ReadOnlyAdmin):
    personal = ("reason",)
    list_display = ("customer", "number", "kind", "points", "balance", "order", "user_id", "occurred_at")
    list_filter = ("kind",)
    list_select_related = ("account__customer", "order")
    search_fields = ("=account__customer__public_id", "=order__reference")
    date_hierarchy = "occurred_at"
    fields = ("customer", "number", "kind", "points", "balance", "reason", "order", "user_id", "task_id", "occurred_at")

    @admin.display(ordering="account__customer__public_id")
    def customer(self, entry: LoyaltyEntry) -> Customer:
        return entry.account.customer


@admin.register(CustomerOrder)
class CustomerOrderAdmin(ReadOnlyAdmin):
    list_display = ("order", "customer")
    list_select_related = ("order", "customer")
    search_fields = ("=customer__public_id", "=order__reference")


@admin.register(Interaction)
class InteractionAdmin(Discreet, ReadOnlyAdmin):
    personal = ("summary",)
    list_display = ("customer", "kind", "reference", "occurred_at")
    list_filter = ("kind",)
    list_select_related = ("customer",)
    search_fields = ("=customer__public_id", "=reference")
    date_hierarchy = "occurred_at"
    fields = ("customer", "kind", "summary", "reference", "occurred_at")


@admin.register(SentimentScore)
class SentimentScoreAdmin(ReadOnlyAdmin):
    list_display = ("ticket", "label", "score", "method")
    list_filter = ("label",)
    list_select_related = ("message__ticket",)
    fields = ("ticket", "label", "score", "method")

    @admin.display(ordering="message__ticket__reference")
    def ticket(self, score: SentimentScore) -> Ticket:
        return score.message.ticket
