"""Requests to erase someone: asked for on the customer's page, decided on here, by another person where there is."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from audit.admin_base import ReadOnlyAdmin, dialog_again, go, told
from audit.admin_columns import badge, moment
from audit.admin_filters import DayRangeFilter
from customers.models import ErasureRequest
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .discreet import Discreet

COLOURS = {"requested": "warning", "erased": "success", "declined": ""}
GROUNDS = [choice for choice in ErasureRequest.Ground.choices if choice[0] not in ("retention", "restored")]


class AskForm(BaseDialogForm):
    reason = forms.CharField(
        max_length=500, help_text="kept sealed, and erased with the person", widget=UnfoldAdminTextInputWidget
    )
    ground = forms.ChoiceField(label="Because", choices=GROUNDS, widget=UnfoldAdminSelectWidget)


class ConfirmForm(BaseDialogForm):
    confirm = forms.BooleanField(
        label="I confirm my own request",
        required=False,
        help_text="only where nobody else may confirm it; the record says so",
        widget=UnfoldBooleanSwitchWidget,
    )


def ask(request: HttpRequest, customer_id: str, form: AskForm) -> str:
    """Ask for a customer's erasure; what came of it.

    :raises AgentError:
    """
    given = form.cleaned_data
    asked = {"customer_id": customer_id, "reason": given["reason"], "ground": given["ground"]}
    made = call("customers", "request_erasure", asked, user=request.user, channel="admin")
    return f"{made['request']}: {made['status']}. " + " ".join(made["notes"])


@admin.register(ErasureRequest)
class ErasureRequestAdmin(Discreet, ReadOnlyAdmin):
    personal = ("reason",)
    list_display = ("reference", "customer", "standing", "ground", "requested_at", "due", "requested_by", "decided_by")
    list_filter = ("ground", ("requested_at", DayRangeFilter), ("decided_at", admin.EmptyFieldListFilter))
    list_filter_submit = True
    list_select_related = ("customer",)
    search_fields = ("=reference", "=customer__public_id")
    search_help_text = "request or customer id, as a whole"
    ordering = ("-pk",)
    fields = (
        "reference", "customer", "standing", "ground", "reason", "requested_at", "requested_by", "due", "decided_at",
        "decided_by", "self_approved", "done_at", "receipt", "gone", "journalled_at",
    )  # fmt: skip
    readonly_fields = ("standing", "due", "gone")
    actions_detail = ("confirm", "decline")

    @display(description="Status")
    def standing(self, erasure: ErasureRequest) -> Any:
        return badge(erasure.status, COLOURS[erasure.status])

    @display(description="Gone")
    def gone(self, erasure: ErasureRequest) -> str:
        return ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in erasure.erased.items()) or "nothing yet"

    @display(description="Due", ordering="requested_at")
    def due(self, erasure: ErasureRequest) -> str:
        return moment(erasure.due_at)

    def has_decide_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        waits = object_id is None or ErasureRequest.objects.filter(pk=object_id, decided_at=None).exists()
        return request.user.has_perm("agents.customers.erase") and waits

    @action(
        description="Erase",
        url_path="confirm",
        icon="person_remove",
        permissions=["decide"],
        dialog={
            "title": "Erase this customer for ever?",
            "description": "Name, addresses, words of tickets and reasons can't be read by anybody afterwards, here or "
            "in any backup that is restored. Orders and points stay as numbers.",
            "form_class": ConfirmForm,
            "form_submit_text": "Erase",
        },
    )
    def confirm(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        erasure = get_object_or_404(ErasureRequest, pk=object_id)
        try:
            made = self._decide(request, erasure, confirm=form.cleaned_data["confirm"])
        except AgentError as error:
            return dialog_again(request, self.confirm.dialog, form, "confirm", error)
        messages.success(request, f"{made['customer_id']} was erased ({made['approval']}). Receipt: {made['receipt']}")
        return self._page(request, erasure)

    @action(
        description="Decline",
        url_path="decline",
        icon="cancel",
        permissions=["decide"],
        dialog={
            "title": "Decline this request?",
            "description": "Nothing is erased. Tell the person why, and that they may complain to the authority.",
            "form_submit_text": "Decline",
        },
    )
    def decline(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        erasure = get_object_or_404(ErasureRequest, pk=object_id)
        try:
            self._decide(request, erasure, decision="decline")
        except AgentError as error:
            messages.error(request, told(error))
        else:
            messages.success(request, f"{erasure} was declined.")
        return self._page(request, erasure)

    def _decide(self, request: HttpRequest, erasure: ErasureRequest, **how: Any) -> dict[str, Any]:
        return call("customers", "erase", {"request": erasure.reference, **how}, user=request.user, channel="admin")

    def _page(self, request: HttpRequest, erasure: ErasureRequest) -> HttpResponse:
        return go(request, reverse("admin:customers_erasurerequest_change", args=[erasure.pk]))
