"""Count sheets: opened and approved by the management, counted by whoever trades, without knowing what is booked."""

from shop_assistant.agents import Context, Effect, operation
from shop_assistant.agents.errors import Conflict
from shop_assistant.agents.roles import COUNTER, MANAGEMENT, STAFF

from .. import counting_presenting as presenting
from ..counting_schemas import (
    CountApprove,
    CountApproved,
    CountCancel,
    CountCancelled,
    CountClose,
    CountClosed,
    CountDetail,
    CountEnter,
    CountEntered,
    CountOpen,
    CountOpened,
    CountPage,
    CountRecount,
    CountsQuery,
)
from ..models import CountLine, CountSheet
from ..selectors import location_get, products_get
from ..selectors.count_entering import Figure
from ..selectors.counting import count_get, count_lines, count_page, warehouse_get, with_progress
from ..services.count_entering import count_enter
from ..services.count_posting import count_approve
from ..services.counting import count_cancel, count_close, count_open, count_recount


class CountingOperations:
    """Count sheets."""

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="inventory/count-open",
        audit="opened count sheet {sheet} of {scope} with {lines} lines",
    )
    def count_open(self, context: Context, data: CountOpen) -> CountOpened:
        """Open a count sheet: of a bin, a warehouse, an ABC class or named products. Goods may go on moving while it is
        counted.
        """
        products = list(dict.fromkeys(products_get(skus=data.skus).values())) if data.skus else None
        opened = count_open(
            location=location_get(code=data.location) if data.location else None,
            warehouse=warehouse_get(code=data.warehouse) if data.warehouse else None,
            abc_class=data.abc_class or "",
            products=products,
            note=data.note or "",
            user_id=context.user_id,
            task_id=context.task_id,
            recount_units=data.recount_units,
            recount_percent=data.recount_percent,
            recount_money=data.recount_money,
        )
        sheet = opened.sheet
        return CountOpened(
            sheet=sheet.reference, lines=opened.lines, scope=sheet.scope, left_out=dict(sorted(opened.left_out.items()))
        )

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/count-enter",
        audit="entered {entered} figures on count sheet {sheet}",
    )
    def count_enter(self, context: Context, data: CountEnter) -> CountEntered:
        """Enter what was counted, as many lines at once as you like. What is booked is not told. A figure that is there
        already is only replaced by one that names it.
        """
        entered = count_enter(
            sheet=count_get(reference=data.sheet),
            figures=[
                Figure(
                    **line.model_dump(exclude={"serials"}),
                    serials=None if line.serials is None else tuple(line.serials),
                )
                for line in data.lines
            ],
            counted_at=data.counted_at,
            partial=data.partial,
            same_is_well=data.same_is_well,
            user_id=context.user_id,
            task_id=context.task_id,
        )
        sheet = entered.sheet
        return CountEntered(
            sheet=sheet.reference,
            entered=len(entered.lines),
            unchanged=entered.unchanged,
            left=sheet.lines.filter(entry=None, round=sheet.round).count(),
            refused=[presenting.refused_line(found) for found in entered.refused],
        )

    @operation(
        roles=COUNTER,
        effect=Effect.WRITE,
        route="inventory/count-close",
        audit="closed count sheet {sheet}: {status}, {recounting} lines to count again",
    )
    def count_close(self, context: Context, data: CountClose) -> CountClosed:
        """Say that counting is done. Lines far from the books have to be counted again, and are named; without any, the
        sheet waits for approval.
        """
        sheet, again = count_close(sheet=count_get(reference=data.sheet), leave_uncounted=data.leave_uncounted)
        return _closed(sheet, again)

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="inventory/count-recount",
        audit="had {recounting} lines of count sheet {sheet} counted again",
    )
    def count_recount(self, context: Context, data: CountRecount) -> CountClosed:
        """Have lines of a sheet that waits for approval counted again: those named, or every one that differs."""
        sheet, again = count_recount(sheet=count_get(reference=data.sheet), numbers=data.lines)
        return _closed(sheet, again)

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="inventory/count-approve",
        audit="approved count sheet {sheet} ({approval}): {movements} movements, {value} {currency}",
    )
    def count_approve(self, context: Context, data: CountApprove) -> CountApproved:
        """Approve a counted sheet: its differences are booked on top of what has moved since. Another person than who
        counted has to, where the shop has another who may; a shop of one confirms twice, and the record says
        self-approved.
        """
        posted = count_approve(
            sheet=count_get(reference=data.sheet),
            confirm=data.confirm,
            reasons={given.line: given.reason for given in data.reasons},
            user_id=context.user_id,
            task_id=context.task_id,
        )
        return presenting.approved(posted)

    @operation(
        roles=MANAGEMENT,
        effect=Effect.WRITE,
        route="inventory/count-cancel",
        audit="cancelled count sheet {sheet}",
    )
    def count_cancel(self, context: Context, data: CountCancel) -> CountCancelled:
        """Give a count sheet up; nothing of it is booked."""
        sheet = count_cancel(sheet=count_get(reference=data.sheet), user_id=context.user_id)
        return CountCancelled(sheet=sheet.reference, status=presenting.status_of(sheet))

    @operation(roles=STAFF, effect=Effect.READ, route="inventory/counts", audit="looked at count sheets {sheet}")
    def counts(self, context: Context, data: CountsQuery) -> CountDetail | CountPage:
        """List count sheets with their progress, or show one with its lines. What is booked, and so the difference, is
        not told while it is counted, and before it is posted only to those who may approve and have not counted.
        """
        if data.sheet is not None:
            return _detail(context, data, count_get(reference=data.sheet))
        location = location_get(code=data.location) if data.location else None
        sheets, cursor = count_page(status=data.status, location=location, limit=data.limit, cursor=data.cursor)
        posted = CountSheet.Status.POSTED
        return CountPage(
            items=[presenting.sheet_item(sheet, known=sheet.status == posted) for sheet in sheets], next_cursor=cursor
        )


def _detail(context: Context, data: CountsQuery, sheet: CountSheet) -> CountDetail:
    known = presenting.may_know(sheet, context.user, context.user_id)
    if data.only == "different" and not known:
        raise Conflict(f"What differs on {sheet} is not for you to know yet.", status=sheet.status)
    after = min(int(data.cursor or 0), 2**31 - 1)
    lines: list[CountLine] = count_lines(sheet, only=data.only, limit=data.limit + 1, after=after)
    page = lines[: data.limit]
    rows = with_progress(CountSheet.objects.filter(pk=sheet.pk).select_related("location", "warehouse"))
    return CountDetail(
        sheet=sheet.reference,
        summary=presenting.sheet_item(rows.get(), known=known),
        lines=[presenting.line_item(line, known=known) for line in page],
        next_cursor=str(page[-1].number) if len(lines) > data.limit else None,
    )


def _closed(sheet: CountSheet, again: list[CountLine]) -> CountClosed:
    return CountClosed(
        sheet=sheet.reference,
        status=presenting.status_of(sheet),
        recount=[presenting.line_to_count(line) for line in again[: presenting.LONGEST]],
        recounting=len(again),
    )
