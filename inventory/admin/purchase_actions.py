"""What staff do with a purchase order besides editing its draft: each button ends in an operation."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from audit.admin_base import dialog_again, go, told
from inventory.models import PurchaseOrder
from inventory.purchase_files import purchase_file
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .purchase_forms import ApproveForm, ReasonForm, ReceiveForm, SendBackForm

Status = PurchaseOrder.Status


class PurchaseActions:
    """The buttons of a purchase order's page; each is there while the order is in a state that it fits."""

    admin_site: admin.AdminSite
    actions_detail = ("approve", "send", "receive", "send_back", "close", "cancel", "as_pdf", "as_csv")

    def has_approve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return _may(request, "purchase_approve", object_id, Status.DRAFT)

    def has_send_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return _may(request, "purchase_send", object_id, Status.APPROVED)

    def has_receive_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return _may(request, "purchase_receive", object_id, Status.SENT, Status.PARTLY_RECEIVED)

    def has_send_back_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return _may(request, "purchase_return", object_id, Status.PARTLY_RECEIVED, Status.CLOSED)

    def has_close_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return _may(request, "purchase_close", object_id, Status.PARTLY_RECEIVED)

    def has_cancel_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return _may(request, "purchase_cancel", object_id, Status.DRAFT, Status.APPROVED, Status.SENT)

    def has_file_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("agents.inventory.purchase_orders"))

    @action(
        description="Approve",
        url_path="approve",
        icon="verified",
        permissions=["approve"],
        dialog={
            "title": "Approve this order?",
            "description": "It can't be changed afterwards. Then mark it as sent when it goes to the supplier.",
            "form_class": ApproveForm,
            "form_submit_text": "Approve",
        },
    )
    def approve(self, request: HttpRequest, form: ApproveForm, object_id: str) -> HttpResponse:
        order = get_object_or_404(PurchaseOrder, pk=object_id)
        try:
            made = _call(request, "purchase_approve", order, confirm=form.cleaned_data["confirm"])
        except AgentError as error:
            return dialog_again(request, self.approve.dialog, form, "confirm", error)
        messages.success(request, f"{order} is approved ({made['approval']}).")
        return _page(request, order)

    @action(
        description="Mark as sent",
        url_path="send",
        icon="send",
        permissions=["send"],
        dialog={
            "title": "Was it sent to the supplier?",
            "description": "Send its PDF or CSV first. From now on the order is on its way, and late or in time.",
            "form_submit_text": "It was sent",
        },
    )
    def send(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        order = get_object_or_404(PurchaseOrder, pk=object_id)
        try:
            _call(request, "purchase_send", order)
        except AgentError as error:
            messages.error(request, told(error))
        else:
            order.refresh_from_db()
            messages.success(request, f"{order} is on its way, expected on {order.expected_on:%-d %b %Y}.")
        return _page(request, order)

    @action(description="Receive", url_path="receive", icon="inventory", permissions=["receive"])
    def receive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A page with a line for each of the order's."""
        order = get_object_or_404(PurchaseOrder.objects.select_related("supplier"), pk=object_id)
        form = ReceiveForm(order, request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                made = _call(request, "purchase_receive", order, **form.payload())
            except AgentError as error:
                form.add_error(None, told(error))
            else:
                messages.success(request, " ".join([f"{made['receipt']} is booked.", *_sentences(made["notes"])]))
                return _page(request, order)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Receive {order.reference}",
            "order": order,
            "form": form,
        }
        return render(request, "inventory/receive.html", context)

    @action(
        description="Send back",
        url_path="send-back",
        icon="undo",
        permissions=["send_back"],
        dialog={
            "title": "Send goods back to the supplier",
            "description": "They leave the stock, from quarantine first. Of certain lots: Operations, purchase return.",
            "form_class": SendBackForm,
            "form_submit_text": "Send back",
        },
    )
    def send_back(self, request: HttpRequest, form: SendBackForm, object_id: str) -> HttpResponse:
        order = get_object_or_404(PurchaseOrder, pk=object_id)
        try:
            made = _call(request, "purchase_return", order, **form.payload())
        except AgentError as error:
            return dialog_again(request, self.send_back.dialog, form, "reason", error)
        owed = f"{made['credit']:.2f} {made['currency']}"
        messages.success(request, f"{made['reference']} is booked; the supplier owes {owed}.")
        return _page(request, order)

    @action(
        description="Close order",
        url_path="close",
        icon="task_alt",
        permissions=["close"],
        dialog={
            "title": "Close this order?",
            "description": "What is missing will not come, and no longer counts as on order.",
            "form_class": ReasonForm,
            "form_submit_text": "Close the order",
        },
    )
    def close(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return _end(request, "purchase_close", form, object_id)

    @action(
        description="Cancel",
        url_path="cancel",
        icon="cancel",
        permissions=["cancel"],
        dialog={
            "title": "Cancel this order?",
            "description": "Nothing of it will come. Where it was sent already, tell the supplier.",
            "form_class": ReasonForm,
            "form_submit_text": "Cancel the order",
        },
    )
    def cancel(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return _end(request, "purchase_cancel", form, object_id)

    @action(description="PDF", url_path="pdf", icon="picture_as_pdf", permissions=["file"])
    def as_pdf(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _download(request, object_id, "pdf")

    @action(description="CSV", url_path="csv", icon="csv", permissions=["file"])
    def as_csv(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _download(request, object_id, "csv")


def _may(request: HttpRequest, operation: str, object_id: str | None, *states: str) -> bool:
    fits = object_id is None or PurchaseOrder.objects.filter(pk=object_id, status__in=states).exists()
    return bool(request.user.has_perm(f"agents.inventory.{operation}")) and fits


def _call(request: HttpRequest, operation: str, order: PurchaseOrder, **payload: Any) -> dict[str, Any]:
    return call("inventory", operation, {"order": order.reference, **payload}, user=request.user, channel="admin")


def _end(request: HttpRequest, operation: str, form: ReasonForm, object_id: str) -> HttpResponse:
    order = get_object_or_404(PurchaseOrder, pk=object_id)
    try:
        made = _call(request, operation, order, reason=form.cleaned_data["reason"].strip() or None)
    except AgentError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, f"{order} is {made['status']}.")
    return _page(request, order)


def _download(request: HttpRequest, object_id: str, format: str) -> HttpResponse:
    order = get_object_or_404(PurchaseOrder.objects.select_related("supplier"), pk=object_id)
    _call(request, "purchase_orders", order)
    made = purchase_file(order=order, format=format)
    disposition = content_disposition_header(as_attachment=True, filename=made.name)
    return HttpResponse(made.content, content_type=made.content_type, headers={"Content-Disposition": disposition})


def _page(request: HttpRequest, order: PurchaseOrder) -> HttpResponse:
    return go(request, reverse("admin:inventory_purchaseorder_change", args=[order.pk]))


def _sentences(notes: list[str]) -> list[str]:
    return [f"{note}." for note in notes]
