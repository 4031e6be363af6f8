"""What a report says, against what was done."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.anchors.keeping import anchor_due
from audit.checkpoints import checkpoint_write
from audit.completeness import completeness_run
from audit.judged_days import day_judge
from audit.models import AuditRecord, Finding, Outbox
from audit.reporting.periods import PeriodError, days_of
from audit.sealing import seal
from inventory.models import Category
from shop_assistant.agents import Role
from tests.compliance.conftest import rule_set
from tests.reporting.conftest import REPORT, report

Api = Callable[[str | None], Any]
TODAY = date(2026, 3, 15)


def rule_in(found: dict[str, Any], key: str) -> dict[str, Any]:
    return dict(next(rule for rule in found["rules"] if rule["rule"] == key))


def test_who_changed_what(lived: Api, users: dict[Role, Any]):
    client = Client()
    client.force_login(users[Role.OWNER])
    client.post("/admin/inventory/category/add/", {"name": "Garden"})
    assert Category.objects.filter(name="Garden").exists()
    changes = {(c["user_id"], c["area"], c["kind"]): c["count"] for c in report(lived("auditor"))["changes"]}
    people = {key: count for key, count in changes.items() if key[0].startswith("USER-")}
    assert people == {
        ("USER-CLERK", "Sales", "sales.sell"): 3,
        ("USER-OWNER", "Sales", "sales.sell"): 1,
        ("USER-MANAGER", "Stock", "inventory.update"): 1,
        ("USER-OWNER", "Trail and findings", "audit.compliance_check"): 1,
        ("USER-OWNER", "Stock", "category added"): 1,
    }


def test_reading_is_no_change_but_told_as_access(lived: Api):
    lived("clerk").post("/api/inventory/query", {"sku": "SKU001"})
    lived("auditor").get("/api/ai/audit")
    lived("auditor").get("/api/audit/checkpoints")
    found = report(lived("auditor"))
    assert "inventory.query" not in {change["kind"] for change in found["changes"]}
    accesses = {access["user_id"]: access for access in found["accesses"]}
    assert accesses["USER-AUDITOR"]["trail_read"] == 2
    assert found["people"]["USER-AUDITOR"] == "auditor"


def test_findings_and_answers(lived: Api):
    kept = Finding.objects.get(rule_id="stock-without-reason")
    found = report(lived("manager"))
    told = {f["finding_id"]: f for f in found["findings"]}
    assert found["findings_count"] == len(told) == Finding.objects.count()
    assert (told[kept.pk]["status"], told[kept.pk]["evidence"]) == ("open", kept.evidence)
    assert all(AuditRecord.objects.filter(seq=seq).exists() for seq in kept.evidence if isinstance(seq, int))
    broken = rule_in(found, "stock-without-reason")
    assert (broken["costs"], broken["open"], broken["cases"]) == (True, 1, 1)
    assert found["score"] == 100 - sum(rule["weight"] for rule in found["rules"] if rule["costs"]) < 100
    answer = {"finding_id": kept.pk, "status": "accepted", "why": "counted twice, and seen"}
    assert lived("owner").post("/api/audit/answer-finding", answer).status_code == 200
    accepted = report(lived("manager"))
    assert accepted["score"] == found["score"] + broken["weight"]
    last = accepted["findings"][-1]
    assert (last["finding_id"], last["status"]) == (kept.pk, "accepted")
    assert (last["answer"], last["answered_by"]) == (answer["why"], "USER-OWNER")
    now = rule_in(accepted, "stock-without-reason")
    assert (now["costs"], now["open"], now["accepted"], now["cases"]) == (False, 0, 1, 1)


def test_a_day_that_nobody_judged_has_no_score(lived: Api):
    assert day_judge(timezone.localdate() - timedelta(days=2))
    found = report(lived("owner"))
    scores = {day["day"]: day["score"] for day in found["days"]}
    assert len(scores) == 30
    the_day = str(timezone.localdate() - timedelta(days=2))
    assert [day for day, score in scores.items() if score is not None] == [the_day]
    assert "1 of 30 days were judged the night after" in " ".join(found["summary"])


def test_a_period_without_records_is_not_called_compliant(lived: Api):
    found = report(lived("owner"), **{"from": "2019-01-01", "to": "2019-01-31"})
    assert (found["score"], found["compliant"], found["coverage"]["records"]) == (None, None, 0)
    assert found["summary"][0].startswith("Nothing was recorded")


def test_below_the_threshold(lived: Api, settings: Any):
    settings.COMPLIANCE_THRESHOLD = 90
    found = report(lived("owner"))
    assert (found["compliant"], found["threshold"]) == (False, 90)
    assert "not compliant" in found["summary"][0]
    assert any("open warning finding" in line for line in found["to_do"])


def test_what_was_broken_since_the_last_check_needs_doing_too(lived: Api):
    rule = "Large stock corrections say why and are seen by a second person"
    assert not any(rule in line for line in report(lived("owner"))["to_do"]), "its finding is kept, and is open"
    QuerySet(Finding).all()._raw_delete("default")
    told = [line for line in report(lived("owner"))["to_do"] if rule in line]
    assert len(told) == 1
    assert "manage.py compliance_check" in told[0]


def test_a_rule_that_is_off_is_said_to_be(lived: Api):
    rule_set("stock-without-reason", active=False)
    off = rule_in(report(lived("owner")), "stock-without-reason")
    assert (off["checked"], off["costs"]) == (False, False)


def test_coverage(lived: Api, anchor_file: Any):
    cover = report(lived("owner"))["coverage"]
    assert (cover["checkpoint"], cover["completeness"]) == (None, None)
    assert [(a["kind"], a["held"], a["covers"]) for a in cover["anchors"]] == [("file", "nothing", False)]
    checkpoint_write()
    anchor_due(quick=True)
    completeness_run()
    found = report(lived("owner"))
    cover = found["coverage"]
    assert cover["verified"] == cover["records"] == AuditRecord.objects.count()
    assert (cover["problem_count"], cover["refused"]) == (0, None)
    assert (cover["checkpoint"]["holds"], cover["checkpoint"]["signed_by"]) == (True, ["test-shop/audit"])
    assert [(a["kind"], a["held"]) for a in cover["anchors"]] == [("file", "held")]
    assert cover["completeness"]["rows"]["tasks"] > 0
    anchor_file.unlink()
    lost = report(lived("owner"))
    assert lost["coverage"]["anchors"][0]["held"] == "lost"
    assert any("has lost what it was given" in line for line in lost["to_do"])


@pytest.mark.parametrize("payload", ["{", '{"operation":"', "null", '"operation":"sell"'])
def test_a_bent_trail_is_reported_and_breaks_no_report(lived: Api, bending: Any, payload: str):
    checkpoint_write()
    for event in ("TASK_COMPLETED", "OBJECT_CHANGED"):
        seq = AuditRecord.objects.filter(event=event).order_by("seq").values_list("seq", flat=True).first()
        if seq:
            bending("UPDATE audit_record SET payload = %s WHERE seq = %s", [payload, seq])
    found = report(lived("owner"))
    assert found["coverage"]["problem_count"] > 0
    assert found["to_do"][0].startswith("The trail was bent")
    assert found["compliant"] is False or rule_in(found, "audit-chain")["costs"]


def test_a_checkpoint_that_does_not_hold(lived: Api, bending: Any):
    checkpoint_write()
    bending("UPDATE audit_record SET leaf = %s WHERE seq = 2", [b"\x07" * 32])
    found = report(lived("owner"))
    assert found["coverage"]["checkpoint"]["holds"] is False
    assert any("checkpoint does not hold" in line for line in found["to_do"])


def test_making_one_is_in_the_trail(lived: Api):
    found = report(lived("manager"), period="2026-01")
    told = json.loads(Outbox.objects.filter(event="TASK_COMPLETED").latest("id").payload)
    assert (told["user_id"], told["operation"]) == ("USER-MANAGER", "compliance_report")
    assert told["text"].startswith("reported on compliance from 2026-01-01 to 2026-01-31")
    assert set(told["state"]["outputs"]) == {"sha256"}
    assert found["made_by"] == "USER-MANAGER"


def test_no_customer_is_named(lived: Api):
    ticket = {"customer_id": "CUST001", "subject": "Broken lid", "message": "It is broken."}
    assert lived("clerk").post("/api/customer/support-ticket", ticket).status_code == 200
    told = json.dumps(report(lived("owner")))
    for personal in ("John", "Smith", "john@example.com", "Broken lid"):
        assert personal not in told


@pytest.mark.parametrize(
    "asked",
    [
        {"period": "2026-01", "from": "2026-01-01"},
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"from": "2024-01-01", "to": "2026-01-01"},
        {"from": "1815-06-18", "to": "1815-06-18"},
    ],
)
def test_a_period_that_is_none(api: Api, asked: dict[str, Any]):
    answer = api("owner").post(REPORT, asked)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["missing"] == "period"


def test_it_costs_the_same_however_much_there_is(lived: Api):
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            report(lived("owner"))
        return len(captured)

    cost()
    few = cost()
    for number in range(12):
        lived("clerk").post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 1}]})
        Finding(rule_id="deep-discount", entity_type="order", entity_id=f"S-{number}", message="sold cheap").save()
    seal()
    assert cost() <= few + 2  # a chunk of records more to verify


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"period": "2024-02"}, (date(2024, 2, 1), date(2024, 2, 29))),
        ({"period": "2026"}, (date(2026, 1, 1), date(2026, 12, 31))),
        ({}, (date(2026, 2, 14), TODAY)),
        ({"first": date(2026, 3, 1)}, (date(2026, 3, 1), TODAY)),
        ({"last": date(2026, 1, 30)}, (date(2026, 1, 1), date(2026, 1, 30))),
    ],
)
def test_days(asked: dict[str, Any], expected: tuple[date, date]):
    assert days_of(**{"period": None, "first": None, "last": None, "today": TODAY, **asked}) == expected


@pytest.mark.parametrize("period", ["2026-13", "26-01", "October", "0000", "2026-1"])
def test_words_that_are_no_period(period: str):
    with pytest.raises(PeriodError):
        days_of(period=period, first=None, last=None, today=TODAY)
