"""Dialogs and pages of purchase orders; each ends in an operation."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.shortcuts import get_object_or_404
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from audit.admin_columns import neat
from inventory.models import Location, PurchaseOrder, PurchaseOrderLine, Tracking
from inventory.selectors import missing_of, purchase_lines
from shop_assistant.agents.fields import json_number


class ApproveForm(BaseDialogForm):
    confirm = forms.BooleanField(
        label="I approve my own order",
        required=False,
        help_text="only where nobody else may; the record says so",
        widget=UnfoldBooleanSwitchWidget,
    )


class ReasonForm(BaseDialogForm):
    reason = forms.CharField(max_length=500, required=False, widget=UnfoldAdminTextInputWidget)


class SendBackForm(BaseDialogForm):
    """How much of each line goes back."""

    reason = forms.CharField(max_length=500, help_text="such as broken", widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, object_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, object_id=object_id, **kwargs)
        self.skus: dict[str, str] = {}
        for line in purchase_lines(get_object_or_404(PurchaseOrder, pk=object_id or 0)):
            if left := line.received - line.returned:
                name = f"back_{line.pk}"
                self.skus[name] = line.product.sku
                self.fields[name] = forms.DecimalField(
                    label=str(line.product),
                    min_value=Decimal(0),
                    max_value=left,
                    max_digits=12,
                    decimal_places=3,
                    required=False,
                    help_text=f"up to {neat(left, 3)}",
                    widget=UnfoldAdminDecimalFieldWidget,
                )
        self.order_fields([*self.skus, "reason"])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not any(given.get(name) for name in self.skus):
            self.add_error("reason", "Say above how much goes back.")
        return given

    def payload(self) -> dict[str, Any]:
        """The fields of inventory.purchase_return, without the order."""
        given = self.cleaned_data
        lines = [{"sku": sku, "quantity": json_number(given[name])} for name, sku in self.skus.items() if given[name]]
        return {"lines": lines, "reason": given["reason"].strip()}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the receiving page."""

    line: PurchaseOrderLine
    ordered: str
    before: str
    came: forms.BoundField
    cost: forms.BoundField


LOTS = "one a line: lot, quantity and, where it expires, its last day, such as\nL-77 12 2027-01-31"
SERIALS = "one a line"


class ReceiveForm(forms.Form):
    """How much of each line arrived: a quantity, or the lots or serial numbers. What is left empty did not."""

    delivery_note = forms.CharField(max_length=64, required=False, widget=UnfoldAdminTextInputWidget)
    location = forms.ModelChoiceField(
        label="Put it",
        queryset=Location.objects.exclude(kind=Location.Kind.TRANSIT),
        required=False,
        to_field_name="code",
        empty_label="where each product mainly lies",
        widget=UnfoldAdminSelectWidget,
    )
    freight = forms.DecimalField(
        min_value=Decimal(0), max_digits=12, decimal_places=4, required=False, widget=UnfoldAdminDecimalFieldWidget
    )
    duty = forms.DecimalField(
        min_value=Decimal(0), max_digits=12, decimal_places=4, required=False, widget=UnfoldAdminDecimalFieldWidget
    )
    update_cost = forms.BooleanField(
        label="Take over what they cost",
        required=False,
        help_text="what a unit cost, freight and duty included, becomes its product's cost",
        widget=UnfoldBooleanSwitchWidget,
    )
    COMMON = ("delivery_note", "location", "freight", "duty", "update_cost")

    def __init__(self, order: PurchaseOrder, data: Any = None) -> None:
        super().__init__(data)
        self.lines = purchase_lines(order)
        for line in self.lines:
            self.fields[f"came_{line.pk}"] = _came(line, missing_of(order, line))
            self.fields[f"cost_{line.pk}"] = forms.DecimalField(
                min_value=Decimal(0),
                max_digits=13,
                decimal_places=4,
                required=False,
                initial=None if line.unit_cost is None else neat(line.unit_cost, 4),
                widget=UnfoldAdminDecimalFieldWidget(attrs={"aria-label": f"cost of one {line.product.sku}"}),
            )

    def rows(self) -> Iterator[Row]:
        for line in self.lines:
            came, cost = self[f"came_{line.pk}"], self[f"cost_{line.pk}"]
            yield Row(line, neat(line.quantity, 3), neat(line.received, 3), came, cost)

    def common(self) -> list[forms.BoundField]:
        return [self[name] for name in self.COMMON]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        self.parts: list[dict[str, Any]] = []
        for line in self.lines:
            name = f"came_{line.pk}"
            try:
                found = list(_parts(line, given.get(name)))
            except (ValueError, InvalidOperation):
                self.add_error(name, f"Write {LOTS}")
                continue
            cost = given.get(f"cost_{line.pk}")
            self.parts += [part | ({} if cost is None else {"unit_cost": json_number(cost)}) for part in found]
        if not self.errors and not self.parts:
            self.add_error(None, "Say what arrived.")
        return given

    def payload(self) -> dict[str, Any]:
        """The fields of inventory.purchase_receive, without the order."""
        given = self.cleaned_data
        place = {"location": given["location"].code} if given["location"] else {}
        costs = [
            {"kind": kind, "amount": json_number(given[kind]), "by": "value"}
            for kind in ("freight", "duty")
            if given[kind]
        ]
        return {
            "delivery_note": given["delivery_note"].strip() or None,
            "lines": [part | place for part in self.parts],
            "landed_costs": costs,
            "update_cost": given["update_cost"],
        }


def _came(line: PurchaseOrderLine, missing: Decimal) -> forms.Field:
    sku = line.product.sku
    if line.product.tracking == Tracking.NONE:
        return forms.DecimalField(
            min_value=Decimal(0),
            max_digits=12,
            decimal_places=3,
            required=False,
            initial=json_number(missing) if missing else None,
            widget=UnfoldAdminDecimalFieldWidget(attrs={"aria-label": f"how much of {sku} arrived"}),
        )
    what, shape = ("lots", LOTS) if line.product.tracking == Tracking.LOT else ("serial numbers", SERIALS)
    return forms.CharField(
        max_length=20_000,
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 3, "placeholder": shape, "aria-label": f"{what} of {sku} that arrived"}
        ),
    )


def _parts(line: PurchaseOrderLine, came: Any) -> Iterator[dict[str, Any]]:
    """:raises ValueError: for what is no lot with its quantity and day."""
    sku = line.product.sku
    if not came:
        return
    if line.product.tracking == Tracking.NONE:
        yield {"sku": sku, "quantity": json_number(came)}
    elif line.product.tracking == Tracking.SERIAL:
        serials = [text.strip() for text in came.splitlines() if text.strip()]
        yield {"sku": sku, "quantity": len(serials), "serials": serials}
    else:
        for text in filter(None, map(str.strip, came.splitlines())):
            lot, quantity, *expiry = text.split()
            (day,) = expiry or (None,)
            part = {"sku": sku, "lot": lot, "quantity": json_number(Decimal(quantity))}
            yield part | ({"expires_on": date.fromisoformat(day).isoformat()} if day else {})
