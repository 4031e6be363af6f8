"""The floor: the least that a service can do and still leave the same durable trace as the shop.

FastAPI and psycopg 3, by hand. Like the shop it checks a signed token, stores a task and two audit rows with each
request, commits once for a read and twice for a write, and books a movement with its level. It has no sessions to
revoke, no permissions, no rate limit, no idempotency, no price rules but one kind, no sealing, no log line.
"""

import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel
from uuid_utils.compat import uuid7

SECRET = os.environ.get("FLOOR_SECRET", "")
CENT = Decimal("0.01")

SCHEMA = """
CREATE TABLE product (id bigserial PRIMARY KEY, sku text UNIQUE, name text, price numeric(14, 4), tax numeric(6, 3));
CREATE TABLE level (id bigserial PRIMARY KEY, product_id bigint UNIQUE REFERENCES product, location text,
    on_hand numeric(13, 3) CHECK (on_hand >= 0), reserved numeric(13, 3) DEFAULT 0);
CREATE TABLE movement (id bigserial PRIMARY KEY, product_id bigint REFERENCES product, quantity numeric(13, 3),
    balance numeric(13, 3) CHECK (balance >= 0), reason text, user_id text, task_id uuid, occurred_at timestamptz);
CREATE INDEX ON movement (product_id, occurred_at);
CREATE TABLE rule (id bigserial PRIMARY KEY, product_id bigint REFERENCES product, min_quantity numeric(13, 3),
    percent numeric(6, 3));
CREATE TABLE task (id uuid PRIMARY KEY, status text, operation text, user_id text, inputs jsonb, outputs jsonb,
    created_at timestamptz, finished_at timestamptz);
CREATE INDEX ON task (user_id, created_at);
CREATE TABLE audit (id bigserial PRIMARY KEY, event_id uuid UNIQUE, event text, task_id uuid, user_id text,
    moment timestamptz, payload text, leaf bytea);
CREATE INDEX ON audit (task_id);
"""

pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    global pool
    options = {"row_factory": dict_row, "prepare_threshold": 1}
    pool = AsyncConnectionPool(os.environ["FLOOR_DSN"], min_size=4, max_size=8, kwargs=options, open=False)
    async with pool:
        yield


app = FastAPI(lifespan=lifespan)


class Query(BaseModel):
    sku: str


class Update(BaseModel):
    sku: str
    delta: Decimal
    reason: str | None = None


class Calculate(BaseModel):
    sku: str
    quantity: Decimal


def user(authorization: Annotated[str, Header()] = "") -> str:
    try:
        claims = jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401) from None
    found: str = claims["sub"]
    return found


User = Annotated[str, Depends(user)]


@app.post("/api/inventory/query")
async def query(data: Query, user_id: User) -> dict[str, Any]:
    async with pool.connection() as connection:
        row = await _one(connection, _PRODUCT, data.sku)
        answer = {
            "sku": row["sku"],
            "product_name": row["name"],
            "quantity": float(row["on_hand"]),
            "available": float(row["on_hand"] - row["reserved"]),
            "unit_price": float(row["price"]),
            "warehouse_location": row["location"],
        }
        await _read(connection, "query", user_id, data, answer)
    return {"status": "success", "data": answer}


@app.post("/api/pricing/calculate")
async def calculate(data: Calculate, user_id: User) -> dict[str, Any]:
    async with pool.connection() as connection:
        row = await _one(connection, _PRODUCT, data.sku)
        rules = await (await connection.execute(_RULES, [row["id"], data.quantity])).fetchall()
        percent = max((rule["percent"] for rule in rules), default=Decimal(0))
        price = (row["price"] * (100 - percent) / 100).quantize(CENT, ROUND_HALF_UP)
        total = (price * data.quantity).quantize(CENT, ROUND_HALF_UP)
        answer = {
            "sku": row["sku"],
            "quantity": float(data.quantity),
            "unit_price": float(price),
            "total_cost": float(total),
            "savings": float(row["price"] * data.quantity - total),
            "tax": float((total - total / (1 + row["tax"] / 100)).quantize(CENT, ROUND_HALF_UP)),
        }
        await _read(connection, "calculate", user_id, data, answer)
    return {"status": "success", "data": answer}


