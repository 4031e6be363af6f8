"""Suppliers, what they offer and what to order from them, from files: `purchasing_import`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from audit.history import authored, noted_rows
from audit.services import event_record
from shop_assistant.tables.headers import MappingError, guess
from shop_assistant.tables.reading import Row, TableError, open_table
from shop_assistant.tables.rejects import Rejects, rejects_path

from .purchasing_fields import KINDS, rows_read
from .purchasing_writing import WRITERS, Counts

EVENT = "PURCHASING_IMPORTED"
ROWS_AN_EVENT = 500
MOST_ROWS = 200_000
Progress = Callable[[str, int, int], None]


@dataclass
class Imported:
    """How it went. The rows read are those added, changed, unchanged and rejected."""

    read: int
    counts: Counts
    rejected: int = 0
    notes: list[str] = field(default_factory=list)
    first_rejects: list[tuple[int, str]] = field(default_factory=list)
    """Line and reason."""
    rejects_path: Path | None = None
    """Where the rejected rows are; None where there are none, or nothing was to be written."""

    @property
    def summary(self) -> str:
        """Such as `read 5, added 3, changed 1, unchanged 0, rejected 1`."""
        made = self.counts
        told = f"added {made.added}, changed {made.changed}, unchanged {made.unchanged}"
        return f"read {self.read}, {told}, rejected {self.rejected}"


def purchasing_import(
    *,
    what: str,
    path: Path,
    user_id: str,
    mapping: dict[str, str] | None = None,
    dry_run: bool = False,
    rejects: Path | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    progress: Progress = lambda text, done, total: None,
) -> Imported:
    """Add what a file has and the shop has not, change what it tells otherwise; all in one transaction or nothing. What
    it leaves empty stays as it is, and what it does not name, too.

    :param what: one of KINDS. Purchase orders are drafts; those that were approved already are not touched.
    :param mapping: header by field, where the guess is wrong.
    :param dry_run: only say what would change: it is done and rolled back.
    :param rejects: where rows that can't be used go; FILE.rejects.csv when left out.
    :raises TableError: when the file can't be read, or the rejected rows can't be written.
    :raises MappingError: for an unknown field or column, or when the columns needed aren't found.
    """
    fields = KINDS[what]
    with open_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet) as table:
        columns = guess(table.header, {name: each.aliases for name, each in fields.items()}, mapping)
        needed = [name for name, each in fields.items() if each.needed] or ["name"]
        if missing := [name for name in needed if name not in columns.places]:
            shown = ", ".join(name for name in table.header if name)[:500]
            raise MappingError(
                f"No column for {', '.join(missing)} was found; the columns are {shown}. Say which it is, such as "
                f"--map {missing[0]}=… (fields: {', '.join(fields)})."
            )
        header, notes, rows = table.header, [*table.notes, *columns.notes], []
        for row in table:
            rows.append(row)
            if len(rows) > MOST_ROWS:
                raise TableError(f"The file has more than {MOST_ROWS:,} rows: cut it into several with the header.")
        progress("reading", len(rows), len(rows))
    if not rows:
        raise TableError("The file has a header and nothing below it: export it again.")
    refused: list[tuple[Row, str]] = []
    found = list(rows_read(rows, columns, fields, refused))
    with Rejects(rejects_path(path, rejects), header, write=not dry_run) as out, transaction.atomic():
        with authored(user_id, f"import of {path.name}"):
            counts = WRITERS[what](found, refused, user_id)
            for row, reason in sorted(refused, key=lambda pair: pair[0].number):
                out.add(row, reason)
            out.flush()
            result = Imported(
                len(rows), counts, out.count, notes, out.first, out.path if out.count and not dry_run else None
            )
            _tell(what, path, result, user_id)
        if dry_run:
            transaction.set_rollback(True)
    progress("writing", len(rows), len(rows))
    return result


def _tell(what: str, path: Path, result: Imported, user_id: str) -> None:
    """One event, or as many as it takes: each says what was imported in all."""
    history = noted_rows()
    if not history:
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    for start in range(0, len(history), ROWS_AN_EVENT):
        event_record(
            EVENT,
            user_id=user_id,
            dataset=what,
            file=path.name,
            digest=digest,
            read=result.read,
            added=result.counts.added,
            changed=result.counts.changed,
            rejected=result.rejected,
            history=history[start : start + ROWS_AN_EVENT],
        )
