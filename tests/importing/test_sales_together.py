"""Imports that die, meet another, or meet the counter; files that grow in any way."""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Count, Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from customers.models import CustomerOrder
from inventory.models import Order, OrderLine, OrderReturn, Product, StockMovement
from inventory.services import stock_adjust
from orchestrator.importing import sales
from orchestrator.importing.sales_storing import batch_store
from orchestrator.models import ImportedDocument
from tests.processes import Program

from .selling import USER, figures, line, on_hand, run, stock_is_sound, sums, written

INVOICES = 2400


def many() -> list[tuple[Any, ...]]:
    """Invoices of a line each, by the minute; every fifth cancelled later."""
    dates = [f"2010-{1 + n % 12:02d}-{1 + n % 28:02d} {n % 24:02d}:{n % 60:02d}" for n in range(INVOICES)]
    rows = [line(f"9{n:04d}", f"S{n % 50}", 1 + n % 3, date, customer=str(n % 90 + 1)) for n, date in enumerate(dates)]
    back = [line(f"C9{n:04d}", f"S{n % 50}", -1, "2010-12-30", customer=str(n % 90 + 1)) for n in range(0, INVOICES, 5)]
    return rows + back


def all_is_there() -> None:
    assert Order.objects.count() == INVOICES
    assert CustomerOrder.objects.count() == INVOICES
    assert OrderLine.objects.aggregate(sum=Sum("quantity"))["sum"] == sum(1 + n % 3 for n in range(INVOICES))
    assert OrderReturn.objects.count() == INVOICES // 5
    assert not OrderReturn.objects.filter(order=None).exists()
    assert ImportedDocument.objects.values("number").annotate(n=Count("pk")).filter(n__gt=1).count() == 0
    assert stock_is_sound()


@pytest.mark.django_db(transaction=True)
def test_killed_midway_it_leaves_whole_batches_and_the_next_run_adds_the_rest(tmp_path: Path) -> None:
    file = written(tmp_path / "many.csv", many())
    with Program("manage.py", "import_sales", file) as dying:
        dying.wait_until(ImportedDocument.objects.exists)
        dying.process.kill()
        dying.process.wait()
    taken = ImportedDocument.objects.count()
    assert Order.objects.count() + OrderReturn.objects.count() == taken < INVOICES
    assert stock_is_sound()
    result = sales.sales_import(path=file, user_id=USER)
    assert result.added == result.read - taken
    all_is_there()


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_do_not_double_it(tmp_path: Path) -> None:
    file = written(tmp_path / "many.csv", many())
    with (
        Program("manage.py", "import_sales", file, "--rejects", tmp_path / "1") as one,
        Program("manage.py", "import_sales", file, "--rejects", tmp_path / "2") as two,
    ):
        told = [program.process.communicate(timeout=120)[0].splitlines()[-1] for program in (one, two)]
        assert [one.process.returncode, two.process.returncode] == [0, 0], one.logged() + two.logged()
    added = [int(text.split("added ")[1].split(",")[0]) for text in told]
    assert sum(added) == INVOICES + INVOICES // 5
    all_is_there()


@pytest.mark.django_db
def test_the_counter_goes_on_selling_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock that the first batch opened for later ones is sold live before they come."""
    monkeypatch.setattr(sales, "BUNDLES_A_BATCH", 1)
    monkeypatch.setattr(sales, "PAUSE", 0)
    stored = []

    def store_and_sell(task: Any, batch: Any, *rest: Any) -> None:
        batch_store(task, batch, *rest)
        if not stored:
            with transaction.atomic():
                stock_adjust(product=Product.objects.get(), delta=Decimal(-4), user_id=USER)
        stored.append(batch)

    monkeypatch.setattr(sales, "batch_store", store_and_sell)
    rows = [line(str(n), quantity=5, date=f"2010-03-0{n}") for n in (1, 2, 3)]
    assert figures(run(tmp_path / "f.csv", rows)) == (3, 3, 0, 0)
    assert len(stored) == 3
    assert on_hand("W1") == 0
    assert StockMovement.objects.filter(reason__startswith="sold without being booked in").get().quantity == 4
    assert stock_is_sound()


@pytest.mark.django_db
def test_a_plan_made_before_something_changed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another import stores the same lines, and somebody makes the product, between plan and storing."""
    met = []

    def meet(task: Any, batch: Any, *rest: Any) -> None:
        if not met:
            met.append(batch)
            run(tmp_path / "g.csv", [line("1"), line("2")])
        batch_store(task, batch, *rest)

    monkeypatch.setattr(sales, "batch_store", meet)
    assert figures(run(tmp_path / "f.csv", [line("1"), line("2"), line("3")])) == (3, 1, 2, 0)
    assert sums() == (Decimal("7.50"), 0)
    assert stock_is_sound()


lines_of_files = st.lists(
    st.builds(
        lambda number, sku, quantity, day, customer: line(
            ("C" if quantity < 0 else "") + str(number), sku, quantity, f"2010-03-{day:02d}", "2.00", customer
        ),
        st.integers(1, 3),
        st.sampled_from(["A", "B", "b"]),
        st.integers(-4, 6).filter(bool),
        st.integers(1, 5),
        st.sampled_from(["", "8"]),
    ),
    max_size=6,
)


class Growth(TestCase):
    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(st.lists(lines_of_files, min_size=1, max_size=3), st.randoms(use_true_random=False))
    def test_a_file_that_grows_in_any_way_adds_exactly_what_is_new(self, pieces: list[Any], random: Any) -> None:
        with TemporaryDirectory() as folder:
            file, rows = Path(folder) / "f.csv", []
            for piece in pieces:
                rows = [*rows, *piece]
                random.shuffle(rows)
                result = run(file, rows)
                assert figures(result) == (len(rows), len(piece), len(rows) - len(piece), 0)
                assert stock_is_sound()
            assert figures(run(file, rows)) == (len(rows), 0, len(rows), 0)
            sold = sum(Decimal(row[3]) * 2 for row in rows if row[3] > 0)
            back = -sum(Decimal(row[3]) * 2 for row in rows if row[3] < 0)
            assert sums() == (sold, back)
