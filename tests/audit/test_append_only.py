"""The database itself refuses to change or remove what was recorded."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction
from simple_history.models import registered_models

from audit.append_only import TRIGGERS, guarded_models, install, missing_triggers
from audit.models import Anchoring, AuditRecord, Checkpoint, ComplianceDay, MerkleTile, SigningKey
from audit.sealing import seal
from audit.verification import verify_triggers
from customers.models import CustomerOrder, Interaction, LoyaltyEntry, TicketMessage
from inventory.models import (
    CountEntry,
    LandedCost,
    Order,
    OrderLine,
    OrderLineComponent,
    OrderReturn,
    OrderReturnLine,
    Product,
    Receipt,
    ReceiptLine,
    StockMovement,
    SupplierReturn,
    SupplierReturnLine,
)
from orchestrator.models import ImportedDocument
from pricing.models import CouponRedemption, DiscountApproval
from tests.audit.conftest import lift, sealed, sql

LEDGERS = {
    Anchoring,
    AuditRecord,
    Checkpoint,
    ComplianceDay,
    CountEntry,
    CouponRedemption,
    CustomerOrder,
    DiscountApproval,
    ImportedDocument,
    Interaction,
    LandedCost,
    LoyaltyEntry,
    MerkleTile,
    Order,
    OrderLine,
    OrderLineComponent,
    OrderReturn,
    OrderReturnLine,
    Receipt,
    ReceiptLine,
    SigningKey,
    StockMovement,
    SupplierReturn,
    SupplierReturnLine,
    TicketMessage,
}


def histories() -> set[Any]:
    return {model.history.model for model in registered_models.values()}


def test_every_ledger_and_every_history_is_guarded():
    assert set(guarded_models("default")) == LEDGERS | histories()


def test_every_table_with_a_history_id_is_a_history():
    """A model that keeps a history in another way than tracked() would escape the guard."""
    kept = {m for m in apps.get_models() if any(f.name == "history_id" for f in m._meta.concrete_fields)}
    assert kept == histories()


@pytest.fixture
def filled(shop: None, api: Callable[[str], Any]) -> None:
    """A row in each ledger and in the histories that the examples fill."""
    clerk = api("clerk")
    sold = clerk.post("/api/sales/sell", {"lines": [{"sku": "SKU001", "quantity": 2}], "customer_id": "CUST001"})
    assert sold.status_code == 200
    assert clerk.post("/api/sales/return", {"order": sold.json()["data"]["order"]}).status_code == 200
    ticket = {"subject": "Broken", "message": "It is broken.", "customer_id": "CUST001"}
    assert clerk.post("/api/customer/support-ticket", ticket).status_code == 200
    seal()


def refused(statement: str, parameters: Any = ()) -> bool:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(statement, parameters)
    return True


@pytest.mark.usefixtures("filled")
def test_raw_sql_can_neither_change_nor_remove_a_row():
    checked = 0
    for model in guarded_models("default"):
        if model._base_manager.exists():
            table, key = model._meta.db_table, model._meta.pk.column
            assert refused(f"UPDATE {table} SET {key} = {key}")
            assert refused(f"DELETE FROM {table}")
            checked += 1
    assert checked >= 17  # all but checkpoints, redeemed coupons, planned prices and the like, which stay empty here


@pytest.mark.usefixtures("filled")
def test_the_base_manager_of_the_orm_gets_no_further():
    rows = StockMovement._base_manager.all()
    kept = list(rows.values())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(reason="nothing happened")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows._raw_delete("default")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        StockMovement._base_manager.bulk_create(
            [StockMovement(**{**kept[0], "reason": "nothing happened"})],
            update_conflicts=True,
            update_fields=["reason"],
            unique_fields=["id"],
        )
    assert list(rows.values()) == kept


def test_a_history_row_can_be_neither_changed_nor_removed_by_its_own_model(shop):
    product = Product.objects.get(sku="SKU001")
    row = product.history.get()
    row.name = "Something else"
    for change in (row.save, row.delete, product.history.all().delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert product.history.get().name == "Widget Pro"


@pytest.mark.django_db
def test_truncate_is_refused():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE; an unconditional DELETE is refused above")
    for model in guarded_models("default"):
        assert refused(f"TRUNCATE {model._meta.db_table} CASCADE")


@pytest.fixture
def plain_sqlite(filled: None) -> Iterator[None]:
    """A connection as the sqlite3 program opens it: one on which a REPLACE fires no DELETE triggers."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no INSERT OR REPLACE; ON CONFLICT DO UPDATE is an UPDATE")
    sql("PRAGMA recursive_triggers=OFF")
    yield
    sql("PRAGMA recursive_triggers=ON")


