"""References such as S-000123: without gaps, since the counter rolls back with its transaction."""

from django.db.models import F

from inventory.models import ReferenceCounter


def next_reference(*, prefix: str) -> str:
    """Take the next number. Its counter stays locked to the transaction's end: call this as late as possible."""
    counter = ReferenceCounter.objects.filter(prefix=prefix)
    if not counter.update(last=F("last") + 1):
        ReferenceCounter.objects.bulk_create([ReferenceCounter(prefix=prefix)], ignore_conflicts=True)
        counter.update(last=F("last") + 1)
    return str(counter.get())
