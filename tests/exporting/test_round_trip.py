"""What one shop exports another takes in: products with their stock, sales with what came back."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from inventory.models import Order, Product
from tests.exporting.conftest import NAME, exported, lines_of

pytestmark = pytest.mark.django_db

TOLD = ("sku", "name", "barcode", "category", "supplier", "unit", "cost", "list_price", "tax_rate", "active", "stock")
SOLD = ("kind", "sku", "quantity", "unit_price", "time")


@pytest.fixture
def moved(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """`moved("csv")` exports a shop's products and sales as such files, and leaves an empty shop; what was in them."""

    def move(format: str) -> dict[str, Any]:
        before = transaction.savepoint()
        request.getfixturevalue("traded")
        for name in ("inventory", "sales"):
            (tmp_path / f"{name}.{format}").write_bytes(exported(name, format))
        told = {name: lines_of(name) for name in ("inventory", "sales")}
        transaction.savepoint_rollback(before)
        assert not Product.objects.exists()
        return told

    return move


def taken(command: str, file: Path) -> str:
    said = io.StringIO()
    call_command(command, str(file), stdout=said)
    return said.getvalue().strip().splitlines()[-1]


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_a_shop_moves_in(format: str, moved, tmp_path):
    told = moved(format)
    assert taken("import_products", tmp_path / f"inventory.{format}") == "read 3, added 3, unchanged 0, rejected 0"
    assert _parts(lines_of("inventory"), TOLD) == _parts(told["inventory"], TOLD)
    assert Product.objects.get(sku="SKU003").name == NAME
    assert taken("import_sales", tmp_path / f"sales.{format}") == "read 24, added 24, unchanged 0, rejected 0"
    assert sorted(_parts(lines_of("sales"), SOLD), key=str) == sorted(_parts(told["sales"], SOLD), key=str)
    assert [bool(line["customer"]) for line in lines_of("sales")] == [bool(line["customer"]) for line in told["sales"]]
    assert {line["invoice"] for line in told["sales"] if line["kind"] == "sale"} == set(
        Order.objects.values_list("reference", flat=True)
    )


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_taking_it_in_again_changes_nothing(format: str, traded, tmp_path):
    for name in ("inventory", "sales"):
        (tmp_path / f"{name}.{format}").write_bytes(exported(name, format))
    before = lines_of("inventory"), lines_of("sales")
    assert taken("import_products", tmp_path / f"inventory.{format}") == "read 3, added 0, unchanged 3, rejected 0"
    assert taken("import_sales", tmp_path / f"sales.{format}") == "read 24, added 0, unchanged 24, rejected 0"
    assert (lines_of("inventory"), lines_of("sales")) == before


def _parts(lines: list[dict[str, Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Times to the second, as the import keeps them."""
    return [tuple(line[name][:19] if name == "time" else line[name] for name in names) for line in lines]
