"""Tokens that are not ours, or not for this: each is refused alike, whatever key, claim or header it brings.

Beside those of tests/accounts/test_tokens.py, what is known of other libraries (RFC 8725).
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.test import Client

from shop_assistant.accounts.models import User
from shop_assistant.agents import Role

from .conftest import token

pytestmark = pytest.mark.django_db

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
EC, ED = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()

Claims = dict[str, Any]


def packed(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def made(told: Claims, header: Claims | None = None, key: bytes | None = None, digest: str = "sha256") -> str:
    """A token signed by hand, so that no library minds what it claims."""
    head = {"alg": "HS256", "typ": "JWT"} | (header or {})
    signed = f"{packed(head)}.{packed(told)}"
    used = settings.SECRET_KEY.encode() if key is None else key
    return f"{signed}.{packed(hmac.new(used, signed.encode(), digest).digest())}"


def without(told: Claims, *names: str) -> Claims:
    return {name: value for name, value in told.items() if name not in names}


JWK = {"kty": "oct", "k": packed(b"mine"), "alg": "HS256"}
OURS: dict[str, Callable[[Claims], str]] = {
    "as ours": made,
    "a jku that nobody asks": lambda told: made(told, {"jku": "https://evil.example/keys"}),
    "a kid that nobody looks up": lambda told: made(told, {"kid": "' OR 1=1 --"}),
}
"""Signed with the shop's own key: what else the header says does neither good nor harm."""
FORGED: dict[str, Callable[[Claims], str]] = {
    "alg none": lambda told: f"{packed({'alg': 'none', 'typ': 'JWT'})}.{packed(told)}.",
    "alg nOnE": lambda told: f"{packed({'alg': 'nOnE', 'typ': 'JWT'})}.{packed(told)}.",
    "alg none, two parts": lambda told: f"{packed({'alg': 'none'})}.{packed(told)}",
    "alg none, signed": lambda told: made(told, {"alg": "none"}),
    "alg empty": lambda told: made(told, {"alg": ""}),
    "alg null": lambda told: made(told, {"alg": None}),
    "alg a list": lambda told: made(told, {"alg": ["HS256"]}),
    "alg twice": lambda told: ".".join(
        [packed(b'{"alg":"HS256","alg":"none"}'), packed(told), packed(b"signature of thirty-two bytes...")]
    ),
    "HS384 with the right key": lambda told: made(told, {"alg": "HS384"}, digest="sha384"),
    "HS512 with the right key": lambda told: made(told, {"alg": "HS512"}, digest="sha512"),
    "HS256 with a public key": lambda told: made(told, key=PUBLIC_PEM),
    "HS256 with no key": lambda told: made(told, key=b""),
    "HS256 with a NUL": lambda told: made(told, key=b"\0"),
    "HS256 with 'secret'": lambda told: made(told, key=b"secret"),
    "HS256 with a usual default": lambda told: made(told, key=b"your-256-bit-secret"),
    "HS256 with Django's prefix": lambda told: made(told, key=b"django-insecure-"),
    "HS256 with the key's hash": lambda told: made(told, key=hashlib.sha256(settings.SECRET_KEY.encode()).digest()),
    "HS256 with the key and a blank": lambda told: made(told, key=settings.SECRET_KEY.encode() + b" "),
    "HS256 with the other secrets": lambda told: made(told, key=settings.LOOKUP_KEY),
    "RS256": lambda told: jwt.encode(told, RSA, "RS256"),
    "RS256 with its jwk": lambda told: jwt.encode(told, RSA, "RS256", headers={"jwk": {"kty": "RSA", "e": "AQAB"}}),
    "RS256 with a jku": lambda told: jwt.encode(told, RSA, "RS256", headers={"jku": "https://evil.example/jwks.json"}),
    "RS256 with an x5u": lambda told: jwt.encode(told, RSA, "RS256", headers={"x5u": "http://169.254.169.254/"}),
    "RS256 with an x5c": lambda told: jwt.encode(told, RSA, "RS256", headers={"x5c": [packed(PUBLIC_PEM)]}),
    "PS256": lambda told: jwt.encode(told, RSA, "PS256"),
    "ES256": lambda told: jwt.encode(told, EC, "ES256"),
    "ES256 of zeros (CVE-2022-21449)": lambda told: f"{packed({'alg': 'ES256'})}.{packed(told)}.{packed(bytes(64))}",
    "EdDSA": lambda told: jwt.encode(told, ED, "EdDSA"),
    "its own jwk": lambda told: made(told, {"jwk": JWK}, key=b"mine"),
    "kid of a file": lambda told: made(told, {"kid": "../../../../dev/null"}, key=b""),
    "kid of a query": lambda told: made(told, {"kid": "x' UNION SELECT 'mine"}, key=b"mine"),
    "kid of a command": lambda told: made(told, {"kid": "|id"}, key=b"mine"),
    "crit": lambda told: made(told, {"crit": ["exp"], "alg": "HS999"}),
    "expired": lambda told: made({**told, "exp": told["iat"] - 1}),
    "expires as text": lambda told: made({**told, "exp": "never"}),
    "expires never": lambda told: made({**told, "exp": None}),
    "expires at infinity": lambda told: made({**told, "exp": float("inf")}),
    "no expiry": lambda told: made(without(told, "exp")),
    "valid later": lambda told: made({**told, "nbf": told["exp"] + 600}),
    "issued later": lambda told: made({**told, "iat": told["exp"] + 600}),
    "another audience": lambda told: made({**told, "aud": "another"}),
    "no audience": lambda told: made(without(told, "aud")),
    "an audience of others": lambda told: made({**told, "aud": ["one", "two"]}),
    "another issuer": lambda told: made({**told, "iss": "another"}),
    "no issuer": lambda told: made(without(told, "iss")),
    "another user": lambda told: made({**told, "user_id": "USER-OWNER"}),
    "the system user": lambda told: made({**told, "user_id": "system"}),
    "no user": lambda told: made(without(told, "user_id")),
    "a user of a query": lambda told: made({**told, "user_id": {"$ne": None}}),
    "another's sub": lambda told: made({**without(told, "user_id"), "sub": "USER-OWNER"}),
    "no session": lambda told: made(without(told, "sid")),
    "a session that is a list": lambda told: made({**told, "sid": [told["sid"]]}),
    "no type": lambda told: made(without(told, "token_type")),
    "type refresh": lambda told: made({**told, "token_type": "refresh"}),
    "no jti": lambda told: made(without(told, "jti")),
    "no claims": lambda told: made({}),
    "claims that are a list": lambda told: f"{made(told).split('.')[0]}.{packed([told])}.x",
    "no signature": lambda told: made(told).rsplit(".", 1)[0] + ".",
    "no dot": lambda told: made(told).rsplit(".", 1)[0],
    "a signature cut": lambda told: made(told)[:-4],
    "a signature longer": lambda told: made(told) + "AAAA",
    "a signature of another": lambda told: (
        made(told).rsplit(".", 1)[0] + "." + made({**told, "x": 1}).rsplit(".", 1)[1]
    ),
    "a fourth part": lambda told: made(told) + ".x",
    "five parts (JWE)": lambda told: f"{packed({'alg': 'dir', 'enc': 'A256GCM'})}..x.y.z",
    "tampered": lambda told: ".".join(
        [made(told).split(".")[0], packed({**told, "user_id": "USER-OWNER"}), made(told).split(".")[2]]
    ),
    "other text at the end": lambda told: made(told) + "\u2028",
    "a blank within": lambda told: made(told).replace(".", " .", 1),
    "a token in a token": lambda told: made({"token": made(told)}),
    "no token": lambda told: "null",
    "dots": lambda told: "..",
}


