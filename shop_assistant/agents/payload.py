"""What any door hands in, made plain: JSON values that every database, hash and log can hold."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from .errors import ValidationFailed
from .fields import iso_utc, json_number

DEEPEST = 32
EXPONENTS = range(-324, 309)
"""Those of JSON's double."""


def plain(value: Any) -> Any:
    """Decimals as numbers, times and ids as text, tuples as lists."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return json_number(value)
    if isinstance(value, datetime):
        return iso_utc(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def clean_payload(payload: Any) -> dict[str, Any]:
    """A payload made plain.

    :raises ValidationFailed: when it is no object, nested too deep, or has what can't be stored.
    """
    if not isinstance(payload, dict):
        raise ValidationFailed("The request must be a JSON object.")
    _check(payload, "", 0)
    cleaned: dict[str, Any] = plain(payload)
    return cleaned


def _check(value: Any, path: str, depth: int) -> None:
    if depth > DEEPEST:
        raise ValidationFailed(f"The request is nested deeper than {DEEPEST} levels.")
    if isinstance(value, dict):
        for name, item in value.items():
            _check_text(str(name), path)
            _check(item, f"{path}.{name}".lstrip(".")[:100], depth + 1)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _check(item, f"{path}.{number}".lstrip("."), depth + 1)
    elif isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, Decimal | float):
        _check_number(value, path)


def _check_text(value: str, path: str) -> None:
    if "\0" in value:
        raise ValidationFailed("Text must not contain NUL characters.", fields={path or "request": "contains NUL"})
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValidationFailed(
            "Text must be valid Unicode.", fields={_safe(path) or "request": "contains a lone surrogate"}
        ) from None


def _check_number(value: Decimal | float, path: str) -> None:
    number = Decimal(value)
    if not number.is_finite() or number.adjusted() not in EXPONENTS:
        raise ValidationFailed("A number is out of range.", fields={path or "request": "is out of range"})


def _safe(path: str) -> str:
    return path.encode("ascii", "replace").decode()