@app.post("/api/inventory/update")
async def update(data: Update, user_id: User) -> dict[str, Any]:
    task_id, now, inputs = uuid7(), datetime.now(UTC), data.model_dump(mode="json")
    async with pool.connection() as connection:
        await connection.execute(_TASK, [task_id, "in_progress", "update", user_id, Jsonb(inputs), None, now, None])
        await _audit(connection, task_id, user_id, now, {"TASK_STARTED": inputs})
        await connection.commit()
        row = await _one(connection, _PRODUCT, data.sku)
        changed = await (await connection.execute(_CHANGE, [data.delta, row["id"], data.delta])).fetchone()
        if changed is None:
            raise HTTPException(409)
        values = [row["id"], data.delta, changed["on_hand"], data.reason or "", user_id, task_id, datetime.now(UTC)]
        await connection.execute(_MOVEMENT, values)
        answer = {"sku": row["sku"], "quantity": float(changed["on_hand"]), "location": row["location"]}
        ended = datetime.now(UTC)
        await connection.execute(_FINISH, [Jsonb(answer), ended, task_id])
        await _audit(connection, task_id, user_id, ended, {"TASK_COMPLETED": {"inputs": inputs, "outputs": answer}})
    return {"status": "success", "data": answer}


async def _one(connection: AsyncConnection[dict[str, Any]], sql: Any, sku: str) -> dict[str, Any]:
    row = await (await connection.execute(sql, [sku])).fetchone()
    if row is None:
        raise HTTPException(404)
    return row


async def _read(
    connection: AsyncConnection[dict[str, Any]], operation: str, user_id: str, data: BaseModel, answer: Any
) -> None:
    task_id, now, inputs = uuid7(), datetime.now(UTC), data.model_dump(mode="json")
    values = [task_id, "completed", operation, user_id, Jsonb(inputs), Jsonb(answer), now, now]
    await connection.execute(_TASK, values)
    told = {"TASK_STARTED": inputs, "TASK_COMPLETED": {"inputs": inputs, "outputs": answer}}
    await _audit(connection, task_id, user_id, now, told)


async def _audit(
    connection: AsyncConnection[dict[str, Any]], task_id: UUID, user_id: str, moment: datetime, told: dict[str, Any]
) -> None:
    for event, body in told.items():
        event_id = uuid7()
        payload = json.dumps({"event_id": str(event_id), "event": event, "task_id": str(task_id), **body})
        leaf = hashlib.sha256(b"\0" + payload.encode()).digest()
        await connection.execute(_AUDIT, [event_id, event, task_id, user_id, moment, payload, leaf])


_PRODUCT = (
    "SELECT p.*, l.on_hand, l.reserved, l.location FROM product p JOIN level l ON l.product_id = p.id WHERE sku=%s"
)
_RULES = "SELECT percent FROM rule WHERE (product_id = %s OR product_id IS NULL) AND min_quantity <= %s"
_TASK = "INSERT INTO task VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
_FINISH = "UPDATE task SET status = 'completed', outputs = %s, finished_at = %s WHERE id = %s"
_AUDIT = """INSERT INTO audit (event_id, event, task_id, user_id, moment, payload, leaf)
    VALUES (%s, %s, %s, %s, %s, %s, %s)"""
_CHANGE = "UPDATE level SET on_hand = on_hand + %s WHERE product_id = %s AND on_hand + %s >= reserved RETURNING on_hand"
_MOVEMENT = """INSERT INTO movement (product_id, quantity, balance, reason, user_id, task_id, occurred_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)"""
