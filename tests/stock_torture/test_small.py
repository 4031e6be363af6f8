"""A small `manage.py inventory_torture`, on the tests' own database; and whether its judge sees what is wrong."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from inventory.models import Reservation, StockLevel
from orchestrator.stock_torture.judge import judge
from orchestrator.stock_torture.places import throw_away_shop
from orchestrator.stock_torture.running import shop_torture
from orchestrator.stock_torture.shop import shop_fill
from tests.processes import environment


@pytest.mark.django_db(transaction=True)
def test_the_books_stay_right_and_what_is_bent_is_found(tmp_path: Path) -> None:
    opening = {sku: str(units) for sku, units in shop_fill().items()}
    (tmp_path / "opening.json").write_text(json.dumps(opening))
    told = environment(TORTURE_FOLDER=str(tmp_path), PURCHASE_APPROVAL_LIMIT="999999999")
    report = shop_torture(told, seconds=3, processes=2, seed=7)
    assert report["ok"], report["checks"]
    assert report["looks"] > 0
    assert report["operations"]["sales.sell"]["done"] > 0

    level = StockLevel.objects.filter(product__sku="HOT01", on_hand__gt=0).first()
    assert level is not None
    StockLevel.objects.filter(pk=level.pk).update(on_hand=level.on_hand + Decimal(1))
    Reservation.objects.create(reference="V-777777", user_id="nobody")
    checks = judge(folder=tmp_path, opening=opening, processes=2)["checks"]
    assert [name for name, found in checks.items() if found != "ok"] == [
        "ledger = balance, reserved = reservations",
        "stock is what callers were told",
        "what callers were told of is there once, and nothing else",
    ]


@pytest.mark.django_db(transaction=True)
def test_it_works_in_a_database_that_is_gone_afterwards() -> None:
    with throw_away_shop() as told:
        folder, url = Path(told["TORTURE_FOLDER"]), told["DATABASE_URL"]
        assert folder.exists()
        assert str(settings.DATABASES["default"]["NAME"]) not in url
        assert known(url)
    assert not folder.exists()
    assert not known(url)


def known(url: str) -> bool:
    """Whether the server has this database; of SQLite the folder says."""
    if connection.vendor != "postgresql":
        return Path(url.removeprefix("sqlite:///")).parent.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [url.rpartition("/")[2]])
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("options", [{"processes": 0}, {"seconds": 0.0}])
def test_wrong_usage(options: dict[str, float]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("inventory_torture", stdout=StringIO(), **options)
    assert refused.value.returncode == 2
