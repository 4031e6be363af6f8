"""Which encoding a text is in. The whole file is gone through once: a flaw shows before anything is done. Pure."""

import codecs
import gzip
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from charset_normalizer import from_bytes

from .table import TableError

CHUNK = 1 << 20
SAMPLED_BYTES = 20_000
FEW = 3
"""So many characters beyond ASCII that are right in UTF-8 don't come about by chance."""
NEAR = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1257",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
    "koi8_r",
    "mac_roman",
    "cp850",
]
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WORDS_BEYOND_ASCII = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_LINES_BEYOND_ASCII = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_WESTERN_LETTERS = frozenset(range(0xC0, 0x100)) | frozenset(b"\x8a\x8c\x8e\x92\x9a\x9c\x9e\x9f")
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\x0b\x0c\x1a\x1b")


@dataclass
class Survey:
    encoding: str
    lines: int = 0
    ends_with_newline: bool = False
    notes: list[str] = field(default_factory=list)


class _NotIn(Exception):
    """The text is not in this encoding: from which line on, after how many good characters beyond ASCII."""

    def __init__(self, line: int, good: int, at_end: bool) -> None:
        super().__init__()
        self.line, self.good, self.at_end = line, good, at_end


def survey(opened: Callable[[], IO[bytes]], encoding: str | None = None, *, most: int | None = None) -> Survey:
    """Go through a text once.

    :param opened: opens it from its start.
    :param encoding: where it is known.
    :param most: so many bytes it may unpack to, where it is packed.
    :raises TableError: for binary data, a cut-off archive, or text that is not in its encoding.
    """
    try:
        if most is not None:
            _check_size(opened, most)
        with opened() as file:
            start = file.read(4096)
        if encoding is not None:
            return _known(opened, encoding)
        if not start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and _is_binary(start):
            raise TableError("This is no text file, or it is damaged: export the table as CSV or XLSX.")
        found = next((name for bom, name in _BOMS if start.startswith(bom)), None) or _wide(start)
        return _known(opened, found) if found else _utf8_or_older(opened)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise TableError("The compressed file is cut off or damaged: upload or export it again.") from None
    except OSError as error:
        raise TableError(f"The file can't be read: {error.strerror or error}.") from None


def _check_size(opened: Callable[[], IO[bytes]], most: int) -> None:
    size = 0
    with opened() as file:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise TableError(
                    "The compressed file would unpack to far more than a table is, as files made to do harm do. It was "
                    "not read. Unpack it yourself and give the CSV inside."
                )


def _known(opened: Callable[[], IO[bytes]], encoding: str) -> Survey:
    try:
        codecs.lookup(encoding)
        "".encode(encoding)
    except (LookupError, TypeError, UnicodeError):
        raise TableError(f"There is no encoding {encoding}. Usual ones: utf-8, utf-16, cp1252, iso-8859-15.") from None
    try:
        return _through(opened, encoding)
    except _NotIn as error:
        raise TableError(
            f"Line {error.line} is not written in {encoding}: the file was cut off there, or it is in another "
            "encoding. Save it as CSV UTF-8."
        ) from None


def _utf8_or_older(opened: Callable[[], IO[bytes]]) -> Survey:
    try:
        return _through(opened, "utf-8")
    except _NotIn as error:
        if error.at_end:
            raise TableError(
                "The file is cut off: it ends in the middle of a letter. Upload or export it again."
            ) from None
        if error.good >= FEW:
            raise TableError(
                f"Line {error.line} is not written in UTF-8, though the lines above it are: the file mixes two "
                "encodings. Save it as CSV UTF-8, or name the encoding (--encoding cp1252)."
            ) from None
    encoding = _older(opened)
    try:
        found = _through(opened, encoding)
    except _NotIn as error:
        raise TableError(
            f"The encoding of line {error.line} can't be told. Save the file as CSV UTF-8, or name its encoding "
            "(--encoding cp1252)."
        ) from None
    found.notes.append(f"not UTF-8: read as {encoding}; if letters look wrong, name the encoding (--encoding)")
    return found


def _through(opened: Callable[[], IO[bytes]], encoding: str) -> Survey:
    decoder = codecs.getincrementaldecoder(encoding)()
    result = Survey(encoding)
    lines, good, tail, returns = 0, 0, "", 0
    with opened() as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start]
                raise _NotIn(lines + before.count(b"\n") + 1, good + _beyond(before), not chunk) from None
            if not chunk:
                break
            if "\x00" in text:
                raise TableError(
                    f"Line {lines + text[: text.index(chr(0))].count(chr(10)) + 1} holds binary data: this is no text "
                    "file, or it is damaged. Export it again as CSV or XLSX."
                )
            lines += text.count("\n")
            returns += text.count("\r")
            if not text.isascii():
                good += sum(1 for byte in text[:SAMPLED_BYTES] if byte > "\x7f") or 1
            tail = text[-1:] or tail
    result.ends_with_newline = tail in ("\n", "\r")
    result.lines = (lines or returns) + (not result.ends_with_newline)
    return result


def _beyond(data: bytes) -> int:
    return sum(1 for byte in data[:SAMPLED_BYTES] if byte >= 0xC0)


def _is_binary(start: bytes) -> bool:
    return sum(1 for byte in start if byte in _CONTROL and byte) * 50 > len(start)


def _wide(start: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of mostly Latin text is zero."""
    half = len(start) // 2
    if half >= 2 and b"\x00" in start:
        if start[1::2].count(0) > half * 0.7 and start[::2].count(0) < half * 0.1:
            return "utf-16-le"
        if start[::2].count(0) > half * 0.7 and start[1::2].count(0) < half * 0.1:
            return "utf-16-be"
    return None


def _older(opened: Callable[[], IO[bytes]]) -> str:
    """Windows' Western encoding, unless the words beyond ASCII are clearly of another script or region."""
    sample = bytearray()
    with opened() as file:
        while len(sample) < SAMPLED_BYTES and (chunk := file.read(CHUNK)):
            for line in _LINES_BEYOND_ASCII.finditer(chunk):
                sample += line.group() + b"\n"
                if len(sample) >= SAMPLED_BYTES:
                    break
    text = bytes(sample[:SAMPLED_BYTES])
    if _western(text):
        return "cp1252"
    best = from_bytes(text, cp_isolation=NEAR, threshold=0.4).best()
    return best.encoding if best is not None else "cp1252"


def _western(data: bytes) -> bool:
    """Whether the words with letters beyond ASCII look like words when they are read as cp1252."""
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    words = [word for word in _WORDS_BEYOND_ASCII.findall(data) if len(word) >= FEW]
    inner = b"".join(word[1:-1] for word in words)
    letters = sum(1 for byte in inner if byte < 0x80 or byte in _WESTERN_LETTERS)
    beyond = sum(1 for word in words for byte in word if byte >= 0x80)
    return letters * 10 >= len(inner) * 9 and beyond * 10 <= sum(map(len, words)) * 6
