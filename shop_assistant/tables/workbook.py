"""An XLSX file written as a stream: the few parts that Office Open XML (ECMA-376, part 1) asks for. Pure.

Text lies in the cells themselves (inline strings), so nothing has to be kept until the end, and a text that begins
like a formula is a text. Written straight into the archive this takes an eighth of openpyxl's time, and leaves no
readable copy in a temporary file.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from typing import IO, BinaryIO

MOST_ROWS = 1_048_576
LONGEST_CELL = 32_767
"""Both are Excel's own limits."""
KEPT = 32_000
"""Of a longer text; then it says how long it was."""
LARGEST_SHEET = 1 << 30
"""Bytes before packing, about: beyond 2 GiB it would need ZIP64, which not every reader of XLSX knows."""
COMPRESSION = 3

Value = str | int | Decimal | bool | None

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_BOLD, _QUOTED = ' s="1"', ' s="2"'
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    "</fills><borders><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_SHEET_BEGINS = (
    f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
_SHEET_ENDS = "</sheetData></worksheet>"
_ODD = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


class WorkbookWriter:
    """Rows of values; booleans, text, whole numbers and decimals keep their kind. A text too long for a cell is cut and
    says so; `cut` counts them.
    """

    def __init__(self, target: BinaryIO, columns: Sequence[str], *, title: str) -> None:
        self._columns, self._title = list(columns), title
        self._archive = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION)
        self._sheets = self._room = self._size = self.cut = 0

    def write(self, rows: Sequence[Sequence[Value]]) -> None:
        while rows:
            if self._room == 0 or self._size > LARGEST_SHEET:
                self._begin_sheet()
            now, rows = rows[: self._room], rows[self._room :]
            self._put(now)

    def close(self) -> None:
        if not self._sheets:
            self._begin_sheet()
        self._end_sheet()
        for name, content in self._parts().items():
            self._archive.writestr(name, content)
        self._archive.close()

    def abandon(self) -> None:
        """Write no more, what was written being of no use: a ZipFile left alone would end the file as it is deleted."""
        self._archive.fp = io.BytesIO()
        if self._sheets:
            self._sheet.close()
        self._archive.close()

    def _begin_sheet(self) -> None:
        if self._sheets:
            self._end_sheet()
        self._sheet: IO[bytes] = self._archive.open(f"xl/worksheets/sheet{self._sheets + 1}.xml", "w")
        self._sheets, self._room, self._size = self._sheets + 1, MOST_ROWS, 0
        self._sheet.write(_SHEET_BEGINS.encode())
        self._put([self._columns], style=_BOLD)

    def _end_sheet(self) -> None:
        self._sheet.write(_SHEET_ENDS.encode())
        self._sheet.close()

    def _put(self, rows: Sequence[Sequence[Value]], style: str = "") -> None:
        cells = "".join(f"<row>{''.join([self._cell(value, style) for value in row])}</row>" for row in rows)
        self._size += self._sheet.write(cells.encode())
        self._room -= len(rows)

    def _cell(self, value: Value, style: str) -> str:
        if value is None or value == "":
            return "<c/>"
        if isinstance(value, str):
            if len(value) > LONGEST_CELL:
                self.cut += 1
                value = f"{value[:KEPT]} … [cut here, of {len(value):,} characters: CSV and JSON lines hold them all]"
            if value[0] in "=+-@":
                style = style or _QUOTED
            return f'<c t="inlineStr"{style}><is><t xml:space="preserve">{xml_text(value)}</t></is></c>'
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        return f"<c><v>{value if isinstance(value, int) else f'{value:f}'}</v></c>"

    def _parts(self) -> dict[str, str]:
        numbers = range(1, self._sheets + 1)
        names = [self._title if n == 1 else f"{self._title} {n}" for n in numbers]
        sheets = "".join(
            f'<sheet name="{xml_text(name)}" sheetId="{n}" r:id="rId{n}"/>'
            for n, name in zip(numbers, names, strict=True)
        )
        targets = {f"rId{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in numbers}
        targets[f"rId{self._sheets + 1}"] = ("styles", "styles.xml")
        overrides = {f"/xl/worksheets/sheet{n}.xml": "worksheet" for n in numbers}
        overrides |= {"/xl/workbook.xml": "sheet.main", "/xl/styles.xml": "styles"}
        kinds = "".join(
            f'<Override PartName="{part}" ContentType="{_TYPE}.{kind}+xml"/>' for part, kind in overrides.items()
        )
        return {
            "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{kinds}</Types>',
            "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
            "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
            f"<sheets>{sheets}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": _relations(targets),
            "xl/styles.xml": _STYLES,
        }


def xml_text(text: str) -> str:
    """Text for XML; what XML can't hold as `_x0001_` (ST_Xstring, ECMA-376 part 1, 22.9.2.19)."""
    return _ODD.sub(_escape, text)


def unescaped(text: str) -> str:
    """A cell's text with its `_x0001_` turned back, which openpyxl leaves to its reader."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _escape(found: re.Match[str]) -> str:
    odd = found[0]
    if odd in _NAMED:
        return _NAMED[odd]
    return f"_x005F_{odd[1:]}" if len(odd) > 1 else f"_x{ord(odd):04X}_"


def _relations(targets: dict[str, tuple[str, str]]) -> str:
    links = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
