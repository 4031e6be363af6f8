"""A few clients that ask as fast as they are answered: `python -m tests.benchmarks.load`, told what by JSON on stdin.

In: {"host", "port", "path", "token", "bodies": [...], "connections", "seconds"}.
Out: {"requests", "seconds", "failed", "p50_ms", "p99_ms"}; times are from the first byte sent to the last received.
"""

import json
import socket
import sys
import threading
import time
from itertools import cycle, islice
from typing import Any


class Client(threading.Thread):
    def __init__(self, job: dict[str, Any], number: int, until: float) -> None:
        super().__init__()
        host = f"{job['host']}:{job['port']}"
        head = f"POST {job['path']} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {job['token']}\r\n"
        self.requests = [
            f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            for body in job["bodies"]
        ]
        self.socket = socket.create_connection((job["host"], job["port"]), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number, self.until = number, until
        self.times: list[float] = []
        self.failed = 0
        self.first_failure = b""

    def run(self) -> None:
        start = self.number * 7919 % len(self.requests)
        for request in islice(cycle(self.requests), start, None):
            began = time.perf_counter()
            if began >= self.until:
                return
            self.socket.sendall(request)
            answer = self._answer()
            self.times.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200"):
                self.failed += 1
                self.first_failure = self.first_failure or answer

    def _answer(self) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            body += self._more()
        return head + body

    def _more(self) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def main() -> None:
    job = json.load(sys.stdin)
    until = time.perf_counter() + job["seconds"]
    clients = [Client(job, number, until) for number in range(job["connections"])]
    began = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = time.perf_counter() - began
    times = sorted(moment for client in clients for moment in client.times)
    failed = sum(client.failed for client in clients)
    if failed:
        print(next(client.first_failure for client in clients if client.failed)[:2000].decode(), file=sys.stderr)
    at = {f"p{share}_ms": round(times[min(len(times) * share // 100, len(times) - 1)] * 1000, 2) for share in (50, 99)}
    print(json.dumps({"requests": len(times), "seconds": took, "failed": failed, **at}))


if __name__ == "__main__":
    main()
