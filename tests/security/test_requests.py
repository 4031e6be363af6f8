"""What is tried on every web application: frames, hosts, redirects, forged posts, paths, methods, sizes, odd bytes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as shop
from django.contrib.admin import site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from inventory.models import Product
from shop_assistant.accounts.models import User
from shop_assistant.agents import Role
from tests.cases import PAYLOADS, ROUTES, general
from tests.conftest import PASSWORD, Api

from .conftest import FACTOR, INDEX, LOGIN, page_login

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(users: dict[Role, User]) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(users[Role.OWNER])
    return client


# Where an answer leads.

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "\\\\evil.example/",
    "/\\evil.example/",
    "https:evil.example",
    "http:///evil.example",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "\thttps://evil.example/",
    "\x01https://evil.example/",
    "/%0d%0aLocation:%20https://evil.example/\r\nSet-Cookie: x=1",
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_login_leads_to_a_page_of_ours(elsewhere: str, users: dict[Role, User]) -> None:
    for where in ({"next": elsewhere}, {}):
        body = {"username": "clerk", "password": PASSWORD, **where}
        answer = Client().post(LOGIN, body, query_params={} if where else {"next": elsewhere})
        assert answer.status_code == 302
        assert answer["Location"] == INDEX or (answer["Location"].startswith("/%0d") and "\r" not in answer["Location"])
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["//evil.example/admin/", "/admin//evil.example", "/\\evil.example", "/admin/\\evil"])
def test_no_path_leads_elsewhere(path: str, owner: Client) -> None:
    answer = owner.get(path)
    assert not answer.headers.get("Location", "/").startswith(("//", "/\\", "http"))


@pytest.mark.parametrize(
    "host", ["evil.example", "shop.example.evil.example", "evil.example:80@shop.example", "shop.example\\x", ""]
)
def test_another_host_is_refused(host: str, settings: Any, users: dict[Role, User]) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    for path in (LOGIN, "/api/ai/audit", "/docs", "/health/live", "/no/such"):
        answer = Client(raise_request_exception=False).get(path, headers={"host": host})
        assert answer.status_code == 400 or path == "/health/live", (path, answer.status_code)
        assert host == "" or host not in answer.content.decode()
    data = Client(raise_request_exception=False).get("/api/ai/audit", headers={"host": host}).json()
    assert set(data) == {"success", "task_id", "error", "timestamp"}
    forwarded = Client().get("/admin/", headers={"host": "shop.example", "x-forwarded-host": "evil.example"})
    assert forwarded["Location"].startswith(LOGIN)


# Who sends it.


def posted_pages(users: dict[Role, User]) -> list[str]:
    """Every page of the admin that takes a POST."""
    product = Product.objects.first()
    assert product
    pages = [LOGIN, "/admin/logout/", FACTOR, "/admin/password_change/", "/admin/operations/inventory/update/"]
    pages += ["/admin/exports/inventory/", "/admin/import/products/", "/admin/import/sales/"]
    pages += [f"/admin/accounts/user/{users[Role.CLERK].pk}/{what}/" for what in ("change", "password", "delete")]
    pages += [f"/admin/inventory/product/{product.pk}/change/"]
    for model in site._registry:
        pages += [
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}") for what in ("changelist", "add")
        ]
    return pages


@pytest.mark.usefixtures("shop")
def test_no_post_of_another_page_is_taken(users: dict[Role, User]) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(users[Role.OWNER])
    pages = posted_pages(users)
    assert len(pages) > 60
    wrong = [(page, client.post(page, {"x": "1"}).status_code) for page in pages]
    assert [found for found in wrong if found[1] != 403] == []
    client.get(FACTOR)
    token = client.cookies["csrftoken"].value
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}):
        assert client.post(FACTOR, {"csrfmiddlewaretoken": token}, headers=headers).status_code == 403
    answer = client.post(
        FACTOR, {"csrfmiddlewaretoken": token}, secure=True, headers={"referer": "https://evil.example/"}
    )
    assert answer.status_code == 403
    assert User.objects.filter(pk=users[Role.CLERK].pk).exists()


def test_no_cookie_opens_the_api(users: dict[Role, User]) -> None:
    """So nothing can be forged there."""
    client = page_login("owner").client
    for route, body in ((ROUTES[label], PAYLOADS[label]) for label in ROUTES):
        assert client.post(route, body, content_type="application/json").status_code == 401
    answer = client.post(
        "/api/inventory/query", {}, content_type="application/json", headers={"origin": "https://evil.example"}
    )
    assert "Access-Control-Allow-Origin" not in answer.headers
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert "Access-Control-Allow-Origin" not in client.options("/api/inventory/query", headers=asked).headers


def test_getting_a_page_changes_nothing(owner: Client, users: dict[Role, User]) -> None:
    for page in (
        "/admin/logout/",
        f"/admin/accounts/user/{users[Role.CLERK].pk}/delete/",
        "/admin/accounts/user/?action=log_out",
    ):
        owner.get(page)
    assert owner.get(INDEX).status_code == 200
    assert User.objects.filter(username="clerk").exists()


METHODS = {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "PUT", "X-Method-Override": "GET"}


@pytest.mark.usefixtures("shop")
def test_a_method_is_what_it_is(api: Callable[[str], Api], owner: Client, users: dict[Role, User]) -> None:
    client = api("owner")
    for name, value in METHODS.items():
        assert client.post("/api/inventory/query", {"sku": "SKU001"}, **{name: value}).status_code == 200
        assert client.get("/api/inventory/query", **{name: "POST"}).status_code == 405
    assert client.post("/api/inventory/query?_method=DELETE", {"sku": "SKU001"}).status_code == 200
    assert client.post("/api/inventory/query", {"sku": "SKU001", "_method": "DELETE"}).status_code == 400
    for method in ("put", "patch", "delete", "trace", "head"):
        answer = getattr(client.client, method)("/api/inventory/query", headers=client.headers)
        assert answer.status_code == 405, method
    owner.get(f"/admin/accounts/user/{users[Role.CLERK].pk}/delete/", {"_method": "POST", "post": "yes"})
    assert User.objects.filter(username="clerk").exists()


# Where it wants to go.

UPWARDS = [
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "..\\..\\etc\\passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//x",
    "/etc/passwd",
]


@pytest.mark.parametrize("path", UPWARDS)
def test_no_path_leads_out_of_its_folder(path: str, owner: Client, users: dict[Role, User]) -> None:
    (Path(shop.VAR_DIR) / "uploads").mkdir(parents=True, exist_ok=True)
    pages = [f"/static/{path}", f"/admin/exports/{path}/", f"/admin/import/{path}/", f"/admin/import/products/{path}/"]
    pages += [f"/admin/import/products/{path}/rejects", f"/admin/operations/{path}/query/", f"/api/ai/task/{path}"]
    for page in pages:
        answer = owner.get(page)
        assert answer.status_code in (301, 302, 401, 404), (page, answer.status_code)
        content = b"".join(answer) if answer.streaming else answer.content
        assert b"root:" not in content
    for body in ({"format": path}, {"format": "csv", "delimiter": path}):
        assert owner.post("/admin/exports/inventory/", body).status_code == 200, "the form again"


@pytest.mark.parametrize(
    "name",
    [
        "../../escaped.csv",
        "/tmp/escaped.csv",
        "..\\..\\escaped.csv",
        "a/../../escaped.csv",
        "x\n.csv",
        ".csv",
        "a" * 300 + ".csv",
    ],
)
@pytest.mark.usefixtures("shop")
def test_a_file_is_kept_where_files_are_kept(name: str, owner: Client) -> None:
    kept = Path(shop.VAR_DIR) / "uploads"
    before = {path for path in Path(shop.VAR_DIR).rglob("*") if path.is_file() and kept not in path.parents}
    file = SimpleUploadedFile("x.csv", b"sku,name,list_price\nS1,Name,1\n")
    file._name = name  # as no browser sends it
    answer = owner.post("/admin/import/products/", {"file": file, "columns": ""})
    assert answer.status_code in (200, 302)
    after = {path for path in Path(shop.VAR_DIR).rglob("*") if path.is_file() and kept not in path.parents}
    assert {path for path in after - before if "escaped" in path.name} == set()
    assert not Path("/tmp/escaped.csv").exists()


# What it weighs, and of what it is made.


def test_too_large_and_too_deep(api: Callable[[str], Api], settings: Any) -> None:
    client = api("owner")

    def sent(body: str | bytes, path: str = "/api/inventory/query") -> Any:
        return client.client.post(path, body, content_type="application/json", headers=client.headers)

    assert sent(json.dumps({"sku": "x" * shop.MAX_BODY_BYTES})).status_code == 413
    for text in (
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"sku":' + "[" * 40 + "]" * 40 + "}",
        '{"sku":' + "1" * 10_000 + "}",
    ):
        assert sent(text).status_code == 400, text[:20]
        assert sent(text, "/api/auth/token").status_code == 400
    many = json.dumps({f"field{number}": number for number in range(20_000)})
    assert sent(many).status_code == 400
    assert client.client.post("/admin/login/", {f"f{number}": "x" for number in range(1100)}).status_code == 400
    assert client.client.post(LOGIN, {"username": "x" * (shop.MAX_BODY_BYTES + 1), "password": "x"}).status_code in (
        400,
        413,
    )


@pytest.mark.usefixtures("waiting")
def test_nul_bytes(api: Callable[[str], Api], owner: Client, users: dict[Role, User]) -> None:
    client, text = api("owner"), "a\0b"
    for label, payload in PAYLOADS.items():
        for field in payload:
            answer = client.post("/api/ai/query", general(label, {**payload, field: text}))
            assert answer.status_code == 400, (label, field)
    for body in ({"username": text, "password": text}, {"username": "clerk", "password": PASSWORD, "otp": text}):
        assert client.post("/api/auth/token", body).status_code == 400
    assert client.get("/api/ai/audit", {"user_id": text}).status_code == 400
    assert Client().post(LOGIN, {"username": text, "password": text}).status_code == 200
    assert Client(raise_request_exception=False).get(LOGIN, {"next": text}).status_code == 200
    assert owner.post(FACTOR, {"code": text}).status_code == 200
    assert owner.get(FACTOR, {"next": text}).status_code == 200
    for page in (
        "accounts/user",
        "inventory/product",
        "audit/auditrecord",
        "orchestrator/taskstate",
        "customers/customer",
    ):
        for query in ({"q": text}, {"o": text}, {"p": text}, {"id": text}, {"pk__exact": text}, {"e": text}):
            assert owner.get(f"/admin/{page}/", query).status_code in (200, 302, 400), (page, query)
    for page in ("/admin/exports/inventory/", "/admin/operations/inventory/query/"):
        assert owner.get(page, {"from": text, "sku": text}).status_code == 200
        assert owner.post(page, {"from": text, "sku": text, "format": text}).status_code == 200
    for header in ("Cookie", "Accept-Language", "X-Forwarded-For", "Referer"):
        assert owner.get(INDEX, headers={header: text}).status_code in (200, 302), header


@pytest.mark.parametrize("cookie", ["", "x", "../../x", "\xe9", "a" * 5000, "' OR 1=1 --", "0" * 32])
def test_made_up_sessions(cookie: str, users: dict[Role, User]) -> None:
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = cookie
    assert client.get("/admin/").status_code == 302
    assert client.get(FACTOR)["Location"].startswith(LOGIN)


NO_KEYS = ["x\0", "-1"]
ODD_KEYS = [*NO_KEYS, "9" * 30, "1.5", "_5F", "' OR 1=1 --", "01a20295-59fc-75f0-bd43-3d08c397a35g"]


def pages_of_a_row(model: Any) -> list[str]:
    """Every address of the admin with a key in it."""
    prefix = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    routes = [str(found.pattern) for found in site._registry[model].get_urls()]
    return [prefix + route.split(">", 1)[1] for route in routes if route.startswith("<path:object_id>")]


def test_made_up_keys_are_not_found(owner: Client) -> None:
    wrong = []
    for model in site._registry:
        pages = pages_of_a_row(model)
        assert len(pages) >= 3, model
        keys = [(page, key) for page in pages for key in (ODD_KEYS if page == pages[0] else NO_KEYS)]
        for page, key in keys:
            address = page.replace(f"/{model._meta.model_name}/", f"/{model._meta.model_name}/{quote(key, safe='')}", 1)
            status = owner.get(address).status_code
            if status not in (200, 302, 403, 404, 405):
                wrong.append((address, status))
    assert wrong == []
