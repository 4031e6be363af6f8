"""Count sheets: what is to be counted, every figure that was entered, and what became of the sheet."""

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from audit.models import AppendOnly
from shop_assistant.tracking import TrackedManager, tracked

from . import columns
from .catalog import Product
from .stock import Location, Lot, Warehouse

ZERO = Decimal(0)


class CountSheet(models.Model):
    """Lines to be counted without knowing what is booked. What was found to differ is booked once another approves."""

    class Status(models.TextChoices):
        OPEN = "open", "open: being counted"
        RECOUNT = "recount", "recount: some lines are counted again"
        COUNTED = "counted", "counted: waits for approval"
        POSTED = "posted", "posted: differences are booked"
        CANCELLED = "cancelled"

    class Class(models.TextChoices):
        ANY = "", "any"
        A = "A"
        B = "B"
        C = "C"

    reference = models.CharField(max_length=64, unique=True, help_text="such as CS-000123")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    abc_class = models.CharField(
        "ABC class",
        max_length=1,
        choices=Class,
        default=Class.ANY,
        blank=True,
        help_text="by turnover of the last 26 weeks",
    )
    named = models.BooleanField(default=False, help_text="only of products that were named when it was opened")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    round = models.PositiveSmallIntegerField(default=1, help_text="2 and above: of a recount, whose lines have it too")
    recount_units = columns.quantity(
        null=True, blank=True, default=5, help_text="a difference of more units is counted again; empty: no limit"
    )
    recount_percent = columns.percent(
        null=True, blank=True, default=10, help_text="the same in percent of what was booked; empty: no limit"
    )
    recount_money = columns.money(null=True, blank=True, help_text="the same in money, by cost; empty: no limit")
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    user_id = models.CharField(max_length=32, help_text="who opened it")
    task_id = models.UUIDField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True, help_text="when it was posted or cancelled")
    decided_by = models.CharField(max_length=32, blank=True)
    self_approved = models.BooleanField(
        default=False, help_text="by one who had counted: nobody else could, so it was confirmed twice"
    )

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=["open", "recount", "counted", "posted", "cancelled"]),
                name="count_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["posted", "cancelled"], decided_at__isnull=False)
                | Q(status__in=["open", "recount", "counted"], decided_at=None),
                name="count_decision_told",
            ),
            models.CheckConstraint(condition=Q(abc_class__in=["", "A", "B", "C"]), name="count_class_known"),
            models.CheckConstraint(
                condition=Q(recount_units__gte=0) | Q(recount_units=None), name="count_units_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(recount_percent__gte=0) | Q(recount_percent=None), name="count_percent_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(recount_money__gte=0) | Q(recount_money=None), name="count_money_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def counting(self) -> bool:
        """Whether figures are still entered: until then nobody is told what is booked."""
        return self.status in (self.Status.OPEN, self.Status.RECOUNT)

    @property
    def scope(self) -> str:
        """What it covers, in words."""
        place = self.location or self.warehouse
        what = f"class {self.abc_class}" if self.abc_class else "named products" if self.named else "everything"
        return f"{what} at {place}" if place else what

    def doubts(self, entry: "CountEntry", cost: Decimal | None) -> bool:
        """Whether a figure is so far from what was booked that it has to be counted again."""
        units, percent, money = self.recount_units, self.recount_percent, self.recount_money
        return bool(
            (units is not None and entry.off > units)
            or (percent is not None and entry.off * 100 > abs(entry.booked) * percent)
            or (money is not None and entry.off * (cost or ZERO) > money)
        )


class CountLine(models.Model):
    """One product (one lot of it) at one place. The figure that counts is the entry it points to."""

    sheet = models.ForeignKey(CountSheet, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField(help_text="place on the sheet, from 1")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    lot = models.ForeignKey(
        Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="not of a serial number"
    )
    round = models.PositiveSmallIntegerField(default=1, help_text="2 and above: counted again")
    entry = models.ForeignKey(
        "CountEntry", on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="empty: to count"
    )
    reason = models.CharField(max_length=500, blank=True, help_text="why it differs, if known")

    class Meta:
        ordering: ClassVar = ["sheet", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sheet", "number"], name="count_line_number"),
            models.UniqueConstraint(
                fields=["sheet", "product", "location"], condition=Q(lot=None), name="count_line_once"
            ),
            models.UniqueConstraint(
                fields=["sheet", "product", "location", "lot"], condition=~Q(lot=None), name="count_line_once_a_lot"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["product", "location"], name="count_line_place")]

    def __str__(self) -> str:
        return f"{self.product.sku} at {self.location.code}"


class CountEntry(AppendOnly):
    """A figure somebody entered, beside what was booked there at the moment of counting."""

    line = models.ForeignKey(CountLine, on_delete=models.PROTECT, related_name="entries")
    round = models.PositiveSmallIntegerField()
    quantity = columns.quantity(help_text="counted")
    booked = columns.quantity(help_text="on hand by the books at that moment")
    off = columns.quantity(help_text="units that are not where the books have them, missing or too many")
    serials = models.JSONField(null=True, blank=True, help_text="serial numbers found")
    booked_lots = models.JSONField(
        null=True,
        blank=True,
        help_text="of serial numbers: units booked by number; those without one under an empty one",
    )
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    counted_at = models.DateTimeField()
    entered_at = models.DateTimeField(default=timezone.now)
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gte=0, off__gte=0), name="count_not_negative"),
            models.CheckConstraint(condition=Q(entered_at__gte=F("counted_at")), name="count_entered_afterwards"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity:f} counted of {self.line}"

    @property
    def difference(self) -> Decimal:
        """More (or, below 0, less) than was booked."""
        return self.quantity - self.booked

    @property
    def moves(self) -> dict[str, Decimal]:
        """What is to be booked, by lot code; the line's own lot is the empty one. Of serial numbers some may be missing
        and others too many.
        """
        if self.serials is None:
            return {"": self.difference} if self.difference else {}
        found = dict.fromkeys(self.serials, Decimal(1))
        booked = {code: Decimal(units) for code, units in (self.booked_lots or {}).items()}
        moved = {code: found.get(code, ZERO) - booked.get(code, ZERO) for code in sorted({*found, *booked})}
        return {code: units for code, units in moved.items() if units}
