"""The outbox's INSERT, which every request makes."""

from shop_assistant.statements import Insert

from .models import Outbox

OUTBOX = Insert(Outbox, ["event_id", "event", "task_id", "user_id", "agent", "timestamp", "payload", "attempt"])
"""Takes drafts as they are; `sealed_at` stays null."""
