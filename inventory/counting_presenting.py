"""Count sheets as the operations answer them. What is booked is told to nobody who counts."""

from typing import Any

from django.conf import settings

from shop_assistant.accounts.four_eyes import others_may
from shop_assistant.agents.context import Actor
from shop_assistant.money import round_money

from .counting_schemas import (
    CountApproved,
    CountLineItem,
    CountSheetItem,
    LineRefused,
    LineToCount,
)
from .models import CountLine, CountSheet
from .selectors.count_entering import Refused
from .selectors.counting import has_counted, value_of
from .services.count_posting import PERMISSION, Posted

LONGEST = 500


def may_know(sheet: CountSheet, user: Actor, user_id: str) -> bool:
    """Whether somebody may know what is booked: all once it is posted; before, when counting is over, those who may
    approve it, which of those who counted is only who has nobody else to.
    """
    if sheet.status == CountSheet.Status.POSTED:
        return True
    if sheet.counting or not user.has_perm(f"agents.{PERMISSION}"):
        return False
    return not (has_counted(sheet, user_id) and others_may(PERMISSION, user_id))


def sheet_item(sheet: Any, *, known: bool) -> CountSheetItem:
    """:param sheet: with its progress (`selectors.counting.with_progress`)."""
    return CountSheetItem(
        sheet=sheet.reference,
        status=sheet.status,
        scope=sheet.scope,
        location=sheet.location.code if sheet.location else None,
        warehouse=sheet.warehouse.code if sheet.warehouse else None,
        abc_class=sheet.abc_class or None,
        round=sheet.round,
        recount_units=sheet.recount_units,
        recount_percent=sheet.recount_percent,
        recount_money=sheet.recount_money,
        note=sheet.note,
        lines=sheet.all_lines,
        counted=sheet.counted_lines,
        different=sheet.differing if known else None,
        value=round_money(sheet.value, settings.SHOP_CURRENCY) if known else None,
        currency=settings.SHOP_CURRENCY,
        opened_at=sheet.created_at,
        opened_by=sheet.user_id,
        decided_at=sheet.decided_at,
        decided_by=sheet.decided_by or None,
        approval=approval_of(sheet) if sheet.status == CountSheet.Status.POSTED else None,
    )


def status_of(sheet: CountSheet) -> Any:
    """As the schemas name it."""
    return sheet.status


def approval_of(sheet: CountSheet) -> Any:
    return "self-approved" if sheet.self_approved else "four eyes"


def line_to_count(line: CountLine) -> LineToCount:
    return LineToCount(**_about(line))


def line_item(line: CountLine, *, known: bool) -> CountLineItem:
    entry, product = line.entry, line.product
    shown = entry if known else None
    return CountLineItem(
        **_about(line),
        barcode=product.barcode,
        unit=product.unit,
        tracking=product.tracking,
        recount=line.round > 1,
        counted=entry.quantity if entry else None,
        serials=entry.serials if entry else None,
        counted_at=entry.counted_at if entry else None,
        counted_by=entry.user_id if entry else None,
        reason=line.reason,
        booked=shown.booked if shown else None,
        difference=shown.difference if shown else None,
        value=value_of(line) if shown else None,
    )


def _about(line: CountLine) -> dict[str, Any]:
    return {
        "line": line.number,
        "sku": line.product.sku,
        "product_name": line.product.name,
        "location": line.location.code,
        "lot": line.lot.code if line.lot else None,
    }


def refused_line(refused: Refused) -> LineRefused:
    return LineRefused(
        index=refused.index,
        sku=refused.details["sku"],
        reason=refused.told,
        counted=refused.details.get("counted"),
        counted_by=refused.details.get("counted_by"),
    )


def approved(posted: Posted) -> CountApproved:
    return CountApproved(
        sheet=posted.sheet.reference,
        movements=posted.movements,
        missing=posted.missing,
        surplus=posted.surplus,
        value=posted.value,
        currency=settings.SHOP_CURRENCY,
        approved_by=posted.sheet.decided_by,
        approval=approval_of(posted.sheet),
    )
