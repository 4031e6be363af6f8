"""Does each payload say what stands beside it, and is it spelled as it must be? Pure, so another process can look.

There are two looks. What passes the quick one is right; what does not is looked at closely, because it may only be
spelled in a rare way.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pydantic_core import from_json, to_json

from shop_assistant.agents.fields import iso_utc

from .events import LARGEST_EXACT, SPELLED_ALIKE, canonical
from .merkle import leaf_hash

KNOWN_MOST = 10_000
_in_order: set[tuple[str, ...]] = set()
"""Names of objects that were found to be in order."""

Row = Sequence[Any]
"""payload (text or its bytes), leaf, event_id, event, task_id, user_id, agent, timestamp, as the database has them."""


def doubtful(rows: Sequence[Row], *, spelling: bool) -> list[int]:
    """Places of the rows that have to be looked at closely.

    :param spelling: whether the spelling (RFC 8785) counts, too.
    """
    return [place for place, row in enumerate(rows) if not _passes(row, spelling)]


def _passes(row: Row, spelling: bool) -> bool:
    payload, leaf, event_id, event, task_id, user_id, agent, timestamp = row
    try:
        encoded = payload if type(payload) is bytes else payload.encode()
        document = from_json(encoded)
        said = document["timestamp"]
        return (
            sha256(b"\x00" + encoded).digest() == leaf
            and document["event"] == event
            and document["user_id"] == user_id
            and document["agent"] == agent
            and document["event_id"] == _dashed(event_id)
            and document["task_id"] == _dashed(task_id)
            and (
                timestamp == f"{said[:10]} {said[11:23]}000"  # SQLite's spelling; PostgreSQL's
                or timestamp == f"{said[:10]} {said[11:23].rstrip('0')}+00"
            )
            and said[10] + said[23:] == "TZ"
            and (not spelling or (to_json(document) == encoded and _alike(document)))
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        return False


def _alike(value: Any) -> bool:
    """Would RFC 8785 spell this as it was spelled, if pydantic does?"""
    if isinstance(value, dict):
        return _ordered(tuple(value)) and all(
            item is None or type(item) is str or type(item) is bool or _alike(item) for item in value.values()
        )
    if isinstance(value, list):
        return all(map(_alike, value))
    if type(value) is int:
        return -LARGEST_EXACT <= value <= LARGEST_EXACT
    if type(value) is float:
        return SPELLED_ALIKE[0] <= abs(value) < SPELLED_ALIKE[1] and bool(value % 1)
    return True


def _ordered(names: tuple[str, ...]) -> bool:
    if names in _in_order:
        return True
    if list(names) != sorted(names) or not all(map(str.isascii, names)):
        return False
    if len(_in_order) > KNOWN_MOST:
        _in_order.clear()
    _in_order.add(names)
    return True


def wrong_in(row: Row) -> Iterator[str]:
    """What is wrong in a record, by itself."""
    payload, leaf, *columns = row
    encoded = payload if isinstance(payload, bytes) else payload.encode()
    if leaf != leaf_hash(encoded):
        yield "its payload was changed: the leaf does not match"
    try:
        document = json.loads(encoded)
        if canonical(document).encode() != encoded:
            yield "its columns differ from its payload: payload"
        told = [document.get(name) for name in _COMPARED]
    except (ValueError, AttributeError, RecursionError):
        yield "its columns differ from its payload: payload"
        return
    if wrong := [
        name for name, said, kept in zip(_COMPARED, told, columns, strict=True) if not _same(name, said, kept)
    ]:
        yield f"its columns differ from its payload: {', '.join(wrong)}"


_COMPARED = ("event_id", "event", "task_id", "user_id", "agent", "timestamp")


def _same(name: str, said: Any, kept: Any) -> bool:
    if name == "timestamp":
        return _same_moment(said, kept)
    return bool(said == (_dashed(kept) if name in ("event_id", "task_id") else kept))


def _same_moment(said: Any, kept: Any) -> bool:
    try:
        moment = datetime.fromisoformat(kept)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return bool(said == iso_utc(moment)) and moment.microsecond % 1000 == 0
    except (ValueError, TypeError):
        return False


def _dashed(text: Any) -> Any:
    """A UUID as people write it."""
    if isinstance(text, str) and len(text) == 32:
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return text
