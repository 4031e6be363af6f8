"""Tasks, and the audit trail as a verifier outside needs it."""

from contextlib import suppress

from django.conf import settings

from audit.models import AuditRecord
from audit.sealing import LogRefused, seal
from audit.services import denials_flush

from ...models import TaskState
from ...storing import place
from ..definitions import Column, Dataset, Kind, Part

TIME, NUMBER, FLAG, ID, HEX = Kind.TIME, Kind.NUMBER, Kind.FLAG, Kind.ID, Kind.HEX


def _seal_all() -> None:
    """What happened up to now is in the file, however much of it waits for the sealer."""
    denials_flush()
    with suppress(LogRefused):  # what is in the log can be exported all the same
        seal()


TASKS = Dataset(
    name="tasks",
    about="Every request to the agents, and what became of it.",
    permissions=("orchestrator.view_taskstate",),
    columns=(
        Column("task_id", "", ID),
        Column("status", ", ".join(TaskState.Status.values)),
        Column("agent", ""),
        Column("operation", ""),
        Column("user_id", "who asked"),
        Column("acted_by", "the service that acted for the user"),
        Column("channel", "rest, admin, command, worker or python"),
        Column("is_async", "whether a worker did it", FLAG),
        Column("attempt", "how often it was tried", NUMBER),
        Column("error_code", "of a task that failed"),
        Column("created_at", "", TIME),
        Column("started_at", "", TIME),
        Column("finished_at", "", TIME),
        Column("inputs", "", Kind.DOCUMENT, place=lambda row: place(row["task_id"])),
        Column("outputs", "", Kind.DOCUMENT, place=lambda row: place(row["task_id"])),
    ),
    parts=(
        Part(
            rows=lambda: TaskState.objects.order_by("created_at", "task_id"),
            sources={
                "task_id": "task_id",
                "status": "status",
                "agent": "agent",
                "operation": "operation",
                "user_id": "user_id",
                "acted_by": "acted_by",
                "channel": "channel",
                "is_async": "is_async",
                "attempt": "attempt",
                "error_code": "error_code",
                "created_at": "created_at",
                "started_at": "started_at",
                "finished_at": "finished_at",
                "inputs": "inputs",
                "outputs": "outputs",
            },
            conditions={"time": "created_at", "status": "status", "agent": "agent", "by": "user_id"},
        ),
    ),
    choices={"status": tuple(TaskState.Status.values)},
)

AUDIT = Dataset(
    name="audit",
    about="The sealed records, oldest first. leaf = SHA-256(0x00 || payload), chain = SHA-256(prev || leaf): whoever "
    "has the file can check it. What is personal in a payload is ciphertext.",
    permissions=("agents.audit.export",),
    columns=(
        Column("seq", "number of the record, without gaps", NUMBER),
        Column("event_id", "", ID),
        Column("event", "such as TASK_COMPLETED"),
        Column("task_id", "the task it belongs to", ID),
        Column("user_id", "who asked"),
        Column("agent", "who did it"),
        Column("timestamp", "when it happened", TIME),
        Column("payload", "the event as it was hashed: canonical JSON (RFC 8785)"),
        Column("prev", "chain of the record before; 32 zero bytes for the first", HEX),
        Column("leaf", "", HEX),
        Column("chain", "", HEX),
    ),
    parts=(
        Part(
            rows=lambda: AuditRecord.objects.order_by("seq"),
            sources={
                "seq": "seq",
                "event_id": "event_id",
                "event": "event",
                "task_id": "task_id",
                "user_id": "user_id",
                "agent": "agent",
                "timestamp": "timestamp",
                "payload": "payload",
                "prev": "prev",
                "leaf": "leaf",
                "chain": "chain",
            },
            conditions={"time": "timestamp", "event": "event", "agent": "agent", "by": "user_id"},
        ),
    ),
    database=settings.AUDIT_DATABASE,
    prepare=_seal_all,
)
