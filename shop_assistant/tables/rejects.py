"""The rows that could not be used, with the reason, in a file beside the one they came from. Pure."""

import csv
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from .table import Cell, Row, TableError
from .writing import defused

BEGINNING = b"\xef\xbb\xbfline,reason"
_NUMBER = re.compile(r"[-+]?[\d.,]+")


def rejects_path(path: Path, chosen: Path | None = None) -> Path:
    """FILE.rejects.csv beside the file, or where it was told to be.

    :raises TableError: when that is the file itself.
    """
    if chosen is not None and chosen.resolve() == path.resolve():
        raise TableError(f"{chosen} is the file itself: name another one for the rejected rows (--rejects).")
    return chosen or path.with_name(f"{path.name}.rejects.csv")


class Rejects:
    """Collects rows; the file appears when all went well and there were any, else an old one is removed.

    Each line has the number of the line it came from, the reason, and the cells as they were, so that the file can be
    mended and imported itself; it may hold what is private, so only its owner can read it. Where there is nothing to
    write, a folder that can only be read will do. Used as a context manager.
    """

    def __init__(self, path: Path, header: Sequence[str], *, write: bool = True) -> None:
        """
        :param write: False only counts.
        :raises TableError: when no file can be made there, as `add` does.
        """
        self.path, self.count, self._header, self._write = path, 0, header, write
        self.first: list[tuple[int, str]] = []
        """Line and reason of the first few."""
        self._file: IO[str] | None = None
        if write and path.exists() and not _is_ours(path):
            raise TableError(f"{path} is there already, and is no file of rejected rows: name another one (--rejects).")
        self._part = path.with_name(f".{path.name}.part")
        if write and path.exists():
            self._open()

    def add(self, row: Row, reason: str) -> None:
        """Set a row aside. `reason` goes on after the line's number, such as "has no price"."""
        self.count += 1
        if len(self.first) < 20:
            self.first.append((row.number, reason))
        if self._write:
            if self._file is None:
                self._open()
            self._writer.writerow([row.number, reason, *map(_shown, row.cells)])

    def flush(self) -> None:
        """Bring what was added to the disk, so that a full one is noticed while the database can still roll back."""
        if self._file is not None:
            self._file.flush()

    def _open(self) -> None:
        try:
            private = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(private, "w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise TableError(
                f"The rejected rows can't be written to {self.path} ({error.strerror}): name another place (--rejects)."
            ) from None
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(["line", "reason", *map(formula_safe, self._header)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:  # nothing was rejected, and there is no old one
            return
        try:
            self._file.close()
            if kind is None and self.count:
                os.replace(self._part, self.path)
            elif kind is None:
                self.path.unlink(missing_ok=True)
        finally:
            self._part.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    """Whether it may be replaced or removed: a file of rejected rows from an earlier run, or an empty one."""
    if not path.is_file():  # a folder, a device
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(BEGINNING)) in (BEGINNING, b"")
    except OSError:
        return False


def formula_safe(text: str) -> str:
    """A text that a spreadsheet program won't take for a formula. Numbers stay as they are."""
    return text if _NUMBER.fullmatch(text) else defused(text)


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    return cell.isoformat(" ") if isinstance(cell, datetime) else formula_safe(str(cell))
