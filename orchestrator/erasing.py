"""What requests and uploaded files hold of a person who is erased."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from shop_assistant.vault.erasing import Traces, elsewhere
from shop_assistant.vault.services import Opener, batched, subjects_living

from .models import TaskState
from .storing import place
from .uploads import uploads_remove

TASK = "task:"


@elsewhere
def keys_of_tasks(traces: Traces) -> Iterator[str]:
    """Keys of requests that were sealed for nobody known, and tell of the person all the same."""
    for subjects in batched(subjects_living(TASK)):
        tasks = TaskState.objects.filter(task_id__in=[subject.removeprefix(TASK) for subject in subjects])
        kept: dict[Any, Any] = {pk: rest for pk, *rest in tasks.values_list("task_id", "inputs", "outputs", "error")}
        opener = Opener(*kept.values())
        for task_id, values in kept.items():
            if traces.within(opener.open(values, place(task_id))):
                yield f"{TASK}{task_id}"


@elsewhere
def uploaded_files(traces: Traces) -> tuple[str, ...]:
    """Files that wait to be imported may name anybody. They wait for an hour at most, so all of them go."""
    transaction.on_commit(uploads_remove)
    return ()
