"""Stored forecasts: those of a night are made in chunks of a thousand products, side by side by any number of workers.

A chunk is claimed by a conditional update with a lease, computed outside of any transaction, and stored with its end in
one transaction that the lease's token fences: whatever dies or comes twice, each chunk counts once, and a lost one is
taken up by another worker when its lease has run out.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from audit.services import event_record
from inventory.models import Forecast, ForecastChunk, ForecastRun, OrderLine, OrderLineComponent, Product
from inventory.selectors import HISTORY_DAYS, HORIZON_DAYS, day_start
from shop_assistant.accounts.models import SYSTEM_USER_ID

from .planning import targets_refresh

CHUNK = 1000
"""products"""
LEASE = timedelta(minutes=5)
KEPT = timedelta(days=30)
"""Older runs are forgotten."""
COLUMNS = [f.name for f in Forecast._meta.concrete_fields if f.name not in ("id", "product")]


def forecast_refresh(*, product: Product, today: date) -> Forecast | None:
    """Store the forecast of the days from `today` on in place of the one before; None where it abstains."""
    forecasts_refresh(products=[product], today=today)
    stored: Forecast | None = Forecast.objects.filter(product=product).first()
    return stored


def forecasts_refresh(*, products: Sequence[Product], today: date, shop_days: Collection[date] | None = None) -> int:
    """Store these products' forecasts of the days from `today` on in place of those before, drop those of products with
    too little history now; how many were made. Eight queries and a few for the storing, however many products.

    :param shop_days: see `forecast_making.forecasts_make`.
    """
    rows = _made(products, today, shop_days)
    with transaction.atomic():
        _store(products, rows)
    return len(rows)


def run_plan(*, today: date) -> list[ForecastChunk]:
    """Begin the night's forecasts: a chunk for every thousand products; none when that was done already. Within a
    transaction.
    """
    last = today - timedelta(days=1)
    if ForecastRun.objects.filter(made_on=last).exists():
        return []
    # What is left of an earlier night would put its older forecasts in place of the new ones.
    ForecastRun.objects.filter(Q(finished_at=None) | Q(made_on__lt=last - KEPT), made_on__lt=last).delete()
    keys = list(products_sold(today=today).order_by("pk").values_list("pk", flat=True))
    count = -(-len(keys) // CHUNK) or 1
    size = -(-len(keys) // count)
    parts = [keys[begin : begin + size] for begin in range(0, len(keys), size)] if keys else []
    run, new = ForecastRun.objects.get_or_create(
        made_on=last, defaults={"chunks_left": len(parts), "products": len(keys)}
    )
    if not new:
        return []
    chunks = ForecastChunk.objects.bulk_create(
        ForecastChunk(run=run, first_product=part[0], last_product=part[-1]) for part in parts
    )
    if not chunks:
        _finish(run)
    return chunks


def chunk_forecast(*, chunk_id: int) -> bool:
    """Forecast a chunk's products; False when another worker has it, or it is done."""
    token, now = uuid4(), timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    if not ForecastChunk.objects.filter(free, pk=chunk_id, done_at=None).update(
        lease_until=now + LEASE, lease_token=token
    ):
        return False
    chunk = ForecastChunk.objects.select_related("run").filter(pk=chunk_id).first()
    if chunk is None:
        return False  # the run was begun again meanwhile
    today = chunk.run.made_on + timedelta(days=1)
    products = list(products_sold(today=today).filter(pk__range=(chunk.first_product, chunk.last_product)))
    rows = _made(products, today, None)
    with transaction.atomic():
        if not ForecastChunk.objects.filter(pk=chunk_id, lease_token=token, done_at=None).update(
            done_at=timezone.now(), lease_until=None
        ):
            return False
        _store(products, rows)
        ForecastRun.objects.filter(pk=chunk.run_id).update(
            chunks_left=F("chunks_left") - 1, forecasts=F("forecasts") + len(rows)
        )
    for run in ForecastRun.objects.filter(pk=chunk.run_id, chunks_left=0, finished_at=None):
        _finish(run)
    return True


def chunks_waiting() -> list[int]:
    """Primary keys of chunks that nobody works on: their message was lost, or their worker died."""
    free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    return list(ForecastChunk.objects.filter(free, done_at=None).order_by("pk").values_list("pk", flat=True))


def runs_finish() -> None:
    """End runs whose last chunk was done by a worker that died before it could."""
    for run in ForecastRun.objects.filter(chunks_left=0, finished_at=None):
        _finish(run)


def products_sold(*, today: date) -> QuerySet[Product]:
    """Active products that were sold, alone or in a kit, within the history that forecasts rest on."""
    since = day_start(today - timedelta(days=HISTORY_DAYS))
    sold = OrderLine.objects.filter(product=OuterRef("pk"), order__occurred_at__gte=since)
    in_kits = OrderLineComponent.objects.filter(product=OuterRef("pk"), line__order__occurred_at__gte=since)
    rows: QuerySet[Product] = Product.objects.filter(Exists(sold) | Exists(in_kits), active=True).order_by("pk")
    return rows


def forecasts_tell(*, made_on: date, forecasts: int, targets: int) -> None:
    """Tell the trail what was made."""
    event_record(
        "FORECASTS_MADE",
        user_id=SYSTEM_USER_ID,
        made_on=str(made_on),
        horizon_days=HORIZON_DAYS,
        products=forecasts,
        reorder_points=targets,
    )


def _finish(run: ForecastRun) -> None:
    with transaction.atomic():
        if ForecastRun.objects.filter(pk=run.pk, finished_at=None).update(finished_at=timezone.now()):
            Forecast.objects.filter(made_on__lt=run.made_on).delete()
            targets = targets_refresh(today=run.made_on + timedelta(days=1))
            ForecastRun.objects.filter(pk=run.pk).update(reorder_points=targets)
            forecasts_tell(made_on=run.made_on, forecasts=run.forecasts, targets=targets)


def _made(products: Sequence[Product], today: date, shop_days: Collection[date] | None) -> list[Forecast]:
    # Late import: numpy, which only the worker and the commands need.
    from inventory.forecast_making import forecasts_make

    made = forecasts_make(products, today=today, shop_days=shop_days)
    return [row for row in made.values() if isinstance(row, Forecast)]


def _store(products: Sequence[Product], rows: Sequence[Forecast]) -> None:
    kept = {row.product_id for row in rows}
    gone = [product.pk for product in products if product.pk not in kept]
    for begin in range(0, len(gone), 500):
        Forecast.objects.filter(product__in=gone[begin : begin + 500]).delete()
    Forecast.objects.bulk_create(
        rows, batch_size=200, update_conflicts=True, unique_fields=["product"], update_fields=COLUMNS
    )
