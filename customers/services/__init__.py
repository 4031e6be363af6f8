"""Everything that writes customers' data. What an order is worth in points is `loyalty`'s to say."""

from ..loyalty import points_adjust, points_earn, points_for, points_redeem, points_refund, value_of
from .erasing import (
    customer_erase,
    erasure_by_policy,
    erasure_confirm,
    erasure_decline,
    erasure_request,
    erasures_journal,
)
from .people import (
    NewCustomer,
    customer_create,
    customer_update,
    customers_create_all,
    interaction_record,
    order_link,
)
from .tickets import ticket_assign, ticket_create, ticket_reply, ticket_set_status

__all__ = [
    "NewCustomer",
    "customer_create",
    "customer_erase",
    "customer_update",
    "customers_create_all",
    "erasure_by_policy",
    "erasure_confirm",
    "erasure_decline",
    "erasure_request",
    "erasures_journal",
    "interaction_record",
    "order_link",
    "points_adjust",
    "points_earn",
    "points_for",
    "points_redeem",
    "points_refund",
    "ticket_assign",
    "ticket_create",
    "ticket_reply",
    "ticket_set_status",
    "value_of",
]
