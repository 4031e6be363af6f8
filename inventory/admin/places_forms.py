"""Dialogs of transfers and lots."""

import re
from collections.abc import Container
from decimal import Decimal
from typing import Any

from django import forms
from django.shortcuts import get_object_or_404
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from audit.admin_columns import neat
from inventory.models import Location, Transfer
from inventory.services.arrivals import left_of
from shop_assistant.agents.fields import json_number

from .figures import in_pieces, number

LINE = re.compile(
    r"(?P<sku>[^,]+)\s+x?(?P<quantity>[0-9]{1,9}(?:[.,][0-9]{1,3})?)(?:\s+(?P<unit>[^\s,][^,]*?))?\s*(?:,\s*(?P<lot>.+))?"
)
WHEN = [("", "at once within a warehouse, on its way between two"), ("yes", "at once"), ("no", "when it is received")]


def lines_read(text: str) -> list[dict[str, Any]]:
    """`SKU001 2`, `SKU001 2 box` or `MILK 3, L-2024-07`, one a line.

    :raises ValidationError: naming the line that is neither.
    """
    lines = [(line, LINE.fullmatch(line)) for line in filter(None, map(str.strip, text.splitlines()))]
    pieces = in_pieces(found["sku"].strip() for _, found in lines if found)
    return [_line_read(line, found, pieces) for line, found in lines]


def _line_read(line: str, found: re.Match[str] | None, pieces: Container[str]) -> dict[str, Any]:
    if found is None:
        raise forms.ValidationError(f"Write SKU and quantity, such as SKU001 2; this is neither: {line[:80]}")
    sku = found["sku"].strip()
    try:
        quantity = number(found["quantity"], pieces=sku.casefold() in pieces)
    except ValueError:
        raise forms.ValidationError(f"Write a thousand as 1000, without comma or point: {line[:80]}") from None
    named = {name: found[name].strip() for name in ("unit", "lot") if found[name]}
    return {"sku": sku, "quantity": json_number(quantity)} | named


def _place(label: str) -> Any:
    return forms.ModelChoiceField(
        label=label,
        queryset=Location.objects.exclude(kind=Location.Kind.TRANSIT).select_related("warehouse"),
        widget=UnfoldAdminSelectWidget,
        to_field_name="code",
    )


class SendForm(BaseDialogForm):
    source = _place("From")
    destination = _place("To")
    lines = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="one a line: SKU001 2, or SKU001 2 box; with a lot or serial number: MILK 3, L-2024-07",
    )
    receive = forms.ChoiceField(label="Arrives", choices=WHEN, required=False, widget=UnfoldAdminSelectWidget)
    note = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget)

    def clean_lines(self) -> list[dict[str, Any]]:
        return lines_read(self.cleaned_data["lines"])

    def payload(self) -> dict[str, Any]:
        """The fields of inventory.transfer."""
        given = self.cleaned_data
        return {
            "from": given["source"].code,
            "to": given["destination"].code,
            "lines": given["lines"],
            "receive": {"yes": True, "no": False}.get(given["receive"]),
            "note": given["note"].strip() or None,
        }


class ReceiveForm(BaseDialogForm):
    """How much of each line has arrived, and how much never will."""

    def __init__(self, *args: Any, object_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, object_id=object_id, **kwargs)
        rows = get_object_or_404(Transfer, pk=object_id or 0).lines.select_related("product", "lot").order_by("pk")
        lines = list(rows)
        left = left_of(lines)
        self.open = [line for line in lines if left[line.pk]]
        for line in self.open:
            what = f"{line.product.sku} {line.lot.code}" if line.lot else str(line.product)
            self._add(f"arrived_{line.pk}", f"{what}: arrived", left[line.pk], initial=neat(left[line.pk], 3))
            self._add(f"lost_{line.pk}", f"{what}: lost on the way", left[line.pk])

    def _add(self, name: str, label: str, most: Decimal, initial: str | None = None) -> None:
        self.fields[name] = forms.DecimalField(
            label=label,
            min_value=Decimal(0),
            max_value=most,
            max_digits=12,
            decimal_places=3,
            required=False,
            initial=initial,
            help_text=f"of {neat(most, 3)} on the way" if name.startswith("arrived") else "written off",
            widget=UnfoldAdminDecimalFieldWidget,
        )

    def payload(self) -> dict[str, Any]:
        """The fields of inventory.receive_transfer, without the transfer."""
        return {"lines": self._given("arrived"), "lost": self._given("lost")}

    def _given(self, what: str) -> list[dict[str, Any]]:
        return [
            {"sku": line.product.sku, "quantity": json_number(quantity)} | ({"lot": line.lot.code} if line.lot else {})
            for line in self.open
            if (quantity := self.cleaned_data.get(f"{what}_{line.pk}"))
        ]


class ReasonForm(BaseDialogForm):
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget, help_text="nothing personal")
