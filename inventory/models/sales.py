"""Orders. A line freezes what was charged. Whose order it is hangs on from above (customers.CustomerOrder)."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from audit.models import AppendOnly

from . import columns
from .catalog import Product
from .stock import Location


class Order(AppendOnly):
    """A completed sale."""

    reference = models.CharField(max_length=64, unique=True, help_text="such as S-000123")
    channel = models.CharField(max_length=20, default="shop")
    occurred_at = models.DateTimeField(default=timezone.now, db_index=True)
    currency = columns.currency()
    subtotal = columns.money(help_text="before discounts and points; with tax if prices include it")
    discount = columns.money(default=0, help_text="taken off by price rules")
    points_value = columns.money(default=0, help_text="paid with loyalty points")
    tax = columns.money(help_text="contained in or added to the total, as the lines say")
    total = columns.money(help_text="what the customer paid")
    payment = models.CharField(max_length=20, default="cash")
    coupon = models.CharField(max_length=64, blank=True)
    user_id = models.CharField(max_length=32, help_text="who sold it")
    task_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(subtotal__gte=0, discount__gte=0, points_value__gte=0, tax__gte=0, total__gte=0),
                name="order_amounts_not_negative",
            )
        ]

    def __str__(self) -> str:
        return self.reference


class OrderLine(AppendOnly):
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveSmallIntegerField()
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="order_lines")
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, related_name="+", help_text="where it, or most of it, was taken from"
    )
    quantity = columns.quantity()
    base_price = columns.money(help_text="list price of one unit at that time")
    unit_price = columns.money(help_text="charged for one unit, after rules")
    unit_cost = columns.money(null=True, blank=True)
    tax_rate = columns.percent()
    tax = columns.money()
    total = columns.money(help_text="quantity x unit price, plus tax where prices are without")
    rules = models.TextField(blank=True, help_text="codes of the price rules applied, by commas")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "number"], name="line_number_once_an_order"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="line_quantity_positive"),
            models.CheckConstraint(
                condition=Q(base_price__gte=0, unit_price__gte=0, tax__gte=0, total__gte=0),
                name="line_amounts_not_negative",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["product", "order"], name="line_product")]

    def __str__(self) -> str:
        return f"{self.order.reference}/{self.number}"


class OrderLineComponent(AppendOnly):
    """What a kit was made of when it was sold: so a return gives back the same."""

    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="components")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", help_text="as of the line")
    quantity = columns.quantity(help_text="for the whole line")
    unit_cost = columns.money(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(quantity__gt=0), name="line_component_of_some")]

    def __str__(self) -> str:
        return f"{self.quantity:f} {self.product.sku}"


class ReturnedQuantity(models.Model):
    """How much of a line came back so far; the row that parallel returns contend for. It exists from the first on."""

    line = models.OneToOneField(OrderLine, on_delete=models.PROTECT, related_name="returned", primary_key=True)
    sold = columns.quantity(help_text="the line's quantity, repeated for the check")
    quantity = columns.quantity(default=0)
    refunded = columns.money(default=0)

    class Meta:
        verbose_name_plural = "returned quantities"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(quantity__gte=0, refunded__gte=0) & Q(quantity__lte=F("sold")),
                name="returned_not_more_than_sold",
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.sold}"


class OrderReturn(AppendOnly):
    """Goods that came back, and the money that went out for them."""

    reference = models.CharField(max_length=64, unique=True, help_text="such as R-000123")
    order = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="returns",
        help_text="empty: sold before the shop's records began; the movements with this reference say what came back",
    )
    occurred_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=500, blank=True)
    restocked = models.BooleanField(default=True, help_text="the goods came back into the shop's stock")
    disposition = models.CharField(
        max_length=10, default="restock", help_text="what became of the goods: restock, quarantine or write_off"
    )
    total = columns.money(help_text="refunded to the customer")
    tax = columns.money(default=0, help_text="on the goods returned, as the order's lines had it")
    user_id = models.CharField(max_length=32)
    task_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(total__gte=0, tax__gte=0), name="return_amounts_not_negative"),
            models.CheckConstraint(
                condition=Q(disposition="restock")
                | Q(disposition="quarantine", restocked=True)
                | Q(disposition="write_off", restocked=False),
                name="return_disposition_known",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["occurred_at"], condition=Q(order=None), name="return_without_order_time"),
        ]

    def __str__(self) -> str:
        return self.reference


class OrderReturnLine(AppendOnly):
    order_return = models.ForeignKey(OrderReturn, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="return_lines")
    quantity = columns.quantity()
    total = columns.money()
    tax = columns.money(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order_return", "line"], name="return_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, total__gte=0, tax__gte=0), name="return_line_amounts"),
        ]

    def __str__(self) -> str:
        return str(self.line)


class ReferenceCounter(models.Model):
    """The last number given out for each kind of reference (S, R, PO, T); taken under a row lock, without gaps."""

    prefix = models.CharField(max_length=8, primary_key=True)
    last = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.prefix}-{self.last:06d}"
