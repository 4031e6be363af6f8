"""Compliance rules, to be set; findings, to be answered; days, as they were judged."""

from datetime import time
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html_join
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from shop_assistant.agents import call
from shop_assistant.agents.errors import AgentError, ValidationFailed

from .admin_base import ReadOnlyAdmin, ShopAdmin, dialog_again, go
from .admin_columns import COLOUR_OF, badge, list_of, may_view, pretty
from .admin_columns import link as leading
from .admin_filters import DayRangeFilter
from .models import ComplianceDay, ComplianceRule, Finding
from .rulebook import Rule, rules

ABOUT = {
    "discount_approval": "pricing.discountapproval",
    "erasure": "customers.erasurerequest",
    "loyalty_entry": "customers.loyaltyentry",
    "movement": "inventory.stockmovement",
    "order": "inventory.order",
    "price_change": "pricing.pricechange",
    "product": "inventory.product",
    "return": "inventory.orderreturn",
    "task": "orchestrator.taskstate",
}
"""Where a finding's entities are looked at, by their type."""
SEARCHED_BY_KEY = frozenset({"discount_approval", "loyalty_entry", "movement", "price_change"})
"""Types whose ids are primary keys: the page itself is led to."""
SET = "set_"
"""What the form's fields of a rule's parameters begin with."""


def rule_form(rule: Rule) -> type[forms.ModelForm[ComplianceRule]]:
    """A form with a field for each of the rule's parameters."""
    names = list(rule.parameters.model_fields)

    class RuleForm(forms.ModelForm[ComplianceRule]):
        class Meta:
            model = ComplianceRule
            fields = ("weight", "active", "blocking")

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            kept = rule.defaults | self.instance.parameters
            for name in names:
                self.fields[SET + name].initial = _shown(kept[name])

        def clean(self) -> dict[str, Any] | None:
            cleaned = super().clean() or self.cleaned_data
            given = {name: cleaned.get(SET + name) for name in names}
            try:
                read = rule.read({name: _plain(value) for name, value in given.items() if value not in (None, "")})
            except ValidationFailed as error:
                for name, message in error.details["fields"].items():
                    self.add_error(SET + name if SET + name in self.fields else None, message)
            else:
                self.instance.parameters = read.model_dump(mode="json")
            return cleaned

    schema = rule.parameters.model_json_schema()["properties"] if names else {}
    fields = {SET + name: _field(name, schema[name]) for name in names}
    return type("RuleForm", (RuleForm,), fields)


def _field(name: str, schema: dict[str, Any]) -> forms.Field:
    common: dict[str, Any] = {"label": name.replace("_", " ").capitalize(), "help_text": schema.get("description", "")}
    if schema.get("type") == "integer":
        return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget, **common)
    if schema.get("type") == "number":
        return forms.DecimalField(widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}), **common)
    return forms.CharField(widget=UnfoldAdminTextInputWidget, **common)


def _shown(value: Any) -> Any:
    """06:00 instead of 06:00:00"""
    if isinstance(value, str) and value.count(":") == 2:
        return time.fromisoformat(value).strftime("%H:%M")
    return value


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str) else float(value)


