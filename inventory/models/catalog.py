"""What the shop sells and who delivers it."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Trim
from stdnum import ean

from inventory.gtin import spellings
from shop_assistant.tracking import TrackedManager, tracked

from . import columns


def validate_gtin(value: str) -> None:
    """GTIN-8, -12, -13 or -14 with its check digit (GS1 General Specifications, 7.9)."""
    if len(value) not in (8, 12, 13, 14) or not ean.is_valid(value):
        raise ValidationError("This is no valid GTIN: it has 8, 12, 13 or 14 digits, the last one being the check.")


class Category(models.Model):
    name = models.CharField(max_length=100, unique=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        verbose_name_plural = "categories"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Supplier(models.Model):
    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    lead_time_days = models.PositiveSmallIntegerField(default=7, help_text="from order to shelf, in days")
    lead_time_spread = models.DecimalField(
        max_digits=5, decimal_places=2, default=0, help_text="standard deviation of the lead time, in days"
    )
    over_delivery = columns.percent(default=0, help_text="percent that may arrive beyond what was ordered")
    active = models.BooleanField(default=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(lead_time_spread__gte=0), name="supplier_spread_not_negative"),
            models.CheckConstraint(condition=Q(over_delivery__range=(0, 100)), name="supplier_over_delivery_a_percent"),
        ]

    def __str__(self) -> str:
        return self.name


class Unit(models.TextChoices):
    PIECE = "piece", "piece"
    KILOGRAM = "kg", "kilogram"
    LITRE = "l", "litre"
    METRE = "m", "metre"


class Tracking(models.TextChoices):
    NONE = "none", "not"
    LOT = "lot", "by lot"
    SERIAL = "serial", "by serial number"


class Product(models.Model):
    sku = models.CharField("SKU", max_length=64, unique=True)
    name = models.CharField(max_length=200)
    barcode = models.CharField(
        max_length=14, unique=True, null=True, blank=True, validators=[validate_gtin], help_text="GTIN"
    )
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="products")
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, null=True, blank=True, related_name="products")
    unit = models.CharField(max_length=10, choices=Unit, default=Unit.PIECE)
    cost = columns.money(null=True, blank=True, help_text="what one unit costs the shop, without tax")
    list_price = columns.money(help_text="what one unit costs the customer; with tax if PRICES_INCLUDE_TAX")
    tax_rate = columns.percent(default=20, help_text="percent")
    tracking = models.CharField(
        max_length=6, choices=Tracking, default=Tracking.NONE, help_text="whether its units are told apart"
    )
    shelf_life_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="from receipt to expiry, where a delivery does not say; empty: it keeps"
    )
    active = models.BooleanField(default=True)
    needs_review = models.BooleanField(
        default=False, help_text="made by an import from a sales file: look at name, price and tax"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["sku"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("sku"), name="product_sku_unique_in_any_case"),
            models.CheckConstraint(condition=~Q(sku="") & Q(sku=Trim("sku")), name="product_sku_without_outer_spaces"),
            models.CheckConstraint(condition=Q(cost__gte=0), name="product_cost_not_negative"),
            models.CheckConstraint(condition=Q(list_price__gte=0), name="product_price_not_negative"),
            models.CheckConstraint(condition=Q(tax_rate__range=(0, 100)), name="product_tax_rate_a_percentage"),
            models.CheckConstraint(condition=Q(unit__in=Unit.values), name="product_unit_known"),
            models.CheckConstraint(condition=Q(tracking__in=Tracking.values), name="product_tracking_known"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    @property
    def counted_in_pieces(self) -> bool:
        return self.unit == Unit.PIECE

    def clean(self) -> None:
        """:raises ValidationError: for a barcode that is another's, or units told apart while some lie there."""
        code_must_be_free(self.barcode, "barcode", product=self)
        before = Product.objects.filter(pk=self.pk).values_list("tracking", flat=True).first() if self.pk else None
        if before in (None, self.tracking):
            return
        if self.levels.exclude(on_hand=0).exists():
            raise ValidationError({"tracking": "Some of it is in stock: change this once none is, or book it out."})
        if self.components.exists():
            raise ValidationError({"tracking": "This is a kit: its components are told apart, not the kit."})


