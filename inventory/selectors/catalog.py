"""Products and what surrounds them, found by the codes people type."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Lower

from inventory.models import Category, KitComponent, Location, Product, Supplier
from shop_assistant.agents.errors import NotFound
from shop_assistant.compiled import Compiled

COMPANIONS = ("category", "supplier", "reorder_policy", "reorder_target")
"""What comes along with a product."""
IS_KIT = Exists(KitComponent.objects.filter(kit=OuterRef("pk")))
"""Whether a product is made of others, annotated as `is_kit` where products are read to be sold."""
NEAREST = 3
"""So many similar codes are named when one is unknown."""
CANDIDATES = 50
"""So many are looked at of each kind: sorted just before and after, and with the same end."""


def product_get(*, sku: str) -> Product:
    """The product with this SKU, in any case; one query. Category, policy and target come along.

    :raises NotFound: with the nearest existing SKUs.
    """
    found = _WITH_SKU.first(sku=sku.strip())
    if found is None:
        raise NotFound(f"{sku} not found in inventory", sku=sku, available_skus=_nearest_skus(sku))
    return found


def products_get(*, skus: Iterable[str]) -> dict[str, Product]:
    """The products with these SKUs, keyed by each spelling as it was given; one query.

    :raises NotFound: for the first unknown one, with the nearest existing SKUs; `unknown` lists them all.
    """
    asked = list(dict.fromkeys(skus))
    if len(asked) == 1:
        rows = _WITH_SKU.all(sku=asked[0].strip())
    else:
        rows = list(_products().filter(folded__in=[Lower(Value(sku.strip())) for sku in asked])) if asked else []
    known = {p.sku.lower(): p for p in rows} | {p.sku: p for p in rows}
    found = {sku: known.get(sku.strip()) or known.get(sku.strip().lower()) for sku in asked}
    if unknown := [sku for sku, product in found.items() if product is None]:
        raise NotFound(
            f"{unknown[0]} not found in inventory",
            sku=unknown[0],
            available_skus=_nearest_skus(unknown[0]),
            unknown=unknown,
        )
    return {sku: product for sku, product in found.items() if product is not None}


def category_get(*, name: str) -> Category:
    """:raises NotFound: with some existing ones."""
    found = Category.objects.alias(folded=Lower("name")).filter(folded=Lower(Value(name.strip()))).first()
    if found is None:
        names = Category.objects.values_list("name", flat=True)[:500]
        raise NotFound(f"There is no category {name}.", category=name, available=_nearest(name, names, 5))
    return found


def supplier_get(*, code: str) -> Supplier:
    """:raises NotFound: with the nearest existing codes."""
    found = Supplier.objects.alias(folded=Lower("code")).filter(folded=Lower(Value(code.strip()))).first()
    if found is None:
        codes = Supplier.objects.order_by("code").values_list("code", flat=True)[:500]
        raise NotFound(f"There is no supplier {code}.", supplier=code, available=_nearest(code, codes, 5))
    return found


def location_get(*, code: str) -> Location:
    """:raises NotFound: with the nearest existing codes."""
    found = Location.objects.alias(folded=Lower("code")).filter(folded=Lower(Value(code.strip()))).first()
    if found is None:
        codes = Location.objects.values_list("code", flat=True)[:500]
        raise NotFound(f"There is no location {code}.", location=code, available=_nearest(code, codes, 5))
    return found


def _products() -> QuerySet[Any]:
    rows: QuerySet[Any] = Product.objects.alias(folded=Lower("sku")).annotate(is_kit=IS_KIT)
    return rows.select_related(*COMPANIONS)


_WITH_SKU: Compiled[Product] = Compiled(lambda sku: _products().filter(folded=Lower(Value(sku))).order_by(), sku=str)


def _nearest_skus(sku: str) -> list[str]:
    """Neighbours in the index share the longest beginnings; a few more share the end. Never the whole catalogue."""
    rows: QuerySet[Any] = Product.objects.alias(folded=Lower("sku"))
    asked = Lower(Value(sku))
    candidates = {
        *rows.filter(folded__gte=asked).order_by("folded").values_list("sku", flat=True)[:CANDIDATES],
        *rows.filter(folded__lt=asked).order_by("-folded").values_list("sku", flat=True)[:CANDIDATES],
        *rows.filter(sku__iendswith=sku[-3:]).order_by("folded").values_list("sku", flat=True)[:CANDIDATES],
    }
    return _nearest(sku, candidates, NEAREST)


def _nearest(asked: str, candidates: Iterable[str], count: int) -> list[str]:
    """The most alike first, equals in alphabetical order."""
    matcher = SequenceMatcher(b=asked.lower())

    def unlike(candidate: str) -> tuple[float, str]:
        matcher.set_seq1(candidate.lower())
        return -matcher.ratio(), candidate

    return sorted(candidates, key=unlike)[:count]
