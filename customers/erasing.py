"""What customers have to do where an old backup brought erased ones back."""

from audit.history import authored
from shop_assistant.tracking import SYSTEM
from shop_assistant.vault.erasing import after_restore

from .models import Customer, ErasureRequest
from .services import erasure_by_policy


@after_restore
def erase_customers(subjects: list[str]) -> int:
    """:param subjects: names of keys that were destroyed before; some of them are customers'."""
    again = Customer.objects.filter(public_id__in=subjects, erased_at=None).order_by("pk")
    with authored(SYSTEM, "erased again after a restore"):
        for customer in again:
            erasure_by_policy(customer=customer, ground=ErasureRequest.Ground.RESTORED, journalled=True)
    return len(again)
