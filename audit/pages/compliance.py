"""The compliance report on the screen, with its files."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from shop_assistant.accounts.limits import address_token
from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError

from ..admin_base import told
from ..admin_columns import list_of
from ..reporting.charts import MONTHS
from ..reporting.composing import compose
from ..reporting.files import FORMATS, report_file
from ..reporting.schemas import ComplianceReport
from .drawn import sections

MAY_REPORT = "agents.audit.compliance_report"
MAY_ANSWER = "agents.audit.answer_finding"
LATEST = ""


def periods() -> list[tuple[str, str]]:
    """The last 30 days, the last thirteen months, and two years."""
    today = timezone.localdate()
    months = [divmod(today.year * 12 + today.month - 1 - back, 12) for back in range(13)]
    named = [(f"{year}-{month + 1:02}", f"{MONTHS[month]} {year}") for year, month in months]
    return [(LATEST, "last 30 days"), *named, *((str(today.year - n), f"all of {today.year - n}") for n in range(2))]


class PeriodForm(forms.Form):
    """A period to choose, or two days, which then count."""

    period = forms.ChoiceField(choices=periods, required=False, widget=UnfoldAdminSelectWidget())
    first = forms.DateField(required=False, label="or from", widget=UnfoldAdminTextInputWidget({"type": "date"}))
    last = forms.DateField(required=False, label="to", widget=UnfoldAdminTextInputWidget({"type": "date"}))

    def asked(self) -> dict[str, str]:
        """As the operation takes it."""
        given = self.cleaned_data
        days = {"from": given["first"], "to": given["last"]}
        if any(days.values()):
            return {name: day.isoformat() for name, day in days.items() if day}
        return {"period": given["period"]} if given["period"] else {}


def compliance_page(request: HttpRequest) -> HttpResponse:
    """GET: the report. POST: the same as a file."""
    user: Any = request.user
    if not user.has_perm(MAY_REPORT):
        raise PermissionDenied
    form = PeriodForm(request.POST if request.method == "POST" else request.GET)
    report = _report(request, form)
    if request.method == "POST" and report and request.POST.get("format") in FORMATS:
        made = report_file(report=report, format=request.POST["format"], user_id=user.public_id, channel="admin")
        disposition = f'attachment; filename="{made.name}"'
        return HttpResponse(made.content, content_type=made.content_type, headers={"Content-Disposition": disposition})
    document = compose(report) if report else None
    page = {
        **admin.site.each_context(request),
        "title": "Compliance",
        "form": form,
        "document": document,
        "sections": sections(request, document) if document else [],
        "formats": list(FORMATS),
        "may_answer": user.has_perm(MAY_ANSWER),
        "open": sum(rule.open for rule in report.rules) if report else 0,
        "findings_url": list_of("audit.finding", status__exact="open"),
    }
    return render(request, "compliance/report.html", page)


def _report(request: HttpRequest, form: PeriodForm) -> ComplianceReport | None:
    """None where the page has to say what was wrong."""
    if not form.is_valid():
        return None
    context = {"user": request.user, "channel": "admin", "address": address_token(request)}
    try:
        return ComplianceReport.model_validate(call("audit", "compliance_report", form.asked(), **context))
    except AgentError as error:
        messages.error(request, told(error))
        return None
