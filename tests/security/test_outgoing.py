"""Whoever can name an address can't have the shop ask its own neighbours (SSRF)."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shop_assistant.outgoing import AddressRefused, OutgoingError, fetch, is_public

LOCAL = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://127.255.255.254/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/latest/meta-data/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
]
MISSHAPEN = [
    "",
    "127.0.0.1",
    "//127.0.0.1/",
    "https://",
    "https:///path",
    "https://:443/",
    "https://user@127.0.0.1/",
    "https://shop.example@127.0.0.1/",
    "https://user:password@shop.example/",
    "https://127.0.0.1\\@shop.example/",
    "https://shop.example\\.localhost/",
    "https://shop.example/\r\nHost: localhost",
    "https://shop.example/ HTTP/1.1",
    "https://shop.example\t/",
    "https://shop.example\0/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
    "https://127\u30020\u30020\u30021/",
    "https://shop..example/",
    "https://\u043c\u0430\u0433\u0430\u0437\u0438\u043d.example/",
    "HTTPS://USER@SHOP.EXAMPLE/",
    "https://[::1/",
    "https://[::1%25lo]x/",
    "https://shop.example:99999/",
    "https://shop.example:port/",
    "ftp://shop.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/stats",
    "javascript:alert(1)",
    "data:text/plain,x",
]


@pytest.mark.parametrize("url", LOCAL + [url.replace("https:", "http:") for url in LOCAL[:8]])
def test_what_is_not_public_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match="OUTGOING_ALLOWED_HOSTS"):
        fetch("GET", url)


@pytest.mark.parametrize("url", MISSHAPEN)
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        fetch("GET", url)


def test_public_addresses_are_public() -> None:
    assert all(map(is_public, ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:80e::200e"]))


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1%1"])
def test_one_private_address_among_public_ones_is_enough(address: str, names: dict[str, list[str]]) -> None:
    names["shop.example"] = ["93.184.215.14", address]
    with pytest.raises(AddressRefused):
        fetch("GET", "https://shop.example/")


def test_outside_development_it_is_https(settings: Any, server: Any) -> None:
    settings.ENV = "production"
    settings.OUTGOING_ALLOWED_HOSTS = []
    with pytest.raises(AddressRefused, match="https"):
        fetch("GET", "http://shop.example/")
    settings.OUTGOING_ALLOWED_HOSTS = ["127.0.0.1"]
    assert fetch("GET", f"http://127.0.0.1:{server}/").status == 200


# With somebody to ask.


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names stand for."""
    known: dict[str, list[str]] = {}
    ask = socket.getaddrinfo

    def answer(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host not in known:
            return ask(host, port, *args, **options)
        return [found for address in known[host] for found in ask(address, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known


class _Witness(BaseHTTPRequestHandler):
    asked: list[Any] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/secret")
            self.end_headers()
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b".")
                time.sleep(0.05)
        else:
            body = b"x" * 5000 if self.path == "/long" else b"here"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Kind", "witness")
            self.end_headers()
            self.wfile.write(body)

    def do_POST(self) -> None:
        got = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(self.headers["Content-Type"].encode() + b":" + got)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(settings: Any) -> Iterator[int]:
    """A witness in the shop's own network, which it may ask; its port."""
    settings.OUTGOING_ALLOWED_HOSTS = ["127.0.0.1"]
    _Witness.asked = []
    served = ThreadingHTTPServer(("127.0.0.1", 0), _Witness)
    served.daemon_threads = True
    threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield served.server_port
    served.shutdown()
    served.server_close()


def test_a_host_that_is_named_may_be_private(server: int) -> None:
    answer = fetch("GET", f"http://127.0.0.1:{server}/a?b=c")
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (200, b"here", "witness")
    assert _Witness.asked == [("/a?b=c", f"127.0.0.1:{server}")]
    sent = fetch("POST", f"http://127.0.0.1:{server}", body=b"tree", headers={"Content-Type": "application/note"})
    assert (sent.status, sent.body) == (201, b"application/note:tree")


@pytest.mark.parametrize("other", ["127.1", "2130706433", "0x7f000001", "localhost", "[::ffff:127.0.0.1]"])
def test_it_is_that_name_and_no_other_for_the_same_place(other: str, server: int) -> None:
    with pytest.raises(AddressRefused):
        fetch("GET", f"http://{other}:{server}/")
    assert _Witness.asked == []


def test_no_redirect_is_followed(server: int) -> None:
    answer = fetch("GET", f"http://127.0.0.1:{server}/away")
    assert answer.status == 302
    assert [path for path, _ in _Witness.asked] == ["/away"]


def test_the_connection_goes_where_was_looked(
    names: dict[str, list[str]], server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is looked at and private when it is connected to (DNS rebinding)."""
    names["turning.example"] = ["93.184.215.14"]
    went: list[Any] = []

    def connect(address: Any, timeout: float) -> socket.socket:
        names["turning.example"] = ["127.0.0.1"]
        went.append(address)
        return connected(("127.0.0.1", server), timeout)

    connected = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", connect)
    assert fetch("GET", f"http://turning.example:{server}/").status == 200
    assert went == [("93.184.215.14", server)]
    assert _Witness.asked == [("/", f"turning.example:{server}")], "and is asked by its name"
    with pytest.raises(AddressRefused):
        fetch("GET", f"http://turning.example:{server}/")


def test_too_long_and_too_slow(server: int) -> None:
    with pytest.raises(OutgoingError, match="more than 4999 bytes"):
        fetch("GET", f"http://127.0.0.1:{server}/long", largest=4999)
    assert len(fetch("GET", f"http://127.0.0.1:{server}/long", largest=5000).body) == 5000
    began = time.monotonic()
    with pytest.raises(OutgoingError, match=r"longer than 0\.3 s"):
        fetch("GET", f"http://127.0.0.1:{server}/drip", timeout=0.3)
    assert time.monotonic() - began < 2


def test_nobody_there() -> None:
    with pytest.raises(OutgoingError, match="no host"):
        fetch("GET", "https://no-such-host.invalid/")


def test_its_own_certificate_is_no_certificate(server: int) -> None:
    with pytest.raises(OutgoingError):
        fetch("GET", f"https://127.0.0.1:{server}/", timeout=2)


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\r\nY": "b"}])
def test_no_header_is_smuggled(headers: dict[str, str], server: int) -> None:
    with pytest.raises(OutgoingError):
        fetch("GET", f"http://127.0.0.1:{server}/", headers=headers)
    assert _Witness.asked == []
