"""Admin pages on which staff take data out: a list of the exports, and a form for each that answers with the file.

The file is written whole before it is sent, into a temporary one that has no name: so a failure is told on the page,
and a slow download keeps no transaction open.
"""

import tempfile
from typing import Any, BinaryIO, cast

from django.contrib import admin, messages
from django.db import DatabaseError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from shop_assistant.accounts.limits import address_token
from shop_assistant.agents.errors import AgentError
from shop_assistant.agents.permissions import EXPORT_PERSONAL
from shop_assistant.vault.sealing import WrongKey

from ..operation_forms import place_errors
from .datasets import DATASETS
from .definitions import Dataset
from .forms import ExportForm
from .services import FORMATS, Export, export_ask, export_write, may_export, recorded


def exports_page(request: HttpRequest) -> HttpResponse:
    """What this user may export."""
    allowed = [dataset for dataset in DATASETS.values() if may_export(request.user, dataset)]
    return render(request, "exports/list.html", _page(request, "Exports", datasets=allowed))


def export_page(request: HttpRequest, name: str) -> HttpResponseBase:
    """GET: a form, filled in as the query says. POST: the file, or what was wrong."""
    dataset = DATASETS.get(name)
    if dataset is None or not may_export(request.user, dataset):
        raise Http404
    user: Any = request.user
    form = ExportForm(
        dataset,
        request.POST or None,
        personal=user.has_perm(f"agents.{EXPORT_PERSONAL}"),
        initial={field: text for field, text in request.GET.items() if field != "personal"},
    )
    if request.method == "POST" and form.is_valid() and (answer := _file(request, user, dataset, form)):
        return answer
    return render(request, "exports/form.html", _page(request, f"Export {name}", dataset=dataset, form=form))


def _file(request: HttpRequest, user: Any, dataset: Dataset, form: ExportForm) -> FileResponse | None:
    """The file to download; None when it could not be made, which the page then says."""
    asked = form.cleaned_data
    try:
        export = export_ask(
            dataset=dataset.name,
            user=user,
            format=asked["format"],
            given=form.given(),
            personal=asked.get("personal", False),
            delimiter=asked["delimiter"] or ",",
            bom=asked["bom"],
            address=address_token(request),
        )
        return _answer(export, _written(export, user))
    except AgentError as error:
        messages.error(request, error.message)
        place_errors(form, error.details.get("fields", {}))
    except WrongKey as error:
        messages.error(request, str(error))
    except (OSError, DatabaseError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        messages.error(request, f"The file could not be written ({reason}); try again in a moment.")
    return None


def _written(export: Export, user: Any) -> BinaryIO:
    file = cast(BinaryIO, tempfile.TemporaryFile(prefix="export."))  # noqa: SIM115  (the answer closes it)
    try:
        with recorded(export, user=user, channel="admin") as written:
            export_write(export, file, written)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _answer(export: Export, file: BinaryIO) -> FileResponse:
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"{export.dataset.name}-{timezone.localdate():%Y-%m-%d}.{export.format}",
        content_type=FORMATS[export.format],
    )


def _page(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, **more}


urlpatterns = [
    path("", admin.site.admin_view(exports_page), name="exports"),
    path("<str:name>/", admin.site.admin_view(export_page), name="export"),
]
