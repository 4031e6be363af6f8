"""Admin pages on which a file of products or sales is looked at first and then imported.

The file waits in VAR_DIR/uploads between the two steps, under a name that only its user's session knows.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from shop_assistant.tables.headers import MappingError, parsed
from shop_assistant.tables.reading import TableError

from .importing.sales_result import ImportRefused
from .uploads import KINDS, Kind, Upload, upload_find, upload_keep, upload_remove, uploads_sweep

MOST_BYTES = 10 * 1024 * 1024
FORM_BYTES = 64 * 1024
"""What the form around the file may take."""
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".csv.gz")


class FileForm(forms.Form):
    file = forms.FileField(
        label="File",
        help_text="CSV or XLSX, up to 10 MB",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ",".join(ENDINGS)}),
    )
    preset = forms.ChoiceField(label="What it is", required=False, widget=UnfoldAdminSelectWidget)
    columns = forms.CharField(
        label="Columns",
        required=False,
        max_length=2000,
        help_text="only where the guess is wrong: one a line, such as sku=Article number",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )

    def __init__(self, kind: Kind, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if kind.presets:
            known = [(name, name.replace("_", " ").capitalize()) for name in sorted(kind.presets)]
            self.fields["preset"].choices = [("", "find out by its header"), *known]  # type: ignore[attr-defined]
        else:
            del self.fields["preset"]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not file.name.lower().endswith(ENDINGS):
            raise forms.ValidationError(f"Take a file that ends in {', '.join(ENDINGS)}.")
        return file

    def clean_columns(self) -> str:
        text: str = self.cleaned_data["columns"]
        try:
            parsed(text.splitlines())
        except MappingError as error:
            raise forms.ValidationError(str(error)) from None
        return text


def import_page(request: HttpRequest, what: str) -> HttpResponse:
    """Step one: choose a file. What is sent is kept, and looked at on the next page."""
    kind = _kind(request, what)
    uploads_sweep()
    form = FileForm(kind, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        kept = upload_keep(
            given["file"],
            kind=what,
            user_id=getattr(request.user, "public_id", ""),
            preset=given.get("preset") or None,
            columns=given["columns"],
        )
        return redirect("import-check", what=what, token=kept.token)
    return render(request, "imports/choose.html", _page(request, kind, form=form, what=what))


def check_page(request: HttpRequest, what: str, token: str) -> HttpResponse:
    """Step two: what would happen (GET), and let it happen (POST)."""
    kind, upload = _kind(request, what), _upload(request, what, token)
    if upload is None or not upload.file.exists():
        messages.warning(request, "That file is no longer kept here; choose it again.")
        return redirect("import", what=what)
    really = request.method == "POST"
    try:
        report = kind.run(upload, dry_run=not really)
    except (TableError, MappingError, ImportRefused) as error:
        return _refused(request, what, upload, str(error))
    except DatabaseError:
        return _refused(request, what, upload, "The database refused it; nothing was changed. Try again in a moment.")
    if really:
        upload.file.unlink()
    page = _page(request, kind, report=report, what=what, token=token, file=upload.file.name, done=really)
    return render(request, "imports/report.html", page)


def rejects_file(request: HttpRequest, what: str, token: str) -> FileResponse:
    """The rows that were refused, each with its reason."""
    _kind(request, what)
    upload = _upload(request, what, token)
    if upload is None or not upload.rejects.exists():
        raise Http404("That file is no longer kept here.")
    return FileResponse(upload.rejects.open("rb"), as_attachment=True, filename=upload.rejects.name)


def _refused(request: HttpRequest, what: str, upload: Upload, why: str) -> HttpResponse:
    messages.error(request, f"{upload.file.name}: {why}")
    upload_remove(upload)
    return redirect("import", what=what)


def _kind(request: HttpRequest, what: str) -> Kind:
    kind = KINDS.get(what)
    if kind is None:
        raise Http404
    if not request.user.has_perm(kind.permission):
        raise PermissionDenied
    return kind


def _upload(request: HttpRequest, what: str, token: str) -> Upload | None:
    return upload_find(token, kind=what, user_id=getattr(request.user, "public_id", ""))


def _page(request: HttpRequest, kind: Kind, **more: Any) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": kind.title, "kind": kind, "endings": ENDINGS, **more}


@csrf_exempt
def import_door(request: HttpRequest, what: str) -> HttpResponse:
    """Refuses a body that is too large before anything, the check against forged requests included, reads it."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES + FORM_BYTES:
        context = {"limit": f"{MOST_BYTES // 1024 // 1024} MB", "what": what, "site_title": settings.SHOP_NAME}
        return render(request, "imports/too_large.html", context, status=413)
    return csrf_protect(admin.site.admin_view(import_page))(request, what)


urlpatterns = [
    path("<str:what>/", import_door, name="import"),
    path("<str:what>/<str:token>/", admin.site.admin_view(check_page), name="import-check"),
    path("<str:what>/<str:token>/rejects", admin.site.admin_view(rejects_file), name="import-rejects"),
]
