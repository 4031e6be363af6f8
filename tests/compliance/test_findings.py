"""Findings: kept from check to check, listed, answered by the right people, and opened anew."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.findings import days_judged, findings_by_rule
from audit.models import ComplianceDay, Finding, Outbox
from inventory.models import Product
from tests.compliance.conduct import correction, failed_task, gift, sale, staff, without_cost
from tests.compliance.conftest import Api, broken, rule_set, verdict

ANSWER, LIST = "/api/audit/answer-finding", "/api/audit/findings"


@pytest.fixture
def found(shop: None, api: Api) -> Finding:
    """The manager's gift of points."""
    gift(1500)
    verdict(api("owner"))
    finding: Finding = Finding.objects.get()
    return finding


def answer(client: Any, finding: Finding, status: str, why: str = "agreed with the owner", **more: Any) -> Any:
    return client.post(ANSWER, {"finding_id": finding.pk, "status": status, "why": why, **more})


def test_it_says_who_when_and_what_shows_it(found: Finding):
    assert (found.caused_by, found.status, found.entity_type) == ("USER-MANAGER", "open", "loyalty_entry")
    assert found.occurred_at is not None
    assert timezone.now() - found.occurred_at < timedelta(minutes=1)
    assert found.history.count() == 1


def test_an_answer_names_its_author_and_stays(found: Finding, api: Api):
    told = answer(api("auditor"), found, "explained").json()["data"]
    assert (told["status"], told["answer"], told["answered_by"]) == (
        "explained",
        "agreed with the owner",
        "USER-AUDITOR",
    )
    again = verdict(api("owner"))
    assert (again["score"], again["findings"][0]["status"]) == (90, "explained")
    found.refresh_from_db()
    assert (found.status, found.answered_by) == ("explained", "USER-AUDITOR")
    assert [row.history_user_id for row in found.history.order_by("history_id")][-1] == "USER-AUDITOR"


def test_the_answer_is_in_the_trail(found: Finding, api: Api):
    task_id = answer(api("owner"), found, "accepted").headers["X-Task-ID"]
    told = Outbox.objects.get(task_id=task_id, event="TASK_COMPLETED").payload
    assert f"answered finding {found.pk} (points-by-hand): accepted" in told
    assert '"model":"audit.Finding"' in told


def test_what_another_person_accepted_counts_no_more(found: Finding, api: Api):
    assert answer(api("owner"), found, "accepted").status_code == 200
    again = verdict(api("owner"))
    assert (again["score"], again["compliant"]) == (100, True)
    (case,) = again["findings"]
    assert (case["status"], case["counts"]) == ("accepted", False)


