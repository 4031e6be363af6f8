"""Fills the empty database of its environment with a large catalogue and a year of its sales: `large_shop.py PRODUCTS`.

tests/benchmarks/lists.py runs it. Prints a token of its owner's.
"""

import sys
from io import StringIO

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from inventory.models import Location, StockLevel, Warehouse  # noqa: E402
from shop_assistant.accounts.models import User  # noqa: E402
from shop_assistant.accounts.sessions import session_open  # noqa: E402
from tests.programs.forecast_bench import catalogue, sales, say  # noqa: E402
from tests.torture.places import PASSWORD  # noqa: E402


def main(count: int) -> None:
    call_command("upgrade", verbosity=0, stdout=StringIO())
    place = Location.objects.create(code="A-01", warehouse=Warehouse.objects.create(code="MAIN", name="Main"))
    say(f"making {count} products, a year of their sales, and forecasts")
    keys = catalogue(count)
    levels = (StockLevel(product_id=key, location=place, on_hand=at % 40) for at, key in enumerate(keys))
    StockLevel.objects.bulk_create(levels, batch_size=5000)
    sales(keys, timezone.localdate(), place)
    call_command("inventory_forecast", stdout=StringIO())
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    owner = User.objects.create_superuser("owner", "", PASSWORD, public_id="USER-OWNER")
    print(session_open(user=owner)["access"])


if __name__ == "__main__":
    main(int(sys.argv[1]))
