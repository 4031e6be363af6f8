"""Products and what they belong to."""

from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from audit.admin_base import ReadOnlyInline, ShopAdmin, StackedInline, dialog_again, go
from audit.admin_columns import badge, link, list_of, neat
from inventory.models import Category, Location, Product, ReorderPolicy, StockLevel, Warehouse
from inventory.pages.product import stock_card as stock_card_page
from inventory.selectors import oversold_only, with_available
from inventory.selectors.available import REORDER_POINT, low_counted
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .forms import StockForm
from .packs import BarcodeInline, KitComponentInline, PackagingInline

SEE_ALSO = (
    ("Movements", "inventory.stockmovement"),
    ("Lots", "inventory.lot"),
    ("Sold", "inventory.orderline"),
    ("Forecast", "inventory.forecast"),
    ("On order", "inventory.purchaseorder"),
    ("Suppliers' offers", "inventory.supplierproduct"),
    ("Price rules", "pricing.pricerule"),
    ("Planned prices", "pricing.pricechange"),
    ("Recommendations", "pricing.pricerecommendation"),
)


class StockFilter(admin.SimpleListFilter):
    title, parameter_name = "stock", "stock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("low", "At or below the reorder point"), ("none", "Nothing left"), ("oversold", "Oversold")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "low":  # see LowPaginator
            request.only_low = True  # type: ignore[attr-defined]
            return queryset
        if self.value() == "none":
            return queryset.filter(active=True, available__lte=0)
        return oversold_only(queryset) if self.value() == "oversold" else queryset


class LowPaginator(Paginator):
    """Pages of the products that run low: a page is found product by product, in their order, and ends when it is full;
    all of them are counted in another way, which takes less than half the time.
    """

    def __init__(self, products: QuerySet[Any], *args: Any, among: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(products, *args, **kwargs)
        self.among = among

    @cached_property
    def count(self) -> int:
        return low_counted(self.among).count()


class ReorderPolicyInline(StackedInline):
    model = ReorderPolicy
    extra = 0


class StockLevelInline(ReadOnlyInline):
    model = StockLevel
    fields = ("location", "lot", "on_hand", "reserved")
    verbose_name_plural = "where it lies"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("lot__product")


@admin.register(Product)
class ProductAdmin(ShopAdmin):
    export_dataset = "inventory"
    list_display = ("sku", "name", "category", "available", "unit", "list_price", "cost", "tax_rate", "state")
    list_filter = (
        StockFilter,
        "active",
        "needs_review",
        ("category", RelatedDropdownFilter),
        ("supplier", RelatedDropdownFilter),
        "unit",
    )
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER  # to count every choice of every filter takes seconds, and see LowPaginator
    search_fields = ("sku", "name", "barcode")
    search_help_text = "SKU, name or barcode, in part"
    autocomplete_fields = ("category", "supplier")
    inlines = (StockLevelInline, PackagingInline, BarcodeInline, KitComponentInline, ReorderPolicyInline)
    actions_list = ("import_list", "export_list")
    actions_detail = ("stock_card", "adjust_stock", "sell")
    actions_row = ("stock_card", "adjust_stock")
    fieldsets = (
        (None, {"fields": ("sku", "name", "barcode", "category", "supplier", "unit")}),
        ("Told apart", {"fields": ("tracking", "shelf_life_days")}),
        ("State", {"fields": ("active", "needs_review", "see_also")}),
        ("Price", {"fields": ("list_price", "cost", "tax_rate")}),
    )
    readonly_fields = ("see_also",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:

        return with_available(super().get_queryset(request)).annotate(point=REORDER_POINT)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What narrows the list last: until here the filter of what runs low has only been asked for."""
        rows, twice = super().get_search_results(request, queryset, search_term)
        if not hasattr(request, "only_low"):
            return rows, twice
        request.among = rows  # type: ignore[attr-defined]
        return rows.filter(active=True, available__lte=F("point")), twice

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], per_page: int, *args: Any, **kw: Any) -> Any:
        if not hasattr(request, "among"):
            return super().get_paginator(request, queryset, per_page, *args, **kw)
        return LowPaginator(queryset, per_page, *args, among=request.among, **kw)

    @display(description="Available", ordering="available")
    def available(self, product: Any) -> Any:
        shown = neat(product.available, 3)
        return badge(shown, "danger") if product.active and product.available <= product.point else shown

    @display(description="State", ordering="active")
    def state(self, product: Product) -> Any:
        if not product.active:
            return badge("not for sale")
        return badge("to review", "warning") if product.needs_review else badge("for sale", "success")

    @display(description="See also")
    def see_also(self, product: Product) -> Any:
        if not product.pk:
            return "nothing yet"
        return format_html_join(" · ", "{}", ((place,) for place in _places(product)))

    def has_stock_card_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.has_view_permission(request)

    def has_adjust_stock_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("agents.inventory.update"))

    def has_sell_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("agents.sales.sell"))

    def has_import_list_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("inventory.add_product"))

    @action(description="Stock card", url_path="stock-card", icon="monitoring", permissions=["stock_card"])
    def stock_card(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return stock_card_page(request, object_id)

    @action(description="Import", url_path="import", icon="upload", permissions=["import_list"])
    def import_list(self, request: HttpRequest) -> HttpResponse:
        return redirect("import", what="products")

    @action(description="Sell", url_path="sell", icon="point_of_sale", permissions=["sell"])
    def sell(self, request: HttpRequest, object_id: str) -> HttpResponse:
        product = get_object_or_404(Product, pk=object_id)
        return redirect(reverse("operation", args=["sales", "sell"], query={"lines": f"{product.sku} 1"}))

    @action(
        description="Adjust stock",
        url_path="adjust-stock",
        icon="inventory_2",
        permissions=["adjust_stock"],
        dialog={
            "title": "Adjust stock",
            "description": "Booked as a movement in your name.",
            "form_class": StockForm,
            "form_submit_text": "Book",
        },
    )
    def adjust_stock(self, request: HttpRequest, form: StockForm, object_id: str) -> HttpResponse:
        product = get_object_or_404(Product, pk=object_id)
        try:
            made = call(
                "inventory", "update", {"sku": product.sku, **form.payload()}, user=request.user, channel="admin"
            )
        except AgentError as error:
            return dialog_again(request, self.adjust_stock.dialog, form, "amount", error)
        messages.success(request, f"{product.sku}: {made['previous_quantity']} → {made['quantity']} on hand")
        return go(request, reverse("admin:inventory_product_change", args=[product.pk]))


def _places(product: Product) -> list[Any]:
    """Lists of everything about a product."""
    by = {"inventory.purchaseorder": {"q": product.sku}}
    return [link(list_of(model, **by.get(model, {"product__id__exact": product.pk})), name) for name, model in SEE_ALSO]


@admin.register(Category)
class CategoryAdmin(ShopAdmin):
    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Warehouse)
class WarehouseAdmin(ShopAdmin):
    list_display = ("code", "name")
    search_fields = ("code", "name")


@admin.register(Location)
class LocationAdmin(ShopAdmin):
    list_display = ("code", "warehouse", "kind")
    list_filter = ("warehouse", "kind")
    search_fields = ("code",)
