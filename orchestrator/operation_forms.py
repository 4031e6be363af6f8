"""A form for any operation, made from its input's JSON schema: the admin's door to what the registry holds."""

import json
import re
from typing import Any

from django import forms
from django.utils.text import get_text_list
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminNullBooleanSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from shop_assistant.agents import Operation

NUMBER = re.compile(r"(0|[1-9][0-9]{0,8})([.][0-9]{1,3})?")
BASKET = {"sku", "quantity"}
LONG_TEXT = 300
"""From so many characters on a text gets an area instead of a line."""


class JSONTextField(forms.JSONField):
    """A list or an object, typed as JSON."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), **options)

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class LinesField(forms.CharField):
    """A basket, typed as one `SKU quantity` a line, or as JSON, which may tell more of a line."""

    def __init__(self, *, more: list[str], **options: Any) -> None:
        told = f"; or as JSON, which may also tell {get_text_list(more, 'and')}" if more else ""
        options["help_text"] = f"one a line: SKU and quantity, such as SKU001 2{told}"
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        return (
            _json(text) if text.startswith("[") else [_basket_line(line) for line in text.splitlines() if line.strip()]
        )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise forms.ValidationError("This is no valid JSON; or write one SKU and quantity a line.") from None


def _basket_line(line: str) -> dict[str, Any]:
    sku, _, quantity = line.strip().rpartition(" ")
    number = quantity.lstrip("x").replace(",", ".")
    if not sku or not NUMBER.fullmatch(number):
        raise forms.ValidationError(f"Write SKU and quantity, such as SKU001 2, or JSON; this is neither: {line[:80]}")
    return {"sku": sku.strip(), "quantity": json.loads(number)}


def form_for(operation: Operation) -> type[forms.Form]:
    """A form class with a field for each of the input's; what is left empty is left out of the payload."""
    schema = operation.input.model_json_schema(mode="validation")
    required = set(schema.get("required", []))
    example = (schema.get("examples") or [{}])[0]
    parts = schema.get("$defs", {})
    fields = {
        name: LinesField(more=more, required=name in required, label=name.replace("_", " ").capitalize())
        if (more := _basket(part, parts)) is not None
        else _field(name, part, required=name in required, example=example.get(name))
        for name, part in schema.get("properties", {}).items()
    }
    return type("OperationForm", (forms.Form,), fields)


def _basket(schema: dict[str, Any], parts: dict[str, Any]) -> list[str] | None:
    """What a line may tell beside SKU and quantity, if this is a list of them."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") == "array"]
    item = kinds[0].get("items", {}).get("$ref", "").rsplit("/", 1)[-1] if kinds else ""
    line = parts.get(item, {})
    if set(line.get("required", [])) != BASKET:
        return None
    return [name for name in line["properties"] if name not in BASKET]


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
