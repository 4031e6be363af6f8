"""What every test may use: users of each role, a client for each, and the shop of the user's examples."""

import gc
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import pytest_django
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, QuerySet
from django.test import Client, TransactionTestCase

from audit.models import ComplianceRule, Outbox
from shop_assistant.accounts.models import User
from shop_assistant.accounts.sessions import session_open
from shop_assistant.agents import Role
from tests import emptying

PASSWORD = "a-password-for-tests"

# Two processes share two cores with a database: how long one example takes says nothing.
hypothesis.settings.register_profile("shop", deadline=None)
hypothesis.settings.load_profile("shop")


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "only the tests that use the database: what the others test is the same on each"
    parser.addoption("--with-database", action="store_true", help=text)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was collected stays: looking through it for garbage again and again is a sixth of the whole run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


LONG = ("tests/torture/", "tests/api/test_schema_fuzz", "tests/operations/test_backups", "tests/audit/test_second_data")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))  # else one goes on alone when all others have ended
    if config.getoption("with_database"):
        left_out = [item for item in items if not _uses_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _uses_database(item)]


def _uses_database(item: Any) -> bool:
    if item.get_closest_marker("one_database"):
        return False
    of_django = item.cls is not None and issubclass(item.cls, TransactionTestCase)
    return of_django or "db" in item.fixturenames or item.get_closest_marker("django_db") is not None


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        # Else tests that change prices would break a rule when they are run at night.
        hours = QuerySet(ComplianceRule).filter(key="price-hours")
        hours.update(parameters={**hours.get().parameters, "opens": "00:00", "closes": "00:00"})
        emptying.remember()


@pytest.fixture
def users(db: None) -> dict[Role, User]:
    """One user a role, in its group: `users["owner"]` has the public id USER-OWNER and the password PASSWORD."""
    groups = {group.name: group for group in Group.objects.all()}
    password = make_password(PASSWORD)
    made = QuerySet(User).bulk_create(  # without a history, whose events most tests do not expect
        User(
            username=role.value,
            password=password,
            public_id=f"USER-{role.upper()}",
            is_staff=role is not Role.SERVICE,
        )
        for role in Role
    )
    through = User.groups.through
    QuerySet(through).bulk_create(through(user=user, group=groups[user.username]) for user in made)
    return {Role(user.username): user for user in made}


class Api:
    """Talks JSON to the shop as one user; the answers are those of Django's test client."""

    def __init__(self, user: User | None) -> None:
        self.user = user
        self.client = Client(raise_request_exception=False)
        token = session_open(user=user)["access"] if user else None
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """`api("clerk").post("/api/inventory/query", {"sku": "SKU001"}, Idempotency_Key="1")`."""
        return self.client.post(
            path, {} if body is None else body, content_type="application/json", headers=self._headers(headers)
        )

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.get(path, query, headers=self._headers(headers))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return self.headers | {name.replace("_", "-"): value for name, value in more.items()}


@pytest.fixture
def api(users: dict[Role, User]) -> Callable[[str | None], Api]:
    """`api("clerk")` is a client logged in as the clerk, `api(None)` one that isn't."""
    return lambda role: Api(users[Role(role)] if role else None)


SHOP_APPS = ("inventory", "customers", "pricing", "vault")
OF_EVERY_SHOP = {
    "vault.KeyCheck", "vault.RetentionPeriod", "vault.HistoricalRetentionPeriod", "audit.ComplianceRule",
    "audit.HistoricalComplianceRule",
}  # fmt: skip
"""Has its rows as soon as it is migrated."""
_shop: list[tuple[type[Model], list[Any]]] = []
"""The rows of the examples, as this process loaded them first: to insert them again takes a tenth of the time."""


def _insert_again(model: type[Model], rows: list[Any]) -> None:
    """As they were, moments of their making included: the history tells of them."""
    stamped = [f.attname for f in model._meta.concrete_fields if getattr(f, "auto_now_add", False)]
    before = [{name: getattr(row, name) for name in stamped} for row in rows]
    QuerySet(model).bulk_create(rows)
    for row, values in zip(rows, before, strict=True):
        vars(row).update(values)
    if stamped and hasattr(model, "history"):
        QuerySet(model).bulk_update(rows, stamped)


