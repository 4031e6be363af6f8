"""The book of points against the balances."""

from collections.abc import Iterator

from django.db.models import Count, Max, Sum

from audit.completeness import Gap, Look, check, entries_merged

from .models import LoyaltyAccount, LoyaltyEntry

CHUNK = 2000


@check("points", "loyalty entries against the balances of points")
def points_add_up(look: Look) -> Iterator[Gap]:
    accounts = LoyaltyAccount.objects.order_by("pk").values_list("pk", "balance", "entries", "customer__public_id")
    booked = LoyaltyEntry.objects.order_by("account_id").values_list("account_id")
    booked = booked.annotate(points=Sum("points"), last=Max("number"), count=Count("pk"))
    for _, account, entries in entries_merged(
        ((row[0], row[1:]) for row in accounts.iterator(chunk_size=CHUNK)),
        ((row[0], row[1:]) for row in booked.iterator(chunk_size=CHUNK)),
    ):
        look.rows["points"] += 1
        if account is None:
            continue  # the database itself refuses entries without an account
        balance, number, customer = account
        points, last, count = entries or (0, 0, 0)
        if (balance, number, number) != (points, last, count):
            how = f"are {balance} after {number} entries, but its {count} entries add up to {points}"
            yield Gap("points", f"points of {customer}", how)
