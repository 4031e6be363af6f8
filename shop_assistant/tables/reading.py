"""Opens a table of another shop: CSV (plain or gzip), TSV or XLSX; whatever else it is gets a way out. Pure."""

import stat
import zipfile
import zlib
from pathlib import Path

from .table import Row, Table, TableError
from .text import TextTable

__all__ = ["Row", "Table", "TableError", "file_check", "open_table"]

_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"SQLite format 3\x00", "a database"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"BZh", "a bzip2 archive"),
    (b"{\\rtf", "a text document"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<svg")
SAVE_AS = "Open it in the program it comes from and save or export it as CSV (UTF-8) or XLSX."


def file_check(path: Path) -> None:
    """:raises TableError: when there is no file that could be read more than once."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise TableError(f"There is no file {path}.") from None
    except OSError as error:
        raise TableError(f"{path} can't be read: {error.strerror or error}.") from None
    if stat.S_ISDIR(mode):
        raise TableError(f"{path} is a folder: name a file in it.")
    if not stat.S_ISREG(mode):
        raise TableError(f"{path} is a pipe or a device: save what comes out of it as a file, and name that.")


def open_table(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, sheet: str | None = None
) -> Table:
    """The table in a file, by what it holds, not by what it is called. Rows are read as they are asked for.

    :param encoding: of a text file; guessed when left out.
    :param delimiter: between cells of a text file; guessed when left out.
    :param sheet: of a workbook; the first with a table when left out.
    :raises TableError: when it can't be read; also while iterating, for a flaw further down.
    """
    file_check(path)
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise TableError(f"{path} can't be read: {error.strerror or error}.") from None
    if not start.strip():
        raise TableError("The file is empty: export or upload it again.")
    if start.startswith(b"PK\x03\x04") or start.startswith(b"PK\x05\x06"):
        _check_workbook(path)
        from .sheets import SheetTable  # late: openpyxl, and numpy which it takes where it is there

        return SheetTable(path, sheet=sheet)
    _refuse_others(start)
    if sheet is not None:
        raise TableError("A text file has no sheets: leave out --sheet.")
    return TextTable(path, encoding=encoding, delimiter=delimiter, zipped=start.startswith(b"\x1f\x8b"))


def _refuse_others(start: bytes) -> None:
    if start.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in start:
            raise TableError("The workbook is protected by a password: save it without one.")
        raise TableError(f"This is a workbook of an old kind (.xls), or one with a password. {SAVE_AS}")
    for magic, kind in _KINDS:
        if start.startswith(magic):
            raise TableError(f"This is {kind}, not a table of text. {SAVE_AS}")
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_MARKUP):
        raise TableError(f"This is a web page or XML, whatever the file is called. {SAVE_AS}")
    if text.startswith((b'{"', b"[{", b"{\n", b"{\r")):
        raise TableError("This is JSON, not a table. Export CSV or XLSX instead.")


def _check_workbook(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            kind = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, RuntimeError, EOFError, zlib.error):
        raise TableError(
            "The file is cut off or damaged (an XLSX that does not end as it should): upload or export it again."
        ) from None
    if b"opendocument" in kind:
        raise TableError(f"This is an OpenDocument file (.ods). {SAVE_AS}")
    if "xl/workbook.bin" in names:
        raise TableError(f"This is a binary workbook (.xlsb). {SAVE_AS}")
    if "xl/workbook.xml" not in names:
        raise TableError("This is a ZIP archive without a workbook: unpack it and give the CSV or XLSX inside.")
