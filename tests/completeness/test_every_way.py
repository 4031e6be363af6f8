"""Every change, by every way, leaves an event that says who changed what."""

import json
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.core.management import call_command, get_commands
from django.test import Client, RequestFactory
from django.urls import reverse

from audit import events
from audit.completeness import gaps_found
from audit.models import ComplianceRule, Outbox
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests import cases

from .examples import EXAMPLES
from .forms import filled

pytestmark = pytest.mark.django_db

CHANGED: dict[str, dict[str, Any]] = {
    "accounts.User": {"is_staff": "on"},
    "audit.ComplianceRule": {"weight": "7"},
    "auth.Group": {"name": "night shift"},
    "customers.Customer": {"tier": "gold"},
    "customers.Ticket": {"next_status": "solved"},
    "inventory.Category": {"name": "Gadgets"},
    "inventory.Location": {"code": "Z-09"},
    "inventory.Lot": {"expires_on": "2031-01-31"},
    "inventory.Product": {"name": "Gadget"},
    "inventory.PurchaseOrder": {"expected_on": "2031-01-31"},
    "inventory.ReorderPolicy": {"review_days": "9"},
    "inventory.Supplier": {"lead_time_days": "3"},
    "inventory.SupplierProduct": {"unit_cost": "3"},
    "inventory.Warehouse": {"name": "Other"},
    "pricing.PriceRule": {"name": "Other"},
    "vault.RetentionPeriod": {"days": "4000"},
}
ADDED: dict[str, Callable[[], dict[str, Any]]] = {
    "accounts.User": lambda: {
        "username": "new",
        "password1": "a-long-passphrase-1",
        "password2": "a-long-passphrase-1",
    },
    "auth.Group": lambda: {"name": "day shift"},
    "customers.Customer": lambda: {"name": "Jane Roe", "email": "jane@example.com"},
    "inventory.Category": lambda: {"name": "Things"},
    "inventory.Location": lambda: {"code": "Z-01", "warehouse": existing("inventory.Warehouse").pk},
    "inventory.Product": lambda: {"sku": "NEW", "name": "New", "list_price": "5"},
    "inventory.PurchaseOrder": lambda: {"supplier": existing("inventory.Supplier").pk},
    "inventory.ReorderPolicy": lambda: {"product": existing("inventory.Product").pk},
    "inventory.Supplier": lambda: {"code": "NEW", "name": "New"},
    "inventory.SupplierProduct": lambda: {
        "supplier": existing("inventory.Supplier").pk,
        "product": existing("inventory.Product").pk,
        "unit_cost": "2.5",
    },
    "inventory.Warehouse": lambda: {"code": "NEW", "name": "New"},
    "pricing.PriceChange": lambda: {"product": existing("inventory.Product").pk, "new_price": "6", "reason": "rise"},
    "pricing.PriceRule": lambda: {"code": "NEW", "name": "New", "kind": "percent", "value": "5"},
}
"""What the pages of the admin are given, by model."""


def existing(label: str) -> Any:
    """A row as some other way has made it."""
    if label == "auth.Group":
        return Group.objects.create(name="some shift")
    if label == "audit.ComplianceRule":
        return ComplianceRule.objects.order_by("pk").first()
    row = EXAMPLES[label][0]()
    row.save()
    return row


