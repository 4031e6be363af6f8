"""CSV and TSV: encoding, delimiter and header are found, lines are counted as an editor counts them. Pure."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from .encodings import Survey, survey
from .table import (
    LONGEST_CELL,
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_RATIO,
    PREAMBLE,
    SMALL,
    Row,
    Table,
    TableError,
    header_checked,
    header_index,
    header_names,
    is_other_header,
    no_header,
    other_header,
    repeats,
)

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LONGEST_LINE = 5_000_000
SAMPLE_ROWS = 60
SAMPLE_CHARACTERS = 500_000
_END = "\x00end\x00"
"""A line of our own after the last: where it ends up in a cell, a quote was never closed."""


class TextTable(Table):
    def __init__(self, path: Path, *, encoding: str | None, delimiter: str | None, zipped: bool) -> None:
        self._path, self._zipped = path, zipped
        most = min(MOST_BYTES, max(SMALL, MOST_RATIO * path.stat().st_size)) if zipped else None
        self._survey: Survey = survey(lambda: _open(path, zipped), encoding, most=most)
        self.size = self._survey.lines
        self.notes = list(self._survey.notes)
        self._skip = 0
        sample = self._sample()
        if sample and (first := sample[0].strip().lower()).startswith("sep=") and len(first) == 5:
            delimiter, self._skip, sample = delimiter or first[4], 1, sample[1:]
        self.delimiter = delimiter or _delimiter(sample)
        self._file: IO[str] | None = None
        self._find_header(sample)

    def __iter__(self) -> Iterator[Row]:
        width, names, ragged = len(self.header), header_names(self.header), False
        last: Row | None = None
        for number, cells in self._records():
            if number <= self._header_line:
                continue
            if last is not None:
                ragged = ragged or bool(last.problem)
                yield last
                last = None
            count = len(cells)
            if count == width and cells[0] and cells[0] not in names:
                yield Row(number, cells)  # type: ignore[arg-type]  # texts are cells
                continue
            if not any(map(str.strip, cells)):
                continue
            last = self._odd(number, cells, names)
        if last is not None:
            self._check_end(last, ragged, width)
            yield last

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _odd(self, number: int, cells: list[str], names: frozenset[str]) -> Row:
        width = len(self.header)
        if repeats(cells, self.header):
            return Row(number, list(cells), "repeats the header: were two exports joined?")
        if is_other_header(cells, names):
            raise other_header(number)
        if len(cells) > width and not any(map(str.strip, cells[width:])):
            return Row(number, list(cells[:width]))
        if len(cells) == width:
            return Row(number, list(cells))
        return Row(
            number,
            list(cells),
            f"has {len(cells)} cells, the header has {width}: look for a missing quote around text with a "
            f"{self.delimiter!r} in it",
        )

    def _check_end(self, last: Row, ragged: bool, width: int) -> None:
        if last.problem and len(last.cells) < width and not ragged and not self._survey.ends_with_newline:
            raise TableError(
                f"The file is cut off: its last line ({last.number}) has {len(last.cells)} of {width} cells. "
                "Upload or export it again."
            )

    def _find_header(self, sample: list[str]) -> None:
        rows = list(islice(_parsed(sample, self.delimiter), SAMPLE_ROWS))
        if not any(any(map(str.strip, cells)) for _, cells in rows):
            raise TableError("The file holds nothing but empty lines: export it again.")
        index = header_index([cells for _, cells in rows])
        if index is None:
            number, cells = next((n, c) for n, c in rows if any(map(str.strip, c)))
            raise no_header(cells, number + self._skip)
        number, cells = rows[index]
        self._header_line = number + self._skip
        self.header = header_checked(cells, self._header_line)
        if index > 0 and any(any(map(str.strip, c)) for _, c in rows[:index]):
            self.notes.append(f"took line {self._header_line} for the header and left out what stands above it")

    def _sample(self) -> list[str]:
        lines: list[str] = []
        characters = 0
        with self._text() as file:
            for line in _lines(file):
                lines.append(line)
                characters += len(line)
                if len(lines) >= SAMPLE_ROWS * 5 or characters > SAMPLE_CHARACTERS:
                    break
        return lines

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every record, the header's too."""
        self.close()
        self._file = self._text()
        lines = _lines(self._file)
        for _ in range(self._skip):
            next(lines, None)
        for number, cells in _parsed(lines, self.delimiter, ends=True):
            yield number + self._skip, cells

    def _text(self) -> IO[str]:
        return io.TextIOWrapper(_open(self._path, self._zipped), encoding=self._survey.encoding, newline="")


def _open(path: Path, zipped: bool) -> IO[bytes]:
    return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value]  # both read bytes


def _lines(file: IO[str]) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise TableError(
                f"Line {number} is longer than {LONGEST_LINE:,} characters: this is no table with one product or sale "
                "a line. Export it again as CSV."
            )
        yield line


def _parsed(lines: Iterable[str], delimiter: str, *, ends: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Records with the number of the line they begin on.

    :param ends: these are all lines of the file, so that an open quote at their end is a flaw.
    :raises TableError: for a quote that is never closed, or a cell too long.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(_with_end(lines) if ends else lines, delimiter=delimiter)
    begins = 1
    try:
        for cells in reader:
            if ends and cells and _END in cells[-1]:
                if len(cells) > 1 or cells[0] != _END:
                    raise TableError(
                        f'The file ends within a quoted text that begins in line {begins}: it was cut off, or a " is '
                        "missing there. Upload or export it again."
                    )
                return
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error:
        raise TableError(
            f'The text that begins in line {begins} is longer than {LONGEST_CELL:,} characters: a " is missing or too '
            "many there. Mend the line, or export the file again."
        ) from None


def _with_end(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith(("\n", "\r")) else f"{line}\n"
    yield _END


def _delimiter(sample: list[str]) -> str:
    """The one that cuts the header and most of the lines below into the same number of cells, the most of them."""

    def rank(delimiter: str) -> tuple[bool, bool, int]:
        rows = [cells for _, cells in islice(_parsed(sample, delimiter), SAMPLE_ROWS) if any(map(str.strip, cells))]
        if not rows:
            return False, True, 0
        index = header_index(rows[: PREAMBLE + 1]) or 0
        header, below = rows[index], rows[index + 1 :]
        alike = sum(1 for cells in below if len(cells) == len(header))
        clean = not any(other in name for name in header for other in DELIMITERS if other != delimiter)
        return len(header) > 1 and alike * 2 >= len(below), clean, min(len(header), MOST_COLUMNS + 1)

    return max(DELIMITERS, key=rank)
