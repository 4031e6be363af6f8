"""The one way by which the shop asks anybody on the network, over HTTP.

Whoever can choose an address could have the shop ask its own neighbours (SSRF, OWASP API7:2023). So every address that
a name stands for is looked at before, and the connection goes to the very address that was looked at: a name that
answers otherwise the next time (DNS rebinding) gains nothing. No redirect is followed, and no proxy of the environment.
"""

import ipaddress
import re
import socket
import ssl
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

TIMEOUT = 10.0
LARGEST = 1_048_576
PORTS = {"https": 443, "http": 80}
PUBLIC_V6 = ipaddress.ip_network("2000::/3")
NEVER = [
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # IETF protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # Azure's own services, beside the link-local address that all clouds use
        "2001::/23",  # Teredo and its like, which lead to an IPv4 address within
        "2002::/16",  # 6to4, the same
    )
]
"""Beside what Python's `is_global` knows (IANA's registries of special addresses)."""

PLAIN = re.compile(r"[!-\[\]-~]+")
NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?)(:[0-9]{1,5})?")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutgoingError(Exception):
    """No answer: the other side is away, too slow or says too much. Trying again later may help."""


class AddressRefused(OutgoingError):
    """The shop does not ask this address. Only another address, or OUTGOING_ALLOWED_HOSTS, helps."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    """Any: a redirect is an answer like others."""
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name."""


def fetch(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    timeout: float = TIMEOUT,
    largest: int = LARGEST,
) -> Answer:
    """Ask once and return the answer, whatever its status. Never within a database transaction.

    :param timeout: seconds for all of it, once the name is resolved.
    :param largest: bytes of the body that are read at most.
    :raises AddressRefused: for what is not https (http is for development and for hosts of OUTGOING_ALLOWED_HOSTS), has
        a user name, or leads anywhere but to public addresses, those hosts excepted.
    :raises OutgoingError: when there is no good answer in time.
    """
    split, host, port = _read(url)
    found = resolve(host, port)
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    kind = HTTPSConnection if split.scheme == "https" else HTTPConnection
    until = monotonic() + timeout
    try:
        with _connected(found, port, until) as plain:
            # Time-outs of a socket are of each read: who drips a byte now and then would be read for ever.
            watched = plain.dup()
            timer = threading.Timer(until - monotonic(), _cut, [watched])
            timer.daemon = True
            timer.start()
            try:
                wire = _encrypted(plain, host) if split.scheme == "https" else plain
                with closing(kind(host, port)) as connection:
                    connection.sock = wire
                    connection.request(method, path, body=body or None, headers=headers or {})
                    answer = connection.getresponse()
                    content = answer.read(largest + 1)
                    told = {name.lower(): value for name, value in answer.getheaders()}
            finally:
                timer.cancel()
                watched.close()
    except (OSError, HTTPException, ValueError) as error:
        _refuse_late(host, timeout, until)
        raise OutgoingError(f"{host} gave no good answer ({type(error).__name__}).") from None
    _refuse_late(host, timeout, until)
    if len(content) > largest:
        raise OutgoingError(f"{host} answered more than {largest} bytes.")
    return Answer(answer.status, content, told)


def _refuse_late(host: str, timeout: float, until: float) -> None:
    """Being cut off looks like an end, or like a fault of the other side."""
    if monotonic() >= until:
        raise OutgoingError(f"{host} took longer than {timeout:g} s.") from None


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host that the shop may ask.

    :raises AddressRefused: when any one of them is not public, and the host is not of OUTGOING_ALLOWED_HOSTS.
    :raises OutgoingError: when it has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OutgoingError(f"There is no host {host}.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allowed(host) and not all(map(is_public, addresses)):
        raise AddressRefused(f"{host} is not on the public network; name it in OUTGOING_ALLOWED_HOSTS if it is yours.")
    return addresses


def is_public(text: str) -> bool:
    """Whether an address is one of the public network: not of this machine, its network, a cloud's or a group's."""
    address: Address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address not in PUBLIC_V6:
        return False  # mapped, translated and compatible IPv4 addresses included
    special = address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global
    return not special and not any(address in network for network in NEVER if network.version == address.version)


def allowed(host: str) -> bool:
    return host in settings.OUTGOING_ALLOWED_HOSTS


def _read(url: str) -> tuple[SplitResult, str, int]:
    """The URL's parts, its host as it is asked for, and its port."""
    try:
        split = urlsplit(url)
        host = (split.hostname or "").removesuffix(".")
        port = split.port or PORTS[split.scheme]
    except (ValueError, KeyError):
        raise AddressRefused("An address begins https:// and names a host.") from None
    if not PLAIN.fullmatch(url) or not NETLOC.fullmatch(split.netloc):
        raise AddressRefused("An address is written in visible ASCII, and its host without a user name or password.")
    if split.scheme == "http" and settings.ENV == "production" and not allowed(host):
        raise AddressRefused(f"{host} must be asked by https.")
    return split, host, port


def _connected(addresses: list[str], port: int, until: float) -> socket.socket:
    """To the first of them that answers, each given its share of the time."""
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            return socket.create_connection((address, port), max(0.01, (until - monotonic()) / left))
        except OSError as error:
            failure = error
    raise failure


def _encrypted(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _cut(wire: socket.socket) -> None:
    with suppress(OSError):  # over already
        wire.shutdown(socket.SHUT_RDWR)
