"""Clients that ask for things with idempotency keys, over and over until they know what became of each."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .places import PASSWORD

SKUS = ("SKU001", "SKU002", "SKU003")
TIMEOUT = 15


@dataclass
class Wish:
    """What a client asks for, and how often it is to be had."""

    kind: str
    share: int
    path: str
    answers: tuple[int, ...]
    asynchronous: bool = False


WISHES = (
    Wish("add", 34, "/api/inventory/update", (200,)),
    Wish("add later", 20, "/api/inventory/update", (202,), asynchronous=True),
    Wish("sell", 16, "/api/sales/sell", (200, 409)),
    Wish("refused", 10, "/api/sales/sell", (409,)),
    Wish("ticket", 8, "/api/customer/support-ticket", (200,)),
    Wish("points", 6, "/api/customer/loyalty", (200,)),
    Wish("look", 6, "/api/inventory/query", (200,)),
)


def body_of(wish: Wish, rnd: random.Random) -> dict[str, Any]:
    sku = rnd.choice(SKUS)
    bodies: dict[str, dict[str, Any]] = {
        "add": {"sku": sku, "delta": rnd.randint(1, 3), "reason": "torture"},
        "add later": {"sku": sku, "delta": rnd.randint(1, 3), "reason": "torture"},
        "sell": {"lines": [{"sku": sku, "quantity": 1}], "customer_id": "CUST001"},
        "refused": {"lines": [{"sku": "SKU001", "quantity": 1}, {"sku": sku, "quantity": 9_000_000}]},
        "ticket": {"customer_id": "CUST001", "subject": "Broken", "message": "It is broken."},
        "points": {"customer_id": "CUST001", "operation": "adjust", "points": 1, "reason": "torture"},
        "look": {"sku": sku},
    }
    return bodies[wish.kind]


@dataclass
class Load:
    port: int
    seed: int
    tasks: int
    seconds: float
    clients: int = 32
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    """kind, body and task of each wish, once its answer is known"""
    met: Counter[str] = field(default_factory=Counter)
    """answers and broken connections on the way"""

    def __post_init__(self) -> None:
        self._token, self._lock, self._given = "", threading.Lock(), 0
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(self.clients)]

    def start(self) -> None:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def join(self, *, patience: float) -> None:
        """Wait for all clients, however slow the machine.

        :raises TimeoutError: when for so many seconds no client learned what became of its wish.
        """
        known, since = 0, time.monotonic()
        while any(thread.is_alive() for thread in self._threads):
            if len(self.acknowledged) > known:
                known, since = len(self.acknowledged), time.monotonic()
            if time.monotonic() - since > patience:
                raise TimeoutError(f"no answer for {patience} s: {dict(self.met)}")
            time.sleep(0.1)

    def _client(self, number: int) -> None:
        rnd = random.Random(f"{self.seed}/{number}")
        while (turn := self._turn()) is not None:
            wish = rnd.choices(WISHES, [wish.share for wish in WISHES])[0]
            self._fulfil(wish, body_of(wish, rnd), f"{self.seed}-{turn}")

    def _turn(self) -> int | None:
        """The next wish's number, when its time has come: they are spread over the run."""
        with self._lock:
            if self._given >= self.tasks:
                return None
            self._given += 1
            turn = self._given
        due = self._began + self.seconds * turn / self.tasks
        time.sleep(max(0.0, due - time.monotonic()))
        return turn

    def _fulfil(self, wish: Wish, body: dict[str, Any], key: str) -> None:
        headers = {"Idempotency-Key": key}
        if wish.asynchronous:
            headers["Prefer"] = "respond-async"
        while True:
            try:
                status, answer, told = self._ask(wish.path, body, headers)
            except (OSError, http.client.HTTPException, ValueError) as problem:
                self.met[type(problem).__name__] += 1
                time.sleep(0.3)
                continue
            code = (answer.get("error") or {}).get("code", "")
            self.met[f"{status} {code}".strip()] += 1
            if status in wish.answers and code != "IDEMPOTENCY_IN_PROGRESS":
                task = told.get("x-task-id") or answer.get("task_id") or answer["data"].get("task_id")
                self.acknowledged.append({"kind": wish.kind, "status": status, "body": body, "task": task})
                return
            if status == 401:
                self._token = ""
            time.sleep(0.5)

    def _ask(self, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        if not self._token:
            self._log_in()
        return self._post(path, body, {**headers, "Authorization": f"Bearer {self._token}"})

    def _log_in(self) -> None:
        with self._lock:
            if not self._token:
                status, answer, _ = self._post("/api/auth/token", {"username": "owner", "password": PASSWORD}, {})
                if status != 200:
                    raise ValueError(f"no token: {answer}")
                self._token = answer.get("access") or answer["data"]["access"]

    def _post(self, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, json.loads(answer.read()), told
        finally:
            connection.close()
