"""Each rule: a shop that breaks it, and one that keeps just within it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditRecord, CompletenessRun, ComplianceRule, Finding
from audit.rulebook import rules
from audit.sealing import seal
from audit.services import event_record
from shop_assistant.agents import call
from shop_assistant.vault.models import RetentionPeriod, SubjectKey
from shop_assistant.vault.services import key_destroy, key_for
from tests.audit.conftest import lift
from tests.compliance.conduct import (
    BREACHES,
    KEPT,
    Case,
    alone_and_approved,
    correction,
    corrections,
    edited_record,
    reduced,
    rule,
    sale,
    staff,
)
from tests.compliance.conftest import Api, broken, rule_set, verdict

ONLY_BROKEN = {"audit-chain", "audit-gaps", "retention", "own-findings"}
"""Broken in tests of their own."""


def test_every_rule_is_broken_and_kept_below():
    assert {key for key, _ in BREACHES} | ONLY_BROKEN == {key for key, _ in KEPT} | ONLY_BROKEN == set(rules())


def test_a_shop_that_keeps_all_rules(shop, api: Api):
    found = verdict(api("owner"))
    assert (found["compliant"], found["score"], found["threshold"]) == (True, 100, 50)
    assert found["findings"] == []
    assert found["rules_checked"] == sorted(rules())
    assert (found["judged"], found["end"] > found["begin"]) == ("period", True)


@pytest.mark.parametrize(("key", "breach"), BREACHES, ids=[f"{key}-{n}" for n, (key, _) in enumerate(BREACHES)])
def test_a_breach_is_found(key: str, breach: Callable[[], Case], shop, api: Api):
    owner = api("owner")
    case = breach()
    found = verdict(owner)
    assert broken(found) == {key: [case]}
    rule = ComplianceRule.objects.get(key=key)
    assert found["score"] == 100 - rule.weight
    (finding,) = found["findings"]
    assert (finding["title"], finding["severity"]) == (rule.title, rule.severity)
    assert finding["explanation"] == rule.explanation
    assert finding["message"]
    kept = Finding.objects.get()
    assert (kept.rule_id, kept.entity_type, kept.entity_id, kept.status) == (key, *case, "open")
    assert (finding["finding_id"], finding["status"], finding["counts"]) == (kept.pk, "open", True)


@pytest.mark.parametrize(("key", "conduct"), KEPT, ids=[f"{key}-{n}" for n, (key, _) in enumerate(KEPT)])
def test_what_is_within_the_rule_is_not(key: str, conduct: Callable[[], object], shop, api: Api):
    owner = api("owner")
    conduct()
    assert broken(verdict(owner)) == {}


def test_a_bent_trail_is_critical(shop, api: Api, bending):
    case = edited_record(bending)
    found = verdict(api("auditor"))
    assert broken(found) == {"audit-chain": [case]}
    assert (found["compliant"], found["score"]) == (False, 40)
    assert found["findings"][0]["severity"] == "critical"


def test_a_missing_trigger_is_told(shop, api: Api, bending):
    lift("audit_record")
    found = broken(verdict(api("owner")))
    assert set(found) == {"audit-chain"}
    assert all("audit_record" in name for _, name in found["audit-chain"])


def test_only_the_newest_records_are_verified(shop, api: Api, bending):
    rule_set("audit-chain", parameters={"records": 10})
    for _ in range(30):
        event_record("TILL_OPENED", user_id="USER-CLERK")
    seal()
    bending("UPDATE audit_record SET user_id = 'SOMEONE' WHERE seq = 5")
    assert broken(verdict(api("owner"))) == {}
    last = AuditRecord.objects.latest("seq").seq
    bending("UPDATE audit_record SET user_id = 'SOMEONE' WHERE seq = %s", [last - 3])
    assert broken(verdict(api("owner"))) == {"audit-chain": [("audit_record", str(last - 3))]}


def test_gaps_of_the_last_completeness_check(shop, api: Api):
    owner = api("owner")
    gap = {"check": "tasks", "what": "task 1", "message": "task 1 is completed, but nobody told"}
    common = {"milliseconds": 5, "records": 1, "rows": {}}
    now = timezone.now()
    CompletenessRun.objects.create(began_at=now - timedelta(hours=2), gaps=1, shown=[gap], **common)
    assert broken(verdict(owner)) == {"audit-gaps": [("tasks", "task 1")]}
    CompletenessRun.objects.create(began_at=now - timedelta(hours=1), gaps=0, shown=[], **common)
    assert broken(verdict(owner)) == {}


def test_data_kept_past_its_time(shop, api: Api):
    """Of a task two years old the personal data has to be gone; the worker has two days for it."""
    owner, period = api("owner"), RetentionPeriod.objects.get(kind="tasks")
    key = key_for("task:0190f5e0-0000-7000-8000-000000000000")

    def kept_for(days: int) -> dict[str, list[tuple[str, str]]]:
        SubjectKey.objects.filter(pk=key.pk).update(created_at=timezone.now() - timedelta(days=days, hours=1))
        return broken(verdict(owner))

    assert kept_for(period.days + 1) == {}
    assert kept_for(period.days + 2) == {"retention": [("retention", "tasks")]}
    key_destroy(key.subject)
    assert kept_for(period.days + 2) == {}


def test_a_finding_accepted_by_who_caused_it(shop, api: Api, users):
    owner = api("owner")
    correction(-20)
    verdict(owner)
    finding = Finding.objects.get()
    finding.status, finding.answered_by, finding.answered_at = "accepted", finding.caused_by, timezone.now()
    finding.save()
    found = verdict(owner)
    assert broken(found)["own-findings"] == [("finding", str(finding.pk))]
    assert found["score"] == 90  # the accepted case itself counts no more


def test_a_shop_of_one_is_told_and_not_failed(shop, api: Api, users):
    alone_and_approved()
    found = verdict(api("manager"))
    assert (found["score"], found["compliant"]) == (100, True)
    (said,) = found["findings"]
    assert (said["rule"], said["severity"], said["counts"], said["finding_id"]) == ("own-approval", "info", False, None)
    assert "nobody else may" in said["message"]
    assert not Finding.objects.exists()


def test_the_margin_floor_is_the_shops_to_set(shop, api: Api):
    owner = api("owner")
    sale("24.00", tax="4.00")  # 20.00 without tax, 14.50 of it cost: 27.5 %
    assert broken(verdict(owner)) == {}
    rule_set("sale-below-cost", parameters={"margin_percent": 27.5})
    assert broken(verdict(owner)) == {}
    rule_set("sale-below-cost", parameters={"margin_percent": 27.6})
    assert set(broken(verdict(owner))) == {"sale-below-cost"}


def test_shrinkage_within_a_share_of_what_was_sold(shop, api: Api, users):
    owner = api("owner")
    call("sales", "sell", {"lines": [{"sku": "SKU001", "quantity": 100}]}, user=staff("clerk"))
    corrections(-13, -13)
    assert set(broken(verdict(owner))) == {"shrinkage"}
    rule_set("shrinkage", parameters={"percent": 26})
    assert broken(verdict(owner)) == {}


def test_one_sale_after_another_is_no_price_before(shop, api: Api):
    """Two reductions in a row: the second is taken off the list price, though the first had lowered the price."""
    owner = api("owner")
    reduced("30", "30", raised=10, rule_since=2)
    rule("EARLIER", "10", since=timezone.now() - timedelta(days=20), ends_at=timezone.now() - timedelta(days=12))
    assert broken(verdict(owner)) == {"reduction-announced": [("reduction", "SALE GOWN")]}


def test_evidence_begins_with_the_records(shop, api: Api, users):
    sold = call("customers", "loyalty", {"customer_id": "CUST001", "operation": "adjust", "points": 1500,
                                         "reason": "sorry"}, user=staff("manager"))  # fmt: skip
    assert sold["points"] == 1500
    (found,) = verdict(api("owner"))["findings"]
    assert found["caused_by"] == "USER-MANAGER"
    records = AuditRecord.objects.filter(seq__in=found["evidence"])
    assert {record.event for record in records} == {"TASK_STARTED", "TASK_COMPLETED"}
    assert {record.agent for record in records} == {"customers"}
