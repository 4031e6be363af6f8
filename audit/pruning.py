"""Taking old events out of the outbox, when the log has them and somebody else bears witness to it.

Pruned is always a beginning of the log: all events of the records up to a seq, none beyond it. So the verifier knows
from the trail itself which records need no event behind them any more.
"""

import json
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shop_assistant.accounts.models import SYSTEM_USER_ID

from . import events
from .anchors.keeping import anchored_size
from .merkle import leaf_hash
from .models import AuditRecord, Outbox
from .services import event_record
from .standing import refusal

CHUNK = 1000
MOST = 100_000
"""In one run; an hour later there is another."""


def pruned_through() -> int:
    """Records up to this seq have no event in the outbox any more."""
    ours = {"event": events.OUTBOX_PRUNED, "user_id": SYSTEM_USER_ID, "agent": ""}  # staff may log any name by hand
    told = list(Outbox.objects.filter(sealed_at=None, **ours).values_list("payload", flat=True))
    told += AuditRecord.objects.filter(**ours).order_by("-seq").values_list("payload", flat=True)[:1]
    return max((json.loads(payload).get("through", 0) for payload in told), default=0)


def outbox_prune() -> int:
    """Delete what is older than OUTBOX_DAYS, sealed as it was, and within an anchored checkpoint; how many."""
    if refusal():
        return 0
    deleted, anchored = 0, anchored_size()
    before = timezone.now() - timedelta(days=settings.OUTBOX_DAYS)
    while deleted < MOST:
        first = pruned_through() + 1
        sealed = AuditRecord.objects.filter(seq__gte=first, seq__lte=anchored).order_by("seq")
        leaves = {event_id: bytes(leaf) for event_id, leaf in sealed.values_list("event_id", "leaf")[:CHUNK]}
        pruned = _prune(leaves, first, before)
        deleted += pruned
        if pruned < CHUNK:
            break
    return deleted


def _prune(leaves: dict[UUID, bytes], first: int, before: datetime) -> int:
    with transaction.atomic():
        rows = Outbox.objects.select_for_update().filter(event_id__in=leaves, sealed_at__lt=before)
        found = {event_id: (pk, payload) for pk, event_id, payload in rows.values_list("pk", "event_id", "payload")}
        gone = []
        for event_id, leaf in leaves.items():  # in the log's order
            pk, payload = found.get(event_id, (None, ""))
            if pk is None or leaf_hash(payload.encode()) != leaf:
                break
            gone.append(pk)
        if gone:
            Outbox.objects.filter(pk__in=gone).delete()
            event_record(events.OUTBOX_PRUNED, user_id=SYSTEM_USER_ID, through=first + len(gone) - 1, count=len(gone))
    return len(gone)
