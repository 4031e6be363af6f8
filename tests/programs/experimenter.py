"""A process of its own that asks the laboratory for something: `experimenter.py operation {context as JSON}`.

With `task` in the context it is a worker's process that takes up that task.
"""

import json
import os
import sys
from uuid import UUID

import django

django.setup()

import laboratory  # noqa: E402

from orchestrator import leases  # noqa: E402
from orchestrator.services import dispatch, perform_queued  # noqa: E402
from shop_assistant.accounts.roles import system_user  # noqa: E402
from shop_assistant.agents import Context, registry  # noqa: E402
from shop_assistant.agents.errors import AgentError  # noqa: E402

assert registry.agents
laboratory.make()
leases.BEAT_SECONDS = float(os.environ.get("BEAT_SECONDS", leases.BEAT_SECONDS))
operation, fields = sys.argv[1], json.loads(sys.argv[2])
try:
    if "task" in fields:
        perform_queued(UUID(fields["task"]))
        told = None
    else:
        asked = Context(user=system_user(), **fields)
        told = dispatch(agent="laboratory", operation=operation, payload={}, context=asked).data
except AgentError as error:
    told = {"code": error.code, "message": error.message}
print(json.dumps(told))
