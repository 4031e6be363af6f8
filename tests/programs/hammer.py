"""A process of its own that posts to the shop from many threads at once.

`hammer.py {"path": …, "bodies": […], "headers": {…}}` says `ready`, waits for a line, and prints what was answered.
"""

import json
import sys
import threading
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402

asked = json.loads(sys.argv[1])
Client(raise_request_exception=False).get("/health/live")  # loads the routes
answers: list[Any] = []
together = threading.Barrier(len(asked["bodies"]))


def post(body: Any) -> None:
    client = Client(raise_request_exception=False)
    together.wait()
    answer = client.post(asked["path"], body, content_type="application/json", headers=asked["headers"])
    answers.append([answer.status_code, answer.json(), dict(answer.headers)])
    connections.close_all()


threads = [threading.Thread(target=post, args=(body,)) for body in asked["bodies"]]
print("ready", flush=True)
sys.stdin.readline()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(answers), flush=True)
