"""What belongs to a product's page: packagings, further barcodes, and what a kit is made of."""

from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from audit.admin_base import TabularInline
from inventory.fixed_sql import stock_stand_still
from inventory.gtin import spellings
from inventory.models import Barcode, KitComponent, Packaging


class PackagingInline(TabularInline):
    model = Packaging
    fields = ("name", "quantity")
    extra = 0
    verbose_name_plural = "packagings (other units, such as a box of 12)"


class BarcodeFormSet(BaseInlineFormSet):
    """Codes that are stored already are looked for by the model; here, those that come together."""

    def clean(self) -> None:
        super().clean()
        seen = set(spellings(self.instance.barcode)) if self.instance.barcode else set()
        for form in self.forms:
            code = form.cleaned_data.get("code") if hasattr(form, "cleaned_data") else None
            if not code or form.cleaned_data.get("DELETE"):
                continue
            if seen & set(spellings(code)):
                form.add_error("code", ValidationError(f"{code} is given twice."))
            seen |= set(spellings(code))


class BarcodeInline(TabularInline):
    model = Barcode
    formset = BarcodeFormSet
    fields = ("code", "packaging")
    extra = 0
    verbose_name_plural = "further barcodes"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Only packagings of this product; they have to be stored before."""
        if db_field.name == "packaging":
            key = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
            options["queryset"] = Packaging.objects.filter(product=key or None).select_related("product")
            options["empty_label"] = "the product itself"
        return super().formfield_for_foreignkey(db_field, request, **options)


class KitFormSet(BaseInlineFormSet):
    """What makes it a kit is checked once more when nobody can book stock of it any more."""

    def clean(self) -> None:
        super().clean()
        given = [form for form in self.forms if form.has_changed() and form.is_valid()]
        rows = [form.instance for form in given if not form.cleaned_data.get("DELETE")]
        if rows:
            stock_stand_still()
            for row in rows:
                row.clean()


class KitComponentInline(TabularInline):
    model = KitComponent
    formset = KitFormSet
    fk_name = "kit"
    fields = ("component", "quantity")
    autocomplete_fields = ("component",)
    extra = 0
    verbose_name_plural = "made of (a kit has no stock of its own)"
