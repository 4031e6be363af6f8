"""Opening a count sheet and entering figures: what is read from a request, asked of the operations, and shown."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from audit.admin_base import told
from audit.admin_columns import names_of
from inventory.models import CountLine, CountSheet, Location, Tracking, Warehouse
from inventory.selectors.counting import count_lines
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError
from shop_assistant.agents.fields import json_number

from .figures import in_pieces, number

SHOWN = 100
"""Lines on one page."""
TABS = (("to_count", "To count"), ("counted", "Counted"), ("all", "All"))


class OpenForm(forms.Form):
    location = forms.ModelChoiceField(
        queryset=Location.objects.exclude(kind=Location.Kind.TRANSIT),
        required=False,
        to_field_name="code",
        empty_label="any bin",
        label="Bin",
        widget=UnfoldAdminSelectWidget,
    )
    warehouse = forms.ModelChoiceField(
        queryset=Warehouse.objects.order_by("code"),
        required=False,
        to_field_name="code",
        empty_label="any warehouse",
        widget=UnfoldAdminSelectWidget,
    )
    abc_class = forms.ChoiceField(
        label="ABC class",
        choices=[
            ("", "all products"),
            ("A", "A: first 80 % of turnover"),
            ("B", "B: up to 95 %"),
            ("C", "C: the rest"),
        ],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="by the turnover of the last 26 weeks, as on the page Stock health",
    )
    skus = forms.CharField(
        label="SKUs",
        required=False,
        max_length=40_000,
        help_text="only these, one a line; also where none of them should lie",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    recount_units = forms.DecimalField(
        label="Count again above (units)", required=False, min_value=0, initial=5, widget=UnfoldAdminDecimalFieldWidget
    )
    recount_percent = forms.DecimalField(
        label="or above (percent)",
        required=False,
        min_value=Decimal("0.001"),
        max_value=100,
        initial=10,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    recount_money = forms.DecimalField(
        label="or above (money, by cost)",
        required=False,
        min_value=0,
        help_text="a field left empty sets no limit",
        widget=UnfoldAdminDecimalFieldWidget,
    )
    note = forms.CharField(
        max_length=200, required=False, help_text="such as yearly stocktaking", widget=UnfoldAdminTextInputWidget
    )

    def payload(self) -> dict[str, Any]:
        """The fields of inventory.count_open."""
        given = self.cleaned_data
        limits = {name: given[name] for name in ("recount_units", "recount_percent", "recount_money")}
        return {
            "location": given["location"].code if given["location"] else None,
            "warehouse": given["warehouse"].code if given["warehouse"] else None,
            "abc_class": given["abc_class"] or None,
            "skus": [line.strip() for line in given["skus"].splitlines() if line.strip()] or None,
            "note": given["note"].strip() or None,
            **{name: None if limit is None else json_number(limit) for name, limit in limits.items()},
        }


class Row:
    """A line on the page for entering, with what the browser sent of it."""

    def __init__(self, line: CountLine, request: HttpRequest) -> None:
        self.line, self.number = line, line.number
        self.serial = line.product.tracking == Tracking.SERIAL
        self.error = ""
        self.given = request.POST.get(f"figure_{self.number}", self.shown)
        self.why = request.POST.get(f"reason_{self.number}", line.reason)
        self.sent_was = request.POST.get(f"was_{self.number}", "")
        self.changed = self.given.split() not in ([], request.POST.get(f"old_{self.number}", "").split())
        codes = [line.product.sku, line.product.barcode, *(code.code for code in line.product.barcodes.all())]
        self.codes = " ".join(filter(None, codes)).lower()

    @property
    def was(self) -> str:
        """The figure that the next one would replace."""
        return "" if self.line.entry is None else str(json_number(self.line.entry.quantity))

    @property
    def shown(self) -> str:
        if self.serial and self.line.entry:
            return "\n".join(self.line.entry.serials or []) or "none"
        return self.was

    def payload(self) -> dict[str, Any]:
        """A line of inventory.count_enter.

        :raises ValueError: for what is no number.
        """
        line = self.line
        asked: dict[str, Any] = {
            "sku": line.product.sku,
            "location": line.location.code,
            "lot": line.lot.code if line.lot else None,
            "replaces": json_number(number(self.sent_was, pieces=False)) if self.sent_was else None,
            "reason": self.why.strip() or None,
        }
        if self.serial:
            asked["serials"] = [] if self.given.strip().lower() in ("none", "0") else self.given.split()
        else:
            asked["quantity"] = json_number(number(self.given, pieces=line.product.counted_in_pieces))
        return asked


class Entering:
    """The page for entering figures."""

    def __init__(self, request: HttpRequest, sheet: Any) -> None:
        self.request, self.sheet = request, sheet
        asked = request.GET.get("show", "to_count")
        self.show = asked if asked in dict(TABS) else "to_count"
        after = request.GET.get("after", "")
        self.after = int(after) if after.isascii() and after.isdigit() and len(after) < 8 else 0
        self.found = {name: request.POST.get(f"found_{name}", "").strip() for name in ("sku", "figure", "lot", "place")}
        self.found_error = ""
        self.left = sheet.lines.filter(entry=None, round=sheet.round).count()
        self.rows, self.following = self._rows()

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        return [(f"?show={name}", title, name == self.show) for name, title in TABS]

    @property
    def many_places(self) -> bool:
        return self.sheet.location is None

    def next(self) -> str:
        """Where to go after all went well."""
        query = {"show": self.show, "after": str(self.after)} if self.show != "to_count" else {}
        page = "enter" if self.sheet.counting else "review"
        return reverse(f"admin:inventory_countsheet_{page}", args=[self.sheet.pk], query=query or None)

    def save(self) -> bool:
        """Enter what was typed; whether all of it was accepted."""
        asked: list[tuple[Row | None, dict[str, Any]]] = []
        for row in self.rows:
            if row.changed:
                try:
                    asked.append((row, row.payload()))
                except ValueError:
                    row.error = f"{row.given[:20]} is no number: write it as 1000 or 2.5"
        self._add_found(asked)
        if asked:
            self._enter(asked)
        elif not self._errors():
            messages.warning(self.request, "Fill in what was counted.")
        return not self._errors()

    def close(self) -> bool:
        """Say that counting is done."""
        asked = {"sheet": self.sheet.reference, "leave_uncounted": "leave_uncounted" in self.request.POST}
        try:
            made = call("inventory", "count_close", asked, user=self.request.user, channel="admin")
        except AgentError as error:
            messages.error(self.request, told(error))
            return False
        if made["recounting"]:
            plural = "line is" if made["recounting"] == 1 else "lines are"
            messages.warning(self.request, f"{made['recounting']} {plural} far from the books: please count again.")
        else:
            messages.success(self.request, "Counted. It waits for approval.")
        self.sheet.refresh_from_db()
        self.show, self.after = "to_count", 0
        return True

    def _rows(self) -> tuple[list[Row], str]:
        sheet, only = self.sheet, {"to_count": "to_count", "counted": "counted"}.get(self.show)
        posted = self.request.method == "POST" and "save" in self.request.POST
        lines: list[CountLine] = count_lines(sheet, only=None if posted else only, after=self.after)
        if posted:  # those that the page showed, whatever became of them since
            lines = [line for line in lines if f"figure_{line.number}" in self.request.POST]
        elif only == "to_count":
            lines = [line for line in lines if line.round == sheet.round]
        else:
            lines = [line for line in lines if line.round == sheet.round or sheet.status != CountSheet.Status.RECOUNT]
        page = lines[:SHOWN]
        prefetch_related_objects(page, "product__barcodes")
        following = f"?show={self.show}&after={page[-1].number}" if len(lines) > SHOWN else ""
        return [Row(line, self.request) for line in page], following

    def _add_found(self, asked: list[tuple[Row | None, dict[str, Any]]]) -> None:
        given = self.found
        if not given["sku"]:
            return
        line: dict[str, Any] = {"sku": given["sku"], "lot": given["lot"] or None, "location": given["place"] or None}
        try:
            line["quantity"] = json_number(number(given["figure"], pieces=bool(in_pieces([given["sku"]]))))
        except ValueError:
            line["serials"] = given["figure"].split()
        if line.get("quantity") is None and not line.get("serials"):
            self.found_error = "Say how many lie there."
        else:
            asked.append((None, line))

    def _enter(self, asked: list[tuple[Row | None, dict[str, Any]]]) -> None:
        payload = {"sheet": self.sheet.reference, "lines": [line for _, line in asked], "partial": True}
        try:
            made = call("inventory", "count_enter", payload, user=self.request.user, channel="admin")
        except AgentError as error:
            messages.error(self.request, told(error))
            self.found_error = self.found_error or " "
            return
        for refused in made["refused"]:
            row = asked[refused["index"]][0]
            if row is None:
                self.found_error = refused["reason"]
            elif refused["counted"] is not None:
                row.error = f"{self._name(refused)} counted {refused['counted']} meanwhile. Save again to replace it."
            else:
                row.error = refused["reason"]
        if self._errors():
            self._read_again()
        if made["entered"]:
            figures = "figure" if made["entered"] == 1 else "figures"
            lines = "line" if made["left"] == 1 else "lines"
            messages.success(self.request, f"{made['entered']} {figures} saved, {made['left']} {lines} to go.")

    def _read_again(self) -> None:
        """What is stored now of the page's lines, so that it can be replaced, and how far it is."""
        self.left = self.sheet.lines.filter(entry=None, round=self.sheet.round).count()
        self.sheet.counted_lines = self.sheet.lines.exclude(entry=None).count()
        fresh = {line.number: line for line in count_lines(self.sheet, after=self.after)}
        for row in self.rows:
            row.line = fresh[row.number]

    def _name(self, refused: dict[str, Any]) -> str:
        return names_of(self.request).get(refused["counted_by"], refused["counted_by"])

    def _errors(self) -> bool:
        return bool(self.found_error) or any(row.error for row in self.rows)
