"""Exporting: who may, the writing itself, and what the trail is told of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.db import DatabaseError, connections
from uuid_utils.compat import uuid7

from audit import events
from audit.services import denial_count, event_record
from shop_assistant.agents.context import Actor
from shop_assistant.agents.errors import PermissionDenied, ValidationFailed
from shop_assistant.agents.permissions import EXPORT_PERSONAL
from shop_assistant.tables.writing import DELIMITERS, CsvWriter, JsonLinesWriter, Writer, XlsxWriter

from .copying import FORMATS as COPIED_FORMATS
from .copying import copied
from .datasets import DATASETS
from .definitions import Column, Dataset, Part
from .filters import Filters, filters_read, narrowed
from .reading import chunks, snapshot

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BLOCK = 1000
"""Copied lines between two reports of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is wanted, checked."""

    dataset: Dataset
    format: str
    filters: Filters
    personal: bool
    delimiter: str
    bom: bool

    @property
    def columns(self) -> list[Column]:
        return list(self.dataset.shown(personal=self.personal))


@dataclass(slots=True)
class Written:
    """How far it came."""

    rows: int = 0
    cut: int = 0
    """Texts too long for a cell of XLSX."""


def export_ask(
    *,
    dataset: str,
    user: Actor,
    format: str = "csv",
    given: Mapping[str, str] | None = None,
    personal: bool = False,
    delimiter: str = ",",
    bom: bool = False,
    address: str = "",
) -> Export:
    """Check an export before anything is written: that there is such a one, and that the user may have it.

    :param given: filters by name, as typed; empty ones don't count.
    :param bom: begin CSV with a byte order mark, by which Excel knows UTF-8.
    :raises ValidationFailed: for what can't be understood.
    :raises NotFound: for a filter by something that there is not.
    :raises PermissionDenied: counted for the trail as refused calls are.
    """
    chosen = DATASETS.get(dataset)
    if chosen is None:
        raise ValidationFailed(f"There is no such export; take one of {', '.join(DATASETS)}.")
    if format not in FORMATS:
        raise ValidationFailed(f"format must be one of {', '.join(FORMATS)}.", fields={"format": "is none of these"})
    if delimiter not in DELIMITERS:
        raise ValidationFailed("delimiter must be one of , ; | or a tab.", fields={"delimiter": "is none of these"})
    _authorize(chosen, user, personal, address)
    if personal and not chosen.has_personal:
        raise ValidationFailed(
            f"{dataset} has no personal columns: export it without.", fields={"personal": "there is none here"}
        )
    return Export(
        dataset=chosen,
        format=format,
        filters=filters_read(chosen, given or {}),
        personal=personal,
        delimiter=delimiter,
        bom=bom,
    )


def may_export(user: Any, dataset: Dataset) -> bool:
    return all(user.has_perm(permission) for permission in dataset.permissions)


@contextmanager
def recorded(export: Export, *, user: Actor, channel: str) -> Iterator[Written]:
    """Around all of an export: the trail is told that it begins before a byte leaves, and how it ended in any case."""
    written, export_id = Written(), uuid7()

    def tell(event: str, **outcome: Any) -> None:
        event_record(
            event,
            user_id=user.public_id,
            export=str(export_id),
            dataset=export.dataset.name,
            format=export.format,
            filters={name: wanted.told for name, wanted in export.filters.items()},
            personal=export.personal,
            channel=channel,
            **outcome,
        )

    tell(events.DATA_EXPORT_STARTED)
    try:
        yield written
    except BaseException as error:
        stopped = isinstance(error, BrokenPipeError) or not isinstance(error, Exception)
        outcome = "broken off" if stopped else "failed"
        with suppress(DatabaseError):  # what went wrong first is what counts; that it began is told already
            tell(events.DATA_EXPORTED, outcome=outcome, error=type(error).__name__, rows=written.rows)
        raise
    tell(events.DATA_EXPORTED, outcome="completed", error=None, rows=written.rows, cut=written.cut)


def export_write(
    export: Export, target: BinaryIO, written: Written, *, progress: Callable[[int], object] = lambda rows: None
) -> None:
    """Write it all, as of one moment, in constant memory. The target is flushed and stays open.

    :param written: counts the rows as they are written.
    :param progress: called with the number of rows written since the last time.
    :raises OSError: when the target takes no more.
    :raises WrongKey: when a sealed text was tampered with.
    """
    dataset, columns = export.dataset, export.columns
    if dataset.prepare:
        dataset.prepare()
    writer = _writer(export, target)
    try:
        with snapshot(dataset.database):
            for part in dataset.parts:
                for rows in _write_part(export, part, columns, writer, target):
                    written.rows += rows
                    progress(rows)
        writer.close()
        written.cut = writer.cut
    except BaseException:
        writer.abandon()
        raise
    target.flush()


def _write_part(export: Export, part: Part, columns: list[Column], writer: Writer, target: BinaryIO) -> Iterator[int]:
    """Write one query's rows; yields how many, every so often."""
    found = narrowed(part, export.filters)
    if found is None:
        return
    using = export.dataset.database
    if connections[using].vendor == "postgresql" and export.format in COPIED_FORMATS and not export.personal:
        count = 0
        for line in copied(using, part, found, columns, export.format, export.delimiter):
            target.write(line)
            count += 1
            if count == BLOCK:
                yield count
                count = 0
        yield count
        return
    for chunk in chunks(part, found, columns):
        writer.write(chunk)
        yield len(chunk)


def _writer(export: Export, target: BinaryIO) -> Writer:
    names = [column.name for column in export.columns]
    if export.format == "jsonl":
        return JsonLinesWriter(target, names)
    if export.format == "xlsx":
        return XlsxWriter(target, names, title=export.dataset.name)
    return CsvWriter(target, names, delimiter=export.delimiter, bom=export.bom)


def _authorize(dataset: Dataset, user: Actor, personal: bool, address: str) -> None:
    """:raises PermissionDenied:"""
    needed = [*dataset.permissions, *([f"agents.{EXPORT_PERSONAL}"] if personal else [])]
    missing = next((permission for permission in needed if not user.has_perm(permission)), None)
    if missing is None:
        return
    name = missing.removeprefix("agents.")
    denial_count(code=PermissionDenied.code, user_id=user.public_id, address=address, route=f"export {name}")
    raise PermissionDenied(f"You need the permission '{name}' for this export.", permission=name)