def registered(permission: str) -> list[str]:
    """Labels of the models that a superuser may add, change or delete in the admin."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    may = f"has_{permission}_permission"
    return sorted(model._meta.label for model, admin in site._registry.items() if getattr(admin, may)(request))


@pytest.fixture
def boss(client: Client) -> Client:
    made = User.objects.create_superuser("boss", password="a-password-for-tests", public_id="USER-BOSS")
    client.force_login(made)
    return client


def page_of(label: str, what: str, *arguments: Any) -> str:
    return reverse(f"admin:{label.lower().replace('.', '_')}_{what}", args=arguments)


def told_since(number: int) -> list[dict[str, Any]]:
    rows = Outbox.objects.filter(pk__gt=number, user_id="USER-BOSS").order_by("pk")
    documents = [json.loads(row.payload) for row in rows]
    return [d for d in documents if d["event"] == events.OBJECT_CHANGED or d["event"].startswith("TASK_")]


def newest() -> int:
    last = Outbox.objects.order_by("-pk").first()
    return last.pk if last else 0


def sent(boss: Client, page: str, values: dict[str, Any]) -> None:
    form = boss.get(page)
    assert form.status_code == 200, page
    answer = boss.post(page, {**filled(form.content.decode(), values), "_save": "Save"})
    errors = answer.context["adminform"].errors if answer.status_code == 200 and answer.context else ""
    assert answer.status_code == 302, f"{page}: {errors}"


def test_every_model_of_the_admin_is_tried():
    assert set(registered("change")) == set(CHANGED)
    assert set(registered("add")) == set(ADDED)
    assert set(registered("delete")) <= set(CHANGED)


@pytest.mark.parametrize("label", sorted(CHANGED))
def test_a_change_in_the_admin(label: str, boss: Client, gaps: Callable[[], list[str]]):
    row = existing(label)
    before = newest()
    sent(boss, page_of(label, "change", row.pk), CHANGED[label])
    *begun, told = told_since(before)
    assert {d["event"] for d in begun} <= {events.TASK_STARTED}, "an operation tells of its beginning, too"
    assert told["user_id"] == "USER-BOSS"
    assert [entry["model"] for entry in told.get("history", [])] == ([label] if label in EXAMPLES else [])
    assert [gap for gap in gaps() if label in gap] == []
    if begun:
        assert told["event"] == events.TASK_COMPLETED
        return
    assert (told["event"], told["change"]) == (events.OBJECT_CHANGED, "changed")
    assert (told["model"], told["key"]) == (label, str(row.pk))
    assert set(told["fields"]) & set(CHANGED[label]), told


@pytest.mark.parametrize("label", sorted(ADDED))
def test_an_addition_in_the_admin(label: str, boss: Client, gaps: Callable[[], list[str]]):
    values = ADDED[label]()
    before = newest()
    sent(boss, page_of(label, "add"), values)
    told = told_since(before)
    assert told, "nothing was told"
    assert {document["user_id"] for document in told} == {"USER-BOSS"}
    added = next(d for d in told if d["event"] == events.OBJECT_CHANGED)
    assert (added["change"], added["model"]) == ("added", label)
    if label in EXAMPLES:
        assert label in {entry["model"] for entry in added["history"]}
    assert [gap for gap in gaps() if label in gap] == []


@pytest.mark.parametrize("many", [False, True], ids=["its page", "the list's action"])
@pytest.mark.parametrize("label", registered("delete"))
def test_a_deletion_in_the_admin(label: str, many: bool, boss: Client, gaps: Callable[[], list[str]]):
    row = existing(label)
    before = newest()
    if many:
        chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        answer = boss.post(page_of(label, "changelist"), chosen)
    else:
        answer = boss.post(page_of(label, "delete", row.pk), {"post": "yes"})
    assert answer.status_code == 302
    assert not type(row)._base_manager.filter(pk=row.pk).exists()
    (told,) = told_since(before)
    assert (told["user_id"], told["change"], told["model"], told["key"]) == (
        "USER-BOSS", "deleted", label, str(row.pk),
    )  # fmt: skip
    if label in EXAMPLES:
        assert label in [entry["model"] for entry in told["history"]]
    assert [gap for gap in gaps() if label in gap] == []


def test_a_password_set_in_the_admin(boss: Client):
    user = User.objects.create_user("clerk", password="x")
    before = newest()
    page = reverse("admin:auth_user_password_change", args=[user.pk])
    answer = boss.post(page, {"password1": "a-long-passphrase-2", "password2": "a-long-passphrase-2"})
    assert answer.status_code == 302
    told = told_since(before)
    assert [(d["user_id"], d["key"]) for d in told if d.get("change") == "changed"] == [("USER-BOSS", str(user.pk))]


def test_a_role_given_in_the_admin_is_in_the_history(boss: Client):
    user = User.objects.create_user("clerk", password="x")
    clerk = Group.objects.get(name="clerk")
    sent(boss, page_of("accounts.User", "change", user.pk), {"groups": [str(clerk.pk)]})
    kept = user.history.latest("history_id")
    assert (kept.roles, kept.history_user_id) == ("clerk", "USER-BOSS")


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("label", sorted(cases.PAYLOADS))
def test_an_operation(label: str, users: dict[Role, Any], gaps: Callable[[], list[str]]):
    from shop_assistant.agents import call

    agent, operation = label.split(".")
    before = newest()
    call(agent, operation, cases.PAYLOADS[label], user=users[Role.OWNER])
    told = Outbox.objects.filter(pk__gt=before, event=events.TASK_COMPLETED)
    assert list(told.values_list("user_id", flat=True)) == ["USER-OWNER"]
    bare = ("PriceChange", "Ticket", "accounts.User")  # the rows that the fixtures made have no events
    assert [gap for gap in gaps() if not any(name in gap for name in bare)] == []


READS = {
    "audit_verify": "reads",
    "clean_duplicate_history": "refuses",
    "clean_old_history": "refuses",
    "inventory_backtest": "reads a file",
    "inventory_simulate": "reads",
    "inventory_valuation": "reads",
    "inventory_torture": "works on a database of its own",
    "make_keys": "prints",
    "purchase_order": "reads",
    "serve": "starts the other programs",
    "worker": "runs operations and jobs, which are tried on their own",
}
TRIED_ELSEWHERE = {
    "audit_checkpoint": "tests/audit: signs what is there; a checkpoint is no change",
    "audit_key": "tests/audit: KEY_MADE, KEY_ROTATED",
    "audit_reseal": "tests/audit: AUDIT_RESEALED",
    "backup": "tests/operations: BACKUP_TAKEN",
    "compliance_report": "tests/compliance: reads",
    "compliance_check": "tests/compliance: COMPLIANCE_JUDGED",
    "customer_data": "tests/exporting: SUBJECT_ACCESS",
    "customer_erase": "tests/customers: SUBJECT_ERASED",
    "export": "tests/exporting: DATA_EXPORTED",
    "import_counts": "tests/inventory: ends in inventory.count_enter, TASK_COMPLETED",
    "import_products": "tests/importing: PRODUCTS_IMPORTED",
    "import_purchasing": "tests/importing: PURCHASING_IMPORTED",
    "import_sales": "tests/importing: SALES_IMPORTED",
    "inventory_reconcile": "tests/inventory: STOCK_RECONCILED",
    "inventory_digest": "tests/inventory: DIGEST_SENT",
    "migrate": "as upgrade, tried in tests/operations",
    "restore": "tests/operations: BACKUP_RESTORED",
    "retention": "tests/customers: RETENTION_APPLIED",
    "rotate_keys": "tests/vault: KEY_ROTATED",
    "second_factor": "tests/security: LOGIN_CHANGED",
    "unlock": "tests/security: LOGIN_CHANGED",
}
TRIED = {"audit_completeness", "changepassword", "createsuperuser", "inventory_forecast", "load_demo", "upgrade"}
OURS = ("audit", "customers", "inventory", "orchestrator", "pricing", "shop_assistant")


def test_every_command_is_known():
    """A new command has to be put into one of the tables, or tried here."""
    ours = {name for name, app in get_commands().items() if str(app).split(".")[0] in OURS}
    assert ours - set(READS) - set(TRIED_ELSEWHERE) - TRIED == set()


def told_by(command: str, *arguments: str, **options: Any) -> list[dict[str, Any]]:
    before = newest()
    call_command(command, *arguments, stdout=StringIO(), **options)
    return [json.loads(row.payload) for row in Outbox.objects.filter(pk__gt=before).order_by("pk")]


def models_in(told: list[dict[str, Any]]) -> set[str]:
    return {entry["model"] for document in told for entry in document.get("history", [])}


def test_a_superuser_made_and_a_password_changed_by_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a-long-passphrase-3")
    told = told_by("createsuperuser", interactive=False, username="boss", email="boss@example.com")
    user = User.objects.get(username="boss")
    assert [(d["user_id"], d["model"], d["key"]) for d in told] == [("system", "accounts.User", str(user.pk))]
    assert "boss@example.com" not in json.dumps(told)
    monkeypatch.setattr("getpass.getpass", lambda prompt="": "a-long-passphrase-4")
    told = told_by("changepassword", "boss")
    assert [(d["user_id"], d["model"], d["key"]) for d in told if d["event"] == events.OBJECT_CHANGED] == [
        ("system", "accounts.User", str(user.pk))
    ]


def test_the_demo_shop(gaps: Callable[[], list[str]]):
    told = told_by("load_demo", examples_only=True)
    assert {"accounts.User", "inventory.Product", "customers.Customer"} <= models_in(told)
    assert gaps() == []


def test_forecasts_are_told(shop: None):
    told = told_by("inventory_forecast")
    assert [d["event"] for d in told if d["user_id"] == "system"], "nobody was told of new forecasts"


def test_a_shell_script(gaps: Callable[[], list[str]]):
    """Python without a door: what it changes is the system's doing."""
    product = EXAMPLES["inventory.Product"][0]()
    product.save()
    product.list_price = Decimal(99)
    before = newest()
    product.save()
    (told,) = [json.loads(row.payload) for row in Outbox.objects.filter(pk__gt=before)]
    assert (told["event"], told["user_id"], told["key"]) == (events.OBJECT_CHANGED, "system", str(product.pk))
    assert gaps() == []


def test_an_upgrade_begins_the_history_of_what_has_none(users: dict[Role, Any]):
    """Users of a shop whose version kept no history of them, and the rules that a migrate has made."""
    bare = {str(gap).split()[0] for gap in gaps_found() if gap.message == "has no history"}
    assert bare == {"accounts.User", "audit.ComplianceRule", "vault.RetentionPeriod"}
    told = told_by("upgrade")
    assert models_in(told) == bare
    assert {d["user_id"] for d in told} == {"system"}
    assert list(gaps_found()) == []
    assert users[Role.OWNER].history.get().roles == "owner"
    assert told_by("upgrade") == []
