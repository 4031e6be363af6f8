"""Uploading a file of products or sales: looked at first, then imported, and not kept."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from inventory.models import Order, Product
from orchestrator.uploads import KEPT_SECONDS, uploads_sweep
from shop_assistant.agents import Role

PRODUCTS = b"SKU,Name,Price,Stock\nNEW1,Blue mug,4.50,12\nNEW2,Red mug,4.50,3\nNEW3,No price,abc,1\n"
SALES = (
    b"Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID\n"
    b"A1,NEW1,Blue mug,2,2024-01-05 10:00,4.50,17\nA1,NEW2,Red mug,1,2024-01-05 10:00,4.50,17\n"
)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "uploads"


@pytest.fixture
def manager(users: dict[Role, Any], folder: Path, client: Client) -> Client:
    client.force_login(users[Role.MANAGER])
    return client


def upload(client: Client, what: str, content: bytes, name: str = "shop list.csv", **more: str) -> Any:
    return client.post(reverse("import", args=[what]), {"file": SimpleUploadedFile(name, content), **more})


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != ".told.json")


def test_products_are_looked_at_first_and_then_imported(manager: Client, folder: Path):
    answer = upload(manager, "products", PRODUCTS)
    assert answer.status_code == 302
    page = manager.get(answer.url).content.decode()
    for told in ("Nothing is changed yet", "NEW1", "Line 4", "abc", "list price from Price"):
        assert told in page
    assert not Product.objects.filter(sku__startswith="NEW").exists()
    assert kept(folder) == ["shop_list.csv"]
    page = manager.post(answer.url).content.decode()
    assert "was imported" in page
    mug = Product.objects.get(sku="NEW1")
    assert (mug.name, mug.history.get().history_user_id) == ("Blue mug", "USER-MANAGER")
    assert Product.objects.filter(sku__startswith="NEW").count() == 2
    assert kept(folder) == ["shop_list.csv.rejects.csv"]
    rejects = manager.get(answer.url + "rejects")
    assert "attachment" in rejects["Content-Disposition"]
    assert b"NEW3" in b"".join(rejects.streaming_content)  # type: ignore[attr-defined]
    assert manager.post(answer.url).status_code == 302  # it is imported once


def test_sales_too(manager: Client, folder: Path):
    before = Order.objects.count()
    answer = upload(manager, "sales", SALES)
    assert "Nothing is changed yet" in manager.get(answer.url).content.decode()
    assert Order.objects.count() == before
    assert "was imported" in manager.post(answer.url).content.decode()
    assert Order.objects.count() == before + 1
    assert kept(folder) == []


def test_columns_can_be_told(manager: Client):
    odd = b"Thing,Called,Worth\nNEW1,Blue mug,4.50\n"
    columns = "sku=Thing\nname=Called\nlist_price=Worth"
    answer = upload(manager, "products", odd, columns=columns)
    manager.post(answer.url)
    assert Product.objects.get(sku="NEW1").name == "Blue mug"
    assert upload(manager, "products", odd, columns="nonsense").status_code == 200


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "a.csv"), (b"\x00\x01\x02" * 100, "a.csv"), (b"PK\x03\x04 no workbook", "a.xlsx"), (b"a;b", "a.exe")],
)
def test_a_file_that_is_none_is_refused_and_forgotten(manager: Client, folder: Path, content: bytes, name: str):
    products = Product.objects.count()
    answer = upload(manager, "products", content, name)
    if answer.status_code == 302:
        answer = manager.get(answer.url, follow=True)
        assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    assert kept(folder) == []
    assert Product.objects.count() == products


def test_a_large_file_is_refused_before_it_is_read(manager: Client):
    answer = upload(manager, "products", b"x" * (10 * 1024 * 1024 + 100_000))
    assert answer.status_code == 413
    assert "manage.py import_products" in answer.content.decode()


@pytest.mark.parametrize("role", ["clerk", "auditor"])
def test_who_may_not_add_products_may_not_import_any(role: str, users: dict[Role, Any], client: Client):
    client.force_login(users[Role(role)])
    for what in ("products", "sales"):
        assert client.get(reverse("import", args=[what])).status_code == 403
        assert upload(client, what, PRODUCTS).status_code == 403
    client.logout()
    assert client.get(reverse("import", args=["products"])).status_code == 302


def test_a_file_is_its_users_alone_and_for_an_hour(manager: Client, folder: Path, users: dict[Role, Any]):
    there = upload(manager, "products", PRODUCTS).url
    other = Client()
    other.force_login(users[Role.OWNER])
    assert other.get(there).status_code == 302
    assert manager.get(there.replace("products", "sales")).status_code == 302
    assert manager.get(reverse("import-check", args=["products", "A" * 32])).status_code == 302
    assert manager.get(reverse("import", args=["nonsense"])).status_code == 404
    (made,) = folder.iterdir()
    old = time.time() - KEPT_SECONDS - 60
    os.utime(made, (old, old))
    uploads_sweep()
    assert kept(folder) == []


def test_a_forged_upload_is_refused(users: dict[Role, Any], folder: Path):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(users[Role.MANAGER])
    assert upload(strict, "products", PRODUCTS).status_code == 403
    assert kept(folder) == []
