"""What suppliers offer, what was ordered from them, what arrived of it and what went back."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from audit.models import AppendOnly
from shop_assistant.tracking import TrackedManager, tracked

from . import columns
from .catalog import Product, Supplier
from .stock import Location, Lot


class SupplierProduct(models.Model):
    """An offer: what a supplier charges for a product, and how it is ordered there. Of several offers the one of the
    product's own supplier is preferred.
    """

    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="offers")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="offers")
    supplier_sku = models.CharField("supplier's SKU", max_length=64, blank=True)
    unit_cost = columns.money(help_text="of one unit of the product, in the shop's currency, without tax")
    pack_size = columns.quantity(default=1, help_text="orders are rounded up to whole packs")
    minimum_order = columns.quantity(default=0, help_text="MOQ")
    lead_time_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="from order to shelf, in days; empty: as learned from what it delivered"
    )

    objects = TrackedManager()
    history = tracked()

    class Meta:
        verbose_name = "supplier's offer"
        verbose_name_plural = "suppliers' offers"
        ordering: ClassVar = ["supplier", "product"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["supplier", "product"], name="offer_once_a_supplier"),
            models.CheckConstraint(condition=Q(unit_cost__gte=0), name="offer_cost_not_negative"),
            models.CheckConstraint(condition=Q(pack_size__gt=0, minimum_order__gte=0), name="offer_sizes"),
        ]

    def __str__(self) -> str:
        return f"{self.product.sku} of {self.supplier.name}"

    @property
    def preferred(self) -> bool:
        """Whether the product is ordered here, where nobody says otherwise."""
        return self.product.supplier_id == self.supplier_id


class PriceBreak(models.Model):
    """From so many units on, an offer costs less."""

    offer = models.ForeignKey(SupplierProduct, on_delete=models.CASCADE, related_name="breaks")
    quantity = columns.quantity(help_text="from so many on")
    unit_cost = columns.money(help_text="of one unit, in the shop's currency, without tax")

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["offer", "quantity"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["offer", "quantity"], name="break_once_a_quantity"),
            models.CheckConstraint(condition=Q(quantity__gt=0, unit_cost__gte=0), name="break_amounts"),
        ]

    def __str__(self) -> str:
        return f"from {self.quantity:f}"


class PurchaseOrder(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft"
        APPROVED = "approved"
        SENT = "sent"
        PARTLY_RECEIVED = "partly_received", "partly received"
        CLOSED = "closed"
        CANCELLED = "cancelled"

    reference = models.CharField(max_length=64, unique=True, help_text="such as PO-000123")
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="purchase_orders")
    status = models.CharField(max_length=15, choices=Status, default=Status.DRAFT)
    currency = columns.currency()
    expected_on = models.DateField(
        null=True, blank=True, help_text="when it should arrive; empty: as its supplier usually takes, once it is sent"
    )
    created_at = models.DateTimeField(default=timezone.now)
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.CharField(max_length=32, blank=True, help_text="user")
    self_approved = models.BooleanField(
        default=False, help_text="by who had made it: within the limit, or because nobody else could"
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="when it was closed or cancelled")
    user_id = models.CharField(max_length=32, help_text="who made or last changed it")
    task_id = models.UUIDField(null=True, blank=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=["draft", "approved", "sent", "partly_received", "closed", "cancelled"]),
                name="purchase_status_known",
            ),
            models.CheckConstraint(
                condition=Q(approved_at=None, approved_by="") | Q(~Q(status="draft"), approved_at__isnull=False),
                name="purchase_approval_told",
            ),
            models.CheckConstraint(
                condition=~Q(status="approved") | Q(approved_at__isnull=False, sent_at=None),
                name="purchase_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(status="partly_received") | Q(sent_at__isnull=False), name="purchase_received_when_sent"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(status__in=["closed", "cancelled"]), name="purchase_end_is_one"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["supplier"],
                condition=Q(status__in=["draft", "approved", "sent", "partly_received"]),
                name="purchase_open",
            )
        ]

    def __str__(self) -> str:
        return self.reference


class PurchaseOrderLine(models.Model):
    purchase_order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="purchase_lines")
    supplier_sku = models.CharField("supplier's SKU", max_length=64, blank=True)
    quantity = columns.quantity()
    unit_cost = columns.money(null=True, blank=True, help_text="of one unit, without tax")
    received = columns.quantity(default=0)
    returned = columns.quantity(default=0, help_text="of what was received, sent back to the supplier")
    most = columns.quantity(
        null=True, blank=True, help_text="so much is accepted: what was ordered, and the supplier's tolerance"
    )
    reason = models.JSONField(default=dict, blank=True, help_text="why this much: expected demand, stock, lead time")

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["purchase_order", "product"], name="purchase_line_once_an_order"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="purchase_quantity_positive"),
            models.CheckConstraint(condition=Q(unit_cost__gte=0), name="purchase_cost_not_negative"),
            models.CheckConstraint(
                condition=Q(received=0) | Q(received__gt=0, most__isnull=False, received__lte=F("most")),
                name="purchase_received_within_most",
            ),
            models.CheckConstraint(
                condition=Q(returned__gte=0, returned__lte=F("received")), name="purchase_returned_was_received"
            ),
        ]

    def __str__(self) -> str:
        return self.product.sku


class Receipt(AppendOnly):
    """A delivery of a purchase order, as it was booked in."""

    reference = models.CharField(max_length=64, unique=True, help_text="such as GR-000123")
    purchase_order = models.ForeignKey(PurchaseOrder, on_delete=models.PROTECT, related_name="receipts")
    delivery_note = models.CharField(max_length=64, blank=True, help_text="the supplier's number")
    received_at = models.DateTimeField(default=timezone.now)
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["purchase_order", "delivery_note"],
                condition=~Q(delivery_note=""),
                name="receipt_once_a_delivery_note",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["received_at"], name="receipt_time")]

    def __str__(self) -> str:
        return self.reference


class ReceiptLine(AppendOnly):
    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(PurchaseOrderLine, on_delete=models.PROTECT, related_name="receipt_lines")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    quantity = columns.quantity()
    unit_cost = columns.money(help_text="charged for one unit, without tax")
    landed = columns.money(default=0, help_text="its share of freight, duty and such")

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="receipt_of_some"),
            models.CheckConstraint(condition=Q(unit_cost__gte=0), name="receipt_cost_not_negative"),
            models.CheckConstraint(condition=Q(landed__gte=0), name="receipt_landed_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity:f} {self.line.product.sku}"


class LandedCost(AppendOnly):
    """What a delivery cost beside its goods; it is part of what these cost."""

    class Kind(models.TextChoices):
        FREIGHT = "freight"
        DUTY = "duty"
        OTHER = "other"

    class By(models.TextChoices):
        VALUE = "value"
        QUANTITY = "quantity"

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="landed_costs")
    kind = models.CharField(max_length=8, choices=Kind)
    amount = columns.money()
    by = models.CharField(max_length=8, choices=By, help_text="what its shares are in proportion to")

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(amount__gt=0), name="landed_cost_of_some")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.receipt.reference}"


class SupplierReturn(AppendOnly):
    """Goods of a purchase order that went back to its supplier."""

    reference = models.CharField(max_length=64, unique=True, help_text="such as SR-000123")
    purchase_order = models.ForeignKey(PurchaseOrder, on_delete=models.PROTECT, related_name="returns")
    reason = models.CharField(max_length=500, blank=True)
    returned_at = models.DateTimeField(default=timezone.now)
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.reference


class SupplierReturnLine(AppendOnly):
    supplier_return = models.ForeignKey(SupplierReturn, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(PurchaseOrderLine, on_delete=models.PROTECT, related_name="return_lines")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    quantity = columns.quantity()
    unit_cost = columns.money(help_text="to be credited for one unit, without tax")

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="supplier_return_of_some"),
            models.CheckConstraint(condition=Q(unit_cost__gte=0), name="supplier_return_cost_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity:f} {self.line.product.sku}"
