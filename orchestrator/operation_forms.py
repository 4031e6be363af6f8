"""A form for any operation, made from its input's JSON schema: the admin's door to what the registry holds."""

import json
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminNullBooleanSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from shop_assistant.agents import Operation

LONG_TEXT = 300
"""From so many characters on a text gets an area instead of a line."""


class JSONTextField(forms.JSONField):
    """A list or an object, typed as JSON."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), **options)

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


def form_for(operation: Operation) -> type[forms.Form]:
    """A form class with a field for each of the input's; what is left empty is left out of the payload."""
    schema = operation.input.model_json_schema(mode="validation")
    required = set(schema.get("required", []))
    example = (schema.get("examples") or [{}])[0]
    fields = {
        name: _field(name, part, required=name in required, example=example.get(name))
        for name, part in schema.get("properties", {}).items()
    }
    return type("OperationForm", (forms.Form,), fields)


def payload_of(form: forms.Form) -> dict[str, Any]:
    """What was filled in."""
    return {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}


def _field(name: str, schema: dict[str, Any], *, required: bool, example: Any) -> forms.Field:
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    kind = kinds[0] if len(kinds) == 1 else {}
    common: dict[str, Any] = {
        "required": required,
        "label": name.replace("_", " ").capitalize(),
        "help_text": schema.get("description", ""),
    }
    choices = kind.get("enum") or ([kind["const"]] if "const" in kind else None)
    if choices:
        empty = [] if required else [("", "-")]
        return forms.ChoiceField(
            choices=empty + [(choice, choice) for choice in choices], widget=UnfoldAdminSelectWidget, **common
        )
    match kind.get("type"):
        case "string":
            long = kind.get("maxLength", 0) >= LONG_TEXT
            widget = UnfoldAdminTextareaWidget(attrs={"rows": 3}) if long else UnfoldAdminTextInputWidget()
            return forms.CharField(widget=widget, max_length=kind.get("maxLength"), **common)
        case "integer":
            return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget, **common)
        case "number":
            return forms.DecimalField(widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}), **common)
        case "boolean":
            return forms.NullBooleanField(widget=UnfoldAdminNullBooleanSelectWidget, **common)
    if example is not None and not common["help_text"]:
        common["help_text"] = f"JSON, such as {json.dumps(example)}"
    return JSONTextField(**common)


def place_errors(form: forms.Form, fields: dict[str, Any]) -> None:
    """Put an operation's complaints beside the fields they are about."""
    for path, message in fields.items():
        name = path.split(".")[0]
        form.add_error(name if name in form.fields else None, f"{path}: {message}" if name != path else str(message))
