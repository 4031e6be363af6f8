"""Dialogs and pages that end in operations."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.shortcuts import get_object_or_404
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from audit.admin_columns import neat
from inventory.models import Location, Order, StockLevel
from inventory.selectors.sales import order_lines, returned_of
from shop_assistant.agents.fields import json_number


class StockForm(BaseDialogForm):
    way = forms.ChoiceField(
        label="What happened",
        choices=[("delta", "Goods came in (+) or went out (-)"), ("quantity", "The shelf was counted")],
        widget=UnfoldAdminSelectWidget,
    )
    amount = forms.DecimalField(max_digits=12, decimal_places=3, widget=UnfoldAdminDecimalFieldWidget)
    location = forms.ModelChoiceField(
        queryset=Location.objects.all(),
        required=False,
        to_field_name="code",
        empty_label="where it mainly lies",
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        max_length=500, required=False, help_text="such as delivery, damaged, lost", widget=UnfoldAdminTextInputWidget
    )

    def payload(self) -> dict[str, Any]:
        """The fields of inventory.update, without the SKU."""
        given = self.cleaned_data
        place = given["location"]
        return {
            given["way"]: given["amount"],
            "location": place.code if place else None,
            "reason": given["reason"].strip() or None,
        }


class CountForm(forms.Form):
    """A field for each shelf that was counted; those left empty were not."""

    reason = forms.CharField(
        max_length=500, required=False, help_text="such as yearly stocktaking", widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, levels: Iterable[StockLevel], data: Any = None) -> None:
        super().__init__(data)
        self.levels = {f"level_{level.pk}": level for level in levels}
        for name, level in self.levels.items():
            self.fields[name] = forms.DecimalField(
                label=f"{level.product} at {level.location}" + (f", {level.lot.code}" if level.lot else ""),
                min_value=Decimal(0),
                max_digits=12,
                decimal_places=3,
                required=False,
                help_text=f"booked: {neat(level.on_hand, 3)}",
                widget=UnfoldAdminDecimalFieldWidget,
            )
        self.order_fields([*self.levels, "reason"])

    def payloads(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """The name of each field that was filled in, and what inventory.update is asked for it."""
        reason = self.cleaned_data["reason"].strip() or None
        for name, level in self.levels.items():
            counted = self.cleaned_data.get(name)
            if counted is not None:
                yield (
                    name,
                    {
                        "sku": level.product.sku,
                        "location": level.location.code,
                        "lot": level.lot.code if level.lot else None,
                        "quantity": json_number(counted),
                        "expected_quantity": json_number(level.on_hand),
                        "reason": reason,
                    },
                )


class TakeBackForm(BaseDialogForm):
    """How much of each line comes back."""

    disposition = forms.ChoiceField(
        label="What becomes of it",
        choices=[
            ("restock", "back on the shelf"),
            ("quarantine", "into quarantine: not for sale until somebody has looked at it"),
            ("write_off", "written off"),
        ],
        required=False,
        initial="restock",
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(max_length=500, required=False, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, object_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, object_id=object_id, **kwargs)
        self.skus: dict[str, str] = {}
        left: dict[str, Decimal] = {}
        for line in order_lines(get_object_or_404(Order, pk=object_id or 0)):
            sku = line.product.sku
            left[sku] = left.get(sku, Decimal(0)) + line.quantity - returned_of(line)
            self._add(sku, line.product.name, left[sku])
        self.order_fields([*self.skus, "disposition", "reason"])

    def _add(self, sku: str, product_name: str, left: Decimal) -> None:
        name = f"back_{len(self.skus)}" if sku not in self.skus.values() else self._field_of(sku)
        self.skus[name] = sku
        self.fields[name] = forms.DecimalField(
            label=f"{sku} {product_name}",
            min_value=Decimal(0),
            max_value=left,
            max_digits=12,
            decimal_places=3,
            required=False,
            help_text=f"up to {neat(left, 3)}" if left else "all of it came back already",
            disabled=not left,
            widget=UnfoldAdminDecimalFieldWidget,
        )

    def _field_of(self, sku: str) -> str:
        return next(name for name, known in self.skus.items() if known == sku)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not any(given.get(name) for name in self.skus):
            self.add_error("reason", "Say above how much comes back.")
        return given

    def payload(self) -> dict[str, Any]:
        """The fields of sales.return, without the order."""
        given = self.cleaned_data
        lines = [{"sku": sku, "quantity": json_number(given[name])} for name, sku in self.skus.items() if given[name]]
        return {
            "lines": lines,
            "disposition": given["disposition"] or None,
            "reason": given["reason"].strip() or None,
        }
