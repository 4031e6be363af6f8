"""A document's tables as CSV: for every row its section and table, then its cells. Pure.

Whatever a spreadsheet would take for a formula is defused (see `shop_assistant.tables.writing`).
"""

from io import BytesIO

from shop_assistant.tables.writing import CsvWriter

from .document import Document

CELLS = 8


def csv_of(document: Document) -> bytes:
    """UTF-8 with a byte order mark, so that Excel knows it; each table's own heads are its first row."""
    target = BytesIO()
    writer = CsvWriter(target, ["section", "table", *(f"column_{n}" for n in range(1, CELLS + 1))], bom=True)
    lines: list[list[str]] = [["Report", name, value] for name, value in document.facts]
    lines += [["Report", "Verdict", document.verdict], ["Report", "Score", document.score]]
    lines += [["Report", "Summary", line] for line in document.summary]
    lines += [["Report", "To do", line] for line in document.to_do]
    for section in document.sections:
        for table in section.tables:
            lines.append([section.title, table.name, *(column.title for column in table.columns)])
            lines += [[section.title, table.name, *(cell.text for cell in row)] for row in table.rows]
    writer.write([[*line, *[None] * (CELLS + 2 - len(line))] for line in lines])
    writer.close()
    return target.getvalue()