@admin.register(ComplianceRule)
class ComplianceRuleAdmin(ShopAdmin):
    list_display = ("title", "severity", "weight", "blocking", "active")
    list_filter = ("severity", "active", "blocking")
    search_fields = ("key", "title")
    readonly_fields = ("key", "title", "explanation", "severity", "parameters_shown")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj and (rule := rules().get(obj.key)) and self.has_change_permission(request, obj):
            kwargs["form"] = rule_form(rule)
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        rule = rules().get(obj.key) if obj else None
        names: list[str] = ["parameters_shown"]
        if rule and self.has_change_permission(request, obj):
            names = [SET + name for name in rule.parameters.model_fields]
        return [
            (None, {"fields": ("title", "explanation", "severity", "key")}),
            ("In this shop", {"fields": ("active", "weight", "blocking", *names)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only what can judge a proposal can block it."""
        rule = rules().get(obj.key) if obj else None
        shown = super().get_readonly_fields(request, obj)
        return shown if rule is None or rule.proposed else [*shown, "blocking"]

    @admin.display(description="parameters")
    def parameters_shown(self, rule: ComplianceRule) -> str:
        return pretty(rule.parameters) if rule.parameters else "none"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AnswerForm(BaseDialogForm):
    status = forms.ChoiceField(
        choices=[
            ("explained", "explained: this is why"),
            ("fixed", "fixed: it was put right"),
            ("accepted", "accepted: it stays so, and counts no more"),
            ("open", "open: somebody has to look at it again"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    why = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="in words, without naming a customer",
    )
    confirm = forms.BooleanField(
        label="I accept what I did myself; nobody else may", required=False, widget=UnfoldBooleanSwitchWidget
    )


@admin.register(Finding)
class FindingAdmin(ShopAdmin):
    """Answered through the operation audit.answer_finding."""

    list_display = ("found_at", "severity", "message", "status", "rule", "caused_by", "answered_by")
    list_filter = ("status", "rule__severity", "rule", ("found_at", DayRangeFilter))
    list_filter_submit = True
    list_select_related = ("rule",)
    ordering = ("-found_at",)
    search_help_text = "id of what it is about, or words of the message"
    search_fields = ("=entity_id", "message")
    actions_detail = ("answer_one",)
    fields = (
        "rule",
        "explanation",
        "message",
        "about",
        "records",
        "caused_by",
        "occurred_at",
        "found_at",
        "status",
        "answer",
        "answered_by",
        "answered_at",
    )
    readonly_fields = ("about", "records", "explanation")
    per_viewer = ("about", "records")

    @admin.display(description="severity", ordering="rule__severity")
    def severity(self, finding: Finding) -> Any:
        return badge(finding.rule.severity, COLOUR_OF.get(finding.rule.severity, ""))

    @admin.display(description="how to put it right")
    def explanation(self, finding: Finding) -> str:
        return finding.rule.explanation

    @admin.display(description="about")
    def about(self, finding: Finding, request: HttpRequest) -> Any:
        """What the rule was broken with, and where to look at it."""
        model = ABOUT.get(finding.entity_type)
        name = f"{finding.entity_type.replace('_', ' ')} {finding.entity_id}"
        if not model or not may_view(request, model):
            return name
        if finding.entity_type in SEARCHED_BY_KEY:
            page = f"admin:{model.replace('.', '_')}_change"
            return leading(reverse(page, args=[finding.entity_id]), name)
        return leading(list_of(model, q=finding.entity_id), name)

    @admin.display(description="evidence")
    def records(self, finding: Finding, request: HttpRequest) -> Any:
        """Records of the trail, and references."""
        may = may_view(request, "audit.auditrecord")
        shown = [
            leading(reverse("admin:audit_auditrecord_change", args=[item]), f"record {item}")
            if isinstance(item, int) and may
            else item
            for item in finding.evidence
        ]
        return format_html_join(" · ", "{}", ((item,) for item in shown)) if shown else "none"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_answer_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("agents.audit.answer_finding"))

    @action(
        description="Answer",
        url_path="answer",
        icon="rate_review",
        permissions=["answer"],
        dialog={
            "title": "Answer this finding",
            "description": "Your answer is recorded. What you caused yourself another person accepts.",
            "form_class": AnswerForm,
            "form_submit_text": "Answer",
        },
    )
    def answer_one(self, request: HttpRequest, form: AnswerForm, object_id: str) -> HttpResponse:
        finding = get_object_or_404(Finding, pk=object_id)
        asked = {"finding_id": finding.pk} | {name: form.cleaned_data[name] for name in ("status", "why", "confirm")}
        try:
            made = call("audit", "answer_finding", asked, user=request.user, channel="admin")
        except AgentError as error:
            return dialog_again(request, self.answer_one.dialog, form, "why", error)
        self.message_user(request, f"{finding}: {made['status']}", messages.SUCCESS)
        return go(request, reverse("admin:audit_finding_change", args=[finding.pk]))


@admin.register(ComplianceDay)
class ComplianceDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "score", "threshold", "rules_broken", "judged_at")
    ordering = ("-day",)
    fields = ("day", "score", "threshold", "cases", "judged_at")
    readonly_fields = ("cases",)

    @admin.display(description="rules broken")
    def rules_broken(self, day: ComplianceDay) -> str:
        return ", ".join(sorted(day.broken)) or "none"

    @admin.display(description="cases by rule")
    def cases(self, day: ComplianceDay) -> str:
        return pretty(day.broken) if day.broken else "none"
