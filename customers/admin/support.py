"""Tickets, answered on their page through the operation, and the moods of what customers say."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Case, Model, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from audit.admin_base import ReadOnlyAdmin, ShopAdmin, go, told
from audit.admin_columns import COLOUR_OF, badge, linked, moment, person
from audit.admin_filters import DayRangeFilter
from customers.encryption import open_rows
from customers.models import SentimentScore, Ticket, TicketMessage
from shop_assistant.accounts.selectors import users_who_may
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .discreet import Discreet, may_see_people

REPLY = "agents.customers.reply_ticket"
URGENCY = Case(*(When(priority=name, then=Value(place)) for place, name in enumerate(Ticket.Priority.values)))


class TicketForm(forms.ModelForm):
    """What is said and done next; nothing of it is saved here."""

    reply = forms.CharField(max_length=5000, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}))
    author = forms.ChoiceField(
        label="These are the words of",
        choices=[("staff", "the shop, to the customer"), ("customer", "the customer, noted down here")],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    next_status = forms.ChoiceField(
        label="Status",
        choices=[("", "as it follows from the reply"), *Ticket.Status.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    assign_to = forms.ChoiceField(label="Look after it", required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Ticket
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "assign_to" in self.fields:
            now = self.instance.assigned_to
            able = users_who_may("customers.reply_ticket").order_by("username").values_list("public_id", "username")
            choices = [("", "as it is" if now else "nobody yet"), *able]
            self.fields["assign_to"].choices = choices  # type: ignore[attr-defined]

    def payload(self) -> dict[str, Any]:
        """The fields of customers.reply_ticket, without the ticket; empty when there is nothing to do."""
        given = self.cleaned_data
        names = {"message": "reply", "status": "next_status", "assign_to": "assign_to"}
        asked = {name: given.get(field) for name, field in names.items() if given.get(field)}
        return {**asked, "author": given.get("author") or "staff"} if asked.get("message") else asked


class AgeFilter(admin.SimpleListFilter):
    title, parameter_name = "waiting", "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Open or pending"), ("mine", "Mine, open or pending"), ("nobodys", "Nobody's yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        waiting = queryset.filter(status__in=["open", "pending"])
        if self.value() == "mine":
            return waiting.filter(assigned_to=getattr(request.user, "public_id", ""))
        return waiting.filter(assigned_to="") if self.value() == "nobodys" else waiting


@admin.register(Ticket)
class TicketAdmin(Discreet, ShopAdmin):
    form = TicketForm
    personal = ("subject", "conversation")
    export_dataset = "tickets"
    list_display = ("reference", "status", "urgency", "who", "customer", "order", "created_at", "updated_at")
    list_filter = (
        AgeFilter,
        "status",
        "priority",
        ("created_at", DayRangeFilter),
        "messages__sentiment__label",
    )
    list_filter_submit = True
    search_fields = ("=reference", "=customer__public_id", "=order__reference")
    search_help_text = "ticket, customer id or order, as a whole"
    ordering = ("-created_at",)
    readonly_fields = (
        "reference", "subject", "status", "priority", "customer", "order", "who", "created_at", "conversation"
    )  # fmt: skip
    per_viewer = ("who", "conversation")
    actions_detail = ("close", "reopen")
    actions = ("take", "close_all")

    @display(description="Priority", ordering=URGENCY)
    def urgency(self, ticket: Ticket) -> Any:
        return badge(ticket.priority, COLOUR_OF.get(ticket.priority, ""))

    @display(description="Looked after by", ordering="assigned_to")
    def who(self, ticket: Ticket, request: HttpRequest) -> Any:
        return person(request, ticket.assigned_to) if ticket.assigned_to else "nobody yet"

    @display(description="Messages")
    def conversation(self, ticket: Ticket, request: HttpRequest) -> Any:
        """All of them, opened with one query."""
        said = list(ticket.messages.select_related("ticket__customer", "sentiment"))
        open_rows(said)
        rows = [
            {
                "message": message,
                "who": person(request, message.user_id),
                "when": moment(message.created_at),
                "mood": self._mood(message),
            }
            for message in said
        ]
        return mark_safe(render_to_string("customers/conversation.html", {"rows": rows}))  # noqa: S308  (escaped there)

    def _mood(self, message: TicketMessage) -> Any:
        found = getattr(message, "sentiment", None)
        return badge(found.label, COLOUR_OF.get(found.label, "")) if found else ""

    def get_fieldsets(self, request: HttpRequest, obj: Ticket | None = None) -> Any:
        about = (None, {"fields": self._better(request, self.readonly_fields)})
        answer = ("Answer", {"fields": ("reply", "author", "next_status", "assign_to")})
        shown = (about, answer) if self.has_change_permission(request, obj) else (about,)
        return self.discreet(request, shown)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        closed = obj is not None and obj.status == Ticket.Status.CLOSED
        return self.has_reply_permission(request) and may_see_people(request) and not closed

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def has_reply_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(REPLY))

    def has_close_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.has_reply_permission(request) and self._is_closed(object_id) is not True

    def has_reopen_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.has_reply_permission(request) and self._is_closed(object_id) is not False

    def _is_closed(self, object_id: str | None) -> bool | None:
        status = Ticket.objects.filter(pk=object_id).values_list("status", flat=True).first() if object_id else None
        return None if status is None else status == Ticket.Status.CLOSED

    def save_model(self, request: HttpRequest, obj: Ticket, form: TicketForm, change: bool) -> None:
        """Nothing: `_answer` has sent what was filled in through the operation."""

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Nothing: the operation's records tell of it."""

    def response_change(self, request: HttpRequest, obj: Ticket) -> HttpResponse:
        messages.info(request, "Nothing was changed: write a reply, choose a status or who looks after it.")
        return redirect(reverse("admin:customers_ticket_change", args=[obj.pk]))

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST" and object_id:
            return self._answer(request, object_id) or super().changeform_view(request, object_id, *args, **kwargs)
        return super().changeform_view(request, object_id, *args, **kwargs)

    def _answer(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        """Send a filled-in form through the operation; None where the page has to say what is wrong with it."""
        ticket = get_object_or_404(Ticket, pk=object_id)
        form = TicketForm(request.POST, instance=ticket)
        if not (self.has_change_permission(request, ticket) and form.is_valid() and form.payload()):
            return None
        self._handle(request, ticket, form.payload())
        back = "changelist" if "_save" in request.POST else "change"
        return redirect(reverse(f"admin:customers_ticket_{back}", args=[] if back == "changelist" else [ticket.pk]))

    def _handle(self, request: HttpRequest, ticket: Ticket, payload: dict[str, Any]) -> None:
        try:
            made = call(
                "customers",
                "reply_ticket",
                {"ticket_id": ticket.reference, **payload},
                user=request.user,
                channel="admin",
            )
        except AgentError as error:
            messages.error(request, f"{ticket.reference}: {told(error)}")
        else:
            messages.success(request, f"{made['ticket_id']} is {made['status']} now.")

    @action(
        description="Close",
        url_path="close",
        icon="check_circle",
        permissions=["close"],
        dialog={
            "title": "Close this ticket?",
            "description": "It can be opened again later.",
            "form_submit_text": "Close it",
        },
    )
    def close(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._move(request, object_id, "closed")

    @action(
        description="Open again",
        url_path="reopen",
        icon="undo",
        permissions=["reopen"],
        dialog={
            "title": "Open this ticket again?",
            "description": "It can be answered then.",
            "form_submit_text": "Open it",
        },
    )
    def reopen(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._move(request, object_id, "open")

    def _move(self, request: HttpRequest, object_id: str, status: str) -> HttpResponse:
        ticket = get_object_or_404(Ticket, pk=object_id)
        self._handle(request, ticket, {"status": status})
        return go(request, reverse("admin:customers_ticket_change", args=[ticket.pk]))

    @admin.action(description="I look after these", permissions=["reply"])
    def take(self, request: HttpRequest, rows: QuerySet[Ticket]) -> None:
        for ticket in rows:
            self._handle(request, ticket, {"assign_to": getattr(request.user, "public_id", "")})

    @admin.action(description="Close", permissions=["reply"])
    def close_all(self, request: HttpRequest, rows: QuerySet[Ticket]) -> None:
        for ticket in rows:
            self._handle(request, ticket, {"status": "closed"})


@admin.register(TicketMessage)
class TicketMessageAdmin(ReadOnlyAdmin):
    """Who wrote when; the words are on the ticket's page."""

    list_display = ("created_at", "ticket", "number", "author_kind", "user_id")
    list_filter = ("author_kind", ("created_at", DayRangeFilter))
    list_filter_submit = True
    search_fields = ("=ticket__reference", "=user_id")
    search_help_text = "ticket or user id, as a whole"
    ordering = ("-pk",)
    fields = ("ticket", "number", "author_kind", "user_id", "created_at")


@admin.register(SentimentScore)
class SentimentScoreAdmin(ReadOnlyAdmin):
    list_display = ("said_at", "ticket", "label", "score", "method")
    list_filter = ("label",)
    list_select_related = ("message__ticket",)
    ordering = ("-pk",)
    fields = ("ticket", "label", "score", "method")
    readonly_fields = ("ticket",)
    per_viewer = ("ticket",)

    @admin.display(description="said", ordering="message__created_at")
    def said_at(self, score: SentimentScore) -> str:
        return moment(score.message.created_at)

    @admin.display(ordering="message__ticket__reference")
    def ticket(self, score: SentimentScore, request: HttpRequest) -> Any:
        return linked(request, score.message.ticket)