def test_nobody_accepts_the_own_doing(found: Finding, api: Api):
    refused = answer(api("manager"), found, "accepted", confirm=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert answer(api("manager"), found, "explained").status_code == 200


def test_a_shop_of_one_confirms_and_it_is_said(found: Finding, api: Api):
    owner = staff("owner")
    owner.is_active = False
    owner.save()
    manager = api("manager")
    refused = answer(manager, found, "accepted")
    assert refused.json()["error"]["code"] == "CLARIFICATION_NEEDED"
    told = answer(manager, found, "accepted", confirm=True).json()["data"]
    assert told["answer"] == "(own doing, nobody else may decide) agreed with the owner"
    said = broken(verdict(manager))["own-findings"]
    assert said == [("finding", str(found.pk))]


@pytest.mark.parametrize("status", ["accepted", "fixed", "open"])
def test_an_auditor_only_explains(status: str, found: Finding, api: Api):
    assert answer(api("auditor"), found, status).status_code == 403
    assert answer(api("clerk"), found, "explained").status_code == 403


def test_the_same_answer_twice_is_a_conflict(found: Finding, api: Api):
    owner = api("owner")
    assert answer(owner, found, "accepted").status_code == 200
    assert answer(owner, found, "accepted").status_code == 409
    assert answer(owner, found, "open").json()["data"]["answered_by"] is None
    assert answer(owner, Finding(pk=12345), "accepted").status_code == 404


def test_what_happens_after_an_answer_opens_it_anew(shop, api: Api):
    """Of an event the answer stays; of the same thing happening again it does not."""
    owner, order = api("owner"), sale("14.90")
    verdict(owner)
    finding = Finding.objects.get()
    answer(owner, finding, "fixed", "the difference was paid")
    verdict(owner)
    finding.refresh_from_db()
    assert finding.status == "fixed"
    finding.answered_at = timezone.now() - timedelta(days=1)  # answered before it happened (again)
    finding.save()
    verdict(owner)
    finding.refresh_from_db()
    assert (finding.status, finding.answer, finding.entity_id) == ("open", "", order[1])
    assert "the difference was paid" in [row.answer for row in finding.history.all()]


def test_a_state_found_again_after_it_was_fixed_opens_anew(shop, api: Api):
    owner = api("owner")
    without_cost("DEAR")
    verdict(owner)
    finding = Finding.objects.get()
    answer(owner, finding, "accepted", "a service, it has no cost")
    assert verdict(owner)["score"] == 100  # accepted as it is
    answer(owner, finding, "fixed", "entered now")
    product = Product.objects.get(sku="DEAR")
    product.cost = Decimal("0.50")
    product.save()
    assert verdict(owner)["findings"] == []
    product.cost = None
    product.save()
    assert broken(verdict(owner)) == {"cost-known": [("product", "DEAR")]}
    finding.refresh_from_db()
    assert (finding.status, finding.answered_by) == ("open", "")
    assert [row.status for row in finding.history.order_by("history_id")] == ["open", "accepted", "fixed", "open"]


def test_an_explained_task_is_answered(shop, api: Api):
    failed_task("INTERNAL_ERROR", 500)
    owner = api("owner")
    assert verdict(owner)["score"] == 90
    answer(owner, Finding.objects.get(), "explained", "the disk was full")
    assert verdict(owner)["score"] == 100


def test_listed_newest_first_and_filtered(shop, api: Api):
    owner = api("owner")
    correction(-20)
    without_cost("DEAR")
    sale("14.90")
    verdict(owner)
    everything = owner.post(LIST, {}).json()["data"]["items"]
    assert [item["finding_id"] for item in everything] == sorted((f.pk for f in Finding.objects.all()), reverse=True)
    assert {item["rule"] for item in everything} == {"stock-without-reason", "cost-known", "deep-discount"}

    def listed(**asked: Any) -> list[str]:
        return [item["rule"] for item in owner.post(LIST, asked).json()["data"]["items"]]

    assert listed(rule="cost-known") == ["cost-known"]
    assert listed(severity="info") == ["cost-known"]
    assert listed(entity={"type": "product", "id": "DEAR"}) == ["cost-known"]
    assert sorted(listed(caused_by="USER-CLERK")) == ["deep-discount", "stock-without-reason"]
    answer(owner, Finding.objects.get(rule="cost-known"), "accepted")
    assert listed(status="accepted") == ["cost-known"]
    assert len(listed(status="open")) == 2
    assert listed(to="2020-01-01T00:00:00Z") == []
    assert owner.post(LIST, {"status": "forgotten"}).status_code == 400


def test_page_by_page(shop, api: Api):
    for number in range(5):
        without_cost(f"DEAR{number}")
    owner = api("owner")
    verdict(owner)
    seen, cursor = [], None
    while True:
        page = owner.post(LIST, {"limit": 2, "cursor": cursor}).json()["data"]
        seen += [item["entity_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"DEAR{number}" for number in reversed(range(5))]


def test_by_rule_and_over_time(found: Finding, api: Api):
    now = timezone.now()
    ComplianceDay(day=now.date(), score=90, threshold=50, broken={"points-by-hand": 1}).save()
    (row,) = findings_by_rule(begin=now - timedelta(days=1), end=now + timedelta(days=1))
    assert (row["rule"], row["weight"], row["all"], row["open"], row["accepted"]) == ("points-by-hand", 10, 1, 1, 0)
    assert findings_by_rule(begin=now - timedelta(days=9), end=now - timedelta(days=8)) == []
    (day,) = days_judged(first=now.date(), last=now.date())
    assert (day.score, day.compliant) == (90, True)


class TestInTheAdmin:
    def test_it_is_answered_in_a_dialog(self, found: Finding, client: Any):
        client.force_login(staff("owner"))
        page = client.get(reverse("admin:audit_finding_change", args=[found.pk])).content.decode()
        assert "Answer" in page
        assert found.rule.explanation in page
        dialog = reverse("admin:audit_finding_answer_one", args=[found.pk])
        client.post(dialog, {"_form_submitted": "True", "status": "accepted", "why": "a sponsored child"})
        found.refresh_from_db()
        assert (found.status, found.answer, found.answered_by) == ("accepted", "a sponsored child", "USER-OWNER")

    def test_the_dialog_says_why_not(self, found: Finding, client: Any):
        client.force_login(staff("manager"))
        dialog = reverse("admin:audit_finding_answer_one", args=[found.pk])
        told = client.post(dialog, {"_form_submitted": "True", "status": "accepted", "why": "mine"}).content.decode()
        assert "Another person has to decide" in told
        found.refresh_from_db()
        assert found.status == "open"

    def test_a_rule_has_a_field_for_each_parameter(self, shop, users, client: Any):
        rule_set("price-hours", parameters={"opens": "06:00", "closes": "22:00", "weekdays": "1234567"})
        client.force_login(staff("owner"))
        url = reverse("admin:audit_compliancerule_change", args=["price-hours"])
        page = client.get(url).content.decode()
        assert 'name="set_opens"' in page
        assert 'value="06:00"' in page
        sent = {"weight": "12", "active": "on", "set_opens": "25:00", "set_closes": "20:00", "set_weekdays": "12345"}
        told = client.post(url, sent).content.decode()
        assert "Input should be in a valid time format" in told
        assert client.post(url, sent | {"set_opens": "07:30", "blocking": "on"}).status_code == 302
        rule = rule_set("price-hours")
        assert rule.parameters == {"opens": "07:30:00", "closes": "20:00:00", "weekdays": "12345"}
        assert (rule.weight, rule.blocking) == (12, True)

    def test_a_rule_that_judges_no_proposal_offers_no_blocking(self, shop, users, client: Any):
        client.force_login(staff("owner"))
        url = reverse("admin:audit_compliancerule_change", args=["shrinkage"])
        assert 'name="blocking"' not in client.get(url).content.decode()
        sent = {"weight": "15", "active": "on", "blocking": "on", "set_units": "30.5", "set_percent": "3"}
        assert client.post(url, sent).status_code == 302
        rule = rule_set("shrinkage")
        assert (rule.blocking, rule.parameters) == (False, {"units": 30.5, "percent": 3})

    @pytest.mark.parametrize("role", ["manager", "auditor"])
    def test_others_look(self, role: str, shop, users, client: Any):
        client.force_login(staff(role))
        url = reverse("admin:audit_compliancerule_change", args=["price-hours"])
        page = client.get(url)
        assert page.status_code == 200
        assert 'name="set_opens"' not in page.content.decode()
        assert client.post(url, {"weight": "1"}).status_code == 403
