"""A report's tables on the screen: what has a page of its own leads there."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from ..admin_columns import badge, link, page_of
from ..reporting.document import Cell, Document, Reference, Section, Table

COLOURS = {"good": "success", "bad": "danger", "warning": "warning"}
READS_TRAIL = "agents.audit.query"
BADGE_MOST = 24
"""Characters that fit in a badge."""

Refer = Callable[[Reference], str | None]


def sections(request: HttpRequest, document: Document) -> list[dict[str, Any]]:
    """For the template: title, text, charts and tables."""

    def refer(reference: Reference) -> str | None:
        return address(request, reference)

    return [_section(section, refer) for section in document.sections]


def address(request: HttpRequest, reference: Reference) -> str | None:
    """Where this user can look at it."""
    if reference.kind == "record":
        return reverse("trail-proof", args=[reference.key]) if request.user.has_perm(READS_TRAIL) else None
    return page_of(request, "audit.finding", reference.key)


def _section(section: Section, refer: Refer) -> dict[str, Any]:
    return {
        "title": section.title,
        "text": section.text,
        "charts": [mark_safe(chart) for chart in section.charts],  # noqa: S308  (ours; what is in it is escaped)
        "tables": [{"name": t.name, "drawn": table_of(t, refer), "empty": t.empty} for t in section.tables],
    }


def table_of(table: Table, refer: Refer = lambda reference: None) -> SafeString | None:
    """None where it has no rows."""
    if not table.rows:
        return None
    heads = ((_side(c.number), c.title) for c in table.columns)
    return format_html(
        '<div class="scrolling"><table class="text-sm w-full trail-table"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>",
        format_html_join("", '<th scope="col" class="font-semibold pr-4 py-2 {}">{}</th>', heads),
        format_html_join("", '<tr class="border-t border-base-200 dark:border-base-800">{}</tr>', (
            (format_html_join("", '<td class="align-top pr-4 py-2 {}">{}</td>', (
                (_side(column.number), shown(cell, refer)) for cell, column in zip(row, table.columns, strict=True)
            )),)
            for row in table.rows
        )),
    )  # fmt: skip


def shown(cell: Cell, refer: Refer) -> Any:
    addresses = [(refer(reference), reference.key) for reference in cell.refers]
    if addresses and all(place for place, _ in addresses):
        others = cell.text.partition("; ")[2]  # what has no page
        links = format_html_join(", ", "{}", ((link(str(place), key),) for place, key in addresses))
        return format_html("{}; {}", links, others) if others else links
    if cell.mark and len(cell.text) <= BADGE_MOST:
        return badge(cell.text, COLOURS[cell.mark])
    return cell.text


def _side(number: bool) -> str:
    return "text-right" if number else "text-left"