class Packaging(models.Model):
    """Another unit in which a product is counted, bought or sold: a box of 12, a pound of 0.454 kg."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="packagings")
    name = models.CharField(max_length=32, help_text="such as box")
    quantity = columns.quantity(help_text="of the product's unit in one of these")

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["product", "quantity"]
        constraints: ClassVar = [
            models.UniqueConstraint("product", Lower("name"), name="packaging_once_a_product"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="packaging_holds_something"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.quantity.normalize():f} {self.product.sku}"


class Barcode(models.Model):
    """A further barcode of a product, or that of a packaging, beside the product's own."""

    code = models.CharField(max_length=14, unique=True, validators=[validate_gtin], help_text="GTIN")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="barcodes")
    packaging = models.ForeignKey(Packaging, on_delete=models.PROTECT, null=True, blank=True, related_name="barcodes")

    objects = TrackedManager()
    history = tracked()

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        """:raises ValidationError: for a code that is another's, or a packaging of another product."""
        code_must_be_free(self.code, "code", product=self.product, barcode=self)
        if self.packaging and self.packaging.product_id != self.product_id:
            raise ValidationError({"packaging": f"This is a packaging of {self.packaging.product.sku}."})


def code_must_be_free(
    code: str | None, field: str, *, product: Product | None = None, barcode: Barcode | None = None
) -> None:
    """No two things have the same GTIN, in any of its spellings: neither as a product's own nor as a further one.

    :param product: whose code it is; with `barcode`, as a further one.
    :raises ValidationError: naming who has it.
    """
    if not code:
        return
    asked = spellings(code)
    owners = Product.objects.filter(barcode__in=asked)
    if barcode is None and product is not None:
        owners = owners.exclude(pk=product.pk)
    further = Barcode.objects.filter(code__in=asked)
    if barcode is not None and barcode.pk:
        further = further.exclude(pk=barcode.pk)
    found = owners.first() or next((row.product for row in further.select_related("product")), None)
    if found is not None:
        whose = "this product" if product is not None and found.pk == product.pk else found.sku
        raise ValidationError({field: f"{code} is a barcode of {whose} already."})


class KitComponent(models.Model):
    """So much of a component is in one kit. A kit has no stock of its own, and a component is no kit."""

    kit = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="components")
    component = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="in_kits")
    quantity = columns.quantity(help_text="of the component's unit in one kit")

    objects = TrackedManager()
    history = tracked()

    class Meta:
        ordering: ClassVar = ["kit", "component"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kit", "component"], name="component_once_a_kit"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="component_of_some"),
            models.CheckConstraint(condition=~Q(kit=F("component")), name="component_is_another"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity:f} {self.component.sku} in {self.kit.sku}"

    def clean(self) -> None:
        """:raises ValidationError: for a kit within a kit, and for one that has stock, lots or serial numbers."""
        if not self.component_id:
            return  # that it is missing is said beside its field
        kit, component = self.kit, self.component
        if kit.pk == component.pk:
            raise ValidationError({"component": "A kit is not made of itself."})
        if component.components.exists():
            raise ValidationError({"component": f"{component.sku} is a kit: name what that is made of."})
        _check_can_be_kit(kit)


def _check_can_be_kit(kit: Product) -> None:
    if kit.tracking != Tracking.NONE:
        raise ValidationError(f"{kit.sku} is told apart by lot or serial number: a kit's components are, not a kit.")
    if not kit.pk:
        return
    if whole := kit.in_kits.select_related("kit").first():
        raise ValidationError(f"{kit.sku} is part of the kit {whole.kit.sku}, so it can't be a kit itself.")
    if kit.levels.exclude(on_hand=0, reserved=0).exists():
        raise ValidationError(
            f"{kit.sku} has stock of its own: book it out, or over to what it is made of, first; what is reserved of "
            "it is sold or released before."
        )
    coming = kit.purchase_lines.filter(purchase_order__ended_at=None, received__lt=F("quantity"))
    if line := coming.select_related("purchase_order").first():
        raise ValidationError(
            f"{kit.sku} is still to come with {line.purchase_order}, and a kit is not bought: take it off that "
            "purchase order, close or cancel it first."
        )
