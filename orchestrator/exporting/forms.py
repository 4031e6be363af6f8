"""The form of one dataset's export: format, period, its filters."""

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from .definitions import Dataset
from .filters import ABOUT, names_of
from .services import FORMATS

TITLES = {"csv": "CSV", "jsonl": "JSON lines", "xlsx": "XLSX (Excel)"}
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
LABELS = {"count": "Count sheet", "by": "Done by", "sku": "SKU"}


class ExportForm(forms.Form):
    """Filters are texts here as on the command line; `services.export_ask` looks them up."""

    format = forms.ChoiceField(
        choices=[(name, TITLES[name]) for name in FORMATS], widget=UnfoldAdminSelectWidget, initial="csv"
    )

    def __init__(self, dataset: Dataset, *args: Any, personal: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.dataset = dataset
        for name in names_of(dataset):
            self.fields[name] = _field(dataset, name)
        self.fields["delimiter"] = forms.ChoiceField(
            label="CSV: between cells",
            choices=list(DELIMITERS.items()),
            required=False,
            widget=UnfoldAdminSelectWidget,
            initial=",",
        )
        self.fields["bom"] = forms.BooleanField(
            label="CSV: for Excel",
            required=False,
            initial=True,
            widget=UnfoldBooleanSwitchWidget,
            help_text="begins with a byte order mark, by which Excel knows UTF-8",
        )
        if personal and dataset.has_personal:
            self.fields["personal"] = forms.BooleanField(
                label="With personal data",
                required=False,
                widget=UnfoldBooleanSwitchWidget,
                help_text=", ".join(column.name for column in dataset.columns if column.personal),
            )

    def given(self) -> Mapping[str, str]:
        """The filters that are filled in, as typed."""
        values = {name: self.cleaned_data.get(name) for name in names_of(self.dataset)}
        return {name: "true" if value is True else str(value) for name, value in values.items() if value}


def _field(dataset: Dataset, name: str) -> forms.Field:
    common: dict[str, Any] = {
        "required": False,
        "label": LABELS.get(name, name.replace("_", " ").capitalize()),
        "help_text": ABOUT[name],
    }
    if name in dataset.choices:
        choices = [("", "-"), *((choice, choice) for choice in dataset.choices[name])]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **common)
    if name == "low_stock":
        return forms.BooleanField(widget=UnfoldBooleanSwitchWidget, **common)
    return forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget, **common)
