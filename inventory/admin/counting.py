"""Count sheets: opened, counted and reviewed on pages of their own. Everything goes through the operations."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from unfold.decorators import action, display

from audit.admin_base import ShopAdmin, told
from audit.admin_columns import EMPTY, neat
from audit.admin_filters import DayRangeFilter
from inventory.counting_presenting import PERMISSION, may_know
from inventory.models import CountEntry, CountSheet
from inventory.selectors.counting import with_progress
from shop_assistant.accounts.four_eyes import others_may
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from .counting_pages import Entering, OpenForm
from .counting_review import Review

LIST = "admin:inventory_countsheet_changelist"


def may(request: HttpRequest, operation: str) -> bool:
    return bool(request.user.has_perm(f"agents.inventory.{operation}"))


@admin.register(CountSheet)
class CountSheetAdmin(ShopAdmin):
    export_dataset = "counts"
    list_display = ("reference", "what", "status", "progress", "differing", "value", "created_at", "user_id")
    list_filter = ("status", "abc_class", ("created_at", DayRangeFilter))
    list_filter_submit = True
    list_select_related = ("location", "warehouse")
    search_fields = ("=reference", "location__code", "warehouse__code", "lines__product__sku", "note")
    search_help_text = "count sheet as a whole; place, SKU or note in part"
    ordering = ("-pk",)
    actions_list = ("open_sheet", "import_list", "export_list")
    per_viewer = ("differing", "value")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        own = CountEntry.objects.filter(line__sheet=OuterRef("pk"), user_id=getattr(request.user, "public_id", ""))
        return with_progress(super().get_queryset(request)).annotate(own=Exists(own))

    def get_urls(self) -> list[Any]:
        own = [
            path("open/", self.admin_site.admin_view(self.open_view), name="inventory_countsheet_open"),
            path("<int:pk>/enter/", self.admin_site.admin_view(self.enter_view), name="inventory_countsheet_enter"),
            path("<int:pk>/review/", self.admin_site.admin_view(self.review_view), name="inventory_countsheet_review"),
        ]
        return [*own, *super().get_urls()]

    @display(description="What", ordering="location__code")
    def what(self, sheet: CountSheet) -> str:
        return sheet.scope

    @display(description="Counted")
    def progress(self, sheet: Any) -> str:
        return f"{sheet.counted_lines} of {sheet.all_lines}"

    @display(description="Lines that differ")
    def differing(self, sheet: Any, request: HttpRequest) -> Any:
        return sheet.differing if _known(request, sheet) else EMPTY

    @display(description="Difference, by cost")
    def value(self, sheet: Any, request: HttpRequest) -> Any:
        return neat(sheet.value, 4) if _known(request, sheet) else EMPTY

    def has_open_sheet_permission(self, request: HttpRequest) -> bool:
        return may(request, "count_open")

    def has_import_list_permission(self, request: HttpRequest) -> bool:
        return may(request, "count_enter")

    @action(description="Count something", url_path="count", icon="fact_check", permissions=["open_sheet"])
    def open_sheet(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:inventory_countsheet_open")

    @action(description="Import", url_path="import", icon="upload", permissions=["import_list"])
    def import_list(self, request: HttpRequest) -> HttpResponse:
        return redirect("import", what="counts")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        """The page that is of use now: for entering while it is counted, for the review afterwards."""
        sheet = get_object_or_404(CountSheet, pk=object_id)
        if not self.has_view_permission(request, sheet):
            raise PermissionDenied
        if sheet.counting and may(request, "count_enter"):
            return self.enter_view(request, sheet.pk)
        return self.review_view(request, sheet.pk)

    def open_view(self, request: HttpRequest) -> HttpResponse:
        if not may(request, "count_open"):
            raise PermissionDenied
        form = OpenForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                made = call("inventory", "count_open", form.payload(), user=request.user, channel="admin")
            except AgentError as error:
                form.add_error(None, told(error))
            else:
                messages.success(request, f"{made['sheet']}: {made['lines']} lines to count.")
                for sheet, lines in made["left_out"].items():
                    messages.warning(request, f"{lines} lines are being counted on {sheet} already and were left out.")
                pk = CountSheet.objects.get(reference=made["sheet"]).pk
                return redirect("admin:inventory_countsheet_enter", pk=pk)
        return self._page(request, "inventory/counting_open.html", "Count something", form=form)

    def enter_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Figures, a field for each line. What is booked is not on this page."""
        sheet = self._sheet(request, pk)
        if not may(request, "count_enter"):
            raise PermissionDenied
        page = Entering(request, sheet)
        if request.method == "POST" and (page.close() if "close" in request.POST else page.save()):
            return redirect(page.next())
        return self._page(
            request, "inventory/counting_enter.html", f"Count {sheet}", sheet=sheet, page=page, review=_review(sheet)
        )

    def review_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What differs, by money, and what to do about it."""
        sheet = self._sheet(request, pk)
        user: Any = request.user
        page = Review(request, sheet, known=may_know(sheet, user, user.public_id))
        if request.method == "POST" and page.decide():
            return redirect(_review(sheet))
        rights = {f"may_{name}": may(request, f"count_{name}") for name in ("approve", "recount", "cancel", "enter")}
        return self._page(
            request, "inventory/counting_review.html", f"Review {sheet}", sheet=sheet, page=page, **rights
        )

    def _sheet(self, request: HttpRequest, pk: int) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = with_progress(CountSheet.objects.select_related("location", "warehouse"))
        return get_object_or_404(rows, pk=pk)

    def _page(self, request: HttpRequest, template: str, title: str, **more: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": title, "list_url": reverse(LIST), **more}
        return render(request, template, context)


def _review(sheet: CountSheet) -> str:
    return reverse("admin:inventory_countsheet_review", args=[sheet.pk])


def _known(request: HttpRequest, sheet: Any) -> bool:
    """As `may_know`, without a query for each row of the list."""
    if sheet.status == CountSheet.Status.POSTED:
        return True
    if sheet.counting or not may(request, "count_approve"):
        return False
    if not sheet.own:
        return True
    if not hasattr(request, "_others_may_approve"):
        found = others_may(PERMISSION, getattr(request.user, "public_id", ""))
        request._others_may_approve = found  # type: ignore[attr-defined]
    return not request._others_may_approve  # type: ignore[attr-defined]
