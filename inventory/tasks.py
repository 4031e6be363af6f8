"""What the inventory gives the queue to do. A message lost or sent twice does no harm: the chunk's row is the truth."""

from functools import partial

from django.conf import settings
from django.db import transaction
from django_tasks import task

from .services import chunk_forecast

BEHIND = -50
"""Priority: whoever waits for an answer comes first."""


@task()
def forecast_chunk(chunk_id: int) -> None:
    chunk_forecast(chunk_id=chunk_id)


def chunk_enqueue(chunk_id: int) -> None:
    """Send the message: within the caller's transaction, or on Redis, which keeps the order of arrival, after it."""
    if settings.TASKS_BACKEND == "database":
        forecast_chunk.using(priority=BEHIND).enqueue(chunk_id)
    else:
        transaction.on_commit(partial(forecast_chunk.enqueue, chunk_id))
