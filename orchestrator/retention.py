"""How long requests and what belongs to them are kept."""

from datetime import datetime

from django.db.models import QuerySet

from shop_assistant.vault.models import SubjectKey
from shop_assistant.vault.retention import Kind, register
from shop_assistant.vault.services import batched, keys_destroy

from .erasing import TASK
from .idempotency import keys_prune
from .models import IdempotencyKey


def _task_keys(before: datetime) -> QuerySet[SubjectKey]:
    return SubjectKey.objects.filter(subject__startswith=TASK, destroyed_at=None, created_at__lt=before)


def _destroy_task_keys(before: datetime) -> int:
    subjects = list(_task_keys(before).order_by("pk").values_list("subject", flat=True))
    return sum(len(keys_destroy(some)) for some in batched(subjects))


register(
    Kind(
        name="tasks",
        about="What requests say of people whom the shop does not know as customers, and free details of the trail. "
        "Their keys are destroyed; who asked for what, and what came of it, stays.",
        days=730,
        at_least=7,
        due=lambda before: _task_keys(before).count(),
        apply=_destroy_task_keys,
    ),
    Kind(
        name="repeats",
        about="Idempotency-Key headers and the requests they stood for. After this a repeated request is a new one.",
        days=2,
        at_least=1,
        due=lambda before: IdempotencyKey.objects.filter(created_at__lt=before).count(),
        apply=keys_prune,
    ),
)
