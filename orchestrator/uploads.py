"""Files that were uploaded to be imported: kept for an hour at the most, for their user alone."""

import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import get_valid_filename

from shop_assistant.accounts.models import User
from shop_assistant.tables.headers import guess, parsed
from shop_assistant.tables.reading import open_table

from .importing.counts import counts_import
from .importing.products import PRESETS, products_import
from .importing.purchasing import purchasing_import
from .importing.sales import sales_import

KEPT_SECONDS = 3600
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    token: str
    file: Path
    preset: str | None
    columns: str
    user_id: str

    @property
    def rejects(self) -> Path:
        return self.file.with_name(f"{self.file.name}.rejects.csv")

    @property
    def mapping(self) -> dict[str, str] | None:
        return parsed(self.columns.splitlines()) or None


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or would do."""

    counts: list[tuple[str, int]]
    rejected: int
    notes: list[str]
    first_rejects: list[tuple[int, str]]
    """Line and reason."""
    preview: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    title: str
    about: str
    permission: str
    command: str
    list_url: str
    presets: Collection[str] = ()
    run: Callable[..., Report]


def _products(upload: Upload, *, dry_run: bool) -> Report:
    made = products_import(
        path=upload.file,
        user_id=upload.user_id,
        preset=upload.preset,
        mapping=upload.mapping,
        dry_run=dry_run,
        rejects=upload.rejects,
    )
    counts = [("read", made.read), ("new", made.added), ("changed", made.changed), ("unchanged", made.unchanged)]
    notes = [_columns_found(upload, made.preset), *made.notes]
    return Report(counts, made.rejected, notes, made.first_rejects, made.preview)


def _columns_found(upload: Upload, preset: str) -> str:
    with open_table(upload.file) as table:
        places = guess(table.header, PRESETS[preset].aliases, upload.mapping).places
        found = ", ".join(f"{name.replace('_', ' ')} from {table.header[place]}" for name, place in places.items())
    return f"Read as {'any table' if preset == 'generic' else f'an export of {preset}'}: {found}"


def _sales(upload: Upload, *, dry_run: bool) -> Report:
    made = sales_import(
        path=upload.file,
        user_id=upload.user_id,
        mapping=upload.mapping,
        dry_run=dry_run,
        rejects=upload.rejects,
    )
    counts = [
        ("lines read", made.read),
        ("lines added", made.added),
        ("unchanged", made.unchanged),
        ("orders", made.orders),
        ("returns", made.returns),
        ("new products", made.products),
        ("new customers", made.customers),
    ]
    return Report(counts, made.rejected, list(made.told()), made.first_rejects)


def _counts(upload: Upload, *, dry_run: bool) -> Report:
    made = counts_import(
        path=upload.file,
        user=User.objects.get(public_id=upload.user_id),
        channel="admin",
        mapping=upload.mapping,
        dry_run=dry_run,
        rejects=upload.rejects,
    )
    counts = [("read", made.read), ("entered", made.entered), ("unchanged", made.unchanged), ("empty", made.empty)]
    notes = [f"Count sheets: {', '.join(made.sheets)}", *made.notes]
    return Report(counts, made.rejected, notes, made.first_rejects, made.preview)


def _purchasing(what: str) -> Callable[..., Report]:
    def run(upload: Upload, *, dry_run: bool) -> Report:
        made = purchasing_import(
            what=what,
            path=upload.file,
            user_id=upload.user_id,
            mapping=upload.mapping,
            dry_run=dry_run,
            rejects=upload.rejects,
        )
        found = made.counts
        counts = [("read", made.read), ("new", found.added), ("changed", found.changed), ("unchanged", found.unchanged)]
        return Report(counts, made.rejected, made.notes, made.first_rejects)

    return run


KINDS = {
    "products": Kind(
        title="Import products",
        about="An export of Shopify, WooCommerce or Square, or any table with a header. New products are added, known "
        "ones (by SKU) changed where the file tells otherwise. Running it again changes nothing.",
        permission="inventory.add_product",
        command="manage.py import_products FILE",
        list_url="admin:inventory_product_changelist",
        presets=PRESETS,
        run=_products,
    ),
    "sales": Kind(
        title="Import sales",
        about="Lines of invoices or orders: number, SKU, quantity, price, time and customer, under their usual "
        "headings. Products and customers not seen before are made. Running it again adds only what is new.",
        permission="inventory.add_order",
        command="manage.py import_sales FILE",
        list_url="admin:inventory_order_changelist",
        run=_sales,
    ),
    "counts": Kind(
        title="Import counts",
        about="A count sheet that was exported and filled in: a column for the sheet, the SKU, and how many lie there. "
        "Rows left empty are not counted. Running it again changes nothing.",
        permission="agents.inventory.count_enter",
        command="manage.py import_counts FILE",
        list_url="admin:inventory_countsheet_changelist",
        run=_counts,
    ),
}


def upload_keep(file: UploadedFile, *, kind: str, user_id: str, preset: str | None, columns: str) -> Upload:
    """Store a file until it is imported."""
    token = secrets.token_urlsafe(24)
    folder = _folder() / token
    folder.mkdir(mode=0o700, parents=True)
    name = get_valid_filename(Path(file.name or "file").name[-100:].lstrip("."))
    told = {"file": name, "kind": kind, "user_id": user_id, "preset": preset, "columns": columns}
    (folder / ".told.json").write_text(json.dumps(told))
    with (folder / name).open("wb") as kept:
        for chunk in file.chunks():
            kept.write(chunk)
    return Upload(token, folder / name, preset, columns, user_id)


def upload_find(token: str, *, kind: str, user_id: str) -> Upload | None:
    """What was kept under a token, if it is this user's and of this kind; the file itself may be imported already."""
    told_in = _folder() / token / ".told.json"
    if not TOKEN.fullmatch(token) or not told_in.exists():
        return None
    told: dict[str, Any] = json.loads(told_in.read_text())
    if (told["kind"], told["user_id"]) != (kind, user_id):
        return None
    return Upload(token, told_in.parent / told["file"], told["preset"], told["columns"], user_id)


def upload_remove(upload: Upload) -> None:
    shutil.rmtree(upload.file.parent, ignore_errors=True)


def uploads_sweep() -> None:
    """Remove what has been kept for too long."""
    for folder in _folder().glob("*"):
        if folder.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def uploads_remove() -> None:
    """Remove all of them; whoever waits for one chooses it again."""
    for folder in _folder().glob("*"):
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    return Path(settings.VAR_DIR) / "uploads"