@pytest.fixture
def shop(db: None) -> None:
    """The entities of the examples: SKU001 Widget Pro (150 at A-01-01, 29.99), RULE001, CUST001 John Smith …"""
    from orchestrator.demo import load_examples  # only tests that use it need all of the shop

    models = [Outbox, *(model for app in SHOP_APPS for model in apps.get_app_config(app).get_models())]
    models = [model for model in models if model._meta.label not in OF_EVERY_SHOP]
    if _shop:
        with transaction.atomic():
            for model, rows in _shop:
                _insert_again(model, rows)
        return
    alone = not any(model._base_manager.exists() for model in models)
    load_examples()
    if alone:
        _shop[:] = [
            (model, list(model._base_manager.order_by("pk"))) for model in models if model._base_manager.exists()
        ]


_waiting: list[tuple[type[Model], list[Any], list[Any]]] = []
"""What `waiting` adds to the examples and changes of them, as this process made it first."""


@pytest.fixture
def waiting(shop: None) -> None:
    """What the payloads of `tests.cases` decide on: a ticket, a finding, list prices that somebody has proposed."""
    if _waiting:
        with transaction.atomic():
            for model, added, changed in _waiting:
                _insert_again(model, added)
                if changed:
                    columns = [field.name for field in model._meta.concrete_fields if not field.primary_key]
                    QuerySet(model).bulk_update(changed, columns)
        return
    before = _rows_now()
    alone = {model: {*rows} for model, rows in before.items()} == {model: {r.pk for r in rows} for model, rows in _shop}
    _make_wait()
    if alone:
        for model, rows in _rows_now().items():
            known = before.get(model, {})
            added = [row for pk, row in rows.items() if pk not in known]
            changed = [row for pk, row in rows.items() if pk in known and _values(row) != _values(known[pk])]
            if added or changed:
                _waiting.append((model, added, changed))


def _rows_now() -> dict[type[Model], dict[Any, Any]]:
    """Every row of the shop and of its trail, by primary key."""
    models = [model for app in (*SHOP_APPS, "audit", "orchestrator") for model in apps.get_app_config(app).get_models()]
    own = [model for model in models if model._meta.label not in OF_EVERY_SHOP]
    found = {model: model._base_manager.in_bulk() for model in own}
    return {model: rows for model, rows in found.items() if rows}


def _values(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _make_wait() -> None:
    from audit.models import Finding
    from customers.models import Customer, Ticket
    from customers.services import customer_create, erasure_request
    from inventory.models import Product
    from pricing.models import PriceChange
    from tests.inventory.buying import orders_waiting
    from tests.inventory.making import count_sheet, lots_on_their_way, promised

    ticket = Ticket(reference="T-WAITING", customer=Customer.objects.get(public_id="CUST001"))
    ticket.seal({"subject": "Broken"})
    ticket.save()
    leaving = customer_create(public_id="CUST-LEAVING", name="Lea Wing")
    request = erasure_request(customer=leaving, ground="asked", reason="by letter", user_id="USER123")
    assert request.reference == "E-000001"
    Finding(pk=9001, rule_id="deep-discount", entity_type="order", entity_id="S-000001", message="sold cheap").save(
        force_insert=True
    )
    counted = Product.objects.get(sku="SKU002")
    for number in (9001, 9002):
        promised(f"V-{number:06}", counted)
    for number in (9001, 9002, 9009, 9010):
        count_sheet(number, "open")
    for number, status in ((9003, "open"), (9004, "open"), *((number, "counted") for number in range(9005, 9009))):
        count_sheet(number, status, counted, off=int(number != 9008))  # two of one shelf can't both be booked
    lots_on_their_way()
    orders_waiting()
    product = Product.objects.get(sku="SKU001")
    for pk in range(9001, 9005):
        PriceChange(
            pk=pk, product=product, old_price=product.list_price, new_price=31, reason="spring", user_id="USER123",
            status="proposed",
        ).save(force_insert=True)  # fmt: skip


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the fuzzing of the API sent (tests/api/test_schema_fuzz.py), under whichever process it ran."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    lines = sorted(text for report in reports for name, text in report.user_properties if name == "schemathesis")
    if lines:
        terminalreporter.section("Schemathesis")
        for line in dict.fromkeys(lines):
            terminalreporter.line(line)
