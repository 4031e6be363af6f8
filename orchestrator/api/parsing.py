"""Reading a request's body: JSON, strictly, and never more of it than is allowed."""

import codecs
import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.parsers import BaseParser

from shop_assistant.agents.errors import PayloadTooLarge, ValidationFailed


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """:raises ValidationFailed: or PayloadTooLarge."""
        request = parser_context["request"]
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_BODY_BYTES:
            raise PayloadTooLarge(f"The body is larger than {settings.MAX_BODY_BYTES} bytes.")
        try:
            body = stream.body if hasattr(stream, "body") else stream.read()
        except RequestDataTooBig:
            raise PayloadTooLarge(f"The body is larger than {settings.MAX_BODY_BYTES} bytes.") from None
        return read_json(body)


def read_json(body: bytes) -> Any:
    """:raises ValidationFailed: for anything that RFC 8259 doesn't allow, and for duplicate names."""
    try:
        text = codecs.decode(body, "utf-8")
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise ValidationFailed("The JSON is nested too deep.") from None
    except (ValueError, ArithmeticError) as error:
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ValidationFailed(f"The body is not valid JSON in UTF-8{where}.") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found