@pytest.mark.usefixtures("plain_sqlite")
def test_a_row_cannot_be_replaced():
    """INSERT OR REPLACE deletes the row of the same key, or of any other unique value, without a word."""
    checked = 0
    for model in guarded_models("default"):
        table = model._meta.db_table
        columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
        if model._base_manager.exists():
            assert refused(f"REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1")
            assert refused(f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1")
            checked += 1
    assert checked >= 17


@pytest.mark.usefixtures("plain_sqlite")
@pytest.mark.parametrize("field", ["seq", "event_id", "prev"])
def test_a_record_cannot_be_replaced_by_way_of_any_unique_column(field: str):
    first = AuditRecord.objects.get(seq=1)
    columns = [f.column for f in AuditRecord._meta.concrete_fields]
    values = {column: f'"{column}"' for column in columns}
    values |= {"seq": "9999", "event_id": f"'{'f' * 32}'", "prev": "X'01'"}  # of its own in all but the one
    values[field] = f"(SELECT {field} FROM audit_record WHERE seq = 1)"
    names, fresh = ", ".join(f'"{column}"' for column in columns), ", ".join(values[column] for column in columns)
    assert refused(f"INSERT OR REPLACE INTO audit_record ({names}) SELECT {fresh} FROM audit_record WHERE seq = 2")
    assert AuditRecord.objects.get(seq=1).payload == first.payload
    assert not AuditRecord.objects.filter(seq=9999).exists()


@pytest.mark.usefixtures("plain_sqlite")
def test_a_row_cannot_be_replaced_by_way_of_a_unique_constraint():
    """Such as an order's line by another with its number."""
    checked = 0
    for model in guarded_models("default"):
        if not model._meta.total_unique_constraints or not model._base_manager.exists():
            continue
        table, fields = model._meta.db_table, [f for f in model._meta.concrete_fields if not f.primary_key]
        columns = ", ".join(f'"{field.column}"' for field in fields)
        before = list(model._base_manager.order_by("pk").values())
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1")
        assert list(model._base_manager.order_by("pk").values()) == before
        checked += 1
    assert checked >= 3


@pytest.mark.django_db
def test_a_missing_trigger_is_named_and_comes_back_after_a_migrate():
    assert missing_triggers("default") == []
    lift("audit_record", "inventory_historicalproduct")
    gone = [f"{t}_{n}" for t in ("audit_record", "inventory_historicalproduct") for n in TRIGGERS[connection.vendor]]
    assert missing_triggers("default") == sorted(gone)
    call_command("migrate", verbosity=0, interactive=False)
    assert missing_triggers("default") == []


@pytest.mark.django_db
def test_installing_again_changes_nothing():
    install("default")
    install("default")
    assert missing_triggers("default") == []


@pytest.mark.django_db
def test_a_trigger_that_is_switched_off_counts_as_missing():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite can't switch a trigger off")
    sql("ALTER TABLE audit_record DISABLE TRIGGER audit_record_append_only")
    assert missing_triggers("default") == ["audit_record_append_only"]
    (told,) = map(str, verify_triggers("default"))
    assert told.startswith("trigger: audit_record_append_only is switched off: ")
    assert "`manage.py upgrade`" in told


@pytest.mark.django_db
def test_replication_mode_does_not_pass_the_triggers_by():
    if connection.vendor != "postgresql":
        pytest.skip("session_replication_role is PostgreSQL's")
    sealed(1)
    sql("SET LOCAL session_replication_role = replica")
    assert refused("DELETE FROM audit_record")


@pytest.mark.django_db(transaction=True)
def test_a_table_rebuilt_by_a_migration_is_guarded_again():
    """SQLite's AlterField copies a table and drops the old one, triggers and all."""
    with connection.schema_editor() as editor:
        field = StockMovement._meta.get_field("reason")
        wider = models.CharField(max_length=501, blank=True)
        wider.set_attributes_from_name("reason")
        wider.model = StockMovement
        editor.alter_field(StockMovement, field, wider)
        editor.alter_field(StockMovement, wider, field)
    if connection.vendor == "sqlite":
        assert missing_triggers("default")
    call_command("migrate", verbosity=0, interactive=False)
    assert missing_triggers("default") == []


@pytest.mark.usefixtures("filled")
def test_python_refuses_too():
    for model in LEDGERS:
        row = model._base_manager.first()
        if row is None:
            continue
        for change in (row.save, row.delete):
            with pytest.raises(TypeError), transaction.atomic():
                change()
