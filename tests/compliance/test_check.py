"""compliance_check in its four modes, and how the shop sets its rules."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db.models import QuerySet
from django.utils import timezone

from audit import events, judging
from audit.models import ComplianceRule, Finding, Outbox
from audit.reporting import wording
from audit.rulebook import Case, Period, Rule, register, rules
from orchestrator.models import TaskState
from pricing.models import PriceRule
from shop_assistant.agents.errors import ValidationFailed
from shop_assistant.agents.fields import iso_utc
from tests.compliance.conduct import correction, failed_task, john, sale, widget, without_cost
from tests.compliance.conftest import CHECK, Api, broken, rule_set, verdict

PROPOSABLE = {
    "stock-without-reason", "deep-discount", "points-by-hand", "sale-below-cost", "reduction-announced", "price-hours",
}  # fmt: skip


def test_a_rule_counts_once_however_often_it_is_broken(shop, api: Api):
    for delta in (-20, 20, -20):
        correction(delta)
    found = verdict(api("owner"))
    assert len(found["findings"]) == 3
    assert found["score"] == 85


def test_a_period(shop, api: Api):
    before, within, after = (sale("14.49", days_ago=days) for days in (60, 40, 20))
    begin, end = (iso_utc(timezone.now() - timedelta(days=days)) for days in (50, 30))
    found = verdict(api("manager"), period={"from": begin, "to": end})
    assert broken(found)["sale-below-cost"] == [within]
    assert (found["judged"], found["begin"], found["end"]) == ("period", begin, end)
    assert broken(verdict(api("manager")))["sale-below-cost"] == [after]
    assert before != within


def test_a_period_ends_before_its_end(shop, api: Api):
    failed_task("INTERNAL_ERROR", 500)
    failed_at = TaskState.objects.get().finished_at
    owner = api("owner")
    found = verdict(owner, period={"from": iso_utc(failed_at - timedelta(days=1)), "to": iso_utc(failed_at)})
    assert "failed-tasks" not in broken(found)
    end = iso_utc(failed_at + timedelta(seconds=1))
    found = verdict(owner, period={"from": iso_utc(failed_at - timedelta(milliseconds=1)), "to": end})
    assert "failed-tasks" in broken(found)


def test_an_entity(shop, api: Api):
    first, second = sale("14.49", days_ago=200), sale("14.49")
    without_cost("DEAR")
    found = verdict(api("auditor"), entity={"type": first[0], "id": first[1]})
    assert found["judged"] == "entity"
    assert broken(found) == {"sale-below-cost": [first], "deep-discount": [first]}
    assert second[1] not in json.dumps(found["findings"])
    assert verdict(api("auditor"), entity={"type": "order", "id": "S-999999"})["compliant"]


@pytest.mark.parametrize(("kind", "key"), [("product", "SKU001"), ("user", "USER-CLERK")])
def test_an_entity_that_a_case_concerns(kind: str, key: str, shop, api: Api):
    order = sale("14.49", base="20")
    without_cost("DEAR")
    found = verdict(api("auditor"), entity={"type": kind, "id": key})
    assert broken(found) == {"sale-below-cost": [order]}
    assert found["findings"][0]["caused_by"] == "USER-CLERK"


@pytest.mark.parametrize(
    ("operation", "payload", "rule", "entity"),
    [
        ("inventory.update", {"sku": "SKU001", "delta": -20}, "stock-without-reason", ("product", "SKU001")),
        ("inventory.update", {"sku": "SKU001", "quantity": 130}, "stock-without-reason", ("product", "SKU001")),
        ("customers.loyalty", {"customer_id": "CUST001", "operation": "adjust", "points": 1001, "reason": "sorry"},
         "points-by-hand", ("customer", "CUST001")),
        ("customers.loyalty", {"customer_id": "CUST001", "operation": "earn", "points": 1001},
         "points-by-hand", ("customer", "CUST001")),
        ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 1}], "coupon": "HALF"},
         "deep-discount", ("product", "SKU001")),
        ("sales.sell", {"lines": [{"sku": "SKU002", "quantity": 1}], "coupon": "LOSS"},
         "sale-below-cost", ("product", "SKU002")),
        ("pricing.calculate", {"sku": "SKU001", "quantity": 3, "coupon": "half"},
         "deep-discount", ("product", "SKU001")),
        ("pricing.apply_discount", {"sku": "SKU002", "quantity": 1, "rule_id": "LESS", "customer_id": "CUST001"},
         "sale-below-cost", ("product", "SKU002")),
    ],
)  # fmt: skip
def test_a_proposed_transaction_that_would_break_a_rule(
    operation: str, payload: dict[str, Any], rule: str, entity: tuple[str, str], shop, api: Api
):
    product, customer = widget(), john()
    product.cost, customer.tier = Decimal(5), "gold"
    product.save()
    customer.save()
    PriceRule.objects.create(code="HALF", name="Half and more", kind="percent", value=Decimal("50.5"), coupon="HALF")
    for code, fields in (("LOSS", {"coupon": "LOSS"}), ("LESS", {"customer_tier": "gold"})):
        PriceRule.objects.create(code=code, name="Loss", kind="fixed_price", value=Decimal("6.95"), **fields)
    found = verdict(api("manager"), transaction={"operation": operation, "payload": payload})
    assert broken(found) == {rule: [entity]}
    assert found["score"] == 100 - ComplianceRule.objects.get(key=rule).weight
    assert (found["judged"], found["begin"]) == ("transaction", None)
    assert not Finding.objects.exists()  # nothing has happened yet
    assert widget().levels.get().on_hand == 150


@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        ("inventory.update", {"sku": "SKU001", "delta": -19}),
        ("inventory.update", {"sku": "SKU001", "delta": -20, "reason": "damaged"}),
        ("inventory.update", {"sku": "SKU001", "quantity": 149}),
        ("inventory.update", {"sku": "NOSUCH", "quantity": 149}),
        ("inventory.update", {"delta": "many"}),
        ("customers.loyalty", {"customer_id": "CUST001", "operation": "adjust", "points": 1000, "reason": "sorry"}),
        ("customers.loyalty", {"customer_id": "CUST001", "operation": "earn", "points": 1000}),
        ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 10}]}),
        ("sales.sell", {"lines": [{"sku": "NOSUCH", "quantity": 1}]}),
        ("sales.sell", {"lines": "nonsense"}),
        ("sales.sell", {"lines": [None]}),
        ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": "x"}]}),
        ("sales.sell", {"lines": [{"sku": "SKU001", "quantity": 1}], "coupon": 5}),
        ("sales.sell", {"lines": [{"sku": ["SKU001"], "quantity": 1e300}]}),
        ("pricing.apply_discount", {"sku": "SKU001", "quantity": 10, "rule_id": "RULE001"}),
        ("pricing.apply_discount", {"rule_id": {"a": 1}}),
        ("pricing.rules", {}),
    ],
)
def test_a_proposed_transaction_that_would_not(operation: str, payload: dict[str, Any], shop, api: Api):
    found = verdict(api("owner"), transaction={"operation": operation, "payload": payload})
    assert (found["compliant"], found["score"], found["findings"]) == (True, 100, [])
    assert set(found["rules_checked"]) == PROPOSABLE


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"transaction": {"operation": "sales.give_away", "payload": {}}}, 404),
        ({"transaction": {"operation": "sales.sell"}}, 400),
        ({"transaction": {"operation": "sales.sell", "payload": []}}, 400),
        ({"period": {"from": "2024-01-22T10:30:00Z"}}, 400),
        ({"period": {"from": "2024-01-22T10:30:00Z", "to": "2024-01-22T10:30:00Z"}}, 422),
        ({"entity": {"type": "order"}}, 400),
        ({"entity": {"type": "order", "id": "S-1"}, "transaction": {"operation": "sales.sell", "payload": {}}}, 400),
        ({"entity": "S-000001"}, 400),
        ({"nonsense": 1}, 400),
    ],
)  # fmt: skip
def test_other_requests_are_refused(asked: dict[str, Any], status: int, api: Api):
    assert api("owner").post(CHECK, asked).status_code == status


@pytest.mark.parametrize(("role", "status"), [("manager", 200), ("auditor", 200), ("clerk", 403), ("service", 403)])
def test_who_may(role: str, status: int, api: Api):
    assert api(role).post(CHECK, {}).status_code == status


def test_the_shop_sets_weights_parameters_and_what_applies(shop, api: Api, settings):
    rule_set("stock-without-reason", weight=70, parameters={"units": 5})
    correction(-5)
    found = verdict(api("owner"))
    assert (found["score"], found["compliant"]) == (30, False)
    settings.COMPLIANCE_THRESHOLD = 30
    assert verdict(api("owner"))["compliant"]
    rule_set("stock-without-reason", active=False)
    found = verdict(api("owner"))
    assert (found["score"], "stock-without-reason" in found["rules_checked"]) == (100, False)


@pytest.mark.parametrize(
    ("key", "parameters", "told"),
    [
        ("stock-without-reason", {"units": -1}, "units: Input should be greater than or equal to 0"),
        ("stock-without-reason", {"units": "many"}, "units: Input should be a valid"),
        ("stock-without-reason", {"unit": 5}, "unit: Extra inputs are not permitted"),
        ("deep-discount", {"percent": 101}, "percent: Input should be less than or equal to 100"),
        ("points-by-hand", {"points": 10.5}, "points: Input should be a valid integer"),
        ("points-by-hand", {"points": True}, "points: Input should be a valid integer"),
        ("price-hours", {"opens": "8 o'clock"}, "opens: Input should be in a valid time format"),
        ("price-hours", {"weekdays": "12345678"}, "weekdays: String should match pattern"),
        ("price-hours", ["08:00"], "parameters"),
    ],
)
def test_parameters_of_a_wrong_type_are_refused(key: str, parameters: Any, told: str, db):
    before = ComplianceRule.objects.get(key=key).parameters
    with pytest.raises(ValidationError, match=told):
        rule_set(key, parameters=parameters)
    assert ComplianceRule.objects.get(key=key).parameters == before


def test_parameters_bent_in_the_database_are_named(shop, api: Api):
    QuerySet(ComplianceRule).filter(key="points-by-hand").update(parameters={"points": "many"})
    answer = api("owner").post(CHECK, {})
    assert answer.status_code == 400
    assert "points-by-hand" in answer.json()["error"]["message"]
    with pytest.raises(ValidationFailed):
        rules()["points-by-hand"].read({"points": "many"})


def test_a_migrate_keeps_what_the_shop_has_set(db):
    rule_set("cost-known", weight=1, active=False)
    ComplianceRule.objects.filter(key="cost-known").update(title="As an older version called it")
    ComplianceRule.objects.filter(key="audit-chain").delete()
    call_command("migrate", verbosity=0, interactive=False)
    kept = ComplianceRule.objects.get(key="cost-known")
    assert (kept.weight, kept.active, kept.title) == (1, False, rules()["cost-known"].title)
    assert ComplianceRule.objects.get(key="audit-chain").weight == 60


def test_a_check_is_in_the_trail_like_any_other_task(shop, api: Api):
    answer = api("auditor").post(CHECK, {})
    assert "X-Audit-Receipt" in answer.headers  # it keeps its findings
    told = Outbox.objects.get(task_id=answer.headers["X-Task-ID"], event=events.TASK_COMPLETED)
    assert json.loads(told.payload)["text"] == "compliance of the period: 100 of 100"
    assert TaskState.objects.get(task_id=told.task_id).status == "completed"


def test_many_cases_of_one_rule_are_cut_short(db, monkeypatch):
    monkeypatch.setattr(judging, "MOST_CASES", 3)
    for number in range(5):
        without_cost(f"DEAR{number}")
    now = timezone.now()
    found = {j.rule.key: j.cases for j in judging.judge_period(Period(now - timedelta(days=1), now))}
    assert [case.entity_id for case in found["cost-known"]] == ["DEAR0", "DEAR1", "DEAR2"]


@pytest.mark.parametrize(("weights", "points"), [([], 100), ([60], 40), ([60, 30], 10), ([60, 30, 30], 0)])
def test_the_score_never_falls_below_nothing(weights: list[int], points: int):
    case = Case("order", "S-000001", "broken")
    judged = [judging.Judgement(ComplianceRule(weight=weight), [case]) for weight in weights]
    judged.append(judging.Judgement(ComplianceRule(weight=100), []))
    judged.append(judging.Judgement(ComplianceRule(weight=100), [Case("order", "S-000001", "said", counts=False)]))
    assert judging.score(judged) == points


def test_a_key_is_registered_once():
    known = next(iter(rules().values()))
    with pytest.raises(TypeError, match="registered already"):
        register(Rule(key=known.key, title="", explanation="", severity="info", weight=1))


def test_every_app_with_rules_has_its_module_found():
    owners = {(rule.past or rule.proposed).__module__.split(".")[0] for rule in rules().values()}  # type: ignore[union-attr]
    assert owners == {"audit", "customers", "inventory", "orchestrator", "pricing"}
    assert all(apps.is_installed(app) for app in owners)


def test_every_rule_says_what_it_is_and_what_can_be_set():
    for rule in rules().values():
        assert len(rule.explanation) > 40
        assert all(field.description for field in rule.parameters.model_fields.values()), rule.key
        assert rule.read(rule.defaults) == rule.parameters()


def command(*arguments: str) -> tuple[int, str]:
    """Exit code of compliance_check, and what it printed."""
    printed = StringIO()
    try:
        call_command("compliance_check", *arguments, stdout=printed)
    except SystemExit as ended:
        return int(ended.code or 0), printed.getvalue()
    return 0, printed.getvalue()


def test_of_a_period_to_come_nothing_was_recorded(shop):
    year = str(timezone.localdate().year + 1)
    assert command("--period", year) == (0, "Nothing was recorded in this period, so there is nothing to judge.\n")
    assert json.loads(command("--period", year, "--json")[1])["recorded"] is False


def test_so_many_cases_or_more(shop, monkeypatch: pytest.MonkeyPatch):
    for delta in (-20, 20, -20):
        correction(delta)
    assert "stock-without-reason, warning): 3\n" in command()[1]
    monkeypatch.setattr(judging, "MOST_CASES", 2)
    monkeypatch.setattr(wording, "MOST_CASES", 2)
    told = command()[1]
    assert "stock-without-reason, warning): 2 or more\n" in told
    assert "A case is a breach that a rule sees" in told
