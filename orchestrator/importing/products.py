"""Products of another shop, or of a spreadsheet, taken over: `products_import`."""

import hashlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import transaction

from shop_assistant.tables.rejects import Rejects, rejects_path

from .products_plan import Plan, plan_made
from .products_reading import PRESETS, Progress, products_read
from .products_writing import plan_write

__all__ = ["PRESETS", "Imported", "Progress", "products_import"]

SHOWN = 20
"""Changes that a dry run shows one by one."""


@dataclass
class Imported:
    """How it went. The rows read are those added, changed, unchanged, skipped and rejected."""

    preset: str
    read: int
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0
    notes: list[str] = field(default_factory=list)
    preview: list[str] = field(default_factory=list)
    """The first changes, one a line."""
    first_rejects: list[tuple[int, str]] = field(default_factory=list)
    """Line and reason."""
    rejects_path: Path | None = None
    """Where the rejected rows are; None where there are none, or nothing was to be written."""

    @property
    def summary(self) -> str:
        """Such as `read 5, added 3, changed 1, unchanged 0, rejected 1`."""
        parts = [f"read {self.read}", f"added {self.added}"]
        parts += [f"changed {self.changed}"] if self.changed else []
        parts += [f"unchanged {self.unchanged}"]
        parts += [f"skipped {self.skipped}"] if self.skipped else []
        return ", ".join([*parts, f"rejected {self.rejected}"])


def products_import(
    *,
    path: Path,
    user_id: str,
    preset: str | None = None,
    mapping: dict[str, str] | None = None,
    dry_run: bool = False,
    rejects: Path | None = None,
    set_stock: bool = False,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    progress: Progress = lambda text, done, total: None,
) -> Imported:
    """Add the products of a file and change those that it tells otherwise; all in one transaction or nothing.

    Products are known by their SKU, in any case. What the file leaves empty stays as it is. Stock is booked as a count,
    for products that have not moved yet.

    :param preset: one of PRESETS; guessed from the header when left out.
    :param mapping: header by field, where the guess is wrong.
    :param dry_run: only say what would change.
    :param rejects: where rows that can't be used go; FILE.rejects.csv when left out.
    :param set_stock: take the file's stock also for products that have moved since.
    :raises TableError: when the file can't be read, or the rejected rows can't be written.
    :raises MappingError: for an unknown preset, field or column, or when the columns needed aren't found.
    """
    reading = products_read(
        path,
        currency=settings.SHOP_CURRENCY,
        preset=preset,
        mapping=mapping,
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
        progress=progress,
    )
    with Rejects(rejects_path(path, rejects), reading.header, write=not dry_run) as refused, _transaction(dry_run):
        plan = plan_made(reading, set_stock=set_stock)
        for row, reason in sorted(reading.refused, key=lambda pair: pair[0].number):
            refused.add(row, reason)
        refused.flush()
        result = Imported(
            preset=reading.preset.name,
            read=reading.read,
            added=len(plan.new),
            changed=len(plan.changed),
            unchanged=plan.unchanged,
            skipped=reading.notes.skipped,
            rejected=refused.count,
            notes=reading.notes.told(),
            preview=_preview(plan),
            first_rejects=refused.first,
            rejects_path=refused.path if refused.count and not dry_run else None,
        )
        if not dry_run and (plan.new or plan.changed):
            told = {
                "file": path.name,
                "digest": _digest(path),
                "preset": result.preset,
                "read": result.read,
                "added": result.added,
                "changed": result.changed,
                "rejected": result.rejected,
            }
            plan_write(plan, user_id=user_id, set_stock=set_stock, source=path.name, told=told, progress=progress)
    return result


def _transaction(dry_run: bool) -> AbstractContextManager[None]:
    """SQLite has one writer at a time: who only looks doesn't keep the others waiting."""
    return nullcontext() if dry_run else transaction.atomic()


def _preview(plan: Plan) -> list[str]:
    changes = [*plan.changed[:SHOWN], *plan.new[:SHOWN]]
    return [str(change) for change in changes[:SHOWN]]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
