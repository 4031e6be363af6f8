"""A document as one page of HTML that needs nothing else: no script, no font, no other file. Pure."""

from html import escape

from .document import Cell, Document, Section, Table

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 3rem; max-width: 60rem; background: #fff; color: #1e293b;
  font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 2px solid #e2e8f0; padding-bottom: .25rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
p { margin: .4rem 0; }
.period { font-size: 1.05rem; color: #475569; margin-bottom: 1.25rem; }
.verdict { display: flex; flex-wrap: wrap; gap: .25rem 2rem; align-items: baseline; border: 2px solid #94a3b8;
  border-left-width: 10px; border-radius: 6px; padding: .9rem 1.2rem; margin: 1rem 0; }
.verdict strong { font-size: 1.5rem; }
.verdict.good { border-color: #15803d; } .verdict.bad { border-color: #c2410c; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0 0 1rem; }
dt { color: #475569; } dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; min-width: 38rem; font-size: .86rem; }
caption { text-align: left; font-weight: 600; font-size: 1rem; padding: 1rem 0 .4rem; }
th { text-align: left; vertical-align: bottom; border-bottom: 2px solid #94a3b8; padding: .3rem .6rem .3rem 0; }
td { vertical-align: top; border-bottom: 1px solid #e2e8f0; padding: .35rem .6rem .35rem 0; overflow-wrap: anywhere; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:last-child, th:last-child { padding-right: 0; }
td:not(.number) { min-width: 6rem; }
.good { color: #166534; } .bad { color: #9a3412; font-weight: 600; } .warning { color: #854d0e; }
.todo { padding-left: 1.2rem; }
svg { width: 100%; min-width: 34rem; height: auto; display: block; margin: .5rem 0; }
footer { margin-top: 3rem; color: #475569; font-size: .8rem; }
@page { size: A4; margin: 16mm 14mm 18mm; @bottom-right { content: "page " counter(page) " of " counter(pages); } }
@media print {
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  h2, h3, caption { break-after: avoid; } tr, svg, .verdict { break-inside: avoid; }
  thead { display: table-header-group; } .wide { overflow: visible; } svg, table { min-width: 0; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def html_of(document: Document) -> bytes:
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{_t(f"{document.title}, {document.period}")}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">""",
        f"<style>{STYLE}</style></head><body>",
        f"<header><h1>{_t(document.title)}</h1>",
        f'<p class="period">{_t(document.shop)} · {_t(document.period)}</p>',
        f'<div class="verdict {document.mark}"><strong>{_t(document.verdict)}</strong>',
        f"<span>Score: {_t(document.score)}</span></div></header>",
        f"<main><dl>{''.join(f'<dt>{_t(n)}</dt><dd>{_t(v)}</dd>' for n, v in document.facts)}</dl>",
        "<h2>Summary</h2>",
        *(f"<p>{_t(line)}</p>" for line in document.summary),
        "<h3>What needs doing</h3>",
        _list(document),
        *(_section(section) for section in document.sections),
        f"</main><footer>{_t(document.foot)}</footer></body></html>\n",
    ]
    return "\n".join(parts).encode()


def _list(document: Document) -> str:
    if not document.to_do:
        return "<p>Nothing.</p>"
    return f'<ol class="todo">{"".join(f"<li>{_t(line)}</li>" for line in document.to_do)}</ol>'


def _section(section: Section) -> str:
    parts = [f"<section><h2>{_t(section.title)}</h2>", *(f"<p>{_t(line)}</p>" for line in section.text)]
    parts += [
        *(f'<div class="wide">{chart}</div>' for chart in section.charts),
        *(_table(table) for table in section.tables),
        "</section>",
    ]
    return "\n".join(parts)


def _table(table: Table) -> str:
    if not table.rows:
        return f"<h3>{_t(table.name)}</h3><p>{_t(table.empty)}</p>"
    heads = "".join(f'<th scope="col"{_number(c.number)}>{_t(c.title)}</th>' for c in table.columns)
    rows = "".join(
        f"<tr>{''.join(_cell(cell, column.number) for cell, column in zip(row, table.columns, strict=True))}</tr>"
        for row in table.rows
    )
    return (
        f'<div class="wide"><table><caption>{_t(table.name)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(cell: Cell, number: bool) -> str:
    text = f'<span class="{cell.mark}">{_t(cell.text)}</span>' if cell.mark else _t(cell.text)
    return f"<td{_number(number)}>{text}</td>"


def _number(number: bool) -> str:
    return ' class="number"' if number else ""


def _t(text: str) -> str:
    return escape(text)
