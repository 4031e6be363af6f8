"""Booking one movement with its level: the statement behind nearly every change of stock; and keeping others from it.

PostgreSQL does both in one; tests/inventory/test_fixed_sql.py holds that it stores what the ORM would.
"""

from django.db import connection

from shop_assistant.statements import Insert, Update, on_postgresql

from .models import StockLevel, StockMovement

_LEVEL = Update(StockLevel, ["on_hand", "oversold"], where=["id"])
_MOVEMENT = Insert(StockMovement)


def movement_insert(movement: StockMovement, level: StockLevel) -> None:
    """Store what is on hand now, and the movement that says why, which gets its primary key."""
    level_sql, level_values = _LEVEL.of(level, id=level.pk)
    movement_sql, movement_values = _MOVEMENT.of([movement])
    with connection.cursor() as cursor:
        if on_postgresql():
            statement = f"WITH level AS ({level_sql}) {movement_sql} RETURNING id"
            cursor.execute(statement, level_values + movement_values)
        else:
            cursor.execute(level_sql, level_values)
            cursor.execute(f"{movement_sql} RETURNING id", movement_values)
        (movement.pk,) = cursor.fetchone()
    movement._state.adding, movement._state.db = False, connection.alias


def stock_stand_still() -> None:
    """Wait for whoever books stock, and let nobody do so before the transaction ends: what is checked from now on
    stays true. The whole table, since the first level of a product is no row yet that could be locked; on SQLite one
    writes at a time anyway.
    """
    if on_postgresql():
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(StockLevel._meta.db_table)} IN EXCLUSIVE MODE")
