"""Each way that Django has to change a row either writes its history, sealed in an event, or is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import models, transaction
from django.db.models import F, Value

from audit.completeness.histories import tracked_models
from audit.models import Outbox
from shop_assistant.bulk import rows_insert, rows_update
from shop_assistant.tracking import history_of

from .examples import EXAMPLES

MODELS = {model._meta.label: model for model in tracked_models()}
pytestmark = pytest.mark.django_db
each_model = pytest.mark.parametrize("label", sorted(EXAMPLES))


def test_every_model_with_a_history_is_tried():
    assert set(MODELS) == set(EXAMPLES)


def saved(label: str) -> Any:
    row = EXAMPLES[label][0]()
    row.save()
    return row


def copied(label: str) -> dict[str, Any]:
    """What `create` is given for another such row."""
    row = EXAMPLES[label][0]()
    names = [f.attname for f in row._meta.concrete_fields if not (f.primary_key and row.pk is None)]
    return {name: getattr(row, name) for name in names}


def changed(label: str) -> dict[str, Any]:
    _, name, value = EXAMPLES[label]
    return {name: value() if callable(value) else value}


def set_on(row: Any, values: dict[str, Any]) -> Any:
    for name, value in values.items():
        setattr(row, name, value)
    return row


def way_create(model: Any, label: str) -> Any:
    return model.objects.create(**copied(label)).pk


def way_save(model: Any, label: str) -> Any:
    row = set_on(saved(label), changed(label))
    row.save()
    return row.pk


def way_save_of_one_column(model: Any, label: str) -> Any:
    row = set_on(saved(label), changed(label))
    row.save(update_fields=[EXAMPLES[label][1]])
    return row.pk


def way_save_of_what_was_loaded(model: Any, label: str) -> Any:
    row = model.objects.only("pk", EXAMPLES[label][1]).get(pk=saved(label).pk)
    set_on(row, changed(label)).save()
    return row.pk


def way_get_or_create(model: Any, label: str) -> Any:
    return model.objects.get_or_create(**copied(label))[0].pk


def way_update_or_create(model: Any, label: str) -> Any:
    return model.objects.update_or_create(pk=saved(label).pk, defaults=changed(label))[0].pk


def way_delete(model: Any, label: str) -> Any:
    row = saved(label)
    pk = row.pk
    row.delete()
    return pk


def way_delete_of_many(model: Any, label: str) -> Any:
    pk = saved(label).pk
    model.objects.filter(pk=pk).delete()
    return pk


def way_delete_by_the_base_manager(model: Any, label: str) -> Any:
    pk = saved(label).pk
    model._base_manager.filter(pk=pk).delete()
    return pk


def way_create_all(model: Any, label: str) -> Any:
    return model.objects.create_all([EXAMPLES[label][0]()])[0].pk


def way_change_all(model: Any, label: str) -> Any:
    row = set_on(saved(label), changed(label))
    model.objects.change_all([row], [EXAMPLES[label][1]])
    return row.pk


def way_raw_save_of_a_fixture(model: Any, label: str) -> Any:
    row = set_on(saved(label), changed(label))
    row.save_base(raw=True)
    return row.pk


def way_marked_to_skip_history(model: Any, label: str) -> Any:
    row = set_on(saved(label), changed(label))
    row.skip_history_when_saving = True
    row.save()
    return row.pk


WRITTEN: list[Callable[[Any, str], Any]] = [
    function for name, function in list(globals().items()) if name.startswith("way_")
]


@each_model
def test_what_is_changed_has_its_history_and_its_event(label: str, gaps: Callable[[], list[str]]):
    model = MODELS[label]
    assert gaps() == []
    for way in WRITTEN:
        pk = way(model, label)
        kept = list(history_of(model).objects.filter(**{model._meta.pk.name: pk}).order_by("history_id"))
        assert kept, way.__name__
        if "delete" in way.__name__:
            assert kept[-1].history_type == "-", way.__name__
        elif way is not way_create and "create" not in way.__name__:
            assert kept[-1].history_type == "~", way.__name__
        told = json.loads(Outbox.objects.latest("id").payload)["history"]
        assert kept[-1].history_id in [row["history_id"] for row in told], way.__name__
    assert gaps() == []


REFUSED: dict[str, Callable[[Any, Any, dict[str, Any]], Any]] = {
    "update": lambda model, row, values: model.objects.filter(pk=row.pk).update(**values),
    "aupdate": lambda model, row, values: async_to_sync(model.objects.filter(pk=row.pk).aupdate)(**values),
    "bulk_update": lambda model, row, values: model.objects.bulk_update([set_on(row, values)], list(values)),
    "bulk_create": lambda model, row, values: model.objects.bulk_create([row]),
    "_base_manager": lambda model, row, values: model._base_manager.filter(pk=row.pk).update(**values),
    "_default_manager": lambda model, row, values: model._default_manager.all().update(**values),
    "_raw_delete": lambda model, row, values: model._base_manager.filter(pk=row.pk)._raw_delete("default"),
    "values": lambda model, row, values: model.objects.filter(pk=row.pk).values("pk").update(**values),
    "expression": lambda model, row, values: set_on(row, {name: F(name) for name in values}).save(),
    "value": lambda model, row, values: set_on(row, {name: Value(v) for name, v in values.items()}).save(),
    "rows_insert": lambda model, row, values: rows_insert(model, list(values), [list(values.values())]),
    "rows_update": lambda model, row, values: rows_update(model, next(iter(values)), {row.pk: values.popitem()[1]}),
}


def refusal(way: Callable[..., Any], *given: Any) -> str:
    try:
        with transaction.atomic():
            way(*given)
    except TypeError as error:
        return str(error)
    return "nothing"


@each_model
def test_what_would_leave_no_history_is_refused(label: str):
    model, row = MODELS[label], saved(label)
    assert not hasattr(row, "save_without_historical_record")
    before = list(models.QuerySet(model).order_by("pk").values())
    count = history_of(model).objects.count()
    for name, way in REFUSED.items():
        said = refusal(way, model, model.objects.get(pk=row.pk), changed(label))
        assert "keeps a history" in said, name
    assert list(models.QuerySet(model).order_by("pk").values()) == before
    assert history_of(model).objects.count() == count


def test_rows_that_hang_on_another_are_not_changed_through_it():
    line = saved("inventory.PurchaseOrderLine")
    order, product = line.purchase_order, line.product
    for change in (
        lambda: order.lines.update(quantity=9),
        lambda: order.lines.bulk_update([line], ["quantity"]),
        lambda: order.supplier.products.add(product),
        lambda: order.supplier.purchase_orders.update(status="sent"),
    ):
        with pytest.raises(TypeError, match="keeps a history"), transaction.atomic():
            change()
    order.supplier.products.add(product, bulk=False)
    assert product.history.latest("history_id").supplier_id == order.supplier_id


def test_a_row_goes_with_what_it_hangs_on(gaps: Callable[[], list[str]]):
    line = saved("inventory.PurchaseOrderLine")
    pk, model = line.pk, type(line)
    line.purchase_order.delete()
    assert model.history.filter(id=pk).latest("history_id").history_type == "-"
    assert [gap for gap in gaps() if "PurchaseOrder" in gap] == []


def test_a_column_saved_alone_takes_nothing_else_into_the_history(gaps: Callable[[], list[str]]):
    """Neither what was set and not saved, nor what another process has changed meanwhile."""
    row = saved("inventory.Product")
    twin = type(row).objects.get(pk=row.pk)
    twin.name = "Renamed"
    twin.save()
    row.barcode, row.list_price = "not saved", 13
    row.save(update_fields=["list_price"])
    kept = row.history.latest("history_id")
    assert (kept.name, kept.barcode, kept.list_price) == ("Renamed", None, 13)
    assert [gap for gap in gaps() if "Product" in gap] == []


def test_columns_without_a_history_may_be_changed_as_ever():
    user = saved("accounts.User")
    count = user.history.count()
    assert type(user).objects.filter(pk=user.pk).update(first_name="Ann", last_login=None) == 1
    user.save(update_fields=["last_login"])
    assert user.history.count() == count


@pytest.mark.django_db(transaction=True)
def test_a_row_whose_history_cannot_be_written_is_not_saved(monkeypatch: pytest.MonkeyPatch):
    """In autocommit, where the row would be committed by then."""
    model = MODELS["inventory.Category"]

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(history_of(model), "save", broken)
    with pytest.raises(RuntimeError):
        model.objects.create(name="Gadgets")
    assert not model.objects.exists()
    assert not Outbox.objects.exists()
