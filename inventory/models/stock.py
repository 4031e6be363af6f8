"""Where things lie and how they moved. Movements are the truth; levels are their sum, kept in the same transaction."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Trim
from django.utils import timezone

from audit.models import AppendOnly
from shop_assistant.tracking import TrackedManager, tracked

from . import columns
from .catalog import Product


class Warehouse(models.Model):
    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)

    objects = TrackedManager()
    history = tracked()

    def __str__(self) -> str:
        return self.name


class Location(models.Model):
    class Kind(models.TextChoices):
        STORAGE = "storage"
        QUARANTINE = "quarantine", "quarantine (not for sale)"
        TRANSIT = "transit", "in transit"

    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="locations")
    code = models.CharField(max_length=32, unique=True, help_text="such as A-01-01")
    kind = models.CharField(
        max_length=10, choices=Kind, default=Kind.STORAGE, help_text="only what lies in storage can be sold"
    )

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=["storage", "quarantine", "transit"]), name="location_kind_known"
            )
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        """:raises ValidationError: when its kind changes while something lies there; for a second one in transit."""
        before = Location.objects.filter(pk=self.pk).values_list("kind", flat=True).first() if self.pk else None
        if before not in (None, self.kind) and self.levels.exclude(on_hand=0, reserved=0).exists():
            raise ValidationError({"kind": "Something lies there: move it elsewhere first."})
        transit = Location.Kind.TRANSIT
        if self.kind == transit and (other := Location.objects.filter(kind=transit).exclude(pk=self.pk).first()):
            raise ValidationError({"kind": f"Goods in transit lie at {other.code}: there is one such place."})


class Lot(models.Model):
    """Units of a product that came together, or (a serial number) a single one."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="lots")
    code = models.CharField(max_length=64, help_text="lot or serial number, as printed")
    expires_on = models.DateField(null=True, blank=True, help_text="the last day on which it may be sold")
    blocked = models.BooleanField(default=False, help_text="recalled or doubtful: not for sale")
    serial = models.BooleanField(default=False, help_text="a serial number: one unit, in one place")
    created_at = models.DateTimeField(default=timezone.now)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["product", "expires_on", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint("product", Lower("code"), name="lot_once_a_product_in_any_case"),
            models.CheckConstraint(condition=~Q(code="") & Q(code=Trim("code")), name="lot_code_without_outer_spaces"),
        ]
        indexes: ClassVar = [models.Index(fields=["expires_on"], name="lot_expiry")]

    def __str__(self) -> str:
        return f"{self.product.sku} {self.code}"


class StockLevel(models.Model):
    """Balance of one product (of one lot of it) at one location. It changes only together with a movement."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="levels")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="levels")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="levels")
    on_hand = columns.quantity(default=0)
    reserved = columns.quantity(
        default=0, help_text="promised, still on the shelf; with reservations that have run out since (see next_expiry)"
    )
    next_expiry = models.DateTimeField(
        null=True, blank=True, help_text="when the first of the reservations counted here runs out"
    )
    serial = models.BooleanField(default=False, help_text="of a serial number: at most one, in one place")
    oversold = models.BooleanField(
        default=False, help_text="more was sold than there was; only where NEGATIVE_STOCK allows it"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["product", "location"], condition=Q(lot=None), name="level_one_a_place"),
            models.UniqueConstraint(
                fields=["product", "location", "lot"], condition=~Q(lot=None), name="level_one_a_lot_and_place"
            ),
            models.UniqueConstraint(
                fields=["lot"], condition=Q(serial=True, on_hand__gt=0), name="level_serial_in_one_place"
            ),
            models.CheckConstraint(condition=Q(on_hand__gte=0) | Q(oversold=True), name="level_on_hand_not_negative"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & (Q(reserved__lte=F("on_hand")) | Q(oversold=True)),
                name="level_reserved_within_on_hand",
            ),
            models.CheckConstraint(condition=Q(serial=False) | Q(on_hand__lte=1), name="level_serial_at_most_one"),
        ]

    def __str__(self) -> str:
        return f"{self.product.sku} at {self.location.code}"


class StockMovement(AppendOnly):
    class Kind(models.TextChoices):
        RECEIPT = "receipt"
        SALE = "sale"
        RETURN = "return"
        ADJUSTMENT = "adjustment"
        TRANSFER = "transfer"
        COUNT = "count"
        WRITE_OFF = "write_off", "write-off"
        SENT_BACK = "sent_back", "sent back to the supplier"

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="movements")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="movements")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="movements")
    kind = models.CharField(max_length=10, choices=Kind)
    quantity = columns.quantity(help_text="signed: positive comes in, negative goes out")
    balance = columns.quantity(help_text="on hand there (of that lot) afterwards")
    unit_price = columns.money(null=True, blank=True, help_text="charged per unit, for sales and returns")
    unit_cost = columns.money(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    reference = models.CharField(max_length=64, blank=True, help_text="order, count sheet or delivery note")
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)
    occurred_at = models.DateTimeField(default=timezone.now)
    oversold = models.BooleanField(default=False, help_text="it took more than there was")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(quantity=0), name="movement_moves_something"),
            models.CheckConstraint(
                condition=Q(balance__gte=0) | Q(oversold=True), name="movement_balance_not_negative"
            ),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="movement_price_not_negative"),
            models.CheckConstraint(condition=Q(unit_cost__gte=0), name="movement_cost_not_negative"),
            models.CheckConstraint(
                condition=Q(kind__in=["adjustment", "transfer", "count"])
                | Q(kind__in=["receipt", "return"], quantity__gt=0)
                | Q(kind__in=["sale", "write_off", "sent_back"], quantity__lt=0),
                name="movement_sign_fits_kind",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["product", "occurred_at"], name="movement_product_time"),
            models.Index(fields=["reference"], name="movement_reference"),
            models.Index(
                fields=["occurred_at"],
                condition=Q(kind="adjustment") | Q(kind="count") | Q(kind="write_off"),
                name="movement_correction_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.product.sku}"
