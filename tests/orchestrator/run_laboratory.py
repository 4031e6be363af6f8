"""A process of its own that asks the laboratory for something: `run_laboratory.py operation {context as JSON}`.

With `task` in the context it is a worker's process that takes up that task.
"""

import json
import sys
from uuid import UUID

import django

django.setup()

import laboratory  # noqa: E402

from orchestrator.services import dispatch, perform_queued  # noqa: E402
from shop_assistant.accounts.roles import system_user  # noqa: E402
from shop_assistant.agents import Context, registry  # noqa: E402

assert registry.agents
laboratory.make()
operation, fields = sys.argv[1], json.loads(sys.argv[2])
if "task" in fields:
    perform_queued(UUID(fields["task"]))
else:
    asked = Context(user=system_user(), **fields)
    print(dispatch(agent="laboratory", operation=operation, payload={}, context=asked).data)