def call(authorization: str, **headers: str) -> Any:
    return Client(raise_request_exception=False).post(
        "/api/inventory/query",
        {},
        content_type="application/json",
        headers={"Authorization": authorization, **headers},
    )


@pytest.fixture
def pair(users: dict[Role, User]) -> dict[str, str]:
    found: dict[str, str] = token("clerk").json()
    return found


def claims(text: str) -> Claims:
    found: Claims = jwt.decode(text, options={"verify_signature": False})
    return found


def test_forged_tokens_open_nothing(pair: dict[str, str]) -> None:
    assert len(FORGED) >= 60
    told, refresh, wrong = claims(pair["access"]), claims(pair["refresh"]), []
    for name, forge in OURS.items():
        assert call(f"Bearer {forge(told)}").status_code == 200, name
    for name, forge in FORGED.items():
        answer = call(f"Bearer {forge(told)}")
        if (answer.status_code, answer.json()["error"]["code"]) != (401, "NOT_AUTHENTICATED"):
            wrong.append((name, answer.status_code, answer.content[:200]))
        if name in ("type refresh", "another user", "the system user", "no user", "a user of a query", "another's sub"):
            continue  # of a refresh token nothing but the session is looked at, which knows its user
        answer = Client().post("/api/auth/refresh", {"refresh": forge(refresh)}, content_type="application/json")
        if answer.status_code not in (400, 401):
            wrong.append((name, "refreshed", answer.status_code, answer.content[:200]))
    assert wrong == []
    assert call(f"Bearer {pair['access']}").status_code == 200, "the real one is as good as before"


def test_each_token_is_good_for_its_own_purpose(pair: dict[str, str]) -> None:
    assert call(f"Bearer {pair['refresh']}").status_code == 401
    for route in ("refresh", "logout"):
        body = {"refresh": pair["access"]}
        assert Client().post(f"/api/auth/{route}", body, content_type="application/json").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "{token}",
        "bearer",
        "Bearer",
        "Bearer  ",
        "Basic {token}",
        "Token {token}",
        "JWT {token}",
        "Bearer {token} {token}",
        "Bearer {token},{token}",
        "Bearer {token}, Bearer {token}",
        "Bearer Bearer {token}",
        "Bearer\t{token}",
        "Bearer={token}",
        "Bearer:{token}",
        'Bearer "{token}"',
        "Bearer null",
        "Bearer undefined",
        "Bearer %00",
    ],
)
def test_headers_that_are_none(header: str, pair: dict[str, str]) -> None:
    assert call(header.format(token=pair["access"])).status_code == 401


def test_a_token_comes_in_its_header_and_nowhere_else(pair: dict[str, str]) -> None:
    access, client = pair["access"], Client()
    for name in ("access", "access_token", "token", "jwt", "Authorization"):
        client.cookies[name] = access
        path = f"/api/inventory/query?{name}={access}&jwt={access}"
        headers = {"X-Access-Token": access, "X-Authorization": f"Bearer {access}", "Cookie2": access}
        assert client.post(path, {}, content_type="application/json", headers=headers).status_code == 401, name
        assert client.post("/api/inventory/query", {name: access}, content_type="application/json").status_code == 401
    for header in ("X-Remote-User", "Remote-User", "X-User-Id", "X-Forwarded-User"):
        assert call("", **{header: "owner"}).status_code == 401, header
